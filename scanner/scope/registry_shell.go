package scope

import (
	"bytes"
	"regexp"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/remint/remint/scanner/rule"
	"github.com/remint/remint/scanner/scope/document"
)

// registryWords are one of the words of every command that is judged.
var registryWords = []string{"token create", "repo:admin", "applied-permissions/admin", "grant-admin"}

// unknownWord stands in a command's words for what is not in the file.
const unknownWord = "\x00"

// expression is what GitHub and templates fill in before a shell reads it.
var expression = regexp.MustCompile(`\$?\{\{[^}]*\}\}`)

// readRegistryScript reads a shell script.
func readRegistryScript(f *File) {
	if len(f.Text) > 1<<20 {
		f.Fault(document.ErrTooLarge)
		return
	}
	readRegistryCommands(f, &document.Node{Kind: document.String, Text: string(f.Text), End: len(f.Text)})
}

// readRegistryCommands reads the commands in a scalar: a step's script, an npm
// script. What is no shell is passed over, as scalars mostly are none.
func readRegistryCommands(f *File, n *document.Node) {
	if !slices.ContainsFunc(registryWords, func(w string) bool { return strings.Contains(n.Text, w) }) {
		return
	}
	script := expression.ReplaceAllStringFunc(n.Text, func(e string) string { return "$" + strings.Repeat("x", len(e)-1) })
	file, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(script), "")
	if err != nil {
		if isScript(f.Path) {
			f.Fault(err)
		}
		return
	}
	c := commands{File: f, node: n}
	syntax.Walk(file, func(s syntax.Node) bool {
		if call, ok := s.(*syntax.CallExpr); ok {
			c.judge(wordsOf(call))
		}
		return true
	})
}

// wordsOf are a call's words without their quotes.
func wordsOf(call *syntax.CallExpr) []string {
	var words []string
	for _, w := range call.Args {
		var text strings.Builder
		syntax.Walk(w, func(s syntax.Node) bool {
			switch s := s.(type) {
			case *syntax.Lit:
				text.WriteString(strings.ReplaceAll(s.Value, `\"`, `"`))
			case *syntax.SglQuoted:
				text.WriteString(s.Value)
			case *syntax.ParamExp, *syntax.CmdSubst, *syntax.ArithmExp, *syntax.ProcSubst:
				text.WriteString(unknownWord)
				return false
			}
			return true
		})
		words = append(words, text.String())
	}
	return words
}

// commands judges the commands of a scalar, in their order.
type commands struct {
	*File
	node *document.Node
	// from and read bound the next command in the scalar's own bytes: where it
	// is looked for, and what was found of it by now.
	from, read int
}

var createCommand = regexp.MustCompile(`\btoken\s+create\b`)

func (c *commands) judge(words []string) {
	if len(words) == 0 {
		return
	}
	c.from = c.read
	program := words[0][strings.LastIndexByte(words[0], '/')+1:]
	switch program {
	case "npm", "pnpm", "npx":
		i := slices.Index(words, "token")
		if i < 0 || i+1 >= len(words) || words[i+1] != "create" {
			return
		}
		p, wide, unknown := npmCreate(append(slices.Clone(words[1:i]), words[i+2:]...))
		at := c.place(createCommand)
		switch {
		case unknown:
			c.Unknown(at)
		case wide:
			p.Value, p.Subject = "npm token create", "token"
			c.Report(at, p)
		}
	case "curl", "http", "https", "wget":
		all := strings.Join(words, " ")
		if strings.Contains(all, "hub.docker.com") && strings.Contains(all, `"repo:admin"`) {
			c.Report(c.place(dockerScope), Problem{Rule: dockerAdmin, Subject: "token", Why: "deletes images and changes every repository that its owner may", Narrower: "repo:write to push, repo:read to pull"})
		}
		if strings.Contains(all, "applied-permissions/admin") {
			c.Report(c.place(artifactoryScope), artifactoryAdmin("token"))
		}
	case "jf", "jfrog":
		if i := slices.Index(words, "--grant-admin"); i >= 0 || slices.Contains(words, "--grant-admin=true") {
			c.Report(c.place(grantAdmin), artifactoryAdmin("token"))
		}
		if slices.Contains(words, "--scope=applied-permissions/admin") {
			c.Report(c.place(artifactoryScope), artifactoryAdmin("token"))
		}
		if slices.Contains(words, "--expiry=0") {
			c.Report(c.place(neverExpires), Problem{Rule: registryForever, Severity: rule.Medium, Subject: "token", Why: "makes a token that never ends", Narrower: "--expiry=3600"})
		}
	}
}

var (
	dockerScope      = regexp.MustCompile(`repo:admin`)
	artifactoryScope = regexp.MustCompile(`applied-permissions/admin`)
	grantAdmin       = regexp.MustCompile(`--grant-admin`)
	neverExpires     = regexp.MustCompile(`--expiry=0`)
)

// place is where a pattern stands next in the scalar's own bytes, in no
// comment. They may be indented or escaped, so that a command's place in the
// text is not its place in the file.
func (c *commands) place(pattern *regexp.Regexp) *document.Node {
	own := c.Text[c.node.Start:c.node.End]
	for from := c.from; from < len(own); {
		at := pattern.FindIndex(own[from:])
		if at == nil {
			break
		}
		start, end := from+at[0], from+at[1]
		from, c.read = end, max(c.read, end)
		line := bytes.TrimSpace(own[bytes.LastIndexByte(own[:start], '\n')+1 : start])
		if !bytes.HasPrefix(line, []byte("#")) {
			return &document.Node{Kind: document.String, Text: string(own[start:end]), Start: c.node.Start + start, End: c.node.Start + end}
		}
	}
	return c.node
}
