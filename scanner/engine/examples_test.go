package engine

import (
	"testing"

	"github.com/remint/remint/scanner/rule"
)

// TestCatalogue is the bar for every rule: `remint rules test` makes the same call.
func TestCatalogue(t *testing.T) {
	faults, err := CheckExamples(rule.Catalogue(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range faults {
		t.Error(f)
	}
}
