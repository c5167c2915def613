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
	return r.follow("HEAD")
}

// follow returns the object that a reference leads to, or the zero ID when it
// does not exist or leads to one that does not.
func (r *Repo) follow(name string) (ID, error) {
	if err := r.checkRefStorage(); err != nil {
		return ID{}, err
	}
	next := name
	for range refDepth {
		id, target, err := r.ref(next)
		if err != nil || target == "" {
			return id, err
		}
		next = target
	}
	return ID{}, fmt.Errorf("%s: %s leads through more than %d references", r.gitDir, name, refDepth)
}

// checkRefStorage tells whether the references are kept in a form that is read.
func (r *Repo) checkRefStorage() error {
	switch s := r.settings.refStorage; s {
	case "", "files":
		return nil
	case "reftable":
		return fmt.Errorf("%s: %w", r.gitDir, ErrReftable)
	default:
		return fmt.Errorf("%s: the reference storage %q is not supported", r.gitDir, s)
	}
}

// ref reads one reference: the object or the reference that it names, or
// neither when it does not exist.
func (r *Repo) ref(name string) (ID, string, error) {
	file := filepath.Join(r.refDir(name), filepath.FromSlash(name))
	id, target, err := readRef(file, r.format)
	if errors.Is(err, fs.ErrNotExist) || err != nil && isDir(file) {
		id, err := r.packedRef(name)
		return id, "", err
	}
	return id, target, err
}

// readRef reads a file that holds one reference.
func readRef(file string, format Format) (ID, string, error) {
	if target, err := os.Readlink(file); err == nil && validRef(filepath.ToSlash(target)) {
		return ID{}, filepath.ToSlash(target), nil
	}
	data, err := mapped.ReadFile(file, refSize)
	if err != nil {
		return ID{}, "", fmt.Errorf("a reference: %w", err)
	}
	line := strings.TrimRight(string(data), " \t\r\n")
	if next, ok := strings.CutPrefix(line, "ref:"); ok {
		next = strings.TrimLeft(next, " \t")
		if !validRef(next) {
			return ID{}, "", fmt.Errorf("%s names a reference that cannot be one; see `git fsck`", file)
		}
		return ID{}, next, nil
	}
	if end := strings.IndexAny(line, " \t\r\n"); end >= 0 {
		line = line[:end]
	}
	id, err := ParseID(line)
	if err != nil || len(line) != 2*format.Size() {
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
	if perWorkTree(name) {
		return r.gitDir
	}
	return r.commonDir
}

// perWorkTree tells whether every work tree has a reference of this name of
// its own.
func perWorkTree(name string) bool {
	for _, own := range []string{"refs/worktree/", "refs/bisect/", "refs/rewritten/"} {
		if strings.HasPrefix(name, own) {
			return true
		}
	}
	return !strings.HasPrefix(name, "refs/")
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
