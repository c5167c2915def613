// Command remint finds hardcoded keys and over-broad scopes, and replaces each
// one with a scoped key that is injected at run time.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/tools/go/analysis/unitchecker"

	"github.com/remint/remint/analyzers"
)

// Exit codes, the same for every command.
const (
	exitClean    = 0 // nothing found
	exitFindings = 1 // something found
	exitFailed   = 2 // could not do the work, or not all of it
)

// errFindings is returned by a command that did its work and found something.
var errFindings = errors.New("findings")

// errReported is returned by a command that has already said what went wrong.
var errReported = errors.New("reported")

func main() {
	serveVet()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The first signal asks the work to end; a second one ends the program.
	context.AfterFunc(ctx, stop)
	code := run(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}

// serveVet does go vet's work where that is the caller, and does not return then.
func serveVet() {
	if speaksVet(os.Args[1:]) {
		unitchecker.Main(analyzers.All()...)
	}
}

// speaksVet tells whether go vet is the caller: it asks for the version and the
// flags, and then hands over a package at a time.
func speaksVet(args []string) bool {
	if len(args) == 1 && (args[0] == "-V=full" || args[0] == "-flags") {
		return true
	}
	for _, flag := range args[:max(len(args)-1, 0)] {
		if !strings.HasPrefix(flag, "-") {
			return false
		}
	}
	return len(args) > 0 && strings.HasSuffix(args[len(args)-1], ".cfg")
}

func run(ctx context.Context, args []string) int {
	root := newRoot()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	switch {
	case err == nil:
		return exitClean
	case errors.Is(err, errFindings):
		return exitFindings
	case errors.Is(err, errReported):
		return exitFailed
	}
	if child := (*childExit)(nil); errors.As(err, &child) {
		return child.code
	}
	fmt.Fprintf(os.Stderr, "remint: %v\n", err)
	return exitFailed
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "remint",
		Short: "Find hardcoded keys and replace them with scoped ones",
		Long: `remint finds hardcoded keys in a tree, a staged change or a pipe, says what
each one opens, and how to make it useless.

Exit codes: 0 nothing found, 1 findings, 2 could not do the work or not all of it.`,
		Example: `  remint scan                    scan this directory
  remint scan --staged           scan what is about to be committed
  git diff | remint scan --stdin scan a pipe
  remint rules show github-pat   what a rule looks for
  remint explain config.py:12    why a line is reported, or is not`,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(newScan(), newVet(), newRules(), newExplain(), newInit(), newFix(), newStatus(), newRevoke(), newRotate(), newVault(), newKey(), newRun(), newScope(), newDoctor(), newVersion())
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return fmt.Errorf("%w\nSee '%s --help'", err, c.CommandPath())
	})
	return root
}
