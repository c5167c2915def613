package history

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/remint/remint/scanner/history/mapped"
)

const configSize = 16 << 20 // of a configuration file, in bytes

// settings are the few words of a repository's configuration that say how it
// is laid out. Nothing else is read, and no other file is included.
type settings struct {
	bare           bool
	workTree       string
	objectFormat   string
	refStorage     string
	worktreeConfig bool
	promisor       string // the remote that has what a partial clone left out
	lfsStorage     string
}

// read adds what a file says; a file that is not there says nothing.
func (s *settings) read(name string) error {
	data, err := mapped.ReadFile(name, configSize)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("the repository's configuration: %w", err)
	}
	s.parse(string(data))
	return nil
}

func (s *settings) parse(text string) { parseConfig(text, s.set) }

// parseConfig calls set with every value, the section and key in lower case
// and the subsection as it is written. It takes lines as git does, and skips
// what it does not understand: a value nobody asks for is no reason to refuse
// a repository.
func parseConfig(text string, set func(section, sub, key, value string)) {
	section, sub := "", ""
	text = strings.TrimPrefix(text, "\ufeff")
	for text != "" {
		var line string
		line, text = configLine(text)
		line = strings.TrimLeft(line, " \t")
		if strings.HasPrefix(line, "[") {
			section, sub, line = configSection(line[1:])
		}
		if line == "" || line[0] == '#' || line[0] == ';' {
			continue
		}
		key, value, isSet := strings.Cut(line, "=")
		if i := strings.IndexAny(key, "#;"); i >= 0 {
			key, isSet = key[:i], false
		}
		if !isSet {
			value = "true"
		}
		set(section, sub, strings.ToLower(strings.TrimSpace(key)), configValue(value))
	}
}

// configSection reads `section "subsection"]` or the older `section.sub]`;
// the section is empty when it is neither.
func configSection(s string) (section, sub, rest string) {
	end := strings.IndexAny(s, `]"`)
	if end < 0 {
		return "", "", ""
	}
	section = strings.ToLower(strings.TrimSpace(s[:end]))
	if s[end] == ']' {
		section, sub, _ = strings.Cut(section, ".")
		return section, sub, strings.TrimLeft(s[end+1:], " \t")
	}
	var name strings.Builder
	for i := end + 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && i+1 < len(s):
			i++
			name.WriteByte(s[i])
		case c != '"':
			name.WriteByte(c)
		case strings.HasPrefix(s[i+1:], "]"):
			return section, name.String(), strings.TrimLeft(s[i+2:], " \t")
		default:
			return "", "", ""
		}
	}
	return "", "", ""
}

// configLine takes one line off text, joined with those that it continues on.
func configLine(text string) (line, rest string) {
	for {
		part, after, _ := strings.Cut(text, "\n")
		part = strings.TrimSuffix(part, "\r")
		slashes := len(part) - len(strings.TrimRight(part, `\`))
		if slashes%2 == 0 || after == "" {
			return line + part, after
		}
		line, text = line+part[:len(part)-1], after
	}
}

// configValue undoes quotes and escapes, and drops comments and the space
// around the value.
func configValue(s string) string {
	s = strings.TrimLeft(s, " \t")
	var out strings.Builder
	quoted, keep := false, 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '"':
			quoted = !quoted
			keep = out.Len()
			continue
		case !quoted && (c == '#' || c == ';'):
			return out.String()[:keep]
		case c == '\\' && i+1 < len(s):
			i++
			c = s[i]
			if n := strings.IndexByte("tnb", c); n >= 0 {
				c = "\t\n\b"[n]
			}
		}
		out.WriteByte(c)
		if quoted || c != ' ' && c != '\t' {
			keep = out.Len()
		}
	}
	return out.String()[:keep]
}

func (s *settings) set(section, sub, key, value string) {
	if section == "remote" && key == "promisor" && isTrue(value) {
		s.promisor = sub
		return
	}
	if sub != "" {
		return
	}
	switch section + "." + key {
	case "core.bare":
		s.bare = isTrue(value)
	case "core.worktree":
		s.workTree = value
	case "extensions.objectformat":
		s.objectFormat = strings.ToLower(value)
	case "extensions.refstorage":
		s.refStorage = strings.ToLower(value)
	case "extensions.worktreeconfig":
		s.worktreeConfig = isTrue(value)
	case "extensions.partialclone":
		s.promisor = value
	case "lfs.storage":
		s.lfsStorage = value
	}
}

func isTrue(value string) bool {
	switch strings.ToLower(value) {
	case "true", "yes", "on", "1":
		return true
	}
	return false
}

// format is the hash that the configuration asks for.
func (s *settings) format() (Format, error) {
	switch s.objectFormat {
	case "", SHA1.String():
		return SHA1, nil
	case SHA256.String():
		return SHA256, nil
	}
	return 0, fmt.Errorf("the object format %q is not supported", s.objectFormat)
}
