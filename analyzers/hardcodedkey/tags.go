package hardcodedkey

import (
	"go/ast"
	"reflect"
	"strconv"
	"strings"

	"github.com/remint/remint/analyzers/flow"
	"github.com/remint/remint/analyzers/sinks"
)

// defaultTags are the keys of struct tags by which libraries give a field its
// default: creasty/defaults and mcuadros/go-defaults, kelseyhightower/envconfig,
// jessevdk/go-flags and alecthomas/kong; caarlos0/env; ilyakaznacheev/cleanenv.
var defaultTags = [...]string{"default", "envDefault", "env-default"}

// tags reports defaults of secrets in struct tags.
func (c *checker) tags() {
	for _, file := range c.pass.Files {
		ast.Inspect(file, func(n ast.Node) bool {
			s, ok := n.(*ast.StructType)
			if !ok {
				return true
			}
			for _, f := range s.Fields.List {
				if f.Tag != nil && textual(c.pass.TypesInfo.TypeOf(f.Type)) {
					c.tag(f)
				}
			}
			return true
		})
	}
}

func (c *checker) tag(f *ast.Field) {
	text, err := strconv.Unquote(f.Tag.Value)
	if err != nil {
		return
	}
	name := ""
	for _, n := range f.Names {
		name = n.Name
	}
	for _, key := range defaultTags {
		value := reflect.StructTag(text).Get(key)
		if value == "" || !secretish(name) {
			continue
		}
		kind := sinks.Token
		if lower := strings.ToLower(name); strings.Contains(lower, "pass") || strings.Contains(lower, "pwd") {
			kind = sinks.Password
		}
		c.judge(flow.Source{Text: value, Pos: f.Tag.Pos()}, kind, "the field "+name+" by default", f.Tag)
	}
}
