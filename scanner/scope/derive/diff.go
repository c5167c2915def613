package derive

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/remint/remint/scanner/scope"
	"github.com/remint/remint/scanner/scope/document"
)

// Difference is what a grant and a program's needs have not in common.
type Difference struct {
	// Provider is whose grant it is: "aws", "github" or "google".
	Provider string `json:"provider"`
	// Unneeded are grants that are wider than what is needed, or for nothing.
	Unneeded []string `json:"granted_and_not_needed"`
	// Lacking are needs that are not granted.
	Lacking []string `json:"needed_and_not_granted"`
	// Unknown are the calls of which it is not known what they need: what seems
	// unneeded may be for them.
	Unknown []Unknown `json:"unknown"`
}

// None tells whether the grant is what is needed.
func (d *Difference) None() bool { return len(d.Unneeded)+len(d.Lacking) == 0 }

// Diff compares needs with what a file grants: policies of IAM in JSON, YAML or
// Terraform, a workflow of GitHub or the permissions of an App as JSON, or scopes
// of Google's as a list in JSON or one a line. name is the file's.
func (n *Needs) Diff(name string, text []byte) (*Difference, error) {
	d := &Difference{Unneeded: []string{}, Lacking: []string{}, Unknown: n.Unknown}
	if statements, ok := scope.ParseAWS(text); ok {
		d.Provider = "aws"
		n.diffAWS(d, statements)
		return d, nil
	}
	if scopes := googleScopes(text); len(scopes) > 0 {
		d.Provider = "google"
		n.diffGoogle(d, scopes)
		return d, nil
	}
	if statements := policies(name, text); len(statements) > 0 {
		d.Provider = "aws"
		n.diffAWS(d, statements)
		return d, nil
	}
	granted, token, err := githubPermissions(name, text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	d.Provider = "github"
	n.diffGitHub(d, granted, token)
	return d, nil
}

// googleScopes reads a list of scopes, none where the text is no such list.
func googleScopes(text []byte) []string {
	var all []string
	if json.Unmarshal(text, &all) != nil {
		for line := range strings.Lines(string(text)) {
			if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
				all = append(all, strings.FieldsFunc(line, func(r rune) bool { return r == ' ' || r == ',' })...)
			}
		}
	}
	if slices.ContainsFunc(all, func(s string) bool { return !strings.HasPrefix(s, "https://") }) {
		return nil
	}
	return all
}

// diffGoogle holds scopes against the methods that are called. A scope for a
// part alone is taken as meant.
func (n *Needs) diffGoogle(d *Difference, granted []string) {
	for _, m := range n.methods {
		if !slices.ContainsFunc(m.answers, func(s string) bool { return slices.Contains(granted, s) }) {
			d.Lacking = append(d.Lacking, fmt.Sprintf("%s: one of %s", m.id, strings.Join(m.enough, ", ")))
		}
	}
	var needed []string
	for _, s := range n.Google {
		needed = append(needed, s.Name)
	}
	for _, s := range granted {
		if slices.Contains(needed, s) {
			continue
		}
		var by []string // what is called with this scope alone
		for _, m := range n.methods {
			if slices.Contains(m.answers, s) && !slices.ContainsFunc(granted, func(g string) bool { return slices.Contains(needed, g) && slices.Contains(m.answers, g) }) {
				by = append(by, m.id)
			}
		}
		switch {
		case len(by) == 0:
			d.Unneeded = append(d.Unneeded, s)
		case googleTables().part[short(s)] == "":
			d.Unneeded = append(d.Unneeded, fmt.Sprintf("%s: for %s %s will do", s, strings.Join(by, ", "), strings.Join(needed, ", ")))
		}
	}
}

// githubPermissions reads what a workflow or an App is granted. token tells that
// it is a workflow's, whose own token can have some permissions alone; of
// several jobs the most that any has counts.
func githubPermissions(name string, text []byte) (granted map[string]string, token bool, err error) {
	var app struct {
		Permissions        map[string]string // as the API tells them
		DefaultPermissions map[string]string `json:"default_permissions"` // a manifest's
	}
	switch {
	case json.Unmarshal(text, &granted) == nil && len(granted) > 0:
		return granted, false, nil
	case json.Unmarshal(text, &app) == nil && len(app.Permissions)+len(app.DefaultPermissions) > 0:
		if len(app.Permissions) == 0 {
			app.Permissions = app.DefaultPermissions
		}
		return app.Permissions, false, nil
	}
	if ext := strings.ToLower(filepath.Ext(name)); ext != ".yml" && ext != ".yaml" {
		return nil, false, errors.New("it is no policy of IAM, no list of Google's scopes (https://…, one a line) and no permissions of GitHub: name a file with a policy (.json, .yml, .tf), a workflow's .yml or a list of scopes")
	}
	parsed, err := document.Parse(name, text, nil)
	if err != nil || len(parsed.Docs) == 0 {
		return nil, false, errors.Join(errors.New("read the workflow"), err)
	}
	granted = make(map[string]string)
	root := parsed.Docs[0]
	if root.Get("jobs") == nil && root.Get("permissions") == nil {
		return nil, false, errors.New("it is no workflow of GitHub and has no policy of IAM: name a file with a policy (.json, .yml, .tf), a workflow's .yml or a list of scopes")
	}
	blocks := []*document.Node{root.Get("permissions")}
	for _, job := range root.Get("jobs").Entries() {
		blocks = append(blocks, job.Value.Get("permissions"))
	}
	some := false
	for _, b := range blocks {
		if b != nil {
			some = true
			grantBlock(granted, b)
		}
	}
	if !some {
		return nil, false, errors.New("it has no permissions block, so that its token has what the repository's settings give: add one, as 'remint scope derive' prints it")
	}
	return granted, true, nil
}

// grantBlock adds a workflow's permissions block, by the names that apps use.
func grantBlock(granted map[string]string, b *document.Node) {
	give := func(name, level string) {
		if level == "write" || level == "read" && granted[name] == "" {
			granted[name] = level
		}
	}
	if b.Is("read-all", "write-all") {
		for name := range workflowKeys {
			give(name, strings.TrimSuffix(b.Str(), "-all"))
		}
	}
	for _, e := range b.Entries() {
		give(strings.ReplaceAll(e.Key.Text, "-", "_"), e.Value.Str())
	}
}

// diffGitHub holds permissions against needs. A workflow's token has metadata
// without being granted it, as an App has with any other permission; id_token is
// for others than GitHub.
func (n *Needs) diffGitHub(d *Difference, granted map[string]string, token bool) {
	needed := make(map[string]string)
	for _, p := range n.GitHub {
		needed[p.Name] = p.Level
		if p.Name == "metadata" || opens(granted[p.Name], p.Level) {
			continue
		}
		lacking := fmt.Sprintf("%s: %s", p.Name, p.Level)
		if token && workflowKeys[p.Name] == "" {
			lacking += " (a workflow's own token cannot have it)"
		}
		d.Lacking = append(d.Lacking, lacking)
	}
	for name, level := range granted {
		switch want := needed[name]; {
		case name == "metadata" || name == "id_token" || level == "none" || level == want:
		case want == "":
			d.Unneeded = append(d.Unneeded, name+": "+level)
		case !opens(want, level):
			d.Unneeded = append(d.Unneeded, fmt.Sprintf("%s: %s, of which %s is needed", name, level, want))
		}
	}
	slices.Sort(d.Unneeded)
}
