package launch

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"time"
)

// grace is how long a program that is to be restarted has to end.
const grace = 10 * time.Second

// supervise starts the program and stays: it passes signals on, masks, serves
// and restarts.
func (h *handover) supervise(ctx context.Context, path string) (int, error) {
	if h.plan.SDK {
		s, err := serve(h.dir, h.vault, h.hidden)
		if err != nil {
			return 0, err
		}
		h.server = s
		h.env[socketVariable] = s.path
	}
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, passedOn()...)
	defer signal.Stop(signals)
	var rotate <-chan time.Time
	if h.plan.OnRotate != "" {
		tick := time.NewTicker(max(h.plan.Interval, 100*time.Millisecond))
		defer tick.Stop()
		rotate = tick.C
	}
	for {
		state, again, err := h.once(ctx, path, signals, rotate)
		if err != nil {
			return 0, err
		}
		if !again {
			h.close()
			return ended(state), nil
		}
	}
}

// once runs the program until it ends, or until it is to be started again.
func (h *handover) once(ctx context.Context, path string, signals <-chan os.Signal, rotate <-chan time.Time) (state *os.ProcessState, again bool, err error) {
	cmd := &exec.Cmd{Path: path, Args: h.plan.Args, Env: h.environment(), Stdin: h.plan.Stdin, Stdout: h.plan.Stdout, Stderr: h.plan.Stderr}
	finish := func() {}
	if h.plan.Mask {
		if finish, err = h.maskOutput(cmd); err != nil {
			return nil, false, err
		}
	}
	if err := cmd.Start(); err != nil {
		return nil, false, fmt.Errorf("start %s: %w", h.plan.Args[0], err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	for {
		select {
		case err := <-done:
			finish()
			if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
				return nil, false, fmt.Errorf("wait for %s: %w", h.plan.Args[0], err)
			}
			return cmd.ProcessState, again, nil
		case s := <-signals:
			pass(cmd.Process, s)
		case <-rotate:
			restart, err := h.onRotate(ctx, cmd.Process)
			if err != nil {
				fmt.Fprintf(h.plan.Stderr, "remint: the vault did not answer, and is asked again: %v\n", err)
			}
			if restart {
				again, rotate = true, nil
				stop(cmd.Process)
			}
		}
	}
}

// onRotate does what the plan says when an entry has another version.
func (h *handover) onRotate(ctx context.Context, p *os.Process) (restart bool, err error) {
	changed, err := h.rotated(ctx)
	if err != nil || !changed {
		return false, err
	}
	h.wipe()
	if h.plan.OnRotate == "restart" {
		return true, h.renew(ctx)
	}
	if err := h.files(ctx); err != nil {
		return false, err
	}
	for name := range h.versions { // what only the environment has is not renewed, and not asked for again
		if all, err := h.vault.Store.Versions(ctx, name); err == nil && len(all) > 0 {
			h.versions[name] = all[len(all)-1].Version
		}
	}
	if name, ok := strings.CutPrefix(h.plan.OnRotate, "signal="); ok {
		return false, sendSignal(p, name)
	}
	return false, nil
}

// renew reads every entry again, for a program that is started again.
func (h *handover) renew(ctx context.Context) error {
	socket := h.env[socketVariable]
	dir := h.dir
	if err := h.read(ctx); err != nil {
		return err
	}
	h.dir = dir
	if socket != "" {
		h.env[socketVariable] = socket
	}
	return nil
}

// stop asks a program to end, and ends it where it does not.
func stop(p *os.Process) {
	terminate(p)
	time.AfterFunc(grace, func() { _ = p.Kill() }) // has no effect on one that has ended
}

// hidden tells the maskers of a value that was handed over later.
func (h *handover) hidden(value []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, m := range h.maskers {
		m.add([][]byte{value})
	}
}

// maskOutput puts maskers between the program and where it writes; finish
// writes what they hold back.
func (h *handover) maskOutput(cmd *exec.Cmd) (finish func(), err error) {
	out, errs := newMasker(h.plan.Stdout, h.values), newMasker(h.plan.Stderr, h.values)
	h.mu.Lock()
	h.maskers = []*masker{out, errs}
	h.mu.Unlock()
	cmd.Stdout, cmd.Stderr = out, errs
	closeTerminal := func() {}
	if f, ok := h.plan.Stdout.(*os.File); ok {
		if closeTerminal, err = throughTerminal(cmd, f, out); err != nil {
			return nil, err
		}
	}
	return func() {
		closeTerminal()
		out.flush()
		errs.flush()
	}, nil
}
