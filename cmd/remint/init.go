package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/remint/remint/scanner/config"
)

// saltBytes is the length of a new project's fingerprint salt.
const saltBytes = 16

func newInit() *cobra.Command {
	var hook bool
	c := &cobra.Command{
		Use:   "init [FOLDER]",
		Short: "Write a commented .remint.yaml and, with --hook, a git pre-commit hook",
		Example: `  remint init
  remint init --hook`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			dir := "."
			if len(args) > 0 {
				dir = args[0]
			}
			if err := initConfig(dir, c.OutOrStdout()); err != nil {
				return err
			}
			if hook {
				return initHook(dir, c.OutOrStdout())
			}
			return nil
		},
	}
	c.Flags().BoolVar(&hook, "hook", false, "install a pre-commit hook that scans what is staged")
	return c
}

// initConfig writes .remint.yaml; one that is there stays as it is.
func initConfig(dir string, out io.Writer) error {
	name := filepath.Join(dir, config.FileName)
	salt := make([]byte, saltBytes)
	if _, err := rand.Read(salt); err != nil {
		return fmt.Errorf("make a salt: %w", err)
	}
	err := writeNew(name, config.Template(salt), 0o644)
	if errors.Is(err, fs.ErrExist) {
		fmt.Fprintf(out, "%s is there already and stays as it is\n", name)
		return nil
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "wrote %s: commit it, so that fingerprints agree between machines\n", name)
	return nil
}

const hookScript = `#!/bin/sh
# Installed by 'remint init --hook': refuse a commit that adds a hardcoded key.
# 'git commit --no-verify' passes it by, for once.
exec remint scan --staged
`

// initHook installs the hook where git looks for it.
func initHook(dir string, out io.Writer) error {
	cmd := exec.Command("git", "rev-parse", "--git-path", "hooks/pre-commit")
	cmd.Dir = dir
	path, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("find the hooks of the git repository at %s: %w; run this in a repository", dir, err)
	}
	name := strings.TrimSpace(string(path))
	if !filepath.IsAbs(name) {
		name = filepath.Join(dir, name)
	}
	if old, err := os.ReadFile(name); err == nil {
		if string(old) == hookScript {
			fmt.Fprintf(out, "%s is installed already\n", name)
			return nil
		}
		return fmt.Errorf("%s is another hook: add the line 'remint scan --staged || exit 1' to it", name)
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	if err := writeNew(name, []byte(hookScript), 0o755); err != nil {
		return err
	}
	fmt.Fprintf(out, "wrote %s: every commit is scanned from now on\n", name)
	return nil
}

// writeNew writes a file that must not be there yet, whole or not at all.
func writeNew(name string, data []byte, mode fs.FileMode) error {
	tmp, err := os.CreateTemp(filepath.Dir(name), ".remint-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	if _, err = tmp.Write(data); err == nil {
		err = tmp.Chmod(mode)
	}
	if err == nil {
		err = tmp.Sync()
	}
	if cerr := tmp.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	// Link, unlike Rename, refuses to replace a file.
	if err := os.Link(tmp.Name(), name); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return err
		}
		if _, serr := os.Lstat(name); serr == nil {
			return fs.ErrExist
		}
		return os.Rename(tmp.Name(), name) // no hard links here
	}
	return nil
}
