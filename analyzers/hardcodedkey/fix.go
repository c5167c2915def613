package hardcodedkey

import (
	"go/ast"
	"go/token"
	"go/types"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/tools/go/analysis"

	"github.com/remint/remint/analyzers/flow"
	"github.com/remint/remint/analyzers/sinks"
)

// offerEnv is the flag -hardcodedkey.env: a fix changes what the program does,
// so that a bare -fix applies none.
var offerEnv bool

// fixes replace a literal by a look-up in the environment. Where the type or
// the place does not allow that, there are none.
func (c *checker) fixes(s flow.Source, kind sinks.Kind) []analysis.SuggestedFix {
	file := c.code.File(s.Pos)
	lit, ok := ast.Unparen(s.Expr).(*ast.BasicLit)
	if !ok || file == nil || !isString(lit) {
		return nil
	}
	name, decl, constant := c.declares(file, lit)
	if offerInject && !constant {
		if fix, ok := c.injectFix(file, lit, name, envName(name, kind)); ok {
			return []analysis.SuggestedFix{fix}
		}
	}
	if !offerEnv || !c.isFree(file, "os", "os") {
		return nil
	}
	if constant && (decl == nil || c.usedAsConstant(name)) {
		return nil
	}
	env := envName(name, kind)
	edits := []analysis.TextEdit{{Pos: lit.Pos(), End: lit.End(), NewText: []byte("os.Getenv(" + strconv.Quote(env) + ")")}}
	if constant {
		edits = append(edits, analysis.TextEdit{Pos: decl.Pos(), End: decl.Pos() + token.Pos(len("const")), NewText: []byte("var")})
	}
	if edit, ok := importOf(file, "os"); ok {
		edits = append(edits, edit)
	}
	return []analysis.SuggestedFix{{Message: "read it from the environment variable " + env, TextEdits: edits}}
}

// isFree tells whether a name means a package, or nothing yet.
func (c *checker) isFree(file *ast.File, name, path string) bool {
	if obj := c.pass.Pkg.Scope().Lookup(name); obj != nil {
		return false
	}
	for _, i := range file.Imports {
		if i.Path.Value == strconv.Quote(path) {
			return i.Name == nil
		}
		if p, ok := c.pass.TypesInfo.Implicits[i].(*types.PkgName); ok && p.Name() == name || i.Name != nil && i.Name.Name == name {
			return false
		}
	}
	return true
}

// declares returns the name that a literal is given to, and whether that is a
// constant, with its declaration where it declares nothing else.
func (c *checker) declares(file *ast.File, lit ast.Expr) (name *ast.Ident, decl *ast.GenDecl, constant bool) {
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GenDecl:
			for _, spec := range n.Specs {
				v, ok := spec.(*ast.ValueSpec)
				if !ok {
					continue
				}
				for i, value := range v.Values {
					if ast.Unparen(value) == lit && i < len(v.Names) {
						name, constant = v.Names[i], n.Tok == token.CONST
						if len(n.Specs) == 1 && len(v.Names) == 1 {
							decl = n
						}
					}
				}
			}
		case *ast.AssignStmt:
			for i, value := range n.Rhs {
				if ast.Unparen(value) == lit && len(n.Lhs) == len(n.Rhs) {
					name, _ = n.Lhs[i].(*ast.Ident)
				}
			}
		}
		return true
	})
	return name, decl, constant
}

// usedAsConstant tells whether a constant stands where a variable cannot: in
// another constant, an array's length, a case, or converted without a type.
func (c *checker) usedAsConstant(name *ast.Ident) bool {
	obj := c.pass.TypesInfo.Defs[name]
	used := false
	for _, file := range c.pass.Files {
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.GenDecl:
				if n.Tok == token.CONST && mentions(c, n, obj, name) {
					used = true
				}
			case *ast.CaseClause:
				for _, e := range n.List {
					used = used || mentions(c, e, obj, name)
				}
			case *ast.ArrayType:
				used = used || n.Len != nil && mentions(c, n.Len, obj, name)
			}
			return !used
		})
	}
	if !used {
		used = c.usedAsOtherType(obj)
	}
	return used
}

// usedAsOtherType tells whether an untyped constant takes another type than
// string somewhere.
func (c *checker) usedAsOtherType(obj types.Object) bool {
	for id, o := range c.pass.TypesInfo.Uses {
		if o == obj {
			if t := c.pass.TypesInfo.TypeOf(id); t != nil && t != types.Typ[types.String] && t != types.Typ[types.UntypedString] {
				return true
			}
		}
	}
	return false
}

func mentions(c *checker, n ast.Node, obj types.Object, except *ast.Ident) bool {
	found := false
	ast.Inspect(n, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && id != except && c.pass.TypesInfo.Uses[id] == obj {
			found = true
		}
		return !found
	})
	return found
}

// envName is the variable's name: that of the Go name, or the kind's.
func envName(name *ast.Ident, kind sinks.Kind) string {
	if name == nil || name.Name == "_" {
		return strings.ToUpper(strings.NewReplacer(" ", "_").Replace(map[sinks.Kind]string{
			sinks.Password: "password", sinks.Symmetric: "encryption key", sinks.HMAC: "hmac key", sinks.PrivateKey: "private key",
			sinks.Token: "token", sinks.DSN: "database url", sinks.Basic: "password",
		}[kind]))
	}
	var b strings.Builder
	runes := []rune(name.Name)
	for i, r := range runes {
		if i > 0 && unicode.IsUpper(r) && (unicode.IsLower(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1])) && runes[i-1] != '_' {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToUpper(r))
	}
	return b.String()
}

// importOf adds an import where it is missing.
func importOf(file *ast.File, path string) (analysis.TextEdit, bool) {
	quoted := strconv.Quote(path)
	for _, i := range file.Imports {
		if i.Path.Value == quoted {
			return analysis.TextEdit{}, false
		}
	}
	for _, d := range file.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != token.IMPORT {
			continue
		}
		if g.Lparen.IsValid() {
			return analysis.TextEdit{Pos: g.Lparen + 1, End: g.Lparen + 1, NewText: []byte("\n\t" + quoted)}, true
		}
		return analysis.TextEdit{Pos: g.Pos(), End: g.Pos(), NewText: []byte("import " + quoted + "\n")}, true
	}
	return analysis.TextEdit{Pos: file.Name.End(), End: file.Name.End(), NewText: []byte("\n\nimport " + quoted)}, true
}
