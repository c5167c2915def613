// Package histories makes git repositories for tests and measurements: real
// histories out of the released versions of Go modules, and random ones.
package histories

import (
	"archive/zip"
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/remint/remint/scanner/history/gittest"
)

// Spec is a history: the last versions of modules, one commit each, every
// module in a folder of its own.
type Spec struct {
	Name    string
	Modules []Module
	// Depth and Window are those of git repack.
	Depth, Window int
}

// Module is a module and how many of its versions to take, 0 for all.
type Module struct {
	Path     string
	Versions int
}

// Real makes the history of a spec below dir, unless it is there, and returns
// its path: a bare repository in one pack. It needs git, the go command and
// its module proxy.
func Real(ctx context.Context, dir string, spec Spec) (string, error) {
	repo := filepath.Join(dir, spec.Name+".git")
	if _, err := os.Stat(filepath.Join(repo, "complete")); err == nil {
		return repo, nil
	}
	if err := os.RemoveAll(repo); err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return "", err
	}
	if err := git(ctx, dir, nil, "init", "--quiet", "--bare", "--initial-branch=main", repo); err != nil {
		return "", err
	}
	in, out := io.Pipe()
	failed := make(chan error, 1)
	go func() {
		w := &importer{out: bufio.NewWriter(out), marks: make(map[[32]byte]int)}
		err := w.modules(ctx, spec.Modules)
		failed <- errors.Join(err, w.out.Flush())
		out.CloseWithError(err)
	}()
	err := git(ctx, repo, in, "fast-import", "--quiet", "--date-format=raw")
	in.Close()
	if err := errors.Join(err, <-failed); err != nil {
		return "", err
	}
	args := []string{"repack", "-adfq", fmt.Sprintf("--depth=%d", max(spec.Depth, 1)), fmt.Sprintf("--window=%d", max(spec.Window, 2))}
	if spec.Depth == 0 {
		args = []string{"repack", "-adfq"}
	}
	if err := git(ctx, repo, nil, args...); err != nil {
		return "", err
	}
	return repo, os.WriteFile(filepath.Join(repo, "complete"), nil, 0o666)
}

// git runs git with nothing of the machine's configuration.
func git(ctx context.Context, dir string, stdin io.Reader, args ...string) error {
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir, cmd.Env, cmd.Stdin = dir, gittest.Environment(), stdin
	var errs bytes.Buffer
	cmd.Stderr = &errs
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("git %s: %w: %s", args[0], err, errs.String())
	}
	return nil
}

// importer writes what git fast-import reads.
type importer struct {
	out   *bufio.Writer
	marks map[[32]byte]int // of contents
	next  int
	clock int64
	plant planter
}

// modules writes a commit for every version, the modules taking turns.
func (w *importer) modules(ctx context.Context, modules []Module) error {
	w.clock = 1_500_000_000
	lists := make([][]string, len(modules))
	most := 0
	for i, m := range modules {
		var err error
		if lists[i], err = versions(ctx, m); err != nil {
			return err
		}
		most = max(most, len(lists[i]))
	}
	for n := range most {
		for i, m := range modules {
			if n >= len(lists[i]) {
				continue
			}
			name, err := download(ctx, m.Path+"@"+lists[i][n])
			if err != nil {
				return err
			}
			if err := w.version(m.Path, lists[i][n], name); err != nil {
				return err
			}
		}
	}
	return nil
}

// versions returns the last releases of a module, oldest first.
func versions(ctx context.Context, m Module) ([]string, error) {
	out, err := goCommand(ctx, "list", "-m", "-versions", "-json", m.Path)
	if err != nil {
		return nil, err
	}
	var list struct{ Versions []string }
	if err := json.Unmarshal(out, &list); err != nil {
		return nil, err
	}
	all := slices.DeleteFunc(list.Versions, func(v string) bool { return strings.Contains(v, "-") })
	if m.Versions > 0 && len(all) > m.Versions {
		all = all[len(all)-m.Versions:]
	}
	return all, nil
}

// download returns the module's file in the module cache.
func download(ctx context.Context, version string) (string, error) {
	out, err := goCommand(ctx, "mod", "download", "-json", version)
	if err != nil {
		return "", err
	}
	var info struct{ Zip, Error string }
	if err := json.Unmarshal(out, &info); err != nil {
		return "", err
	}
	if info.Error != "" {
		return "", errors.New(info.Error)
	}
	return info.Zip, nil
}

func goCommand(ctx context.Context, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod")
	cmd.Dir = os.TempDir()
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go %s: %w: %s", strings.Join(args, " "), err, errs.String())
	}
	return out, nil
}

// maxFile leaves out larger files, in bytes.
const maxFile = 32 << 20

// version writes the contents that are new, and a commit.
func (w *importer) version(module, version, name string) error {
	z, err := zip.OpenReader(name)
	if err != nil {
		return err
	}
	defer z.Close()
	folder := strings.ReplaceAll(module, "/", "_")
	var tree bytes.Buffer
	fmt.Fprintf(&tree, "D %s\n", folder)
	prefix := module + "@" + version + "/"
	for _, f := range z.File {
		path, ok := strings.CutPrefix(f.Name, prefix)
		if !ok || f.UncompressedSize64 > maxFile {
			continue
		}
		data, err := readZip(f)
		if err != nil {
			return err
		}
		data = w.plant.into(path, data)
		mark, err := w.blob(data)
		if err != nil {
			return err
		}
		fmt.Fprintf(&tree, "M 100644 :%d %s/%s\n", mark, folder, path)
	}
	w.next++
	w.clock += 86400
	message := module + " " + version
	fmt.Fprintf(w.out, "commit refs/heads/main\nmark :%d\ncommitter A U Thor <author@example.com> %d +0000\ndata %d\n%s\n", w.next, w.clock, len(message), message)
	_, err = w.out.Write(tree.Bytes())
	w.out.WriteByte('\n')
	w.plant.versions++
	return err
}

func readZip(f *zip.File) ([]byte, error) {
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

// blob writes a content once, and returns its mark.
func (w *importer) blob(data []byte) (int, error) {
	sum := sha256.Sum256(data)
	if mark, ok := w.marks[sum]; ok {
		return mark, nil
	}
	w.next++
	w.marks[sum] = w.next
	fmt.Fprintf(w.out, "blob\nmark :%d\ndata %d\n", w.next, len(data))
	if _, err := w.out.Write(data); err != nil {
		return 0, err
	}
	return w.next, w.out.WriteByte('\n')
}
