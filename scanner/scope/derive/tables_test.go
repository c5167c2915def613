package derive

import (
	"fmt"
	"strings"
	"testing"
)

// TestTables reads the tables, of which each row must say something new.
func TestTables(t *testing.T) {
	if _, err := parseAWS(awsText); err != nil {
		t.Error(err)
	}
	if _, err := parseGitHub(githubText); err != nil {
		t.Error(err)
	}
	if _, err := parseGoogle(googleText); err != nil {
		t.Error(err)
	}
	for name, text := range map[string]string{"aws.txt": awsText, "github.txt": githubText, "google.txt": googleText} {
		seen := make(map[string]bool)
		for line := range strings.Lines(text) {
			f := strings.Fields(line)
			if len(f) < 3 || f[0][0] == '#' {
				continue
			}
			key := f[0] + " " + f[1]
			if f[0] == "arn" || f[0] == "not" {
				key += " " + f[2]
			}
			if seen[key] {
				t.Errorf("%s has two rows of %s", name, key)
			}
			seen[key] = true
			if f[0] == "prefix" && f[1] == f[2] {
				t.Errorf("%s: a prefix needs no row where it is the folder's name: %s", name, f[1])
			}
		}
	}
}

// TestActions has operations whose actions have other names.
func TestActions(t *testing.T) {
	for operation, want := range map[string]string{
		"s3.GetObject":                   "[{s3:GetObject }]",
		"s3.ListObjectsV2":               "[{s3:ListBucket }]",
		"sesv2.SendEmail":                "[{ses:SendEmail }]",
		"apigateway.GetRestApis":         "[{apigateway:GET }]",
		"apigatewayv2.UpdateApi":         "[{apigateway:PATCH }]",
		"apigatewayv2.ImportApi":         "[{apigateway:PUT }]",
		"sts.GetCallerIdentity":          "[]",
		"elasticloadbalancingv2.AddTags": "[{elasticloadbalancing:AddTags }]",
	} {
		service, name, _ := strings.Cut(operation, ".")
		none := func(string) bool { return false }
		if got := fmt.Sprint(tables().needs(service, name, none, none)); got != want {
			t.Errorf("%s: %s, wanted %s", operation, got, want)
		}
	}
}

// TestSetAtTimes has a field that asks for another action, and is set at times.
func TestSetAtTimes(t *testing.T) {
	version := func(field string) bool { return field == "VersionId" }
	none := func(string) bool { return false }
	for _, c := range []struct {
		surely func(string) bool
		want   string
	}{{version, "[{s3:GetObjectVersion }]"}, {none, "[{s3:GetObject } {s3:GetObjectVersion }]"}} {
		if got := fmt.Sprint(tables().needs("s3", "GetObject", version, c.surely)); got != c.want {
			t.Errorf("%s, wanted %s", got, c.want)
		}
	}
}

// TestPermissions has endpoints of which several rows speak.
func TestPermissions(t *testing.T) {
	for operation, want := range map[string]string{
		"GET /repos/{owner}/{repo}":                                  "[[{metadata read}]] true",
		"DELETE /repos/{owner}/{repo}":                               "[[{administration write}]] true",
		"GET /repos/*/*/issues":                                      "[[{issues read}]] true",
		"PATCH /repos/{owner}/{repo}/issues/{issue_number}":          "[[{issues write}] [{pull_requests write}]] true",
		"POST /repos/{owner}/{repo}/issues/{issue_number}/reactions": "[[{issues write}]] true",
		"PUT /repos/{owner}/{repo}/pulls/{pull_number}/merge":        "[[{contents write}]] true",
		"GET /repos/{owner}/{repo}/pulls/{pull_number}/merge":        "[[{pull_requests read}]] true",
		"GET /repos/{owner}/{repo}/branches/{branch}/protection":     "[[{administration read}]] true",
		"POST /repos/{owner}/{repo}/forks":                           "[[{administration write} {contents read}]] true",
		"POST /repos/{owner}/{repo}/hooks/{hook_id}/tests":           "[[{repository_hooks read}]] true",
		"PUT /orgs/{org}/teams/{team_slug}/memberships/{username}":   "[[{members write}]] true",
		"PUT /orgs/{org}/teams/{team_slug}/repos/{owner}/{repo}":     "[[{administration write} {members read}]] true",
		"GET /rate_limit":            "[] true",
		"GET /orgs/{org}/migrations": "[] false",
		"GET /notifications":         "[] true notifications",
		"GET /search/issues":         "[] true",
		"PUT /orgs/{org}/properties/schema/{custom_property_name}":     "[[{organization_custom_properties admin}]] true",
		"POST /repos/{owner}/{repo}/commits/{commit_sha}/comments":     "[[{contents read}]] true",
		"GET /repos/{owner}/{repo}/environments/{environment_name}":    "[[{actions read}]] true",
		"PUT /repos/{owner}/{repo}/environments/{environment_name}":    "[[{administration write}]] true",
		"GET /repos/{owner}/{repo}/environments/{name}/secrets/{name}": "[[{environments read}]] true",
	} {
		sets, classic, ok := permissions(operation)
		if got := strings.TrimSpace(fmt.Sprint(sets, " ", ok, " ", classic)); got != want {
			t.Errorf("%s: %s, wanted %s", operation, got, want)
		}
	}
}

// TestCovers has patterns of IAM's.
func TestCovers(t *testing.T) {
	for _, c := range []struct {
		pattern, text string
		want          bool
	}{
		{"*", "arn:aws:s3:::b/k", true},
		{"arn:aws:s3:::b/*", "arn:aws:s3:::b/k", true},
		{"arn:aws:s3:::b/*", "arn:aws:s3:::c/k", false},
		{"arn:aws:s3:::b/*", "arn:aws:s3:::b/*", true},
		{"s3:Get*", "s3:GetObject", true},
		{"secret:db-??????", "secret:db-a1b2c3", true},
		{"secret:db-??????", "secret:db-a1", false},
		{"a*b*c", "a.b.b.c", true},
		{"a*b*c", "a.b.b.", false},
		{strings.Repeat("*a", 50), strings.Repeat("a", 500) + "b", false},
	} {
		if got := covers(c.pattern, c.text); got != c.want {
			t.Errorf("%s covers %s: %v", c.pattern, c.text, got)
		}
	}
}

// TestCover has sets where the cheapest for each is not the cheapest for all.
func TestCover(t *testing.T) {
	power := map[string]int{"all": 9, "read": 4, "list": 2, "write": 7, "send": 1}
	for _, c := range []struct {
		groups [][]string
		want   string
	}{
		{nil, "[]"},
		{[][]string{{"all", "read", "list"}}, "[list]"},
		{[][]string{{"all", "read", "list"}, {"all", "read"}}, "[read]"},
		{[][]string{{"all", "read", "list"}, {"all", "write"}}, "[all]"},
		{[][]string{{"all", "read"}, {"send", "all"}, {"all", "read", "list"}}, "[read send]"},
	} {
		if got := fmt.Sprint(cover(c.groups, power)); got != c.want {
			t.Errorf("%v: %s, wanted %s", c.groups, got, c.want)
		}
	}
}
