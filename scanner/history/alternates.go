package history

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/remint/remint/scanner/history/mapped"
)

const (
	// alternateDepth is how far alternates may name alternates; git's bound.
	alternateDepth = 5
	alternatesSize = 1 << 20 // of the file that names them, in bytes
)

// findAlternates returns the object directories that this one borrows from.
// The error says which of them are not there; the others are returned with it.
func findAlternates(objects string, more []string, format Format) ([]*store, error) {
	f := finder{format: format, seen: map[string]bool{real(objects): true}}
	f.from(objects, 0)
	for _, dir := range more {
		f.add(dir, 1)
	}
	return f.stores, errors.Join(f.problems...)
}

// alternateError names an alternate that is not there.
type alternateError struct{ dir string }

func (e *alternateError) Error() string {
	return fmt.Sprintf("the alternate object directory %s is not there", e.dir)
}

type finder struct {
	format   Format
	seen     map[string]bool
	stores   []*store
	problems []error
}

// real is a directory's one name among several.
func real(dir string) string {
	if resolved, err := filepath.EvalSymlinks(dir); err == nil {
		return resolved
	}
	return filepath.Clean(dir)
}

// from reads which directories an object directory names.
func (f *finder) from(objects string, depth int) {
	name := filepath.Join(objects, "info", "alternates")
	data, err := mapped.ReadFile(name, alternatesSize)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			f.problems = append(f.problems, err)
		}
		return
	}
	for _, line := range strings.Split(string(data), "\n") {
		if line == "" || line[0] == '#' {
			continue
		}
		if line[0] == '"' {
			if unquoted, err := strconv.Unquote(line); err == nil {
				line = unquoted
			}
		}
		if !filepath.IsAbs(line) {
			line = filepath.Join(objects, line)
		}
		f.add(line, depth+1)
	}
}

func (f *finder) add(dir string, depth int) {
	dir = real(dir)
	if f.seen[dir] {
		return
	}
	f.seen[dir] = true
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		f.problems = append(f.problems, &alternateError{dir: dir})
		return
	}
	if depth > alternateDepth {
		f.problems = append(f.problems, fmt.Errorf("the alternate object directory %s is more than %d steps away", dir, alternateDepth))
		return
	}
	f.stores = append(f.stores, &store{dir: dir, format: f.format})
	f.from(dir, depth)
}
