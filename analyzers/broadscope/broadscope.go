// Package broadscope finds permissions in Go code that are wider than most
// programs need: OAuth scopes, AWS policies and Kubernetes roles, and names
// what is narrower. What is wide is said by package scope.
package broadscope

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"path"
	"strconv"
	"strings"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/types/typeutil"

	"github.com/remint/remint/analyzers/flow"
	"github.com/remint/remint/analyzers/sinks"
	"github.com/remint/remint/scanner/scope"
)

// Doc is the analyzer's documentation.
const Doc = `find permissions that are wider than a program needs

It reports OAuth scopes that the provider restricts where a narrower one exists
(Google, GitHub, GitLab, Slack, Microsoft, Atlassian, Discord and others), AWS
policies with wildcards, in JSON strings and in typed documents, and Kubernetes
rules with wildcards, also in kubebuilder markers. The message names what is
narrower.

It does not report read-only wildcards ("ec2:Describe*"), wildcards that Deny,
or scopes whose provider the code does not tell.`

// Analyzer finds broad scopes.
var Analyzer = newAnalyzer()

// offerNarrow is the flag -broadscope.narrow: a narrower scope changes what the
// program may do, so that a bare -fix applies none.
var offerNarrow bool

func newAnalyzer() *analysis.Analyzer {
	a := &analysis.Analyzer{Name: "broadscope", Doc: Doc, URL: "https://github.com/remint/remint/blob/main/docs/analyzers.md#broadscope", Run: run}
	a.Flags.BoolVar(&offerNarrow, "narrow", false, "offer fixes that ask for the narrower scope, which changes what the program may do")
	return a
}

type checker struct {
	pass     *analysis.Pass
	code     *flow.Package
	reported map[token.Pos]bool
}

func run(pass *analysis.Pass) (any, error) {
	if flow.InStandardLibrary(pass) {
		return nil, nil
	}
	c := &checker{pass: pass, code: &flow.Package{Pass: pass}, reported: make(map[token.Pos]bool)}
	for _, file := range pass.Files {
		c.markers(file)
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				c.call(n)
				return !c.policyText(n)
			case *ast.CompositeLit:
				c.literal(n)
			case *ast.AssignStmt:
				c.assignment(n)
			case *ast.BinaryExpr:
				return !c.policyText(n)
			case *ast.BasicLit:
				c.policyText(n)
			}
			return true
		})
	}
	return nil, nil
}

// call looks at arguments that are OAuth scopes.
func (c *checker) call(call *ast.CallExpr) {
	fn, ok := typeutil.Callee(c.pass.TypesInfo, call).(*types.Func)
	if !ok || fn.Pkg() == nil {
		return
	}
	for _, t := range sinks.Lookup(fn.Pkg().Path()) {
		if t.Kind != sinks.Scope || t.Name != fn.Name() || t.Recv != typeName(fn.Signature().Recv()) {
			continue
		}
		for i := t.Arg; i < len(call.Args) && (i == t.Arg || t.Variadic); i++ {
			c.oauth(call.Args[i], c.provider(call, fn.Pkg().Path()))
		}
	}
}

func typeName(v *types.Var) string {
	if v == nil {
		return ""
	}
	if n := flow.Named(v.Type()); n != nil {
		return n.Obj().Name()
	}
	return ""
}

// literal looks at a struct or map that is written out.
func (c *checker) literal(lit *ast.CompositeLit) {
	t := c.pass.TypesInfo.TypeOf(lit)
	if t == nil {
		return
	}
	if n := flow.Named(t); n != nil && n.Obj().Pkg() != nil {
		pkg := n.Obj().Pkg().Path()
		if n.Obj().Name() == "PolicyRule" && strings.Contains(pkg, "/rbac") {
			c.kubernetes(lit)
			return
		}
		for _, s := range sinks.Lookup(pkg) {
			if s.Kind == sinks.Scope && s.Recv == n.Obj().Name() {
				if value := flow.Field(lit, s.Field); value != nil {
					c.oauth(value, c.provider(lit, pkg))
				}
			}
		}
	}
	c.statement(lit, t)
}

// assignment looks at config.Scopes = value.
func (c *checker) assignment(a *ast.AssignStmt) {
	for i, lhs := range a.Lhs {
		sel, ok := lhs.(*ast.SelectorExpr)
		if !ok || len(a.Lhs) != len(a.Rhs) {
			continue
		}
		t := c.pass.TypesInfo.TypeOf(sel.X)
		if t == nil {
			continue
		}
		n := flow.Named(t)
		if n == nil || n.Obj().Pkg() == nil {
			continue
		}
		for _, s := range sinks.Lookup(n.Obj().Pkg().Path()) {
			if s.Kind == sinks.Scope && s.Recv == n.Obj().Name() && s.Field == sel.Sel.Name {
				c.oauth(a.Rhs[i], c.provider(a, n.Obj().Pkg().Path()))
			}
		}
	}
}

// provider tells who grants the scopes: the package of the sink, what stands
// beside them, or else what the file imports.
func (c *checker) provider(near ast.Node, sink string) string {
	for _, part := range strings.Split(sinks.Unversioned(sink), "/") {
		if p := scope.ProviderOf(part); p != "" && p != "github" || part == "github" {
			return p
		}
	}
	found := ""
	ast.Inspect(near, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BasicLit:
			if text, err := strconv.Unquote(n.Value); err == nil && strings.Contains(text, "://") && found == "" && !strings.Contains(text, "/auth/") {
				found = scope.ProviderOf(text)
			}
		case *ast.Ident:
			if p, ok := c.pass.TypesInfo.Uses[n].(*types.PkgName); ok && found == "" {
				found = providerOfPackage(p.Imported().Path())
			} else if obj, isConst := c.pass.TypesInfo.Uses[n].(*types.Const); isConst && found == "" {
				found = scope.ProviderOf(strings.Trim(obj.Val().String(), `"`))
			}
		}
		return found == ""
	})
	if file := c.code.File(near.Pos()); found == "" && file != nil {
		for _, i := range file.Imports {
			if p, err := strconv.Unquote(i.Path.Value); err == nil && found == "" {
				found = providerOfPackage(p)
			}
		}
	}
	return found
}

// providerOfPackage tells golang.org/x/oauth2/github and the like.
func providerOfPackage(p string) string {
	if p = sinks.Unversioned(p); strings.HasPrefix(p, "golang.org/x/oauth2/") || strings.Contains(p, "/providers/") || strings.Contains(p, "/oauth") {
		return scope.ProviderOf(path.Base(p))
	}
	return ""
}

// oauth judges scopes.
func (c *checker) oauth(value ast.Expr, provider string) {
	for _, t := range c.code.Texts(value) {
		for _, word := range strings.FieldsFunc(t.Text, func(r rune) bool { return r == ' ' || r == ',' }) {
			if p, wide := scope.OAuth(provider, word); wide {
				c.report(t.Expr.Pos(), t.Expr.End(), fmt.Sprintf("OAuth scope %q is broad: it %s; narrower: %s", word, p.Why, p.Narrower), &p, c.narrow(t, &p))
			}
		}
	}
}

// narrow replaces a literal by the narrower scope.
func (c *checker) narrow(t flow.Text, p *scope.Problem) []analysis.SuggestedFix {
	lit, ok := t.Expr.(*ast.BasicLit)
	if !offerNarrow || !ok || len(p.Scopes) == 0 || t.Text != p.Value {
		return nil
	}
	return []analysis.SuggestedFix{{
		Message:   "ask for " + p.Scopes[0],
		TextEdits: []analysis.TextEdit{{Pos: lit.Pos(), End: lit.End(), NewText: []byte(strconv.Quote(p.Scopes[0]))}},
	}}
}

func (c *checker) report(pos, end token.Pos, message string, p *scope.Problem, fixes []analysis.SuggestedFix) {
	if c.reported[pos] {
		return
	}
	c.reported[pos] = true
	c.code.Report(analysis.Diagnostic{
		Pos: pos, End: end, Category: p.Rule, Message: message + " (CWE-250)" + c.code.Remark(pos),
		URL: "https://cwe.mitre.org/data/definitions/250.html", SuggestedFixes: fixes,
	})
}
