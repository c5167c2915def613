// Package awsiam replaces access keys of AWS IAM: by that of a new user who may
// do what the scope says, or, with the option in-place, by the second key of the
// same user. New users are under the path /remint/, to which an admin's own
// policy can be limited.
//
// Scopes are IAM's words: "s3:GetObject,s3:PutObject on arn:aws:s3:::jobs/*".
package awsiam

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/remint/remint/remediate/mint"
)

// Minter is AWS IAM. Settings.Admin is ACCESSKEYID:SECRET, or that and a session
// token. Of Settings.Options it knows "region", "user", the leaked key's where
// that cannot be asked, "in-place": "true", and "boundary", the ARN of the
// permissions boundary of new users.
type Minter struct{}

// ID implements mint.Minter.
func (Minter) ID() string { return "awsiam" }

const (
	maxName    = 64 // of IAM's users
	path       = "/remint/"
	tagToken   = "remint-token"
	tagEntry   = "remint-entry"
	policyName = "remint"
	maxKeys    = 2 // of one user
)

// patience is how long a new key may be unknown to a part of AWS: IAM is
// eventually consistent.
var patience = 15 * time.Second

func inPlace(r *mint.Request) bool { return r.Settings.Options["in-place"] == "true" }

// Mint implements mint.Minter.
func (Minter) Mint(ctx context.Context, r *mint.Request) (mint.Minted, error) {
	old, err := leaked(r)
	if err != nil {
		return mint.Minted{}, err
	}
	c, err := manage(r)
	if err != nil {
		return mint.Minted{}, err
	}
	if inPlace(r) {
		return second(ctx, r, c, old)
	}
	text, err := policy(r.Scope)
	if err != nil {
		return mint.Minted{}, err
	}
	name := r.Label(maxName)
	in := &iam.CreateUserInput{UserName: &name, Path: aws.String(path), Tags: []types.Tag{
		{Key: aws.String(tagToken), Value: &r.Token}, {Key: aws.String(tagEntry), Value: &r.Name},
	}}
	if b := r.Settings.Options["boundary"]; b != "" {
		in.PermissionsBoundary = &b
	}
	if _, err := c.CreateUser(ctx, in, once); err != nil {
		return mint.Minted{}, explain(r, "make the user "+name, err)
	}
	err = patiently(ctx, gone, func() error {
		_, err := c.PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: &name, PolicyName: aws.String(policyName), PolicyDocument: &text})
		return err
	})
	if err != nil {
		return mint.Minted{}, explain(r, "give the user "+name+" its policy", err)
	}
	m, err := newKey(ctx, r, c, name)
	m.Notes = []string{"the new user is " + name + ": policies of buckets, queues and keys that name the old user do not name it"}
	return m, err
}

// second makes another key for the leaked one's own user, in a free place.
func second(ctx context.Context, r *mint.Request, c *iam.Client, old pair) (mint.Minted, error) {
	user, keys, err := keysOfOwner(ctx, r, c)
	if err != nil {
		return mint.Minted{}, err
	}
	if user == "" {
		return mint.Minted{}, fmt.Errorf("AWS: the key %s is gone already: name its user as providers.awsiam.user", old.id)
	}
	var ended bool
	if len(keys) >= maxKeys {
		at := slices.IndexFunc(keys, func(k types.AccessKeyMetadata) bool { return k.Status == types.StatusTypeInactive })
		if at < 0 {
			return mint.Minted{}, fmt.Errorf("AWS: the user %s has %d keys in use, and more there cannot be: %s: make the one that nothing uses inactive, or mint without in-place", user, len(keys), list(keys))
		}
		id := aws.ToString(keys[at].AccessKeyId)
		if err := deleteKey(ctx, r, c, user, id); err != nil {
			return mint.Minted{}, err
		}
		ended = id == old.id
	}
	m, err := newKey(ctx, r, c, user)
	m.EndedOld = ended
	m.Notes = []string{"the user " + user + " gets a second key, with the rights of before"}
	return m, err
}

func newKey(ctx context.Context, r *mint.Request, c *iam.Client, user string) (mint.Minted, error) {
	out, err := c.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: &user}, once)
	if err != nil {
		return mint.Minted{}, explain(r, "make an access key for "+user, err)
	}
	k := out.AccessKey
	if k == nil || aws.ToString(k.AccessKeyId) == "" || aws.ToString(k.SecretAccessKey) == "" {
		return mint.Minted{}, fmt.Errorf("AWS: make an access key for %s: the answer has no key", user)
	}
	return mint.Minted{ID: *k.AccessKeyId, Value: []byte(*k.SecretAccessKey)}, nil
}

// keysOfOwner are the keys of the leaked one's user.
func keysOfOwner(ctx context.Context, r *mint.Request, c *iam.Client) (string, []types.AccessKeyMetadata, error) {
	user, err := owner(ctx, r)
	if err != nil || user == "" {
		return "", nil, err
	}
	out, err := c.ListAccessKeys(ctx, &iam.ListAccessKeysInput{UserName: &user})
	if err != nil {
		return "", nil, explain(r, "list the keys of "+user, err)
	}
	return user, out.AccessKeyMetadata, nil
}

// list names keys for a person.
func list(keys []types.AccessKeyMetadata) string {
	var all []string
	for _, k := range keys {
		all = append(all, fmt.Sprintf("%s (%s, of %s)", aws.ToString(k.AccessKeyId), k.Status, aws.ToTime(k.CreateDate).Format(time.DateOnly)))
	}
	return strings.Join(all, ", ")
}

// patiently repeats a call that may be repeated while it fails in one way.
func patiently(ctx context.Context, again func(error) bool, call func() error) error {
	end := time.Now().Add(patience)
	for pause := 250 * time.Millisecond; ; pause = min(2*pause, 3*time.Second) {
		err := call()
		if err == nil || !again(err) || time.Now().Add(pause).After(end) {
			return err
		}
		select {
		case <-ctx.Done():
			return errors.Join(err, ctx.Err())
		case <-time.After(pause):
		}
	}
}

// Prove implements mint.Prover: it asks AWS whose the key is, which needs no
// right. Only a new key gets time to become known.
func (Minter) Prove(ctx context.Context, r *mint.Request, value []byte) error {
	p, err := leaked(r)
	if err != nil {
		return err
	}
	again := func(error) bool { return false }
	if !bytes.Equal(value, r.Leaked.Value) {
		if r.Minted == nil {
			return errors.New("AWS: the id of the key to prove is not known: mint it first")
		}
		p = pair{id: r.Minted.ID, secret: string(value)}
		again = func(err error) bool {
			var refused *mint.RefusedError
			return errors.As(err, &refused) && refused.Answer == "InvalidClientTokenId"
		}
	}
	err = patiently(ctx, again, func() error {
		_, err := caller(ctx, r, p)
		return err
	})
	if c := code(err); c == "AccessDenied" || c == "AccessDeniedException" {
		return nil // AWS knows the key, and some policy keeps it from asking
	}
	return err
}

// Revoke implements mint.Revoker: the leaked key is made inactive and deleted.
// Without an admin the key deletes itself, for which it has to be active.
func (Minter) Revoke(ctx context.Context, r *mint.Request) error {
	old, err := leaked(r)
	if err != nil {
		return err
	}
	user, err := owner(ctx, r)
	if mint.Refused(err) && r.Settings.Admin == nil {
		return nil
	}
	if err != nil || user == "" {
		return err
	}
	c, err := manage(r)
	if err != nil {
		return err
	}
	if r.Settings.Admin != nil {
		_, err := c.UpdateAccessKey(ctx, &iam.UpdateAccessKeyInput{UserName: &user, AccessKeyId: &old.id, Status: types.StatusTypeInactive})
		if err != nil && !gone(err) {
			return explain(r, "make the key "+old.id+" of "+user+" inactive", err)
		}
	}
	return deleteKey(ctx, r, c, user, old.id)
}

// deleteKey deletes a key. One that is gone is no error.
func deleteKey(ctx context.Context, r *mint.Request, c *iam.Client, user, id string) error {
	_, err := c.DeleteAccessKey(ctx, &iam.DeleteAccessKeyInput{UserName: &user, AccessKeyId: &id})
	if gone(err) {
		return nil
	}
	return explain(r, "delete the key "+id+" of "+user, err)
}
