package main

import (
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/remint/remint/scanner/rule"
)

// TestHistoryScripts scans repositories that the real git made, one file a
// place, a gap or a trap. These commands stand beside testscript's own:
//
//	key NAME...               $NAME becomes a made-up GitHub token, another one for every name
//	gitinit DIR [ARG...]      git init, on the branch main, and cd there
//	put [-n] FILE LINE...     write a file; -n: without the last newline
//	append FILE LINE...       the same, at its end
//	commit NAME [MESSAGE]     a day later: add everything, commit, $NAME becomes the commit's id
//	record NAME [MESSAGE]     the same without adding anything
//	id NAME ARG...            $NAME becomes what git ARG... prints
//	loose NAME ID             $NAME becomes the file of a loose object
//	damage FILE OFFSET        change one byte; a negative offset counts from the end
//	cut FILE BYTES            take bytes off the end
//	history CODE [ARG...]     remint scan --git ARG..., which must end with CODE
//	findings N                the report holds N findings
//	[!] finding NAME [FIELD=VALUE...]   … and (not) exactly one of $NAME (-: of any key), at this path, with these fields
//	complete                  … and says that everything was looked at
//	[!] incomplete REASON PATH    … and says that this was not
//	gap CODE REASON PATH      every format says so and ends with 2, or CODE with --allow-incomplete
//	same ARG...               with these flags more, the findings are the same
//	concealed NAME...         no format shows these keys
//
// In LINE, FILE and VALUE, backslashes escape as in Go. A FIELD is a name of
// the finding or of its "git" object, with dots between the levels; commit
// ids are meant by introduced, last and occurrences. A VALUE is "none" where
// there is nothing; * stands for anything.
func TestHistoryScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "../../testdata/script/history",
		Setup: func(e *testscript.Env) error {
			e.Setenv("CLOCK", "1704067200") // 2024-01-01
			e.Setenv("GIT_ALLOW_PROTOCOL", "file")
			e.Setenv("LC_ALL", "C")
			return setup(e)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exit": exit, "expand": expand, "key": key, "gitinit": gitinit, "id": id, "loose": loose, "damage": damage, "cut": cut,
			"put":     func(ts *testscript.TestScript, _ bool, args []string) { write(ts, os.O_TRUNC, args) },
			"append":  func(ts *testscript.TestScript, _ bool, args []string) { write(ts, os.O_APPEND, args) },
			"commit":  func(ts *testscript.TestScript, _ bool, args []string) { commit(ts, true, args) },
			"record":  func(ts *testscript.TestScript, _ bool, args []string) { commit(ts, false, args) },
			"history": historyScan, "findings": countFindings, "finding": checkFinding, "complete": complete,
			"incomplete": incomplete, "gap": gap, "same": same, "concealed": concealed,
		},
	})
}

// key NAME... makes keys.
func key(ts *testscript.TestScript, _ bool, names []string) {
	for _, name := range names {
		r := rule.Rule{ID: "script", Checksum: "crc32-base62"}
		h := fnv.New64a()
		_, _ = h.Write([]byte(name))
		text, _, err := r.Expand("«ghp_{a62:30}{checksum}»", h.Sum64())
		ts.Check(err)
		ts.Setenv(name, text)
	}
}

// gitinit DIR [ARG...] makes a repository and goes there.
func gitinit(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(ts.Exec("git", append([]string{"init", "--quiet", "--initial-branch=main"}, append(args[1:], args[0])...)...))
	ts.Check(ts.Chdir(args[0]))
}

// write is put and append: [-n] FILE LINE...
func write(ts *testscript.TestScript, mode int, args []string) {
	end := "\n"
	if args[0] == "-n" {
		end, args = "", args[1:]
	}
	var lines []string
	for _, arg := range args {
		lines = append(lines, unescape(ts, arg))
	}
	name := ts.MkAbs(lines[0])
	ts.Check(os.MkdirAll(filepath.Dir(name), 0o777))
	f, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|mode, 0o666)
	ts.Check(err)
	_, err = f.WriteString(strings.Join(lines[1:], "\n") + end)
	ts.Check(err)
	ts.Check(f.Close())
}

// unescape reads the escapes of Go's strings.
func unescape(ts *testscript.TestScript, s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	text, err := strconv.Unquote(`"` + strings.ReplaceAll(s, `"`, `\"`) + `"`)
	ts.Check(err)
	return text
}

// commit NAME [MESSAGE] commits a day after the last time.
func commit(ts *testscript.TestScript, add bool, args []string) {
	clock, err := strconv.ParseInt(ts.Getenv("CLOCK"), 10, 64)
	ts.Check(err)
	date := fmt.Sprintf("@%d +0000", clock)
	ts.Setenv("GIT_AUTHOR_DATE", date)
	ts.Setenv("GIT_COMMITTER_DATE", date)
	ts.Setenv("CLOCK", strconv.FormatInt(clock+24*60*60, 10))
	if add {
		ts.Check(ts.Exec("git", "add", "--all"))
	}
	message := strings.Join(args[1:], " ")
	if message == "" {
		message = args[0]
	}
	ts.Check(ts.Exec("git", "commit", "--quiet", "--allow-empty", "--message="+unescape(ts, message)))
	id(ts, false, []string{args[0], "rev-parse", "HEAD"})
}

// id NAME ARG... remembers what git prints.
func id(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(ts.Exec("git", args[1:]...))
	ts.Setenv(args[0], strings.TrimSpace(ts.ReadFile("stdout")))
}

// loose NAME ID finds the file of a loose object.
func loose(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(ts.Exec("git", "rev-parse", "--git-path", "objects/"+args[1][:2]+"/"+args[1][2:]))
	name := ts.MkAbs(strings.TrimSpace(ts.ReadFile("stdout")))
	ts.Check(os.Chmod(name, 0o666)) // git makes them read-only
	ts.Setenv(args[0], name)
}

// damage FILE OFFSET changes a byte.
func damage(ts *testscript.TestScript, _ bool, args []string) {
	data, at := []byte(ts.ReadFile(args[0])), number(ts, args[1])
	if at < 0 {
		at += len(data)
	}
	data[at] ^= 0x55
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), data, 0o666))
}

// cut FILE BYTES takes the end off.
func cut(ts *testscript.TestScript, _ bool, args []string) {
	info, err := os.Stat(ts.MkAbs(args[0]))
	ts.Check(err)
	ts.Check(os.Chmod(ts.MkAbs(args[0]), 0o666))
	ts.Check(os.Truncate(ts.MkAbs(args[0]), info.Size()-int64(number(ts, args[1]))))
}

func number(ts *testscript.TestScript, s string) int {
	n, err := strconv.Atoi(s)
	ts.Check(err)
	return n
}
