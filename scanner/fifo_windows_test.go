package scanner_test

import "testing"

func makeFIFO(*testing.T, string) {}
