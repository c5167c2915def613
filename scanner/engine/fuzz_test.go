package engine

import (
	"encoding/base64"
	"encoding/hex"
	"testing"

	"github.com/remint/remint/scanner/rule"
)

// FuzzScan gives the engine any bytes: it must neither panic nor hang, and
// every match must lie within the text.
func FuzzScan(f *testing.F) {
	key := token(5)
	for _, s := range []string{
		key, "password = \"q7Rt2Wx9Lm4Zp8Kc\"", "\xff\xfea\x00b\x00", "%41%42\\x41\\u0042&#67;&lowbar;", "eyJhbGciOiJIUzI1NiJ9.e30.x",
		base64.StdEncoding.EncodeToString([]byte("k = " + key)), hex.EncodeToString([]byte("k = " + key + "!!")),
		"-----BEGIN RSA PRIVATE KEY-----\nAAAA", "<password>x</password>", "name: PASSWORD\n value: \"\"\"", "token='''", "api_key:",
	} {
		f.Add([]byte(s))
	}
	e, err := New(rule.Catalogue(), Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		s := e.NewScanner()
		s.OnDrop = func(d Drop) {
			if d.Start < 0 || d.End < d.Start || d.End > len(text) {
				t.Errorf("%s: a dropped candidate at %d to %d of %d bytes", d.Rule.ID, d.Start, d.End, len(text))
			}
		}
		ms, err := s.Scan(text)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range ms {
			if m.Start < 0 || m.End < m.Start || m.End > len(text) || m.FullStart < 0 || m.FullEnd > len(text) {
				t.Errorf("%s: a match at %d to %d of %d bytes", m.Rule.ID, m.Start, m.End, len(text))
			}
		}
	})
}
