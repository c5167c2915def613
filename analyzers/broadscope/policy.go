package broadscope

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strconv"
	"strings"

	"github.com/remint/remint/analyzers/flow"
	"github.com/remint/remint/scanner/scope"
)

// policyText looks at a text that may be an AWS policy, and tells whether it
// is one.
func (c *checker) policyText(e ast.Expr) bool {
	text := ""
	switch e := e.(type) {
	case *ast.BasicLit:
		if e.Kind != token.STRING || !strings.Contains(e.Value, "Statement") {
			return false
		}
		text, _ = strconv.Unquote(e.Value)
	default:
		if !mentionsStatement(e) {
			return false
		}
		text = c.code.Trace().Fold(e)
	}
	if !strings.Contains(text, `"Statement"`) {
		return false
	}
	all, ok := scope.ParseAWS([]byte(strings.ReplaceAll(text, flow.Hole, "unknown")))
	if !ok {
		if all, ok = scope.ParseAWS([]byte(strings.ReplaceAll(text, flow.Hole, `"unknown"`))); !ok {
			return false
		}
	}
	for i := range all {
		if p, wide := all[i].Judge(); wide {
			pos, end := placeOf(e, p.Value)
			c.report(pos, end, fmt.Sprintf("AWS policy is broad: %s; narrower: %s", p.Why, p.Narrower), &p, nil)
		}
	}
	return true
}

// mentionsStatement tells whether an expression has a literal that a policy
// would have, before it is put together.
func mentionsStatement(e ast.Expr) bool {
	found := false
	ast.Inspect(e, func(n ast.Node) bool {
		if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING && strings.Contains(lit.Value, "Statement") {
			found = true
		}
		return !found
	})
	return found
}

// placeOf is where a value stands in a literal, or the whole expression.
func placeOf(e ast.Expr, value string) (pos, end token.Pos) {
	if lit, ok := e.(*ast.BasicLit); ok {
		quoted := strconv.Quote(value)
		if lit.Value[0] == '"' {
			quoted = `\"` + value + `\"`
		}
		if i := strings.Index(lit.Value, quoted); i >= 0 {
			return lit.Pos() + token.Pos(i), lit.Pos() + token.Pos(i+len(quoted))
		}
	}
	return e.Pos(), e.End()
}

// statement looks at a typed policy statement: a struct or map with an action
// and what it is allowed on, as in the AWS CDK, Pulumi and many programs' own.
func (c *checker) statement(lit *ast.CompositeLit, t types.Type) {
	values := make(map[string]ast.Expr)
	for _, e := range lit.Elts {
		if kv, ok := e.(*ast.KeyValueExpr); ok {
			name, isConst := c.code.ConstantText(kv.Key)
			if id, ok := kv.Key.(*ast.Ident); ok && !isConst {
				name = id.Name
			}
			values[strings.TrimSuffix(strings.ToLower(name), "s")] = kv.Value
		}
	}
	action, not := values["action"], values["notaction"]
	if action == nil && not == nil || values["effect"] == nil && !ofAWS(t) {
		return
	}
	s := scope.Statement{
		Actions: c.texts(action), NotActions: c.texts(not), Resources: c.texts(values["resource"]), NotResources: c.texts(values["notresource"]),
		Principals: c.texts(values["principal"]), HasPrincipal: values["principal"] != nil, Conditional: values["condition"] != nil,
	}
	if effect := c.texts(values["effect"]); len(effect) > 0 {
		s.Effect = effect[0]
	} else if values["effect"] != nil && !strings.HasSuffix(strings.ToLower(types.ExprString(values["effect"])), "allow") {
		return // not known, or Deny
	}
	if slices.ContainsFunc(s.Actions, func(a string) bool { return a != "*" && !strings.Contains(a, ":") }) {
		return // another language's policy
	}
	if p, wide := s.Judge(); wide {
		at := lit.Pos()
		for _, e := range []ast.Expr{action, not, values["principal"]} {
			for _, t := range c.listed(e) {
				if t.Text == p.Value || p.Value == "NotAction" && e == not {
					at = t.Expr.Pos()
				}
			}
		}
		if file := c.code.File(at); file == nil || file != c.code.File(lit.Pos()) {
			at = lit.Pos()
		}
		c.report(at, token.NoPos, fmt.Sprintf("AWS policy is broad: %s; narrower: %s", p.Why, p.Narrower), &p, nil)
	}
}

// ofAWS tells whether a type is of a package that makes AWS policies.
func ofAWS(t types.Type) bool {
	n := flow.Named(t)
	if n == nil || n.Obj().Pkg() == nil {
		return false
	}
	path := n.Obj().Pkg().Path()
	return strings.Contains(path, "aws") && strings.Contains(path, "iam") && strings.Contains(n.Obj().Name(), "Statement")
}

func (c *checker) listed(e ast.Expr) []flow.Text {
	if e == nil {
		return nil
	}
	return c.code.Texts(e)
}

func (c *checker) texts(e ast.Expr) []string {
	var all []string
	for _, t := range c.listed(e) {
		all = append(all, t.Text)
	}
	return all
}

// kubernetes looks at a PolicyRule.
func (c *checker) kubernetes(lit *ast.CompositeLit) {
	r := scope.PolicyRule{
		Verbs: c.texts(flow.Field(lit, "Verbs")), Groups: c.texts(flow.Field(lit, "APIGroups")), Resources: c.texts(flow.Field(lit, "Resources")),
		Names: c.texts(flow.Field(lit, "ResourceNames")), URLs: c.texts(flow.Field(lit, "NonResourceURLs")),
	}
	if p, wide := r.Judge(); wide {
		c.report(lit.Pos(), lit.End(), fmt.Sprintf("Kubernetes rule is broad: %s; narrower: %s", p.Why, p.Narrower), &p, nil)
	}
}

// marker begins a comment from which controller-gen makes a role.
const marker = "+kubebuilder:rbac:"

// markers looks at kubebuilder's comments.
func (c *checker) markers(file *ast.File) {
	for _, group := range file.Comments {
		for _, line := range group.List {
			text, ok := strings.CutPrefix(strings.TrimSpace(strings.TrimPrefix(line.Text, "//")), marker)
			if !ok {
				continue
			}
			r := parseMarker(text)
			if p, wide := r.Judge(); wide {
				c.report(line.Pos(), line.End(), fmt.Sprintf("Kubernetes rule is broad: %s; narrower: %s", p.Why, p.Narrower), &p, nil)
			}
		}
	}
}

// parseMarker reads groups=apps;batch,resources=jobs,verbs=get;list.
func parseMarker(text string) scope.PolicyRule {
	var r scope.PolicyRule
	text, _, _ = strings.Cut(text, " //")
	for _, part := range strings.Split(text, ",") {
		name, value, _ := strings.Cut(part, "=")
		var list []string
		for _, v := range strings.Split(strings.Trim(value, "{}"), ";") {
			list = append(list, strings.Trim(strings.TrimSpace(v), `"`))
		}
		switch strings.TrimSpace(name) {
		case "groups":
			r.Groups = list
		case "resources":
			r.Resources = list
		case "verbs":
			r.Verbs = list
		case "urls":
			r.URLs = list
		}
	}
	return r
}
