package history

import (
	"bytes"
	"os"
	"path/filepath"
)

// lfsSpec starts a pointer of git-lfs (its docs/spec.md), lfsOldSpec one of
// its first releases.
const (
	lfsSpec    = "version https://git-lfs.github.com/spec/v1\n"
	lfsOldSpec = "version https://hawser.github.com/spec/v1\n"
	lfsMost    = 1024 // bytes of a pointer
)

// LFSPointer returns the id of the content that a blob stands for, if it is a
// pointer of git-lfs: 64 hexadecimal digits.
func LFSPointer(data []byte) (oid string, ok bool) {
	if len(data) > lfsMost || !bytes.HasPrefix(data, []byte(lfsSpec)) && !bytes.HasPrefix(data, []byte(lfsOldSpec)) {
		return "", false
	}
	for line := range bytes.SplitSeq(data, []byte("\n")) {
		if value, is := bytes.CutPrefix(line, []byte("oid sha256:")); is {
			return string(value), isLFSID(string(value))
		}
	}
	return "", false
}

func isLFSID(s string) bool {
	if len(s) != 64 {
		return false
	}
	_, err := ParseID(s)
	return err == nil
}

// LFSFile is where the content of an LFS object is kept on this disk.
func (r *Repo) LFSFile(oid string) string {
	return filepath.Join(r.commonDir, "lfs", "objects", oid[:2], oid[2:4], oid)
}

// LFSIDs lists the LFS objects on this disk.
func (r *Repo) LFSIDs() []string {
	names, _ := filepath.Glob(filepath.Join(globQuote(r.commonDir), "lfs", "objects", "??", "??", "*"))
	var ids []string
	for _, name := range names {
		if oid := filepath.Base(name); isLFSID(oid) {
			if info, err := os.Lstat(name); err == nil && info.Mode().IsRegular() {
				ids = append(ids, oid)
			}
		}
	}
	return ids
}

// globQuote makes a path stand for itself in a pattern.
func globQuote(path string) string {
	var b []byte
	for i := range len(path) {
		if c := path[i]; c == '*' || c == '?' || c == '[' || c == '\\' && filepath.Separator != '\\' {
			b = append(b, '\\')
		}
		b = append(b, path[i])
	}
	return string(b)
}
