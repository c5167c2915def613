package awsiam

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/remint/remint/remediate/mint"
)

// document is an IAM policy, as far as a scope can say it.
type document struct {
	Version   string     `json:"Version"`
	Statement statements `json:"Statement"`
}

type statement struct {
	Effect      string          `json:"Effect"`
	Action      texts           `json:"Action,omitempty"`
	Resource    texts           `json:"Resource,omitempty"`
	NotAction   json.RawMessage `json:"NotAction,omitempty"`
	NotResource json.RawMessage `json:"NotResource,omitempty"`
	Condition   json.RawMessage `json:"Condition,omitempty"`
}

type (
	statements []statement
	texts      []string
)

// UnmarshalJSON reads one statement or a list.
func (s *statements) UnmarshalJSON(text []byte) error { return oneOrMore(text, (*[]statement)(s)) }

// UnmarshalJSON reads one text or a list.
func (t *texts) UnmarshalJSON(text []byte) error { return oneOrMore(text, (*[]string)(t)) }

func oneOrMore[T any](text []byte, into *[]T) error {
	if strings.HasPrefix(strings.TrimSpace(string(text)), "[") {
		return json.Unmarshal(text, into)
	}
	*into = make([]T, 1)
	return json.Unmarshal(text, &(*into)[0])
}

// policy is a scope as a policy of IAM.
func policy(scope mint.Scope) (string, error) {
	if len(scope) == 0 {
		return "", errors.New("AWS: a new user needs a scope, such as \"s3:GetObject on arn:aws:s3:::jobs/*\"")
	}
	d := document{Version: "2012-10-17"}
	for _, g := range scope {
		if len(g.Actions) == 0 || len(g.Locations) == 0 {
			return "", fmt.Errorf("AWS: the scope %q: want actions and resources, such as \"s3:GetObject on arn:aws:s3:::jobs/*\"", mint.Scope{g}.String())
		}
		all := func(s string) bool { return strings.Trim(s, "*:") == "" }
		if slices.ContainsFunc(g.Actions, all) && slices.ContainsFunc(g.Locations, all) {
			return "", errors.New("AWS: the scope allows everything on everything: narrow it to what the program does")
		}
		d.Statement = append(d.Statement, statement{Effect: "Allow", Action: g.Actions, Resource: g.Locations})
	}
	text, err := json.Marshal(d)
	return string(text), err
}

// Scope implements mint.Scoper: what the policies of the leaked key's user and
// of its groups allow. Wildcards stay as they are: a person should narrow them.
// Where policies say what a scope cannot, that is an error, because leaving it
// out would let the new key do more than the old.
func (Minter) Scope(ctx context.Context, r *mint.Request) (mint.Scope, error) {
	user, err := owner(ctx, r)
	if err != nil {
		return nil, err
	}
	if user == "" {
		return nil, errors.New("AWS: the leaked key is gone, and whose it was is not known: say what the new one may do")
	}
	c, err := manage(r)
	if err != nil {
		return nil, err
	}
	reader := reader{r: r, c: c, user: user}
	if err := reader.read(ctx); err != nil {
		return nil, explain(r, "read what "+user+" may do", err)
	}
	if len(reader.unsaid) > 0 {
		return nil, fmt.Errorf("AWS: a scope cannot say %s of what %s may do: say what the new key may do by hand; the rest is %q", strings.Join(reader.unsaid, ", "), user, reader.scope.String())
	}
	return reader.scope, nil
}

// reader gathers what a user may do.
type reader struct {
	r      *mint.Request
	c      *iam.Client
	user   string
	scope  mint.Scope
	unsaid []string
}

func (s *reader) read(ctx context.Context) error {
	if err := s.boundary(ctx); err != nil {
		return err
	}
	inline := iam.NewListUserPoliciesPaginator(s.c, &iam.ListUserPoliciesInput{UserName: &s.user})
	for inline.HasMorePages() {
		page, err := inline.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, name := range page.PolicyNames {
			out, err := s.c.GetUserPolicy(ctx, &iam.GetUserPolicyInput{UserName: &s.user, PolicyName: &name})
			if err != nil {
				return err
			}
			if err := s.add(name, aws.ToString(out.PolicyDocument)); err != nil {
				return err
			}
		}
	}
	attached := iam.NewListAttachedUserPoliciesPaginator(s.c, &iam.ListAttachedUserPoliciesInput{UserName: &s.user})
	for attached.HasMorePages() {
		page, err := attached.NextPage(ctx)
		if err != nil {
			return err
		}
		if err := s.managed(ctx, page.AttachedPolicies); err != nil {
			return err
		}
	}
	groups := iam.NewListGroupsForUserPaginator(s.c, &iam.ListGroupsForUserInput{UserName: &s.user})
	for groups.HasMorePages() {
		page, err := groups.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, g := range page.Groups {
			if err := s.group(ctx, g.GroupName); err != nil {
				return err
			}
		}
	}
	return nil
}

// boundary looks whether new users are bound as the old one is.
func (s *reader) boundary(ctx context.Context) error {
	out, err := s.c.GetUser(ctx, &iam.GetUserInput{UserName: &s.user})
	if err != nil {
		return err
	}
	if out.User == nil || out.User.PermissionsBoundary == nil {
		return nil
	}
	if at := aws.ToString(out.User.PermissionsBoundary.PermissionsBoundaryArn); at != s.r.Settings.Options["boundary"] {
		s.unsaid = append(s.unsaid, "the permissions boundary (name it as providers.awsiam.boundary: "+at+")")
	}
	return nil
}

func (s *reader) group(ctx context.Context, group *string) error {
	inline := iam.NewListGroupPoliciesPaginator(s.c, &iam.ListGroupPoliciesInput{GroupName: group})
	for inline.HasMorePages() {
		page, err := inline.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, name := range page.PolicyNames {
			out, err := s.c.GetGroupPolicy(ctx, &iam.GetGroupPolicyInput{GroupName: group, PolicyName: &name})
			if err != nil {
				return err
			}
			if err := s.add(name, aws.ToString(out.PolicyDocument)); err != nil {
				return err
			}
		}
	}
	attached := iam.NewListAttachedGroupPoliciesPaginator(s.c, &iam.ListAttachedGroupPoliciesInput{GroupName: group})
	for attached.HasMorePages() {
		page, err := attached.NextPage(ctx)
		if err != nil {
			return err
		}
		if err := s.managed(ctx, page.AttachedPolicies); err != nil {
			return err
		}
	}
	return nil
}

// managed reads policies that stand by themselves, in the version that holds.
func (s *reader) managed(ctx context.Context, policies []types.AttachedPolicy) error {
	for _, p := range policies {
		out, err := s.c.GetPolicy(ctx, &iam.GetPolicyInput{PolicyArn: p.PolicyArn})
		if err != nil {
			return err
		}
		version, err := s.c.GetPolicyVersion(ctx, &iam.GetPolicyVersionInput{PolicyArn: p.PolicyArn, VersionId: out.Policy.DefaultVersionId})
		if err != nil {
			return err
		}
		if err := s.add(aws.ToString(p.PolicyName), aws.ToString(version.PolicyVersion.Document)); err != nil {
			return err
		}
	}
	return nil
}

// variables of IAM that are the characters themselves.
var plain = strings.NewReplacer("${*}", "", "${?}", "", "${$}", "")

// add adds a policy's statements; IAM answers with the document URL-encoded.
func (s *reader) add(name, text string) error {
	if !strings.HasPrefix(strings.TrimSpace(text), "{") {
		decoded, err := url.PathUnescape(text)
		if err != nil {
			return fmt.Errorf("the policy %s is not URL-encoded: %w", name, err)
		}
		text = decoded
	}
	var d document
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		return fmt.Errorf("the policy %s is no policy document: %w", name, err)
	}
	for n, st := range d.Statement {
		g := mint.Grant{Type: "awsiam", Actions: st.Action, Locations: slices.Clone(st.Resource)}
		variable := false
		for i, l := range g.Locations {
			g.Locations[i] = strings.ReplaceAll(l, "${aws:username}", s.user) // the new user has another name
			variable = variable || strings.Contains(plain.Replace(g.Locations[i]), "${")
		}
		if st.Effect != "Allow" || variable || len(st.NotAction)+len(st.NotResource)+len(st.Condition) > 0 || len(g.Actions) == 0 || len(g.Locations) == 0 {
			s.unsaid = append(s.unsaid, fmt.Sprintf("statement %d of the policy %s", n+1, name))
			continue
		}
		same := func(o mint.Grant) bool {
			return slices.Equal(o.Actions, g.Actions) && slices.Equal(o.Locations, g.Locations)
		}
		if !slices.ContainsFunc(s.scope, same) {
			s.scope = append(s.scope, g)
		}
	}
	return nil
}
