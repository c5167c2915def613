// Package mint makes new credentials at their providers, proves that they work,
// and makes old ones useless. One folder a provider; what a provider can do is
// asked for: Proposer, Prover, Scoper, Revoker, OrphanFinder.
package mint

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/remint/remint/remediate/hsm"
)

// Leaked is a credential as it was found.
type Leaked struct {
	// Rule is the id of the rule that found it.
	Rule string
	// Value is what is replaced: the whole connection string where the secret
	// stands in one. Secret is the secret in it; the same where it stands alone.
	Value, Secret []byte
	// Beside is what else is known of it: the other halves of a pair by rule
	// id, and neighbouring settings, such as "host", by their lower-case name.
	Beside map[string]string
}

// Settings are what the project's configuration says of a provider.
type Settings struct {
	// Admin is the credential that may mint; nil where the leaked one has to.
	Admin []byte
	// Endpoint is the address of the provider's API, "" for the usual one.
	Endpoint string
	// Options are the provider's own: a project, an account, a region.
	Options map[string]string
}

// Request is what to mint in place of what.
type Request struct {
	Leaked   Leaked
	Settings Settings
	// Name is that of the entry in the vault, such as payments/stripe.
	Name string
	// Token is of this one remediation, 8 hexadecimal digits. It is in the name
	// that the provider shows, by which a lost answer is found again.
	Token string
	// Scope is what the new one may do; empty where the provider knows no scopes.
	Scope Scope
	// Lifetime is how long it lives; 0 for no end.
	Lifetime time.Duration
	// Sealed asks for a private key in the form of the old one, which the vault
	// seals, where the program cannot use one that stays in the token.
	Sealed bool
	// HSM makes and holds keys and gives random bytes.
	HSM hsm.Token
	// Proposed is what Propose returned, which was sealed since.
	Proposed *Minted
	// Minted is what Mint returned, when that is proved and the old one revoked.
	Minted *Minted
	// Ask asks a person for a value, without echo; nil where there is none.
	Ask func(ctx context.Context, prompt string) ([]byte, error)
}

// Label is what the provider shows as the credential's name: "remint-", the
// entry's name and the token, at most limit bytes, of letters, digits and '-'.
func (r *Request) Label(limit int) string {
	tail := "-" + r.Token
	head := "remint-" + strings.Map(func(c rune) rune {
		switch {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9':
			return c
		case c >= 'A' && c <= 'Z':
			return c + 'a' - 'A'
		}
		return '-'
	}, r.Name)
	return strings.TrimRight(head[:min(len(head), limit-len(tail))], "-") + tail
}

// Minted is a new credential.
type Minted struct {
	// ID is what the provider calls it. It is not secret.
	ID string
	// Value is what the program gets, in the form of Leaked.Value.
	Value []byte
	// Expires is when it ends by itself; zero where it does not.
	Expires time.Time
	// Held is the assurance of the token that holds the key itself, "" where
	// the provider made up the value and the vault seals it.
	Held hsm.Assurance
	// Files may be written beside the code, by their ending: ".pub", ".crt".
	Files map[string][]byte
	// Notes are what a person should know of it, in sentences.
	Notes []string
	// EndedOld tells that making this one ended the old one.
	EndedOld bool
}

// Minter makes credentials of one provider. Mint makes one. A call that failed
// is not repeated before OrphanFinder removed what it may have left; a Minter
// that is a Proposer is repeated as it is.
type Minter interface {
	// ID is the word that rules and the configuration name it by.
	ID() string
	Mint(ctx context.Context, r *Request) (Minted, error)
}

// Proposer is a Minter that makes up the value itself: Propose has no effect
// at the provider, its result is sealed, and Mint makes the provider know it.
// Mint may be called again and ends in the same state.
type Proposer interface {
	Propose(ctx context.Context, r *Request) (Minted, error)
}

// Extender is a Minter whose credentials are more than the secret: Extend
// returns the place of the whole in a text, such as the connection string
// around a password. ok is false where it is none of this provider's.
type Extender interface {
	Extend(text []byte, start, end int) (from, to int, ok bool)
}

// Prover uses a credential at its provider. The error is a RefusedError where
// the provider itself says that the credential is not valid: other failures
// prove nothing.
type Prover interface {
	Prove(ctx context.Context, r *Request, value []byte) error
}

// Scoper says what the leaked credential may do, so that the new one may do no
// more. It changes nothing.
type Scoper interface {
	Scope(ctx context.Context, r *Request) (Scope, error)
}

// Revoker makes the leaked credential useless. One that is gone already is no
// error. r.Minted is the one that replaced it.
type Revoker interface {
	Revoke(ctx context.Context, r *Request) error
}

// OrphanFinder finds what Mint made for a request of which the answer was lost,
// by the token, and removes it. It is also how a minted credential is undone.
type OrphanFinder interface {
	Orphans(ctx context.Context, r *Request) (ids []string, err error)
	Remove(ctx context.Context, r *Request, id string) error
}

// EndsOld is a Minter whose minting ends the old credential at once.
type EndsOld interface {
	EndsOld(r *Request) bool
}

// RefusedError tells that the provider refused a credential as not valid.
type RefusedError struct {
	Provider string
	// Answer is the provider's own error, without the credential.
	Answer string
}

// Error implements error.
func (e *RefusedError) Error() string {
	return e.Provider + " refuses the credential: " + e.Answer
}

// Refused tells whether an error is a provider's refusal of a credential.
func Refused(err error) bool {
	var r *RefusedError
	return errors.As(err, &r)
}

// Errors that callers tell apart.
var (
	// ErrNeedsPerson tells that a person has to act; the error says how.
	ErrNeedsPerson = errors.New("a person has to do this")
	// ErrNoAdmin tells that the leaked credential cannot mint, and no other was given.
	ErrNoAdmin = errors.New("the leaked credential may not make another: name one that may as providers.<id>.admin in .remint.yaml")
)
