package awsiam

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/remint/remint/remediate/mint"
	"github.com/remint/remint/remediate/mint/minttest"
	"github.com/remint/remint/remediate/mint/minttest/servers"
)

// cloud is a real stand-in of AWS with its administrator.
type cloud struct {
	*servers.AWS
	admin pair
}

func start(t *testing.T) *cloud {
	t.Helper()
	a := servers.StartAWS(t)
	return &cloud{a, pair{id: a.Admin.ID, secret: a.Admin.Secret}}
}

func (c *cloud) settings(options map[string]string) mint.Settings {
	return mint.Settings{Endpoint: c.URL, Admin: []byte(c.admin.id + ":" + c.admin.secret), Options: options}
}

func (c *cloud) iam(p pair) *iam.Client {
	return iam.NewFromConfig(config(&mint.Request{Settings: mint.Settings{Endpoint: c.URL}}, p))
}

// user makes a user with a policy and a key.
func (c *cloud) user(t *testing.T, name, policy string) pair {
	t.Helper()
	k := c.User(t, name, policy)
	return pair{id: k.ID, secret: k.Secret}
}

func (c *cloud) key(t *testing.T, user string) pair {
	t.Helper()
	out, err := c.iam(c.admin).CreateAccessKey(t.Context(), &iam.CreateAccessKeyInput{UserName: &user})
	if err != nil {
		t.Fatal(err)
	}
	return pair{id: *out.AccessKey.AccessKeyId, secret: *out.AccessKey.SecretAccessKey}
}

func (c *cloud) keys(t *testing.T, user string) []types.AccessKeyMetadata {
	t.Helper()
	out, err := c.iam(c.admin).ListAccessKeys(t.Context(), &iam.ListAccessKeysInput{UserName: &user})
	if err != nil {
		t.Fatal(err)
	}
	return out.AccessKeyMetadata
}

func found(p pair) mint.Leaked {
	return mint.Leaked{Rule: "aws-secret-access-key", Value: []byte(p.secret), Secret: []byte(p.secret), Beside: map[string]string{"aws-access-token": p.id}}
}

const narrow = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["iam:ListAccountAliases","s3:GetObject"],"Resource":"*"}]}`

var users atomic.Int32

func name() string { return fmt.Sprintf("app-%d", users.Add(1)) }

// quick shortens the wait for IAM, which moto does not need.
func quick(t *testing.T) {
	t.Helper()
	old := patience
	patience = time.Second
	t.Cleanup(func() { patience = old })
}

func TestSuite(t *testing.T) {
	quick(t)
	c, token := start(t), minttest.Token(t)
	t.Run("new user", func(t *testing.T) {
		minttest.Run(t, minttest.Case{
			Minter: Minter{},
			Leak: func(t *testing.T) mint.Request {
				return mint.Request{HSM: token, Settings: c.settings(nil), Leaked: found(c.user(t, name(), narrow)),
					Scope: mint.Scope{{Type: "awsiam", Actions: []string{"iam:ListAccountAliases"}, Locations: []string{"*"}}}}
			},
			Lose: func() { c.Lose("CreateAccessKey") },
			Check: func(t *testing.T, r *mint.Request, m mint.Minted) {
				api := c.iam(pair{id: m.ID, secret: string(m.Value)})
				if _, err := api.ListAccountAliases(t.Context(), &iam.ListAccountAliasesInput{}); err != nil {
					t.Errorf("what the scope allows: %v", err)
				}
				if _, err := api.ListUsers(t.Context(), &iam.ListUsersInput{}); code(err) != "AccessDenied" {
					t.Errorf("what the scope does not allow: want AccessDenied, got %v", err)
				}
				out, err := c.iam(c.admin).ListUserTags(t.Context(), &iam.ListUserTagsInput{UserName: aws.String(r.Label(maxName))})
				if err != nil || len(out.Tags) != 2 {
					t.Errorf("the new user's tags: %v, %v", out, err)
				}
			},
		})
	})
	t.Run("scope of the old", func(t *testing.T) {
		minttest.Run(t, minttest.Case{Minter: Minter{}, Leak: func(t *testing.T) mint.Request {
			r := mint.Request{HSM: token, Settings: c.settings(nil), Leaked: found(c.user(t, name(), narrow))}
			scope, err := Minter{}.Scope(t.Context(), &r)
			if err != nil || scope.String() != "iam:ListAccountAliases,s3:GetObject on *" {
				t.Fatalf("%s, %v", scope, err)
			}
			r.Scope = scope
			return r
		}})
	})
	t.Run("in place", func(t *testing.T) {
		minttest.Run(t, minttest.Case{Minter: Minter{}, Leak: func(t *testing.T) mint.Request {
			return mint.Request{HSM: token, Settings: c.settings(map[string]string{"in-place": "true"}), Leaked: found(c.user(t, name(), narrow))}
		}})
	})
	t.Run("lost in place", c.lostInPlace)
	t.Run("two keys", c.twoKeys)
	t.Run("without an admin", c.withoutAdmin)
	t.Run("policies", c.policies)
	t.Run("inactive", c.inactive)
	t.Run("undone", c.undone)
}

// lostInPlace leaves a key of which nobody can tell that it was minted.
func (c *cloud) lostInPlace(t *testing.T) {
	user := name()
	r := mint.Request{Name: "a/b", Token: "0badcafe", Settings: c.settings(map[string]string{"in-place": "true"}), Leaked: found(c.user(t, user, narrow))}
	c.Lose("CreateAccessKey")
	before := c.Created.Load()
	if _, err := (Minter{}).Mint(t.Context(), &r); err == nil {
		t.Fatal("the answer was not lost")
	}
	if n := c.Created.Load() - before; n != 1 {
		t.Fatalf("the call was sent %d times", n)
	}
	if _, err := (Minter{}).Orphans(t.Context(), &r); !errors.Is(err, mint.ErrNeedsPerson) {
		t.Errorf("want a person to be needed, got %v", err)
	}
	for _, k := range c.keys(t, user) {
		if err := (Minter{}).Remove(t.Context(), &r, *k.AccessKeyId); !errors.Is(err, mint.ErrNeedsPerson) {
			t.Errorf("removed a key that is not known: %v", err)
		}
	}
}

func (c *cloud) twoKeys(t *testing.T) {
	user := name()
	used := c.user(t, user, narrow)
	other := c.key(t, user)
	r := mint.Request{Name: "a/b", Token: "0badcafe", Settings: c.settings(map[string]string{"in-place": "true"}), Leaked: found(used)}
	_, err := Minter{}.Mint(t.Context(), &r)
	if err == nil || !strings.Contains(err.Error(), used.id) || !strings.Contains(err.Error(), other.id) {
		t.Fatalf("want an error that names both keys, got %v", err)
	}
	if len(c.keys(t, user)) != 2 {
		t.Fatal("a key in use was deleted")
	}
	in := &iam.UpdateAccessKeyInput{UserName: &user, AccessKeyId: &other.id, Status: types.StatusTypeInactive}
	if _, err := c.iam(c.admin).UpdateAccessKey(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	if ids, err := (Minter{}).Orphans(t.Context(), &r); err != nil || len(ids) != 0 {
		t.Errorf("an inactive key is no orphan: %v, %v", ids, err)
	}
	m, err := Minter{}.Mint(t.Context(), &r)
	if err != nil || m.EndedOld {
		t.Fatalf("ended %v, %v", m.EndedOld, err)
	}
	for _, k := range c.keys(t, user) {
		if id := *k.AccessKeyId; id != used.id && id != m.ID {
			t.Errorf("the key %s is there", id)
		}
	}
}

// withoutAdmin has the leaked key alone: it may ask and delete itself.
func (c *cloud) withoutAdmin(t *testing.T) {
	p := c.user(t, name(), `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["iam:DeleteAccessKey"],"Resource":"*"}}`)
	r := mint.Request{Name: "a/b", Token: "0badcafe", Settings: mint.Settings{Endpoint: c.URL}, Leaked: found(p), Scope: mint.Scope{{Actions: []string{"s3:GetObject"}, Locations: []string{"*"}}}}
	if _, err := (Minter{}).Mint(t.Context(), &r); !errors.Is(err, mint.ErrNoAdmin) {
		t.Errorf("want that an admin is missing, got %v", err)
	}
	for range 2 {
		if err := (Minter{}).Revoke(t.Context(), &r); err != nil {
			t.Fatal(err)
		}
	}
	if err := (Minter{}).Prove(t.Context(), &r, r.Leaked.Value); !mint.Refused(err) {
		t.Errorf("want it refused, got %v", err)
	}
	r.Settings.Admin = []byte("AKIA" + strings.Repeat("A", 16) + ":" + strings.Repeat("x", 40))
	if err := (Minter{}).Revoke(t.Context(), &r); err == nil || mint.Refused(err) {
		t.Errorf("an admin who is refused says nothing of the leaked key: %v", err)
	}
}

func (c *cloud) policies(t *testing.T) {
	user, group, managed := name(), name(), name()
	p := c.user(t, user, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::home/${aws:username}/*"}}`)
	api := c.iam(c.admin)
	made, err := api.CreatePolicy(t.Context(), &iam.CreatePolicyInput{PolicyName: &managed, PolicyDocument: aws.String(narrow)})
	if err != nil {
		t.Fatal(err)
	}
	_, err1 := api.AttachUserPolicy(t.Context(), &iam.AttachUserPolicyInput{UserName: &user, PolicyArn: made.Policy.Arn})
	_, err2 := api.CreateGroup(t.Context(), &iam.CreateGroupInput{GroupName: &group})
	_, err3 := api.PutGroupPolicy(t.Context(), &iam.PutGroupPolicyInput{GroupName: &group, PolicyName: aws.String("g"), PolicyDocument: aws.String(strings.ReplaceAll(narrow, `"*"`, `"arn:aws:s3:::g/*"`))})
	_, err4 := api.AttachGroupPolicy(t.Context(), &iam.AttachGroupPolicyInput{GroupName: &group, PolicyArn: made.Policy.Arn})
	_, err5 := api.AddUserToGroup(t.Context(), &iam.AddUserToGroupInput{GroupName: &group, UserName: &user})
	if err := errors.Join(err1, err2, err3, err4, err5); err != nil {
		t.Fatal(err)
	}
	r := mint.Request{Settings: c.settings(nil), Leaked: found(p)}
	want := "s3:* on arn:aws:s3:::home/" + user + "/*; iam:ListAccountAliases,s3:GetObject on *; iam:ListAccountAliases,s3:GetObject on arn:aws:s3:::g/*"
	if scope, err := (Minter{}).Scope(t.Context(), &r); err != nil || scope.String() != want {
		t.Errorf("got %s, %v", scope, err)
	}
	for _, s := range []string{
		`{"Effect":"Deny","Action":"s3:PutObject","Resource":"*"}`,
		`{"Effect":"Allow","NotAction":"iam:*","Resource":"*"}`,
		`{"Effect":"Allow","Action":"s3:GetObject","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"true"}}}`,
		`{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::h/${aws:userid}/*"}`,
	} {
		in := &iam.PutUserPolicyInput{UserName: &user, PolicyName: aws.String("own"), PolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[` + s + `]}`)}
		if _, err := api.PutUserPolicy(t.Context(), in); err != nil {
			t.Fatal(err)
		}
		if _, err := (Minter{}).Scope(t.Context(), &r); err == nil || !strings.Contains(err.Error(), "statement 1 of the policy own") {
			t.Errorf("%s: want an error that names it, got %v", s, err)
		}
	}
}

// inactive asks about a key that cannot be asked any more.
func (c *cloud) inactive(t *testing.T) {
	user := name()
	p := c.user(t, user, narrow)
	r := mint.Request{Settings: c.settings(nil), Leaked: found(pair{id: p.id, secret: strings.Repeat("x", 40)})}
	if err := (Minter{}).Prove(t.Context(), &r, r.Leaked.Value); !mint.Refused(err) {
		t.Errorf("a secret that is wrong: want it refused, got %v", err)
	}
	if got, err := owner(t.Context(), &r); err != nil || got != user {
		t.Errorf("owner %q, %v", got, err)
	}
	r.Settings.Endpoint = "http://127.0.0.1:1"
	if err := (Minter{}).Prove(t.Context(), &r, r.Leaked.Value); err == nil || mint.Refused(err) {
		t.Errorf("nobody answers: %v", err)
	}
}

// undone takes back what was minted by the id of its key.
func (c *cloud) undone(t *testing.T) {
	r := mint.Request{Name: "a/b", Token: "0badcafe", Settings: c.settings(nil), Leaked: found(c.user(t, name(), narrow)), Scope: mint.Scope{{Actions: []string{"s3:GetObject"}, Locations: []string{"*"}}}}
	m, err := Minter{}.Mint(t.Context(), &r)
	if err != nil {
		t.Fatal(err)
	}
	if err := (Minter{}).Remove(t.Context(), &r, m.ID); err == nil {
		t.Error("removed a key that is not known")
	}
	r.Minted = &m
	if err := (Minter{}).Remove(t.Context(), &r, m.ID); err != nil {
		t.Fatal(err)
	}
	if ids, err := (Minter{}).Orphans(t.Context(), &r); err != nil || len(ids) != 0 {
		t.Errorf("%v, %v", ids, err)
	}
	other, stranger := r, name()
	c.user(t, stranger+"-"+r.Token, narrow)
	if err := (Minter{}).Remove(t.Context(), &other, stranger+"-"+r.Token); err == nil {
		t.Error("removed a user without the tag")
	}
}
