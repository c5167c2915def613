package engine

// origin is what a match depends on, so that it can be told whether it still
// holds in a text that was made from another.
type origin struct {
	kind originKind
	lit  uint16
	// hit is where the literal stands that led to the match; of a chain, the
	// first.
	hit int32
	// lo and hi are what of the text was decoded, context included.
	lo, hi int32
}

type originKind uint8

const (
	fromHit   originKind = iota // a rule at its literal
	fromNoted                   // the encoded value of an assignment
	fromPiece                   // an encoded run or line
)

// at is where in the text the origin starts.
func (o origin) at() int32 {
	if o.kind == fromPiece {
		return o.lo
	}
	return o.hit
}

// move shifts a match, and what it depends on, by a number of bytes.
func (m *Match) move(by int) {
	m.Start += by
	m.End += by
	m.FullStart += by
	m.FullEnd += by
	m.from.hit += int32(by)
	m.from.lo += int32(by)
	m.from.hi += int32(by)
}
