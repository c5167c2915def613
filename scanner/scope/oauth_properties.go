package scope

import (
	"bytes"
	"path"
	"regexp"
	"strings"

	"github.com/remint/remint/scanner/scope/document"
)

// isOAuthProperties tells the properties by which programs in Java are set up:
// others are texts in a language.
func isOAuthProperties(name string) bool {
	base := path.Base(name)
	return hasExt(base, ".properties") && (strings.HasPrefix(base, "application") || strings.HasPrefix(base, "bootstrap") || strings.HasPrefix(base, "microprofile-config"))
}

// isOAuthVariables tells files of variables for a program's environment.
func isOAuthVariables(name string) bool {
	base := path.Base(name)
	return strings.HasPrefix(base, ".env") || hasExt(base, ".env")
}

// maxOAuthWords is how many words of a property's name are told apart.
const maxOAuthWords = 32

// oauthIndex ends the name of an element: scope[0].
var oauthIndex = regexp.MustCompile(`\[\d+\]$`)

// oauthPropertyTree is the tree that the names of properties make, as YAML has
// it.
// Sources: the documentation of java.util.Properties.load,
// docs.spring.io/spring-boot/reference/features/external-config.html.
func oauthPropertyTree(text []byte) *document.Node {
	root := &document.Node{Kind: document.Map}
	maps := make(map[string]*document.Node)
	for _, p := range oauthProperties(text) {
		name, start := p.Key.Text, p.Key.Start
		if rest := strings.TrimLeft(name, "%"); rest != name { // Quarkus' profile
			_, name, _ = strings.Cut(rest, ".")
		}
		words := strings.SplitN(name, ".", maxOAuthWords)
		at, prefix := root, ""
		for _, w := range words[:len(words)-1] {
			prefix += w + "."
			below := maps[prefix]
			if below == nil {
				below = &document.Node{Kind: document.Map, Start: start, End: start}
				maps[prefix] = below
				at.Members = append(at.Members, document.Member{Key: &document.Node{Kind: document.String, Text: w, Start: start, End: start}, Value: below})
			}
			at = below
		}
		key := *p.Key
		key.Text = oauthIndex.ReplaceAllString(words[len(words)-1], "")
		at.Members = append(at.Members, document.Member{Key: &key, Value: p.Value})
	}
	return root
}

// oauthProperties are the names and values of a file. A value that goes on below
// is the list of its lines, so that what stands in each has its place.
func oauthProperties(text []byte) []document.Member {
	var all []document.Member
	open := false // the value above goes on
	for at := 0; at < len(text); {
		end := at + bytes.IndexByte(text[at:], '\n') + 1
		if end <= at {
			end = len(text)
		}
		line := oauthTrimmed(text, at, end)
		at = end
		if !open && (line.Text == "" || line.Text[0] == '#' || line.Text[0] == '!') {
			continue
		}
		goesOn := strings.HasSuffix(line.Text, `\`)
		if goesOn {
			line = part(line, 0, len(line.Text)-1)
		}
		if !open {
			i := strings.IndexAny(line.Text+"=", "=: \t")
			value := part(line, min(i, len(line.Text)), len(line.Text))
			value = part(value, len(value.Text)-len(strings.TrimLeft(value.Text, "=: \t")), len(value.Text))
			all = append(all, document.Member{Key: part(line, 0, i), Value: &document.Node{Kind: document.List, Start: value.Start}})
			line = value
		}
		value := all[len(all)-1].Value
		value.Items, value.End = append(value.Items, line), line.End
		open = goesOn
	}
	for i, m := range all {
		if len(m.Value.Items) == 1 {
			all[i].Value = m.Value.Items[0]
		}
	}
	return all
}

// oauthTrimmed is a stretch of a text without the blanks around it.
func oauthTrimmed(text []byte, start, end int) *document.Node {
	for start < end && bytes.IndexByte([]byte(" \t\r\n\f"), text[start]) >= 0 {
		start++
	}
	for end > start && bytes.IndexByte([]byte(" \t\r\n\f"), text[end-1]) >= 0 {
		end--
	}
	return &document.Node{Kind: document.String, Text: string(text[start:end]), Start: start, End: end}
}

// oauthVariable is the name of a variable by which a client is told its id or
// its scopes: whose client it is, and what of it.
var oauthVariable = regexp.MustCompile(`^(?:export\s+)?([A-Z0-9_]*?)_?(?:OAUTH2?_)?(CLIENT_?ID|(?:DEFAULT_|REQUESTED_)?SCOPES?)$`)

// oauthLine is a line of a file of variables: a value in quotes, or one up to
// a blank and a remark.
var oauthLine = regexp.MustCompile(`(?m)^[ \t]*([\w \t]+?)[ \t]*=[ \t]*("[^"\n]*"|'[^'\n]*'|[^"'\s#][^#\r\n]*)`)

// oauthVariableTree has the variables of clients below whose they are.
func oauthVariableTree(text []byte) *document.Node {
	root := &document.Node{Kind: document.Map}
	clients := make(map[string]*document.Node)
	for _, at := range oauthLine.FindAllSubmatchIndex(text, -1) {
		m := oauthVariable.FindSubmatch(text[at[2]:at[3]])
		if m == nil {
			continue
		}
		key := &document.Node{Kind: document.String, Text: string(m[2]), Start: at[2], End: at[3]}
		client := clients[string(m[1])]
		if client == nil {
			client = &document.Node{Kind: document.Map, Start: at[2], End: at[3]}
			clients[string(m[1])] = client
			name := *key
			name.Text = string(m[1])
			root.Members = append(root.Members, document.Member{Key: &name, Value: client})
		}
		client.Members = append(client.Members, document.Member{Key: key, Value: unquoted(oauthTrimmed(text, at[4], at[5]))})
	}
	return root
}
