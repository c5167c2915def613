// Package clone makes a temporary copy of a remote repository, of everything
// that the remote shows: branches, tags, notes, pull requests. It speaks git's
// protocols itself; no program is started.
package clone

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing/transport"
)

// Temporary clones a repository into a new folder of the system's folder for
// temporary files. remove takes it away, and is never nil. What is fetched is
// told to progress, which may be nil.
func Temporary(ctx context.Context, address string, progress io.Writer) (dir string, remove func() error, err error) {
	dir, err = os.MkdirTemp("", "remint-clone-")
	if err != nil {
		return "", func() error { return nil }, fmt.Errorf("a folder for the clone: %w", err)
	}
	remove = func() error { return os.RemoveAll(dir) }
	_, err = git.PlainCloneContext(ctx, dir, true, &git.CloneOptions{URL: address, Mirror: true, Progress: progress, Tags: git.AllTags})
	if err == nil || errors.Is(err, transport.ErrEmptyRemoteRepository) {
		return dir, remove, nil
	}
	return dir, remove, fmt.Errorf("clone %s: %w; for a private repository, clone it yourself with `git clone --mirror` and scan the clone", withoutSecrets(address), reason(err, address))
}

// reason keeps the password of an address out of an error.
func reason(err error, address string) error {
	u, parseErr := url.Parse(address)
	if parseErr != nil || u.User == nil {
		return err
	}
	password, ok := u.User.Password()
	if !ok || password == "" || !strings.Contains(err.Error(), password) {
		return err
	}
	return errors.New(strings.ReplaceAll(err.Error(), password, "********"))
}

// withoutSecrets is an address as it may be shown.
func withoutSecrets(address string) string {
	if u, err := url.Parse(address); err == nil {
		return u.Redacted()
	}
	return address
}
