package rewrite

import (
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

// instructionAt is the instruction that a place is in, with its continued lines.
func instructionAt(text []byte, at int) (start, end int, word string) {
	for from := 0; from < len(text); {
		_, stop := line(text, from)
		s := string(text[from:stop])
		m := instruction.FindStringSubmatch(s)
		for m != nil && continued(string(text[from:stop])) && stop < len(text) {
			next := stop + len(newline(text[stop:]))
			if next >= len(text) {
				break
			}
			_, stop = line(text, next)
		}
		if from <= at && at <= stop {
			if m == nil {
				return from, stop, ""
			}
			return from, stop, strings.ToUpper(m[1])
		}
		from = stop + 1
		for from < len(text) && text[from-1] == '\r' && text[from] == '\n' {
			from++
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
	f.note("Dockerfile: build with remint run -- docker build --secret id=%s,env=%s …", c.Variable, c.Variable)
	return []edit{{head, head, "--mount=type=secret,id=" + c.Variable + ",env=" + c.Variable + " "}, {c.Start, c.End, "${" + c.Variable + "}"}}, nil
}

// parsesDocker looks that every line begins an instruction, or goes one on.
func parsesDocker(text []byte) error {
	for at := 0; at < len(text); {
		from, to, word := instructionAt(text, at)
		s := strings.TrimSpace(string(text[from:to]))
		if word == "" && s != "" && !strings.HasPrefix(s, "#") && !strings.Contains(string(text), "<<") {
			return errors.New("a line is no instruction")
		}
		if word == "ENV" && len(strings.Fields(s)) < 2 {
			return errors.New("ENV without a variable")
		}
		at = to + 1
	}
	return nil
}
