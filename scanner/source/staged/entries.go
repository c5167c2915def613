package staged

import (
	"fmt"
	"runtime/debug"

	"github.com/remint/remint/scanner/history"
	"github.com/remint/remint/scanner/history/mapped"
)

// Entry is a file that an index names.
type Entry struct {
	Path string
	Mode history.Mode
	ID   history.ID
}

// Entries returns what an index file names, all sides of conflicts included,
// without what `git add -N` only announced. A file that is not there names
// nothing.
func Entries(objects *history.Repo, name string) (all []Entry, err error) {
	defer mapped.Catch(debug.SetPanicOnFault(true), &err)
	r := &Repo{objects: objects, index: name}
	files, x, err := r.readIndex()
	for _, f := range files {
		defer f.Close()
	}
	if err != nil {
		return nil, err
	}
	if len(x.entries) > maxChanges {
		return nil, fmt.Errorf("%s names more than %d files", name, maxChanges)
	}
	for i := range x.entries {
		if e := &x.entries[i]; !e.later && !e.isDir() {
			all = append(all, Entry{Path: string(e.name), Mode: e.mode(), ID: history.NewID(e.rawID())})
		}
	}
	return all, nil
}
