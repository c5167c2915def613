//go:build unix

package launch

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// replace makes the program take this process's place.
func replace(path string, args, env []string) (int, error) {
	return 0, fmt.Errorf("start %s: %w", args[0], syscall.Exec(path, args, env))
}

// passedOn are the signals that go to the program. Those of the terminal reach
// it anyway, because it is in the same group; remint itself outlives them.
func passedOn() []os.Signal {
	return []os.Signal{syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGCONT}
}

// pass passes a signal on, unless the terminal sent it to the program as well.
func pass(p *os.Process, s os.Signal) {
	if (s == syscall.SIGINT || s == syscall.SIGQUIT) && term.IsTerminal(int(os.Stdin.Fd())) {
		return
	}
	if s != syscall.SIGCONT {
		_ = p.Signal(s)
	}
}

func terminate(p *os.Process) { _ = p.Signal(syscall.SIGTERM) }

// sendSignal sends a signal by its name without SIG.
func sendSignal(p *os.Process, name string) error {
	s := unix.SignalNum("SIG" + name)
	if s == 0 {
		return fmt.Errorf("there is no signal %s", name)
	}
	return p.Signal(s)
}

// ended is the exit status; a program that a signal ended makes this one end
// the same way.
func ended(state *os.ProcessState) int {
	ws, ok := state.Sys().(syscall.WaitStatus)
	if !ok || !ws.Signaled() {
		return state.ExitCode()
	}
	s := ws.Signal()
	_ = syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{}) // the program's core is enough
	signal.Reset(s)
	switch s {
	case syscall.SIGSEGV, syscall.SIGBUS, syscall.SIGFPE, syscall.SIGILL, syscall.SIGTRAP, syscall.SIGABRT, syscall.SIGQUIT, syscall.SIGSYS:
		// Go makes a panic of these: another program in our place does not.
		_ = syscall.Exec("/bin/sh", []string{"sh", "-c", fmt.Sprintf("kill -%d $$", s)}, nil)
	default:
		_ = syscall.Kill(os.Getpid(), s)
	}
	return 128 + int(s)
}

// throughTerminal gives a program whose output goes to a terminal one of its
// own, of the same size, so that it keeps its colours while it is masked.
func throughTerminal(cmd *exec.Cmd, out *os.File, to io.Writer) (finish func(), err error) {
	if !term.IsTerminal(int(out.Fd())) {
		return func() {}, nil
	}
	master, slave, err := pty.Open()
	if err != nil {
		return nil, fmt.Errorf("open a terminal for the program: %w", err)
	}
	resize := make(chan os.Signal, 1)
	signal.Notify(resize, syscall.SIGWINCH)
	go func() {
		for range resize {
			_ = pty.InheritSize(out, master)
		}
	}()
	_ = pty.InheritSize(out, master)
	_, _ = term.MakeRaw(int(slave.Fd())) // output is passed as it is: the outer terminal does the rest
	cmd.Stdout, cmd.Stderr = slave, slave
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, err := io.Copy(to, master)
		if err != nil && !errors.Is(err, syscall.EIO) { // EIO: the program has ended
			fmt.Fprintf(out, "remint: %v\n", err)
		}
	}()
	return func() {
		_ = slave.Close()
		<-done
		_ = master.Close()
		signal.Stop(resize)
		close(resize)
	}, nil
}
