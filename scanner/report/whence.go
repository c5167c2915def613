package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/remint/remint/scanner"
)

// idDigits is how much of an id is shown to people.
const idDigits = 12

// known says, in a few short sentences, what is known of a finding beside its
// place: where its value goes; in a history, who brought it, whether it is
// still there, and what leads to it.
func known(f *scanner.Finding) []string {
	var lines []string
	if f.Note != "" {
		lines = append(lines, printable(f.Note))
	}
	g := f.Git
	if g == nil {
		return lines
	}
	if s := g.Introduced; s != nil {
		lines = append(lines, "introduced "+sighting(s))
	}
	switch {
	case g.InHead:
		lines = append(lines, "still in HEAD")
	case g.Last != nil && g.Introduced != nil && g.Last.Commit != g.Introduced.Commit:
		lines = append(lines, "last in "+sighting(g.Last)+"; not in HEAD")
	case g.Introduced != nil:
		lines = append(lines, "not in HEAD")
	}
	if reached := reachedBy(g); reached != "" {
		lines = append(lines, reached)
	}
	if g.OccurrenceCount > 1 {
		lines = append(lines, plural(g.OccurrenceCount, "version", "versions")+" hold it")
	}
	return lines
}

func sighting(s *scanner.Sighting) string {
	text := s.Commit[:min(idDigits, len(s.Commit))]
	if !s.Date.IsZero() {
		text += " of " + s.Date.Format(time.DateOnly)
	}
	if s.Author != "" || s.Email != "" {
		text += " by " + printable(strings.TrimSpace(s.Author+" <"+s.Email+">"))
	}
	return text
}

// shownRefs is how many references are named to people.
const shownRefs = 3

// reachedBy says which references lead to a finding, or why none does.
func reachedBy(g *scanner.Git) string {
	object := g.Object[:min(idDigits, len(g.Object))]
	switch g.Unreachable {
	case "":
	case "stash":
		return "only the stash leads to it"
	case "reflog":
		return "no reference leads to it, only a reflog; `git reflog expire` and `git gc` would remove it"
	case "index":
		return "staged, in no commit"
	default:
		return "nothing leads to it any more; it is still in object " + object
	}
	if len(g.Refs) == 0 {
		return ""
	}
	var names []string
	for _, r := range g.Refs[:min(len(g.Refs), shownRefs)] {
		names = append(names, shortRef(r))
	}
	text := "on " + strings.Join(names, ", ")
	if more := g.RefCount - len(names); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return printable(text)
}

// shortRef is a reference's name as git prints it for people.
func shortRef(name string) string {
	for _, prefix := range []string{"refs/heads/", "refs/tags/", "refs/remotes/"} {
		if short, ok := strings.CutPrefix(name, prefix); ok {
			return short
		}
	}
	return name
}
