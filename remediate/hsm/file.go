package hsm

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

// writeFile replaces a file that only its owner may read: it is written beside,
// synced and renamed.
func writeFile(name string, text []byte) error {
	f, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".new-*")
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	defer os.Remove(f.Name())
	if _, err := f.Write(text); err != nil {
		f.Close()
		return fmt.Errorf("write %s: %w", name, err)
	}
	if err := f.Sync(); err != nil {
		f.Close()
		return fmt.Errorf("write %s: %w", name, err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	if err := os.Rename(f.Name(), name); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

// lockWait is how long another process is waited for.
const lockWait = 10 * time.Second

// lockFile keeps other processes out until the lock is given back.
func lockFile(ctx context.Context, name string) (unlock func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, lockWait)
	defer cancel()
	l := flock.New(name, flock.SetPermissions(0o600))
	if ok, err := l.TryLockContext(ctx, 10*time.Millisecond); !ok {
		return nil, fmt.Errorf("%s is in use by another process: %w", name, err)
	}
	return func() { _ = l.Unlock() }, nil
}
