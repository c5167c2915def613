// Package config reads how a project wants to be scanned: .remint.yaml, and
// the .gitleaks.toml that a project may have from before.
//
// Reading is strict. A key that is unknown, a value of the wrong type or an
// expression that is at fault is an error that names file and line, and what
// was probably meant. No error repeats a value.
package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/remint/remint/scanner/rule"
	"github.com/remint/remint/scanner/rule/gitleaks"
)

// The names that configuration files are found by.
const (
	FileName         = ".remint.yaml"
	GitleaksFileName = ".gitleaks.toml"
)

// Config is how a project wants to be scanned. The zero value is a project
// that says nothing.
type Config struct {
	// Path is the .remint.yaml in use, or "".
	Path string
	// Root is the project's folder, absolute: paths and patterns in the
	// configuration, ignore files and the baseline are relative to it.
	Root string
	// Salt keys the fingerprints; it is empty where the project has none.
	Salt []byte
	// Baseline is the baseline file, ready to be opened, or "".
	Baseline string
	// Allow are the project's own allow lists, in order.
	Allow []Allow
	// Gitleaks is the gitleaks configuration that holds too, or nil.
	Gitleaks *gitleaks.Set
	// OnlyGitleaks means that the user asked for gitleaks' rules and meaning
	// (--config with a TOML file), and that nothing of remint's own holds.
	OnlyGitleaks bool
	// HonourGitleaks tells whether .gitleaks.toml, .gitleaksignore and
	// gitleaks' comments hold.
	HonourGitleaks bool

	// Vault, HSM and Inject say where keys are kept and who gets them.
	Vault  Vault
	HSM    HSM
	Inject Inject
	// Fix and Providers say how keys are replaced. Revoked are the fingerprints of
	// keys that are dead, with what replaced them.
	Fix       Fix
	Providers map[string]map[string]string
	Revoked   map[string]string

	exclude *Globs
	rules   ruleOptions
	// fromRoot leads from Root to the working directory: "" or "sub/", and
	// "../" where the working directory is not under Root.
	fromRoot string
}

// RuleSet is what an engine runs.
type RuleSet struct {
	Rules []rule.Rule
	// Scopes are the rules by which grants are judged.
	Scopes []rule.Rule
	// Allow are conditions for all rules. Their paths are tried on Rel's result.
	Allow []rule.Allow
	// Severity is what the project says instead of a rule's own, by rule id.
	Severity map[string]rule.Severity
	// Gitleaks gives the rules gitleaks' meaning.
	Gitleaks bool
}

// Rel turns a path as findings have it (slash-separated, absolute or relative
// to the working directory, perhaps "archive!member") into one relative to
// Root. A path outside Root, and "-" for standard input, stay as they are.
func (c *Config) Rel(path string) string {
	if path == "-" || c.Root == "" {
		return path
	}
	if !strings.HasPrefix(path, "/") && !filepath.IsAbs(path) {
		if !strings.HasPrefix(c.fromRoot, "..") && !strings.HasPrefix(path, "../") && !strings.HasPrefix(path, "./") {
			return c.fromRoot + path
		}
		path = filepath.ToSlash(filepath.Join(c.Root, filepath.FromSlash(c.fromRoot))) + "/" + path
	}
	file, member, isMember := strings.Cut(path, "!")
	rel, err := filepath.Rel(c.Root, filepath.FromSlash(file))
	if err != nil || rel == ".." || strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
		return path
	}
	rel = filepath.ToSlash(rel)
	if isMember {
		rel += "!" + member
	}
	return rel
}

// Excludes tells whether paths.exclude leaves out a file or directory, itself
// or with a directory above it. The path is one as Rel takes it.
func (c *Config) Excludes(path string, dir bool) bool {
	return c.exclude.Match(c.Rel(path), dir)
}

// maxText bounds configuration files, in bytes.
const maxText = 4 << 20

// readText reads a configuration file.
func readText(path string) ([]byte, error) { return ReadFile(path, maxText) }

// ReadFile reads a file that says how to scan: whole, of at most limit bytes,
// and never a pipe or device, which could keep the reader for ever.
func ReadFile(path string, limit int64) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "read", Path: path, Err: errors.New("not a regular file")}
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, &fs.PathError{Op: "read", Path: path, Err: fmt.Errorf("larger than %d MB", limit>>20)}
	}
	return data, nil
}
