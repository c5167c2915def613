// Command compare holds the analyzers beside gosec over gosec's own samples of
// hardcoded credentials (G101), serialized secrets (G117) and hardcoded nonces
// (G407): how many of the samples that gosec says are wrong each reports, and
// how many of those that are right each leaves alone.
//
// It is a module of its own, so that gosec is not required by the product.
// make compare-gosec runs it.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	_ "github.com/BurntSushi/toml" // samples import it
	"github.com/securego/gosec/v2/testutils"
	_ "go.yaml.in/yaml/v3" // samples import it
)

// set is the samples of one of gosec's rules. Only rules of remint's that begin
// with one of rules count: the samples of G407 have hardcoded keys as well.
type set struct {
	name    string
	samples []testutils.CodeSample
	rule    string
}

func sets() []set {
	return []set{
		{"G101", testutils.SampleCodeG101, ""}, {"G101-values", testutils.SampleCodeG101Values, ""},
		{"G117", testutils.SampleCodeG117, "go-serialized"}, {"G407", testutils.SampleCodeG407, "go-hardcoded-nonce"},
	}
}

func main() {
	remint := flag.String("remint", "../../remint", "remint's binary")
	gosec := flag.String("gosec", "../../.tools/gosec", "gosec's binary")
	verbose := flag.Bool("v", false, "show each sample on which they differ from what gosec says of it")
	flag.Parse()
	if err := run(*remint, *gosec, *verbose); err != nil {
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(1)
	}
}

func run(remint, gosec string, verbose bool) error {
	dir, err := os.MkdirTemp(".", "samples-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	all := sets()
	for _, s := range all {
		for i, sample := range s.samples {
			for j, code := range sample.Code {
				if err := write(filepath.Join(dir, folder(s, i), "file"+strconv.Itoa(j)+".go"), code); err != nil {
					return err
				}
			}
		}
	}
	found, err := vet(remint, dir)
	if err != nil {
		return err
	}
	peer, err := runGosec(gosec, dir)
	if err != nil {
		return err
	}
	fmt.Printf("%-12s %7s %7s  %-22s %-22s\n", "samples", "wrong", "right", "remint: found, noise", "gosec: found, noise")
	for _, s := range all {
		var wrong, right int
		var mine, theirs [2]int
		for i, sample := range s.samples {
			kind := 0
			if sample.Errors == 0 {
				kind = 1
				right++
			} else {
				wrong++
			}
			if s.found(found, i) {
				mine[kind]++
			}
			if peer[folder(s, i)] {
				theirs[kind]++
			}
			if verbose && s.found(found, i) != (kind == 0) {
				fmt.Printf("--- %s %d: wanted %d, remint %v\n%s\n", s.name, i, sample.Errors, s.found(found, i), strings.Join(sample.Code, "\n"))
			}
		}
		fmt.Printf("%-12s %7d %7d  %7d, %-13d %7d, %d\n", s.name, wrong, right, mine[0], mine[1], theirs[0], theirs[1])
	}
	return nil
}

// found tells whether a rule of the set's reports a sample.
func (s set) found(rules map[string][]string, i int) bool {
	return slices.ContainsFunc(rules[folder(s, i)], func(id string) bool { return strings.HasPrefix(id, s.rule) })
}

func folder(s set, i int) string { return strings.ToLower(s.name) + "_" + strconv.Itoa(i) }

func write(name, text string) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		return err
	}
	return os.WriteFile(name, []byte(text), 0o666)
}

// vet returns the rules by which remint reports something, by folder.
func vet(remint, dir string) (map[string][]string, error) {
	abs, err := filepath.Abs(remint)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(abs, "vet", "-f", "jsonl", "./"+filepath.ToSlash(dir)+"/...")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		return nil, err
	}
	found := make(map[string][]string)
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var f struct{ Path, Rule string }
		if err := dec.Decode(&f); errors.Is(err, io.EOF) {
			return found, nil
		} else if err != nil {
			return nil, fmt.Errorf("read what remint says: %w", err)
		}
		if f.Path != "" {
			sample := filepath.Base(filepath.Dir(f.Path))
			found[sample] = append(found[sample], f.Rule)
		}
	}
}

// runGosec returns the folders in which gosec reports something.
func runGosec(gosec, dir string) (map[string]bool, error) {
	cmd := exec.Command(gosec, "-quiet", "-fmt=json", "-include=G101,G117,G407", "./"+filepath.ToSlash(dir)+"/...")
	out, err := cmd.Output()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		return nil, err
	}
	var report struct{ Issues []struct{ File string } }
	if err := json.Unmarshal(out, &report); err != nil {
		return nil, fmt.Errorf("read what gosec says: %w", err)
	}
	found := make(map[string]bool)
	for _, i := range report.Issues {
		found[filepath.Base(filepath.Dir(i.File))] = true
	}
	return found, nil
}
