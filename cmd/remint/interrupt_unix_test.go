//go:build unix

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/remint/remint/scanner/history/gittest"
)

// TestInterrupt asserts that a scan of a history that is stopped ends soon, and
// says in its report that it is not complete.
func TestInterrupt(t *testing.T) {
	g := gittest.New(t)
	line := bytes.Repeat([]byte("the quick brown fox jumps over the lazy dog "), 20)
	for n := range 40 {
		g.Write("large.txt", string(bytes.Repeat(append(line, byte('a'+n%26), '\n'), 8000)))
		g.Commit("more")
	}
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(50*time.Millisecond, cancel)
	f := scanFlags{format: "json"}
	f.git, f.exhaustive = true, true
	var out bytes.Buffer
	err := runScan(ctx, &f, []string{g.Dir}, nil, &out, io.Discard)
	if !errors.Is(err, errReported) {
		t.Fatalf("a stopped scan ends with %v", err)
	}
	var report struct {
		Incomplete []struct{ Reason string }
	}
	if err := json.Unmarshal(out.Bytes(), &report); err != nil {
		t.Fatal(err)
	}
	for _, i := range report.Incomplete {
		if i.Reason == "interrupted" {
			return
		}
	}
	t.Errorf("the report does not say that the scan was interrupted: %v", report.Incomplete)
}
