package fix

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/remint/remint/scanner/config"
)

// record writes what a project keeps of its keys: the inject map of
// .remint.yaml, .env.example beside a .env file, and .gitignore.
func (p *Project) record(items []*Item, files []*Rewritten) error {
	env := make(map[string]string)
	sdk := false
	for _, i := range items {
		for _, at := range i.places() {
			if at.Refused == "" || at.Refused == gone {
				env[at.Variable] = at.entry
			}
		}
		sdk = sdk || i.Custody == custodyHSM
	}
	for name, entry := range p.Config.Inject.Env {
		if env[name] == entry {
			delete(env, name)
		}
	}
	if err := p.editConfig(func(text []byte) ([]byte, error) {
		text, err := addPairs(text, []string{"inject", "env"}, env)
		if err == nil && sdk && !p.Config.Inject.SDK {
			text, err = addPairs(text, []string{"inject"}, map[string]string{"sdk": "true"})
		}
		return text, err
	}); err != nil {
		return err
	}
	if p.Config.Inject.Env == nil {
		p.Config.Inject.Env = make(map[string]string)
	}
	maps.Copy(p.Config.Inject.Env, env)
	p.Config.Inject.SDK = p.Config.Inject.SDK || sdk
	for _, f := range files {
		if base := path.Base(f.File); base == ".env" || strings.HasPrefix(base, ".env.") && base != envExample {
			if err := p.dotenvBeside(f); err != nil {
				return err
			}
		}
	}
	return nil
}

const envExample = ".env.example"

// configPath is the project's .remint.yaml, which may be a new one.
func (p *Project) configPath() string {
	if p.Config.Path != "" {
		return p.Config.Path
	}
	return filepath.Join(p.Root, config.FileName)
}

// editConfig edits .remint.yaml and looks that it can still be read.
func (p *Project) editConfig(edit func([]byte) ([]byte, error)) error {
	name := p.configPath()
	before, err := os.ReadFile(name)
	if errors.Is(err, os.ErrNotExist) {
		before, err = fmt.Appendf(nil, "version: %d\n", config.Version), nil
	}
	if err != nil {
		return err
	}
	after, err := edit(before)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if _, err := os.Stat(name); err == nil && bytes.Equal(before, after) {
		return nil
	}
	if bytes.Equal(after, fmt.Appendf(nil, "version: %d\n", config.Version)) {
		return nil // nothing to say, and no file
	}
	if _, err := config.Parse(name, after); err != nil {
		return fmt.Errorf("%s would not be readable: %w", name, err)
	}
	return writeWhole(name, after)
}

// addPairs adds names and texts to a mapping of a YAML document, which it makes
// where it is missing. Every other byte stays.
func addPairs(text []byte, where []string, pairs map[string]string) ([]byte, error) {
	if len(pairs) == 0 {
		return text, nil
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil || len(doc.Content) == 0 {
		return nil, errors.New("it cannot be read")
	}
	m := doc.Content[0]
	found := 0
	for _, name := range where {
		next := child(m, name)
		if next == nil || next.Kind != yaml.MappingNode {
			break
		}
		m, found = next, found+1
	}
	lines := newPairs(where[found:], pairs, max(m.Column-1, 0))
	switch {
	case m.Style&yaml.FlowStyle != 0:
		return addToFlow(text, m, where[found:], pairs)
	case found == 0:
		if !bytes.HasSuffix(text, []byte("\n")) {
			text = append(bytes.Clone(text), '\n')
		}
		return append(bytes.Clone(text), lines...), nil
	}
	at := lineAfter(text, last(m).Line)
	return slices.Concat(text[:at], []byte(lines), text[at:]), nil
}

// child is the value of a key.
func child(m *yaml.Node, name string) *yaml.Node {
	for i := 0; m.Kind == yaml.MappingNode && i+1 < len(m.Content); i += 2 {
		if m.Content[i].Value == name {
			return m.Content[i+1]
		}
	}
	return nil
}

// last is the node that ends a mapping.
func last(n *yaml.Node) *yaml.Node {
	for len(n.Content) > 0 {
		n = n.Content[len(n.Content)-1]
	}
	return n
}

// newPairs writes pairs below keys, from a column on.
func newPairs(keys []string, pairs map[string]string, column int) string {
	var b strings.Builder
	for _, k := range keys {
		fmt.Fprintf(&b, "%s%s:\n", strings.Repeat(" ", column), k)
		column += 2
	}
	for _, k := range slices.Sorted(maps.Keys(pairs)) {
		fmt.Fprintf(&b, "%s%s: %s\n", strings.Repeat(" ", column), k, quoteYAML(pairs[k]))
	}
	return b.String()
}

// quoteYAML quotes what is more than a word.
func quoteYAML(s string) string {
	if strings.ContainsAny(s, " :#'\"{}[],&*!|>%@`") {
		return "'" + strings.ReplaceAll(s, "'", "''") + "'"
	}
	return s
}

func addToFlow(text []byte, m *yaml.Node, keys []string, pairs map[string]string) ([]byte, error) {
	if len(keys) > 0 {
		return nil, fmt.Errorf("line %d: write the section over several lines, so that keys can be added", m.Line)
	}
	at := lineAfter(text, m.Line-1) + len(string([]rune(string(text[lineAfter(text, m.Line-1):]))[:m.Column-1])) + 1
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(pairs)) {
		parts = append(parts, k+": "+quoteYAML(pairs[k]))
	}
	added := strings.Join(parts, ", ")
	if len(m.Content) > 0 {
		added += ", "
	}
	return slices.Concat(text[:at], []byte(added), text[at:]), nil
}

// lineAfter is where the line after one begins; line 0 is before the first.
func lineAfter(text []byte, n int) int {
	at := 0
	for range n {
		i := bytes.IndexByte(text[at:], '\n')
		if i < 0 {
			return len(text)
		}
		at += i + 1
	}
	return at
}

// dotenvBeside names a .env file's variables in .env.example, and keeps the file
// out of git where it is not in it.
func (p *Project) dotenvBeside(f *Rewritten) error {
	dir := filepath.Dir(p.path(f.File))
	example := filepath.Join(dir, envExample)
	text, err := os.ReadFile(example)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	added := string(text)
	for _, at := range f.places {
		if !strings.Contains("\n"+added, "\n"+at.Variable+"=") {
			if added != "" && !strings.HasSuffix(added, "\n") {
				added += "\n"
			}
			added += at.Variable + "=\n"
		}
	}
	if added != string(text) {
		if err := writeWhole(example, []byte(added)); err != nil {
			return err
		}
	}
	return p.ignore(f.File)
}

// ignore adds a .env file to .gitignore, unless it is there or committed: what
// is committed has no secret any more.
func (p *Project) ignore(file string) error {
	if _, err := os.Stat(filepath.Join(p.Root, ".git")); err != nil {
		return nil //nolint:nilerr // no repository
	}
	name := filepath.Join(p.Root, ".gitignore")
	text, err := os.ReadFile(name)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	for l := range strings.SplitSeq(string(text), "\n") {
		l = strings.TrimSpace(l)
		if l == ".env" || l == ".env*" || l == "/"+file || l == file || l == "*.env" || l == ".env.*" {
			return nil
		}
	}
	out := string(text)
	if out != "" && !strings.HasSuffix(out, "\n") {
		out += "\n"
	}
	return writeWhole(name, []byte(out+path.Base(file)+"\n"))
}
