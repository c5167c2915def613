package hardcodedkey

import (
	"fmt"
	"go/ast"
	"go/token"
	"path/filepath"
	"sort"
	"strings"
	"sync"

	"golang.org/x/tools/go/analysis"

	"github.com/remint/remint/scanner/engine"
	"github.com/remint/remint/scanner/rule"
)

// theEngine is the scanner's own, with the built-in rules.
var theEngine = sync.OnceValues(func() (*engine.Engine, error) { return engine.New(rule.Catalogue(), engine.Options{}) })

// catalogue reports string constants that the rules recognise: what stands in
// the literals of the source as the scanner sees it, and what several of them
// make when they are joined.
func (c *checker) catalogue() error {
	e, err := theEngine()
	if err != nil {
		return fmt.Errorf("the rule catalogue: %w", err)
	}
	s := e.NewScanner()
	for _, file := range c.pass.Files {
		if err := c.scanFile(s, file); err != nil {
			return err
		}
	}
	return nil
}

func (c *checker) scanFile(s *engine.Scanner, file *ast.File) error {
	tf := c.pass.Fset.File(file.FileStart)
	if tf == nil {
		return nil
	}
	src, err := c.pass.ReadFile(tf.Name())
	if err != nil || len(src) != tf.Size() {
		return nil //nolint:nilerr // made by cgo, or changed since it was parsed: there is nothing to look at
	}
	s.Path = filepath.ToSlash(tf.Name())
	matches, err := s.Scan(src)
	if err != nil {
		return err
	}
	var lits []*ast.BasicLit
	if len(matches) > 0 {
		lits = stringLiterals(file)
	}
	for i := range matches {
		if m := &matches[i]; !m.Rule.Hidden && m.Rule.Pattern != "" {
			if lit := literalAt(lits, tf.Pos(m.Start)); lit != nil {
				c.recognised(m, lit, tf.Pos(m.Start), tf.Pos(m.End))
			}
		}
	}
	if err := c.scanNamed(s, file); err != nil {
		return err
	}
	return c.scanJoined(s, file)
}

// scanNamed looks at texts that are given to a secret's name, or compared with
// it, in ways that only Go's syntax tells: the rules judge the value as that of
// a secret.
func (c *checker) scanNamed(s *engine.Scanner, file *ast.File) error {
	var failed error
	look := func(name string, value ast.Expr) {
		lit, ok := ast.Unparen(value).(*ast.BasicLit)
		if !ok || lit.Kind != token.STRING || c.reported[lit.Pos()] || !secretish(name) {
			return
		}
		text, known := c.code.ConstantText(lit)
		text = bearerless(text)
		if !known || strings.ContainsAny(text, "\"\\\n") || len(text) < minNamed {
			return
		}
		matches, err := s.Scan([]byte(`secret = "` + text + `"`))
		if err != nil {
			failed = err
		}
		for i := range matches {
			if m := &matches[i]; !m.Rule.Hidden && m.Rule.Pattern != "" {
				c.recognised(m, lit, lit.Pos(), lit.End())
			}
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ValueSpec:
			for i, value := range n.Values {
				if i < len(n.Names) {
					look(n.Names[i].Name, value)
				}
			}
		case *ast.AssignStmt:
			for i, value := range n.Rhs {
				if len(n.Lhs) == len(n.Rhs) {
					look(nameOf(n.Lhs[i]), value)
				}
			}
		case *ast.BinaryExpr:
			if n.Op == token.EQL || n.Op == token.NEQ {
				look(nameOf(n.X), n.Y)
				look(nameOf(n.Y), n.X)
			}
		}
		return true
	})
	return failed
}

// minNamed is the shortest value that only its name gives away, in bytes.
const minNamed = 12

// nameOf is the last name of an expression, or "".
func nameOf(e ast.Expr) string {
	switch e := ast.Unparen(e).(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	}
	return ""
}

// scanJoined looks at texts that are put together from constants.
func (c *checker) scanJoined(s *engine.Scanner, file *ast.File) error {
	var failed error
	ast.Inspect(file, func(n ast.Node) bool {
		e, ok := n.(*ast.BinaryExpr)
		if !ok || e.Op != token.ADD {
			return true
		}
		text, known := c.code.ConstantText(e)
		if !known || len(text) < 16 {
			return true
		}
		matches, err := s.Scan([]byte(text))
		failed = err
		for i := range matches {
			if m := &matches[i]; !m.Rule.Hidden && m.Rule.Pattern != "" {
				c.recognised(m, nil, e.Pos(), e.End())
			}
		}
		return false
	})
	return failed
}

// recognised reports a match of a rule, unless the literal was reported.
func (c *checker) recognised(m *engine.Match, lit *ast.BasicLit, pos, end token.Pos) {
	if c.reported[pos] || lit != nil && c.reported[lit.Pos()] {
		return
	}
	c.reported[pos] = true
	if lit != nil {
		c.reported[lit.Pos()] = true
	}
	c.code.Report(analysis.Diagnostic{
		Pos: pos, End: end, Category: m.Rule.ID,
		Message: fmt.Sprintf("hardcoded %s %s [%s]%s", m.Rule.Name, Redact(string(m.Secret)), m.Rule.ID, c.code.Remark(pos)),
	})
}

// stringLiterals returns a file's string literals in order.
func stringLiterals(file *ast.File) []*ast.BasicLit {
	var lits []*ast.BasicLit
	ast.Inspect(file, func(n ast.Node) bool {
		if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			lits = append(lits, lit)
		}
		return true
	})
	sort.Slice(lits, func(i, j int) bool { return lits[i].Pos() < lits[j].Pos() })
	return lits
}

func literalAt(lits []*ast.BasicLit, pos token.Pos) *ast.BasicLit {
	i := sort.Search(len(lits), func(i int) bool { return lits[i].End() > pos })
	if i < len(lits) && lits[i].Pos() <= pos {
		return lits[i]
	}
	return nil
}
