//go:build !unix

package mapped

import (
	"errors"
	"os"
)

const nonblock = 0

func mapFile(*os.File, int64) ([]byte, error) { return nil, errors.ErrUnsupported }

func unmap([]byte) error { return nil }
