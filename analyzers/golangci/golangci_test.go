package golangci_test

import (
	"testing"

	"github.com/golangci/plugin-module-register/register"

	"github.com/remint/remint/analyzers/golangci"
)

func TestPlugin(t *testing.T) {
	newPlugin, err := register.GetPlugin(golangci.Name)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		settings any
		want     int
	}{
		{nil, 3}, {map[string]any{"disable": []string{"longlived"}}, 2},
	} {
		p, err := newPlugin(c.settings)
		if err != nil {
			t.Fatal(err)
		}
		all, err := p.BuildAnalyzers()
		if err != nil || len(all) != c.want {
			t.Errorf("%v: %d analyzers (%v), want %d", c.settings, len(all), err, c.want)
		}
		if p.GetLoadMode() != register.LoadModeTypesInfo {
			t.Error("the analyzers need types")
		}
	}
	for _, bad := range []any{map[string]any{"disable": []string{"nothing"}}, map[string]any{"unknown": 1}} {
		if _, err := newPlugin(bad); err == nil {
			t.Errorf("%v is accepted", bad)
		}
	}
}
