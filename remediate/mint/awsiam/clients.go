package awsiam

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"github.com/remint/remint/remediate/mint"
)

const provider = "AWS"

// pair is an access key; token is that of a temporary one.
type pair struct{ id, secret, token string }

var idForm = regexp.MustCompile(`^(?:A3T[A-Z0-9]|AKIA|ABIA|ACCA|ASIA)[A-Z2-7]{16}$`)

// leaked is the pair that was found, of which the secret is replaced.
func leaked(r *mint.Request) (pair, error) {
	if idForm.Match(r.Leaked.Value) {
		return pair{}, errors.New("AWS: this is an access key's id, which is no secret by itself: fix the finding of the secret key beside it, and the id changes with it")
	}
	b := r.Leaked.Beside
	id := cmp.Or(b["aws-access-token"], b["access-key-id"], b["aws-temporary-access-key"])
	switch {
	case id == "":
		return pair{}, errors.New("AWS: the secret key's access key id does not stand near it: make the key inactive in IAM by hand if it is yours")
	case strings.HasPrefix(id, "ASIA"):
		return pair{}, fmt.Errorf("AWS: %s is a temporary key, which ends by itself and cannot be replaced: revoke the sessions of its role in IAM: %w", id, mint.ErrNeedsPerson)
	}
	return pair{id: id, secret: string(r.Leaked.Value)}, nil
}

// manager is the pair that manages IAM: the admin's, or else the leaked one.
func manager(r *mint.Request) (pair, error) {
	if r.Settings.Admin == nil {
		return leaked(r)
	}
	id, rest, ok := strings.Cut(string(bytes.TrimSpace(r.Settings.Admin)), ":")
	secret, token, _ := strings.Cut(rest, ":")
	if !ok || id == "" || secret == "" {
		return pair{}, errors.New("AWS: the entry that providers.awsiam.admin names has to be ACCESSKEYID:SECRET, or ACCESSKEYID:SECRET:SESSIONTOKEN")
	}
	return pair{id, secret, token}, nil
}

// config is all that the SDK gets: nothing of the environment or of ~/.aws.
func config(r *mint.Request, p pair) aws.Config {
	c := aws.Config{
		Region:      cmp.Or(r.Settings.Options["region"], "us-east-1"),
		Credentials: credentials.NewStaticCredentialsProvider(p.id, p.secret, p.token),
		HTTPClient:  awshttp.NewBuildableClient().WithTimeout(30 * time.Second),
	}
	if r.Settings.Endpoint != "" {
		c.BaseEndpoint = aws.String(strings.TrimSuffix(r.Settings.Endpoint, "/"))
	}
	return c
}

// manage returns IAM for the manager.
func manage(r *mint.Request) (*iam.Client, error) {
	p, err := manager(r)
	if err != nil {
		return nil, err
	}
	return iam.NewFromConfig(config(r, p)), nil
}

// once keeps the SDK from repeating a call whose answer may be lost after it acted.
func once(o *iam.Options) { o.Retryer = aws.NopRetryer{} }

// code is the API's own error code; "" where an error is none of the API's.
func code(err error) string {
	if e := smithy.APIError(nil); errors.As(err, &e) {
		return e.ErrorCode()
	}
	return ""
}

func gone(err error) bool { return code(err) == "NoSuchEntity" }

// refusal is AWS's word that a key is not valid; nil for any other error.
func refusal(err error) error {
	switch c := code(err); c {
	case "InvalidClientTokenId", "UnrecognizedClientException", "ExpiredToken", "ExpiredTokenException":
		return &mint.RefusedError{Provider: provider, Answer: c}
	case "SignatureDoesNotMatch":
		// A clock that is wrong gets the same code, and says nothing of the key.
		if text := err.Error(); strings.Contains(text, "Signature expired") || strings.Contains(text, "not yet current") {
			return errors.New("AWS: the signature's time is not accepted: set this machine's clock")
		}
		return &mint.RefusedError{Provider: provider, Answer: c}
	}
	return nil
}

// explain says what the manager could not do. A refusal of the leaked pair is a
// RefusedError; one of the admin's says nothing of that pair, and is not.
func explain(r *mint.Request, what string, err error) error {
	if err == nil {
		return nil
	}
	if refused := refusal(err); refused != nil {
		if r.Settings.Admin == nil {
			return refused
		}
		return fmt.Errorf("AWS: %s: the admin's key does not serve (%s): see providers.awsiam.admin", what, code(err))
	}
	if c := code(err); r.Settings.Admin == nil && (c == "AccessDenied" || c == "AccessDeniedException") {
		return fmt.Errorf("AWS: %s: %w: %w", what, mint.ErrNoAdmin, err)
	}
	return fmt.Errorf("AWS: %s: %w", what, err)
}

// caller asks AWS whose a pair is.
func caller(ctx context.Context, r *mint.Request, p pair) (string, error) {
	out, err := sts.NewFromConfig(config(r, p)).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if refused := refusal(err); refused != nil {
		return "", refused
	}
	if err != nil {
		return "", fmt.Errorf("AWS: ask whose the access key %s is: %w", p.id, err)
	}
	return aws.ToString(out.Arn), nil
}

// owner is the name of the IAM user whose the leaked key is: as AWS says, and
// only where it does not, as the configuration says. It is "" where the key is
// gone and nobody knows any more.
func owner(ctx context.Context, r *mint.Request) (string, error) {
	p, err := leaked(r)
	if err != nil {
		return "", err
	}
	name, err := caller(ctx, r, p)
	if err == nil {
		return userOf(name)
	}
	if mint.Refused(err) && r.Settings.Admin == nil {
		return "", err
	}
	c, err := manage(r) // an inactive key cannot be asked, but asked about
	if err != nil {
		return "", err
	}
	out, err := c.GetAccessKeyLastUsed(ctx, &iam.GetAccessKeyLastUsedInput{AccessKeyId: &p.id})
	if err == nil {
		return aws.ToString(out.UserName), nil
	}
	if user := r.Settings.Options["user"]; user != "" || gone(err) {
		return user, nil
	}
	return "", explain(r, "look whose the access key "+p.id+" is, which can be named as providers.awsiam.user", err)
}

// userOf is the user of an ARN such as arn:aws:iam::123456789012:user/team/ci.
func userOf(name string) (string, error) {
	a, err := arn.Parse(name)
	if err != nil {
		return "", fmt.Errorf("AWS: the key's owner %q is no ARN", name)
	}
	if a.Resource == "root" {
		return "", fmt.Errorf("AWS: the key is the account's root user's: delete it under Security credentials, and give the program a user of its own: %w", mint.ErrNeedsPerson)
	}
	path, ok := strings.CutPrefix(a.Resource, "user/")
	if !ok {
		return "", fmt.Errorf("AWS: the key's owner %s is no IAM user: replace the key where it was made: %w", name, mint.ErrNeedsPerson)
	}
	return path[strings.LastIndex(path, "/")+1:], nil
}
