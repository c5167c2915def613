package rewrite

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// tfVariable is what Terraform puts before a variable's name in the environment,
// and packer's is Packer's.
const (
	tfVariable     = "TF_VAR_"
	packerVariable = "PKR_VAR_"
)

// terraform makes a value a sensitive variable, which comes from TF_VAR_name.
var terraform = language{
	name: "terraform", is: byEnding(".tf", ".tfvars", ".hcl"),
	edits:    terraformEdits,
	closing:  declareVariables,
	parse:    func(f *file, text []byte) error { _, err := parseHCL(f, text); return err },
	variable: terraformVariable,
}

// prefix is what stands before a variable's name in the environment; "" where a
// file's reader has no variables.
func (f *file) prefix() string {
	switch {
	case hasSuffix(f.base, ".pkr.hcl", ".pkrvars.hcl"):
		return packerVariable
	case hasSuffix(f.base, ".tf", ".tfvars"):
		return tfVariable
	}
	return ""
}

// assigns tells a file of nothing but values of variables.
func (f *file) assigns() bool { return hasSuffix(f.base, ".tfvars", ".pkrvars.hcl") }

func parseHCL(f *file, text []byte) (*hclsyntax.Body, error) {
	parsed, diags := hclsyntax.ParseConfig(unmarked(text), f.base, hcl.InitialPos)
	if diags.HasErrors() {
		return nil, fmt.Errorf("at line %d: %s", diags[0].Subject.Start.Line, diags[0].Summary)
	}
	return parsed.Body.(*hclsyntax.Body), nil
}

// spot is where a value stands in a configuration.
type spot struct {
	block     *hclsyntax.Block     // the outermost, nil for none
	attribute *hclsyntax.Attribute // the innermost
	template  hcl.Range            // the quoted string, or the here-document
	isName    bool                 // of an object's member
}

func spotAt(body *hclsyntax.Body, start, end int) (spot, bool) {
	var s spot
	has := func(r hcl.Range) bool { return r.Start.Byte <= start && end <= r.End.Byte }
	_ = hclsyntax.VisitAll(body, func(n hclsyntax.Node) hcl.Diagnostics {
		switch n := n.(type) {
		case *hclsyntax.Block:
			if s.block == nil && has(n.Range()) {
				s.block = n
			}
		case *hclsyntax.Attribute:
			if has(n.SrcRange) {
				s.attribute = n
			}
		case *hclsyntax.TemplateExpr:
			if has(n.SrcRange) {
				s.template = n.SrcRange
			}
		case *hclsyntax.ObjectConsKeyExpr:
			s.isName = s.isName || has(n.Range())
		}
		return nil
	})
	return s, s.attribute != nil && s.template.End.Byte > 0
}

// whole tells whether a change is all of its string.
func (s spot) whole(f *file, c Change) bool {
	before, after := string(f.text[s.template.Start.Byte:c.Start]), string(f.text[c.End:s.template.End.Byte])
	if hereDocument.MatchString(before) {
		return strings.Count(before, "\n") == 1 && strings.HasSuffix(before, "\n") && len(strings.Fields(after)) == 1
	}
	return before == `"` && after == `"`
}

// expression tells whether the string is all that its attribute is.
func (s spot) expression() bool { return s.attribute.Expr.Range() == s.template }

// told tells whether the string is only told to people.
func (s spot) told() bool {
	if s.block == nil || s.attribute.Name != "description" && s.attribute.Name != "error_message" {
		return false
	}
	return s.expression() && (s.block.Type == "variable" || s.block.Type == "output")
}

// hclComment tells whether a place is in a comment.
func hclComment(f *file, start, end int) bool {
	tokens, _ := hclsyntax.LexConfig(unmarked(f.text), f.base, hcl.InitialPos)
	return slices.ContainsFunc(tokens, func(t hclsyntax.Token) bool {
		return t.Type == hclsyntax.TokenComment && t.Range.Start.Byte <= start && end <= t.Range.End.Byte
	})
}

func terraformEdits(f *file, c Change) ([]edit, error) {
	body, err := parseHCL(f, f.text)
	if err != nil {
		return nil, err
	}
	s, ok := spotAt(body, c.Start, c.End)
	switch {
	case hclComment(f, c.Start, c.End):
		return f.removed(c), nil
	case !ok:
		return nil, errors.New("it does not stand in the string of an attribute")
	case s.isName:
		return nil, errors.New("it is the name of a member")
	case s.told():
		return f.removed(c), nil
	case f.base == "terragrunt.hcl":
		return terragrunt(f, c, s)
	case f.prefix() == "":
		return nil, errors.New("nothing says that whoever reads this file has variables")
	}
	name, isVariable := strings.CutPrefix(c.Variable, f.prefix())
	if !isVariable || !hclsyntax.ValidIdentifier(name) {
		return nil, fmt.Errorf("the variable must be %s<name>, as its reader has it, and the plan calls it %s", f.prefix(), c.Variable)
	}
	isDefault := s.block != nil && s.block.Type == "variable" && s.attribute.Name == "default"
	if f.assigns() || isDefault {
		return assigned(f, c, s, name)
	}
	if err := s.constant(); err != nil {
		return nil, err
	}
	return s.put(f, c, "var."+name)
}

// constant tells where variables are not allowed.
func (s spot) constant() error {
	switch block, name := s.block, s.attribute.Name; {
	case block == nil:
		return errors.New("it stands outside of every block")
	case block.Type == "terraform":
		return errors.New("a backend takes no variables: give it to terraform init with -backend-config, or to the backend's own variable")
	case block.Type == "module" && (name == "source" || name == "version"):
		return errors.New("a module's source takes no variables: let git have the credential")
	case name == "for_each" || name == "count":
		return errors.New("for_each and count take no sensitive variable")
	}
	return nil
}

// put puts a reference in place of a value. An output of one must be sensitive.
func (s spot) put(f *file, c Change, reference string) ([]edit, error) {
	var edits []edit
	switch {
	case s.whole(f, c):
		end := s.template.End.Byte
		if f.text[end-1] == '\n' { // which a here-document has in it
			end -= len(newline(f.text[end-1:]))
		}
		edits = []edit{{s.template.Start.Byte, end, reference}}
	case f.text[c.Start-1] == '$':
		return nil, errors.New("a $ stands before it, after which a variable is not expanded")
	default:
		edits = []edit{{c.Start, c.End, "${" + reference + "}"}}
	}
	if b := s.block; b != nil && b.Type == "output" && b.Body.Attributes["sensitive"] == nil {
		at := s.attribute.SrcRange.Start.Byte
		start, _ := line(f.text, at)
		if strings.TrimSpace(string(f.text[start:at])) != "" {
			return nil, errors.New("its output must be sensitive, and stands on one line")
		}
		edits = append(edits, edit{at, at, "sensitive = true" + newline(f.text) + string(f.text[start:at])})
	}
	return edits, nil
}

// assigned takes out a variable's value, which then comes from the environment.
func assigned(f *file, c Change, s spot, name string) ([]edit, error) {
	called := s.attribute.Name
	if !f.assigns() && len(s.block.Labels) == 1 {
		called = s.block.Labels[0]
	}
	start, end := s.attribute.SrcRange.Start.Byte, s.attribute.SrcRange.End.Byte
	if f.text[end-1] == '\n' {
		end -= len(newline(f.text[end-1:]))
	}
	told := "# the value comes from " + c.Variable + ": " + c.Entry
	switch {
	case !s.whole(f, c) || !s.expression():
		return nil, errors.New("it is a part of a longer value")
	case called != name:
		return nil, fmt.Errorf("its reader takes %s%s, which the plan calls %s", f.prefix(), called, c.Variable)
	case f.assigns():
		return []edit{{start, end, "# " + name + " comes from " + c.Variable + ": " + c.Entry}}, nil
	case s.block.OpenBraceRange.Start.Line == s.block.CloseBraceRange.Start.Line:
		return []edit{{start, end, "sensitive = true"}}, nil
	case s.block.Body.Attributes["sensitive"] != nil:
		return []edit{{start, end, told}}, nil
	}
	return []edit{{start, end, "sensitive = true " + told}}, nil
}

// terragrunt reads the environment itself.
func terragrunt(f *file, c Change, s spot) ([]edit, error) {
	return s.put(f, c, `get_env("`+c.Variable+`")`)
}

// declareVariables declares at the file's end what was put in and is not there.
func declareVariables(f *file, made []Change) ([]edit, error) {
	body, err := parseHCL(f, f.text)
	if err != nil || f.assigns() || f.prefix() == "" {
		return nil, err
	}
	var known []string
	for _, b := range body.Blocks {
		if b.Type == "variable" && len(b.Labels) == 1 {
			known = append(known, b.Labels[0])
		}
	}
	nl, out := newline(f.text), ""
	for _, c := range made {
		name := strings.TrimPrefix(c.Variable, f.prefix())
		if slices.Contains(known, name) {
			continue
		}
		known = append(known, name)
		f.note("Terraform: %s is declared in %s: take that out where another file of the module declares it", name, f.base)
		out += nl + `variable "` + name + `" {` + nl + "  type      = string" + nl + "  sensitive = true" + nl + "}" + nl
	}
	if out == "" {
		return nil, nil
	}
	if n := len(f.text); n > 0 && f.text[n-1] != '\n' {
		out = nl + out
	}
	return []edit{{len(f.text), len(f.text), out}}, nil
}

func terraformVariable(f *file, start, end int) string {
	body, err := parseHCL(f, f.text)
	if err != nil {
		return ""
	}
	s, ok := spotAt(body, start, end)
	if !ok || f.prefix() == "" {
		return ""
	}
	name := s.attribute.Name
	if s.block != nil && len(s.block.Labels) > 0 {
		name = s.block.Labels[len(s.block.Labels)-1] + "_" + name
		if s.block.Type == "variable" {
			return f.prefix() + s.block.Labels[0]
		}
	}
	if f.assigns() {
		return f.prefix() + name
	}
	return f.prefix() + notInNames.ReplaceAllString(name, "_")
}

var notInNames = regexp.MustCompile(`[^A-Za-z0-9_]`)
