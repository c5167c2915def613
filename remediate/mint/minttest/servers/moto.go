package servers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
)

// AccessKey is an id and its secret.
type AccessKey struct{ ID, Secret string }

// AWS is moto's IAM and STS, which check signatures and rights, behind a proxy
// that can lose an answer.
type AWS struct {
	URL   string
	Admin AccessKey
	// Created counts the calls that make keys.
	Created atomic.Int32

	lose atomic.Pointer[string]
}

// Lose loses the next answer to an action, after it was done.
func (a *AWS) Lose(action string) { a.lose.Store(&action) }

// StartAWS starts moto_server (pip install 'moto[server]').
func StartAWS(t testing.TB) *AWS {
	t.Helper()
	program := need(t, "moto_server")
	at := fmt.Sprintf("127.0.0.1:%d", Port(t))
	host, port, _ := strings.Cut(at, ":")
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, program, "-H", host, "-p", port)
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); _ = cmd.Wait() })
	a := &AWS{Admin: AccessKey{"test", "test"}}
	for end := time.Now().Add(90 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		if resp, err := http.Get("http://" + at + "/moto-api/data.json"); err == nil { //nolint:noctx // the loopback
			resp.Body.Close()
			break
		}
		if time.Now().After(end) {
			t.Fatal("moto_server does not answer")
		}
	}
	a.proxy(t, &url.URL{Scheme: "http", Host: at})
	a.Admin = a.User(t, "admin", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`)
	resp, err := http.Post("http://"+at+"/moto-api/reset-auth", "text/plain", strings.NewReader("0")) //nolint:noctx // the loopback
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return a
}

// IAM is a client of IAM that shows a key.
func (a *AWS) IAM(k AccessKey) *iam.Client {
	return iam.NewFromConfig(aws.Config{Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider(k.ID, k.Secret, ""), BaseEndpoint: &a.URL})
}

// User makes a user with a policy and a key.
func (a *AWS) User(t testing.TB, name, policy string) AccessKey {
	t.Helper()
	api := a.IAM(a.Admin)
	if _, err := api.CreateUser(context.Background(), &iam.CreateUserInput{UserName: &name, Path: aws.String("/apps/")}); err != nil {
		t.Fatal(err)
	}
	if _, err := api.PutUserPolicy(context.Background(), &iam.PutUserPolicyInput{UserName: &name, PolicyName: aws.String("own"), PolicyDocument: &policy}); err != nil {
		t.Fatal(err)
	}
	out, err := api.CreateAccessKey(context.Background(), &iam.CreateAccessKeyInput{UserName: &name})
	if err != nil {
		t.Fatal(err)
	}
	return AccessKey{*out.AccessKey.AccessKeyId, *out.AccessKey.SecretAccessKey}
}

// proxy passes calls on, with the host that was signed.
func (a *AWS) proxy(t testing.TB, to *url.URL) {
	t.Helper()
	p := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to); r.Out.Host = r.In.Host },
		ModifyResponse: func(resp *http.Response) error {
			action, _ := resp.Request.Context().Value(actionKey{}).(string)
			if lose := a.lose.Load(); lose != nil && *lose == action && a.lose.CompareAndSwap(lose, nil) {
				return errors.New("the answer is lost")
			}
			if resp.StatusCode == http.StatusOK {
				return nil
			}
			return unwrap(resp)
		},
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		form, _ := url.ParseQuery(string(body))
		if form.Get("Action") == "CreateAccessKey" {
			a.Created.Add(1)
		}
		p.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), actionKey{}, form.Get("Action"))))
	}))
	t.Cleanup(s.Close)
	a.URL = s.URL
}

type actionKey struct{}

// unwrap writes an error of moto's authorization as AWS does: ErrorResponse has
// Error in it, without an Errors between.
// https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html
func unwrap(resp *http.Response) error {
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	resp.Body.Close()
	text = []byte(strings.NewReplacer("<Errors>", "", "</Errors>", "").Replace(string(text)))
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(text)), int64(len(text))
	resp.Header.Set("Content-Length", strconv.Itoa(len(text)))
	return nil
}
