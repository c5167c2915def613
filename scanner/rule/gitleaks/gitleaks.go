// Package gitleaks reads gitleaks' own files, .gitleaks.toml and
// .gitleaksignore, into terms of package rule.
//
// The configuration goes through gitleaks' configuration package, so that it
// means what it means there. That package keeps state between loads, panics on
// an expression that is at fault, and reads the files it extends by itself, so
// it is only ever given one configuration that has been checked and merged
// here and that extends nothing. Nothing is printed, and no URL is fetched.
package gitleaks

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/zricethezav/gitleaks/v8/config"

	"github.com/remint/remint/scanner/rule"
)

// Set is a gitleaks configuration.
type Set struct {
	// Path is the file it was read from; gitleaks never scans it.
	Path string
	// Rules come in order of id. They mean what they mean to gitleaks:
	// entropy must be above the minimum, keywords may stand anywhere in the
	// text, and no filter holds but the allow lists.
	Rules []rule.Rule
	// Global are the allow lists that hold for all rules.
	Global []rule.Allow
	// Warnings are faults that gitleaks only warns of, each with its place.
	Warnings []string

	// builtIn holds, for each rule that gitleaks' own configuration has, how
	// many of the rule's first allow lists are from there.
	builtIn map[string]int
	// rewritten are rules of gitleaks' own whose expression the user replaced.
	rewritten map[string]bool
	// disabled are rules of gitleaks' own that the user turned off.
	disabled []string
}

// defaultName stands for gitleaks' own configuration where a file is named.
const defaultName = "gitleaks' default configuration"

// maxExtends is how often gitleaks follows extend; deeper ones it ignores.
const maxExtends = 2

// Options say how a configuration is loaded. The zero value loads all of it.
type Options struct {
	// Read opens files; nil means os.ReadFile.
	Read func(path string) ([]byte, error)
	// ForOverlay leaves out the rules of gitleaks' own that the configuration
	// says nothing of. Overlay does without them, and most of the time of
	// loading goes into them.
	ForOverlay bool
}

// Load reads a .gitleaks.toml and what it extends. As in gitleaks, extend.path
// is relative to the working directory; where no such file is there, it is
// tried relative to the file that names it. Every fault is reported with its
// file and line.
func Load(path string, opts Options) (Set, error) {
	if opts.Read == nil {
		opts.Read = os.ReadFile
	}
	data, err := opts.Read(path)
	if err != nil {
		return Set{}, fmt.Errorf("gitleaks configuration: %w", err)
	}
	return Parse(path, data, opts)
}

// Parse is Load for a configuration that has been read already. name stands
// for it in errors.
func Parse(name string, data []byte, opts Options) (Set, error) {
	if opts.Read == nil {
		opts.Read = os.ReadFile
	}
	l := &loader{
		read: opts.Read, builtIn: make(map[string]int),
		rewritten: make(map[string]bool), mentioned: make(map[string]bool),
	}
	vc, err := l.load(source{name: name, data: data}, 0)
	if err != nil {
		return Set{}, err
	}
	if opts.ForOverlay {
		l.prune(vc)
	}
	set := Set{Path: name, builtIn: l.builtIn, rewritten: l.rewritten, disabled: l.disabled, Warnings: l.warnings}
	cfg, needs, err := l.translate(vc)
	if err != nil {
		return Set{}, err
	}
	for _, id := range slices.Sorted(maps.Keys(cfg.Rules)) {
		r, err := convert(cfg.Rules[id], needs[id])
		if err != nil {
			return Set{}, l.locate(err)
		}
		if _, ok := l.builtIn[id]; ok && !l.rewritten[id] {
			r.Provider = "gitleaks"
		}
		set.Rules = append(set.Rules, r)
	}
	for _, a := range cfg.Allowlists {
		set.Global = append(set.Global, convertAllow(a))
	}
	set.nameReasons(name)
	return set, nil
}

// nameReasons makes every allow list say which configuration it is of.
func (s *Set) nameReasons(name string) {
	lists := [][]rule.Allow{s.Global}
	for i := range s.Rules {
		lists = append(lists, s.Rules[i].Allow)
	}
	for _, list := range lists {
		for i := range list {
			if list[i].Reason == "" {
				list[i].Reason = "allow list of " + name
			} else {
				list[i].Reason += " (allow list of " + name + ")"
			}
		}
	}
}

var defaultSet = sync.OnceValues(func() (Set, error) {
	set, err := Parse(defaultName, []byte(config.DefaultConfig), Options{})
	if err != nil {
		return Set{}, err
	}
	set.Path = ""
	for i := range set.Rules {
		set.Rules[i].Provider = "gitleaks"
	}
	return set, nil
})

// Default returns gitleaks' own configuration, which is part of this program.
// The set is shared: do not change it.
func Default() (Set, error) { return defaultSet() }

// source is a configuration file and its text.
type source struct {
	name string
	data []byte
}

// extended opens the file that extend.path names.
func (l *loader) extended(from source, path string) (source, error) {
	at := lineOf(from.data, path)
	data, err := l.read(path)
	if os.IsNotExist(err) && !filepath.IsAbs(path) {
		beside := filepath.Join(filepath.Dir(from.name), path)
		if data, err2 := l.read(beside); err2 == nil {
			return source{beside, data}, nil
		}
	}
	if err != nil {
		return source{}, fault(from, at, "extend.path (relative to the working directory): %w", err)
	}
	return source{path, data}, nil
}
