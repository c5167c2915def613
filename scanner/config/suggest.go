package config

import (
	"slices"
	"strings"
)

// suggestion says which of the names was probably meant, or which there are.
func suggestion(name string, names []string) string {
	if near := nearest(name, names); near != "" {
		return ": did you mean " + near + "?"
	}
	const few = 16
	if len(names) > few {
		return ""
	}
	names = slices.Sorted(slices.Values(names))
	return ": want one of " + strings.Join(names, ", ")
}

// nearest returns the name that differs least, if it differs by little.
func nearest(name string, names []string) string {
	if len(name) > 100 {
		return ""
	}
	best, bestDistance := "", 1+max(1, len(name)/3)
	for _, n := range slices.Sorted(slices.Values(names)) {
		if d := distance(strings.ToLower(name), strings.ToLower(n)); d < bestDistance {
			best, bestDistance = n, d
		}
	}
	return best
}

// distance is how many letters must be added, dropped or changed.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
