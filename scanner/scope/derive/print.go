package derive

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// AWSPolicy is an IAM policy that grants what is needed of AWS, "" where
// nothing is.
func (n *Needs) AWSPolicy() string {
	type statement struct {
		Effect   string
		Action   []string
		Resource []string
	}
	var all []*statement
	byResources := make(map[string]*statement)
	for _, a := range n.AWS {
		key := strings.Join(a.Resources, "\n")
		s := byResources[key]
		if s == nil {
			s = &statement{Effect: "Allow", Resource: a.Resources}
			byResources[key] = s
			all = append(all, s)
		}
		s.Action = append(s.Action, a.Name)
	}
	if len(all) == 0 {
		return ""
	}
	return indented(struct {
		Version   string
		Statement []*statement
	}{"2012-10-17", all})
}

// indented is JSON for people.
func indented(v any) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		panic(err) // it is a struct of strings
	}
	return b.String()
}

// WriteJSON writes everything that is known, for machines.
func (n *Needs) WriteJSON(w io.Writer) error {
	_, err := io.WriteString(w, indented(n))
	return err
}

// WriteText writes the grants and where each is needed, for people.
func (n *Needs) WriteText(w io.Writer) error {
	var b strings.Builder
	if len(n.AWS) > 0 {
		fmt.Fprintf(&b, "AWS, a policy of IAM:\n\n%s\n", n.AWSPolicy())
		for _, a := range n.AWS {
			fmt.Fprintf(&b, "  %s: %s\n", a.Name, shown(a.At))
		}
		b.WriteString("\n")
	}
	n.writeGitHub(&b)
	n.writeGoogle(&b)
	writeUnknown(&b, n.Unknown)
	if b.Len() == 0 {
		b.WriteString("No call of the SDKs of AWS, GitHub or Google is reached. Files behind build tags are read with GOFLAGS=-tags=NAME.\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func writeUnknown(b *strings.Builder, all []Unknown) {
	for _, u := range all {
		fmt.Fprintf(b, "not known: %s (%s)\n", u.What, u.At)
	}
}

// maxPlaces is how many places are shown of one need; JSON has all.
const maxPlaces = 3

func shown(all []Place) string {
	var texts []string
	for i, p := range all {
		if i == maxPlaces {
			texts = append(texts, fmt.Sprintf("and %d more", len(all)-maxPlaces))
			break
		}
		texts = append(texts, p.String())
	}
	return strings.Join(texts, ", ")
}

// GitHubApp are the permissions of a GitHub App, as its API has them; "" where
// none are needed.
func (n *Needs) GitHubApp() string {
	if len(n.GitHub) == 0 {
		return ""
	}
	all := make(map[string]string)
	for _, p := range n.GitHub {
		all[p.Name] = p.Level
	}
	return indented(all)
}

// workflowKeys are the permissions that a workflow's own token can have, by
// their names there (docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#permissions).
var workflowKeys = map[string]string{
	"actions": "actions", "attestations": "attestations", "checks": "checks", "contents": "contents", "deployments": "deployments",
	"discussions": "discussions", "issues": "issues", "packages": "packages", "pages": "pages", "pull_requests": "pull-requests",
	"security_events": "security-events", "statuses": "statuses",
}

// Workflow is the permissions block of a workflow. lacking are the permissions
// that its own token cannot have; metadata it always has.
func (n *Needs) Workflow() (block string, lacking []string) {
	var b strings.Builder
	for _, p := range n.GitHub {
		key := workflowKeys[p.Name]
		switch {
		case key != "":
			fmt.Fprintf(&b, "\n  %s: %s", key, p.Level)
		case p.Name != "metadata":
			lacking = append(lacking, p.Name)
		}
	}
	if b.Len() == 0 {
		return "permissions: {}\n", lacking
	}
	return "permissions:" + b.String() + "\n", lacking
}

func (n *Needs) writeGitHub(b *strings.Builder) {
	if len(n.GitHub) == 0 {
		return
	}
	block, lacking := n.Workflow()
	fmt.Fprintf(b, "GitHub, permissions of an App or a fine-grained token:\n\n%s\nand of a workflow:\n\n%s\n", n.GitHubApp(), block)
	if len(lacking) > 0 {
		fmt.Fprintf(b, "  A workflow's own token cannot have %s: it needs an App's token.\n\n", strings.Join(lacking, ", "))
	}
	for _, p := range n.GitHub {
		fmt.Fprintf(b, "  %s %s: %s (%s)\n", p.Name, p.Level, shown(p.At), strings.Join(p.Operations, ", "))
	}
	b.WriteString("\n")
}

// GoogleScopes are the scopes that are needed, one a line.
func (n *Needs) GoogleScopes() string {
	var b strings.Builder
	for _, s := range n.Google {
		b.WriteString(s.Name + "\n")
	}
	return b.String()
}

func (n *Needs) writeGoogle(b *strings.Builder) {
	if len(n.Google) == 0 {
		return
	}
	fmt.Fprintf(b, "Google, scopes:\n\n%s\n", n.GoogleScopes())
	for _, s := range n.Google {
		fmt.Fprintf(b, "  %s: %s (%s)\n", short(s.Name), shown(s.At), strings.Join(s.Methods, ", "))
		for _, narrower := range s.Narrower {
			fmt.Fprintf(b, "    narrower, if that is all that is meant: %s\n", narrower)
		}
	}
	b.WriteString("\n")
}

// WriteText writes the difference, for people.
func (d *Difference) WriteText(w io.Writer) error {
	var b strings.Builder
	for _, part := range []struct {
		title string
		lines []string
	}{{"granted and not needed", d.Unneeded}, {"needed and not granted", d.Lacking}} {
		if len(part.lines) > 0 {
			fmt.Fprintf(&b, "%s:\n  %s\n", part.title, strings.Join(part.lines, "\n  "))
		}
	}
	if d.None() {
		b.WriteString("What is granted is what is needed.\n")
	}
	writeUnknown(&b, d.Unknown)
	_, err := io.WriteString(w, b.String())
	return err
}

// WriteJSON writes the difference, for machines.
func (d *Difference) WriteJSON(w io.Writer) error {
	_, err := io.WriteString(w, indented(d))
	return err
}
