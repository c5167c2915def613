package mapped

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"testing"
)

func write(t *testing.T, content string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// both opens a file mapped and as it is read where nothing can be mapped.
func both(t *testing.T, name string, check func(t *testing.T, f *File)) {
	t.Helper()
	t.Run("mapped", func(t *testing.T) {
		f, err := Open(name)
		if err != nil {
			t.Fatal(err)
		}
		check(t, f)
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Run("read", func(t *testing.T) {
		file, size, err := openRegular(name)
		if err != nil {
			t.Fatal(err)
		}
		f := &File{name: name, size: size, file: file}
		check(t, f)
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestSlice(t *testing.T) {
	both(t, write(t, "0123456789"), func(t *testing.T, f *File) {
		got, err := f.Slice(2, 3)
		if err != nil || string(got) != "234" {
			t.Errorf("Slice(2, 3) = %q, %v", got, err)
		}
		for _, c := range []struct {
			off int64
			n   int
		}{{-1, 1}, {0, -1}, {8, 3}, {11, 0}, {1 << 62, 1 << 62}} {
			if _, err := f.Slice(c.off, c.n); !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("Slice(%d, %d): %v", c.off, c.n, err)
			}
		}
		rest, err := io.ReadAll(f.Reader(7, 9))
		if err != nil || string(rest) != "78" {
			t.Errorf("Reader(7, 9) gave %q, %v", rest, err)
		}
		if rest, _ := io.ReadAll(f.Reader(20, 5)); len(rest) != 0 {
			t.Errorf("Reader past the end gave %q", rest)
		}
	})
}

func TestEmpty(t *testing.T) {
	f, err := Open(write(t, ""))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Slice(0, 0); err != nil {
		t.Error(err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}

func TestNotRegular(t *testing.T) {
	if _, err := Open(t.TempDir()); err == nil {
		t.Error("a directory was opened as a file")
	}
	if _, err := Open(os.DevNull); runtime.GOOS != "windows" && !errors.Is(err, ErrNotRegular) {
		t.Errorf("a device was opened as a file: %v", err)
	}
}

func TestReadFileLimit(t *testing.T) {
	name := write(t, "12345")
	if got, err := ReadFile(name, 5); err != nil || string(got) != "12345" {
		t.Errorf("ReadFile = %q, %v", got, err)
	}
	if _, err := ReadFile(name, 4); err == nil {
		t.Error("a file over the limit was read")
	}
}

// The system raises a fault for a page that a mapped file no longer has.
func TestShrink(t *testing.T) {
	name := write(t, string(make([]byte, 1<<16)))
	f, err := Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := os.Truncate(name, 0); err != nil {
		t.Fatal(err)
	}
	read := func() (sum byte, err error) {
		defer Catch(debug.SetPanicOnFault(true), &err)
		data, err := f.Slice(1<<15, 16)
		if err != nil {
			return 0, err
		}
		for _, b := range data {
			sum += b
		}
		return sum, nil
	}
	if _, err := read(); err == nil {
		t.Error("a file that lost its bytes was read without an error")
	}
}

func TestCatchLeavesOtherPanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a panic of another kind was swallowed")
		}
	}()
	var err error
	func() {
		defer Catch(debug.SetPanicOnFault(true), &err)
		var none []int
		_ = none[len(os.Args)]
	}()
}
