package scope_test

import (
	"os"
	"strings"
	"testing"

	"github.com/remint/remint/scanner/scope"
)

// TestVocabulary asserts that every row has its four parts, is found, and
// names something narrower that is not itself in the list for the same reason.
func TestVocabulary(t *testing.T) {
	text, err := os.ReadFile("vocabulary.txt")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	rows := 0
	for i, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		if line == "" || line[0] == '#' {
			continue
		}
		rows++
		f := strings.Split(line, " | ")
		if len(f) != 4 {
			t.Fatalf("line %d has %d parts", i+1, len(f))
		}
		if seen[f[0]+f[1]] {
			t.Errorf("line %d: %s is there twice", i+1, f[1])
		}
		seen[f[0]+f[1]] = true
		if scope.Providers[f[0]] == nil {
			t.Errorf("line %d: nothing tells code of %s", i+1, f[0])
		}
		p, ok := scope.OAuth(f[0], strings.ReplaceAll(f[1], "*", "things"))
		if !ok || p.Why != f[3] || p.Narrower == "" {
			t.Errorf("line %d: %s is judged %+v, %v", i+1, f[1], p, ok)
		}
		for _, n := range p.Scopes {
			if n == f[1] {
				t.Errorf("line %d: %s is no narrower than itself", i+1, n)
			}
		}
	}
	if rows < 150 {
		t.Errorf("only %d rows", rows)
	}
}

func TestOAuth(t *testing.T) {
	for _, c := range []struct {
		provider, scope, narrower string
	}{
		{"", "https://www.googleapis.com/auth/drive", "https://www.googleapis.com/auth/drive.file"},
		{"", "https://www.googleapis.com/auth/drive.file", ""},
		{"", "repo", ""},
		{"github", "repo", "public_repo"},
		{"github", "read:org", ""},
		{"", "admin:org", "read:org"},
		{"gitlab", "api", "read_api"},
		{"", "api", ""},
		{"slack", "admin", "admin.users:read"},
		{"slack", "admin.teams:write", ""},
		{"", "https://graph.microsoft.com/Mail.ReadWrite", "https://graph.microsoft.com/Mail.ReadBasic"},
		{"microsoft", "User.Read", ""},
		{"", "DeviceManagementApps.ReadWrite.All", ""},
		{"", "*", ""},
		{"", "openid", ""},
	} {
		p, ok := scope.OAuth(c.provider, c.scope)
		first := ""
		if len(p.Scopes) > 0 {
			first = p.Scopes[0]
		}
		wide := c.narrower != "" || c.scope == "*" || strings.HasSuffix(c.scope, ":write") || strings.HasSuffix(c.scope, ".All")
		if ok != wide || first != c.narrower {
			t.Errorf("%s %s: wide %v, narrower %q, want %v, %q", c.provider, c.scope, ok, first, wide, c.narrower)
		}
	}
}

func TestProviderOf(t *testing.T) {
	for text, want := range map[string]string{
		"https://github.com/login/oauth/access_token": "github", "https://login.microsoftonline.com/x/oauth2/v2.0/token": "microsoft",
		"https://notgithub.com/": "", "https://github.com.evil.example/": "", "https://gitlab.com": "gitlab", "slack": "slack", "https://acme.okta.com/": "okta",
	} {
		if got := scope.ProviderOf(text); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

func TestAWS(t *testing.T) {
	for _, c := range []struct{ policy, value string }{
		{`{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`, "*"},
		{`{"Statement":{"Effect":"Allow","Action":["s3:GetObject","s3:*"],"Resource":"*"}}`, "s3:*"},
		{`{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::logs/*"}}`, ""},
		{`{"Statement":{"Effect":"Allow","Action":"ec2:Describe*","Resource":"*"}}`, ""},
		{`{"Statement":{"Effect":"Allow","Action":"iam:PassRole","Resource":"*"}}`, "iam:PassRole"},
		{`{"Statement":{"Effect":"Allow","NotAction":"iam:*","Resource":"*"}}`, "NotAction"},
		{`{"Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}`, ""},
		{`{"Statement":{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}}`, "*"},
		{`{"Statement":{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"x"}}}}`, ""},
		{`{"Statement":{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}}`, ""},
		{`{"Statement":{"Effect":"Allow","Action":{"Fn::If":[1]},"Resource":"*"}}`, "no policy"},
		{`{"Action":"*"}`, "no policy"}, {`[]`, "no policy"}, {`{"Statement":7}`, "no policy"},
	} {
		all, ok := scope.ParseAWS([]byte(c.policy))
		if !ok {
			if c.value != "no policy" {
				t.Errorf("%s is not read", c.policy)
			}
			continue
		}
		if p, _ := all[0].Judge(); p.Value != c.value {
			t.Errorf("%s: %q, want %q", c.policy, p.Value, c.value)
		}
	}
}

func TestKubernetes(t *testing.T) {
	list := func(s string) []string {
		if s == "-" {
			return nil
		}
		return strings.Split(s, ",")
	}
	for _, c := range []struct {
		verbs, groups, resources string
		wide                     bool
	}{
		{"*", "*", "*", true}, {"*", "apps", "deployments", true}, {"get,list", "", "*", true}, {"get,list", "apps", "*", false},
		{"get,create", "apps", "*", true}, {"get", "", "pods", false}, {"*", "-", "-", false}, {"*", "", "secrets", true},
	} {
		r := scope.PolicyRule{Verbs: list(c.verbs), Groups: list(c.groups), Resources: list(c.resources)}
		if _, ok := r.Judge(); ok != c.wide {
			t.Errorf("%+v: %v", c, ok)
		}
	}
}

func FuzzParseAWS(f *testing.F) {
	f.Add([]byte(`{"Statement":[{"Effect":"Allow","Action":["a",1],"Resource":"*","Principal":{"AWS":["*"]}}]}`))
	f.Fuzz(func(_ *testing.T, text []byte) {
		all, _ := scope.ParseAWS(text)
		for i := range all {
			all[i].Judge()
		}
	})
}
