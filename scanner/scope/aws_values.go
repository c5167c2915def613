package scope

import (
	"bytes"
	"slices"
	"strings"

	"github.com/remint/remint/scanner/scope/document"
)

// intrinsic returns what a function of CloudFormation is given, as "!Join" or
// {"Fn::Join": …}; nil where the node is no such function.
func intrinsic(n *document.Node, name string) *document.Node {
	switch {
	case n == nil:
		return nil
	case n.Tag == "!"+name:
		return n
	case n.Kind == document.Map && len(n.Members) == 1:
		return n.Get("Fn::" + name)
	}
	return nil
}

// alternatives are the items of a list, or the one that stands in its place,
// and where a condition decides, whatever it may decide for.
func alternatives(n *document.Node) []*document.Node {
	if n == nil {
		return nil
	}
	if branches := intrinsic(n, "If"); branches != nil && len(branches.Items) == 3 {
		return append(alternatives(branches.Items[1]), alternatives(branches.Items[2])...)
	}
	if n.Kind != document.List || n.Tag != "" {
		return []*document.Node{n}
	}
	var all []*document.Node
	for _, i := range n.Items {
		all = append(all, alternatives(i)...)
	}
	return all
}

// known are the texts of a string or a list, with what a template or a
// variable fills in as it is written. What is not known at all is left out.
func known(n *document.Node) []string {
	var all []string
	for _, i := range alternatives(n) {
		if text, ok := awsText(i); ok {
			all = append(all, text)
		}
	}
	return all
}

// distinct leaves out what was there before.
func distinct(all []string) []string {
	seen := make(map[string]bool, len(all))
	return slices.DeleteFunc(all, func(s string) bool {
		before := seen[s]
		seen[s] = true
		return before
	})
}

// unresolved tells that something is said, and that none of it is known.
func unresolved(n *document.Node) bool {
	return n != nil && len(known(n)) == 0 && len(alternatives(n)) > 0 && !ofThisFile(n)
}

// ofThisFile tells a reference to a resource that the file itself makes: it is
// that resource, whatever its name will be.
func ofThisFile(n *document.Node) bool {
	for _, i := range alternatives(n) {
		made := intrinsic(i, "GetAtt") != nil || i.Kind == document.Unknown && strings.HasPrefix(i.Text, "aws_")
		if !made {
			return false
		}
	}
	return true
}

// awsText is a text in which ${…} stands for what is not known.
func awsText(n *document.Node) (text string, ok bool) {
	if sub := intrinsic(n, "Sub"); sub != nil && (sub != n || n.Kind == document.List) {
		if sub.Kind == document.List && len(sub.Items) > 0 {
			sub = sub.Items[0]
		}
		return sub.Text, sub.Kind == document.String
	}
	if join := intrinsic(n, "Join"); join != nil {
		return joined(join)
	}
	switch n.Kind {
	case document.String:
		return n.Text, true
	case document.Unknown:
		// A quote outside of what is filled in is an expression's.
		rest := filled.ReplaceAllString(n.Text, "")
		return n.Text, len(rest) < len(n.Text) && !strings.Contains(rest, `"`)
	}
	return "", false
}

// joined is what Fn::Join makes of its separator and its list.
func joined(n *document.Node) (text string, ok bool) {
	if len(n.Items) != 2 || n.Items[1].Kind != document.List || n.Items[1].Tag != "" {
		return "", false
	}
	var parts []string
	for _, i := range n.Items[1].Items {
		part, ok := awsText(i)
		if !ok {
			part = "${}"
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, n.Items[0].Str()), true
}

// maxEmbedded is how many bytes a policy in a string may have, which is more
// than AWS takes of any.
const maxEmbedded = 256 << 10

// holdsPolicy tells a string in which a policy stands as JSON.
func holdsPolicy(n *document.Node) bool {
	return (n.Kind == document.String || n.Kind == document.Unknown) && n.End-n.Start < maxEmbedded &&
		strings.HasPrefix(strings.TrimSpace(n.Text), "{") && strings.Contains(n.Text, "Statement")
}

// embeddedJSON reads the JSON in a string of a file, its places those of the file;
// nil where the string is none.
func embeddedJSON(file []byte, n *document.Node) *document.Node {
	if n.End > len(file) {
		return nil
	}
	tree := templateJSON(file[n.Start:n.End])
	if tree != nil {
		shift(tree, n.Start)
	}
	return tree
}

// templateJSON reads JSON as it stands in another string, or in a template of
// Terraform: escapes and what is filled in are taken out byte for byte. It is
// nil where that leaves no JSON.
func templateJSON(raw []byte) *document.Node {
	for _, text := range [][]byte{raw, unfill(raw), unfill(unescape(raw))} {
		parsed, err := document.Parse("policy.json", text, nil)
		if err == nil && len(parsed.Docs) > 0 && parsed.Docs[0].Kind == document.Map {
			return parsed.Docs[0]
		}
	}
	return nil
}

// unescape takes the backslashes of a string in a string out, those before
// quotes to the outside of what is quoted.
func unescape(raw []byte) []byte {
	text := bytes.Clone(raw)
	quoted := false
	for i := 0; i+1 < len(text); i++ {
		if text[i] != '\\' {
			continue
		}
		switch {
		case text[i+1] == '"' && quoted:
			text[i], text[i+1], quoted = '"', ' ', false
		case text[i+1] == '"':
			text[i], quoted = ' ', true
		case text[i+1] == '\\' && bytes.HasPrefix(text[i+2:], []byte(`\"`)): // a quote within
			copy(text[i:], "xxxx")
			i += 2
		case !quoted:
			text[i], text[i+1] = ' ', ' '
		}
		i++
	}
	return text
}

// unfill makes JSON of a template: ${…} is a null where a value stands, within
// a string it loses its quotes, and %{…} is blank.
func unfill(raw []byte) []byte {
	text := bytes.Clone(raw)
	quoted := false
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '\\':
			i++
		case text[i] == '"':
			quoted = !quoted
		case (text[i] == '$' || text[i] == '%') && i+1 < len(text) && text[i+1] == '{':
			end := closing(text, i+1)
			blank(text[i:end], text[i], quoted)
			i = end - 1
		}
	}
	return text
}

// closing is where a brace that opens at i is closed.
func closing(text []byte, i int) int {
	depth := 0
	for ; i < len(text); i++ {
		switch text[i] {
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return len(text)
}

func blank(part []byte, kind byte, quoted bool) {
	for i, c := range part {
		switch {
		case !quoted:
			part[i] = ' '
		case c == '"' || c == '\\' || c < ' ':
			part[i] = 'x'
		}
	}
	if !quoted && kind == '$' && len(part) >= len("null") {
		copy(part, "null")
	}
}
