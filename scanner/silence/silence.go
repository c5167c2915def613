// Package silence decides which findings are not reported although a rule
// matched, and says who decided: a comment beside the secret, an ignore file,
// the project's configuration or the baseline.
//
// All of them silence one secret or one place; none can hide a secret that
// nobody has seen, except where a project asks for it by a comment without a
// rule or by a pattern.
package silence

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/remint/remint/scanner/config"
	"github.com/remint/remint/scanner/rule/gitleaks"
)

// The names that ignore files are found by, in the project's folder.
const (
	IgnoreFileName         = ".remintignore"
	GitleaksIgnoreFileName = ".gitleaksignore"
)

// By says who silenced a finding; a stable word for machines.
type By string

// Who silences, in the order in which they are asked.
const (
	ByInline         By = "inline"         // a remint:allow comment
	ByGitleaksInline By = "gitleaks:allow" // a gitleaks:allow or betterleaks:allow comment
	ByIgnoreFile     By = "ignore-file"    // .remintignore
	ByGitleaksIgnore By = "gitleaksignore" // .gitleaksignore
	ByConfig         By = "config"         // allow in .remint.yaml
	ByBaseline       By = "baseline"       // the baseline file
)

// Decision is who silenced a finding and why.
type Decision struct {
	By By
	// Where is the "file:line" of the comment or entry.
	Where string
	// Reason is what the comment or entry gives as its reason, or "".
	Reason string
}

// Candidate is a finding about which to decide.
type Candidate struct {
	Rule string
	// Path is the finding's, absolute or relative to the working directory.
	Path string
	// Fingerprint is the finding's.
	Fingerprint string
	Secret      []byte
	// Line, counted from 1, is the one that the match starts on.
	Line int
	// Commit is the id of the commit in which it was found, or "".
	Commit string
	// Marks are the comments of the text that the match is in, and Start and
	// End the match's bytes in that text. The match is everything that the
	// rule matched, which may be more than the secret.
	Marks      *Marks
	Start, End int
}

// Set is everything that silences findings in a project. It is safe for
// concurrent use.
type Set struct {
	Ignore         *IgnoreFile
	GitleaksIgnore *gitleaks.Ignore
	Baseline       *Baseline

	config *config.Config
}

// maxFile bounds ignore files and baselines, in bytes.
const maxFile = 256 << 20

// Open reads the ignore files of a project's folder and its baseline. A
// baseline that is named and missing is an error; a missing ignore file is not.
func Open(cfg *config.Config) (*Set, error) {
	s := &Set{config: cfg}
	if !cfg.OnlyGitleaks {
		path := filepath.Join(cfg.Root, IgnoreFileName)
		data, err := readIfThere(path)
		if err != nil {
			return nil, err
		}
		if s.Ignore, err = ParseIgnore(shown(path), data); err != nil {
			return nil, err
		}
	}
	if cfg.HonourGitleaks {
		path := filepath.Join(cfg.Root, GitleaksIgnoreFileName)
		data, err := readIfThere(path)
		if err != nil {
			return nil, err
		}
		s.GitleaksIgnore = gitleaks.ParseIgnore(shown(path), data)
	}
	if cfg.Baseline == "" {
		return s, nil
	}
	data, err := config.ReadFile(cfg.Baseline, maxFile)
	if err != nil {
		return nil, fmt.Errorf("baseline: %w", err)
	}
	if s.Baseline, err = ParseBaseline(shown(cfg.Baseline), data, cfg.Root); err != nil {
		return nil, err
	}
	s.Baseline.exists = func(path string) bool {
		if path = filepath.FromSlash(path); !filepath.IsAbs(path) {
			path = filepath.Join(cfg.Root, path)
		}
		_, err := os.Lstat(path)
		return !errors.Is(err, fs.ErrNotExist)
	}
	return s, nil
}

func readIfThere(path string) ([]byte, error) {
	data, err := config.ReadFile(path, maxFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("ignore file: %w", err)
	}
	return data, nil
}

// shown is a path as a person who stands in the working directory writes it.
func shown(path string) string {
	wd, err := os.Getwd()
	if err != nil || !filepath.IsAbs(path) {
		return path
	}
	rel, err := filepath.Rel(wd, path)
	if err != nil || rel == ".." || strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
		return path
	}
	return rel
}

// Decide tells whether a finding is silenced, and by whom first.
func (s *Set) Decide(c *Candidate) (Decision, bool) {
	for _, ask := range s.order() {
		if d, ok := ask(c); ok {
			return d, true
		}
	}
	return Decision{}, false
}

// Decisions returns everybody who silences a finding.
func (s *Set) Decisions(c *Candidate) []Decision {
	var all []Decision
	for _, ask := range s.order() {
		if d, ok := ask(c); ok {
			all = append(all, d)
		}
	}
	return all
}

// Marked tells whether a comment in the text silences a finding.
func (s *Set) Marked(c *Candidate) bool {
	if _, ok := s.inline(c); ok {
		return true
	}
	_, ok := s.gitleaksInline(c)
	return ok
}

// order is who is asked: what stands nearest to the secret comes first.
func (s *Set) order() [6]func(*Candidate) (Decision, bool) {
	return [6]func(*Candidate) (Decision, bool){
		s.inline, s.gitleaksInline, s.ignoreFile, s.gitleaksIgnore, s.allow, s.baseline,
	}
}

func (s *Set) inline(c *Candidate) (Decision, bool) {
	if s.config.OnlyGitleaks {
		return Decision{}, false
	}
	reason, line, ok := c.Marks.allow(c.Rule, c.Start, c.End)
	if !ok {
		return Decision{}, false
	}
	return Decision{By: ByInline, Where: place(c, line), Reason: reason}, true
}

func (s *Set) gitleaksInline(c *Candidate) (Decision, bool) {
	if !s.config.HonourGitleaks {
		return Decision{}, false
	}
	line, ok := c.Marks.gitleaksAllow(c.Start, c.End, !s.config.OnlyGitleaks)
	if !ok {
		return Decision{}, false
	}
	return Decision{By: ByGitleaksInline, Where: place(c, line)}, true
}

// place is where a comment stands that is some lines away from the match.
func place(c *Candidate, lines int) string { return fmt.Sprintf("%s:%d", c.Path, c.Line+lines) }

func (s *Set) ignoreFile(c *Candidate) (Decision, bool) {
	where, reason, ok := s.Ignore.Match(c.Fingerprint)
	return Decision{By: ByIgnoreFile, Where: where, Reason: reason}, ok
}

func (s *Set) gitleaksIgnore(c *Candidate) (Decision, bool) {
	where, ok := s.GitleaksIgnore.Match(c.Commit, s.config.Rel(c.Path), c.Rule, c.Line, !s.config.OnlyGitleaks)
	return Decision{By: ByGitleaksIgnore, Where: where}, ok
}

func (s *Set) allow(c *Candidate) (Decision, bool) {
	path := s.config.Rel(c.Path)
	for i := range s.config.Allow {
		a := &s.config.Allow[i]
		if a.Match(c.Rule, path, c.Secret, c.Fingerprint) {
			return Decision{By: ByConfig, Where: a.Where(), Reason: a.Reason}, true
		}
	}
	return Decision{}, false
}

func (s *Set) baseline(c *Candidate) (Decision, bool) {
	where, ok := s.Baseline.match(c, s.config.Rel(c.Path))
	return Decision{By: ByBaseline, Where: where}, ok
}
