package hsm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// PIN gives the PIN of a token or the passphrase of the stand-in when it is
// needed: never from an argument.
type PIN func(ctx context.Context, prompt string) (string, error)

// ErrNoPIN tells that there is no source of a PIN.
var ErrNoPIN = errors.New("no PIN: set it in the environment, name a file or a descriptor that holds it, or run in a terminal to be asked")

// PINFromEnvironment reads a variable. It is nil where the variable is not set.
func PINFromEnvironment(name string) PIN {
	value, ok := os.LookupEnv(name)
	if !ok {
		return nil
	}
	return func(context.Context, string) (string, error) { return value, nil }
}

// maxPIN is the longest PIN or passphrase that is read, in bytes.
const maxPIN = 4096

// PINFromFile reads a file's first line.
func PINFromFile(name string) PIN {
	name = strings.TrimPrefix(name, "file:")
	return func(context.Context, string) (string, error) {
		f, err := os.Open(name)
		if err != nil {
			return "", fmt.Errorf("read the PIN: %w", err)
		}
		defer f.Close()
		return firstLine(f)
	}
}

// PINFromDescriptor reads an open descriptor's first line.
func PINFromDescriptor(fd uintptr) PIN {
	return func(context.Context, string) (string, error) {
		f := os.NewFile(fd, "pin")
		if f == nil {
			return "", fmt.Errorf("read the PIN: descriptor %d is not open", fd)
		}
		defer f.Close()
		return firstLine(f)
	}
}

func firstLine(r io.Reader) (string, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxPIN))
	if err != nil {
		return "", fmt.Errorf("read the PIN: %w", err)
	}
	line, _, _ := strings.Cut(string(text), "\n")
	return strings.TrimSuffix(line, "\r"), nil
}

// FirstPIN asks the first source that there is.
func FirstPIN(sources ...PIN) PIN {
	return func(ctx context.Context, prompt string) (string, error) {
		for _, s := range sources {
			if s != nil {
				return s(ctx, prompt)
			}
		}
		return "", ErrNoPIN
	}
}
