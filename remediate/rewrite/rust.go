package rewrite

import (
	"errors"
	"strings"

	"github.com/odvcencio/gotreesitter/grammars"
)

// A literal is a &'static str, so the value is leaked once, as the literal was
// there once.
var rust = (&grammar{
	load: grammars.RustLanguage, strings: []string{"string_literal", "raw_string_literal"}, comments: []string{"line_comment", "block_comment"},
	value: func(c Change, literal string) (string, error) {
		if strings.HasPrefix(literal, "b") || strings.HasPrefix(literal, "c") {
			return "", errors.New("a string of bytes is not rewritten")
		}
		return `&*std::env::var("` + c.Variable + `").expect("` + c.Variable + ` is not set").leak()`, nil
	},
	forbidden: map[string]string{
		"const_item": "the value of a const is a constant: make it a std::sync::LazyLock first", "static_item": "the value of a static is a constant: make it a std::sync::LazyLock first",
		"match_pattern": "it is a pattern", "attribute_item": "it is in an attribute", "inner_attribute_item": "it is in an attribute", "token_tree": "it is within a macro",
		"const_block": "it is a constant",
	},
	tight: []string{"field_expression", "index_expression", "try_expression", "type_cast_expression", "binary_expression", "call_expression", "reference_expression"},
}).language("rust", byEnding(".rs"))
