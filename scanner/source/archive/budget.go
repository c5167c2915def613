package archive

import (
	"errors"
	"fmt"
	"runtime"
)

const (
	// maxProblems is how many problems of one reason are reported one by one.
	maxProblems = 100
	// freeBytes may be unpacked from a file of any size.
	freeBytes = 64 << 20
	// windowCost is by what a window's size is divided to get what making it
	// counts as, in bytes unpacked: clearing it takes about that long.
	windowCost = 16
)

// problem reports what was not looked at.
func (w *walker) problem(path string, reason Reason, err error) {
	for i, r := range reasons() {
		if r != reason {
			continue
		}
		if w.problems[i]++; w.problems[i] > maxProblems {
			return
		}
	}
	w.visitor.Problem(Problem{path, reason, err})
}

// fault reports an error of a decoder, by its kind.
func (w *walker) fault(path string, err error) {
	reason := Corrupt
	var f *failure
	if errors.As(err, &f) {
		reason = f.reason
	}
	w.problem(path, reason, err)
}

// failure is an error with a reason of its own.
type failure struct {
	reason Reason
	text   string
}

func (f *failure) Error() string { return f.text }

func fail(reason Reason, format string, args ...any) error {
	return &failure{reason, fmt.Sprintf(format, args...)}
}

// exhaust ends the walk at a limit.
func (w *walker) exhaust(path string, err error) {
	if w.stop == nil {
		w.stop = errExhausted
		w.problem(path, Limit, fmt.Errorf("%w; nothing of %s was looked at from there on", err, w.name))
	}
}

// count counts a member and tells whether the walk goes on.
func (w *walker) count(path string) bool {
	if w.stop == nil {
		if w.stop = w.ctx.Err(); w.stop != nil {
			return false
		}
	}
	if w.members++; w.members > w.limits.Members {
		w.exhaust(path, fmt.Errorf("it has more than %d members", w.limits.Members))
	}
	return w.stop == nil
}

// charge counts bytes unpacked.
func (w *walker) charge(path string, n int64) {
	w.out += n
	switch {
	case w.out > w.limits.TotalBytes+w.in-w.made:
		w.exhaust(path, fmt.Errorf("it unpacks to more than its size and %d MiB", w.limits.TotalBytes>>20))
	case w.out > freeBytes && w.out/w.limits.Ratio > w.in:
		w.exhaust(path, fmt.Errorf("it unpacks to more than %d times its size", w.limits.Ratio))
	}
}

// reserve takes bytes from the memory; the caller releases them.
func (w *walker) reserve(n int64) error {
	if n > w.limits.Memory-w.memory {
		w.release(w.idle.drop())
	}
	if n > w.limits.Memory-w.memory {
		return fail(Limit, "unpacking it takes %d MiB of memory and %d MiB are left", (n+1<<20-1)>>20, (w.limits.Memory-w.memory)>>20)
	}
	// What was given back is in the heap until it is collected, and the
	// collector alone would let it grow to twice the bound.
	if w.memory+w.garbage+n > w.limits.Memory {
		runtime.GC()
		w.garbage = 0
	}
	w.memory += n
	return nil
}

// window reserves a decoder's window that is about to be made.
func (w *walker) window(path string, n int64) error {
	if err := w.reserve(n); err != nil {
		return err
	}
	w.made += n / windowCost
	if w.charge(path, 0); w.stop != nil {
		w.memory -= n // it was not made
		return errReported
	}
	return nil
}

// release gives reserved memory back.
func (w *walker) release(n int64) {
	w.memory -= n
	w.garbage += n
}
