//go:build unix

package fix

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"database/sql"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	_ "github.com/go-sql-driver/mysql" // the driver "mysql"
	"github.com/jackc/pgx/v5"
	goredis "github.com/redis/go-redis/v9"

	"github.com/remint/remint/remediate"
	"github.com/remint/remint/remediate/hsm"
	"github.com/remint/remint/remediate/mint"
	"github.com/remint/remint/remediate/mint/minttest/servers"
	"github.com/remint/remint/remediate/vault"
	"github.com/remint/remint/scanner"
	"github.com/remint/remint/scanner/source"
)

// What a child process is told: the project, what to do, and at which boundary
// to be killed; 0 for none.
const (
	childDir  = "REMINT_TEST_FIX_DIR"
	childVerb = "REMINT_TEST_FIX_VERB"
	childKill = "REMINT_TEST_FIX_KILL"
)

func TestMain(m *testing.M) {
	if os.Getenv(childDir) == "" {
		os.Exit(m.Run())
	}
	if err := childMain(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// machine opens a project of the tests: the code in "code", the vault in "home".
func machine(ctx context.Context, dir string) (*Machine, []scanner.Finding, error) {
	root := filepath.Join(dir, "code")
	p, err := scanner.LoadPolicy(root, scanner.PolicyFiles{})
	if err != nil {
		return nil, nil, err
	}
	s, err := scanner.New(p.Options())
	if err != nil {
		return nil, nil, err
	}
	result, err := s.Scan(ctx, source.Tree{Roots: []string{root}})
	if err != nil {
		return nil, nil, err
	}
	for n := range result.Findings {
		result.Findings[n].Path, _ = filepath.Rel(root, result.Findings[n].Path)
	}
	project, err := Open(root, p.Config(), Options{})
	if err != nil {
		return nil, nil, err
	}
	settings := remediate.Settings{Home: filepath.Join(dir, "home"), Assurance: hsm.AssuranceSoftware}
	o, err := remediate.Open(ctx, settings)
	if errors.Is(err, remediate.ErrNoVault) {
		o, err = remediate.Init(ctx, settings)
	}
	if err != nil {
		return nil, nil, err
	}
	return &Machine{Project: project, Vault: o, Home: settings.Home}, result.Findings, nil
}

func childMain() error {
	ctx := context.Background()
	m, findings, err := machine(ctx, os.Getenv(childDir))
	if err != nil {
		return err
	}
	defer m.Vault.Close()
	m.UseSettings()
	at, _ := strconv.Atoi(os.Getenv(childKill))
	n := 0
	m.Boundary = func(string) {
		if n++; n == at {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}
	if os.Getenv(childVerb) == "resume" {
		_, err := m.Resume(ctx)
		return err
	}
	plan, err := m.Project.Plan(ctx, findings)
	if err != nil {
		return err
	}
	_, err = m.Apply(ctx, plan)
	return err
}

// run runs a child and tells whether it was killed.
func runChild(t *testing.T, dir, verb string, kill int) (killed bool, out string) {
	t.Helper()
	c := exec.Command(os.Args[0], "-test.run=^$")
	c.Env = append(os.Environ(), childDir+"="+dir, childVerb+"="+verb, childKill+"="+strconv.Itoa(kill))
	text, err := c.CombinedOutput()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		if w, ok := exit.Sys().(syscall.WaitStatus); ok && w.Signaled() && w.Signal() == syscall.SIGKILL {
			return true, string(text)
		}
		t.Fatalf("%s: %v\n%s", verb, err, text)
	}
	return false, string(text)
}

// provider is a real server, or the token, with keys that leak.
type provider struct {
	minter string
	admin  string
	// endpoint is that of its API; "" for none.
	endpoint string
	// loseNext loses the answer when the new key is made; nil where nothing can
	// be lost.
	loseNext func()
	// leak makes a key and returns what stands in the code.
	leak func(t *testing.T) (file, text, secret string)
	// live counts the new keys at the provider that remint made.
	live func(t *testing.T) []string
}

func (p *provider) project(t *testing.T) (dir, secret string) {
	t.Helper()
	dir = t.TempDir()
	file, text, secret := p.leak(t)
	conf := "version: 1\n"
	if p.admin != "" {
		conf += "providers:\n  " + p.minter + ": {admin: infra/admin" + p.endpoint + "}\nfix:\n  revoke: now\n  scopes:\n    code/" + map[string]string{
			"postgres": "database-url: 'select on public.orders'", "mysql": "database-url: 'select on app.orders'", "redis": "redis-url: '+@read on ~jobs:*'",
			"awsiam": "aws-secret-access-key: 'iam:ListAccountAliases on *'",
		}[p.minter] + "\n"
	}
	for name, text := range map[string]string{file: text, ".remint.yaml": conf} {
		path := filepath.Join(dir, "code", name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	m, _, err := machine(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Vault.Close()
	if p.admin != "" {
		if _, err := m.Vault.Put(t.Context(), "infra/admin", []byte(p.admin), vault.Metadata{}, 0); err != nil {
			t.Fatal(err)
		}
	}
	return dir, secret
}

// finished looks at the one state that every way must end in.
func (p *provider) finished(t *testing.T, dir, secret string, before []string) {
	t.Helper()
	m, findings, err := machine(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Vault.Close()
	if len(findings) > 0 {
		t.Errorf("the code has %d keys still", len(findings))
	}
	states, err := States(m.Home, m.Project.Root)
	if err != nil || len(states) != 1 {
		t.Fatalf("%d states: %v", len(states), err)
	}
	s := states[0]
	minter, err := s.Item.minter()
	if err != nil {
		t.Fatal(err)
	}
	value, e, err := m.Vault.Get(t.Context(), s.Item.Entry, 0)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(value, []byte(secret)) {
		t.Error("the vault gives out the old key")
	}
	r := &mint.Request{Leaked: mint.Leaked{Value: []byte(secret), Secret: []byte(secret), Beside: s.known.Beside}, HSM: m.Vault.Token, Minted: &mint.Minted{ID: e.Metadata.ID, Value: value}}
	if r.Settings, err = m.settings(t.Context(), p.minter); err != nil {
		t.Fatal(err)
	}
	if s.Item.Pair != nil {
		if id, _, err := m.Vault.Get(t.Context(), s.Item.Pair.Entry, 0); err != nil || string(id) != e.Metadata.ID {
			t.Errorf("the other half is not the new key's: %v", err)
		}
	}
	if err := minter.(mint.Prover).Prove(t.Context(), r, value); err != nil {
		t.Errorf("the new key does not work: %v", err)
	}
	if after := p.live(t); p.admin != "" && len(after) != len(before)+1 {
		t.Errorf("%d new keys live, want 1: %v", len(after)-len(before), after)
	}
	want := Closed
	if p.admin == "" {
		want = InCode // nobody but a person revokes a private key
	}
	if s.Step != want || s.Waiting {
		t.Errorf("the state is %s, want %s: %s", s.Step, want, s.Why)
	}
}

// sound looks at what must hold wherever the process was killed.
func (p *provider) sound(t *testing.T, dir, secret string) {
	t.Helper()
	m, findings, err := machine(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Vault.Close()
	if len(findings) == 0 || p.admin == "" {
		return
	}
	minter, err := (&Item{Minter: p.minter}).minter()
	if err != nil {
		t.Fatal(err)
	}
	beside := make(map[string]string)
	for _, f := range findings {
		if f.Rule.ID == accessKeyID {
			beside[accessKeyID] = string(f.Secret.Reveal())
		}
	}
	for _, f := range findings {
		if f.Secret.Len() > 0 && string(f.Secret.Reveal()) == secret {
			text, start, end, err := m.Project.place(&f)
			if err != nil {
				t.Fatal(err)
			}
			if x, ok := minter.(mint.Extender); ok {
				start, end, _ = x.Extend(text, start, end)
			}
			r := &mint.Request{Leaked: mint.Leaked{Value: text[start:end], Beside: beside}}
			if r.Settings, err = m.settings(t.Context(), p.minter); err != nil {
				t.Fatal(err)
			}
			if err := minter.(mint.Prover).Prove(t.Context(), r, text[start:end]); err != nil {
				t.Errorf("the code holds a key that does not work any more: %v", err)
			}
		}
	}
}

func TestCrashMatrix(t *testing.T) {
	for name, make := range map[string]func(*testing.T) *provider{"postgres": onPostgres, "mysql": onMariaDB, "redis": onRedis, "privatekey": inToken, "awsiam": onAWS} {
		t.Run(name, func(t *testing.T) {
			p := make(t)
			for n := 1; ; n++ {
				before := p.live(t)
				dir, secret := p.project(t)
				killed, _ := runChild(t, dir, "apply", n)
				if killed {
					p.sound(t, dir, secret)
					// Killed once more on the way, at the next boundary but one.
					if again, _ := runChild(t, dir, "resume", 1+n%3); again {
						p.sound(t, dir, secret)
					}
					runChild(t, dir, "resume", 0)
				}
				p.finished(t, dir, secret, before)
				if runChild(t, dir, "resume", 0); !t.Failed() {
					p.finished(t, dir, secret, before) // a second run of what is finished does nothing
				}
				if t.Failed() {
					t.Fatalf("killed at boundary %d", n)
				}
				if !killed {
					t.Logf("%d boundaries", n-1)
					return
				}
			}
		})
	}
}

func TestLostAnswers(t *testing.T) {
	for name, make := range map[string]func(*testing.T) *provider{"postgres": onPostgres, "mysql": onMariaDB, "redis": onRedis, "awsiam": onAWS} {
		t.Run(name, func(t *testing.T) {
			p := make(t)
			before := p.live(t)
			dir, secret := p.project(t)
			p.loseNext()
			runChild(t, dir, "apply", 0)
			p.finished(t, dir, secret, before)
		})
	}
}

func onPostgres(t *testing.T) *provider {
	s := servers.Postgres(t)
	direct := fmt.Sprintf("postgres://postgres:%s@%s/postgres?sslmode=disable", s.Password, s.Addr())
	proxy := servers.NewProxy(t, s.Addr())
	conn, err := pgx.Connect(t.Context(), direct)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	do := func(t *testing.T, q string) {
		t.Helper()
		if _, err := conn.Exec(t.Context(), q); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
	do(t, "CREATE TABLE orders (id serial)")
	return &provider{
		minter: "postgres", admin: strings.Replace(direct, s.Addr(), proxy.Addr, 1), loseNext: func() { proxy.LoseAfter("commit") },
		leak: func(t *testing.T) (string, string, string) {
			user, password := "app_"+strings.ToLower(rand.Text()[:8]), rand.Text()+"7"
			do(t, fmt.Sprintf("CREATE ROLE %s LOGIN PASSWORD '%s'", user, password))
			return "settings.py", fmt.Sprintf("KEY = \"postgres://%s:%s@%s/postgres?sslmode=disable\"\n", user, password, proxy.Addr), password
		},
		live: func(t *testing.T) []string {
			rows, err := conn.Query(t.Context(), "SELECT rolname FROM pg_roles WHERE rolname LIKE 'remint-%' AND rolcanlogin")
			if err != nil {
				t.Fatal(err)
			}
			names, err := pgx.CollectRows(rows, pgx.RowTo[string])
			if err != nil {
				t.Fatal(err)
			}
			return names
		},
	}
}

func onMariaDB(t *testing.T) *provider {
	s := servers.MariaDB(t)
	proxy := servers.NewProxy(t, s.Addr())
	db, err := sql.Open("mysql", fmt.Sprintf("admin:%s@tcp(%s)/app", s.Password, s.Addr()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if _, err := db.Exec("CREATE TABLE orders (id serial)"); err != nil {
		t.Fatal(err)
	}
	return &provider{
		minter: "mysql", admin: fmt.Sprintf("mysql://admin:%s@%s/app", s.Password, proxy.Addr), loseNext: func() { proxy.LoseAfter("GRANT SELECT") },
		leak: func(t *testing.T) (string, string, string) {
			user, password := "app_"+strings.ToLower(rand.Text()[:8]), rand.Text()+"7"
			for _, q := range []string{fmt.Sprintf("CREATE USER '%s'@'127.0.0.1' IDENTIFIED BY '%s'", user, password), fmt.Sprintf("GRANT SELECT ON app.orders TO '%s'@'127.0.0.1'", user)} {
				if _, err := db.Exec(q); err != nil {
					t.Fatal(err)
				}
			}
			return "settings.py", fmt.Sprintf("KEY = \"mysql://%s:%s@%s/app\"\n", user, password, proxy.Addr), password
		},
		live: func(t *testing.T) (names []string) {
			rows, err := db.Query("SELECT User FROM mysql.user WHERE User LIKE 'remint-%'")
			if err != nil {
				t.Fatal(err)
			}
			defer rows.Close()
			for rows.Next() {
				var n string
				if err := rows.Scan(&n); err != nil {
					t.Fatal(err)
				}
				names = append(names, n)
			}
			return names
		},
	}
}

func onRedis(t *testing.T) *provider {
	s := servers.Redis(t)
	proxy := servers.NewProxy(t, s.Addr())
	c := goredis.NewClient(&goredis.Options{Addr: s.Addr(), Password: s.Password})
	t.Cleanup(func() { _ = c.Close() })
	return &provider{
		minter: "redis", admin: fmt.Sprintf("redis://default:%s@%s/0", s.Password, proxy.Addr), loseNext: func() { proxy.LoseAfter("setuser") },
		leak: func(t *testing.T) (string, string, string) {
			user, password := "app_"+strings.ToLower(rand.Text()[:8]), rand.Text()+"7"
			if err := c.Do(t.Context(), "ACL", "SETUSER", user, "on", ">"+password, "~*", "+@all").Err(); err != nil {
				t.Fatal(err)
			}
			return "settings.py", fmt.Sprintf("KEY = \"redis://%s:%s@%s/0\"\n", user, password, proxy.Addr), password
		},
		live: func(t *testing.T) (names []string) {
			all, err := c.Do(t.Context(), "ACL", "USERS").StringSlice()
			if err != nil {
				t.Fatal(err)
			}
			for _, n := range all {
				if strings.HasPrefix(n, "remint-") {
					names = append(names, n)
				}
			}
			return names
		},
	}
}

func inToken(t *testing.T) *provider {
	return &provider{
		minter: "privatekey",
		leak: func(t *testing.T) (string, string, string) {
			key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			der, err := x509.MarshalECPrivateKey(key)
			if err != nil {
				t.Fatal(err)
			}
			text := string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}))
			return "key.js", "const key = `" + text + "`;\n", text
		},
		live: func(*testing.T) []string { return nil },
	}
}

func onAWS(t *testing.T) *provider {
	a := servers.StartAWS(t)
	n := 0
	return &provider{
		minter: "awsiam", admin: a.Admin.ID + ":" + a.Admin.Secret, endpoint: ", endpoint: '" + a.URL + "'", loseNext: func() { a.Lose("CreateAccessKey") },
		leak: func(t *testing.T) (string, string, string) {
			n++
			k := a.User(t, fmt.Sprintf("app-%d", n), `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:ListAccountAliases","Resource":"*"}]}`)
			return "settings.py", fmt.Sprintf("AWS_ACCESS_KEY_ID = %q\nAWS_SECRET_ACCESS_KEY = %q\n", k.ID, k.Secret), k.Secret
		},
		live: func(t *testing.T) (names []string) {
			out, err := a.IAM(a.Admin).ListUsers(t.Context(), &iam.ListUsersInput{PathPrefix: aws.String("/remint/")})
			if err != nil {
				t.Fatal(err)
			}
			for _, u := range out.Users {
				names = append(names, *u.UserName)
			}
			return names
		},
	}
}
