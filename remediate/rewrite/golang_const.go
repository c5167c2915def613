package rewrite

import (
	"errors"
	"fmt"
	"go/ast"
	"go/token"
	"slices"
	"strings"
)

// A constant whose value comes at run time becomes a variable. One among others
// splits their group.

// constantOf is the declaration of the constant around a place; nil for none.
func constantOf(around []ast.Node) (*ast.GenDecl, *ast.ValueSpec) {
	var spec *ast.ValueSpec
	for _, n := range around {
		switch n := n.(type) {
		case *ast.ValueSpec:
			spec = n
		case *ast.GenDecl:
			if n.Tok == token.CONST && spec != nil {
				return n, spec
			}
			return nil, nil
		}
	}
	return nil, nil
}

// mayVary tells why a constant cannot become a variable.
func (g *goFile) mayVary(around []ast.Node) error {
	d, spec := constantOf(around)
	if d == nil {
		return nil
	}
	if len(spec.Names) != 1 {
		return errors.New("several constants are declared at once")
	}
	if by := g.constantUse(spec); by != "" {
		return fmt.Errorf("%s is made of it, and has to be a constant", by)
	}
	if len(d.Specs) == 1 {
		return nil
	}
	i := slices.Index(d.Specs, ast.Spec(spec))
	if i+1 < len(d.Specs) && len(d.Specs[i+1].(*ast.ValueSpec).Values) == 0 {
		return errors.New("the constant after it repeats its value")
	}
	if uses(d, "iota") {
		return errors.New("it is in a group of constants that counts with iota")
	}
	start, end := g.extent(spec)
	from, _ := line(g.text, start)
	_, to := line(g.text, end)
	if strings.TrimSpace(string(g.text[from:start])+string(g.text[end:to])) != "" {
		return errors.New("other constants are on its line")
	}
	return nil
}

// constantUse is what else has to be a constant and is made of one.
func (g *goFile) constantUse(of *ast.ValueSpec) string {
	name, by := of.Names[0].Name, ""
	ast.Inspect(g.ast, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GenDecl:
			for _, s := range n.Specs {
				s, ok := s.(*ast.ValueSpec)
				if ok && n.Tok == token.CONST && s != of && slices.ContainsFunc(s.Values, func(e ast.Expr) bool { return uses(e, name) }) {
					by = s.Names[0].Name
				}
			}
		case *ast.ArrayType:
			if n.Len != nil && uses(n.Len, name) {
				by = "the length of an array"
			}
		}
		return true
	})
	return by
}

// uses tells whether a name is used in a tree.
func uses(in ast.Node, name string) bool {
	found := false
	ast.Inspect(in, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			found = found || uses(s.X, name)
			return false
		}
		i, ok := n.(*ast.Ident)
		found = found || ok && i.Name == name
		return !found
	})
	return found
}

// extent is the place of a constant with its comments.
func (g *goFile) extent(s *ast.ValueSpec) (start, end int) {
	start, end = g.at(s.Pos()), g.at(s.End())
	if s.Doc != nil {
		start = g.at(s.Doc.Pos())
	}
	if s.Comment != nil {
		end = g.at(s.Comment.End())
	}
	return start, end
}

// vary makes variables of the constants of changes.
func (g *goFile) vary(made []Change) []edit {
	changed := make(map[*ast.GenDecl][]ast.Spec)
	for _, c := range made {
		if d, s := constantOf(g.path(c.Start, c.End)); d != nil && !slices.Contains(changed[d], ast.Spec(s)) {
			changed[d] = append(changed[d], s)
		}
	}
	var edits []edit
	for d, specs := range changed {
		if at := g.at(d.Pos()); len(specs) == len(d.Specs) {
			edits = append(edits, edit{at, at + len("const"), "var"})
			continue
		}
		for i := 0; i < len(d.Specs); i++ {
			from := i
			for i < len(d.Specs) && slices.Contains(specs, d.Specs[i]) {
				i++
			}
			if from < i {
				edits = append(edits, g.split(d, from, i)...)
			}
		}
	}
	return edits
}

// split takes the constants from one to before another out of their group: one
// without a comment above stands alone, others are a group.
func (g *goFile) split(d *ast.GenDecl, from, to int) []edit {
	first, last := d.Specs[from].(*ast.ValueSpec), d.Specs[to-1].(*ast.ValueSpec)
	start, _ := g.extent(first)
	_, end := g.extent(last)
	prev := len(strings.TrimRight(string(g.text[:start]), " \t\r\n"))
	next := len(g.text) - len(strings.TrimLeft(string(g.text[end:]), " \t\r\n"))
	opens, closes := prev == g.at(d.Lparen)+1, next == g.at(d.Rparen)
	alone := to-from == 1 && first.Doc == nil && (from > 0 || opens) && (to < len(d.Specs) || closes)
	nl := newline(g.text)
	outer, inner := g.indent(g.at(d.Pos())), g.indent(start)
	var edits []edit
	begin := "var ("
	if alone {
		begin, edits = "var ", g.unaligned(first)
	} else if from > 0 {
		begin += nl + inner
	}
	switch at := g.at(d.Pos()); {
	case from > 0:
		edits = append(edits, edit{prev, start, nl + outer + ")" + nl + nl + outer + begin})
	case alone:
		edits = append(edits, edit{at, start, begin})
	default:
		edits = append(edits, edit{at, at + len("const"), "var"})
	}
	switch {
	case to < len(d.Specs) && alone:
		edits = append(edits, edit{end, next, nl + nl + outer + "const (" + nl + inner})
	case to < len(d.Specs):
		edits = append(edits, edit{end, next, nl + outer + ")" + nl + nl + outer + "const (" + nl + inner})
	case alone:
		edits = append(edits, edit{end, next + 1, ""})
	}
	return edits
}

// indent is the white space before a place on its line.
func (g *goFile) indent(at int) string {
	from, _ := line(g.text, at)
	s := string(g.text[from:at])
	return s[:len(s)-len(strings.TrimLeft(s, " \t"))]
}

// unaligned takes out what aligned a constant with those of its group.
func (g *goFile) unaligned(s *ast.ValueSpec) []edit {
	var edits []edit
	at := g.at(s.Names[0].End())
	gap := func(to int) {
		if strings.TrimSpace(string(g.text[at:to])) == "" && to-at > 1 {
			edits = append(edits, edit{at, to, " "})
		}
	}
	if s.Type != nil {
		gap(g.at(s.Type.Pos()))
		at = g.at(s.Type.End())
	}
	gap(at + strings.IndexByte(string(g.text[at:]), '='))
	return edits
}
