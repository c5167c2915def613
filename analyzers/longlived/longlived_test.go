package longlived_test

import (
	"testing"

	"golang.org/x/tools/go/analysis/analysistest"

	"github.com/remint/remint/analyzers/longlived"
)

func TestTokens(t *testing.T) {
	analysistest.Run(t, analysistest.TestData(), longlived.Analyzer, "tokens")
}

func TestTimes(t *testing.T) {
	analysistest.Run(t, analysistest.TestData(), longlived.Analyzer, "times")
}

func TestTable(t *testing.T) {
	if n := len(longlived.Rows()); n < 30 {
		t.Errorf("only %d rows", n)
	}
	for _, r := range longlived.Rows() {
		switch r.Unit {
		case "time", "seconds", "duration", "text":
		default:
			t.Errorf("%s %s: %q is no unit", r.Package, r.Symbol(), r.Unit)
		}
		switch r.Absence {
		case "report", "given":
			if r.Without == "-" {
				t.Errorf("%s %s does not say what happens without", r.Package, r.Symbol())
			}
		case "-":
		default:
			t.Errorf("%s %s: %q", r.Package, r.Symbol(), r.Absence)
		}
	}
}
