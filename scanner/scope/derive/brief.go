package derive

import "strings"

// Brief says in one line what is needed of a provider (aws, github or google),
// as scopes are written elsewhere: "s3:GetObject on arn:aws:s3:::jobs/*;
// sqs:SendMessage on *", "contents:read,issues:write", Google's scopes. It is
// "" where nothing is needed.
func (n *Needs) Brief(provider string) string {
	var parts []string
	switch provider {
	case "aws":
		actions := make(map[string]string) // by resources
		var order []string
		for _, a := range n.AWS {
			on := strings.Join(a.Resources, ",")
			if actions[on] == "" {
				order = append(order, on)
				actions[on] = a.Name
			} else {
				actions[on] += "," + a.Name
			}
		}
		for _, on := range order {
			parts = append(parts, actions[on]+" on "+on)
		}
		return strings.Join(parts, "; ")
	case "github":
		for _, p := range n.GitHub {
			parts = append(parts, p.Name+":"+p.Level)
		}
	case "google":
		for _, s := range n.Google {
			parts = append(parts, s.Name)
		}
	}
	return strings.Join(parts, ",")
}
