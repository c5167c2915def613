package engine

import (
	"bytes"
	"regexp"

	"github.com/remint/remint/scanner/rule"
)

// allowSet is a rule.Allow ready to run. Conditions on commits are the
// caller's.
type allowSet struct {
	rule.Allow
	patterns []*regexp.Regexp
	paths    []*regexp.Regexp
	stop     [][]byte
}

func newAllowSet(a rule.Allow) (allowSet, error) {
	set := allowSet{Allow: a}
	var err error
	if set.patterns, err = compileAll(a.Patterns); err != nil {
		return set, err
	}
	if set.paths, err = compileAll(a.Paths); err != nil {
		return set, err
	}
	for _, w := range a.StopWords {
		set.stop = append(set.stop, bytes.ToLower([]byte(w)))
	}
	return set, nil
}

func compileAll(exprs []string) ([]*regexp.Regexp, error) {
	var all []*regexp.Regexp
	for _, x := range exprs {
		re, err := regexp.Compile(x)
		if err != nil {
			return nil, err
		}
		all = append(all, re)
	}
	return all, nil
}

func (a *allowSet) reason() string {
	if a.Reason != "" {
		return a.Reason
	}
	return "an allow list of the rules"
}

// pathAlone tells whether the path alone makes everything under it allowed.
func (a *allowSet) pathAlone(path string) bool {
	if a.All && len(a.patterns)+len(a.stop)+len(a.Commits) > 0 {
		return false
	}
	return a.pathMatches(path)
}

func (a *allowSet) pathMatches(path string) bool {
	if path == "" {
		return false
	}
	for _, re := range a.paths {
		if re.MatchString(path) {
			return true
		}
	}
	return false
}

// contentAt tells whether the value is allowed at the path; an empty path
// meets no condition on paths.
func (a *allowSet) contentAt(path string, secret, full []byte, line func() []byte) bool {
	if a.All && (len(a.Commits) > 0 || len(a.paths) > 0 && !a.pathMatches(path)) {
		return false
	}
	pattern := len(a.patterns) > 0 && a.patternMatches(secret, full, line)
	stop := len(a.stop) > 0 && containsAny(bytes.ToLower(secret), a.stop)
	if a.All {
		return (len(a.patterns) == 0 || pattern) && (len(a.stop) == 0 || stop) && len(a.patterns)+len(a.stop) > 0
	}
	return pattern || stop
}

func (a *allowSet) patternMatches(secret, full []byte, line func() []byte) bool {
	target := secret
	switch a.Target {
	case rule.TargetMatch:
		target = full
	case rule.TargetLine:
		target = line()
	}
	for _, re := range a.patterns {
		if re.Match(target) {
			return true
		}
	}
	return false
}

func containsAny(text []byte, words [][]byte) bool {
	for _, w := range words {
		if bytes.Contains(text, w) {
			return true
		}
	}
	return false
}
