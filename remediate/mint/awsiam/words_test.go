package awsiam

import (
	"errors"
	"strings"
	"testing"

	"github.com/aws/smithy-go"

	"github.com/remint/remint/remediate/mint"
)

func TestPolicy(t *testing.T) {
	for text, want := range map[string]string{
		"s3:GetObject,s3:PutObject on arn:aws:s3:::jobs/*": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:GetObject","s3:PutObject"],"Resource":["arn:aws:s3:::jobs/*"]}]}`,
		"s3:* on *": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:*"],"Resource":["*"]}]}`,
		"* on arn:aws:s3:::jobs/*; sqs:SendMessage on arn:aws:sqs:*:1:q": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["*"],"Resource":["arn:aws:s3:::jobs/*"]},{"Effect":"Allow","Action":["sqs:SendMessage"],"Resource":["arn:aws:sqs:*:1:q"]}]}`,
	} {
		scope, err := mint.ParseScope("awsiam", text)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := policy(scope); err != nil || got != want {
			t.Errorf("%s: %s, %v", text, got, err)
		}
	}
	for _, text := range []string{"* on *", "*:* on *", "s3:GetObject,* on arn:aws:s3:::a,*", "s3:GetObject"} {
		scope, err := mint.ParseScope("awsiam", text)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := policy(scope); err == nil {
			t.Errorf("%s: %s", text, got)
		}
	}
	if _, err := policy(nil); err == nil || !strings.Contains(err.Error(), "needs a scope") {
		t.Error(err)
	}
}

func TestLeaked(t *testing.T) {
	id := "AKIA" + strings.Repeat("B", 16)
	for name, l := range map[string]mint.Leaked{
		"the id":    {Value: []byte(id), Beside: map[string]string{"aws-secret-access-key": strings.Repeat("x", 40)}},
		"no id":     {Value: []byte(strings.Repeat("x", 40))},
		"temporary": {Value: []byte(strings.Repeat("x", 40)), Beside: map[string]string{"aws-temporary-access-key": "ASIA" + strings.Repeat("B", 16)}},
	} {
		r := &mint.Request{Leaked: l}
		if _, err := leaked(r); err == nil || strings.Contains(err.Error(), strings.Repeat("x", 40)) {
			t.Errorf("%s: %v", name, err != nil)
		}
		if _, err := (Minter{}).Mint(t.Context(), r); err == nil {
			t.Errorf("%s: minted", name)
		}
	}
	for _, rule := range []string{"aws-access-token", "access-key-id"} {
		p, err := leaked(&mint.Request{Leaked: mint.Leaked{Value: []byte("x"), Beside: map[string]string{rule: id}}})
		if err != nil || p.id != id {
			t.Errorf("%s: %v", rule, err)
		}
	}
}

func TestManager(t *testing.T) {
	p, err := manager(&mint.Request{Settings: mint.Settings{Admin: []byte("A:b/c+d:tok:en\n")}})
	if err != nil || p != (pair{"A", "b/c+d", "tok:en"}) {
		t.Error(err)
	}
	for _, bad := range []string{"", "A", "A:", ":b"} {
		if _, err := manager(&mint.Request{Settings: mint.Settings{Admin: []byte(bad)}}); err == nil {
			t.Errorf("%q", bad)
		}
	}
}

func TestUserOf(t *testing.T) {
	if got, err := userOf("arn:aws:iam::123456789012:user/team/ci"); err != nil || got != "ci" {
		t.Error(got, err)
	}
	for _, name := range []string{"arn:aws:iam::123456789012:root", "arn:aws:sts::123456789012:assumed-role/r/s"} {
		if _, err := userOf(name); !errors.Is(err, mint.ErrNeedsPerson) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRefusal(t *testing.T) {
	for code, want := range map[string]bool{
		"InvalidClientTokenId": true, "UnrecognizedClientException": true, "SignatureDoesNotMatch": true, "ExpiredToken": true,
		"AccessDenied": false, "Throttling": false, "ServiceUnavailable": false,
	} {
		if got := mint.Refused(refusal(&smithy.GenericAPIError{Code: code})); got != want {
			t.Errorf("%s: refused is %v", code, got)
		}
	}
	late := &smithy.GenericAPIError{Code: "SignatureDoesNotMatch", Message: "Signature expired: 20200101T000000Z is now earlier than 20260101T000000Z"}
	if err := refusal(late); err == nil || mint.Refused(err) {
		t.Errorf("a wrong clock says nothing of the key: %v", err)
	}
}
