//go:build !cgo

package hsm

import (
	"context"
	"fmt"
)

// Available tells that this program was built without PKCS#11.
const Available = false

// Open fails: PKCS#11 needs a program that was built with cgo.
func Open(context.Context, Options) (Token, error) {
	return nil, fmt.Errorf("%w: this remint was built without cgo, which PKCS#11 needs; build it with CGO_ENABLED=1", ErrUnsupported)
}

// Tokens finds none.
func Tokens(context.Context) ([]Found, []error) { return nil, nil }

// InitToken fails as Open does.
func InitToken(ctx context.Context, _ Found, _, _ string) (Found, error) {
	_, err := Open(ctx, Options{})
	return Found{}, err
}
