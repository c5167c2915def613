package rewrite

import (
	"bytes"
	"errors"
	"regexp"
	"slices"
	"strings"
)

// dockerfile takes values out of ENV and ARG, and gives RUN a secret of the
// build (RUN --mount=type=secret, of BuildKit).
var dockerfile = language{
	name: "dockerfile",
	is: func(f *file) bool {
		name := strings.ToLower(f.base)
		return name == "dockerfile" || name == "containerfile" || strings.HasPrefix(name, "dockerfile.") || strings.HasPrefix(name, "containerfile.") || strings.HasSuffix(name, ".dockerfile")
	},
	edits:    dockerEdits,
	closing:  dockerClosing,
	parse:    func(_ *file, text []byte) error { return parsesDocker(text) },
	variable: dockerVariable,
}

var (
	instructionWord = regexp.MustCompile(`(?i)^[ \t]*(ADD|ARG|CMD|COPY|ENTRYPOINT|ENV|EXPOSE|FROM|HEALTHCHECK|LABEL|MAINTAINER|ONBUILD|RUN|SHELL|STOPSIGNAL|USER|VOLUME|WORKDIR)(?:[ \t]+|$)`)
	instructionFlag = regexp.MustCompile(`^(?:[ \t]*(?:\\\r?\n)?[ \t]*--[a-z-]+(?:=\S+)?)*[ \t]*`)
	hereDocument    = regexp.MustCompile(`<<(-?)(["']?)([A-Za-z_][A-Za-z0-9_]*)["']?`)
	dockerEscape    = regexp.MustCompile("(?i)^(?:\\s*#[^\n]*=[^\n]*\n)*?\\s*#[ \t]*escape[ \t]*=[ \t]*`")
	otherShell      = regexp.MustCompile(`(?i)\[\s*"[^"]*(?:powershell|pwsh|cmd)`)
)

// step is an instruction, with its continued lines; body is where its
// here-documents begin.
type step struct {
	start, body, end int
	word             string
}

// steps are a file's instructions, its comments and empty lines between.
func steps(text []byte) []step {
	text = unmarked(text)
	escape := byte('\\')
	if dockerEscape.Match(text) {
		escape = '`'
	}
	var all []step
	for from := 0; from < len(text); {
		_, stop := line(text, from)
		s := step{start: from, end: stop}
		if m := instructionWord.FindSubmatch(text[from:stop]); m != nil {
			s.word = strings.ToUpper(string(m[1]))
		}
		next := func() bool {
			at := s.end + len(newline(text[s.end:]))
			if at >= len(text) {
				return false
			}
			_, s.end = line(text, at)
			return true
		}
		for s.word != "" && continued(text[from:s.end], escape) && next() {
		}
		s.body = s.end
		if s.word == "RUN" || s.word == "COPY" || s.word == "ADD" {
			for _, m := range hereDocument.FindAllSubmatch(text[from:s.body], -1) {
				for next() {
					at, _ := line(text, s.end)
					if string(bytes.TrimLeft(text[at:s.end], "\t")) == string(m[3]) {
						break
					}
				}
			}
		}
		all = append(all, s)
		from = s.end + len(newline(text[s.end:]))
	}
	return all
}

// continued tells whether the last line of an instruction goes on, or is a
// comment or empty within one.
func continued(s []byte, escape byte) bool {
	lines := bytes.Split(s, []byte("\n"))
	last := bytes.TrimSpace(lines[len(lines)-1])
	if len(lines) > 1 && (len(last) == 0 || last[0] == '#') {
		return true
	}
	return len(last) > 0 && last[len(last)-1] == escape
}

func stepAt(text []byte, at int) step {
	for _, s := range steps(text) {
		if s.start <= at && at <= s.end {
			return s
		}
	}
	return step{}
}

// pair is a variable of ENV or ARG, and its value without the quotes around it.
type pair struct {
	name             string
	start, end       int
	value, valueEnds int
}

// pairs are the variables of ENV or ARG, by words, or by the old form, whose
// value goes on to the line's end.
func (s step) pairs(text []byte) []pair {
	part := unmarked(text)[s.start:s.end]
	at := len(instructionWord.Find(part))
	var all []pair
	for at < len(part) {
		rest := part[at:]
		comment := rest[0] == '#' && len(bytes.TrimSpace(part[bytes.LastIndexByte(part[:at], '\n')+1:at])) == 0
		switch {
		case comment:
			_, at = line(part, at)
		case strings.IndexByte(" \t\r\n", rest[0]) >= 0, len(wordEnd.Find(rest)) > 0:
			at += max(1, len(wordEnd.Find(rest)))
		default:
			end := at + len(dockerWord.Find(rest))
			if end == at {
				return all // quotes that are not closed
			}
			name, _, ok := bytes.Cut(part[at:end], []byte("="))
			if !ok && s.word == "ENV" && len(all) == 0 {
				from := end + len(part[end:]) - len(bytes.TrimLeft(part[end:], " \t"))
				return []pair{{string(name), s.start + at, s.end, s.start + from, s.start + len(bytes.TrimRight(part, " \t\r\n"))}}
			}
			p := pair{string(name), s.start + at, s.start + end, s.start + at + len(name) + 1, s.start + end}
			if v := part[min(end, at+len(name)+1):end]; len(v) > 1 && strings.IndexByte(`"'`, v[0]) >= 0 && v[0] == v[len(v)-1] {
				p.value, p.valueEnds = p.value+1, p.valueEnds-1
			}
			if ok {
				all = append(all, p)
			}
			at = end
		}
	}
	return all
}

var (
	dockerWord = regexp.MustCompile("^(?:\"(?:[^\"\\\\]|\\\\(?s:.))*\"|'[^']*'|[^\\s\\\\\"'`]|\\\\[^\\r\\n]|`[^\\r\\n])+")
	wordEnd    = regexp.MustCompile("^[\\\\`][ \\t]*\\r?\\n")
)

// pairAt is the variable around a place.
func (s step) pairAt(text []byte, at int) (pair, bool) {
	if s.word != "ENV" && s.word != "ARG" {
		return pair{}, false
	}
	all := s.pairs(text)
	i := slices.IndexFunc(all, func(p pair) bool { return p.value <= at && at < p.end })
	if i < 0 {
		return pair{}, false
	}
	return all[i], true
}

func dockerVariable(f *file, start, end int) string {
	p, _ := stepAt(f.text, start).pairAt(f.text, start)
	if p.value != start || p.valueEnds != end {
		return ""
	}
	return p.name
}

func dockerEdits(f *file, c Change) ([]edit, error) {
	s := stepAt(f.text, c.Start)
	from, _ := line(f.text, c.Start)
	if first := bytes.TrimSpace(unmarked(f.text)[from:c.Start]); c.Start <= s.body && len(first) > 0 && first[0] == '#' {
		return f.removed(c), nil
	}
	p, ok := s.pairAt(f.text, c.Start)
	switch {
	case ok && (p.value != c.Start || p.valueEnds != c.End):
		return nil, errors.New("it is a part of a longer value, of which the build and the container can be given only all")
	case ok && s.word == "ARG":
		f.note("Dockerfile: give %s when you build: docker build --build-arg %s=\"$%s\", or better as a secret of the build, since arguments stay in the image's history", p.name, p.name, c.Variable)
		return []edit{{p.start, p.end, p.name}}, nil
	case ok:
		return takenEnv(f, c, s, p)
	case s.word == "RUN", s.word == "CMD", s.word == "ENTRYPOINT", s.word == "HEALTHCHECK":
		return dockerCommand(f, c, s)
	}
	return nil, errors.New("it stands in an instruction that takes no variable of the build")
}

// takenEnv takes a variable out of ENV, with its line where that is its own. The
// last of several lines must stay one.
func takenEnv(f *file, c Change, s step, p pair) ([]edit, error) {
	if p.name != c.Variable {
		return nil, errors.New("the program reads " + p.name + ", which the plan calls " + c.Variable)
	}
	f.note("Dockerfile: give %s when you start the container: remint run -- docker run -e %s …", p.name, p.name)
	if bytes.Contains(f.text[s.end:], []byte("$"+p.name)) || bytes.Contains(f.text[s.end:], []byte("${"+p.name)) {
		f.note("Dockerfile: later instructions read %s: mount it there, RUN --mount=type=secret,id=%s,env=%s", p.name, p.name, p.name)
	}
	told := "# " + p.name + " is injected when the container starts: " + c.Entry
	start, _ := line(f.text, p.start)
	_, end := line(f.text, p.end)
	blank := len(bytes.TrimSpace(f.text[start:p.start])) == 0
	rest := string(bytes.TrimSpace(f.text[p.end:end]))
	all := s.pairs(f.text)
	switch {
	case len(all) == 1:
		return []edit{{s.start, s.end, told}}, nil
	case blank && (rest == `\` || rest == "`"):
		return []edit{{p.start, end, told}}, nil
	case blank && rest == "":
		return []edit{{p.start, p.end, p.name + `=""`}}, nil
	}
	to := p.end + len(f.text[p.end:s.end]) - len(bytes.TrimLeft(f.text[p.end:s.end], " \t"))
	return []edit{{p.start, to, ""}}, nil
}

// dockerCommand makes a change of a command that a shell runs.
func dockerCommand(f *file, c Change, s step) ([]edit, error) {
	part := f.text[s.start:s.end]
	head := len(instructionWord.Find(part))
	if s.word == "HEALTHCHECK" {
		head = bytes.Index(bytes.ToUpper(part), []byte("CMD")) + len("CMD")
	}
	head += len(instructionFlag.Find(part[head:]))
	rest := part[head:]
	switch before := steps(f.text[:s.start]); {
	case bytes.HasPrefix(rest, []byte("[")):
		return nil, errors.New("it stands in a list of arguments, which no shell expands")
	case dockerEscape.Match(f.text) || slices.ContainsFunc(before, func(b step) bool { return b.word == "SHELL" && otherShell.Match(f.text[b.start:b.end]) }):
		return nil, errors.New("the shell of Windows runs it, which writes variables in another way")
	case c.Start > 0 && strings.IndexByte("$", f.text[c.Start-1]) >= 0:
		return nil, errors.New("a $ stands before it")
	}
	at := s.start + head
	if m := hereDocument.FindIndex(rest); m != nil && m[0] == 0 && len(bytes.TrimSpace(part[head:s.body-s.start])) == m[1] && c.Start > s.body {
		at = s.body + len(newline(f.text[s.body:])) // the document is the script
		if bytes.HasPrefix(f.text[at:], []byte("#!")) && !shebang(f.text[at:]) {
			return nil, errors.New("it stands in a script of another language: let that read the variable itself")
		}
		stop, _ := line(f.text, s.end)
		rest = f.text[at:stop]
	} else {
		rest = asShell(rest, s.body-at)
	}
	inner := &file{path: f.path, base: f.base, text: rest, options: f.options}
	edits, err := shellEdits(inner, Change{c.Start - at, c.End - at, c.Variable, c.Entry})
	if err != nil {
		return nil, err
	}
	for i, e := range edits {
		edits[i] = edit{e.start + at, e.end + at, e.text}
		if e.start+at < c.Start-1 && strings.Contains(string(rest[e.start:e.end]), "\n") {
			return nil, errors.New("it stands between single quotes of several lines")
		}
	}
	if f.unused = inner.unused; f.unused {
		return edits, nil
	}
	if s.word == "RUN" {
		f.note("Dockerfile: build with remint run -- docker build --secret id=%s,env=%s … (BuildKit, and version 1.10 of its syntax)", c.Variable, c.Variable)
	} else {
		f.note("Dockerfile: give %s when you start the container: remint run -- docker run -e %s …", c.Variable, c.Variable)
	}
	return edits, nil
}

// asShell is a command as a shell gets it, of the same length: comments and empty
// lines within it are blank.
func asShell(text []byte, body int) []byte {
	out := bytes.Clone(text)
	for from := 0; from < body; {
		_, to := line(out, from)
		next := min(to+len(newline(out[to:])), len(out))
		if first := bytes.TrimSpace(out[from:to]); from > 0 && (len(first) == 0 || first[0] == '#') {
			copy(out[from:next], bytes.Repeat([]byte(" "), next-from))
		} else if next-to == 2 && to > 0 && out[to-1] == '\\' {
			copy(out[to-1:next], " \\\n")
		}
		from = next
	}
	return out
}

// dockerClosing mounts, once for each RUN, what its command takes, and makes a
// comment of an ENV that has lost all its variables.
func dockerClosing(f *file, made []Change) ([]edit, error) {
	var all []edit
	for _, s := range steps(f.text) {
		var names []string
		for _, c := range made {
			if s.start <= c.Start && c.End <= s.end && !slices.Contains(names, c.Variable) {
				names = append(names, c.Variable)
			}
		}
		word := instructionWord.FindIndex(f.text[s.start:s.end])
		switch pairs := s.pairs(f.text); {
		case len(names) == 0 || word == nil:
		case s.word == "RUN":
			mounts := ""
			for _, n := range names {
				mounts += "--mount=type=secret,id=" + n + ",env=" + n + " "
			}
			all = append(all, edit{s.start + word[1], s.start + word[1], mounts})
		case s.word == "ENV" && len(pairs) > 1 && len(names) == len(pairs) && !bytes.Contains(f.text[s.start:s.end], []byte("\n")):
			all = append(all, edit{s.start, pairs[0].start, "# injected when the container starts: " + strings.Join(names, ", ")})
		}
	}
	return all, nil
}

// parsesDocker looks that every line begins an instruction, or goes one on.
func parsesDocker(text []byte) error {
	for _, s := range steps(text) {
		part := bytes.TrimSpace(unmarked(text)[s.start:s.end])
		switch {
		case s.word == "" && len(part) > 0 && part[0] != '#':
			return errors.New("a line is no instruction")
		case s.word == "ENV" && len(s.pairs(text)) == 0:
			return errors.New("ENV without a variable")
		}
	}
	return nil
}
