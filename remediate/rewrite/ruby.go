package rewrite

import (
	"github.com/odvcencio/gotreesitter/grammars"
)

var ruby = (&grammar{
	load: grammars.RubyLanguage, strings: []string{"string", "heredoc_body"}, comments: []string{"comment"}, joined: []string{"chained_string"}, plus: " + ",
	value: func(c Change, _ string) (string, error) { return `ENV.fetch("` + c.Variable + `")`, nil },
	holes: func(_, literal, value string) (string, bool) {
		return "#{" + value + "}", len(literal) > 0 && literal[0] == '"'
	},
}).language("ruby", byEnding(".rb", ".rake", ".gemspec", ".ru", "gemfile", "rakefile", "podfile", "fastfile", "capfile", "vagrantfile"))
