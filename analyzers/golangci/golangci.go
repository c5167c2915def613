// Package golangci makes the analyzers a module plugin of golangci-lint. A
// .custom-gcl.yml that names this package builds a golangci-lint that has them;
// docs/analyzers.md shows one.
package golangci

import (
	"fmt"
	"slices"

	"github.com/golangci/plugin-module-register/register"
	"golang.org/x/tools/go/analysis"

	"github.com/remint/remint/analyzers"
)

// Name is the plugin's name in .golangci.yml.
const Name = "remint"

// golangci-lint finds a plugin by what its init registers: there is no other
// way in.
func init() { register.Plugin(Name, New) }

// Settings is what .golangci.yml may say under settings.
type Settings struct {
	// Disable names analyzers to leave out.
	Disable []string `json:"disable"`
	// Env, Inject and Narrow offer the fixes of hardcodedkey and broadscope,
	// which change what a program does.
	Env    bool `json:"env"`
	Inject bool `json:"inject"`
	Narrow bool `json:"narrow"`
}

// New implements register.NewPlugin.
func New(conf any) (register.LinterPlugin, error) {
	s, err := register.DecodeSettings[Settings](conf)
	if err != nil {
		return nil, fmt.Errorf("settings of %s: %w", Name, err)
	}
	known := make(map[string]*analysis.Analyzer)
	for _, a := range analyzers.All() {
		known[a.Name] = a
	}
	for _, name := range s.Disable {
		if known[name] == nil {
			return nil, fmt.Errorf("settings of %s: disable names %q, which is no analyzer", Name, name)
		}
	}
	return &plugin{s}, nil
}

type plugin struct{ settings Settings }

// BuildAnalyzers implements register.LinterPlugin.
func (p *plugin) BuildAnalyzers() ([]*analysis.Analyzer, error) {
	var all []*analysis.Analyzer
	for _, a := range analyzers.All() {
		if slices.Contains(p.settings.Disable, a.Name) {
			continue
		}
		for flag, on := range map[string]bool{"env": p.settings.Env, "inject": p.settings.Inject, "narrow": p.settings.Narrow} {
			if on && a.Flags.Lookup(flag) != nil {
				if err := a.Flags.Set(flag, "true"); err != nil {
					return nil, err
				}
			}
		}
		all = append(all, a)
	}
	return all, nil
}

// GetLoadMode implements register.LinterPlugin.
func (*plugin) GetLoadMode() string { return register.LoadModeTypesInfo }
