package archive

import (
	"encoding/binary"
	"errors"
	"io"
)

// bcj2 undoes 7z's BCJ2 filter, which takes the operands of x86 calls and jumps
// out of the code: without them back in place, files that follow in the same
// block would begin in the wrong place.
type bcj2 struct {
	code, calls, jumps, bits *bufferedReader
	// The range coder that says which operands were taken out.
	width, value uint32
	odds         [2 + 256]uint16
	started      bool
	previous     byte
	written      uint32
	operand      [4]byte
	pending      int // bytes of operand that are not written yet
}

func newBCJ2(in []*bufferedReader) *bcj2 {
	b := &bcj2{code: in[0], calls: in[1], jumps: in[2], bits: in[3], width: 0xffffffff}
	for i := range b.odds {
		b.odds[i] = 1 << 10
	}
	return b
}

func (b *bcj2) Read(p []byte) (int, error) {
	if !b.started {
		b.started = true
		for range 5 {
			c, err := b.bits.ReadByte()
			if err != nil {
				return 0, cutOff(err)
			}
			b.value = b.value<<8 | uint32(c)
		}
	}
	for i := range p {
		if b.pending > 0 {
			p[i] = b.operand[4-b.pending]
			b.pending--
			continue
		}
		c, err := b.code.ReadByte()
		if err != nil {
			return i, err
		}
		p[i] = c
		b.written++
		if err := b.branch(c); err != nil {
			return i + 1, err
		}
	}
	return len(p), nil
}

// branch looks whether an operand belongs after a byte of code.
func (b *bcj2) branch(c byte) error {
	previous := b.previous
	b.previous = c
	odds, from := &b.odds[257], b.jumps
	switch {
	case c == 0xe8:
		odds, from = &b.odds[previous], b.calls
	case c == 0xe9:
		odds = &b.odds[256]
	case previous != 0x0f || c&0xf0 != 0x80:
		return nil
	}
	taken, err := b.bit(odds)
	if err != nil || !taken {
		return err
	}
	if _, err := io.ReadFull(from, b.operand[:]); err != nil {
		return cutOff(err)
	}
	to := binary.BigEndian.Uint32(b.operand[:]) - (b.written + 4)
	binary.LittleEndian.PutUint32(b.operand[:], to)
	b.previous = byte(to >> 24)
	b.written += 4
	b.pending = 4
	return nil
}

// bit decodes one bit.
func (b *bcj2) bit(odds *uint16) (bool, error) {
	bound := (b.width >> 11) * uint32(*odds)
	one := b.value >= bound
	if one {
		b.width -= bound
		b.value -= bound
		*odds -= *odds >> 5
	} else {
		b.width = bound
		*odds += (1<<11 - *odds) >> 5
	}
	if b.width < 1<<24 {
		c, err := b.bits.ReadByte()
		if err != nil && !errors.Is(err, io.EOF) {
			return false, err
		}
		b.value = b.value<<8 | uint32(c)
		b.width <<= 8
	}
	return one, nil
}

// cutOff is an end where none may be.
func cutOff(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
