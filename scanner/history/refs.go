package history

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"

	"github.com/remint/remint/scanner/history/mapped"
)

const (
	refSize  = 1 << 16 // of a file that holds one reference, in bytes
	refDepth = 5       // references that name references
)

// Head returns the commit that is checked out, or the zero ID when the branch
// has no commit yet.
func (r *Repo) Head() (ID, error) {
	if s := r.settings.refStorage; s == "reftable" {
		return ID{}, fmt.Errorf("%s: %w", r.gitDir, ErrReftable)
	} else if s != "" && s != "files" {
		return ID{}, fmt.Errorf("%s: the reference storage %q is not supported", r.gitDir, s)
	}
	name := "HEAD"
	for range refDepth {
		id, next, err := r.ref(name)
		if err != nil || next == "" {
			return id, err
		}
		name = next
	}
	return ID{}, fmt.Errorf("%s: HEAD leads through more than %d references", r.gitDir, refDepth)
}

// ref reads one reference: the object or the reference that it names, or
// neither when it does not exist.
func (r *Repo) ref(name string) (ID, string, error) {
	file := filepath.Join(r.refDir(name), filepath.FromSlash(name))
	if target, err := os.Readlink(file); err == nil && validRef(filepath.ToSlash(target)) {
		return ID{}, filepath.ToSlash(target), nil
	}
	data, err := mapped.ReadFile(file, refSize)
	switch {
	case errors.Is(err, fs.ErrNotExist) || isDir(file):
		id, err := r.packedRef(name)
		return id, "", err
	case err != nil:
		return ID{}, "", fmt.Errorf("reference %s: %w", name, err)
	}
	line := strings.TrimRight(string(data), " \t\r\n")
	if next, ok := strings.CutPrefix(line, "ref:"); ok {
		next = strings.TrimLeft(next, " \t")
		if !validRef(next) {
			return ID{}, "", fmt.Errorf("%s names a reference that cannot be one; see `git fsck`", file)
		}
		return ID{}, next, nil
	}
	line, _, _ = strings.Cut(line, " ")
	id, err := ParseID(line)
	if err != nil || len(line) != 2*r.format.Size() {
		return ID{}, "", fmt.Errorf("%s holds no object id of this repository; see `git fsck`", file)
	}
	return id, "", nil
}

// isDir tells whether a directory, which branches below the name have left,
// stands where a reference could be.
func isDir(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.IsDir()
}

// refDir is where a reference is kept: a linked work tree has some of its own.
func (r *Repo) refDir(name string) string {
	for _, own := range []string{"refs/worktree/", "refs/bisect/", "refs/rewritten/"} {
		if strings.HasPrefix(name, own) {
			return r.gitDir
		}
	}
	if strings.HasPrefix(name, "refs/") {
		return r.commonDir
	}
	return r.gitDir
}

// validRef tells whether a name stays below refs/.
func validRef(name string) bool {
	if !strings.HasPrefix(name, "refs/") || strings.ContainsAny(name, "\x00\\\n") {
		return false
	}
	for _, part := range strings.Split(name, "/") {
		if part == "" || part[0] == '.' {
			return false
		}
	}
	return true
}

// packedRef looks a reference up in packed-refs.
func (r *Repo) packedRef(name string) (id ID, err error) {
	if !strings.HasPrefix(name, "refs/") {
		return ID{}, nil
	}
	defer mapped.Catch(debug.SetPanicOnFault(true), &err)
	file, err := mapped.Open(filepath.Join(r.commonDir, "packed-refs"))
	if errors.Is(err, fs.ErrNotExist) {
		return ID{}, nil
	}
	if err != nil {
		return ID{}, err
	}
	defer file.Close()
	data, err := file.Slice(0, int(file.Size()))
	if err != nil {
		return ID{}, err
	}
	digits := 2 * r.format.Size()
	want := []byte(" " + name)
	for at := 0; ; {
		i := bytes.Index(data[at:], want)
		if i < 0 {
			return ID{}, nil
		}
		start, end := at+i, at+i+len(want)
		at = end
		whole := end == len(data) || data[end] == '\n' || data[end] == '\r'
		if first := start - digits; whole && first >= 0 && (first == 0 || data[first-1] == '\n') {
			if id, err := ParseID(string(data[first:start])); err == nil {
				return id, nil
			}
			return ID{}, fmt.Errorf("%s: the line of %s holds no object id", file.Name(), name)
		}
	}
}
