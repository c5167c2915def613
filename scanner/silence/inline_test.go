package silence

import (
	"strings"
	"testing"
)

// at splits a text with the match between « and ».
func at(marked string) (text []byte, start, end int) {
	start = strings.Index(marked, "«")
	marked = strings.Replace(marked, "«", "", 1)
	end = strings.Index(marked, "»")
	return []byte(strings.Replace(marked, "»", "", 1)), start, end
}

func TestInline(t *testing.T) {
	tests := []struct {
		name, text string
		ok         bool
		lines      int
		reason     string
	}{
		{"on the line", "a\nkey = «v» # remint:allow\nb", true, 0, ""},
		{"before the match", "/* remint:allow */ key = «v»", true, 0, ""},
		{"with a reason", "key = «v» // remint:allow made up for the test\n", true, 0, "made up for the test"},
		{"with a rule", "key = «v» // remint:allow[my-rule]", true, 0, ""},
		{"with rules and a reason", "<!-- remint:allow[other, my-*]: why -->\n«v»", true, -1, "why"},
		{"with another rule", "key = «v» // remint:allow[other]", false, 0, ""},
		{"alone above", "x\n  # remint:allow, see README\n«v»\n", true, -1, "see README"},
		{"alone above, CRLF", "# remint:allow\r\nk: «v»\r\n", true, -1, ""},
		{"alone above, a JSON comment key", "{\n  \"//\": \"remint:allow\",\n  \"k\": \"«v»\"\n}", true, -1, ""},
		{"alone above, REM", "REM remint:allow\nset K=«v»", true, -1, ""},
		{"above, but not alone", "x = 1 # remint:allow\n«v»\n", false, 0, ""},
		{"two lines above", "# remint:allow\n\n«v»\n", false, 0, ""},
		{"below", "«v»\n# remint:allow\n", false, 0, ""},
		{"on another line", "«v»\nx # remint:allow\n", false, 0, ""},
		{"inside a match of several lines", "«a\nb # remint:allow here\nc»", true, 1, "here"},
		{"on the last line of a match", "«a\nb» # remint:allow\n", true, 1, ""},
		{"a longer word", "«v» # xremint:allow", false, 0, ""},
		{"another longer word", "«v» # remint:allowed", false, 0, ""},
		{"a list that is not closed", "«v» # remint:allow[my-rule", false, 0, ""},
		{"an empty list", "«v» # remint:allow[]", false, 0, ""},
		{"a list of something else", "«v» # remint:allow[my/rule]", false, 0, ""},
		{"the second of two on a line", "«v» # remint:allow[other] remint:allow[my-rule] why", true, 0, "why"},
		{"the second of two above", "# remint:allow[my-rule] one\n«v» # remint:allow[other]", true, -1, "one"},
		{"the match is no part of the reason", "/* remint:allow for k = «v»", true, 0, "for k ="},
		{"at the start of the text", "remint:allow\n«v»", true, -1, ""},
		{"no mark", "«v»", false, 0, ""},
		{"gitleaks' mark is not ours", "«v» # gitleaks:allow", false, 0, ""},
	}
	for _, tt := range tests {
		text, start, end := at(tt.text)
		reason, lines, ok := FindMarks(text).allow("my-rule", start, end)
		if ok != tt.ok || ok && (lines != tt.lines || reason != tt.reason) {
			t.Errorf("%s: allow = %q, %d, %v; want %q, %d, %v", tt.name, reason, lines, ok, tt.reason, tt.lines, tt.ok)
		}
	}
}

func TestGitleaksInline(t *testing.T) {
	tests := []struct {
		name, text string
		better     bool
		ok         bool
		lines      int
	}{
		{"on the line", "«v» # gitleaks:allow", false, true, 0},
		{"inside another word, as gitleaks reads it", "«v» #xgitleaks:allowed", false, true, 0},
		{"on the first line of several", "«a # gitleaks:allow\nb»", false, true, 0},
		{"on the last line of several", "x\n«a\nb\nc» # gitleaks:allow", false, true, 2},
		{"above", "# gitleaks:allow\n«v»", false, false, 0},
		{"below", "«v»\n# gitleaks:allow", false, false, 0},
		{"betterleaks", "«v» # betterleaks:allow", true, true, 0},
		{"betterleaks, for gitleaks alone", "«v» # betterleaks:allow", false, false, 0},
		{"ours", "«v» # remint:allow", true, false, 0},
	}
	for _, tt := range tests {
		text, start, end := at(tt.text)
		lines, ok := FindMarks(text).gitleaksAllow(start, end, tt.better)
		if ok != tt.ok || lines != tt.lines {
			t.Errorf("%s: %d, %v; want %d, %v", tt.name, lines, ok, tt.lines, tt.ok)
		}
	}
}

// naive is the definition of Marks.allow, line by line.
func naive(text string, ruleID string, start, end int) bool {
	pos := 0
	for _, line := range strings.SplitAfter(text, "\n") {
		m := FindMarks([]byte(line))
		lineEnd := pos + len(strings.TrimSuffix(line, "\n"))
		touches := start <= lineEnd && max(end-1, start) >= pos
		if m != nil {
			for i := range m.marks {
				k := &m.marks[i]
				if k.gitleaks || !k.allows(ruleID) {
					continue
				}
				below, _, _ := strings.Cut(text[min(lineEnd+1, len(text)):], "\n")
				alone := commentStart([]byte(line[:k.pos])) && lineEnd < len(text)
				if touches || alone && start > lineEnd && start <= lineEnd+1+len(below) {
					return true
				}
			}
		}
		pos += len(line)
	}
	return false
}

func FuzzInline(f *testing.F) {
	f.Add("# remint:allow[a]\nx\ny remint:allow z\n\nremint:allow", uint(3), uint(9))
	f.Add("a gitleaks:allow betterleaks:allow\n//remint:allow[a*] remint:allow[b]\nv", uint(70), uint(1))
	f.Fuzz(func(t *testing.T, text string, start, length uint) {
		from := int(start % uint(len(text)+1))
		to := from + int(length%uint(len(text)-from+1))
		m := FindMarks([]byte(text))
		m.gitleaksAllow(from, to, true)
		reason, _, got := m.allow("a", from, to)
		if want := naive(text, "a", from, to); got != want {
			t.Errorf("allow(%d, %d) = %v, want %v", from, to, got, want)
		}
		if strings.ContainsAny(reason, "\n") || len(reason) > maxMark {
			t.Errorf("the reason is too much")
		}
	})
}

// BenchmarkFindMarks is the price of a text with a finding and no mark.
func BenchmarkFindMarks(b *testing.B) {
	text := []byte(strings.Repeat("let allowed = config.get(\"allow\") ? 1 : 0;\n", 25_000))
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if FindMarks(text) != nil {
			b.Fatal("a mark was found")
		}
	}
}

// TestHostileText is one long line of marks with many matches on it.
func TestHostileText(t *testing.T) {
	text := []byte(strings.Repeat("remint:allow[ x gitleaks:allowx remint:allow[r] ", 50_000))
	m := FindMarks(text)
	if len(m.marks) > maxMarks {
		t.Errorf("%d marks of one line", len(m.marks))
	}
	for i := 0; i+8 < len(text); i += 24 {
		if _, _, ok := m.allow("other", i, i+8); ok {
			t.Fatal("another rule is allowed")
		}
	}
}
