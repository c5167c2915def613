package main

import (
	"context"
	"fmt"

	"github.com/remint/remint/scanner/bench/histories"
)

// history measures scans of whole histories beside git, which only prints the
// objects, and beside gitleaks.
func (b bench) history() error {
	var full string
	for _, spec := range []histories.Spec{histories.Half(), histories.Full()} {
		repo, err := histories.Real(context.Background(), b.histories, spec)
		if err != nil {
			return err
		}
		full = repo
		ours := []string{b.remint, "scan", "--git", repo, "-f", "json"}
		git := []string{"git", "-C", repo, "cat-file", "--batch-all-objects", "--batch"}
		if err := b.pair(spec.Name+" history; the other is git cat-file", b.dir, ours, git); err != nil {
			return err
		}
	}
	if err := b.pair("one commit of it (--range HEAD~1..HEAD)", b.dir, []string{b.remint, "scan", "--git", full, "--range", "HEAD~1..HEAD", "-f", "json"}, nil); err != nil {
		return err
	}
	exhaustive := []string{b.remint, "scan", "--git", full, "-f", "json", "--exhaustive"}
	if err := b.pair("full history; the other is --exhaustive", b.dir, []string{b.remint, "scan", "--git", full, "-f", "json"}, exhaustive); err != nil {
		return err
	}
	b.runs = min(b.runs, 3) // it takes a minute each time
	fmt.Println("beside gitleaks, fewer runs:")
	return b.pair("full history; the other is gitleaks git", b.dir, []string{b.remint, "scan", "--git", full, "-f", "json"},
		[]string{b.gitleaks, "git", full, "--no-banner", "--exit-code", "0", "-l", "error"})
}
