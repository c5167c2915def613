// Package launch starts a program with its secrets: as environment variables,
// as files in memory, or on demand (package inject). Without anything that
// needs a supervisor the program takes the place of this process, so that its
// terminal, signals and exit status are its own.
package launch

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"text/template"
	"time"

	"github.com/remint/remint/remediate"
)

// Plan is what to start, and what to hand it.
type Plan struct {
	Args []string
	// Env are entries by variable; Files entries, and Templates files, by the
	// variable that holds the path of what is made of them. An entry may name
	// its version: payments/stripe@3.
	Env, Files, Templates map[string]string
	Mask, SDK             bool
	// OnRotate is restart, file or signal=NAME, "" to do nothing; the vault is
	// asked once in Interval.
	OnRotate string
	Interval time.Duration

	Stdin          io.Reader
	Stdout, Stderr io.Writer
}

// own are variables that are remint's, and no program's.
var own = []string{"REMINT_PIN", "REMINT_PASSPHRASE"}

// Run starts the program and returns its exit status. It returns only where it
// stays as the program's supervisor, or fails.
func (p *Plan) Run(ctx context.Context, o *remediate.Opened) (status int, err error) {
	path, err := exec.LookPath(p.Args[0])
	if err != nil {
		return 0, fmt.Errorf("start %s: %w", p.Args[0], err)
	}
	h := &handover{plan: p, vault: o}
	defer h.close()
	if err := h.prepare(ctx); err != nil {
		return 0, err
	}
	if !p.Mask && !p.SDK && p.OnRotate == "" && h.dir == "" {
		env := h.environment()
		if err := o.Close(); err != nil {
			return 0, err
		}
		h.wipe()
		return replace(path, p.Args, env) // does not return where the system can do that
	}
	return h.supervise(ctx, path)
}

// handover is what a program is given.
type handover struct {
	plan  *Plan
	vault *remediate.Opened
	dir   string            // of the files; "" for none
	env   map[string]string // beside the inherited
	// values are what must not be shown, versions what is current.
	values   [][]byte
	versions map[string]int
	server   *server

	mu      sync.Mutex
	maskers []*masker
}

// prepare reads every entry. One that is missing is named, and nothing starts.
func (h *handover) prepare(ctx context.Context) error {
	if len(h.plan.Files)+len(h.plan.Templates) > 0 || h.plan.SDK {
		if err := h.makeDir(); err != nil {
			return err
		}
	}
	return h.read(ctx)
}

// read reads the entries.
func (h *handover) read(ctx context.Context) error {
	h.env, h.versions = make(map[string]string), make(map[string]int)
	for name, entry := range h.plan.Env {
		value, err := h.get(ctx, entry)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if bytes.IndexByte(value, 0) >= 0 {
			return fmt.Errorf("%s: the value of %s holds a NUL byte, which no variable can: hand it over as a file", name, entry)
		}
		h.env[name] = string(value)
	}
	if h.plan.SDK {
		if err := h.forNode(); err != nil {
			return err
		}
	}
	return h.files(ctx)
}

// get reads an entry, or a version of it.
func (h *handover) get(ctx context.Context, entry string) ([]byte, error) {
	name, number, pinned := strings.Cut(entry, "@")
	version := 0
	if pinned {
		n, err := strconv.Atoi(number)
		if err != nil || n < 1 {
			return nil, fmt.Errorf("%q is no version of %s", number, name)
		}
		version = n
	}
	value, e, err := h.vault.Get(ctx, name, version)
	if err != nil {
		return nil, err
	}
	h.values = append(h.values, value)
	h.hidden(value)
	if !pinned {
		h.versions[name] = e.Version
	}
	return value, nil
}

// makeDir makes a folder in memory, where the system has such.
func (h *handover) makeDir() error {
	for _, parent := range []string{"/dev/shm", os.Getenv("XDG_RUNTIME_DIR"), ""} {
		if parent != "" {
			if info, err := os.Stat(parent); err != nil || !info.IsDir() {
				continue
			}
		}
		dir, err := os.MkdirTemp(parent, "remint-") // 0700
		if err == nil {
			h.dir = dir
			return nil
		}
		if parent == "" {
			return fmt.Errorf("make a folder for the files: %w", err)
		}
	}
	return nil
}

// files writes the files anew, each at once.
func (h *handover) files(ctx context.Context) error {
	for name, entry := range h.plan.Files {
		value, err := h.get(ctx, entry)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if err := h.writeFile(name, value); err != nil {
			return err
		}
	}
	for name, source := range h.plan.Templates {
		text, err := os.ReadFile(source)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		t, err := template.New(filepath.Base(source)).Option("missingkey=error").Funcs(template.FuncMap{
			"secret": func(entry string) (string, error) {
				value, err := h.get(ctx, entry)
				return string(value), err
			},
		}).Parse(string(text))
		var out bytes.Buffer
		if err == nil {
			err = t.Execute(&out, nil)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if err := h.writeFile(name, out.Bytes()); err != nil {
			return err
		}
	}
	return nil
}

func (h *handover) writeFile(name string, value []byte) error {
	path := filepath.Join(h.dir, name)
	beside := path + ".new"
	if err := os.WriteFile(beside, value, 0o600); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if err := os.Rename(beside, path); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	h.env[name] = path
	return nil
}

// environment is the inherited one without what is remint's own, and what is
// handed over.
func (h *handover) environment() []string {
	var env []string
	for _, kv := range os.Environ() {
		name, _, _ := strings.Cut(kv, "=")
		if _, given := h.env[name]; !given && !slices.Contains(own, name) {
			env = append(env, kv)
		}
	}
	for name, value := range h.env {
		env = append(env, name+"="+value)
	}
	return env
}

// wipe overwrites the values that are held.
func (h *handover) wipe() {
	for _, v := range h.values {
		clear(v)
	}
	h.values = nil
}

func (h *handover) close() {
	if h.server != nil {
		h.server.close()
	}
	h.wipe()
	if h.dir != "" {
		_ = os.RemoveAll(h.dir)
	}
}

// rotated tells whether an entry has another version than was handed over.
func (h *handover) rotated(ctx context.Context) (bool, error) {
	for name, version := range h.versions {
		all, err := h.vault.Store.Versions(ctx, name)
		if err != nil {
			return false, err
		}
		if len(all) > 0 && all[len(all)-1].Version != version {
			return true, nil
		}
	}
	return false, nil
}
