package scope

import (
	"regexp"
	"strings"

	"github.com/remint/remint/scanner/scope/document"
)

// shellWord is a word of a command, what begins or ends one, or a remark.
var shellWord = regexp.MustCompile("#[^\n]*|\\\\\r?\n|\n|&&|\\|\\|?|;|[()`]|(?:\\$\\{\\{[^{}\n]*\\}\\}|[^\\s\"';|&()`]|\"[^\"\n]*\"|'[^'\n]*')+")

// commandsOf are the commands of a script, each as its words with their places.
// It is read as it stands in the file, so that each word's place is exact.
func commandsOf(f *File, script *document.Node) [][]*document.Node {
	if script.Str() == "" || script.End > len(f.Text) {
		return nil
	}
	return shellCommands(withoutTexts(string(f.Text[script.Start:script.End])), script.Start)
}

// shellCommands are the commands of a script that begins at an offset, those
// whose output is a part of another among them: of x $(y) z both y and x $ z.
func shellCommands(script string, offset int) [][]*document.Node {
	var all, around [][]*document.Node // around: within which a command stands
	var words []*document.Node
	for _, at := range shellWord.FindAllStringIndex(script, -1) {
		switch w := script[at[0]:at[1]]; {
		case w[0] == '#', w[0] == '\\' && strings.HasSuffix(w, "\n"):
		case w == "(":
			around, words = append(around, words), nil
		case w == ")" && len(around) > 0:
			all = append(all, words)
			words, around = around[len(around)-1], around[:len(around)-1]
		case w == "\n" || w == "&&" || w == "||" || w == "|" || w == ";" || w == ")" || w == "`":
			all, words = append(all, words), nil
		default:
			if in := shellSubstitution.FindStringSubmatchIndex(w); in != nil && w[0] != '\'' {
				start, end := max(in[2], in[4]), max(in[3], in[5])
				all = append(all, shellCommands(w[start:end], offset+at[0]+start)...)
			}
			words = append(words, unquoted(&document.Node{Kind: document.String, Text: w, Start: offset + at[0], End: offset + at[1]}))
		}
	}
	return append(append(all, around...), words)
}

var (
	// hereText begins a text within a script, up to a line that is its word.
	hereText = regexp.MustCompile(`(?:^|[^<])<<-?[ \t]*["'\\]?([A-Za-z_]\w*)`)
	// runsText is a program that runs the text as a script.
	runsText = regexp.MustCompile(`(?:^|[\s;|&/])(?:\w*sh|su)(?:\s|$)`)
)

// withoutTexts blanks the texts within a script that no shell runs, such as a
// page of help.
func withoutTexts(script string) string {
	if !strings.Contains(script, "<<") {
		return script
	}
	var b strings.Builder
	end := "" // the word that ends the text
	for line := range strings.Lines(script) {
		switch begins := hereText.FindStringSubmatch(line); {
		case end != "" && strings.TrimSpace(line) == end:
			end = ""
		case end != "":
			line = strings.Repeat(" ", len(line)-1) + line[len(line)-1:]
		case begins != nil && !runsText.MatchString(line):
			end = begins[1]
		}
		b.WriteString(line)
	}
	return b.String()
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
