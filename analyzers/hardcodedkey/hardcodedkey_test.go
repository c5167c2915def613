package hardcodedkey_test

import (
	"testing"

	"golang.org/x/tools/go/analysis/analysistest"

	"github.com/remint/remint/analyzers/hardcodedkey"
)

func TestStandardLibrary(t *testing.T) {
	analysistest.Run(t, analysistest.TestData(), hardcodedkey.Analyzer, "stdlib")
}

func TestSilent(t *testing.T) {
	analysistest.Run(t, analysistest.TestData(), hardcodedkey.Analyzer, "silent")
}

func TestFacts(t *testing.T) {
	analysistest.Run(t, analysistest.TestData(), hardcodedkey.Analyzer, "chain/config", "chain/client", "chain/cmd")
}

func TestFixes(t *testing.T) {
	if err := hardcodedkey.Analyzer.Flags.Set("env", "true"); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = hardcodedkey.Analyzer.Flags.Set("env", "false") }()
	analysistest.RunWithSuggestedFixes(t, analysistest.TestData(), hardcodedkey.Analyzer, "fixes")
}

func TestNonces(t *testing.T) {
	analysistest.Run(t, analysistest.TestData(), hardcodedkey.Analyzer, "nonces")
}

func TestNamed(t *testing.T) {
	analysistest.Run(t, analysistest.TestData(), hardcodedkey.Analyzer, "named")
}

func TestInjectFixes(t *testing.T) {
	if err := hardcodedkey.Analyzer.Flags.Set("inject", "true"); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = hardcodedkey.Analyzer.Flags.Set("inject", "false") }()
	analysistest.RunWithSuggestedFixes(t, analysistest.TestData(), hardcodedkey.Analyzer, "injects")
}
