package config

import (
	"errors"
	"strings"
	"sync/atomic"

	"github.com/bmatcuk/doublestar/v4"
)

// Globs are patterns for paths, as .gitignore has them: a pattern without a
// slash holds at any depth, one with a slash from the top; a slash at the end
// means directories; "**" stands for any number of directories; "!" takes
// back; the last pattern that speaks of a path decides, and what is under a
// directory shares its fate.
type Globs struct {
	list []glob
	// last is the directory that was asked about last: walks ask again.
	last atomic.Pointer[verdict]
}

type verdict struct {
	dir     string
	matches bool
}

type glob struct {
	pattern string
	text    string // as it was written
	line    int
	literal bool
	anyDir  bool // tried on the last element alone
	dirOnly bool
	negate  bool
}

// maxGlob bounds a pattern, in bytes.
const maxGlob = 1024

// maxPath bounds, in bytes, the paths whose directories are looked at too. No
// file system has longer ones, but an archive can.
const maxPath = 4096

func parseGlob(text string, line int) (glob, error) {
	g := glob{text: text, line: line}
	p, negate := strings.CutPrefix(text, "!")
	g.negate = negate
	p, anchored := strings.CutPrefix(strings.TrimPrefix(p, "./"), "/")
	p, g.dirOnly = strings.CutSuffix(p, "/")
	switch {
	case p == "":
		return g, errors.New("the pattern is empty")
	case len(p) > maxGlob:
		return g, errors.New("the pattern is too long")
	case strings.Contains("/"+p+"/", "/../"):
		return g, errors.New(".. would lead out of the project: take it out of the pattern")
	case braces(p):
		return g, errors.New("braces mean nothing in a .gitignore pattern: write one pattern for each alternative, or \\{ for a brace")
	case !doublestar.ValidatePattern(p):
		return g, errors.New("the pattern is malformed: [ without ], or \\ at the end")
	}
	g.anyDir = !anchored && !strings.Contains(p, "/")
	g.literal = !strings.ContainsAny(p, `*?[\`)
	g.pattern = p
	return g, nil
}

// braces tells whether the pattern holds a brace that is not escaped.
func braces(p string) bool {
	for i := 0; i < len(p); i++ {
		switch p[i] {
		case '\\':
			i++
		case '{', '}':
			return true
		}
	}
	return false
}

func (g *glob) match(path string) bool {
	if g.anyDir {
		path = path[strings.LastIndexByte(path, '/')+1:]
	}
	if g.literal {
		return path == g.pattern
	}
	return doublestar.MatchUnvalidated(g.pattern, path)
}

// Match tells whether the patterns take in a path, slash-separated and
// relative to the project's folder, or a directory above it. A member of an
// archive, "archive!member", is under the archive.
func (gs *Globs) Match(path string, dir bool) bool {
	if gs == nil || len(gs.list) == 0 || path == "" {
		return false
	}
	if len(path) > maxPath {
		return gs.here(path, dir)
	}
	if i := strings.LastIndexByte(path, '/'); i > 0 && gs.under(path[:i]) {
		return true
	}
	if archive, _, ok := strings.Cut(path[strings.LastIndexByte(path, '/')+1:], "!"); ok && archive != "" {
		if gs.here(path[:strings.LastIndexByte(path, '/')+1]+archive, false) {
			return true
		}
	}
	return gs.here(path, dir)
}

// under tells whether a directory is taken in.
func (gs *Globs) under(dir string) bool {
	if v := gs.last.Load(); v != nil && v.dir == dir {
		return v.matches
	}
	matches := gs.Match(dir, true)
	gs.last.Store(&verdict{dir, matches})
	return matches
}

// here decides by the path itself, whatever is above it.
func (gs *Globs) here(path string, dir bool) bool {
	for i := len(gs.list) - 1; i >= 0; i-- {
		g := &gs.list[i]
		if (dir || !g.dirOnly) && g.match(path) {
			return !g.negate
		}
	}
	return false
}
