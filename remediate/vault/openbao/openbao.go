// Package openbao keeps sealed entries in the KV v2 engine of an OpenBao or
// HashiCorp Vault server.
//
// An entry is a secret of the engine, its version the engine's. The data are
// three fields that the plain KV API shows: "sealed" (Tink's envelope, base64),
// "metadata" (JSON) and "created" (RFC 3339). The server cannot open them.
package openbao

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/openbao/openbao/api/v2"

	"github.com/remint/remint/remediate/vault"
)

// Config says where the server is and who asks.
type Config struct {
	// Address is the server's; "" for BAO_ADDR or VAULT_ADDR.
	Address string
	// Namespace, Mount ("secret") and Prefix ("remint") say where in it.
	Namespace, Mount, Prefix string
	// CACert is a file of the authorities that are believed, "" for the
	// system's.
	CACert string
	// Auth logs in; nil for the token of the environment.
	Auth Auth
	// Timeout bounds a request with its repetitions, 0 for 30 s; Retries is how often one that a
	// server could not answer is repeated, 0 for 4.
	Timeout time.Duration
	Retries int
}

// Store is an engine of a server.
type Store struct {
	client        *api.Client
	mount, prefix string
	auth          Auth
	mu            sync.Mutex // of the login
}

var _ vault.Store = (*Store)(nil)

// maxVersions is how many versions the engine is told to keep of an entry.
const maxVersions = 10000

// Open logs in to a server.
func Open(ctx context.Context, c Config) (*Store, error) {
	conf := api.DefaultConfig()
	if conf.Error != nil {
		return nil, fmt.Errorf("the server's configuration: %w", conf.Error)
	}
	if c.Address != "" {
		conf.Address = c.Address
	}
	conf.Timeout, conf.MaxRetries = 30*time.Second, 4
	if c.Timeout > 0 {
		conf.Timeout = c.Timeout
	}
	if c.Retries > 0 {
		conf.MaxRetries = c.Retries
	}
	if c.CACert != "" {
		if err := conf.ConfigureTLS(&api.TLSConfig{CACert: c.CACert}); err != nil {
			return nil, fmt.Errorf("the server's configuration: %w", err)
		}
	}
	client, err := api.NewClient(conf)
	if err != nil {
		return nil, fmt.Errorf("the server's configuration: %w", err)
	}
	if c.Namespace != "" {
		client.SetNamespace(c.Namespace)
	}
	s := &Store{client: client, mount: cmp.Or(c.Mount, "secret"), prefix: strings.Trim(cmp.Or(c.Prefix, "remint"), "/"), auth: c.Auth}
	if s.auth != nil {
		if err := s.login(ctx); err != nil {
			return nil, err
		}
	} else if client.Token() == "" {
		return nil, errors.New("no token for the server: set BAO_TOKEN or VAULT_TOKEN, or configure a login")
	}
	return s, nil
}

// Close implements vault.Store.
func (s *Store) Close() error { return nil }

func (s *Store) login(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	token, err := s.auth.login(ctx, s.client)
	if err != nil {
		return fmt.Errorf("log in to %s: %w", s.client.Address(), err)
	}
	s.client.SetToken(token)
	return nil
}

// do asks the server; a token that has ended is replaced once.
func (s *Store) do(ctx context.Context, ask func() (*api.Secret, error)) (*api.Secret, error) {
	secret, err := ask()
	if status(err) == http.StatusForbidden && s.auth != nil {
		if err := s.login(ctx); err != nil {
			return nil, err
		}
		secret, err = ask()
	}
	if err != nil {
		return secret, s.explain(err)
	}
	return secret, nil
}

// status is the HTTP status of an answer, 0 for what was none.
func status(err error) int {
	var r *api.ResponseError
	if errors.As(err, &r) {
		return r.StatusCode
	}
	return 0
}

// explain says what helps.
func (s *Store) explain(err error) error {
	switch status(err) {
	case http.StatusForbidden:
		return fmt.Errorf("%s refuses: the token has ended, or its policy does not let it use %s/data/%s: %w", s.client.Address(), s.mount, s.prefix, err)
	case http.StatusServiceUnavailable:
		return fmt.Errorf("%s is sealed or not ready; unseal it, or wait for its leader: %w", s.client.Address(), err)
	case http.StatusTooManyRequests:
		return fmt.Errorf("%s is busy (rate limit): %w", s.client.Address(), err)
	case 0:
		return fmt.Errorf("%s cannot be reached: %w", s.client.Address(), err)
	}
	return fmt.Errorf("%s: %w", s.client.Address(), err)
}

func (s *Store) path(kind, name string) string { return path.Join(s.mount, kind, s.prefix, name) }

// Get implements vault.Store.
func (s *Store) Get(ctx context.Context, name string, version int) (vault.Entry, error) {
	var query map[string][]string
	if version > 0 {
		query = map[string][]string{"version": {strconv.Itoa(version)}}
	}
	secret, err := s.do(ctx, func() (*api.Secret, error) {
		return s.client.Logical().ReadWithDataWithContext(ctx, s.path("data", name), query)
	})
	if err != nil {
		return vault.Entry{}, err
	}
	if secret == nil {
		return vault.Entry{}, fmt.Errorf("%w: %s", vault.ErrNotFound, name)
	}
	return readEntry(name, secret.Data)
}

// readEntry reads what the engine answers for a version.
func readEntry(name string, answer map[string]any) (vault.Entry, error) {
	e := vault.Entry{Name: name}
	about, _ := answer["metadata"].(map[string]any)
	if n, ok := about["version"].(json.Number); ok {
		v, err := n.Int64()
		if err != nil {
			return e, fmt.Errorf("%s: the server's version %q: %w", name, n, err)
		}
		e.Version = int(v)
	}
	data, _ := answer["data"].(map[string]any)
	if data == nil {
		return e, fmt.Errorf("%w: %s", vault.ErrDeleted, name)
	}
	text := func(field string) string {
		v, _ := data[field].(string)
		return v
	}
	var err error
	if e.Sealed, err = base64.StdEncoding.DecodeString(text("sealed")); err != nil || len(e.Sealed) == 0 {
		return e, fmt.Errorf("%s: %w: it was not written by remint", name, vault.ErrTampered)
	}
	if e.Created, err = time.Parse(time.RFC3339Nano, text("created")); err != nil {
		return e, fmt.Errorf("%s: %w: %w", name, vault.ErrTampered, err)
	}
	if err := json.Unmarshal([]byte(text("metadata")), &e.Metadata); err != nil {
		return e, fmt.Errorf("%s: %w: %w", name, vault.ErrTampered, err)
	}
	return e, nil
}

// Put implements vault.Store.
func (s *Store) Put(ctx context.Context, e vault.Entry) error {
	metadata, err := json.Marshal(e.Metadata)
	if err != nil {
		return err
	}
	if e.Version == 1 { // the engine keeps ten versions unless it is told otherwise
		if _, err := s.do(ctx, func() (*api.Secret, error) {
			return s.client.Logical().WriteWithContext(ctx, s.path("metadata", e.Name), map[string]any{"max_versions": maxVersions})
		}); err != nil {
			return err
		}
	}
	_, err = s.do(ctx, func() (*api.Secret, error) {
		return s.client.Logical().WriteWithContext(ctx, s.path("data", e.Name), map[string]any{
			"options": map[string]any{"cas": e.Version - 1},
			"data": map[string]any{
				"sealed": base64.StdEncoding.EncodeToString(e.Sealed), "metadata": string(metadata), "created": e.Created.Format(time.RFC3339Nano),
			},
		})
	})
	if status(err) == http.StatusBadRequest && strings.Contains(err.Error(), "check-and-set") {
		_, current, versionErr := s.versions(ctx, e.Name)
		if versionErr != nil && !errors.Is(versionErr, vault.ErrNotFound) {
			return versionErr
		}
		return &vault.ConflictError{Name: e.Name, Want: e.Version - 1, Current: current}
	}
	return err
}

// versions are the numbers of the versions whose values are there, and the
// newest number, deleted or not.
func (s *Store) versions(ctx context.Context, name string) (alive []int, current int, err error) {
	secret, err := s.do(ctx, func() (*api.Secret, error) {
		return s.client.Logical().ReadWithContext(ctx, s.path("metadata", name))
	})
	if err != nil {
		return nil, 0, err
	}
	all, _ := field(secret, "versions").(map[string]any)
	if len(all) == 0 {
		return nil, 0, fmt.Errorf("%w: %s", vault.ErrNotFound, name)
	}
	for number, v := range all {
		n, err := strconv.Atoi(number)
		if err != nil {
			return nil, 0, fmt.Errorf("%s: the server's version %q: %w", name, number, err)
		}
		current = max(current, n)
		about, _ := v.(map[string]any)
		if destroyed, _ := about["destroyed"].(bool); !destroyed && about["deletion_time"] == "" {
			alive = append(alive, n)
		}
	}
	slices.Sort(alive)
	return alive, current, nil
}

func field(s *api.Secret, name string) any {
	if s == nil {
		return nil
	}
	return s.Data[name]
}

// Versions implements vault.Store. A deleted version has its number alone.
func (s *Store) Versions(ctx context.Context, name string) ([]vault.Entry, error) {
	alive, current, err := s.versions(ctx, name)
	if err != nil {
		return nil, err
	}
	var all []vault.Entry
	for n := 1; n <= current; n++ {
		e := vault.Entry{Name: name, Version: n}
		if slices.Contains(alive, n) {
			if e, err = s.Get(ctx, name, n); err != nil {
				return nil, err
			}
			e.Sealed = nil
		}
		all = append(all, e)
	}
	return all, nil
}

// List implements vault.Store.
func (s *Store) List(ctx context.Context, prefix string) ([]vault.Entry, error) {
	folder := prefix[:strings.LastIndexByte(prefix, '/')+1]
	names, err := s.names(ctx, folder)
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	var all []vault.Entry
	for _, name := range names {
		if !strings.HasPrefix(name, prefix) {
			continue
		}
		e, err := s.Get(ctx, name, 0)
		if errors.Is(err, vault.ErrDeleted) || errors.Is(err, vault.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		e.Sealed = nil
		all = append(all, e)
	}
	return all, nil
}

// names are the entries below a folder, which is "" or ends with '/'.
func (s *Store) names(ctx context.Context, folder string) ([]string, error) {
	secret, err := s.do(ctx, func() (*api.Secret, error) {
		return s.client.Logical().ListWithContext(ctx, s.path("metadata", folder))
	})
	if err != nil {
		return nil, err
	}
	keys, _ := field(secret, "keys").([]any)
	var names []string
	for _, k := range keys {
		name, _ := k.(string)
		if !strings.HasSuffix(name, "/") {
			names = append(names, folder+name)
			continue
		}
		below, err := s.names(ctx, folder+name)
		if err != nil {
			return nil, err
		}
		names = append(names, below...)
	}
	return names, nil
}

// Delete implements vault.Store.
func (s *Store) Delete(ctx context.Context, name string, version int) error {
	alive, _, err := s.versions(ctx, name)
	if err != nil {
		return err
	}
	if version > 0 {
		if !slices.Contains(alive, version) {
			return fmt.Errorf("%w: %s, version %d", vault.ErrNotFound, name, version)
		}
		alive = []int{version}
	}
	_, err = s.do(ctx, func() (*api.Secret, error) {
		return s.client.Logical().WriteWithContext(ctx, s.path("destroy", name), map[string]any{"versions": alive})
	})
	return err
}

// Header is where the wrapping key is: it is kept beside the entries.
type Header struct {
	Token, Label string
}

// head is where the header is, which is no entry.
func (s *Store) head() string { return path.Join(s.mount, "data", s.prefix+"-vault") }

// ReadHeader returns the header: vault.ErrNotFound where there is none yet.
func (s *Store) ReadHeader(ctx context.Context) (Header, error) {
	secret, err := s.do(ctx, func() (*api.Secret, error) { return s.client.Logical().ReadWithContext(ctx, s.head()) })
	if err != nil {
		return Header{}, err
	}
	data, _ := field(secret, "data").(map[string]any)
	token, _ := data["token"].(string)
	label, _ := data["label"].(string)
	if token == "" || label == "" {
		return Header{}, fmt.Errorf("%w: %s", vault.ErrNotFound, s.head())
	}
	return Header{token, label}, nil
}

// WriteHeader writes the header of a new vault. It fails where there is one.
func (s *Store) WriteHeader(ctx context.Context, h Header) error {
	return s.writeHeader(ctx, h, map[string]any{"cas": 0})
}

// ReplaceHeader names another wrapping key.
func (s *Store) ReplaceHeader(ctx context.Context, h Header) error {
	return s.writeHeader(ctx, h, map[string]any{})
}

func (s *Store) writeHeader(ctx context.Context, h Header, options map[string]any) error {
	_, err := s.do(ctx, func() (*api.Secret, error) {
		return s.client.Logical().WriteWithContext(ctx, s.head(), map[string]any{
			"options": options, "data": map[string]any{"token": h.Token, "label": h.Label},
		})
	})
	return err
}
