package scope

import (
	"regexp"
	"strings"

	"github.com/remint/remint/scanner/scope/document"
)

// shellWord is a word of a command, what ends one, or a remark.
var shellWord = regexp.MustCompile(`#[^\n]*|\\\r?\n|\n|&&|\|\|?|;|(?:[^\s"';|&]|"[^"\n]*"|'[^'\n]*')+`)

// commandsOf are the commands of a script, each as its words with their places.
// It is read as it stands in the file, so that each word's place is exact.
func commandsOf(f *File, script *document.Node) [][]*document.Node {
	if script.Str() == "" || script.End > len(f.Text) {
		return nil
	}
	var all [][]*document.Node
	var words []*document.Node
	raw := string(f.Text[script.Start:script.End])
	for _, at := range shellWord.FindAllStringIndex(raw, -1) {
		switch w := raw[at[0]:at[1]]; {
		case w[0] == '#', w[0] == '\\' && strings.HasSuffix(w, "\n"):
		case w == "\n" || w == "&&" || w == "||" || w == "|" || w == ";":
			all, words = append(all, words), nil
		default:
			words = append(words, unquoted(&document.Node{Kind: document.String, Text: w, Start: script.Start + at[0], End: script.Start + at[1]}))
		}
	}
	return append(all, words)
}

// unquoted is a word without the quotes around it.
func unquoted(n *document.Node) *document.Node {
	if len(n.Text) > 1 && (n.Text[0] == '"' || n.Text[0] == '\'') && n.Text[len(n.Text)-1] == n.Text[0] {
		return part(n, 1, len(n.Text)-1)
	}
	return n
}

// option is the value of a command's option, nil where it is not given.
func option(words []*document.Node, name string) *document.Node {
	for i, w := range words {
		if w.Text == name && i+1 < len(words) {
			return words[i+1]
		}
		if strings.HasPrefix(w.Text, name+"=") {
			return unquoted(part(w, len(name)+1, len(w.Text)))
		}
	}
	return nil
}

// follows tells whether the words given stand in a command one after the other.
func follows(words []*document.Node, texts ...string) bool {
	for i := 0; i+len(texts) <= len(words); i++ {
		found := true
		for j, t := range texts {
			found = found && words[i+j].Text == t
		}
		if found {
			return true
		}
	}
	return false
}
