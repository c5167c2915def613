package scanner

import (
	"fmt"
	"slices"
	"strings"

	"github.com/remint/remint/scanner/history"
	"github.com/remint/remint/scanner/source/staged"
)

// gaps counts what is known not to be here before anything is read, and what
// else there is to read.
func (a *audit) gaps() {
	shallow, err := a.repo.Shallow()
	a.unreadableFile(err)
	for _, id := range shallow {
		a.shallow[id] = true
		a.run.incomplete(Incomplete{Path: id.String(), Reason: ReasonShallow, Detail: "a shallow clone ends at this commit; fetch the rest with `git fetch --unshallow`"})
	}
	grafts, err := a.repo.Grafts()
	a.unreadableFile(err)
	for _, id := range grafts {
		a.run.incomplete(Incomplete{Path: id.String(), Reason: ReasonGrafted, Detail: "info/grafts gives this commit other parents; its own were scanned"})
	}
	for _, t := range a.tips {
		if id, ok := strings.CutPrefix(t.Name, "refs/replace/"); ok && t.Kind == history.TipReplace {
			a.run.incomplete(Incomplete{Path: id, Reason: ReasonReplaced, Detail: "git shows " + t.ID.String() + " in its place; both were scanned"})
		}
		if !t.ID.IsZero() && !a.walk.Has(t.ID) && t.Kind != history.TipReflog {
			a.missing(t.ID)
		}
	}
	a.indexes()
	a.submodules()
}

func (a *audit) unreadableFile(err error) {
	if err != nil {
		a.run.incomplete(Incomplete{Path: a.repo.GitDir(), Reason: ReasonUnreadable, Detail: err.Error()})
	}
}

// indexes reads what is staged, here and in linked work trees.
func (a *audit) indexes() {
	seen := make(map[staged.Entry]bool)
	for _, name := range a.repo.Indexes() {
		entries, err := staged.Entries(a.repo, name)
		a.unreadableFile(err)
		for _, e := range entries {
			if seen[e] {
				continue
			}
			seen[e] = true
			a.staged = append(a.staged, e)
			if e.Mode.Kind() != history.ModeGitlink && !a.walk.Has(e.ID) {
				a.missing(e.ID)
			}
		}
	}
}

// submodules finds the repositories of submodules, and counts those that are
// not here.
func (a *audit) submodules() {
	var links []string
	for _, e := range a.staged {
		if e.Mode.Kind() == history.ModeGitlink && !slices.Contains(links, e.Path) {
			links = append(links, e.Path)
		}
	}
	if head, err := a.repo.Head(); err == nil && !head.IsZero() {
		if tree, err := a.repo.TreeOf(head); err == nil {
			// A tree that cannot be read is counted when it is its turn.
			_ = a.repo.Gitlinks(tree, func(path string) {
				if !slices.Contains(links, path) {
					links = append(links, path)
				}
			})
		}
	}
	a.modules = a.repo.Modules(a.opts.WorkTree, links)
	for _, path := range links {
		if !slices.ContainsFunc(a.modules, func(m history.Module) bool { return m.Path == path }) {
			a.run.incomplete(Incomplete{Path: a.prefix + path, Reason: ReasonSubmodule, Detail: "its repository is not here; get it with `git submodule update --init`"})
		}
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
	if a.repo.Partial() {
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
