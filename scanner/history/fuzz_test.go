package history

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/remint/remint/scanner/history/gittest"
)

// FuzzPack reads every entry that could start in a pack.
func FuzzPack(f *testing.F) {
	w := newPackWriter(3)
	base := w.blob("base ")
	w.delta(blobID("base two"), base, appendOp(5, "two"))
	w.add(blobID("base three"), offsetDelta, 10, []byte{14}, appendOp(5, "three"))
	f.Add(append(w.buf.Bytes(), make([]byte, 20)...))
	dir := f.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "objects", "pack"), 0o777); err != nil {
		f.Fatal(err)
	}
	name := filepath.Join(dir, "objects", "pack", "pack-x")
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := os.WriteFile(name+".pack", data, 0o666); err != nil {
			t.Fatal(err)
		}
		repo, err := Open(dir, Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer repo.Close()
		repo.limit = 1 << 20
		p := &pack{base: name, format: SHA1}
		defer p.close()
		for off := range min(int64(len(data)), 256) {
			typ, data, err := repo.unpack(place{pack: p, off: off})
			_, size, errHeader := repo.packedHeader(place{pack: p, off: off})
			if err == nil && (typ < Commit || typ > Tag || errHeader != nil || size != int64(len(data))) {
				t.Errorf("at %d: a %s of %d bytes; its header says %d, %v", off, typ, len(data), size, errHeader)
			}
		}
	})
}

// FuzzIndex looks objects up in a pack index and a multi-pack-index.
func FuzzIndex(f *testing.F) {
	w := newPackWriter(2)
	w.blob("one")
	w.blob("two")
	one, two := blobID("one"), blobID("two")
	f.Add(w.index(make([]byte, 20), 0), one.Bytes())
	f.Add(w.index(make([]byte, 20), 5<<30), two.Bytes())
	r := gittest.New(f)
	r.Write("file", "content")
	r.Commit("a commit")
	r.Git("repack", "-a", "-d", "--quiet")
	r.Git("multi-pack-index", "write")
	seed(f, filepath.Join(r.GitDir(), "objects", "pack", multiIndexName), one)
	pack, err := filepath.Glob(filepath.Join(r.GitDir(), "objects", "pack", "*.pack"))
	if err != nil || len(pack) != 1 {
		f.Fatal(pack, err)
	}
	r.Git("index-pack", "--index-version=1", "-o", filepath.Join(r.Dir, "index"), pack[0])
	seed(f, filepath.Join(r.Dir, "index"), one)
	name := filepath.Join(f.TempDir(), "index")
	f.Fuzz(func(t *testing.T, data, raw []byte) {
		if err := os.WriteFile(name, data, 0o666); err != nil {
			t.Fatal(err)
		}
		id := NewID(raw)
		if id.IsZero() {
			id = one
		}
		for _, format := range []Format{SHA1, SHA256} {
			if x, err := openPackIndex(name, format); err == nil {
				if off, err := x.find(id); err == nil && off < -1 {
					t.Errorf("offset %d", off)
				}
				x.file.Close()
			}
			if m, err := openMultiIndex(name, format); err == nil {
				if n, off, err := m.find(id); err == nil && (n < -1 || n >= len(m.packs) || off < -1) {
					t.Errorf("pack %d of %d, offset %d", n, len(m.packs), off)
				}
				m.file.Close()
			}
		}
	})
}

func seed(f *testing.F, name string, id ID) {
	f.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data, id.Bytes())
}

func FuzzDelta(f *testing.F) {
	f.Add([]byte("base "), appendOp(5, "two"))
	f.Add([]byte("0123456789"), []byte{10, 4, 0x91, 2, 3, 1, 'x'})
	f.Fuzz(func(t *testing.T, base, delta []byte) {
		out, err := applyDelta(nil, base, delta, 1<<20)
		if err != nil {
			return
		}
		from, size, _, err := deltaSizes(delta)
		if err != nil || from != int64(len(base)) || size != int64(len(out)) {
			t.Errorf("%d bytes from %d; the delta says %d from %d, %v", len(out), len(base), size, from, err)
		}
		if again, err := applyDelta(make([]byte, 0, 8), base, delta, 1<<20); err != nil || !bytes.Equal(again, out) {
			t.Errorf("into another buffer, it differs: %v", err)
		}
	})
}

func FuzzTree(f *testing.F) {
	f.Add([]byte("100644 a\x0001234567890123456789" + "40000 b\x0001234567890123456789"))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, format := range []Format{SHA1, SHA256} {
			total := 0
			e := NewEntries(data, format)
			for e.Next() {
				id := e.ID()
				if len(e.Name) == 0 || bytes.IndexByte(e.Name, 0) >= 0 || len(id.Bytes()) != format.Size() {
					t.Errorf("entry %q", e.Name)
				}
				total += len(e.Name) + 2 + format.Size()
			}
			if e.Err() == nil && total > len(data) {
				t.Errorf("%d bytes of entries in %d", total, len(data))
			}
		}
		if id, err := CommitTree(data); err == nil && id.IsZero() {
			t.Error("a commit without a tree")
		}
	})
}
