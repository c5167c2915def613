package awsiam

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/remint/remint/remediate/mint"
)

// Orphans implements mint.OrphanFinder: users with the request's token in their
// name and in a tag. In place there is nothing on a key by which to know it, so
// that any active key but the leaked one and the one that was minted needs a
// person; an inactive one was not minted, because those are active.
func (Minter) Orphans(ctx context.Context, r *mint.Request) ([]string, error) {
	c, err := manage(r)
	if err != nil {
		return nil, err
	}
	if inPlace(r) {
		return orphanKeys(ctx, r, c)
	}
	var ids []string
	pages := iam.NewListUsersPaginator(c, &iam.ListUsersInput{PathPrefix: aws.String(path)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, explain(r, "list the users under "+path, err)
		}
		for _, u := range page.Users {
			name := aws.ToString(u.UserName)
			if !strings.HasSuffix(name, "-"+r.Token) {
				continue
			}
			ours, err := tagged(ctx, r, c, name)
			if err != nil {
				return nil, err
			}
			if ours {
				ids = append(ids, name)
			}
		}
	}
	return ids, nil
}

func orphanKeys(ctx context.Context, r *mint.Request, c *iam.Client) ([]string, error) {
	old, err := leaked(r)
	if err != nil {
		return nil, err
	}
	user, keys, err := keysOfOwner(ctx, r, c)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, k := range keys {
		id := aws.ToString(k.AccessKeyId)
		switch {
		case id == old.id || k.Status != types.StatusTypeActive:
		case r.Minted != nil && id == r.Minted.ID:
			ids = append(ids, id)
		default:
			return nil, fmt.Errorf("AWS: the user %s has the keys %s, and which of them an answer that was lost left cannot be told: make the one inactive that nothing uses, and go on: %w", user, list(keys), mint.ErrNeedsPerson)
		}
	}
	return ids, nil
}

// tagged tells whether a user has the request's tag; one that is gone has not.
func tagged(ctx context.Context, r *mint.Request, c *iam.Client, user string) (bool, error) {
	pages := iam.NewListUserTagsPaginator(c, &iam.ListUserTagsInput{UserName: &user})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if gone(err) {
			return false, nil
		}
		if err != nil {
			return false, explain(r, "read the tags of "+user, err)
		}
		for _, t := range page.Tags {
			if aws.ToString(t.Key) == tagToken {
				return aws.ToString(t.Value) == r.Token, nil
			}
		}
	}
	return false, nil
}

// Remove implements mint.OrphanFinder. id is a user, or the access key that
// Mint returned.
func (Minter) Remove(ctx context.Context, r *mint.Request, id string) error {
	c, err := manage(r)
	if err != nil {
		return err
	}
	if inPlace(r) {
		return removeKey(ctx, r, c, id)
	}
	user := id
	if r.Minted != nil && id == r.Minted.ID {
		user = r.Label(maxName)
	}
	if !strings.HasSuffix(user, "-"+r.Token) {
		return fmt.Errorf("AWS: %s was not made for this request, and is left", id)
	}
	if _, err := c.GetUser(ctx, &iam.GetUserInput{UserName: &user}); gone(err) {
		return nil
	} else if err != nil {
		return explain(r, "look at the user "+user, err)
	}
	ours, err := tagged(ctx, r, c, user)
	if err != nil {
		return err
	}
	if !ours {
		return fmt.Errorf("AWS: the user %s has not the tag %s of this request, and is left", user, tagToken)
	}
	return removeUser(ctx, r, c, user)
}

// removeKey removes the key that was minted in place, and no other.
func removeKey(ctx context.Context, r *mint.Request, c *iam.Client, id string) error {
	if r.Minted == nil || id != r.Minted.ID {
		return fmt.Errorf("AWS: the key %s is not known to be the new one, and is left: %w", id, mint.ErrNeedsPerson)
	}
	user, keys, err := keysOfOwner(ctx, r, c)
	if err != nil || !slices.ContainsFunc(keys, func(k types.AccessKeyMetadata) bool { return aws.ToString(k.AccessKeyId) == id }) {
		return err
	}
	return deleteKey(ctx, r, c, user, id)
}

// removeUser removes a user with all that it has of Mint.
func removeUser(ctx context.Context, r *mint.Request, c *iam.Client, user string) error {
	keys, err := c.ListAccessKeys(ctx, &iam.ListAccessKeysInput{UserName: &user})
	if err != nil && !gone(err) {
		return explain(r, "list the keys of "+user, err)
	}
	if err == nil {
		for _, k := range keys.AccessKeyMetadata {
			if err := deleteKey(ctx, r, c, user, aws.ToString(k.AccessKeyId)); err != nil {
				return err
			}
		}
	}
	_, err = c.DeleteUserPolicy(ctx, &iam.DeleteUserPolicyInput{UserName: &user, PolicyName: aws.String(policyName)})
	if err != nil && !gone(err) {
		return explain(r, "delete the policy of "+user, err)
	}
	// What was deleted just now may still seem to be there.
	err = patiently(ctx, func(err error) bool { return code(err) == "DeleteConflict" }, func() error {
		_, err := c.DeleteUser(ctx, &iam.DeleteUserInput{UserName: &user})
		return err
	})
	if gone(err) {
		return nil
	}
	return explain(r, "delete the user "+user, err)
}
