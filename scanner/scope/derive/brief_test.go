package derive

import "testing"

func TestBrief(t *testing.T) {
	n := &Needs{
		AWS: []Action{
			{Name: "s3:GetObject", Resources: []string{"arn:aws:s3:::jobs/*"}},
			{Name: "s3:PutObject", Resources: []string{"arn:aws:s3:::jobs/*"}},
			{Name: "sqs:SendMessage", Resources: []string{"*"}},
		},
		GitHub: []Permission{{Name: "contents", Level: "read"}, {Name: "issues", Level: "write"}},
	}
	for provider, want := range map[string]string{
		"aws":    "s3:GetObject,s3:PutObject on arn:aws:s3:::jobs/*; sqs:SendMessage on *",
		"github": "contents:read,issues:write",
		"google": "", "gitlab": "",
	} {
		if got := n.Brief(provider); got != want {
			t.Errorf("%s: %q, want %q", provider, got, want)
		}
	}
}
