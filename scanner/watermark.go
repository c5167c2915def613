package scanner

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/remint/remint/scanner/history"
)

// Watermark is how far scans of a repository's history have come. It holds no
// secret and no name.
type Watermark struct {
	Version int `json:"version"`
	// Rules identifies the rules: with others, everything is new.
	Rules string `json:"rules"`
	// Tips are the objects that references, logs and the like led to.
	Tips []string `json:"tips"`
	// Names are hashes of the references' names.
	Names []string `json:"names"`
}

// watermarkVersion is the version of the file format.
const watermarkVersion = 1

// ReadWatermark reads a watermark file; nil where there is none.
func ReadWatermark(name string) (*Watermark, error) {
	data, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("watermark: %w", err)
	}
	var w Watermark
	if err := json.Unmarshal(data, &w); err != nil {
		return nil, fmt.Errorf("watermark %s: %w; remove it to scan everything again", name, err)
	}
	if w.Version != watermarkVersion {
		return nil, fmt.Errorf("watermark %s has version %d, not %d; remove it to scan everything again", name, w.Version, watermarkVersion)
	}
	return &w, nil
}

// NewWatermark says how far a complete scan of the repository as it is now
// comes.
func (s *Scanner) NewWatermark(repo *history.Repo) *Watermark {
	w := &Watermark{Version: watermarkVersion, Rules: s.rulesDigest()}
	tips, _ := repo.Tips()
	for _, t := range tips {
		if !t.ID.IsZero() {
			w.Tips = append(w.Tips, t.ID.String())
		}
		w.Names = append(w.Names, nameDigest(t.Name))
	}
	for _, list := range []*[]string{&w.Tips, &w.Names} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
	return w
}

// Bytes is the watermark as it is written to its file.
func (w *Watermark) Bytes() []byte {
	data, err := json.MarshalIndent(w, "", " ")
	if err != nil {
		return nil // strings and a number do not fail
	}
	return append(data, '\n')
}

// Since returns what came since a watermark was made; ok is false where
// everything has to be scanned again.
func (s *Scanner) Since(repo *history.Repo, w *Watermark) (r Range, ok bool) {
	if w == nil || w.Rules != s.rulesDigest() {
		return Range{}, false
	}
	for _, hex := range w.Tips {
		if id, err := history.ParseID(hex); err == nil {
			if commit, err := repo.ResolveCommit(id.String()); err == nil {
				r.Exclude = append(r.Exclude, commit)
			}
		}
	}
	r.Known = r.Exclude
	tips, _ := repo.Tips()
	for _, t := range tips {
		if t.Kind == history.TipRef || t.Kind == history.TipHead {
			if commit, err := repo.ResolveCommit(t.ID.String()); err == nil {
				r.Kept = append(r.Kept, commit)
			}
		}
		if _, old := slices.BinarySearch(w.Names, nameDigest(t.Name)); !old && !strings.Contains(t.Name, "@{") {
			r.Names = append(r.Names, t.Name)
		}
		if _, old := slices.BinarySearch(w.Tips, t.ID.String()); old || t.ID.IsZero() {
			continue
		}
		if commit, err := repo.ResolveCommit(t.ID.String()); err == nil {
			r.Include = append(r.Include, commit)
			if commit != t.ID {
				r.Tags = append(r.Tags, t.ID)
			}
		}
	}
	return r, true
}

func nameDigest(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:8])
}

// rulesDigest identifies the rules and what else decides what is found.
func (s *Scanner) rulesDigest() string {
	h := sha256.New()
	for i := range s.opts.Rules {
		r := s.opts.Rules[i]
		fmt.Fprintf(h, "%s\x00%s\x00%v\x00%v\x00%v\x00%v\x00", r.ID, r.Pattern, r.Names, r.Keywords, r.MinEntropy, r.Allow)
	}
	fmt.Fprintf(h, "%v", s.opts.Gitleaks)
	return hex.EncodeToString(h.Sum(nil)[:16])
}
