package history

import (
	"encoding/hex"
	"errors"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

const (
	lfsPointerSize = 1024 // which every pointer is shorter than, in bytes
	lfsOIDSize     = 64   // hexadecimal digits of a SHA-256
)

// lfsVersions are the first lines of pointers: of the specification, of the
// pre-release that was called Hawser, and of the one before.
func lfsVersions() []string {
	return []string{"https://git-lfs.github.com/spec/v1", "https://hawser.github.com/spec/v1", "http://git-media.io/v2", "http://git-media.io/v/2"}
}

// ParseLFSPointer reads a blob that stands for a file kept by Git LFS, as its
// specification v1 has it: the id of the file, in lower case, and its length
// in bytes. As Git LFS does, it forgives carriage returns and space around it.
func ParseLFSPointer(data []byte) (oid string, size int64, ok bool) {
	if len(data) >= lfsPointerSize {
		return "", 0, false
	}
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	version, found := strings.CutPrefix(strings.TrimSuffix(lines[0], "\r"), "version ")
	if !found || !slices.Contains(lfsVersions(), version) {
		return "", 0, false
	}
	size = -1
	last := ""
	for _, line := range lines[1:] {
		key, value, found := strings.Cut(strings.TrimSuffix(line, "\r"), " ")
		if !found || key <= last || strings.Trim(key, "abcdefghijklmnopqrstuvwxyz0123456789.-") != "" {
			return "", 0, false
		}
		last = key
		switch key {
		case "oid":
			oid = strings.ToLower(strings.TrimPrefix(value, "sha256:"))
		case "size":
			n, err := strconv.ParseUint(value, 10, 63)
			if err != nil {
				return "", 0, false
			}
			size = int64(n)
		}
	}
	if !isLFSOID(oid) || size < 0 {
		return "", 0, false
	}
	return oid, size, true
}

func isLFSOID(s string) bool {
	_, err := hex.DecodeString(s)
	return err == nil && len(s) == lfsOIDSize
}

// LFSFile is a file that Git LFS keeps beside the object database.
type LFSFile struct {
	OID  string // "" for a file whose name is none
	Path string
	Size int64 // in bytes
}

// LFSObject returns where the file is that a pointer stands for, if it is on
// this machine. Nothing is fetched, and lfs.storage is followed only to a
// folder of the repository's own directory: a repository does not choose what
// else of the machine is read.
func (r *Repo) LFSObject(oid string) (path string, ok bool) {
	if !isLFSOID(oid) {
		return "", false
	}
	oid = strings.ToLower(oid)
	for _, dir := range r.lfsDirs() {
		path := filepath.Join(dir, oid[:2], oid[2:4], oid)
		if info, err := os.Lstat(path); err == nil && info.Mode().IsRegular() {
			return path, true
		}
	}
	return "", false
}

// LFSObjects goes through the files that Git LFS keeps for this repository,
// whether or not a pointer to them is left. An error is about one folder; the
// others follow.
func (r *Repo) LFSObjects() iter.Seq2[LFSFile, error] {
	return func(yield func(LFSFile, error) bool) {
		more := true
		give := func(f LFSFile, err error) error {
			if more = yield(f, err); more {
				return nil
			}
			return fs.SkipAll
		}
		for _, dir := range r.lfsDirs() {
			filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
				switch {
				case errors.Is(err, fs.ErrNotExist):
					return nil
				case err != nil:
					return give(LFSFile{}, err)
				case !d.Type().IsRegular():
					return nil
				}
				info, err := d.Info()
				if err != nil {
					return give(LFSFile{}, err)
				}
				f := LFSFile{Path: path, Size: info.Size()}
				if isLFSOID(d.Name()) {
					f.OID = strings.ToLower(d.Name())
				}
				return give(f, nil)
			})
			if !more {
				return
			}
		}
	}
}

// lfsDirs are the folders of Git LFS that lie in the repository's directory.
func (r *Repo) lfsDirs() []string {
	common := real(r.commonDir)
	roots := []string{filepath.Join(common, "lfs")}
	if s := r.settings.lfsStorage; s != "" {
		if !filepath.IsAbs(s) {
			s = filepath.Join(common, s)
		}
		roots = append(roots, s)
	}
	var dirs []string
	for _, root := range roots {
		dir := real(filepath.Join(root, "objects"))
		if strings.HasPrefix(dir, common+string(filepath.Separator)) && !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}
