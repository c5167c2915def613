package govet

import (
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	const text = `{"p": {"a": [{"category": "c", "posn": "C:\\x\\y.go:3:7", "end": "C:\\x\\y.go:3:9", "message": "m", "related": [{"posn": "z.go:1:2", "message": "r"}]}]}}
{}
{"p [p.test]": {"a": [{"category": "c", "posn": "C:\\x\\y.go:3:7", "message": "m"}]}, "q": {"a": [{"posn": "b.go:1:1", "message": "first"}]}}`
	got, err := parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 {
		t.Fatalf("%d diagnostics, want 2: each once", len(got))
	}
	if d := got[0]; d.Start != (Position{`C:\x\y.go`, 3, 7}) || d.Package != "p" || len(d.Related) != 1 || d.Related[0].At.Line != 1 {
		t.Errorf("%+v", d)
	}
	if _, err := parse(strings.NewReader(`{"p": {"a": {"error": "it broke"}}}`)); err == nil || !strings.Contains(err.Error(), "it broke") {
		t.Errorf("an analyzer's error is told as %v", err)
	}
	if _, err := parse(strings.NewReader(`{"p"`)); err == nil {
		t.Error("half an object is no error")
	}
}
