package derive

import "slices"

// cover chooses scopes so that each group has one of its own chosen, with the
// least power together; of several such sets the one with fewer, and then by
// name.
func cover(groups [][]string, power map[string]int) []string {
	var distinct [][]string
	for _, g := range groups {
		g = slices.Sorted(slices.Values(g))
		if !slices.ContainsFunc(distinct, func(d []string) bool { return slices.Equal(d, g) }) {
			distinct = append(distinct, g)
		}
	}
	// The group with the fewest to choose from leaves the least to try.
	slices.SortStableFunc(distinct, func(a, b []string) int { return len(a) - len(b) })
	s := &search{groups: distinct, power: power, left: maxSteps}
	s.from(0, nil, 0)
	slices.Sort(s.best)
	return s.best
}

// maxSteps bounds the search; the best set until then is taken.
const maxSteps = 200_000

type search struct {
	groups [][]string
	power  map[string]int
	best   []string
	cost   int
	left   int
}

func (s *search) from(i int, chosen []string, cost int) {
	for i < len(s.groups) && slices.ContainsFunc(s.groups[i], func(name string) bool { return slices.Contains(chosen, name) }) {
		i++
	}
	if s.left--; s.best != nil && (s.left < 0 || cost > s.cost || cost == s.cost && len(chosen) >= len(s.best)) {
		return
	}
	if i == len(s.groups) {
		s.best, s.cost = slices.Clone(chosen), cost
		return
	}
	options := slices.Clone(s.groups[i])
	slices.SortStableFunc(options, func(a, b string) int { return s.power[a] - s.power[b] })
	for _, name := range options {
		s.from(i+1, append(chosen[:len(chosen):len(chosen)], name), cost+s.power[name])
	}
}
