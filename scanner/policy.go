package scanner

import (
	"path/filepath"
	"strings"

	"github.com/remint/remint/scanner/config"
	"github.com/remint/remint/scanner/rule"
	"github.com/remint/remint/scanner/scope"
	"github.com/remint/remint/scanner/silence"
)

// PolicyFiles are the files that a user names instead of those of the project.
type PolicyFiles struct {
	Config string // a .remint.yaml, or a .gitleaks.toml for exactly gitleaks' rules
	// Baseline is a file of accepted findings. NoBaseline reads none, not even
	// the project's own.
	Baseline   string
	NoBaseline bool
}

// Policy is how a project wants to be scanned: its configuration, its ignore
// files and its baseline.
type Policy struct {
	config  config.Config
	rules   config.RuleSet
	silence *silence.Set
	base    string // what paths are relative to, where that is not the working directory
}

// LoadPolicy reads what holds for scanning root, a directory or a file.
func LoadPolicy(root string, files PolicyFiles) (*Policy, error) {
	cfg, err := config.Discover(root, files.Config)
	if err != nil {
		return nil, err
	}
	if files.Baseline != "" {
		cfg.Baseline = files.Baseline
	}
	if files.NoBaseline {
		cfg.Baseline = ""
	}
	p := &Policy{config: cfg}
	if p.rules, err = p.config.RuleSet(rule.Catalogue(), scope.Rules()); err != nil {
		return nil, err
	}
	if p.silence, err = silence.Open(&p.config); err != nil {
		return nil, err
	}
	return p, nil
}

// PathsFrom makes the policy take paths as relative to dir.
func (p *Policy) PathsFrom(dir string) { p.base = filepath.ToSlash(dir) + "/" }

// Options returns the options of a scan under the policy.
func (p *Policy) Options() Options {
	return Options{
		Rules: p.rules.Rules, Scopes: p.rules.Scopes, Gitleaks: p.rules.Gitleaks, Allow: p.rules.Allow, Severity: p.rules.Severity,
		Salt: p.config.Salt, Policy: p,
	}
}

// Rel turns a finding's path into one relative to the project's folder.
func (p *Policy) Rel(path string) string { return p.config.Rel(p.absolute(path)) }

// Excludes tells whether the configuration leaves out a path.
func (p *Policy) Excludes(path string, dir bool) bool {
	return p.config.Excludes(p.absolute(path), dir)
}

func (p *Policy) absolute(path string) string {
	if p.base == "" || path == "-" || filepath.IsAbs(path) {
		return path
	}
	return p.base + path
}

// Warnings are faults of the configuration that stop nothing.
func (p *Policy) Warnings() []string {
	var all []string
	if p.config.Gitleaks != nil {
		all = append(all, p.config.Gitleaks.Warnings...)
	}
	if p.silence.GitleaksIgnore != nil {
		all = append(all, p.silence.GitleaksIgnore.Malformed...)
	}
	return all
}

// marked tells whether a comment silences a rule's match at bytes start to end.
func (p *Policy) marked(ruleID string, marks *silence.Marks, start, end int) bool {
	return p.silence.Marked(&silence.Candidate{Rule: ruleID, Marks: marks, Start: start, End: end})
}

// decide tells whether a finding is silenced, and by whom. The match is at
// bytes start to end of the text that the marks were found in, and starts on
// the line given.
func (p *Policy) decide(f *Finding, marks *silence.Marks, line, start, end int) (silence.Decision, bool) {
	d, ok := p.silence.Decide(&silence.Candidate{
		Rule: f.Rule.ID, Path: p.absolute(f.Path), Fingerprint: f.Fingerprint, Secret: f.Secret.Reveal(), Line: line,
		Marks: marks, Start: start, End: end,
	})
	d.Where = strings.TrimPrefix(d.Where, p.base)
	if by, revoked := p.config.Revoked[f.Fingerprint]; revoked && !ok {
		f.Revoked, f.Note = true, "revoked: "+by
	}
	return d, ok
}

// Config is the project's configuration.
func (p *Policy) Config() *config.Config { return &p.config }
