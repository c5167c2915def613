package rewrite

import (
	"bytes"
	"errors"
	"regexp"
	"strings"
)

// dockerfile takes values out of ENV and ARG, and gives RUN a secret of the
// build (RUN --mount=type=secret, of BuildKit).
var dockerfile = language{
	name: "dockerfile",
	is: func(f *file) bool {
		name := strings.ToLower(f.base)
		return name == "dockerfile" || name == "containerfile" || strings.HasPrefix(name, "dockerfile.") || strings.HasSuffix(name, ".dockerfile")
	},
	edits:    dockerEdits,
	parse:    func(_ *file, text []byte) error { return parsesDocker(text) },
	variable: func(f *file, start, _ int) string { _, name, _, _ := dockerPair(f.text, start); return name },
}

var (
	instruction = regexp.MustCompile(`(?i)^[ \t]*(ADD|ARG|CMD|COPY|ENTRYPOINT|ENV|EXPOSE|FROM|HEALTHCHECK|LABEL|MAINTAINER|ONBUILD|RUN|SHELL|STOPSIGNAL|USER|VOLUME|WORKDIR)(?:[ \t]|$)`)
	envPair     = regexp.MustCompile(`([A-Za-z_][A-Za-z0-9_]*)(=|[ \t]+)("(?:[^"\\]|\\.)*"|'[^']*'|(?:[^\s\\"']|\\.)+)`)
)

// step is an instruction with its continued lines; word is "" for what is none:
// an empty line, a comment.
type step struct {
	start, end int
	word       string
}

// steps are all of a file, in their order.
func steps(text []byte) []step {
	var all []step
	for from := 0; from < len(text); {
		_, stop := line(text, from)
		s := step{start: from}
		if m := instruction.FindSubmatch(text[from:stop]); m != nil {
			s.word = strings.ToUpper(string(m[1]))
			for continued(string(text[from:stop])) {
				next := after(text, stop)
				if next >= len(text) {
					break
				}
				_, stop = line(text, next)
			}
		}
		s.end = stop
		all = append(all, s)
		from = after(text, stop)
	}
	return all
}

// after is where the line behind a line's end begins.
func after(text []byte, end int) int {
	if n := bytes.IndexByte(text[end:], '\n'); n >= 0 {
		return end + n + 1
	}
	return len(text)
}

// instructionAt is the instruction that a place is in.
func instructionAt(text []byte, at int) (start, end int, word string) {
	for _, s := range steps(text) {
		if s.start <= at && at <= s.end {
			return s.start, s.end, s.word
		}
	}
	return 0, 0, ""
}

// continued tells whether the last line of an instruction goes on, or is a
// comment or empty within one.
func continued(s string) bool {
	lines := strings.Split(s, "\n")
	last := strings.TrimSpace(lines[len(lines)-1])
	if len(lines) > 1 && (last == "" || strings.HasPrefix(last, "#")) {
		return true
	}
	return strings.HasSuffix(last, `\`)
}

// dockerPair is the name and value of ENV or ARG around a place.
func dockerPair(text []byte, at int) (word, name string, start, end int) {
	from, to, word := instructionAt(text, at)
	if word != "ENV" && word != "ARG" {
		return word, "", 0, 0
	}
	body := from + len(instruction.FindString(string(text[from:to])))
	for _, m := range envPair.FindAllSubmatchIndex(text[body:to], -1) {
		if body+m[6] <= at && at < body+m[7] {
			return word, string(text[body+m[2] : body+m[3]]), body + m[0], body + m[7]
		}
	}
	return word, "", 0, 0
}

func dockerEdits(f *file, c Change) ([]edit, error) {
	if lineComment(f.text, c.Start, "#") {
		return f.removed(c), nil
	}
	from, to, _ := instructionAt(f.text, c.Start)
	word, name, start, end := dockerPair(f.text, c.Start)
	if name != "" && !wholePair(f.text[start:end], c.Start-start, c.End-start) {
		return nil, errors.New("it is a part of a longer value, of which the environment can replace only all")
	}
	switch {
	case word == "ARG" && name != "":
		f.note("Dockerfile: give %s when you build: docker build --build-arg %s, or better as a secret of the build, since arguments stay in the image's history", name, name)
		return []edit{{start, end, name}}, nil
	case word == "ENV" && name != "":
		if name != c.Variable {
			return nil, errors.New("the program reads " + name + ", which the plan calls " + c.Variable)
		}
		f.note("Dockerfile: give %s when you start the container: remint run -- docker run -e %s …", name, name)
		if rest := strings.TrimSpace(string(f.text[from:start]) + string(f.text[end:to])); len(strings.Fields(rest)) == 1 {
			return []edit{{from, to, "# " + name + " is injected when the container starts: " + c.Entry}}, nil
		}
		for end < to && (f.text[end] == ' ' || f.text[end] == '\t') {
			end++
		}
		return []edit{{start, end, ""}}, nil
	case word == "RUN":
		return runSecret(f, c, from)
	}
	return nil, errors.New("it stands in an instruction that takes no variable of the build")
}

// wholePair tells whether a place is all of a pair's value.
func wholePair(pair []byte, from, to int) bool {
	m := envPair.FindSubmatchIndex(pair)
	return m != nil && strings.Trim(string(pair[m[6]:from])+string(pair[to:m[7]]), `"'`) == ""
}

// runSecret mounts the value for one instruction. Its shell expands it but
// within single quotes.
func runSecret(f *file, c Change, from int) ([]edit, error) {
	before := string(f.text[from:c.Start])
	if strings.Count(before, "'")%2 == 1 {
		return nil, errors.New("it stands between single quotes, in which nothing is expanded")
	}
	head := from + len(instruction.FindString(before))
	if strings.HasPrefix(strings.TrimSpace(string(f.text[head:c.Start])), "[") {
		return nil, errors.New("it stands in a list of arguments, which no shell expands")
	}
	f.note("Dockerfile: build with remint run -- docker build --secret id=%s,env=%s … (BuildKit, Dockerfile syntax 1.10)", c.Variable, c.Variable)
	return []edit{{head, head, "--mount=type=secret,id=" + c.Variable + ",env=" + c.Variable + " "}, {c.Start, c.End, "${" + c.Variable + "}"}}, nil
}

// parsesDocker looks that every line begins an instruction, or goes one on.
func parsesDocker(text []byte) error {
	for _, one := range steps(text) {
		s := strings.TrimSpace(string(text[one.start:one.end]))
		if one.word == "" && s != "" && !strings.HasPrefix(s, "#") && !bytes.Contains(text, []byte("<<")) {
			return errors.New("a line is no instruction")
		}
		if one.word == "ENV" && len(strings.Fields(s)) < 2 {
			return errors.New("ENV without a variable")
		}
	}
	return nil
}
