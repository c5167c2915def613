package history

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/remint/remint/scanner/history/mapped"
)

const pathSize = 1 << 16 // of a file that holds one path, in bytes

// layout is where a repository keeps its things.
type layout struct {
	gitDir, commonDir string
	format            Format
	settings          settings
}

// readLayout reads the configuration of a repository.
func readLayout(gitDir, commonDir string) (layout, error) {
	l := layout{gitDir: gitDir, commonDir: commonDir}
	if commonDir == "" {
		var err error
		if l.commonDir, err = readCommonDir(gitDir); err != nil {
			return layout{}, err
		}
	}
	if err := l.settings.read(filepath.Join(l.commonDir, "config")); err != nil {
		return layout{}, err
	}
	if l.commonDir != gitDir {
		// What the main work tree is does not concern a linked one.
		l.settings.bare, l.settings.workTree = false, ""
	}
	if l.settings.worktreeConfig {
		if err := l.settings.read(filepath.Join(gitDir, "config.worktree")); err != nil {
			return layout{}, err
		}
	}
	var err error
	if l.format, err = l.settings.format(); err != nil {
		return layout{}, fmt.Errorf("%s: %w", filepath.Join(l.commonDir, "config"), err)
	}
	return l, nil
}

// readCommonDir returns what a linked work tree shares with its main one.
func readCommonDir(gitDir string) (string, error) {
	name := filepath.Join(gitDir, "commondir")
	data, err := mapped.ReadFile(name, pathSize)
	if errors.Is(err, fs.ErrNotExist) {
		return gitDir, nil
	}
	if err != nil {
		return "", err
	}
	dir := strings.TrimRight(string(data), "\r\n")
	if dir == "" {
		return "", fmt.Errorf("%s is empty; repair it with `git worktree repair`", name)
	}
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(gitDir, dir)
	}
	return dir, nil
}

func (l *layout) objectDir() string { return filepath.Join(l.commonDir, "objects") }

// GitDir is the directory that the repository was opened by.
func (l *layout) GitDir() string { return l.gitDir }

// CommonDir is the directory that the repository shares with its linked work
// trees.
func (l *layout) CommonDir() string { return l.commonDir }

// Format is the hash that names the repository's objects.
func (l *layout) Format() Format { return l.format }

// Bare tells whether the configuration says that there is no work tree.
func (l *layout) Bare() bool { return l.settings.bare }

// WorkTree is the work tree that the configuration names, or "".
func (l *layout) WorkTree() string {
	dir := l.settings.workTree
	if dir != "" && !filepath.IsAbs(dir) {
		dir = filepath.Join(l.gitDir, dir)
	}
	return dir
}

// Find looks for a repository in a directory and those above it, but not in
// one of the ceilings or above. It returns the repository's directory and the
// top of the work tree, which is "" when the search ended inside of a
// repository's directory, as it does for a bare one.
func Find(dir string, ceilings []string) (gitDir, workTree string, err error) {
	dir, err = filepath.Abs(dir)
	if err == nil {
		dir, err = filepath.EvalSymlinks(dir)
	}
	if err != nil {
		return "", "", fmt.Errorf("looking for a git repository: %w", err)
	}
	for at := dir; ; {
		name := filepath.Join(at, ".git")
		gitDir, err := followGitFile(name)
		if err != nil {
			return "", "", err
		}
		if IsGitDir(gitDir) {
			return gitDir, at, nil
		}
		if IsGitDir(at) {
			return at, "", nil
		}
		up := filepath.Dir(at)
		if up == at || slices.Contains(ceilings, up) {
			return "", "", fmt.Errorf("%s: %w", dir, ErrNotRepository)
		}
		at = up
	}
}

// followGitFile returns the directory that a .git file names, or the name
// itself when it is no file.
func followGitFile(name string) (string, error) {
	info, err := os.Stat(name)
	if err != nil || !info.Mode().IsRegular() {
		return name, nil
	}
	data, err := mapped.ReadFile(name, pathSize)
	if err != nil {
		return "", err
	}
	dir, ok := strings.CutPrefix(strings.TrimRight(string(data), "\r\n"), "gitdir: ")
	if !ok || dir == "" {
		return "", fmt.Errorf("%s does not say `gitdir: PATH`; it is no repository's file", name)
	}
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(filepath.Dir(name), dir)
	}
	if !IsGitDir(dir) {
		return "", fmt.Errorf("%s names %s, which is not a git repository; repair it with `git worktree repair` or `git submodule update --init`", name, dir)
	}
	return filepath.Clean(dir), nil
}

// IsGitDir tells whether a directory holds a repository or a linked work
// tree's part of one.
func IsGitDir(dir string) bool {
	if _, err := os.Lstat(filepath.Join(dir, "HEAD")); err != nil {
		return false
	}
	if _, err := os.Stat(filepath.Join(dir, "commondir")); err == nil {
		return true
	}
	info, err := os.Stat(filepath.Join(dir, "objects"))
	return err == nil && info.IsDir()
}
