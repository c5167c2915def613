package rewrite

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// tfVariable is what Terraform puts before a variable's name in the environment.
const tfVariable = "TF_VAR_"

// terraform makes a value a sensitive variable, which comes from TF_VAR_name.
var terraform = language{
	name: "terraform", is: byEnding(".tf", ".tfvars"),
	edits:    terraformEdits,
	closing:  declareVariables,
	parse:    func(f *file, text []byte) error { _, err := parseHCL(f, text); return err },
	variable: terraformVariable,
}

func parseHCL(f *file, text []byte) (*hclsyntax.Body, error) {
	parsed, diags := hclsyntax.ParseConfig(text, f.base, hcl.InitialPos)
	if diags.HasErrors() {
		return nil, fmt.Errorf("at line %d: %s", diags[0].Subject.Start.Line, diags[0].Summary)
	}
	return parsed.Body.(*hclsyntax.Body), nil
}

// spot is where a value stands in a configuration.
type spot struct {
	block     *hclsyntax.Block     // the outermost, nil for none
	attribute *hclsyntax.Attribute // the innermost
	template  hcl.Range            // the quoted string
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
		}
		return nil
	})
	return s, s.attribute != nil && s.template.End.Byte > 0
}

func terraformEdits(f *file, c Change) ([]edit, error) {
	body, err := parseHCL(f, f.text)
	if err != nil {
		return nil, err
	}
	s, ok := spotAt(body, c.Start, c.End)
	if !ok {
		if lineComment(f.text, c.Start, "#", "//") || blockComment(f.text, c.Start) {
			return f.removed(c), nil
		}
		return nil, errors.New("it does not stand in a string")
	}
	if err := s.constant(); err != nil {
		return nil, err
	}
	whole := c.Start == s.template.Start.Byte+1 && c.End == s.template.End.Byte-1
	name, isVariable := strings.CutPrefix(c.Variable, tfVariable)
	if !isVariable {
		return nil, fmt.Errorf("the variable must be %s<name>, as Terraform reads it, and the plan calls it %s", tfVariable, c.Variable)
	}
	start, _ := line(f.text, s.attribute.SrcRange.Start.Byte)
	_, end := line(f.text, s.attribute.SrcRange.End.Byte)
	indent := strings.Repeat(" ", s.attribute.SrcRange.Start.Byte-start)
	switch {
	case hasSuffix(f.base, ".tfvars") || s.block != nil && s.block.Type == "variable" && s.attribute.Name == "default":
		if r := s.attribute.Expr.Range(); !whole || r.Start.Byte != s.template.Start.Byte || r.End.Byte != s.template.End.Byte {
			return nil, errors.New("it is a part of a longer value, of which the environment can replace only all")
		}
		if hasSuffix(f.base, ".tfvars") {
			return []edit{{start, end, "# " + name + " comes from " + c.Variable + ": " + c.Entry}}, nil
		}
		if _, has := s.block.Body.Attributes["sensitive"]; has {
			return []edit{{start, end, indent + "# the value comes from " + c.Variable + ": " + c.Entry}}, nil
		}
		return []edit{{start, end, indent + "sensitive = true # the value comes from " + c.Variable + ": " + c.Entry}}, nil
	case whole:
		return []edit{{s.template.Start.Byte, s.template.End.Byte, "var." + name}}, nil
	}
	return []edit{{c.Start, c.End, "${var." + name + "}"}}, nil
}

// constant tells places that take no variable.
func (s *spot) constant() error {
	if s.block == nil {
		return nil
	}
	switch kind, name := s.block.Type, s.attribute.Name; {
	case kind == "terraform":
		return errors.New("the terraform block takes no variables: give it to terraform init as -backend-config, or in the environment of the backend")
	case kind == "output":
		return errors.New("it is an output, which shows it: take the output out")
	case kind == "variable" && name != "default", kind == "module" && (name == "source" || name == "version"):
		return fmt.Errorf("%s of a %s is a constant", name, kind)
	}
	return nil
}

// declareVariables declares at the file's end what was put in and is not there.
func declareVariables(f *file, made []Change) ([]edit, error) {
	body, err := parseHCL(f, f.text)
	if err != nil || hasSuffix(f.base, ".tfvars") {
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
		name := strings.TrimPrefix(c.Variable, tfVariable)
		if slices.Contains(known, name) {
			continue
		}
		known = append(known, name)
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
	switch {
	case !ok:
		return ""
	case s.block != nil && s.block.Type == "variable" && len(s.block.Labels) > 0:
		return tfVariable + s.block.Labels[0]
	case s.block != nil && len(s.block.Labels) > 0:
		return tfVariable + s.block.Labels[len(s.block.Labels)-1] + "_" + s.attribute.Name
	}
	return tfVariable + s.attribute.Name
}
