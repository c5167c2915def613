package fix

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/remint/remint/scanner/scope/derive"
)

// deriving is how long a plan waits for what a Go program needs.
const deriving = time.Minute

// needs is what the project's Go code needs to be granted, nil where it is no
// module or that cannot be told. It is read once.
func (p *Project) needs(ctx context.Context) *derive.Needs {
	if p.read {
		return p.derived
	}
	p.read = true
	if _, err := os.Stat(filepath.Join(p.Root, "go.mod")); err != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, deriving)
	defer cancel()
	if n, err := derive.Program(ctx, p.Root, []string{"./..."}); err == nil {
		p.derived = n
	}
	return p.derived
}

// derivable are the minters whose scopes are what derive knows, and its name
// for them.
var derivable = map[string]string{"awsiam": "aws", "github": "github"}

// derive proposes what the Go code of an item's places needs as its scope. It
// decides only where nothing is unknown and nobody else has the key in this
// project; else it is a note.
func (p *Project) derive(ctx context.Context, i *Item) bool {
	provider := derivable[i.Minter]
	if provider == "" || !slices.ContainsFunc(i.Places, isGo) {
		return false
	}
	n := p.needs(ctx)
	if n == nil {
		return false
	}
	brief := n.Brief(provider)
	switch {
	case brief == "":
		return false
	case provider == "aws" && len(n.Unknown) == 0 && !slices.ContainsFunc(i.Places, func(at *Place) bool { return !isGo(at) }):
		i.Scope = brief
		i.Notes = append(i.Notes, "its scope is what the Go code calls (remint scope derive); where the key has other users, widen it")
		return true
	case len(n.Unknown) > 0:
		i.Notes = append(i.Notes, "the Go code needs at least: "+brief+" (remint scope derive says what is not known)")
	default:
		i.Notes = append(i.Notes, "the Go code needs: "+brief)
	}
	return false
}

func isGo(at *Place) bool { return strings.HasSuffix(at.File, ".go") }
