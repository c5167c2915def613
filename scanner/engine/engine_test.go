package engine

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/remint/remint/scanner/rule"
)

// testRules is a token with a shape and the generic rules of the catalogue.
func testRules(t testing.TB) []rule.Rule {
	t.Helper()
	rules := []rule.Rule{{ID: "acme-token", Provider: "acme", Pattern: `\b(acme_[a-z0-9]{24})\b`, Keywords: []string{"acme_"}, Severity: rule.High}}
	for _, r := range rule.Catalogue() {
		if r.Provider == "generic" || r.Provider == "private-key" {
			rules = append(rules, r)
		}
	}
	return rules
}

func newScanner(t testing.TB) *Scanner {
	t.Helper()
	e, err := New(testRules(t), Options{})
	if err != nil {
		t.Fatal(err)
	}
	return e.NewScanner()
}

// token is a made-up key of the test rule; n makes different ones.
func token(n int) string {
	r := rule.Rule{ID: "acme-token"}
	text, _, err := r.Expand("acme_{az09:24}", uint64(n))
	if err != nil {
		panic(err)
	}
	return text
}

func scanOne(t *testing.T, s *Scanner, text []byte) Match {
	t.Helper()
	ms, err := s.Scan(text)
	if err != nil {
		t.Fatal(err)
	}
	if len(ms) != 1 {
		t.Fatalf("%d matches, want 1", len(ms))
	}
	return ms[0]
}

// TestDecoders hides a key behind every encoding, alone and nested, in the
// middle of a file, and asks for the value and for the bytes that hold it.
func TestDecoders(t *testing.T) {
	line := "the key is " + token(1) + " for now"
	b64 := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	wrap := func(s string, n int) string {
		var b strings.Builder
		for len(s) > n {
			b.WriteString(s[:n] + "\n")
			s = s[n:]
		}
		return b.String() + s
	}
	escape := func(format string) string {
		var b strings.Builder
		for _, c := range token(1) {
			fmt.Fprintf(&b, format, c)
		}
		return b.String()
	}
	long := strings.Repeat("some words before it, ", 9) + line
	for _, c := range []struct {
		name, encoded string
		encodings     []string
	}{
		{"plain", line, nil},
		{"base64", b64(line), []string{"base64"}},
		{"base64 without padding", strings.TrimRight(b64(line+"!"), "="), []string{"base64"}},
		{"base64 url-safe", base64.URLEncoding.EncodeToString([]byte(line + "~~~???>>>")), []string{"base64"}},
		{"base64 over lines", wrap(b64(long), 64), []string{"base64"}},
		{"base64 over lines of 76", wrap(b64(long), 76), []string{"base64"}},
		{"base64 behind a path", "data/" + b64(line), []string{"base64"}},
		{"base64 twice", b64(b64(line)), []string{"base64", "base64"}},
		{"hex", hex.EncodeToString([]byte(line)), []string{"hex"}},
		{"hex capitals", strings.ToUpper(hex.EncodeToString([]byte(line))), []string{"hex"}},
		{"hex with 0x", "0x" + hex.EncodeToString([]byte(line)), []string{"hex"}},
		{"hex in base64", b64(hex.EncodeToString([]byte(line))), []string{"base64", "hex"}},
		{"percent", escape("%%%02X"), []string{"percent"}},
		{"percent of a query", url.QueryEscape("key=" + strings.Replace(token(1), "_", "%5F", 1)), []string{"percent", "percent"}},
		{"\\x", escape(`\x%02x`), []string{"escape"}},
		{"\\u", escape(`\u%04x`), []string{"escape"}},
		{"\\u{}", escape(`\u{%x}`), []string{"escape"}},
		{"html decimal", escape("&#%d;"), []string{"html"}},
		{"html hexadecimal", escape("&#x%x;"), []string{"html"}},
		{"html name", strings.Replace(token(1), "_", "&lowbar;", 1), []string{"html"}},
		{"base64 of utf-16", base64.StdEncoding.EncodeToString(utf16Bytes(line, false)), []string{"base64/utf-16"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScanner(t)
			head, tail := "first line\nx = \"", "\"\nlast line\n"
			text := []byte(head + c.encoded + tail)
			m := scanOne(t, s, text)
			if string(m.Secret) != token(1) {
				t.Fatal("the value is not the key")
			}
			if fmt.Sprint(m.Encodings) != fmt.Sprint(c.encodings) {
				t.Errorf("encodings %v, want %v", m.Encodings, c.encodings)
			}
			if m.Start < len(head) || m.End > len(head)+len(c.encoded) || m.End <= m.Start {
				t.Errorf("bytes %d to %d lie outside the encoded run %d to %d", m.Start, m.End, len(head), len(head)+len(c.encoded))
			}
		})
	}
}

// TestDecodedPlace asks for the exact bytes of a key within a base64 run.
func TestDecodedPlace(t *testing.T) {
	for shift := range 9 {
		before := strings.Repeat("z", shift) + " "
		enc := base64.StdEncoding.EncodeToString([]byte(before + token(2) + " and more words to follow"))
		text := []byte("k: " + enc)
		m := scanOne(t, newScanner(t), text)
		// The four-character groups that hold the first and the last byte.
		from := 3 + len(before)/3*4
		to := 3 + (len(before)+len(token(2))+2)/3*4
		if m.Start < from || m.Start > from+3 || m.End > to || m.End < to-4 {
			t.Errorf("shift %d: bytes %d to %d, want within %d to %d", shift, m.Start, m.End, from, to)
		}
	}
}

func utf16Bytes(s string, big bool) []byte {
	var out []byte
	for _, u := range utf16.Encode([]rune(s)) {
		if big {
			out = binary.BigEndian.AppendUint16(out, u)
		} else {
			out = binary.LittleEndian.AppendUint16(out, u)
		}
	}
	return out
}

func TestWideText(t *testing.T) {
	line := "né: " + token(3) + "\r\n"
	wide32 := func(s string, order binary.AppendByteOrder) []byte {
		var out []byte
		for _, r := range s {
			out = order.AppendUint32(out, uint32(r))
		}
		return out
	}
	for _, c := range []struct {
		name string
		text []byte
		at   int // of the key, in bytes
	}{
		{"utf-16le with mark", append([]byte{0xff, 0xfe}, utf16Bytes(line, false)...), 2 + 2*4},
		{"utf-16be with mark", append([]byte{0xfe, 0xff}, utf16Bytes(line, true)...), 2 + 2*4},
		{"utf-16le without", utf16Bytes(line, false), 2 * 4},
		{"utf-16be without", utf16Bytes(line, true), 2 * 4},
		{"utf-32le with mark", append([]byte{0xff, 0xfe, 0, 0}, wide32(line, binary.LittleEndian)...), 4 + 4*4},
		{"utf-32be with mark", append([]byte{0, 0, 0xfe, 0xff}, wide32(line, binary.BigEndian)...), 4 + 4*4},
		{"utf-16le among bytes", append(bytes.Repeat([]byte{1, 2, 0x80, 0x90, 7}, 200), utf16Bytes(token(3), false)...), 1000},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := scanOne(t, newScanner(t), c.text)
			if string(m.Secret) != token(3) || m.Start != c.at {
				t.Errorf("found at %d, want %d", m.Start, c.at)
			}
		})
	}
}

// TestNestingIsBounded encodes deeper than the bound and expects an end.
func TestNestingIsBounded(t *testing.T) {
	text := token(4)
	for depth := range 8 {
		ms, err := newScanner(t).Scan([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if found := len(ms) == 1; found != (depth <= defaultDecodeDepth) {
			t.Errorf("nested %d deep: found %v", depth, found)
		}
		text = base64.StdEncoding.EncodeToString([]byte(text + " padding it out"))
	}
}

// TestAssignments reads values out of the syntaxes in which names get them.
func TestAssignments(t *testing.T) {
	v := "q7Rt2Wx9Lm4Zp8Kc"
	for _, line := range []string{
		`password = "%s"`, `password='%s'`, "password = `%s`", `password := "%s"`, `password: %s`, `password: "%s"`, `"password": "%s"`,
		`'password' => '%s',`, `{\"password\":\"%s\"}`, `PASSWORD=%s`, `export DB_PASSWORD=%s`, `export DB_PASSWORD="%s"`, `set DB_PASSWORD=%s`,
		`ENV DB_PASSWORD %s`, `ENV DB_PASSWORD=%s`, `ARG db_password=%s`, `--password %s`, `--password=%s`, `--db-password "%s"`,
		`<password>%s</password>`, `<add key="password" value="%s" />`, `<entry key="db.password">%s</entry>`, `<string name="db_password">%s</string>`,
		`password: str = "%s"`, `const password: string = "%s";`, `var password string = "%s"`, `let password: &str = "%s";`, `char password[] = "%s";`,
		`char password[32] = "%s";`, `String password = "%s";`, `private static final String PASSWORD = "%s";`, `conn.setPassword("%s")`, `.password("%s")`,
		`os.environ["DB_PASSWORD"] = "%s"`, `os.Setenv("DB_PASSWORD", "%s")`, `define('DB_PASSWORD', '%s');`, `os.getenv("DB_PASSWORD", "%s")`,
		`process.env.DB_PASSWORD || "%s"`, `process.env['DB_PASSWORD'] ?? '%s'`, `ENV['DB_PASSWORD'] || '%s'`, `${DB_PASSWORD:-%s}`, `?password=%s&x=1`,
		`password = []byte("%s")`, `password: aws.String("%s")`, `password = b"%s"`, `password = """%s"""`, `password ?= %s`, `db.password=%s`,
		`spring.datasource.password=%s`, "- name: DB_PASSWORD\n  value: %s\n", "- name: \"DB_PASSWORD\"\n  value: \"%s\"\n", `{"name": "DB_PASSWORD", "value": "%s"}`,
		"name = \"db_password\"\n  value = \"%s\"", `ALTER USER app PASSWORD '%s'`, `user=app;password=%s;host=db`, `this.password = "%s"`, `$this->password = '%s';`,
		`password   =   "%s"`, `password="%s" # set in 2019`, `"password" : "%s"`, `self.password = u'%s'`,
	} {
		text := fmt.Sprintf(line, v)
		ms, err := newScanner(t).Scan([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		at := strings.Index(text, v)
		if len(ms) != 1 || ms[0].Start != at || ms[0].End != at+len(v) {
			t.Errorf("%s: found %v", line, places(ms))
		}
	}
}

// TestQuietLines holds what other scanners are known to report and should not.
func TestQuietLines(t *testing.T) {
	for _, line := range []string{
		`password = getPassword("q7Rt2Wx9Lm4Zp8Kc")`, `if password == "q7Rt2Wx9Lm4Zp8Kc" {`, `password != "q7Rt2Wx9Lm4Zp8Kc"`, `password: process.env.PASSWORD_2`,
		`token = "public_tokens.route"`, `secretType = "kubernetes.io/dockercfg"`, `tokenEnvVarName = "OPENAI_API_KEY"`, `pw: "Snmp Group Write View 2"`,
		`apiKey := os.Getenv("ACME_API_KEY_V2")`, `password = "^[A-Za-z0-9]{8,}$"`, `accessToken: response.data.access_token2`, `api_key: "{{ .Values.apiKey1 }}"`,
		`password: ENC[AES256_GCM,data:abc]`, `password = "/run/secrets/db_password1"`, `auth_token = user.generateAuthToken2()`, `"password": "Passwort zurücksetzen 1"`,
		`access_key = "AKIA..."`, `secret_key = '********************'`, `client_secret = <your-client-secret-1>`, `api_key=xxxxxxxxxxxxxxxxxxxxxxxx1`, `api_token: null`,
		`"integrity": "sha512-q7Rt2Wx9Lm4Zp8Kcq7Rt2Wx9Lm4Zp8Kc=="`, `password: string;`, `api_key = "a1b2c3d4-e5f6-4a7b-8c9d-0e1f2a3b4c5d"`, `password_field = "user_password_2"`,
		`const tokenURL = "https://login.acme.io/oauth2/v2.0/token"`, `privateKey: "./certs/server2.key"`, `public_key = "q7Rt2Wx9Lm4Zp8Kcq7Rt2Wx9Lm4Zp8Kc"`, `csrf_token = "q7Rt2Wx9Lm4Zp8Kcq7Rt2Wx9Lm4Zp8Kc"`,
	} {
		ms, err := newScanner(t).Scan([]byte(line))
		if err != nil {
			t.Fatal(err)
		}
		if len(ms) != 0 {
			t.Errorf("%s: found by %s", line, ms[0].Rule.ID)
		}
	}
}

func places(ms []Match) string {
	var b strings.Builder
	for _, m := range ms {
		fmt.Fprintf(&b, "[%s %d-%d]", m.Rule.ID, m.Start, m.End)
	}
	return b.String()
}
