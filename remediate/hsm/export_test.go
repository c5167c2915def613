//go:build cgo

package hsm

import (
	"testing"
	"time"
)

// SetPatience makes calls be given up sooner.
func SetPatience(t *testing.T, d time.Duration) {
	old := patience
	patience = d
	t.Cleanup(func() { patience = old })
}
