package rule

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

//go:generate go run ./gen

// Catalogue returns the built-in rules in order of id. They are shared: do not
// change them.
func Catalogue() []Rule { return catalogue[:] }

// LoadDir reads every *.yaml file of a folder and checks the rules together:
// an id stands once, and a companion exists.
func LoadDir(dir string) ([]Rule, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("no rule files (*.yaml) in %s", dir)
	}
	var all []Rule
	var errs []error
	for _, name := range files {
		rules, err := loadFile(name)
		all = append(all, rules...)
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return all, CheckSet(all)
}

func loadFile(name string) ([]Rule, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return Load(name, f)
}

// CheckSet checks what only the whole set can tell: ids that stand twice and
// companions that do not exist.
func CheckSet(rules []Rule) error {
	var errs []error
	seen := make(map[string]bool, len(rules))
	for i := range rules {
		if seen[rules[i].ID] {
			errs = append(errs, fmt.Errorf("rule %s stands twice", rules[i].ID))
		}
		seen[rules[i].ID] = true
	}
	for i := range rules {
		for _, c := range rules[i].Companions {
			if !seen[c.Rule] {
				errs = append(errs, fmt.Errorf("rule %s: companion %s does not exist", rules[i].ID, c.Rule))
			}
		}
	}
	return errors.Join(errs...)
}
