package engine

import (
	"bytes"
	"slices"
	"sort"
)

// settle leaves one match for one secret: where two overlap, the more telling
// rule stays. Then it looks for companions.
func (s *Scanner) settle(text []byte) {
	if len(s.matches) == 0 {
		return
	}
	m := s.matches
	sort.SliceStable(m, func(i, j int) bool {
		a, b := &m[i], &m[j]
		if a.priority != b.priority {
			return a.priority > b.priority
		}
		if da, db := len(a.Encodings), len(b.Encodings); da != db {
			return da > db // what is decoded is the secret, not its encoded form
		}
		if la, lb := a.End-a.Start, b.End-b.Start; la != lb {
			return la > lb
		}
		if a.Start != b.Start {
			return a.Start < b.Start
		}
		return a.Rule.ID < b.Rule.ID
	})
	kept := m[:0]
	var hidden []Match
	for _, c := range m {
		if c.Rule.Hidden {
			if !slices.ContainsFunc(hidden, func(h Match) bool { return h.Rule == c.Rule && h.Start == c.Start }) {
				hidden = append(hidden, c)
			}
			continue
		}
		if over := overlapping(kept, &c); over != nil {
			s.drop(c.Rule, c.Start, c.End, "the same bytes are "+over.Rule.ID)
			continue
		}
		kept = append(kept, c)
	}
	sortByPlace(kept)
	s.matches = kept
	if s.e.paired {
		s.pair(text, hidden)
	}
}

func sortByPlace(m []Match) {
	slices.SortStableFunc(m, func(a, b Match) int {
		if a.Start != b.Start {
			return a.Start - b.Start
		}
		return a.End - b.End
	})
}

func overlapping(kept []Match, c *Match) *Match {
	for i := range kept {
		if kept[i].Start < c.End && c.Start < kept[i].End {
			return &kept[i]
		}
	}
	return nil
}

// pair drops the matches whose companion is required and missing.
func (s *Scanner) pair(text []byte, hidden []Match) {
	all := append(slices.Clone(s.matches), hidden...)
	setLines(text, all)
	lines := make(map[int]int, len(all))
	for i := range all {
		lines[all[i].Start] = all[i].Line
	}
	kept := s.matches[:0]
	for _, m := range s.matches {
		m.Line = lines[m.Start]
		if why := missingCompanion(&m, all); why != "" {
			s.drop(m.Rule, m.Start, m.End, why)
			continue
		}
		kept = append(kept, m)
	}
	s.matches = append(kept, hidden...)
}

// setLines fills in the lines, counting each line feed once.
func setLines(text []byte, m []Match) {
	slices.SortStableFunc(m, func(a, b Match) int { return a.FullStart - b.FullStart })
	line, at := 1, 0
	for i := range m {
		line += bytes.Count(text[at:m[i].FullStart], []byte{'\n'})
		at = m[i].FullStart
		m[i].Line = line
	}
}

func missingCompanion(m *Match, all []Match) string {
	for _, c := range m.Rule.Companions {
		if !c.Required {
			continue
		}
		found := false
		for i := range all {
			o := &all[i]
			if o.Rule.ID == c.Rule && o.Start != m.Start && (c.Lines == 0 || distance(o.Line, m.Line) <= c.Lines) {
				found = true
				break
			}
		}
		if !found {
			return "its companion " + c.Rule + " is not near"
		}
	}
	return ""
}

func distance(a, b int) int {
	if a < b {
		return b - a
	}
	return a - b
}
