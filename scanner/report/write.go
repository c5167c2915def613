package report

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// WriteFile writes a report so that name holds either what it held before or
// the whole report: it is written beside, synced and renamed. A report with
// secrets in it is readable for its owner alone.
func WriteFile(name string, secret bool, emit func(io.Writer) error) (err error) {
	if info, serr := os.Stat(name); serr == nil && !info.Mode().IsRegular() {
		return writeDevice(name, emit) // a pipe or terminal cannot be replaced
	}
	tmp, err := os.CreateTemp(filepath.Dir(name), ".remint-report-*")
	if err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	defer func() {
		if err != nil {
			_ = tmp.Close()
			_ = os.Remove(tmp.Name())
			err = fmt.Errorf("write the report %s: %w", name, err)
		}
	}()
	w := bufio.NewWriterSize(tmp, 64<<10)
	if err = emit(w); err != nil {
		return err
	}
	if err = w.Flush(); err != nil {
		return err
	}
	if !secret {
		if err = tmp.Chmod(0o644); err != nil {
			return err
		}
	}
	if err = tmp.Sync(); err != nil {
		return err
	}
	if err = tmp.Close(); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), name)
}

func writeDevice(name string, emit func(io.Writer) error) error {
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	w := bufio.NewWriter(f)
	if err = emit(w); err == nil {
		err = w.Flush()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return fmt.Errorf("write the report %s: %w", name, err)
	}
	return nil
}
