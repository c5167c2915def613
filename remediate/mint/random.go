package mint

import (
	"context"
	"encoding/base32"
	"errors"
	"fmt"
	"strings"
)

// Password returns a new password of the token's random bytes: n letters and
// digits of 5 bits each, which stand in a URL, a shell and a file as they are.
func (r *Request) Password(ctx context.Context, n int) ([]byte, error) {
	if r.HSM == nil {
		return nil, errors.New("no token is open to make random bytes")
	}
	random, err := r.HSM.Random(ctx, (n*5+7)/8)
	if err != nil {
		return nil, fmt.Errorf("make a password: %w", err)
	}
	defer clear(random)
	return []byte(strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(random))[:n]), nil
}

// PasswordLength is that of new passwords: 160 bits.
const PasswordLength = 32
