package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/remint/remint/scanner"
	"github.com/remint/remint/scanner/history"
)

// terminal returns the file behind w where it is a terminal.
func terminal(w io.Writer) (*os.File, bool) {
	f, ok := w.(*os.File)
	return f, ok && term.IsTerminal(int(f.Fd()))
}

// colorful tells whether w is a terminal that shows colours (see no-color.org).
func colorful(w io.Writer) bool {
	_, ok := terminal(w)
	return ok && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

// width returns the columns of a terminal, 0 where w is none.
func width(w io.Writer) int {
	f, ok := terminal(w)
	if !ok {
		return 0
	}
	columns, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return columns
}

// progressDelay is how long a scan takes before it says so.
const progressDelay = 500 * time.Millisecond

// showProgress keeps one line on a terminal up to date until the function it
// returns is called, which takes the line away. Elsewhere it does nothing.
func showProgress(w io.Writer, p *scanner.Progress) (stop func()) {
	return showLine(w, func(elapsed time.Duration) string {
		return fmt.Sprintf("scanning: %d files, %.0f MB, %.0f s", p.Files.Load(), float64(p.Bytes.Load())/1e6, elapsed.Seconds())
	})
}

// barWidth is how many columns a bar has.
const barWidth = 24

// showWalk is showProgress for a history: it knows how much there is.
func showWalk(w io.Writer, p *history.WalkProgress) (stop func()) {
	return showLine(w, func(elapsed time.Duration) string {
		total, done := p.Total.Load(), p.Done.Load()
		if total == 0 {
			return fmt.Sprintf("scanning: %d objects, %.0f s", done, elapsed.Seconds())
		}
		share := min(float64(done)/float64(total), 1)
		left := "…"
		if share > 0.02 {
			left = time.Duration(float64(elapsed) * (1 - share) / share).Round(time.Second).String()
		}
		full := int(share * barWidth)
		return fmt.Sprintf("[%s%s] %3.0f %%  %d of %d objects, %.0f MB, %s left",
			strings.Repeat("=", full), strings.Repeat(" ", barWidth-full), 100*share, done, total, float64(p.Bytes.Load())/1e6, left)
	})
}

// showLine keeps one line on a terminal.
func showLine(w io.Writer, line func(elapsed time.Duration) string) (stop func()) {
	if _, ok := terminal(w); !ok {
		return func() {}
	}
	done := make(chan struct{})
	var finished sync.WaitGroup
	finished.Add(1)
	go func() {
		defer finished.Done()
		start := time.Now()
		tick := time.NewTicker(progressDelay / 5)
		defer tick.Stop()
		shown := false
		for {
			select {
			case <-done:
				if shown {
					fmt.Fprint(w, "\r\x1b[K")
				}
				return
			case <-tick.C:
				if elapsed := time.Since(start); elapsed >= progressDelay {
					shown = true
					fmt.Fprint(w, "\r\x1b[K"+line(elapsed))
				}
			}
		}
	}()
	return func() { close(done); finished.Wait() }
}
