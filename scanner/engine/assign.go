package engine

import "bytes"

// value is what an assignment gives to a name.
type value struct {
	text       []byte
	start, end int
	quoted     bool
	// whole tells that an unquoted value is all that stands on its line, as in
	// .env files, so that punctuation in it is not code.
	whole bool
}

// nameCache remembers the last name looked at, because several rules ask for
// the same one.
type nameCache struct {
	end   int // end of the name, 0 for none
	start int
	val   value
	ok    bool
	noted bool // the value may be encoded, and was remembered
}

// How far, in bytes, names, quoted values, bare words and runs of blanks are
// followed.
const (
	maxName   = 80
	maxValue  = 4096
	maxBare   = 4096
	maxBlanks = 512
)

// How far, in bytes, the reader of assignments may look before the hit and
// behind it, all of the above taken together.
const (
	assignBefore = maxName + 256 + 64
	assignAfter  = maxName + 4*maxBlanks + 2*maxValue + 512
)

// Byte kinds for the assignment reader.
const (
	kindName  = 1 << iota // part of an identifier, '-' and '.' included
	kindSpace             // blank or tab
	kindAfter             // can follow a name that is given a value
	kindStop              // ends a value without quotes
)

var kinds = func() (k [256]byte) {
	for c := range 256 {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9',
			c == '_', c == '$', c == '-', c == '.':
			k[c] |= kindName
		case c == ' ' || c == '\t':
			k[c] |= kindSpace | kindAfter
		}
	}
	for _, c := range []byte("=:\"'`],>(\\|?+[)\r\n") {
		k[c] |= kindAfter
	}
	for _, c := range []byte(" \t\r\n\"'`<>(){}[],;&|\\\x00") {
		k[c] |= kindStop
	}
	return k
}()

// confirmAssignment runs an assignment rule at one of its names.
func (s *Scanner) confirmAssignment(c *compiled, pos, klen int) error {
	start, end := nameAround(s.text, pos, klen)
	if end != s.names.end || start != s.names.start {
		v, ok := valueOf(s.text, start, end)
		s.names = nameCache{end: end, start: start, val: v, ok: ok}
	}
	if !s.names.ok {
		return nil
	}
	if c.Filters != 0 && !s.names.noted {
		s.names.noted = true
		s.noteEncoded(s.names.val)
	}
	if err := c.ready(); err != nil {
		return err
	}
	if !c.named(s.text[start:end]) {
		return nil
	}
	v := s.names.val
	m := c.re.FindSubmatchIndex(v.text)
	if m == nil {
		return nil
	}
	shift(m, v.start)
	vs, ve := c.secretSpan(m)
	v.text = s.text[vs:ve]
	entropy := shannon(v.text)
	why := ""
	if c.Filters != 0 {
		why = notSecretName(s.text[start:end], v.text, pos-start+klen)
	}
	if why == "" {
		why = s.judge(c, v, entropy, s.text[start:v.end], vs)
	}
	if why != "" {
		s.drop(c.Rule, vs, ve, why)
		return nil
	}
	s.add(Match{
		Rule: c.Rule, Start: vs, End: ve, FullStart: start, FullEnd: v.end, Secret: v.text,
		Entropy: entropy, Unquoted: !v.quoted, assigned: true, priority: c.priority,
	})
	return nil
}

// named tells whether the name holds one of the rule's names.
func (c *compiled) named(name []byte) bool {
	n := squeeze(name)
	for _, want := range c.squeezed {
		if bytes.Contains(n, want) {
			return true
		}
	}
	return false
}

// nameAround widens a hit to the identifier that it stands in.
func nameAround(text []byte, pos, klen int) (start, end int) {
	start, end = pos, pos+klen
	for start > 0 && pos-start < maxName && kinds[text[start-1]]&kindName != 0 {
		start--
	}
	for end < len(text) && end-pos < maxName && kinds[text[end]]&kindName != 0 {
		end++
	}
	return start, end
}

// valueOf reads what the text gives to the name at text[start:end], in
// whichever of the many ways of code, configuration, shell, markup and SQL.
func valueOf(text []byte, start, end int) (value, bool) {
	if end >= len(text) || kinds[text[end]]&kindAfter == 0 {
		return value{}, false
	}
	i, quote := closeQuote(text, start, end)
	if quote != 0 || text[end] == '\n' || text[end] == '\r' {
		if v, ok := pairValue(text, start, i); ok {
			return v, true
		}
	}
	if i < len(text) && quote != 0 && (text[i] == ']' || text[i] == ')') {
		i++
	}
	i = typeSuffix(text, i)
	j := skipBlanks(text, i)
	if j >= len(text) {
		return value{}, false
	}
	if k := fallback(text, j); k > j {
		return quotedOnly(text, skipBlanks(text, k))
	}
	switch c := text[j]; {
	case c == '=' || c == ':' || c == '?' || c == '|' || c == '+':
		return operatorValue(text, start, j)
	case c == ',' && quote != 0:
		return argumentValue(text, j+1)
	case c == '>' && j == i:
		return elementValue(text, start, j, quote)
	case c == '(' && j == i && quote == 0 && setsValue(text, start, end):
		return quotedOnly(text, j+1)
	case j > i || quote != 0:
		return looseValue(text, start, end, j, quote)
	}
	return value{}, false
}

// fallback steps over the operator between a look-up and the literal that
// stands in for what it does not find: env.KEY || "…", getenv("KEY") or "…".
func fallback(text []byte, i int) int {
	for _, op := range [...]string{"||", "??", "?:", "or "} {
		if end := i + len(op); end < len(text) && string(text[i:end]) == op && text[end] != '=' {
			return end
		}
	}
	return i
}

// closeQuote steps over the quote that closes a quoted name. The quote is 0
// where the name stands bare.
func closeQuote(text []byte, start, end int) (next int, quote byte) {
	i := end
	if text[i] == '\\' && i+1 < len(text) && isQuote(text[i+1]) {
		i++
	}
	if isQuote(text[i]) && start > 0 && text[start-1] == text[i] {
		return i + 1, text[i]
	}
	return end, 0
}

// typeSuffix steps over the [] or [64] of a C array.
func typeSuffix(text []byte, i int) int {
	if i < len(text) && text[i] == '[' {
		for j := i + 1; j < len(text) && j < i+8; j++ {
			if text[j] == ']' {
				return j + 1
			}
		}
	}
	return i
}

// operatorValue reads the value behind =, :, :=, =>, ?=, ||=, += and the like;
// text[i] is the operator's first byte.
func operatorValue(text []byte, start, i int) (value, bool) {
	op := i
	for i < len(text) && i-op < 3 && bytes.IndexByte([]byte("=:?|+>-"), text[i]) >= 0 {
		i++
	}
	shellDefault := false
	switch string(text[op:i]) {
	case "=", ":", ":=", "=>", "?=", "||=", "??=", "+=", "?:":
	case ":-", ":=-", ":?":
		shellDefault = true
	default:
		// "==", "===", "::" and "->" give nothing a value; "=-…" and ":+…" do.
		if i-op < 2 || (text[op] != '=' && text[op] != ':') || (text[op+1] != '-' && text[op+1] != '+') {
			return value{}, false
		}
		i = op + 1
	}
	if text[op] == '=' && op > 0 && (text[op-1] == '!' || text[op-1] == '<') {
		return value{}, false
	}
	j := skipBlanks(text, i)
	if text[op] == ':' && i == op+1 {
		j = skipTypeAnnotation(text, j)
	}
	if text[op] == '+' {
		return quotedOnly(text, j) // what is appended bare is a variable
	}
	return readValue(text, start, j, op == i-1 && j == i || shellDefault)
}

// skipTypeAnnotation steps over `str =` in `password: str = "…"`.
func skipTypeAnnotation(text []byte, i int) int {
	j := i
	for j < len(text) && j-i < 40 && (kinds[text[j]]&kindName != 0 || text[j] == '&' || text[j] == '[' || text[j] == ']' || text[j] == '\'' && j == i+1) {
		j++
	}
	k := skipBlanks(text, j)
	if j > i && k+1 < len(text) && text[k] == '=' && text[k+1] != '=' && text[k+1] != '>' && k > j {
		return skipBlanks(text, k+1)
	}
	return i
}

// argumentValue reads the value behind the comma of ("NAME", "value").
func argumentValue(text []byte, i int) (value, bool) {
	return quotedOnly(text, skipBlanks(text, i))
}

func quotedOnly(text []byte, i int) (value, bool) {
	i = skipStringPrefix(text, i)
	if i >= len(text) || !isQuote(text[i]) {
		return value{}, false
	}
	return quotedValue(text, i)
}

// elementValue reads <name>value</name>, and <entry key="name">value</entry>.
func elementValue(text []byte, start, i int, quote byte) (value, bool) {
	if quote == 0 {
		if start == 0 || (text[start-1] != '<' && text[start-1] != ':') {
			return value{}, false
		}
	} else if open := bytes.LastIndexByte(text[max(0, start-200):start], '<'); open < 0 {
		return value{}, false
	}
	i++
	for stop := min(len(text), i+maxBlanks); i < stop && (kinds[text[i]]&kindSpace != 0 || text[i] == '\n' || text[i] == '\r'); {
		i++
	}
	end := bytes.IndexByte(text[i:min(len(text), i+maxValue)], '<')
	if end <= 0 {
		return value{}, false
	}
	v := bytes.TrimRight(text[i:i+end], " \t\r\n")
	if bytes.HasPrefix(v, []byte("<![CDATA[")) {
		return value{}, false
	}
	return value{text: v, start: i, end: i + len(v), quoted: true}, len(v) > 0
}

// setsValue tells whether calling the name gives it a value: setPassword("…"),
// .withToken("…"), .password("…").
func setsValue(text []byte, start, end int) bool {
	name := text[start:end]
	if i := bytes.LastIndexByte(name, '.'); i >= 0 {
		name = name[i+1:]
		if hasFoldPrefix(name, "password") || hasFoldPrefix(name, "apikey") || hasFoldPrefix(name, "secret") {
			return true
		}
	}
	for _, p := range [...]string{"set", "with", "use", "basic"} {
		if hasFoldPrefix(name, p) {
			return true
		}
	}
	return false
}

// looseValue reads a value that only a blank separates from its name, where
// the words before it say that this is how values are given: command-line
// flags, Dockerfile ENV, shell set, .netrc, SQL; and typed declarations.
func looseValue(text []byte, start, end, i int, quote byte) (value, bool) {
	if quote == 0 {
		if j := skipDeclaredType(text, i); j > i {
			return readValue(text, start, j, false)
		}
	}
	line := bytes.LastIndexByte(text[max(0, start-256):start], '\n') + 1 + max(0, start-256)
	before := text[line:start]
	switch {
	case bytes.HasPrefix(text[start:end], []byte("--")), bytes.HasPrefix(text[start:end], []byte("-")) && len(before) > 0:
	case directive(before):
	case quote == 0 && isQuote(text[i]) && sqlName(text[start:end]):
	case quote == 0 && netrcName(text[start:end]) && bytes.Contains(before, []byte("login ")):
	default:
		return value{}, false
	}
	return readValue(text, start, i, false)
}

// directive tells whether the line so far is a word that takes NAME VALUE.
func directive(before []byte) bool {
	before = bytes.TrimLeft(before, " \t")
	for _, w := range [...]string{"ENV ", "ARG ", "SetEnv ", "set ", "setenv ", "setx ", "fastcgi_param ", "env "} {
		if len(before) >= len(w) && len(before) < len(w)+8 && hasFoldPrefix(before, w) {
			return true
		}
	}
	return false
}

func sqlName(name []byte) bool {
	return foldEqual(name, "password") || foldEqual(name, "by") || foldEqual(name, "secret")
}

func netrcName(name []byte) bool { return string(name) == "password" || string(name) == "passwd" }

// skipDeclaredType steps over ` string =` in `var password string = "…"`.
func skipDeclaredType(text []byte, i int) int {
	j := i
	for j < len(text) && j-i < 40 && (kinds[text[j]]&kindName != 0 || text[j] == '*' || text[j] == '[' || text[j] == ']') {
		j++
	}
	k := skipBlanks(text, j)
	if j > i && k+1 < len(text) && text[k] == '=' && text[k+1] != '=' && text[k+1] != '>' {
		return skipBlanks(text, k+1)
	}
	return i
}

// pairValue reads { name: NAME, value: VALUE } in JSON, YAML, XML attributes
// and Terraform; i is behind the name's closing quote.
func pairValue(text []byte, start, i int) (value, bool) {
	if !afterNameKey(text, start) {
		return value{}, false
	}
	j := i
	for j < len(text) && j-i < 64 && bytes.IndexByte([]byte(" \t\r\n,\"'\\"), text[j]) >= 0 {
		j++
	}
	for _, w := range [...]string{"defaultvalue", "default", "value", "content", "val"} {
		if !hasFoldPrefix(text[j:], w) {
			continue
		}
		k := j + len(w)
		for k < len(text) && k-j < 24 && bytes.IndexByte([]byte("\"'\\ \t"), text[k]) >= 0 {
			k++
		}
		if k < len(text) && (text[k] == ':' || text[k] == '=') {
			return readValue(text, start, skipBlanks(text, k+1), false)
		}
	}
	return value{}, false
}

// afterNameKey tells whether `name:`, `key=` or the like stands before start.
func afterNameKey(text []byte, start int) bool {
	i := start
	for i > 0 && start-i < 8 && bytes.IndexByte([]byte("\"' \t\\"), text[i-1]) >= 0 {
		i--
	}
	if i == 0 || (text[i-1] != ':' && text[i-1] != '=') {
		return false
	}
	i--
	for i > 0 && start-i < 64 && bytes.IndexByte([]byte("\"' \t\\"), text[i-1]) >= 0 {
		i--
	}
	for _, w := range [...]string{"name", "key", "id", "variable", "field"} {
		if i >= len(w) && foldEqual(text[i-len(w):i], w) {
			return true
		}
	}
	return false
}

func skipBlanks(text []byte, i int) int {
	for end := min(len(text), i+maxBlanks); i < end && kinds[text[i]]&kindSpace != 0; {
		i++
	}
	return i
}

func isQuote(c byte) bool { return c == '"' || c == '\'' || c == '`' }

func hasFoldPrefix(b []byte, prefix string) bool {
	return len(b) >= len(prefix) && foldEqual(b[:len(prefix)], prefix)
}

func foldEqual(b []byte, s string) bool {
	if len(b) != len(s) {
		return false
	}
	for i := range b {
		c, d := b[i], s[i]
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		if d >= 'A' && d <= 'Z' {
			d |= 0x20
		}
		if c != d {
			return false
		}
	}
	return true
}
