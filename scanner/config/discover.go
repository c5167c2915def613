package config

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/remint/remint/scanner/rule/gitleaks"
)

// The environment variables that gitleaks takes its configuration from: a
// file's name, and a configuration's text.
const (
	gitleaksEnv     = "GITLEAKS_CONFIG"
	gitleaksTextEnv = "GITLEAKS_CONFIG_TOML"
)

// Discover finds and reads the configuration for scanning root, which is a
// directory or a file in one. flag is what the user gave as --config, or "".
//
// With flag a gitleaks configuration (.toml), nothing else is read, and its
// rules run as gitleaks runs them. Otherwise .remint.yaml is flag, or the first
// one found from root upwards, no further than the folder that holds .git;
// outside a repository only root itself is looked at, so that a stranger's
// file in a folder above decides nothing. A gitleaks configuration holds on
// top of it unless it says "gitleaks: false": the one that gitleaks'
// environment variables name, else .gitleaks.toml in the project's folder.
func Discover(root, flag string) (Config, error) {
	c := Config{HonourGitleaks: true}
	folders, err := projectFolders(root)
	if err != nil {
		return c, err
	}
	path := flag
	c.Root, path = projectRoot(folders, path)
	if c.fromRoot, err = workingDirectory(c.Root); err != nil {
		return c, err
	}
	if path != "" {
		data, err := readText(path)
		if err != nil {
			return c, fmt.Errorf("configuration: %w", err)
		}
		if flag != "" && isTOML(path, data) {
			c.OnlyGitleaks = true
			return c, c.loadGitleaks(path, data)
		}
		if err := c.parse(displayed(path), data); err != nil {
			return c, err
		}
	}
	if !c.HonourGitleaks {
		return c, nil
	}
	return c, c.overlayGitleaks()
}

// projectFolders lists the folders that the configuration may be in, the
// nearest first.
func projectFolders(root string) ([]string, error) {
	if root == "" {
		root = "."
	}
	dir, err := filepath.Abs(root)
	if err != nil {
		return nil, fmt.Errorf("configuration: where is %s: %w", root, err)
	}
	if info, err := os.Stat(dir); err == nil && !info.IsDir() {
		dir = filepath.Dir(dir)
	}
	var folders []string
	for at := dir; ; at = filepath.Dir(at) {
		folders = append(folders, at)
		if exists(filepath.Join(at, ".git")) {
			return folders, nil
		}
		if filepath.Dir(at) == at {
			return folders[:1], nil
		}
	}
}

// projectRoot picks the project's folder, and the .remint.yaml in it where
// none was named: the nearest folder that has one, else the nearest that has
// a .gitleaks.toml, else the last, which is the repository's.
func projectRoot(folders []string, named string) (root, path string) {
	for _, name := range []string{FileName, GitleaksFileName} {
		for _, dir := range folders {
			path := filepath.Join(dir, name)
			if !exists(path) {
				continue
			}
			if name != FileName || named != "" {
				return dir, named
			}
			return dir, path
		}
	}
	return folders[len(folders)-1], named
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// workingDirectory says how the working directory is reached from root.
func workingDirectory(root string) (string, error) {
	wd, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("configuration: %w", err)
	}
	rel, err := filepath.Rel(root, wd)
	if err != nil || rel == "." {
		return "", nil // another drive: such paths are absolute
	}
	return filepath.ToSlash(rel) + "/", nil
}

// displayed is a path as a person who stands in the working directory would
// write it.
func displayed(path string) string {
	wd, err := os.Getwd()
	if err != nil || !filepath.IsAbs(path) {
		return path
	}
	rel, err := filepath.Rel(wd, path)
	if err != nil || strings.HasPrefix(rel, "..") {
		return path
	}
	return rel
}

// overlayGitleaks reads the gitleaks configuration that holds on top.
func (c *Config) overlayGitleaks() error {
	if path := os.Getenv(gitleaksEnv); path != "" {
		data, err := readText(path)
		if err != nil {
			return fmt.Errorf("%s: %w", gitleaksEnv, err)
		}
		return c.loadGitleaks(path, data)
	}
	if text := os.Getenv(gitleaksTextEnv); text != "" {
		return c.loadGitleaks(gitleaksTextEnv, []byte(text))
	}
	path := filepath.Join(c.Root, GitleaksFileName)
	if !exists(path) {
		return nil
	}
	data, err := readText(path)
	if err != nil {
		return fmt.Errorf("configuration: %w", err)
	}
	return c.loadGitleaks(displayed(path), data)
}

func (c *Config) loadGitleaks(path string, data []byte) error {
	set, err := gitleaks.Parse(path, data, gitleaks.Options{Read: readText, ForOverlay: !c.OnlyGitleaks})
	if err != nil {
		return err
	}
	c.Gitleaks = &set
	return nil
}

// isTOML tells a gitleaks configuration from a .remint.yaml: by its name, or
// failing that by how its first line is written.
func isTOML(path string, data []byte) bool {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".toml":
		return true
	case ".yaml", ".yml":
		return false
	}
	for _, line := range bytes.Split(data, []byte{'\n'}) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		equals, colon := bytes.IndexByte(line, '='), bytes.IndexByte(line, ':')
		return line[0] == '[' || equals >= 0 && (colon < 0 || equals < colon)
	}
	return false
}
