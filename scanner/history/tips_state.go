package history

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// stateFiles are where unfinished work keeps ids, beside the files in upper
// case: each line's first or second word is one, or none is.
func stateFiles() []string {
	return []string{
		"rebase-merge/onto", "rebase-merge/orig-head", "rebase-merge/stopped-sha", "rebase-merge/autostash",
		"rebase-merge/amend", "rebase-merge/squash-onto", "rebase-merge/rewritten-list", "rebase-merge/rewritten-pending",
		"rebase-merge/done", "rebase-merge/git-rebase-todo", "rebase-merge/update-refs",
		"rebase-apply/onto", "rebase-apply/orig-head", "rebase-apply/autostash", "rebase-apply/original-commit",
		"rebase-apply/abort-safety", "rebase-apply/rewritten",
		"sequencer/head", "sequencer/abort-safety", "sequencer/todo",
	}
}

// files reads what unfinished work left in the directory of a work tree.
func (t *tipReader) files(s refSpace) {
	entries, err := os.ReadDir(s.dir)
	t.failed(err)
	for _, e := range entries {
		if isPseudoRef(e.Name()) && e.Name() != "HEAD" && !e.IsDir() {
			t.stateFile(s, e.Name(), 1)
		}
	}
	for _, name := range stateFiles() {
		t.stateFile(s, name, 2)
	}
}

// isPseudoRef tells whether a file beside HEAD may name objects: one whose
// name is in upper case, messages excepted.
func isPseudoRef(name string) bool {
	return name != "" && strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-_") == "" && !strings.HasSuffix(name, "MSG")
}

func (t *tipReader) stateFile(s refSpace, name string, words int) {
	file := filepath.Join(s.dir, filepath.FromSlash(name))
	if _, err := os.Lstat(file); errors.Is(err, fs.ErrNotExist) {
		return
	}
	err := readWhole(file, func(data []byte) {
		if target, ok := bytes.CutPrefix(data, []byte("ref:")); ok {
			v := t.refs[s.name(string(bytes.TrimSpace(target)))]
			t.add(s.prefix+name, TipOther, v.id)
			return
		}
		seen := map[ID]bool{}
		eachID(data, t.format, words, func(id ID) {
			if !seen[id] {
				seen[id] = true
				t.add(s.prefix+name, TipOther, id)
			}
		})
	})
	t.failed(err)
}

// add appends a tip that leads somewhere.
func (t *tipReader) add(name string, kind TipKind, id ID) {
	if !id.IsZero() {
		t.tips = append(t.tips, Tip{Name: name, Kind: kind, ID: id})
	}
}

// eachID calls fn for the ids among the first words of each line.
func eachID(data []byte, format Format, words int, fn func(id ID)) {
	for line := range bytes.Lines(data) {
		for range words {
			line = bytes.TrimLeft(line, " \t")
			end := bytes.IndexAny(line, " \t\r\n")
			if end < 0 {
				end = len(line)
			}
			if id := hexID(line[:end], format); !id.IsZero() {
				fn(id)
			}
			line = line[end:]
		}
	}
}

// logs reads what the references of a work tree were before.
func (t *tipReader) logs(s refSpace) {
	dir := filepath.Join(s.dir, "logs")
	t.walk(s.dir, "logs", func(path string) {
		ref := strings.TrimPrefix(path, "logs/")
		name, kind := s.name(ref), TipReflog
		if ref == "refs/stash" {
			kind = TipStash
		}
		bad := 0
		file := filepath.Join(dir, filepath.FromSlash(ref))
		err := readWhole(file, func(data []byte) {
			bad = parseReflog(data, t.format, func(n int, id ID) { t.add(fmt.Sprintf("%s@{%d}", name, n), kind, id) })
		})
		t.failed(err)
		if bad > 0 {
			t.failed(fmt.Errorf("%s: %d lines hold no object ids; see `git reflog expire --stale-fix`", file, bad))
		}
	})
}

// parseReflog calls fn once for each object that a reference has named, with
// how many changes ago that was last, and returns how many lines make no
// sense. A line tells what the reference was and what it became.
func parseReflog(data []byte, format Format, fn func(n int, id ID)) (bad int) {
	seen := map[ID]bool{{}: true}
	add := func(n int, id ID) {
		if !seen[id] {
			seen[id] = true
			fn(n, id)
		}
	}
	digits := 2 * format.Size()
	data = bytes.TrimRight(data, "\n")
	for n := 0; len(data) > 0; n++ {
		start := bytes.LastIndexByte(data, '\n') + 1
		line := data[start:]
		data = data[:max(start-1, 0)]
		if len(line) < 2*digits+1 || line[digits] != ' ' || len(line) > 2*digits+1 && line[2*digits+1] != ' ' {
			bad++
			continue
		}
		was, now := line[:digits], line[digits+1:2*digits+1]
		if !isHex(was) || !isHex(now) {
			bad++
		}
		add(n, hexID(now, format))
		add(n+1, hexID(was, format))
	}
	return bad
}

func isHex(b []byte) bool {
	return len(bytes.Trim(b, "0123456789abcdefABCDEF")) == 0
}
