package scanner

import (
	"fmt"
	"slices"

	"github.com/remint/remint/scanner/history"
)

// gaps counts what is known not to be here before anything is read, and finds
// what is staged.
func (a *audit) gaps() {
	for _, g := range a.repo.Gaps(a.ctx) {
		if g.Reason == history.GapPartial {
			a.partial = true // its objects are counted as they are missed
			continue
		}
		i := Incomplete{Path: g.Path, Reason: Reason(g.Reason), Detail: g.Detail}
		if g.Reason == history.GapSubmodule {
			i.Path = a.prefix + g.Path
		}
		a.run.incomplete(i)
	}
	for _, id := range a.repo.Shallow() {
		a.shallow[id] = true
	}
	for _, t := range a.tips {
		if !t.ID.IsZero() && !a.walk.Has(t.ID) && t.Kind != history.TipReflog && t.Kind != history.TipOther {
			a.missing(t.ID)
		}
	}
	var err error
	a.staged, err = a.repo.IndexEntries()
	a.unreadableFile(err)
	for i := range a.staged {
		if e := &a.staged[i]; e.Mode.Kind() != history.ModeGitlink && !a.walk.Has(e.ID) {
			a.missing(e.ID)
		}
	}
}

func (a *audit) unreadableFile(err error) {
	if err != nil {
		a.run.incomplete(Incomplete{Path: a.repo.GitDir(), Reason: ReasonUnreadable, Detail: err.Error()})
	}
}

// missing notes an object that is named and not there.
func (a *audit) missing(id history.ID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.absent[id] = true
}

// maxAbsent is how many missing objects are counted one by one.
const maxAbsent = 1000

// absentObjects counts what is not there.
func (a *audit) absentObjects() {
	ids := make([]string, 0, len(a.absent))
	for id := range a.absent {
		ids = append(ids, id.String())
	}
	slices.Sort(ids)
	i := Incomplete{Reason: ReasonMissing, Detail: "it is named and not there; see `git fsck`"}
	if a.partial {
		i = Incomplete{Reason: ReasonPartial, Detail: "it was left with the remote, and is not fetched; clone without --filter to have it"}
	}
	for n, id := range ids {
		if n == maxAbsent {
			i.Path, i.Detail = a.repo.GitDir(), fmt.Sprintf("and %d objects more", len(ids)-n)
			a.run.incomplete(i)
			return
		}
		i.Path = id
		a.run.incomplete(i)
	}
}
