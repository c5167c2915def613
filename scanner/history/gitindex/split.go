package gitindex

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
)

// merge puts a split index together: the entries of the file that it shares
// with others, of which the link extension deletes some and replaces some
// by the first of its own, which have no names, and the rest of its own.
func (x *Index) merge(shared *Index, size int) error {
	drop, replace, err := linkMaps(x.link[size:], len(shared.Entries))
	if err != nil {
		return err
	}
	own := x.Entries
	merged := make([]Entry, 0, len(shared.Entries)+len(own))
	for i, e := range shared.Entries {
		if replace.has(i) {
			if len(own) == 0 || len(own[0].Name) != 0 {
				return ErrCorrupt
			}
			own[0].Name = e.Name
			e, own = own[0], own[1:]
		}
		if !drop.has(i) {
			merged = append(merged, e)
		}
	}
	for i := range own {
		if len(own[i].Name) == 0 {
			return ErrCorrupt
		}
	}
	x.Entries = weave(merged, own)
	return nil
}

// weave joins two sorted lists; where both have an entry, that of b counts.
func weave(a, b []Entry) []Entry {
	if len(b) == 0 {
		return a
	}
	out := make([]Entry, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		c := bytes.Compare(a[0].Name, b[0].Name)
		if c == 0 {
			c = int(a[0].Stage) - int(b[0].Stage)
		}
		switch {
		case c < 0:
			out, a = append(out, a[0]), a[1:]
		case c > 0:
			out, b = append(out, b[0]), b[1:]
		default:
			a = a[1:]
		}
	}
	return append(append(out, a...), b...)
}

// linkMaps reads which entries of the shared index are dropped and which are
// replaced; without the maps, none is.
func linkMaps(b []byte, entries int) (drop, replace bitmap, err error) {
	if len(b) == 0 {
		return nil, nil, nil
	}
	if drop, b, err = parseBitmap(b, entries); err != nil {
		return nil, nil, err
	}
	replace, b, err = parseBitmap(b, entries)
	if err == nil && len(b) > 0 {
		err = ErrCorrupt
	}
	return drop, replace, err
}

// sharedName is the file that holds the shared part of a split index; "" when
// the index stands alone all the same.
func (x *Index) sharedName(size int) (string, error) {
	if x.link == nil {
		return "", nil
	}
	if len(x.link) < size {
		return "", ErrCorrupt
	}
	if bytes.Count(x.link[:size], []byte{0}) == size {
		return "", nil
	}
	return "sharedindex." + hex.EncodeToString(x.link[:size]), nil
}

// bitmap is a set of numbers.
type bitmap []uint64

func (m bitmap) has(i int) bool { return i/64 < len(m) && m[i/64]>>(i%64)&1 != 0 }

// parseBitmap reads an EWAH bitmap of at most limit bits: words of 64 bits,
// where a marker word tells how many words are all alike and how many follow
// as they are.
func parseBitmap(b []byte, limit int) (bitmap, []byte, error) {
	if len(b) < 8 {
		return nil, nil, ErrCorrupt
	}
	words := int64(binary.BigEndian.Uint32(b[4:]))
	if b = b[8:]; int64(len(b)) < 8*words+4 {
		return nil, nil, ErrCorrupt
	}
	data, rest := b[:8*words], b[8*words+4:] // after the words, the place of the last marker
	most := (limit + 63) / 64
	var out bitmap
	for len(data) > 0 {
		marker := binary.BigEndian.Uint64(data)
		data = data[8:]
		alike, literal := marker>>1&(1<<32-1), marker>>33
		if alike > uint64(most-len(out)) || literal > uint64(most-len(out))-alike || literal > uint64(len(data)/8) {
			return nil, nil, ErrCorrupt
		}
		for range alike {
			out = append(out, -(marker & 1))
		}
		for range literal {
			out = append(out, binary.BigEndian.Uint64(data))
			data = data[8:]
		}
	}
	for i := limit; i < 64*len(out); i++ {
		if out.has(i) {
			return nil, nil, ErrCorrupt
		}
	}
	return out, rest, nil
}
