// Package analyzers lists the analyzers of Go code. Each is a folder; they run
// under go vet (-vettool), golangci-lint and remint vet.
package analyzers

import (
	"golang.org/x/tools/go/analysis"

	"github.com/remint/remint/analyzers/broadscope"
	"github.com/remint/remint/analyzers/hardcodedkey"
	"github.com/remint/remint/analyzers/longlived"
)

// All returns every analyzer.
func All() []*analysis.Analyzer {
	return []*analysis.Analyzer{hardcodedkey.Analyzer, broadscope.Analyzer, longlived.Analyzer}
}
