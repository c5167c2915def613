package local_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/remint/remint/remediate/hsm"
	"github.com/remint/remint/remediate/vault"
	"github.com/remint/remint/remediate/vault/local"
	"github.com/remint/remint/remediate/vault/vaulttest"
)

var macKey = bytes.Repeat([]byte{9}, 32)

func create(t testing.TB, path string) *local.Store {
	t.Helper()
	s, err := local.Create(t.Context(), path, local.Header{Token: "software:", Label: "wrapping"}, macKey)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func open(t testing.TB, path string) *local.Store {
	t.Helper()
	s, _, err := local.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if err := s.Unlock(t.Context(), macKey); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestStore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "vault.db")
	create(t, path)
	vaulttest.Run(t, func(t testing.TB) vault.Store { return open(t, path) })
}

// TestGivesNothingAway looks for every value, also encoded, in all files of the
// vault while it is open and after.
func TestGivesNothingAway(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "vault.db")
	v := vault.New(create(t, path), vaulttest.Key(t), hsm.AssuranceSoftware)
	var secrets [][]byte
	for i := range 50 {
		secrets = append(secrets, fmt.Appendf(nil, "secret value number %d of fifty", i))
		if _, err := v.Put(t.Context(), fmt.Sprintf("e/%d", i%10), secrets[i], vault.Metadata{Provider: "stripe"}, vault.Any); err != nil {
			t.Fatal(err)
		}
	}
	if err := v.Store.Delete(t.Context(), "e/3", 0); err != nil {
		t.Fatal(err)
	}
	look := func() {
		files, err := filepath.Glob(filepath.Join(dir, "*"))
		if err != nil || len(files) == 0 {
			t.Fatal("no files", err)
		}
		for _, name := range files {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range secrets {
				for _, form := range []string{string(s), base64.StdEncoding.EncodeToString(s)[:24], hex.EncodeToString(s)} {
					if bytes.Contains(text, []byte(form)) {
						t.Fatalf("%s holds a value", filepath.Base(name))
					}
				}
			}
			if info, err := os.Stat(name); err != nil || info.Mode().Perm()&0o077 != 0 {
				t.Errorf("others may read %s: %v", filepath.Base(name), info.Mode())
			}
		}
	}
	look()
	_ = v.Store.Close()
	look()
}

// TestTampering changes a small vault by SQL, as one who has the file can.
func TestTampering(t *testing.T) {
	for name, change := range map[string]string{
		"swap":     "UPDATE entry SET sealed = CASE name WHEN 'a' THEN (SELECT sealed FROM entry WHERE name='b' AND version=1) ELSE sealed END WHERE version = 1",
		"cut":      "UPDATE entry SET sealed = substr(sealed, 1, length(sealed) - 1) WHERE name = 'a'",
		"remove":   "DELETE FROM entry WHERE name = 'a' AND version = 2",
		"undelete": "UPDATE entry SET sealed = x'00' WHERE name = 'b'",
		"metadata": `UPDATE entry SET metadata = replace(metadata, 'leaked', 'active')`,
		"created":  "UPDATE entry SET created = created + 1 WHERE name = 'a'",
		"add":      "INSERT INTO entry SELECT 'c', version, created, metadata, sealed, mac FROM entry WHERE name = 'a'",
		"head":     "UPDATE head SET count = count + 1",
		"token":    "UPDATE head SET token = CAST(replace(CAST(token AS TEXT), 'software', 'hardware') AS BLOB)",
		"sum":      "UPDATE head SET sum = zeroblob(32)",
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "vault.db")
			s := create(t, path)
			v := vault.New(s, vaulttest.Key(t), hsm.AssuranceSoftware)
			for _, n := range []string{"a", "a", "b"} {
				if _, err := v.Put(t.Context(), n, []byte("value"), vault.Metadata{State: "leaked"}, vault.Any); err != nil {
					t.Fatal(err)
				}
			}
			if err := s.Exec(change); err != nil {
				t.Fatal(err)
			}
			if name != "head" && name != "sum" && name != "token" {
				// The handle that verified before notices too, with the next write of another.
				fresh, _, err := local.Open(t.Context(), path)
				if err != nil {
					t.Fatal(err)
				}
				defer fresh.Close()
				err = fresh.Unlock(t.Context(), macKey)
				if !errors.Is(err, vault.ErrTampered) || name != "remove" && !strings.Contains(err.Error(), " of ") {
					t.Errorf("unlock: %v", err)
				}
				return
			}
			if _, _, err := v.Get(t.Context(), "a", 0); !errors.Is(err, vault.ErrTampered) {
				t.Errorf("get: %v", err)
			}
		})
	}
}

// TestOlderRow puts one row back from an older copy.
func TestOlderRow(t *testing.T) {
	path := filepath.Join(t.TempDir(), "vault.db")
	s := create(t, path)
	v := vault.New(s, vaulttest.Key(t), hsm.AssuranceSoftware)
	if _, err := v.Put(t.Context(), "a", []byte("value"), vault.Metadata{}, 0); err != nil {
		t.Fatal(err)
	}
	if err := s.Exec("CREATE TABLE copy AS SELECT * FROM entry"); err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(t.Context(), "a", 1); err != nil {
		t.Fatal(err)
	}
	if err := s.Exec("DELETE FROM entry; INSERT INTO entry SELECT * FROM copy; DROP TABLE copy"); err != nil {
		t.Fatal(err)
	}
	fresh, _, err := local.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer fresh.Close()
	if err := fresh.Unlock(t.Context(), macKey); !errors.Is(err, vault.ErrTampered) {
		t.Errorf("a row of an older copy: %v", err)
	}
}

// TestEveryByte flips every byte of a small vault: each value is right, or
// there is an error.
func TestEveryByte(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "vault.db")
	s := create(t, path)
	key := vaulttest.Key(t)
	v := vault.New(s, key, hsm.AssuranceSoftware)
	want := map[string]string{"a": "value of a", "b": "value of b"}
	for n, value := range want {
		if _, err := v.Put(t.Context(), n, []byte(value), vault.Metadata{}, 0); err != nil {
			t.Fatal(err)
		}
	}
	_ = s.Close()
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	refused, step := 0, 1
	if testing.Short() || raceEnabled {
		step = 17
	}
	for at := 0; at < len(good); at += step {
		bad := bytes.Clone(good)
		bad[at] ^= 0x41
		name := filepath.Join(dir, "flipped.db")
		for _, suffix := range []string{"", "-wal", "-shm"} {
			_ = os.Remove(name + suffix)
		}
		if err := os.WriteFile(name, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		if !readsRight(t, name, key, want) {
			refused++
		}
	}
	if refused < len(good)/step/50 {
		t.Errorf("only %d of %d flips were refused: does the test read the vault?", refused, len(good)/step)
	}
}

// readsRight tells whether a vault opens with the right values; a wrong value
// fails the test.
func readsRight(t *testing.T, path string, key hsm.Wrapper, want map[string]string) bool {
	t.Helper()
	s, _, err := local.Open(t.Context(), path)
	if err != nil {
		return false
	}
	defer s.Close()
	if err := s.Unlock(t.Context(), macKey); err != nil {
		return false
	}
	v := vault.New(s, key, hsm.AssuranceSoftware)
	for n, value := range want {
		got, _, err := v.Get(t.Context(), n, 0)
		if err != nil {
			return false
		}
		if string(got) != value {
			t.Fatalf("%s has another value", n)
		}
	}
	return true
}

// TestKill kills eight processes that write, rotate and re-wrap at random moments: what
// they said was written is there, nothing is half there, and the vault opens.
func TestKill(t *testing.T) {
	if path := os.Getenv("REMINT_TEST_WRITER"); path != "" {
		writer(path)
		return
	}
	path := filepath.Join(t.TempDir(), "vault.db")
	create(t, path)
	acknowledged := make(map[string]int) // the newest version
	written := 0
	rounds := 25
	if testing.Short() || raceEnabled {
		rounds = 5
	}
	for range rounds {
		var running []*exec.Cmd
		for range 8 {
			cmd := exec.Command(os.Args[0], "-test.run=^TestKill$")
			cmd.Env = append(os.Environ(), "REMINT_TEST_WRITER="+path)
			cmd.Stdout = &bytes.Buffer{}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			running = append(running, cmd)
		}
		time.Sleep(time.Duration(100+rand.IntN(400)) * time.Millisecond)
		for _, cmd := range running {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			lines := strings.Split(cmd.Stdout.(*bytes.Buffer).String(), "\n")
			for _, line := range lines[:len(lines)-1] {
				var name string
				var version int
				if _, err := fmt.Sscanf(line, "wrote %s %d", &name, &version); err != nil {
					t.Fatalf("a writer failed: %s", line)
				}
				acknowledged[name] = version
				written++
			}
		}
		s := open(t, path) // verifies every row
		for name, version := range acknowledged {
			if _, err := s.Get(t.Context(), name, version); err != nil {
				t.Fatalf("version %d of %s was acknowledged: %v", version, name, err)
			}
		}
		_ = s.Close()
	}
	t.Logf("%d writes were acknowledged", written)
	if written < rounds {
		t.Errorf("only %d writes: does the test write?", written)
	}
}

func writer(path string) {
	s, _, err := local.Open(context.Background(), path)
	if err == nil {
		err = s.Unlock(context.Background(), macKey)
	}
	for i := 0; err == nil; i++ {
		if i%10 == 9 { // every version is sealed anew, as far as the file is concerned
			err = s.Rewrap(context.Background(), local.Header{Token: "software:", Label: strconv.Itoa(i)}, func(e vault.Entry) (vault.Entry, error) {
				e.Sealed = append([]byte(nil), e.Sealed...)
				e.Sealed[0]++
				return e, nil
			})
			if err != nil {
				break
			}
		}
		name, version := "n"+strconv.Itoa(os.Getpid())+"-"+strconv.Itoa(i/3), i%3+1 // two in three are rotations
		if err = s.Put(context.Background(), vault.Entry{Name: name, Version: version, Created: time.Now(), Sealed: make([]byte, 100)}); err == nil {
			fmt.Printf("wrote %s %d\n", name, version)
		}
	}
	fmt.Println(err)
	os.Exit(1)
}
