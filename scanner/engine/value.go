package engine

import "bytes"

// readValue reads the value that starts at text[i]: a quoted string, perhaps
// behind a prefix or a call that only wraps it; the default behind a look-up
// in the environment; or a bare word. tight tells that nothing stands between
// the operator and the value, as in .env files.
func readValue(text []byte, start, i int, tight bool) (value, bool) {
	if i >= len(text) {
		return value{}, false
	}
	if j := skipStringPrefix(text, i); j < len(text) && isQuote(text[j]) {
		return quotedValue(text, j)
	}
	if text[i] == '\\' && i+1 < len(text) && isQuote(text[i+1]) {
		return escapedQuoteValue(text, i+1)
	}
	if v, ok := wrappedValue(text, i); ok {
		return v, true
	}
	if v, ok := environmentDefault(text, i); ok {
		return v, true
	}
	return bareValue(text, start, i, tight)
}

// skipStringPrefix steps over the letters that may stand before a quote: b"…",
// rb'…', f"…", @"…", $"…", L"…", &"…".
func skipStringPrefix(text []byte, i int) int {
	j := i
	for j < len(text) && j-i < 2 && bytes.IndexByte([]byte("bBrRuUfFL@$&"), text[j]) >= 0 {
		j++
	}
	if j < len(text) && isQuote(text[j]) {
		return j
	}
	return i
}

// quotedValue reads a string literal; text[i] is its opening quote.
func quotedValue(text []byte, i int) (value, bool) {
	q := text[i]
	if i+2 < len(text) && text[i+1] == q && text[i+2] == q {
		body := text[i+3 : min(len(text), i+3+maxValue)]
		end := bytes.Index(body, []byte{q, q, q})
		if end <= 0 {
			return value{}, false
		}
		return schemeless(value{text: body[:end], start: i + 3, end: i + 3 + end, quoted: true})
	}
	for j := i + 1; j < len(text) && j-i < maxValue; j++ {
		switch c := text[j]; {
		case c == q:
			return schemeless(value{text: text[i+1 : j], start: i + 1, end: j, quoted: true})
		case c == '\\' && q != '`':
			j++
		case c == '\n' && q != '`':
			return value{}, false
		}
	}
	return value{}, false
}

// escapedQuoteValue reads a string inside a string: \"…\"; text[i] is the quote.
func escapedQuoteValue(text []byte, i int) (value, bool) {
	end := bytes.Index(text[i+1:min(len(text), i+1+maxValue)], []byte{'\\', text[i]})
	if end <= 0 || bytes.IndexByte(text[i+1:i+1+end], '\n') >= 0 {
		return value{}, false
	}
	return schemeless(value{text: text[i+1 : i+1+end], start: i + 1, end: i + 1 + end, quoted: true})
}

// wrappers are calls that hand their string on as it is, by the last word of
// what stands before the parenthesis, lower case.
var wrappers = [...]string{
	"string", "byte", "bytes", "from", "some", "ptr", "str", "of", "uint8", "pointer",
	"secretstr", "securestring", "new", "literal", "text", "s", "stringptr", "tostring",
}

// wrappedValue reads []byte("…"), String("…"), aws.String("…"), Some("…").
func wrappedValue(text []byte, i int) (value, bool) {
	j := i
	for j < len(text) && j-i < 48 && (kinds[text[j]]&kindName != 0 || bytes.IndexByte([]byte("[]&*: "), text[j]) >= 0) {
		j++
	}
	if j == i || j >= len(text) || text[j] != '(' {
		return value{}, false
	}
	word := text[i:j]
	for k := len(word) - 1; k >= 0; k-- {
		if c := word[k]; !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9') {
			word = word[k+1:]
			break
		}
	}
	for _, w := range wrappers {
		if foldEqual(word, w) {
			return quotedOnly(text, skipBlanks(text, j+1))
		}
	}
	return value{}, false
}

// environmentDefault reads the literal that stands in for a missing variable:
// os.getenv("K", "…"), process.env.K || "…", ENV.fetch("K", "…").
func environmentDefault(text []byte, i int) (value, bool) {
	line := text[i:min(len(text), i+200)]
	if n := bytes.IndexByte(line, '\n'); n >= 0 {
		line = line[:n]
	}
	word := 0
	for word < len(line) && kinds[line[word]]&kindName != 0 {
		word++
	}
	if !containsFold(line[:word], "env") {
		return value{}, false
	}
	rest := line[word:]
	for _, sep := range [...]string{"||", "??", "?:", " or ", ","} {
		k := bytes.Index(rest, []byte(sep))
		if k < 0 {
			continue
		}
		j := skipBlanks(text, i+word+k+len(sep))
		if j < len(text) && isQuote(text[j]) {
			return quotedValue(text, j)
		}
	}
	return value{}, false
}

// bareValue reads a value without quotes.
func bareValue(text []byte, start, i int, tight bool) (value, bool) {
	if text[i] == '$' || text[i] == '{' || text[i] == '<' || text[i] == '%' && !tight {
		return value{}, false
	}
	if tight {
		if v, ok := lineValue(text, start, i); ok {
			return v, true
		}
	}
	end := i
	for end < len(text) && end-i < maxBare && kinds[text[end]]&kindStop == 0 {
		if text[end] == '=' && end+1 < len(text) && text[end+1] != '=' && kinds[text[end+1]]&kindStop == 0 {
			break // padding stands at the end; this is the next assignment
		}
		end++
	}
	if end < len(text) && (text[end] == '(' || text[end] == '[' || text[end] == '{') {
		return value{}, false
	}
	v := value{text: bytes.TrimRight(text[i:end], ".:"), start: i}
	v.end = i + len(v.text)
	v, ok := schemeless(v)
	if ok && isScheme(v.text) {
		// The blank behind "Bearer" ended the word.
		if j := skipBlanks(text, end); j > end && j < len(text) && j-start < maxBare {
			return bareValue(text, start, j, false)
		}
	}
	return v, ok
}

// lineValue reads NAME=value where that is the whole line, as in .env files;
// there the value may hold any punctuation.
func lineValue(text []byte, start, i int) (value, bool) {
	line := bytes.LastIndexByte(text[max(0, start-64):start], '\n') + 1 + max(0, start-64)
	before := bytes.TrimLeft(text[line:start], " \t-")
	if len(before) > 0 && !bytes.Equal(before, []byte("export ")) && !bytes.Equal(before, []byte("set ")) {
		return value{}, false
	}
	end := i
	for end < len(text) && end-i < maxBare && text[end] != '\n' && text[end] != '\r' {
		if c := text[end]; c == ' ' || c == '\t' || c == '"' || c == '\'' || c == '`' || c == 0 {
			return value{}, false
		}
		end++
	}
	last := byte(0)
	if end > i {
		last = text[end-1]
	}
	// A line that ends like code is code.
	if last == ';' || last == ',' || last == '{' || last == ')' || last == '\\' {
		return value{}, false
	}
	return value{text: text[i:end], start: i, end: end, whole: true}, end > i
}

var schemes = [...]string{"bearer", "basic", "token", "apikey", "bot", "digest", "key", "ssws", "negotiate"}

func isScheme(word []byte) bool {
	for _, s := range schemes {
		if foldEqual(word, s) {
			return true
		}
	}
	return false
}

// schemeless takes the scheme off `Bearer …` and `token …`.
func schemeless(v value) (value, bool) {
	if i := bytes.IndexByte(v.text, ' '); i > 0 && isScheme(v.text[:i]) {
		v.text = v.text[i+1:]
		v.start += i + 1
	}
	return v, len(v.text) > 0
}

func containsFold(b []byte, lower string) bool {
	for i := 0; i+len(lower) <= len(b); i++ {
		if foldEqual(b[i:i+len(lower)], lower) {
			return true
		}
	}
	return false
}
