package history

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/remint/remint/scanner/history/mapped"
)

const multiIndexName = "multi-pack-index"

// store is one directory of objects: the repository's own or an alternate.
type store struct {
	dir    string
	format Format

	mu       sync.Mutex
	contents *contents
	old      []*contents // listings that a repack made stale; their files may be in use
}

// contents is what a directory's packs were when it was listed.
type contents struct {
	changed  time.Time // of the directory, when it was listed
	byName   map[string]*pack
	indexed  []*pack         // the packs with an index of their own, by name
	covered  map[string]bool // the packs that multi speaks for
	multi    *multiIndex
	problems []error
}

// place is where an object was found: in a file of its own or in a pack.
type place struct {
	loose *mapped.File
	pack  *pack
	off   int64
}

func (p place) file() string {
	if p.loose != nil {
		return p.loose.Name()
	}
	return p.pack.name()
}

// list returns the packs, listing the directory when that was not done yet.
func (s *store) list() *contents {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.contents == nil {
		s.contents = readContents(s.dir, s.format)
	}
	return s.contents
}

// relist lists the directory again if it changed, as a repack does, and tells
// whether it did.
func (s *store) relist() bool {
	info, err := os.Stat(filepath.Join(s.dir, "pack"))
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil || s.contents == nil || info.ModTime().Equal(s.contents.changed) {
		return false
	}
	s.old = append(s.old, s.contents)
	s.contents = readContents(s.dir, s.format)
	return true
}

func readContents(dir string, format Format) *contents {
	c := &contents{byName: map[string]*pack{}, covered: map[string]bool{}}
	dir = filepath.Join(dir, "pack")
	if info, err := os.Stat(dir); err == nil {
		c.changed = info.ModTime()
	}
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		c.problems = append(c.problems, err)
	}
	for _, e := range entries {
		if base, ok := strings.CutSuffix(e.Name(), ".pack"); ok {
			c.byName[base] = &pack{base: filepath.Join(dir, base), format: format}
		}
	}
	for _, e := range entries {
		base, ok := strings.CutSuffix(e.Name(), ".idx")
		if p := c.byName[base]; ok && p != nil {
			c.indexed = append(c.indexed, p)
		}
		if e.Name() == multiIndexName {
			c.readMulti(filepath.Join(dir, multiIndexName), format)
		}
	}
	return c
}

func (c *contents) readMulti(name string, format Format) {
	var err error
	if c.multi, err = openMultiIndex(name, format); err != nil {
		c.problems = append(c.problems, err)
		return
	}
	for _, base := range c.multi.packs {
		c.covered[base] = true
	}
}

// packed calls try for the packs that hold the object until it returns true.
// What could not be searched comes back as an error.
func (c *contents) packed(id ID, try func(place) bool) error {
	problems := append([]error(nil), c.problems...)
	sure := c.multi != nil // that no covered pack is worth a look
	if c.multi != nil {
		p, err := c.multiFind(id)
		if err == nil && p.pack != nil && try(p) {
			return nil
		}
		if err != nil {
			problems = append(problems, err)
		}
		sure = err == nil && p.pack == nil
	}
	for _, p := range c.indexed {
		if sure && c.covered[filepath.Base(p.base)] {
			continue
		}
		off, err := p.find(id)
		if err != nil {
			problems = append(problems, err)
		} else if off >= 0 && try(place{pack: p, off: off}) {
			return nil
		}
	}
	return errors.Join(problems...)
}

// multiFind asks the multi-pack-index; the place has no pack when it does not
// know the object.
func (c *contents) multiFind(id ID) (place, error) {
	n, off, err := c.multi.find(id)
	if err != nil || n < 0 {
		return place{}, err
	}
	p := c.byName[c.multi.packs[n]]
	if p == nil {
		return place{}, fmt.Errorf("%s names %s.pack, which is not there", c.multi.file.Name(), c.multi.packs[n])
	}
	return place{pack: p, off: off}, nil
}

// find calls try for every place of the object until it returns true.
func (s *store) find(id ID, try func(place) bool) (found bool, problem error) {
	file, err := mapped.Open(loosePath(s.dir, id))
	if err == nil {
		ok := try(place{loose: file})
		file.Close()
		if ok {
			return true, nil
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		problem = err
	}
	err = s.list().packed(id, func(p place) bool {
		found = try(p)
		return found
	})
	return found, errors.Join(problem, err)
}

func (s *store) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range append(s.old, s.contents) {
		if c == nil {
			continue
		}
		for _, p := range c.byName {
			p.close()
		}
		if c.multi != nil {
			c.multi.file.Close()
		}
	}
	s.contents, s.old = nil, nil
}
