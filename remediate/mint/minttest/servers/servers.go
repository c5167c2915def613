// Package servers starts real database servers for tests: on free ports of the
// loopback, with their data in temporary folders.
package servers

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// need returns a program's path. Where there is none the test is skipped, and
// fails in CI.
func need(t testing.TB, names ...string) string {
	t.Helper()
	for _, n := range names {
		if found, err := filepath.Glob(n); err == nil && filepath.IsAbs(n) && len(found) > 0 {
			return found[len(found)-1]
		}
		if path, err := exec.LookPath(n); err == nil {
			return path
		}
	}
	if os.Getenv("CI") != "" {
		t.Fatalf("%s is not installed, and CI needs it", names[0])
	}
	t.Skipf("%s is not installed", names[0])
	return ""
}

// Port is a port of the loopback that is free now.
func Port(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// nobody is whom servers run as that refuse to be root.
func nobody(t testing.TB, dirs ...string) *syscall.SysProcAttr {
	t.Helper()
	if os.Geteuid() != 0 {
		return nil
	}
	u, err := user.Lookup("nobody")
	if err != nil {
		t.Fatal(err)
	}
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	for _, d := range dirs {
		if err := os.Chown(d, uid, gid); err != nil {
			t.Fatal(err)
		}
	}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
}

// folder is a temporary folder that another user may enter.
func folder(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "remint-server-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// start runs a server until the test ends, and waits for its port.
func start(t testing.TB, port int, attr *syscall.SysProcAttr, dir, name string, args ...string) {
	t.Helper()
	c := exec.Command(name, args...)
	var log bytes.Buffer
	c.Stdout, c.Stderr, c.SysProcAttr, c.Dir = &log, &log, attr, dir
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { _ = c.Wait(); close(done) }()
	t.Cleanup(func() {
		_ = c.Process.Signal(syscall.SIGTERM)
		select {
		case <-done:
		case <-time.After(10 * time.Second):
			_ = c.Process.Kill()
			<-done
		}
	})
	for deadline := time.Now().Add(60 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		select {
		case <-done:
			t.Fatalf("%s ended: %s", name, log.Bytes())
		default:
		}
		conn, err := net.DialTimeout("tcp", fmt.Sprintf("127.0.0.1:%d", port), time.Second)
		if err == nil {
			_ = conn.Close()
			return
		}
	}
	t.Fatalf("%s does not listen", name)
}

func run(t testing.TB, attr *syscall.SysProcAttr, dir string, stdin io.Reader, name string, args ...string) {
	t.Helper()
	c := exec.Command(name, args...)
	c.SysProcAttr, c.Stdin, c.Dir = attr, stdin, dir
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
}

// Server is where a server listens, and its administrator's password.
type Server struct {
	Host     string
	Port     int
	Password string
}

// Addr is host:port.
func (s Server) Addr() string { return net.JoinHostPort(s.Host, strconv.Itoa(s.Port)) }

// Postgres starts PostgreSQL with the superuser "postgres" and a password that
// every connection must show.
func Postgres(t testing.TB) Server {
	t.Helper()
	initdb := need(t, "/usr/lib/postgresql/*/bin/initdb", "initdb")
	s := Server{Host: "127.0.0.1", Port: Port(t), Password: "admin-of-the-test"}
	dir := folder(t)
	data, pw := filepath.Join(dir, "data"), filepath.Join(dir, "pw")
	if err := os.WriteFile(pw, []byte(s.Password), 0o644); err != nil {
		t.Fatal(err)
	}
	attr := nobody(t, dir)
	run(t, attr, dir, nil, initdb, "-D", data, "-U", "postgres", "--auth=scram-sha-256", "--pwfile="+pw, "--no-sync", "-E", "UTF8", "--locale=C")
	start(t, s.Port, attr, dir, filepath.Join(filepath.Dir(initdb), "postgres"), "-D", data, "-p", strconv.Itoa(s.Port), "-h", s.Host, "-k", dir, "-c", "fsync=off", "-c", "max_connections=60")
	// It listens before it lets anybody in.
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		conn, err := pgx.Connect(context.Background(), fmt.Sprintf("postgres://postgres:%s@%s/postgres?sslmode=disable", s.Password, s.Addr()))
		if err == nil {
			_ = conn.Close(context.Background())
			return s
		}
		if time.Now().After(deadline) {
			t.Fatalf("PostgreSQL lets nobody in: %v", err)
		}
	}
}

// MariaDB starts MariaDB with the administrator "admin".
func MariaDB(t testing.TB) Server {
	t.Helper()
	install, daemon := need(t, "mariadb-install-db"), need(t, "mariadbd", "/usr/sbin/mariadbd")
	s := Server{Host: "127.0.0.1", Port: Port(t), Password: "admin-of-the-test"}
	dir := folder(t)
	data, init := filepath.Join(dir, "data"), filepath.Join(dir, "init.sql")
	sql := fmt.Sprintf("CREATE USER 'admin'@'%%' IDENTIFIED BY '%s';\nGRANT ALL ON *.* TO 'admin'@'%%' WITH GRANT OPTION;\nCREATE DATABASE app;\n", s.Password)
	if err := os.WriteFile(init, []byte(sql), 0o644); err != nil {
		t.Fatal(err)
	}
	attr := nobody(t, dir)
	run(t, attr, dir, nil, install, "--no-defaults", "--datadir="+data, "--skip-test-db", "--auth-root-authentication-method=normal")
	start(t, s.Port, attr, dir, daemon, "--no-defaults", "--datadir="+data, "--port="+strconv.Itoa(s.Port), "--bind-address="+s.Host,
		"--socket="+filepath.Join(dir, "s"), "--pid-file="+filepath.Join(dir, "pid"), "--init-file="+init, "--skip-name-resolve")
	return s
}

// Redis starts Redis with a password for the default user.
func Redis(t testing.TB) Server {
	t.Helper()
	s := Server{Host: "127.0.0.1", Port: Port(t), Password: "admin-of-the-test"}
	dir := folder(t)
	start(t, s.Port, nil, dir, need(t, "redis-server"), "--port", strconv.Itoa(s.Port), "--bind", s.Host, "--requirepass", s.Password, "--save", "", "--dir", dir)
	return s
}
