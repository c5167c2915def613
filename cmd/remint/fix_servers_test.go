//go:build unix

package main

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/redis/go-redis/v9"

	"github.com/remint/remint/remediate/mint/minttest/servers"
)

// shop is a repository with three programs, each with a hardcoded key of a real
// server or of its own.
type shop struct {
	t                    *testing.T
	dir                  string
	env                  []string
	postgres, redis      servers.Server
	pgPassword, rdPasswd string
	oldKey               *rsa.PrivateKey
}

func (s *shop) write(name, text string) {
	s.t.Helper()
	path := filepath.Join(s.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		s.t.Fatal(err)
	}
}

func (s *shop) read(name string) string {
	s.t.Helper()
	text, err := os.ReadFile(filepath.Join(s.dir, name))
	if err != nil {
		s.t.Fatal(err)
	}
	return string(text)
}

// run runs a program in the repository and wants an exit code.
func (s *shop) run(code int, name string, args ...string) string {
	s.t.Helper()
	c := exec.Command(name, args...)
	c.Dir, c.Env = s.dir, s.env
	out, err := c.CombinedOutput()
	got := 0
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else if err != nil {
		s.t.Fatal(err)
	}
	for _, secret := range []string{s.pgPassword, s.rdPasswd} {
		if secret != "" && bytes.Contains(out, []byte(secret)) {
			s.t.Fatalf("%s %v shows a secret", name, args)
		}
	}
	if got != code {
		s.t.Fatalf("%s %v: exit code %d, want %d\n%s", name, args, got, code, out)
	}
	return string(out)
}

func (s *shop) admin(statements ...string) {
	s.t.Helper()
	conn, err := pgx.Connect(s.t.Context(), s.adminURL())
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.Close(context.Background())
	for _, q := range statements {
		if _, err := conn.Exec(s.t.Context(), q); err != nil {
			s.t.Fatalf("%s: %v", q, err)
		}
	}
}

func (s *shop) adminURL() string {
	return fmt.Sprintf("postgres://postgres:%s@%s/postgres?sslmode=disable", s.postgres.Password, s.postgres.Addr())
}

func needs(t *testing.T, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			if os.Getenv("CI") != "" {
				t.Fatalf("%s is not installed, and CI needs it", p)
			}
			t.Skipf("%s is not installed", p)
		}
	}
}

// openShop makes the servers, their accounts and the repository.
func openShop(t *testing.T) *shop {
	t.Helper()
	needs(t, "python3", "node", "git", "softhsm2-util")
	s := &shop{t: t, dir: filepath.Join(t.TempDir(), "shop"), postgres: servers.Postgres(t), redis: servers.Redis(t), pgPassword: rand.Text() + "7", rdPasswd: rand.Text() + "7"}
	home := t.TempDir()
	conf := filepath.Join(home, "softhsm2.conf")
	if err := errors.Join(os.Mkdir(filepath.Join(home, "tokens"), 0o700), os.WriteFile(conf, []byte("directories.tokendir = "+filepath.Join(home, "tokens")+"\n"), 0o600)); err != nil {
		t.Fatal(err)
	}
	s.env = append(os.Environ(), "REMINT_HOME="+filepath.Join(home, "remint"), "SOFTHSM2_CONF="+conf, "REMINT_PKCS11_MODULE="+softhsm(), "CI=",
		"GIT_AUTHOR_NAME=t", "GIT_AUTHOR_EMAIL=t@acme.io", "GIT_COMMITTER_NAME=t", "GIT_COMMITTER_EMAIL=t@acme.io", "GOFLAGS=-mod=mod")
	s.admin("CREATE TABLE orders (id serial PRIMARY KEY, what text)", "CREATE TABLE salaries (id serial)",
		fmt.Sprintf("CREATE ROLE shop LOGIN PASSWORD '%s'", s.pgPassword), "GRANT SELECT, INSERT ON orders, salaries TO shop", "GRANT USAGE ON SEQUENCE orders_id_seq TO shop")
	admin := redis.NewClient(&redis.Options{Addr: s.redis.Addr(), Password: s.redis.Password})
	defer admin.Close()
	if err := admin.Do(t.Context(), "ACL", "SETUSER", "worker", "on", ">"+s.rdPasswd, "~*", "+@all").Err(); err != nil {
		t.Fatal(err)
	}
	s.fill()
	return s
}

const goService = `package main

import (
	"database/sql"
	"fmt"
	"os"

	_ "github.com/jackc/pgx/v5/stdlib"
)

const databaseURL = "%s"

func main() {
	db, err := sql.Open("pgx", databaseURL)
	if err == nil {
		_, err = db.Exec("INSERT INTO orders (what) VALUES ('tea')")
	}
	var n int
	if err == nil {
		err = db.QueryRow("SELECT count(*) FROM orders").Scan(&n)
	}
	if err != nil {
		fmt.Println("failed:", err)
		os.Exit(1)
	}
	fmt.Println("orders", n)
}
`

// A worker without a client library: RESP is short.
const pythonWorker = `import os
import re
import socket
from urllib.parse import unquote, urlsplit

with open(os.path.join(os.path.dirname(__file__), "worker.yaml")) as f:
    text = os.path.expandvars(f.read())
url = urlsplit(re.search(r"url: (\S+)", text).group(1))
with socket.create_connection((url.hostname, url.port)) as s:
    r = s.makefile("rb")
    def call(*words):
        s.sendall(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in (w.encode() for w in words)))
        return r.readline().decode().strip()
    print(call("AUTH", unquote(url.username), unquote(url.password)))
    print(call("SET", "jobs:1", "x"))
    print(call("SET", "other", "x"))
`

const nodeService = `const crypto = require('crypto');
const fs = require('fs');
for (const line of fs.readFileSync(__dirname + '/.env', 'utf8').split('\n')) {
  const m = /^([A-Z_]+)="?(.*?)"?$/.exec(line);
  if (m && !process.env[m[1]]) process.env[m[1]] = m[2].replace(/\\n/g, '\n');
}
const b64 = x => Buffer.from(x).toString('base64url');
const head = b64('{"alg":"RS256","typ":"JWT"}') + '.' + b64('{"sub":"shop"}');
console.log(head + '.' + crypto.createSign('RSA-SHA256').update(head).sign(crypto.createPrivateKey(process.env.JWT_PRIVATE_KEY), 'base64url'));
`

func (s *shop) fill() {
	s.t.Helper()
	var err error
	if s.oldKey, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
		s.t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(s.oldKey)
	if err != nil {
		s.t.Fatal(err)
	}
	key := strings.ReplaceAll(string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), "\n", `\n`)
	s.write("go.mod", "module shop\n\ngo 1.26\n\nrequire github.com/jackc/pgx/v5 "+s.pgxVersion()+"\n")
	s.write("api/main.go", fmt.Sprintf(goService, fmt.Sprintf("postgres://shop:%s@%s/postgres?sslmode=disable", s.pgPassword, s.postgres.Addr())))
	s.write("worker/worker.py", pythonWorker)
	s.write("worker/worker.yaml", fmt.Sprintf("queue: ${QUEUE:-jobs}\nredis:\n  url: redis://worker:%s@%s/0\n", s.rdPasswd, s.redis.Addr()))
	s.write("web/package.json", "{\"name\": \"web\"}\n")
	s.write("web/server.js", nodeService)
	s.write("web/.env", "PORT=8080\nJWT_PRIVATE_KEY=\""+key+"\"\n")
	s.write(".remint.yaml", "version: 1\n# Who may make roles.\nproviders:\n  postgres: {admin: infra/postgres}\n  redis: {admin: infra/redis}\nfix:\n  scopes:\n    shop/redis-url: '+@read,+@write,-@dangerous on ~jobs:*'\n    shop/database-url: 'select,insert on public.orders; usage on sequence:public.orders_id_seq'\n")
	s.run(0, "go", "mod", "tidy")
	s.run(0, "git", "init", "-q", ".")
	s.run(0, "git", "add", "-A")
	s.run(0, "git", "commit", "-q", "-m", "The shop as it grew")
	s.run(0, "remint", "vault", "init")
	s.put("infra/postgres", s.adminURL())
	s.put("infra/redis", fmt.Sprintf("redis://default:%s@%s/0", s.redis.Password, s.redis.Addr()))
}

func (s *shop) pgxVersion() string {
	s.t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Version}}", "github.com/jackc/pgx/v5").Output()
	if err != nil {
		s.t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

func (s *shop) put(entry, value string) {
	s.t.Helper()
	c := exec.Command("remint", "vault", "put", entry)
	c.Dir, c.Env, c.Stdin = s.dir, s.env, strings.NewReader(value)
	if out, err := c.CombinedOutput(); err != nil {
		s.t.Fatalf("%v: %s", err, out)
	}
}

// TestFixEndToEnd closes the loop on real servers: find, mint, rewrite, run,
// revoke, and scan again.
func TestFixEndToEnd(t *testing.T) {
	s := openShop(t)
	s.run(1, "remint", "scan")
	s.run(0, "go", "run", "./api")

	plan := s.run(1, "remint", "fix")
	for _, want := range []string{"shop/database-url", "shop/redis-url", "shop/jwt-private-key", "the key does not leave it", `os.Getenv("DATABASE_URL")`, "${REDIS_URL}", "select,insert on public.orders"} {
		if !strings.Contains(plan, want) {
			t.Errorf("the plan does not say %q:\n%s", want, plan)
		}
	}
	if s.run(0, "git", "status", "--porcelain") != "" {
		t.Fatal("a plan changed something")
	}
	s.run(0, "remint", "fix", "--apply", "--revoke=now", "--only", s.print("postgres-url"), "--only", s.print("redis-url"))
	s.run(0, "remint", "fix", "--apply")
	s.programs()
	s.dead()
	s.run(0, "remint", "revoke", "shop/jwt-private-key", "--done")
	before := s.run(0, "remint", "vault", "show", "shop/database-url", "--reveal")
	s.run(0, "remint", "rotate", "shop/database-url", "--revoke=now")
	if after := s.run(0, "remint", "vault", "show", "shop/database-url", "--reveal"); after == before {
		t.Error("the rotation left the key as it was")
	}
	s.programs()
	s.run(0, "remint", "scan")
	s.run(0, "git", "add", "-A")
	s.run(0, "git", "commit", "-q", "-m", "Keys are injected")
	history := s.run(0, "remint", "scan", "--git")
	if strings.Count(history, "revoked: ") != 3 {
		t.Errorf("the history does not say three times that a key is revoked:\n%s", history)
	}
	if out := s.run(0, "remint", "fix", "--apply"); !strings.Contains(out, "nothing to fix") {
		t.Errorf("a second run: %s", out)
	}
	if out := s.run(0, "remint", "status"); strings.Count(out, "closed") != 4 {
		t.Errorf("status:\n%s", out)
	}
}

// print is the fingerprint of the finding of a rule.
func (s *shop) print(rule string) string {
	s.t.Helper()
	var r struct {
		Findings []struct {
			Rule        string `json:"rule"`
			Fingerprint string `json:"fingerprint"`
		} `json:"findings"`
	}
	if err := json.Unmarshal([]byte(s.run(1, "remint", "scan", "-f", "json")), &r); err != nil {
		s.t.Fatal(err)
	}
	for _, f := range r.Findings {
		if f.Rule == rule {
			return f.Fingerprint
		}
	}
	s.t.Fatalf("no finding of %s", rule)
	return ""
}

// programs runs all three under `remint run`.
func (s *shop) programs() {
	s.t.Helper()
	if out := s.run(0, "remint", "run", "--", "go", "run", "./api"); !strings.Contains(out, "orders ") {
		s.t.Errorf("the Go service: %s", out)
	}
	if out := s.run(0, "remint", "run", "--", "python3", "worker/worker.py"); !strings.HasPrefix(out, "+OK\n+OK\n-NOPERM") {
		s.t.Errorf("the Python worker: %s", out)
	}
	token := strings.Split(strings.TrimSpace(s.run(0, "remint", "run", "--", "node", "web/server.js")), ".")
	if len(token) != 3 {
		s.t.Fatalf("the Node service: %v", token)
	}
	signature, err := base64.RawURLEncoding.DecodeString(token[2])
	if err != nil {
		s.t.Fatal(err)
	}
	block, _ := pem.Decode([]byte(s.read("web/jwt-private-key.pub.pem")))
	public, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		s.t.Fatal(err)
	}
	digest := sha256.Sum256([]byte(token[0] + "." + token[1]))
	if err := rsa.VerifyPKCS1v15(public.(*rsa.PublicKey), crypto.SHA256, digest[:], signature); err != nil {
		s.t.Errorf("the JWT is not signed by the token's key: %v", err)
	}
	if out := s.run(0, "pkcs11-tool", "--module", softhsm(), "--login", "--pin", strings.TrimSpace(s.pin()), "--list-objects", "--type", "privkey"); !strings.Contains(out, "never extractable") || strings.Contains(out, "Access:     extractable") {
		s.t.Errorf("the key is extractable:\n%s", out)
	}
}

func (s *shop) pin() string {
	for _, kv := range s.env {
		if home, ok := strings.CutPrefix(kv, "REMINT_HOME="); ok {
			text, err := os.ReadFile(filepath.Join(home, "pin"))
			if err != nil {
				s.t.Fatal(err)
			}
			return string(text)
		}
	}
	return ""
}

// dead looks that the servers refuse the old passwords, and that the new roles
// may do what was asked for and no more.
func (s *shop) dead() {
	s.t.Helper()
	_, err := pgx.Connect(s.t.Context(), fmt.Sprintf("postgres://shop:%s@%s/postgres?sslmode=disable", s.pgPassword, s.postgres.Addr()))
	if pg := (*pgconn.PgError)(nil); !errors.As(err, &pg) || pg.Code != "28P01" {
		s.t.Errorf("PostgreSQL takes the old password: %v", err)
	}
	old := redis.NewClient(&redis.Options{Addr: s.redis.Addr(), Username: "worker", Password: s.rdPasswd})
	defer old.Close()
	if err := old.Ping(s.t.Context()).Err(); err == nil || !strings.HasPrefix(err.Error(), "WRONGPASS") {
		s.t.Errorf("Redis takes the old password: %v", err)
	}
	url := strings.TrimSpace(s.run(0, "remint", "vault", "show", "shop/database-url", "--reveal"))
	conn, err := pgx.Connect(s.t.Context(), url)
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.Close(context.Background())
	for _, q := range []string{"SELECT * FROM salaries", "DELETE FROM orders", "CREATE TABLE x (i int)"} {
		_, err := conn.Exec(s.t.Context(), q)
		if pg := (*pgconn.PgError)(nil); !errors.As(err, &pg) || pg.Code != "42501" {
			s.t.Errorf("%s: want it forbidden, got %v", q, err)
		}
	}
}
