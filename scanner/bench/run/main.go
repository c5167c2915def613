// Command run measures whole-program runs of remint beside gitleaks and prints
// a table for docs/benchmarks.md: medians of several runs, the two in turn, so
// that a machine whose speed drifts is fair to both.
//
//	go run ./scanner/bench/run -remint ./remint -gitleaks .tools/gitleaks
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"
)

func main() {
	log.SetFlags(0)
	remint := flag.String("remint", "./remint", "remint's binary")
	gitleaks := flag.String("gitleaks", "", "gitleaks' binary")
	runs := flag.Int("n", 5, "counted runs of each command")
	folder := flag.String("histories", "", "measure histories instead, which are made in this folder")
	flag.Parse()
	dir, err := os.MkdirTemp("", "remint-bench-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	b := bench{dir: dir, remint: absolute(*remint), gitleaks: absolute(*gitleaks), runs: *runs}
	fmt.Printf("%s, %s/%s, %d processors, median of %d runs\n\n", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), *runs)
	fmt.Printf("%-44s %10s %10s %8s %9s %9s\n", "work", "remint", "gitleaks", "ratio", "remint MB", "other MB")
	steps := []func() error{b.version, b.tree, b.rules, b.scopes, b.staged, b.gigabyte}
	if *folder != "" {
		b.histories = absolute(*folder)
		steps = []func() error{b.history}
	}
	for _, step := range steps {
		if err := step(); err != nil {
			os.RemoveAll(dir)
			log.Fatal(err)
		}
	}
}

type bench struct {
	dir, remint, gitleaks string
	histories             string
	runs                  int
}

func absolute(name string) string {
	abs, err := filepath.Abs(name)
	if err != nil {
		log.Fatal(err)
	}
	return abs
}

// sample is one run of a command.
type sample struct {
	wall time.Duration
	rss  int64 // peak, in KiB
}

// once runs a command; codes are the exit codes that mean it did its work.
func once(dir string, codes []int, command ...string) (sample, error) {
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Dir = dir
	var errs bytes.Buffer
	cmd.Stderr = &errs // and the output goes nowhere: some is gigabytes
	start := time.Now()
	err := cmd.Run()
	s := sample{wall: time.Since(start)}
	if cmd.ProcessState == nil {
		return s, err
	}
	s.rss = peak(cmd.ProcessState)
	if !slices.Contains(codes, cmd.ProcessState.ExitCode()) {
		return s, fmt.Errorf("%s: exit code %d\n%s", strings.Join(command, " "), cmd.ProcessState.ExitCode(), errs.String()[:min(errs.Len(), 500)])
	}
	return s, nil
}

func median(samples []sample) sample {
	by := func(f func(sample) int64) int64 {
		v := make([]int64, len(samples))
		for i, s := range samples {
			v[i] = f(s)
		}
		slices.Sort(v)
		return v[len(v)/2]
	}
	return sample{
		wall: time.Duration(by(func(s sample) int64 { return int64(s.wall) })),
		rss:  by(func(s sample) int64 { return s.rss }),
	}
}

// pair runs two commands in turn and prints a row; other may be nil.
func (b bench) pair(work, dir string, ours, other []string) error {
	var mine, theirs []sample
	for i := range b.runs + 1 {
		s, err := once(dir, []int{0, 1}, ours...)
		if err != nil {
			return err
		}
		if i > 0 { // the first warms the caches
			mine = append(mine, s)
		}
		if other == nil {
			continue
		}
		if s, err = once(dir, []int{0, 1}, other...); err != nil {
			return err
		}
		if i > 0 {
			theirs = append(theirs, s)
		}
	}
	m := median(mine)
	if other == nil {
		fmt.Printf("%-44s %10s %10s %8s %9.0f\n", work, show(m.wall), "", "", float64(m.rss)/1024)
		return nil
	}
	t := median(theirs)
	fmt.Printf("%-44s %10s %10s %7.1fx %9.0f %9.0f\n", work, show(m.wall), show(t.wall), float64(t.wall)/float64(m.wall), float64(m.rss)/1024, float64(t.rss)/1024)
	return nil
}

func show(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%.1f ms", float64(d)/1e6)
	}
	return fmt.Sprintf("%.2f s", d.Seconds())
}

func (b bench) version() error {
	return b.pair("version", b.dir, []string{b.remint, "version"}, []string{b.gitleaks, "version"})
}

// goSource is the Go commands' source: a real tree that is on every machine
// that has Go.
var goSource = sync.OnceValue(func() string {
	out, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		log.Fatal(err)
	}
	return filepath.Join(strings.TrimSpace(string(out)), "src", "cmd")
})

func (b bench) tree() error {
	size, files := measure(goSource())
	work := fmt.Sprintf("tree: Go's src/cmd, %d files, %.0f MB", files, float64(size)/1e6)
	return b.pair(work, b.dir, []string{b.remint, "scan", goSource(), "-f", "json"},
		[]string{b.gitleaks, "dir", goSource(), "--no-banner", "--exit-code", "0", "-l", "error"})
}

func measure(dir string) (size int64, files int) {
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			if info, err := d.Info(); err == nil {
				size += info.Size()
				files++
			}
		}
		return nil
	})
	return size, files
}

// rules runs the same tree with 1,000 synthetic rules more, as a
// configuration of the user's.
func (b bench) rules() error {
	plain, more := filepath.Join(b.dir, "plain.yaml"), filepath.Join(b.dir, "more.yaml")
	var rules strings.Builder
	rules.WriteString("version: 1\nrules:\n  extra:\n")
	for i := range 1000 {
		prefix := fmt.Sprintf("%c%c%cq_", 'a'+i%26, 'a'+i/26%26, 'x'-i%5)
		fmt.Fprintf(&rules, "    - id: synthetic-%d\n      name: Synthetic %d\n      pattern: '\\b(%s[A-Za-z0-9]{32})\\b'\n      keywords: [%s]\n", i, i, prefix, prefix)
	}
	if err := os.WriteFile(plain, []byte("version: 1\n"), 0o644); err != nil {
		return err
	}
	if err := os.WriteFile(more, []byte(rules.String()), 0o644); err != nil {
		return err
	}
	return b.pair("the same tree, catalogue (right: +1,000 rules)", b.dir,
		[]string{b.remint, "scan", goSource(), "-f", "json", "-c", plain}, []string{b.remint, "scan", goSource(), "-f", "json", "-c", more})
}

// scopes runs trees with and without judging what configuration grants: Go's
// source, in which there is little of it, and Kyverno, which is full of it.
func (b bench) scopes() error {
	out, err := exec.Command("go", "mod", "download", "-json", "github.com/kyverno/kyverno@v1.19.1").Output()
	if err != nil {
		return fmt.Errorf("go mod download: %w", err)
	}
	var module struct{ Dir string }
	if err := json.Unmarshal(out, &module); err != nil {
		return err
	}
	off, on := filepath.Join(b.dir, "off.yaml"), filepath.Join(b.dir, "on.yaml")
	if err := errors.Join(os.WriteFile(off, []byte("version: 1\nrules:\n  disable: ['scope-*']\n"), 0o644), os.WriteFile(on, []byte("version: 1\n"), 0o644)); err != nil {
		return err
	}
	for _, dir := range []string{goSource(), module.Dir} {
		size, files := measure(dir)
		scan := []string{b.remint, "scan", dir, "-f", "json", "--go=off", "-c"}
		work := fmt.Sprintf("%s, %d files, %.0f MB (right: without scopes)", filepath.Base(dir), files, float64(size)/1e6)
		if err := b.pair(work, b.dir, append(slices.Clone(scan), on), append(slices.Clone(scan), off)); err != nil {
			return err
		}
	}
	return nil
}

// staged makes a repository of 1,000 files and stages one line.
func (b bench) staged() error {
	repo := filepath.Join(b.dir, "repo")
	for i := range 1000 {
		name := filepath.Join(repo, fmt.Sprintf("d%02d", i%40), fmt.Sprintf("f%d.go", i))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		body := fmt.Sprintf("package d%02d\n\n// F%d does a thing.\nfunc F%d(n int) int { return n * %d }\n", i%40, i, i, i)
		if err := os.WriteFile(name, []byte(strings.Repeat(body, 20)), 0o644); err != nil {
			return err
		}
	}
	git := func(args ...string) error {
		_, err := once(repo, []int{0}, append([]string{"git", "-c", "user.name=b", "-c", "user.email=b@b", "-c", "init.defaultBranch=main"}, args...)...)
		return err
	}
	for _, args := range [][]string{{"init", "-q"}, {"add", "."}, {"commit", "-qm", "all"}, {"gc", "-q"}} {
		if err := git(args...); err != nil {
			return err
		}
	}
	f, err := os.OpenFile(filepath.Join(repo, "d07", "f7.go"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	fmt.Fprintln(f, "// one more line")
	if err := f.Close(); err != nil {
		return err
	}
	if err := git("add", "."); err != nil {
		return err
	}
	return b.pair("staged: one line, 1,000 files", repo, []string{b.remint, "scan", "--staged"},
		[]string{b.gitleaks, "git", "--staged", "--no-banner", "-l", "error"})
}

// gigabyte scans a tree of 1 GB: Go's src several times over, and one file of
// 200 MB, for the peak of memory.
func (b bench) gigabyte() error {
	root := filepath.Join(b.dir, "gigabyte")
	size, _ := measure(goSource())
	copies := int(800e6/size) + 1
	for i := range copies {
		if err := os.CopyFS(filepath.Join(root, fmt.Sprint(i)), os.DirFS(goSource())); err != nil {
			return err
		}
	}
	line := strings.Repeat("the quick brown fox jumps over the lazy dog ", 23) + "\n"
	// Written bit by bit: a process that is started counts the memory of its
	// parent as its own peak.
	log, err := os.Create(filepath.Join(root, "large.log"))
	if err != nil {
		return err
	}
	for range int(200e6) / len(line) {
		if _, err := log.WriteString(line); err != nil {
			return err
		}
	}
	if err := log.Close(); err != nil {
		return err
	}
	size, files := measure(root)
	b.runs = 3
	return b.pair(fmt.Sprintf("tree: %d files, %.2f GB", files, float64(size)/1e9), b.dir, []string{b.remint, "scan", root, "-f", "json"}, nil)
}
