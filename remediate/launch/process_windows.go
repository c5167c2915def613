//go:build windows

package launch

import (
	"errors"
	"io"
	"os"
	"os/exec"
)

// replace runs the program and waits: Windows has no exec.
func replace(path string, args, env []string) (int, error) {
	cmd := &exec.Cmd{Path: path, Args: args, Env: env, Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr}
	err := cmd.Run()
	if cmd.ProcessState != nil {
		return cmd.ProcessState.ExitCode(), nil
	}
	return 0, err
}

func passedOn() []os.Signal { return []os.Signal{os.Interrupt} }

// pass does nothing: the console tells the program itself.
func pass(*os.Process, os.Signal) {}

func terminate(p *os.Process) { _ = p.Kill() }

func sendSignal(*os.Process, string) error {
	return errors.New("this system has no signals: use --on-rotate=restart or file")
}

func ended(state *os.ProcessState) int { return state.ExitCode() }

func throughTerminal(*exec.Cmd, *os.File, io.Writer) (func(), error) { return func() {}, nil }
