//go:build unix

package fix

import (
	"io/fs"
	"os"
	"syscall"
)

// keepOwner gives a file the owner of the one that it replaces, where that is
// allowed.
func keepOwner(name string, info fs.FileInfo) {
	if info == nil {
		return
	}
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		_ = os.Chown(name, int(s.Uid), int(s.Gid))
	}
}
