package history

import (
	"bytes"
	"compress/zlib"
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// packWriter makes packs that git would not make.
type packWriter struct {
	buf     bytes.Buffer
	offsets map[ID]int64
}

func newPackWriter(count int) *packWriter {
	w := &packWriter{offsets: map[ID]int64{}}
	w.buf.WriteString("PACK\x00\x00\x00\x02")
	w.buf.Write(binary.BigEndian.AppendUint32(nil, uint32(count)))
	return w
}

func deflate(data []byte) []byte {
	var out bytes.Buffer
	z := zlib.NewWriter(&out)
	if _, err := z.Write(data); err != nil {
		panic(err)
	}
	if err := z.Close(); err != nil {
		panic(err)
	}
	return out.Bytes()
}

// add writes an entry; the size in its header can be a lie.
func (w *packWriter) add(id ID, kind byte, size int, base, data []byte) int64 {
	off := int64(w.buf.Len())
	c := kind<<4 | byte(size&15)
	for size >>= 4; size > 0; size >>= 7 {
		w.buf.WriteByte(c | 0x80)
		c = byte(size & 0x7f)
	}
	w.buf.WriteByte(c)
	w.buf.Write(base)
	w.buf.Write(deflate(data))
	w.offsets[id] = off
	return off
}

func (w *packWriter) blob(content string) ID {
	id := blobID(content)
	w.add(id, byte(Blob), len(content), nil, []byte(content))
	return id
}

// delta writes a delta on a named base.
func (w *packWriter) delta(id, base ID, delta []byte) {
	w.add(id, idDelta, len(delta), base.Bytes(), delta)
}

func blobID(content string) ID {
	sum := sha1.Sum(fmt.Appendf(nil, "blob %d\x00%s", len(content), content))
	return NewID(sum[:])
}

// appendOp is a delta that copies its base, of fewer than 128 bytes, and appends.
func appendOp(base int, tail string) []byte {
	d := []byte{byte(base), byte(base + len(tail))}
	if base > 0 {
		d = append(d, 0x90, byte(base))
	}
	return append(append(d, byte(len(tail))), tail...)
}

// write puts pack and index into an object directory; the entries start shift
// bytes later in the file than they were written.
func (w *packWriter) write(t testing.TB, objects, name string, shift int64) {
	t.Helper()
	dir := filepath.Join(objects, "pack")
	if err := os.MkdirAll(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	sum := sha1.Sum(w.buf.Bytes())
	file, err := os.Create(filepath.Join(dir, name+".pack"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	body := slices.Concat(w.buf.Bytes()[packHeader:], sum[:])
	if _, err := file.Write(w.buf.Bytes()[:packHeader]); err != nil {
		t.Fatal(err)
	}
	if _, err := file.WriteAt(body, packHeader+shift); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".idx"), w.index(sum[:], shift), 0o666); err != nil {
		t.Fatal(err)
	}
}

func (w *packWriter) index(sum []byte, shift int64) []byte {
	ids := make([]ID, 0, len(w.offsets))
	for id := range w.offsets {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b ID) int { return bytes.Compare(a.Bytes(), b.Bytes()) })
	out := []byte("\377tOc\x00\x00\x00\x02")
	for first := range 256 {
		n := 0
		for _, id := range ids {
			if int(id.Bytes()[0]) <= first {
				n++
			}
		}
		out = binary.BigEndian.AppendUint32(out, uint32(n))
	}
	for _, id := range ids {
		out = append(out, id.Bytes()...)
	}
	out = append(out, make([]byte, 4*len(ids))...)
	var longs []byte
	for i, id := range ids {
		out = binary.BigEndian.AppendUint32(out, 1<<31|uint32(i))
		longs = binary.BigEndian.AppendUint64(longs, uint64(w.offsets[id]+shift))
	}
	out = append(append(out, longs...), sum...)
	return append(out, make([]byte, 20)...)
}

// bare makes a repository of nothing but objects.
func bare(t testing.TB) (*Repo, string) {
	t.Helper()
	dir := t.TempDir()
	repo, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(repo.Close)
	return repo, filepath.Join(dir, "objects")
}

func want(t *testing.T, repo *Repo, content string) {
	t.Helper()
	typ, data, err := repo.Object(blobID(content))
	if err != nil || typ != Blob || string(data) != content {
		t.Errorf("blob %q came back as a %s %q: %v", content, typ, data, err)
	}
}

func TestBaseInOtherPack(t *testing.T) {
	repo, objects := bare(t)
	one := newPackWriter(1)
	base := one.blob("base ")
	one.write(t, objects, "pack-one", 0)
	two := newPackWriter(2)
	two.delta(blobID("base two "), base, appendOp(5, "two "))
	loose := "in a file "
	two.delta(blobID(loose+"and on"), blobID(loose), appendOp(len(loose), "and on"))
	two.write(t, objects, "pack-two", 0)
	name := loosePath(objects, blobID(loose))
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, deflate(fmt.Appendf(nil, "blob %d\x00%s", len(loose), loose)), 0o666); err != nil {
		t.Fatal(err)
	}
	three := newPackWriter(1)
	three.delta(blobID("base two three "), blobID("base two "), appendOp(9, "three "))
	three.write(t, objects, "pack-three", 0)
	for _, content := range []string{"base ", "base two ", "base two three ", loose, loose + "and on"} {
		want(t, repo, content)
	}
}

func TestOverFourGigabytes(t *testing.T) {
	repo, objects := bare(t)
	w := newPackWriter(2)
	base := w.blob("far away ")
	w.delta(blobID("far away and on"), base, appendOp(9, "and on"))
	w.write(t, objects, "pack-large", 5<<30) // a hole: it takes no space
	want(t, repo, "far away ")
	want(t, repo, "far away and on")
}

func TestCycle(t *testing.T) {
	repo, objects := bare(t)
	w := newPackWriter(3)
	a, b, c := blobID("a"), blobID("b"), blobID("c")
	w.delta(a, b, appendOp(1, "x"))
	w.delta(b, a, appendOp(1, "x"))
	w.delta(c, c, appendOp(1, "x"))
	w.write(t, objects, "pack-cycle", 0)
	for _, id := range []ID{a, b, c} {
		_, _, err := repo.Object(id)
		wantCorrupt(t, err, id, "pack-cycle.pack", errCycle)
		_, _, err = repo.Header(id)
		wantCorrupt(t, err, id, "pack-cycle.pack", errCycle)
	}
}

func wantCorrupt(t *testing.T, err error, id ID, file string, cause error) {
	t.Helper()
	var bad *CorruptError
	if !errors.As(err, &bad) || bad.ID != id || !strings.HasSuffix(bad.File, file) || !errors.Is(err, cause) {
		t.Errorf("error %v; want %q about %s in %s", err, cause, id, file)
	}
}

func TestDepth(t *testing.T) {
	repo, objects := bare(t)
	w := newPackWriter(maxDepth + 2)
	last := w.blob("0")
	for i := range maxDepth + 1 {
		id := blobID(fmt.Sprint("depth ", i))
		w.delta(id, last, []byte{1, 1, 0x90, 1})
		last = id
	}
	w.write(t, objects, "pack-deep", 0)
	_, _, err := repo.Object(last)
	wantCorrupt(t, err, last, "pack-deep.pack", errDepth)
	if _, data, err := repo.Object(blobID(fmt.Sprint("depth ", maxDepth-1))); err != nil || string(data) != "0" {
		t.Errorf("the deepest that is read: %q, %v", data, err)
	}
}

// A header's size sets no memory aside beyond what is really there.
func TestLies(t *testing.T) {
	repo, objects := bare(t)
	ids := map[string]ID{}
	w := newPackWriter(6)
	lie := func(name string, kind byte, size int, base ID, data []byte) {
		ids[name] = blobID(name)
		w.add(ids[name], kind, size, base.Bytes(), data)
	}
	base := w.blob("base")
	lie("longer", byte(Blob), 1<<29, ID{}, []byte("short"))
	lie("shorter", byte(Blob), 2, ID{}, []byte("longer"))
	lie("delta of a huge result", idDelta, 10, base, []byte{4, 0xff, 0xff, 0xff, 0xff, 3, 0x90, 4, 1, 'x'})
	lie("delta past its base", idDelta, 4, base, []byte{4, 5, 0x90, 5})
	lie("kind 5", 5, 1, ID{}, []byte("x"))
	w.write(t, objects, "pack-lies", 0)
	for name, id := range ids {
		_, _, err := repo.Object(id)
		var bad *CorruptError
		if !errors.As(err, &bad) || bad.ID != id {
			t.Errorf("%s: %v", name, err)
		}
	}
	var large *TooLargeError
	huge := newPackWriter(1)
	id := blobID("huge")
	huge.add(id, byte(Blob), 1<<40, nil, nil)
	huge.write(t, objects, "pack-huge", 0)
	fresh, err := Open(filepath.Dir(objects), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer fresh.Close()
	if _, _, err := fresh.Object(id); !errors.As(err, &large) || large.Size != 1<<40 || large.ID != id {
		t.Errorf("an object of a terabyte: %v", err)
	}
}

// An index that speaks of another pack is found out.
func TestStaleIndex(t *testing.T) {
	repo, objects := bare(t)
	w := newPackWriter(1)
	id := w.blob("content")
	w.write(t, objects, "pack-x", 0)
	sum := bytes.Repeat([]byte{1}, 20)
	if err := os.WriteFile(filepath.Join(objects, "pack", "pack-x.idx"), w.index(sum, 0), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, _, err := repo.Object(id); !errors.Is(err, errStale) || !strings.Contains(err.Error(), "pack-x.idx") {
		t.Error(err)
	}
}

// A good copy serves where another one is damaged.
func TestSecondCopy(t *testing.T) {
	repo, objects := bare(t)
	w := newPackWriter(1)
	id := w.blob("content")
	w.write(t, objects, "pack-good", 0)
	bad := newPackWriter(1)
	bad.add(id, byte(Blob), 9, nil, []byte("content"))
	bad.write(t, objects, "pack-bad", 0)
	name := loosePath(objects, id)
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte("no zlib"), 0o666); err != nil {
		t.Fatal(err)
	}
	want(t, repo, "content")
}

func TestLooseCorrupt(t *testing.T) {
	repo, objects := bare(t)
	for name, raw := range map[string][]byte{
		"empty":        {},
		"no zlib":      []byte("plain"),
		"no header":    deflate([]byte("content")),
		"unknown type": deflate([]byte("bulb 1\x00x")),
		"no size":      deflate([]byte("blob x\x00x")),
		"huge size":    deflate([]byte("blob 99999999999999999999\x00x")),
		"too short":    deflate([]byte("blob 1000000000\x00x")),
		"too long":     deflate([]byte("blob 1\x00xy")),
		"truncated":    deflate([]byte("blob 100\x00" + strings.Repeat("ab", 50)))[:12],
		"trailing":     append(deflate([]byte("blob 1\x00x")), 'y'),
	} {
		id := blobID(name)
		file := loosePath(objects, id)
		if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, raw, 0o666); err != nil {
			t.Fatal(err)
		}
		_, _, err := repo.Object(id)
		var bad *CorruptError
		if !errors.As(err, &bad) || bad.ID != id || bad.File != file {
			t.Errorf("%s: %v", name, err)
		}
	}
}
