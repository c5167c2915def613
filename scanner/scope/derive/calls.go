package derive

import (
	"go/types"
	pathpkg "path"
	"regexp"
	"strings"

	"golang.org/x/tools/go/ssa"
)

// sameText are functions that return a pointer to a text that they are given, the
// text that a pointer leads to, or an escaped one, which its reader unescapes.
var sameText = regexp.MustCompile(`^(?:github\.com/aws/aws-sdk-go-v2/aws\.(?:ToString|String)|github\.com/aws/smithy-go/ptr\.(?:ToString|String)|` +
	`github\.com/google/go-github(?:/v\d+)?/github\.(?:Ptr|String)|github\.com/samber/lo\.(?:ToPtr|FromPtr)|k8s\.io/utils/ptr\.To|` +
	`net/url\.(?:PathEscape|QueryEscape))$`)

// result is what a call of one result returns: of a function that is not read
// where it is one of those whose text is known.
func (e *evaluation) result(v *ssa.Call, fr *frame, depth int) ([]string, bool) {
	f := v.Call.StaticCallee()
	if f == nil || len(f.Blocks) > 0 {
		return e.returnedTexts(v, 0, fr, depth)
	}
	if origin := f.Origin(); origin != nil {
		f = origin
	}
	if f.Pkg == nil || len(v.Call.Args) == 0 {
		return nil, false
	}
	args := v.Call.Args
	switch name := path(f); {
	case sameText.MatchString(name):
		return e.eval(args[0], fr, depth)
	case name == "fmt.Sprintf":
		return e.formatted(args[0], placed{args[1], fr}, depth)
	case name == "path.Join" || name == "path/filepath.Join":
		return e.together(placed{args[0], fr}, depth, func(parts []string) string { return pathpkg.Join(parts...) })
	case name == "strings.Join":
		if separators, ok := e.eval(args[1], fr, depth); ok && len(separators) == 1 {
			return e.together(placed{args[0], fr}, depth, func(parts []string) string { return strings.Join(parts, separators[0]) })
		}
	}
	return nil, false
}

// returnedTexts are the texts that a call of the program's functions returns.
func (e *evaluation) returnedTexts(c *ssa.Call, result int, fr *frame, depth int) (all []string, ok bool) {
	values, ok := e.returned(c, result, fr)
	if !ok {
		return nil, false
	}
	for _, v := range values {
		t, ok := e.eval(v.v, v.fr, depth)
		if !ok || len(all) > 4*maxValues {
			return nil, false
		}
		all = append(all, t...)
	}
	return all, true
}

// returned are the values that the functions that a call reaches return as one
// of their results. ok is false where one of them is not read.
func (g *graph) returned(c *ssa.Call, result int, fr *frame) (all []placed, ok bool) {
	callees := g.callees[c]
	if f := c.Call.StaticCallee(); f != nil {
		callees = []*ssa.Function{f}
	}
	for _, f := range callees {
		values := returns(f, result)
		if len(values) == 0 {
			return nil, false
		}
		inside := &frame{f, call{c, f}.args(), fr}
		for _, v := range values {
			all = append(all, placed{v, inside})
		}
	}
	return all, len(all) > 0
}

// returns are the values that a function returns as one of its results, but for
// those that come with an error.
func returns(f *ssa.Function, result int) (all []ssa.Value) {
	for _, b := range f.Blocks {
		if r, ok := b.Instrs[len(b.Instrs)-1].(*ssa.Return); ok && !failed(r) && result < len(r.Results) {
			all = append(all, r.Results[result])
		}
	}
	return all
}

var errorType = types.Universe.Lookup("error").Type()

// failed tells a return of constants and an error, whose other results nobody
// uses.
func failed(r *ssa.Return) bool {
	last := len(r.Results) - 1
	if last < 1 || !types.Identical(r.Results[last].Type(), errorType) || isNil(r.Results[last]) {
		return false
	}
	for _, v := range r.Results[:last] {
		if _, ok := v.(*ssa.Const); !ok {
			return false
		}
	}
	return true
}

// together is a text made of the elements of a list that is written out, with *
// for one that is not known.
func (e *evaluation) together(list placed, depth int, join func([]string) string) ([]string, bool) {
	if list.v == nil || isNil(list.v) {
		return []string{join(nil)}, true
	}
	elements, ok := e.elements(list, make(map[ssa.Value]bool))
	if !ok {
		return nil, false
	}
	all := [][]string{nil}
	for _, part := range elements {
		texts, ok := e.unionPlaced([]placed{part}, depth)
		if !ok {
			texts = []string{"*"}
		}
		var longer [][]string
		for _, before := range all {
			for _, t := range texts {
				longer = append(longer, append(before[:len(before):len(before)], t))
			}
		}
		if all = longer; len(all) > 4*maxValues {
			return nil, false
		}
	}
	var joined []string
	for _, parts := range all {
		joined = append(joined, join(parts))
	}
	return joined, true
}

var verb = regexp.MustCompile(`%[-+# 0-9.\[\]*]*[a-zA-Z%]`)

// formatted is a format with what it is given, with * for what is not a text
// that is known.
func (e *evaluation) formatted(format ssa.Value, args placed, depth int) (all []string, ok bool) {
	formats, ok := e.eval(format, args.fr, depth)
	for _, f := range formats {
		texts, known := e.together(args, depth, func(given []string) string { return fillVerbs(f, given) })
		if !known {
			texts = []string{fillVerbs(f, nil)}
		}
		all = append(all, texts...)
	}
	return all, ok
}

// fillVerbs puts texts in the place of a format's verbs, one by one.
func fillVerbs(format string, given []string) string {
	next := -1
	return verb.ReplaceAllStringFunc(format, func(v string) string {
		if v == "%%" {
			return "%"
		}
		if next++; next < len(given) && (v == "%s" || v == "%v") {
			return given[next]
		}
		if strings.ContainsAny(v, "[*") {
			next = len(given) // another order
		}
		return "*"
	})
}
