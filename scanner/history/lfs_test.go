package history

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/remint/remint/scanner/history/gittest"
)

func TestParseLFSPointer(t *testing.T) {
	oid := strings.Repeat("0123456789abcdef", 4)
	const v1 = "version https://git-lfs.github.com/spec/v1\n"
	for _, text := range []string{
		v1 + "oid sha256:" + oid + "\nsize 12345\n",
		v1 + "oid sha256:" + oid + "\nsize 12345",
		v1 + "oid sha256:" + strings.ToUpper(oid) + "\nsize 12345\n\n",
		strings.ReplaceAll(v1+"oid sha256:"+oid+"\nsize 12345\n", "\n", "\r\n"),
		v1 + "ext-0-foo sha256:" + oid + "\next-1-bar sha256:" + oid + "\noid sha256:" + oid + "\nsize 12345\n",
		v1 + "oid sha256:" + oid + "\nsize 12345\nz something else\n",
		"version https://hawser.github.com/spec/v1\noid sha256:" + oid + "\nsize 12345\n",
		"version http://git-media.io/v/2\noid sha256:" + oid + "\nsize 12345\n",
	} {
		if got, size, ok := ParseLFSPointer([]byte(text)); !ok || got != oid || size != 12345 {
			t.Errorf("%q: %s, %d, %t", text, got, size, ok)
		}
	}
	for _, text := range []string{
		"",
		"version",
		v1,
		v1 + "oid sha256:" + oid + "\n",
		v1 + "size 1\n",
		v1 + "size 1\noid sha256:" + oid + "\n",
		v1 + "oid sha256:" + oid + "\nsize -1\n",
		v1 + "oid sha256:" + oid + "\nsize 99999999999999999999\n",
		v1 + "oid md5:" + oid + "\nsize 1\n",
		v1 + "oid sha256:" + oid[1:] + "\nsize 1\n",
		v1 + "oid sha256:" + oid + "\noid sha256:" + oid + "\nsize 1\n",
		v1 + "\noid sha256:" + oid + "\nsize 1\n",
		v1 + "Oid sha256:" + oid + "\nsize 1\n",
		"version https://example.com/spec/v1\noid sha256:" + oid + "\nsize 1\n",
		"oid sha256:" + oid + "\nsize 1\n" + v1,
		v1 + "a " + strings.Repeat("x", 1024) + "\noid sha256:" + oid + "\nsize 1\n",
	} {
		if got, size, ok := ParseLFSPointer([]byte(text)); ok {
			t.Errorf("%q is taken for a pointer to %s, %d", text, got, size)
		}
	}
}

// checkLFS makes sure that these files are there, and of all ids no others.
func checkLFS(t *testing.T, repo *Repo, when string, all, want []string) {
	t.Helper()
	var got []string
	for f, err := range repo.LFSObjects() {
		if err != nil {
			t.Error(err)
		}
		if info, err := os.Stat(f.Path); err != nil || info.Size() != f.Size {
			t.Errorf("%s: %+v: %v", when, f, err)
		}
		got = append(got, f.OID)
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("%s: %q, want %q", when, got, want)
	}
	for _, oid := range all {
		path, ok := repo.LFSObject(strings.ToUpper(oid))
		if ok != slices.Contains(want, oid) || ok && filepath.Base(path) != oid {
			t.Errorf("%s: %s is %s, %t", when, oid, path, ok)
		}
	}
}

func TestLFSObjects(t *testing.T) {
	r := gittest.New(t)
	r.Commit("one")
	a, b := strings.Repeat("ab", 32), strings.Repeat("cd", 32)
	put(t, r, "lfs/objects/ab/ab/"+a, "content")
	put(t, r, "lfs/objects/stray", "x")
	linked := gittest.At(t, filepath.Join(t.TempDir(), "linked"))
	r.Git("worktree", "add", "--quiet", "--detach", linked.Dir)
	outside := t.TempDir()
	if err := os.MkdirAll(filepath.Join(outside, "objects", "cd", "cd"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(outside, "objects", "cd", "cd", b), []byte("outside"), 0o600); err != nil {
		t.Fatal(err)
	}
	check := func(when string, want ...string) {
		t.Helper()
		for _, g := range []*gittest.Repo{r, linked} {
			checkLFS(t, open(t, g), when, []string{a, b}, want)
		}
	}
	check("as it is", "", a)
	for _, oid := range []string{"", "..", a[1:], a + "/"} {
		if path, ok := open(t, r).LFSObject(oid); ok {
			t.Errorf("%q is %s", oid, path)
		}
	}
	r.Git("config", "lfs.storage", outside)
	check("with a storage outside", "", a)
	r.Git("config", "lfs.storage", "../../..")
	check("with a storage above", "", a)
	put(t, r, "own/objects/cd/cd/"+b, "own")
	r.Git("config", "lfs.storage", "own")
	check("with a storage inside", "", a, b)
	for range open(t, r).LFSObjects() {
		break // which must not go on
	}
	if err := os.RemoveAll(filepath.Join(r.GitDir(), "lfs")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(r.GitDir(), "lfs")); err != nil {
		t.Fatal(err)
	}
	check("with a link to the outside", b)
}

func FuzzLFSPointer(f *testing.F) {
	f.Add([]byte("version https://git-lfs.github.com/spec/v1\noid sha256:" + strings.Repeat("ab", 32) + "\nsize 12345\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		oid, size, ok := ParseLFSPointer(data)
		if ok != (len(oid) == 64) || size < 0 || strings.ToLower(oid) != oid {
			t.Errorf("%q, %d, %t", oid, size, ok)
		}
	})
}
