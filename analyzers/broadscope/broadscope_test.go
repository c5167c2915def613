package broadscope_test

import (
	"testing"

	"golang.org/x/tools/go/analysis/analysistest"

	"github.com/remint/remint/analyzers/broadscope"
)

func TestOAuth(t *testing.T) {
	analysistest.Run(t, analysistest.TestData(), broadscope.Analyzer, "oauth", "unknown")
}

func TestPolicies(t *testing.T) {
	analysistest.Run(t, analysistest.TestData(), broadscope.Analyzer, "policy")
}

func TestKubernetes(t *testing.T) {
	analysistest.Run(t, analysistest.TestData(), broadscope.Analyzer, "rbac")
}

func TestFixes(t *testing.T) {
	if err := broadscope.Analyzer.Flags.Set("narrow", "true"); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = broadscope.Analyzer.Flags.Set("narrow", "false") }()
	analysistest.RunWithSuggestedFixes(t, analysistest.TestData(), broadscope.Analyzer, "fixes")
}
