package engine

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
)

// settle leaves one match for one secret: where two overlap, the more telling
// rule stays. Then it looks for companions. What is left is in order of place,
// the hidden rules' matches behind the others.
func (s *Scanner) settle(text []byte) {
	if len(s.matches) == 0 {
		return
	}
	var hidden []Match
	visible := s.matches[:0]
	for _, m := range s.matches {
		if m.Rule.Hidden {
			hidden = append(hidden, m)
		} else {
			visible = append(visible, m)
		}
	}
	sortByPlace(visible)
	visible = slices.CompactFunc(visible, samePlace)
	kept := visible[:0]
	for len(visible) > 0 {
		// Matches that overlap, each with some other.
		n, end := 1, visible[0].End
		for n < len(visible) && visible[n].Start < end {
			end = max(end, visible[n].End)
			n++
		}
		kept = append(kept, s.best(visible[:n])...)
		visible = visible[n:]
	}
	s.matches = kept
	if s.e.paired {
		s.pair(text, hidden)
	}
}

// maxOverlaps bounds how many matches of one place are compared with each
// other; nothing that a person wrote has as many.
const maxOverlaps = 200

// best returns those of overlapping matches that stay, in order of place.
func (s *Scanner) best(m []Match) []Match {
	if len(m) == 1 {
		return m
	}
	slices.SortStableFunc(m, moreTelling)
	kept := m[:1]
	for i := 1; i < min(len(m), maxOverlaps); i++ {
		if over := overlapping(kept, &m[i]); over != nil {
			s.drop(m[i].Rule, m[i].Start, m[i].End, "the same bytes are "+over.Rule.ID)
			continue
		}
		kept = append(kept, m[i])
	}
	sortByPlace(kept)
	return kept
}

// samePlace tells whether two matches are the same, found twice.
func samePlace(a, b Match) bool {
	return a.Rule == b.Rule && a.Start == b.Start && a.End == b.End && a.FullStart == b.FullStart && a.FullEnd == b.FullEnd &&
		len(a.Encodings) == len(b.Encodings)
}

// moreTelling puts the match first that says more.
func moreTelling(a, b Match) int {
	switch {
	case a.priority != b.priority:
		return b.priority - a.priority
	case len(a.Encodings) != len(b.Encodings):
		return len(b.Encodings) - len(a.Encodings) // what is decoded is the secret
	case a.End-a.Start != b.End-b.Start:
		return (b.End - b.Start) - (a.End - a.Start)
	case a.Start != b.Start:
		return a.Start - b.Start
	}
	return cmp.Or(strings.Compare(a.Rule.ID, b.Rule.ID), a.FullStart-b.FullStart, a.FullEnd-b.FullEnd)
}

func sortByPlace(m []Match) {
	slices.SortStableFunc(m, func(a, b Match) int {
		return cmp.Or(a.Start-b.Start, a.End-b.End, strings.Compare(a.Rule.ID, b.Rule.ID), a.FullStart-b.FullStart, a.FullEnd-b.FullEnd, len(a.Encodings)-len(b.Encodings))
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
	hidden = dedupe(hidden)
	setLines(text, s.matches)
	setLines(text, hidden)
	sortByPlace(s.matches)
	lines := make(map[string][]int) // of each rule's matches, ascending
	for _, list := range [2][]Match{s.matches, hidden} {
		for i := range list {
			id := list[i].Rule.ID
			lines[id] = append(lines[id], list[i].Line)
		}
	}
	for id := range lines {
		slices.Sort(lines[id])
	}
	kept := s.matches[:0]
	for _, m := range s.matches {
		if why := missingCompanion(&m, lines); why != "" {
			s.drop(m.Rule, m.Start, m.End, why)
			continue
		}
		kept = append(kept, m)
	}
	s.matches = append(kept, hidden...)
}

// dedupe leaves one match for a rule at a place.
func dedupe(m []Match) []Match {
	sortByPlace(m)
	return slices.CompactFunc(m, func(a, b Match) bool { return a.Rule == b.Rule && a.Start == b.Start })
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

func missingCompanion(m *Match, lines map[string][]int) string {
	for _, c := range m.Rule.Companions {
		if !c.Required {
			continue
		}
		has := lines[c.Rule]
		if c.Lines == 0 && len(has) > 0 {
			continue
		}
		if i, _ := slices.BinarySearch(has, m.Line-c.Lines); i == len(has) || has[i] > m.Line+c.Lines {
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
