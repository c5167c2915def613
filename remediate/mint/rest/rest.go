// Package rest speaks to providers' JSON APIs: bounded, with the provider's own
// error, and without ever repeating a call that could act twice.
package rest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/remint/remint/remediate/mint"
)

// MaxBody is the longest answer that is read, in bytes.
const MaxBody = 4 << 20

// Client calls one provider's API.
type Client struct {
	// Provider is its name, for errors.
	Provider string
	// Base is the API's address, without a slash at its end.
	Base string
	// Authorize puts the credential on a request; nil for none.
	Authorize func(*http.Request)
	// Invalid tells whether an error of the API means that the credential is
	// not valid. Without it that is status 401 with an error body in JSON.
	Invalid func(*Error) bool
}

// Error is an API's answer that is not a success.
type Error struct {
	Provider     string
	Status       int
	Method, Path string
	// Body is the answer where it is JSON, nil where it is something else: a
	// firewall's page, say, which means nothing.
	Body json.RawMessage
}

// Error implements error. The body is cut; providers do not repeat credentials in it.
func (e *Error) Error() string {
	text := fmt.Sprintf("%s: %s %s: status %d", e.Provider, e.Method, e.Path, e.Status)
	if e.Body == nil {
		return text + " without the API's own error"
	}
	body := string(e.Body)
	if len(body) > 300 {
		body = body[:300] + "…"
	}
	return text + ": " + body
}

// Status is an API error's status; 0 where an error is none.
func Status(err error) int {
	if e := (*Error)(nil); errors.As(err, &e) {
		return e.Status
	}
	return 0
}

// Bearer authorizes with a bearer token.
func Bearer(token []byte) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+string(token)) }
}

// Header authorizes with a header.
func Header(name string, value []byte) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(name, string(value)) }
}

var client = &http.Client{
	Timeout: 30 * time.Second,
	// A credential is not carried to another address.
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// Do sends in as JSON, where it is not nil, and reads the answer into out, where
// that is not nil. An answer that is no success is an *Error, and one that says
// that the credential is not valid a *mint.RefusedError.
func (c *Client) Do(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.Base+path, body)
	if err != nil {
		return fmt.Errorf("%s: %w", c.Provider, err)
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "remint")
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.Authorize != nil {
		c.Authorize(req)
	}
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("%s: %w", c.Provider, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, MaxBody))
	if err != nil {
		return fmt.Errorf("%s: read the answer to %s %s: %w", c.Provider, method, path, err)
	}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return c.failure(req, resp, text)
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(text, out); err != nil {
		return fmt.Errorf("%s: the answer to %s %s is not what its documentation says: %w", c.Provider, method, path, err)
	}
	return nil
}

func (c *Client) failure(req *http.Request, resp *http.Response, text []byte) error {
	path, _, _ := strings.Cut(req.URL.Path, "?")
	e := &Error{Provider: c.Provider, Status: resp.StatusCode, Method: req.Method, Path: path}
	if json.Valid(text) && len(bytes.TrimSpace(text)) > 0 {
		e.Body = text
	}
	invalid := e.Status == http.StatusUnauthorized && e.Body != nil
	if c.Invalid != nil {
		invalid = e.Body != nil && c.Invalid(e)
	}
	if invalid {
		return &mint.RefusedError{Provider: c.Provider, Answer: e.Error()}
	}
	return e
}

// Base is the address of a provider's API: the configuration's, or the usual.
func Base(r *mint.Request, usual string) string {
	if r.Settings.Endpoint != "" {
		return strings.TrimRight(r.Settings.Endpoint, "/")
	}
	return usual
}

// Either is the first value that there is.
func Either(values ...[]byte) []byte {
	for _, v := range values {
		if len(v) > 0 {
			return v
		}
	}
	return nil
}

// Gone makes the answer that something is not there a success.
func Gone(err error) error {
	if APIStatus(err) == http.StatusNotFound {
		return nil
	}
	return err
}

// APIStatus is the status of an answer that the API itself gave, with a body of
// its own; 0 for any other error.
func APIStatus(err error) int {
	if e := (*Error)(nil); errors.As(err, &e) && e.Body != nil {
		return e.Status
	}
	return 0
}

// Word reads a field of an API error's body; "" where it is not there.
func (e *Error) Word(name string) string {
	var body map[string]any
	if json.Unmarshal(e.Body, &body) != nil {
		return ""
	}
	text, _ := body[name].(string)
	return text
}
