package gitleaks

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/spf13/viper"
	"github.com/zricethezav/gitleaks/v8/config"
)

// loader reads a configuration and those it extends into one.
type loader struct {
	checker
	read      func(string) ([]byte, error)
	sources   []source // every file that took part, the extending one first
	warnings  []string
	builtIn   map[string]int
	rewritten map[string]bool
	mentioned map[string]bool // rules of gitleaks' own that a file says something of
	disabled  []string
}

// load reads one file and merges what it extends into it.
func (l *loader) load(src source, depth int) (*config.ViperConfig, error) {
	l.sources = append(l.sources, src)
	vc, err := decode(src)
	if err != nil {
		return nil, err
	}
	if src.name != defaultName {
		if err := l.check(src, vc); err != nil {
			return nil, err
		}
	}
	if depth == maxExtends {
		return vc, nil
	}
	ext := vc.Extend
	switch {
	case ext.Path != "" && ext.UseDefault:
		return nil, fault(src, lineOf(src.data, "useDefault"), "extend.path and extend.useDefault cannot both be set")
	case ext.UseDefault:
		return vc, l.extendDefault(src, vc, depth)
	case ext.Path != "":
		from, err := l.extended(src, ext.Path)
		if err != nil {
			return nil, err
		}
		base, err := l.load(from, depth+1)
		if err != nil {
			return nil, err
		}
		l.merge(src, vc, base)
	}
	return vc, nil
}

func (l *loader) extendDefault(src source, vc *config.ViperConfig, depth int) error {
	base, err := l.load(source{defaultName, []byte(config.DefaultConfig)}, depth+1)
	if err != nil {
		return err
	}
	for i := range base.Rules {
		l.builtIn[base.Rules[i].ID] = len(base.Rules[i].Allowlists)
	}
	l.merge(src, vc, base)
	return nil
}

// decode parses TOML the way gitleaks does, in a viper of its own.
func decode(src source) (vc *config.ViperConfig, err error) {
	defer func() {
		if r := recover(); r != nil {
			vc, err = nil, fault(src, 1, "cannot be read: %v", r)
		}
	}()
	v := viper.New()
	v.SetConfigType("toml")
	if err := v.ReadConfig(bytes.NewReader(src.data)); err != nil {
		return nil, syntaxFault(src, err)
	}
	vc = new(config.ViperConfig)
	if err := v.Unmarshal(vc); err != nil {
		return nil, typeFault(src, err)
	}
	return vc, normalise(src, vc)
}

// normalise turns the older forms that gitleaks still takes into the present
// ones, and keeps the last of several rules of one id, as gitleaks does.
func normalise(src source, vc *config.ViperConfig) error {
	last := make(map[string]int, len(vc.Rules))
	kept := vc.Rules[:0]
	for i := range vc.Rules {
		r := vc.Rules[i]
		if r.AllowList != nil {
			if len(r.Allowlists) > 0 {
				return fault(src, ruleLine(src.data, r.ID), "rule %s: [rules.allowlist] is the older form of [[rules.allowlists]]: use one of them", r.ID)
			}
			r.Allowlists, r.AllowList = append(r.Allowlists, r.AllowList), nil
		}
		if at, ok := last[r.ID]; ok {
			kept[at] = r
			continue
		}
		last[r.ID] = len(kept)
		kept = append(kept, r)
	}
	vc.Rules = kept
	//lint:ignore SA1019 gitleaks still takes the older form
	older := &vc.AllowList
	if *older != nil {
		if len(vc.Allowlists) > 0 {
			return fault(src, lineOf(src.data, "[allowlist]"), "[allowlist] is the older form of [[allowlists]]: use one of them")
		}
		vc.Allowlists, *older = append(vc.Allowlists, *older), nil
	}
	return nil
}

// merge adds to top what it extends. Where both have a rule, top's fields win
// and lists are joined, except what a rule requires and whether it reports,
// which stay the base's; allow lists of the base that target rules are lost.
// All this is as in gitleaks.
func (l *loader) merge(src source, top, base *config.ViperConfig) {
	disabled := make(map[string]bool)
	inBase := make(map[string]bool, len(base.Rules))
	for i := range base.Rules {
		inBase[base.Rules[i].ID] = true
	}
	for _, id := range top.Extend.DisabledRules {
		disabled[id] = true
		l.disabled = append(l.disabled, id)
		if !inBase[id] {
			l.warnings = append(l.warnings, fmt.Sprintf("%s:%d: disabledRules: rule %s is not in what the file extends", src.name, lineOf(src.data, id), id))
		}
	}
	at := make(map[string]int, len(top.Rules))
	for i := range top.Rules {
		at[top.Rules[i].ID] = i
	}
	for i := range base.Rules {
		id := base.Rules[i].ID
		if disabled[id] {
			continue
		}
		if j, ok := at[id]; ok {
			l.mergeRule(top, j, base, i)
		} else {
			top.Rules = append(top.Rules, base.Rules[i])
		}
	}
	for _, a := range base.Allowlists {
		if len(a.TargetRules) == 0 {
			top.Allowlists = append(top.Allowlists, a)
		}
	}
}

func (l *loader) mergeRule(top *config.ViperConfig, j int, base *config.ViperConfig, i int) {
	r, own := base.Rules[i], top.Rules[j]
	if own.Description != "" {
		r.Description = own.Description
	}
	if own.Entropy != 0 {
		r.Entropy = own.Entropy
	}
	if own.SecretGroup != 0 {
		r.SecretGroup = own.SecretGroup
	}
	if own.Regex != "" {
		r.Regex = own.Regex
	}
	if own.Path != "" {
		r.Path = own.Path
	}
	l.mentioned[r.ID] = true
	if _, ok := l.builtIn[r.ID]; ok && (own.Regex != "" || own.Path != "") {
		l.rewritten[r.ID] = true
	}
	r.Tags = append(r.Tags, own.Tags...)
	r.Keywords = append(r.Keywords, own.Keywords...)
	r.Allowlists = append(r.Allowlists, own.Allowlists...)
	top.Rules[j] = r
}

// prune leaves out the rules of gitleaks' own that no file says anything of.
func (l *loader) prune(vc *config.ViperConfig) {
	for _, a := range vc.Allowlists {
		for _, id := range a.TargetRules {
			l.mentioned[id] = true
		}
	}
	kept := vc.Rules[:0]
	for i := range vc.Rules {
		if _, builtIn := l.builtIn[vc.Rules[i].ID]; !builtIn || l.mentioned[vc.Rules[i].ID] {
			kept = append(kept, vc.Rules[i])
		}
	}
	vc.Rules = kept
}

// need is a rule that another one requires nearby.
type need struct {
	id             string
	lines, columns *int
}

// translate lets gitleaks turn the merged configuration into rules. What rules
// require is kept apart: gitleaks checks it a file at a time, before rules of
// other files are disabled, which check has done.
func (l *loader) translate(vc *config.ViperConfig) (cfg config.Config, needs map[string][]need, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fault(l.sources[0], 1, "cannot be used: %s", firstLine(fmt.Sprint(r)))
		}
	}()
	needs = make(map[string][]need)
	for i := range vc.Rules {
		r := &vc.Rules[i]
		for _, q := range r.Required {
			needs[r.ID] = append(needs[r.ID], need{q.ID, q.WithinLines, q.WithinColumns})
		}
		r.Required = nil
	}
	vc.Extend = config.Extend{}
	vc.MinVersion = "" // this program is no version of gitleaks
	if cfg, err = vc.Translate(); err != nil {
		return cfg, nil, l.locate(err)
	}
	return cfg, needs, nil
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return s
}
