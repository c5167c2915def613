package fix

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

// Step is how far a remediation is, in their order.
type Step string

// The steps. Undone is the end of one that failed; Closed that of one that
// succeeded.
const (
	Begun   Step = "begun"
	Minted  Step = "minted"
	Proved  Step = "proved"
	InCode  Step = "rewritten"
	Revoked Step = "revoked"
	Closed  Step = "closed"
	Undone  Step = "undone"
)

// record is a line of the journal. It holds no secret.
type record struct {
	At    time.Time `json:"at"`
	Entry string    `json:"entry"`
	Token string    `json:"token"`
	Step  Step      `json:"step"`
	// Intent tells that the step is about to be made.
	Intent bool `json:"intent,omitempty"`
	// Item and Known come with Begun.
	Item  *Item  `json:"item,omitempty"`
	Known *known `json:"known,omitempty"`
	// ID is the provider's, with Minted.
	ID string `json:"id,omitempty"`
	// Waiting tells that a person has to give the new value.
	Waiting bool `json:"waiting,omitempty"`
	// Due is when the old key is to be revoked, with Rewritten.
	Due *time.Time `json:"due,omitempty"`
	// Why is what went wrong, or what a person has to do.
	Why string `json:"why,omitempty"`
}

// known is what is kept of a leaked credential beside its value.
type known struct {
	SecretAt, SecretLen int
	Beside              map[string]string
	// Files are the sums of the files that it was found in.
	Files      map[string]string
	URL, Steps string
}

// State is a remediation as the journal has it.
type State struct {
	Item  *Item
	Token string
	Step  Step
	ID    string
	Since time.Time
	Due   time.Time
	// Waiting tells that a person has to give the new value; until then the
	// vault has the leaked one.
	Waiting bool
	// Why is what went wrong last, or what a person has to do; "" for nothing.
	Why string

	known   known
	minting bool // an intent to mint that has no answer
}

// Finished tells whether there is nothing left to do.
func (s *State) Finished() bool { return s.Step == Closed || s.Step == Undone }

// journal is a file that only grows: one line of JSON a record. One process at
// a time may have it.
type journal struct {
	file *os.File
	lock *flock.Flock
}

// journalPath is where the journal of a project is, in the user's own folder.
func journalPath(home, root string) string {
	return filepath.Join(home, "fix", sum([]byte(root))[:16]+".jsonl")
}

var errBusy = errors.New("another remint is at work on this project: wait for it")

func openJournal(home, root string) (*journal, []*State, error) {
	name := journalPath(home, root)
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return nil, nil, fmt.Errorf("make a folder for the journal: %w", err)
	}
	lock := flock.New(name + ".lock")
	if ok, err := lock.TryLock(); err != nil || !ok {
		return nil, nil, errors.Join(errBusy, err)
	}
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("open the journal: %w", err), lock.Unlock())
	}
	j := &journal{f, lock}
	states, whole, err := readJournal(f)
	if err == nil {
		// What a killed process half wrote is cut off.
		err = errors.Join(f.Truncate(whole), seekEnd(f))
	}
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("read the journal %s: %w", name, err), j.close())
	}
	return j, states, nil
}

func seekEnd(f *os.File) error {
	_, err := f.Seek(0, io.SeekEnd)
	return err
}

// States are the remediations of a project, the first first; none where there
// was no run.
func States(home, root string) ([]*State, error) {
	f, err := os.Open(journalPath(home, root))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the journal: %w", err)
	}
	defer f.Close()
	states, _, err := readJournal(f)
	return states, err
}

// readJournal folds the records. whole is how many bytes are whole lines.
func readJournal(r io.Reader) (states []*State, whole int64, err error) {
	byToken := make(map[string]*State)
	in := bufio.NewReader(r)
	for n := 1; ; n++ {
		text, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return states, whole, nil
		}
		if err != nil {
			return nil, 0, err
		}
		var rec record
		d := json.NewDecoder(bytes.NewReader(text))
		if err := d.Decode(&rec); err != nil {
			return nil, 0, fmt.Errorf("line %d is damaged: %w", n, err)
		}
		whole += int64(len(text))
		s := byToken[rec.Token]
		if s == nil {
			if rec.Item == nil || rec.Known == nil {
				return nil, 0, fmt.Errorf("line %d continues what never began", n)
			}
			s = &State{Item: rec.Item, Token: rec.Token, known: *rec.Known}
			byToken[rec.Token] = s
			states = append(states, s)
		}
		s.take(&rec)
	}
}

func (s *State) take(r *record) {
	s.Since, s.Why = r.At, r.Why
	if r.Intent {
		s.minting = s.minting || r.Step == Minted
		return
	}
	s.Step, s.Waiting = r.Step, r.Waiting
	if r.Step == Minted {
		s.minting, s.ID = false, r.ID
	}
	if r.Due != nil {
		s.Due = *r.Due
	}
}

// write appends a record. One that comes before an effect is on the disk when
// write returns.
func (j *journal) write(s *State, r record) error {
	r.Why = strings.Join(strings.Fields(r.Why), " ")
	r.At, r.Token, r.Entry = time.Now().UTC().Truncate(time.Millisecond), s.Token, s.Item.Entry
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	if _, err := j.file.Write(append(text, '\n')); err != nil {
		return fmt.Errorf("write the journal: %w", err)
	}
	if r.Intent {
		if err := j.file.Sync(); err != nil {
			return fmt.Errorf("write the journal: %w", err)
		}
	}
	s.take(&r)
	return nil
}

func (j *journal) close() error { return errors.Join(j.file.Close(), j.lock.Unlock()) }
