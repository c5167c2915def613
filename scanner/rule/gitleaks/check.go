package gitleaks

import (
	"bytes"
	"errors"
	"fmt"
	"regexp/syntax"
	"strings"

	"github.com/zricethezav/gitleaks/v8/config"
)

// checker adds up what the expressions of a configuration cost.
type checker struct{ program int }

// check finds what would make gitleaks panic, and what it checks a file at a
// time: expressions, and the rules that others require.
func (c *checker) check(src source, vc *config.ViperConfig) error {
	ids := make(map[string]bool, len(vc.Rules))
	for i := range vc.Rules {
		ids[vc.Rules[i].ID] = true
	}
	for i := range vc.Rules {
		r := &vc.Rules[i]
		who := "rule " + r.ID
		if err := c.checkExpressions(src, who, r.Regex, r.Path); err != nil {
			return err
		}
		for _, a := range r.Allowlists {
			if a == nil {
				continue
			}
			if err := c.checkAllow(src, who+": allowlist", a.Regexes, a.Paths); err != nil {
				return err
			}
		}
		for _, q := range r.Required {
			if q == nil || q.ID == "" {
				return fault(src, ruleLine(src.data, r.ID), "%s: [[rules.required]] needs an id", who)
			}
			if !ids[q.ID] {
				return fault(src, lineAfter(src.data, "required", q.ID), "%s: [[rules.required]]: rule %s is not in this file", who, q.ID)
			}
		}
	}
	for _, a := range vc.Allowlists {
		if a == nil {
			continue
		}
		if err := c.checkAllow(src, "allowlist", a.Regexes, a.Paths); err != nil {
			return err
		}
	}
	return nil
}

// checkAllow also tries the expressions joined, which is how gitleaks runs them.
func (c *checker) checkAllow(src source, who string, lists ...[]string) error {
	for _, exprs := range lists {
		if err := c.checkExpressions(src, who, exprs...); err != nil {
			return err
		}
		if len(exprs) < 2 {
			continue
		}
		if err := c.compilable(join(exprs)); err != nil {
			return fault(src, expressionLine(src.data, exprs[0]), "%s: the expressions are joined into one, which is at fault: %s", who, cause(err))
		}
	}
	return nil
}

func (c *checker) checkExpressions(src source, who string, exprs ...string) error {
	for _, x := range exprs {
		if err := c.compilable(x); err != nil {
			return fault(src, expressionLine(src.data, x), "%s: %s (expressions are RE2, without look-around and back-references)", who, cause(err))
		}
	}
	return nil
}

// Bounds on expressions, by the steps of their compiled programs: time and
// memory grow with them. Gitleaks' own longest has 2,000, and all of its
// together 45,000.
const (
	maxProgram  = 20_000
	maxPrograms = 1_000_000
)

// compilable tells whether gitleaks will be able to compile an expression.
func (c *checker) compilable(expr string) error {
	parsed, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		return err
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return err
	}
	if len(program.Inst) > maxProgram {
		return errors.New("the expression is too large: use smaller repeat counts")
	}
	if c.program += len(program.Inst); c.program > maxPrograms {
		return errors.New("this expression and those before are too large together")
	}
	return nil
}

// join makes one expression of several, exactly as gitleaks does: a flag such
// as (?i) in one of them holds for those after it.
func join(exprs []string) string { return "(?:" + strings.Join(exprs, "|") + ")" }

// cause says what is wrong with an expression and quotes only the part that
// the parser stumbled over.
func cause(err error) string {
	var se *syntax.Error
	if errors.As(err, &se) {
		expr := se.Expr
		if len(expr) > 60 {
			expr = expr[:60] + "…"
		}
		return fmt.Sprintf("%s: `%s`", se.Code, expr)
	}
	return err.Error()
}

// fault is an error at a line of a file.
func fault(src source, line int, format string, args ...any) error {
	if line < 1 {
		line = 1
	}
	return fmt.Errorf("%s:%d: %w", src.name, line, fmt.Errorf(format, args...))
}

// syntaxFault gives the parser's complaint the place where the parser stood.
func syntaxFault(src source, err error) error {
	line := 1
	var at interface{ Position() (row, column int) }
	if errors.As(err, &at) {
		line, _ = at.Position()
	}
	for next := errors.Unwrap(err); next != nil; next = errors.Unwrap(err) {
		err = next
	}
	return fault(src, line, "not TOML: %s", strings.TrimPrefix(err.Error(), "toml: "))
}

// typeFault names the first field whose value is of the wrong type, without
// the value.
func typeFault(src source, err error) error {
	_, rest, _ := strings.Cut(err.Error(), "'")
	field, _, ok := strings.Cut(rest, "'")
	if !ok {
		return fault(src, 1, "a value is of the wrong type")
	}
	line, table := 1, field
	if i := strings.IndexByte(field, '['); i >= 0 {
		table = field[:i]
		var n int
		if _, err := fmt.Sscanf(field[i:], "[%d]", &n); err == nil {
			line = headerLine(src.data, table, n)
		}
	}
	key := field[strings.LastIndexByte(field, '.')+1:]
	if i := strings.IndexByte(key, '['); i >= 0 {
		key = key[:i]
	}
	return fault(src, keyLine(src.data, line, key), "%s: the value is of the wrong type", field)
}

// locate gives an error of gitleaks itself its place, as well as can be told.
func (l *loader) locate(err error) error {
	msg := strings.ReplaceAll(err.Error(), "|", "")
	if _, rest, ok := strings.Cut(msg, "'"); ok {
		if name, _, ok := strings.Cut(rest, "'"); ok && name != "" {
			for _, src := range l.sources {
				if line := lineOf(src.data, name); line > 0 {
					return fault(src, line, "%s", msg)
				}
			}
		}
	}
	id, _, _ := strings.Cut(msg, ": ")
	for _, src := range l.sources {
		if line := ruleLine(src.data, id); line > 0 {
			return fault(src, line, "rule %s", msg)
		}
	}
	return fault(l.sources[0], max(lineOf(l.sources[0].data, "allowlist"), lineOf(l.sources[0].data, "[[rules]]")), "%s", msg)
}

// lineOf returns the line that text first stands on, counted from 1, or 0.
func lineOf(data []byte, text string) int {
	i := bytes.Index(data, []byte(text))
	if i < 0 || text == "" {
		return 0
	}
	return 1 + bytes.Count(data[:i], []byte{'\n'})
}

// lineAfter is lineOf for the text's first place after another one.
func lineAfter(data []byte, before, text string) int {
	i := max(bytes.Index(data, []byte(before)), 0)
	line := lineOf(data[i:], text)
	if line == 0 {
		return lineOf(data, text)
	}
	return line + bytes.Count(data[:i], []byte{'\n'})
}

// expressionLine finds an expression, which a TOML basic string holds with its
// backslashes doubled.
func expressionLine(data []byte, expr string) int {
	expr = firstLine(strings.TrimPrefix(expr, "\n"))
	if line := lineOf(data, expr); line > 0 {
		return line
	}
	escaped := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(expr)
	return lineOf(data, escaped)
}

// ruleLine finds the line on which a rule states its id.
func ruleLine(data []byte, id string) int {
	if id == "" {
		return 0
	}
	for n, line := range strings.Split(string(data), "\n") {
		key, value, ok := strings.Cut(line, "=")
		if ok && strings.EqualFold(strings.TrimSpace(key), "id") && strings.Trim(strings.TrimSpace(value), `"'`) == id {
			return n + 1
		}
	}
	return 0
}

// headerLine finds the nth [[table]], counted from 0.
func headerLine(data []byte, table string, n int) int {
	for i, line := range strings.Split(string(data), "\n") {
		if strings.EqualFold(strings.TrimSpace(line), "[["+table+"]]") {
			if n == 0 {
				return i + 1
			}
			n--
		}
	}
	return 1
}

// keyLine finds where a key is set, from a line on.
func keyLine(data []byte, from int, key string) int {
	for i, line := range strings.Split(string(data), "\n") {
		name, _, ok := strings.Cut(line, "=")
		name = strings.Trim(strings.TrimSpace(name), `"'`)
		if i+1 >= from && (ok || strings.HasPrefix(name, "[")) && strings.EqualFold(strings.Trim(name, "[] "), key) {
			return i + 1
		}
	}
	return from
}
