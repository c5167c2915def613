// Package longlived finds credentials that are made without an end, or with one
// that is far away: tokens, certificates, presigned addresses. The places are
// rows of table.txt.
package longlived

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"
	"time"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/types/typeutil"

	"github.com/remint/remint/analyzers/flow"
)

// Doc is the analyzer's documentation.
const Doc = `find credentials that are made without an end, or with one that is far away

It reports JWT claims without exp, Kubernetes token requests and API tokens
without an expiry, legacy Kubernetes service account tokens, certificates for a
decade or more (for an authority, two) and presigned addresses for more than a
week, where the code says how long.

It does not report claims that are filled in elsewhere, or times that only come
at run time.`

// Analyzer finds long-lived credentials.
var Analyzer = &analysis.Analyzer{Name: "longlived", Doc: Doc, URL: "https://github.com/remint/remint/blob/main/docs/analyzers.md#longlived", Run: run}

// The rules.
const (
	TokenRule       = "longlived-token"
	CertificateRule = "longlived-certificate"
	URLRule         = "longlived-presigned-url"
)

type checker struct {
	pass     *analysis.Pass
	code     *flow.Package
	reported map[token.Pos]bool
	// function is the declaration that is being looked at.
	function *ast.FuncDecl
}

func run(pass *analysis.Pass) (any, error) {
	if flow.InStandardLibrary(pass) || !relevant(pass.Pkg) {
		return nil, nil
	}
	c := &checker{pass: pass, code: &flow.Package{Pass: pass}, reported: make(map[token.Pos]bool)}
	for _, file := range pass.Files {
		for _, d := range file.Decls {
			c.function, _ = d.(*ast.FuncDecl)
			ast.Inspect(d, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.CompositeLit:
					c.literal(n)
				case *ast.CallExpr:
					c.call(n)
				case *ast.AssignStmt:
					c.assignment(n)
				}
				return true
			})
		}
	}
	return nil, nil
}

// relevant tells whether a package can make what the table lists.
func relevant(pkg *types.Package) bool {
	for _, p := range pkg.Imports() {
		if len(rowsOf(p.Path())) > 0 || strings.HasPrefix(p.Path(), "k8s.io/api/core/") || isJWT(p.Path()) {
			return true
		}
	}
	return false
}

func isJWT(path string) bool {
	return strings.Contains(path, "golang-jwt/jwt") || strings.Contains(path, "dgrijalva/jwt-go") || strings.Contains(path, "lestrrat-go/jwx")
}

// literal looks at a struct that is written out.
func (c *checker) literal(lit *ast.CompositeLit) {
	n := flow.Named(c.pass.TypesInfo.TypeOf(lit))
	if n == nil || n.Obj().Pkg() == nil {
		return
	}
	if n.Obj().Name() == "Secret" && strings.HasPrefix(n.Obj().Pkg().Path(), "k8s.io/api/core/") {
		c.serviceAccountToken(lit)
	}
	for _, r := range rowsOf(n.Obj().Pkg().Path()) {
		if r.Recv != n.Obj().Name() || len(r.Fields) == 0 {
			continue
		}
		given := false
		for _, name := range r.Fields {
			if value := flow.Field(lit, name); value != nil {
				given = true
				c.judge(value, &r, lit)
			}
		}
		positional := len(lit.Elts) > 0 && !isKeyed(lit)
		if given || positional || r.Absence == "-" || r.Absence == "given" && len(lit.Elts) == 0 || c.givenLater(n, r.Fields) {
			continue
		}
		c.report(lit.Pos(), lit.End(), TokenRule, fmt.Sprintf("%s.%s without %s: %s", n.Obj().Pkg().Name(), r.Recv, strings.Join(r.Fields, " or "), r.Without))
	}
}

func isKeyed(lit *ast.CompositeLit) bool {
	_, ok := lit.Elts[0].(*ast.KeyValueExpr)
	return ok
}

// givenLater tells whether the function gives a field of a type its value
// after it was made. Which variable is not asked: to be silent is better.
func (c *checker) givenLater(n *types.Named, fields []string) bool {
	if c.function == nil || c.function.Body == nil {
		return false
	}
	found := false
	ast.Inspect(c.function.Body, func(node ast.Node) bool {
		if a, ok := node.(*ast.AssignStmt); ok {
			for _, lhs := range a.Lhs {
				if sel, ok := lhs.(*ast.SelectorExpr); ok && slices.Contains(fields, sel.Sel.Name) && isField(c.pass.TypesInfo.ObjectOf(sel.Sel), n) {
					found = true
				}
			}
		}
		return !found
	})
	return found
}

// isField tells whether an object is a field of a type's struct.
func isField(obj types.Object, n *types.Named) bool {
	s, ok := n.Underlying().(*types.Struct)
	if !ok {
		return false
	}
	for f := range s.Fields() {
		if f == obj {
			return true
		}
	}
	return false
}

// assignment looks at x.Field = value.
func (c *checker) assignment(a *ast.AssignStmt) {
	for i, lhs := range a.Lhs {
		sel, ok := lhs.(*ast.SelectorExpr)
		if !ok || len(a.Lhs) != len(a.Rhs) {
			continue
		}
		n := flow.Named(c.pass.TypesInfo.TypeOf(sel.X))
		if n == nil || n.Obj().Pkg() == nil {
			continue
		}
		for _, r := range rowsOf(n.Obj().Pkg().Path()) {
			if r.Recv == n.Obj().Name() && slices.Contains(r.Fields, sel.Sel.Name) {
				c.judge(a.Rhs[i], &r, nil)
			}
		}
	}
}

// call looks at arguments that say how long, and at JWTs.
func (c *checker) call(call *ast.CallExpr) {
	fn, ok := typeutil.Callee(c.pass.TypesInfo, call).(*types.Func)
	if !ok || fn.Pkg() == nil {
		return
	}
	recv := ""
	if v := fn.Signature().Recv(); v != nil {
		if n := flow.Named(v.Type()); n != nil {
			recv = n.Obj().Name()
		}
	}
	for _, r := range rowsOf(fn.Pkg().Path()) {
		if r.Name == fn.Name() && r.Recv == recv && r.Arg < len(call.Args) {
			c.judge(call.Args[r.Arg], &r, nil)
		}
	}
	switch {
	case !isJWT(fn.Pkg().Path()):
	case fn.Name() == "NewWithClaims" && len(call.Args) >= 2:
		c.claims(call.Args[1])
	case fn.Name() == "Build" && recv == "Builder":
		c.builder(call)
	}
}

// judge reports a time that is too far away.
func (c *checker) judge(value ast.Expr, r *Row, lit *ast.CompositeLit) {
	d, ok := c.span(value, r.Unit, 0)
	if !ok {
		return
	}
	longest, id := r.Longest, TokenRule
	switch {
	case r.Recv == "Certificate":
		id = CertificateRule
		if lit != nil && isTrue(flow.Field(lit, "IsCA")) {
			longest *= 2
		}
		longest -= day // ten years are too long
	case strings.Contains(r.Symbol(), "resign") || strings.Contains(r.Symbol(), "SAS") || strings.Contains(r.Package, "storage"):
		id = URLRule
	}
	if d > longest {
		c.report(value.Pos(), value.End(), id, fmt.Sprintf("%s is %s away; what lives longer than %s is never replaced in time", r.Symbol(), inDays(d), inDays(longest)))
	}
}

func isTrue(e ast.Expr) bool {
	id, ok := e.(*ast.Ident)
	return ok && id.Name == "true"
}

// inDays says a duration in the unit that a person would take.
func inDays(d time.Duration) string {
	switch days := int(d / day); {
	case days >= 2*365:
		return fmt.Sprintf("%d years", (days+days/365)/365)
	case days >= 2:
		return fmt.Sprintf("%d days", days)
	}
	return fmt.Sprintf("%d hours", int(d/time.Hour))
}

func (c *checker) report(pos, end token.Pos, id, message string) {
	if c.reported[pos] {
		return
	}
	c.reported[pos] = true
	c.code.Report(analysis.Diagnostic{
		Pos: pos, End: end, Category: id, Message: message + " (CWE-613)" + c.code.Remark(pos),
		URL: "https://cwe.mitre.org/data/definitions/613.html",
	})
}
