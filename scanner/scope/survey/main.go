// Command survey holds what remint says of scopes against judgements of other
// people's code: every finding in a list of Go modules and npm packages, at
// versions that are named, has been looked at, and judged.txt says whether a
// person agrees. It prints a table of precision by rule and fails where a
// finding was not judged, a judged one is gone, or precision is below the goal.
//
//	go run ./scanner/scope/survey -remint ./remint
package main

import (
	"bufio"
	_ "embed"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"log"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
)

// packages are lines `go PATH VERSION` and `npm NAME VERSION`.
//
//go:embed packages.txt
var packages string

// judged are lines `right|wrong PACKAGE PLACE RULE WHY`, parted by tabs.
//
//go:embed judged.txt
var judged string

// goal is the least share of findings, in percent, that a person agrees with.
const goal = 90

func main() {
	log.SetFlags(0)
	remint := flag.String("remint", "./remint", "remint's binary")
	list := flag.Bool("list", false, "print the findings that were not judged, as lines for judged.txt")
	flag.Parse()
	dir, err := os.MkdirTemp("", "remint-survey-")
	if err != nil {
		log.Fatal(err)
	}
	err = survey(*remint, dir, *list)
	os.RemoveAll(dir)
	if err != nil {
		log.Fatal(err)
	}
}

// finding is one rule at one place of a package.
type finding struct{ pkg, place, rule string }

func survey(remint, dir string, list bool) error {
	verdicts := make(map[finding]bool)
	for line := range strings.Lines(judged) {
		if f := strings.Split(strings.TrimSuffix(line, "\n"), "\t"); len(f) == 5 {
			verdicts[finding{f[1], f[2], f[3]}] = f[0] == "right"
		}
	}
	var found []finding
	for line := range strings.Lines(packages) {
		f := strings.Fields(line)
		if len(f) != 3 || f[0] == "#" {
			continue
		}
		folder, err := fetch(f[0], f[1], f[2], dir)
		if err != nil {
			return fmt.Errorf("%s: %w", f[1], err)
		}
		some, err := scan(remint, f[1], folder)
		if err != nil {
			return fmt.Errorf("%s: %w", f[1], err)
		}
		found = append(found, some...)
	}
	if list {
		for _, f := range found {
			if _, ok := verdicts[f]; !ok {
				fmt.Printf("?\t%s\t%s\t%s\t\n", f.pkg, f.place, f.rule)
			}
		}
		return nil
	}
	return report(found, verdicts)
}

// fetch brings a package to disk, through the registry's own client.
func fetch(kind, name, version, dir string) (string, error) {
	if kind == "go" {
		out, err := exec.Command("go", "mod", "download", "-json", name+"@"+version).Output()
		if err != nil {
			return "", err
		}
		var m struct{ Dir string }
		return m.Dir, errors.Join(json.Unmarshal(out, &m))
	}
	folder := filepath.Join(dir, strings.NewReplacer("/", "_", "@", "").Replace(name))
	if err := os.Mkdir(folder, 0o755); err != nil {
		return "", err
	}
	pack := exec.Command("npm", "pack", "--silent", "--ignore-scripts", name+"@"+version)
	pack.Dir = folder
	out, err := pack.Output()
	if err != nil {
		return "", fmt.Errorf("npm pack: %w", err)
	}
	archive := strings.TrimSpace(string(out))
	unpack := exec.Command("tar", "xzf", archive)
	unpack.Dir = folder
	if err := unpack.Run(); err != nil {
		return "", fmt.Errorf("tar: %w", err)
	}
	return folder, os.Remove(filepath.Join(folder, archive))
}

// scan runs remint over a folder. It says by its exit code that there are
// findings, or files that it could not read.
func scan(remint, pkg, folder string) ([]finding, error) {
	out, err := exec.Command(remint, "scan", "--only", "scopes", "--go=off", "--format", "json", folder).Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return nil, err
	}
	var result struct {
		Findings []struct {
			Rule, Path string
			Line       int
		}
	}
	if err := json.Unmarshal(out, &result); err != nil {
		return nil, err
	}
	var all []finding
	for _, f := range result.Findings {
		rel, err := filepath.Rel(folder, f.Path)
		if err != nil || !fs.ValidPath(filepath.ToSlash(rel)) {
			return nil, fmt.Errorf("%s is not in %s", f.Path, folder)
		}
		all = append(all, finding{pkg, fmt.Sprintf("%s:%d", filepath.ToSlash(rel), f.Line), f.Rule})
	}
	return all, nil
}

// report prints the table, and tells what keeps it from being one.
func report(found []finding, verdicts map[finding]bool) error {
	type count struct{ all, right int }
	rules, total := make(map[string]count), count{}
	var unjudged int
	seen := make(map[finding]bool)
	for _, f := range found {
		right, ok := verdicts[f]
		if !ok {
			unjudged++
			log.Printf("not judged: %s %s %s", f.pkg, f.place, f.rule)
			continue
		}
		seen[f] = true
		c := rules[f.rule]
		c.all, total.all = c.all+1, total.all+1
		if right {
			c.right, total.right = c.right+1, total.right+1
		}
		rules[f.rule] = c
	}
	gone := 0
	for f := range verdicts {
		if !seen[f] {
			gone++
			log.Printf("no longer found: %s %s %s", f.pkg, f.place, f.rule)
		}
	}
	out := bufio.NewWriter(os.Stdout)
	w := tabwriter.NewWriter(out, 0, 0, 1, ' ', 0)
	fmt.Fprintln(w, "| rule\t| findings\t| right\t| precision\t|\n|---\t|---\t|---\t|---\t|")
	for _, r := range slices.Sorted(maps.Keys(rules)) {
		c := rules[r]
		fmt.Fprintf(w, "| `%s`\t| %d\t| %d\t| %.1f %%\t|\n", r, c.all, c.right, 100*float64(c.right)/float64(c.all))
	}
	precision := 100 * float64(total.right) / float64(max(total.all, 1))
	fmt.Fprintf(w, "| **all**\t| %d\t| %d\t| %.1f %%\t|\n", total.all, total.right, precision)
	if err := errors.Join(w.Flush(), out.Flush()); err != nil {
		return err
	}
	switch {
	case unjudged > 0 || gone > 0:
		return fmt.Errorf("%d findings are not judged, and %d judged ones are gone: look at them and put them into judged.txt", unjudged, gone)
	case precision < goal:
		return fmt.Errorf("precision is below %d %%", goal)
	}
	return nil
}
