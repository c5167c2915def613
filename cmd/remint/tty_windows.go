//go:build windows

package main

import "os"

// openTerminal opens the console for reading.
func openTerminal() (*os.File, error) { return os.OpenFile("CONIN$", os.O_RDWR, 0) }
