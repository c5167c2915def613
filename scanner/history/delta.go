package history

import "errors"

var errDelta = errors.New("its delta is malformed")

// deltaSizes reads the header of a delta: the length of its base, that of its
// result, both in bytes, and the instructions that follow.
func deltaSizes(delta []byte) (base, result int64, ops []byte, err error) {
	if base, delta, err = deltaSize(delta); err != nil {
		return 0, 0, nil, err
	}
	if result, delta, err = deltaSize(delta); err != nil {
		return 0, 0, nil, err
	}
	return base, result, delta, nil
}

func deltaSize(data []byte) (int64, []byte, error) {
	var n uint64
	for i, c := range data {
		if i == 9 {
			break
		}
		n |= uint64(c&0x7f) << (7 * i)
		if c < 0x80 {
			return int64(n), data[i+1:], nil
		}
	}
	return 0, nil, errDelta
}

// deltaOp is one instruction: copy length bytes of the base from offset, or,
// when insert is not nil, those bytes.
type deltaOp struct {
	insert         []byte
	offset, length int64
}

// nextOp reads the first instruction of ops, which is not empty.
func nextOp(ops []byte) (deltaOp, []byte, error) {
	c, ops := ops[0], ops[1:]
	if c < 0x80 {
		if c == 0 || int(c) > len(ops) {
			return deltaOp{}, nil, errDelta
		}
		return deltaOp{insert: ops[:c], length: int64(c)}, ops[c:], nil
	}
	var v [7]byte
	for i := range v {
		if c&(1<<i) == 0 {
			continue
		}
		if len(ops) == 0 {
			return deltaOp{}, nil, errDelta
		}
		v[i], ops = ops[0], ops[1:]
	}
	op := deltaOp{
		offset: int64(v[0]) | int64(v[1])<<8 | int64(v[2])<<16 | int64(v[3])<<24,
		length: int64(v[4]) | int64(v[5])<<8 | int64(v[6])<<16,
	}
	if op.length == 0 {
		op.length = 1 << 16
	}
	return op, ops, nil
}

// checkOps makes sure that the instructions stay inside a base of that length
// and give exactly size bytes, so that nothing is set aside for a lie.
func checkOps(ops []byte, base, size int64) error {
	for len(ops) > 0 {
		op, rest, err := nextOp(ops)
		if err != nil {
			return err
		}
		if op.insert == nil && op.offset+op.length > base {
			return errDelta
		}
		if size -= op.length; size < 0 {
			return errDelta
		}
		ops = rest
	}
	if size != 0 {
		return errDelta
	}
	return nil
}

// applyDelta rebuilds an object of at most limit bytes into buf's array, or a
// longer one. The array must not be that of base or delta.
func applyDelta(buf, base, delta []byte, limit int64) ([]byte, error) {
	from, size, ops, err := deltaSizes(delta)
	if err != nil {
		return nil, err
	}
	if from != int64(len(base)) {
		return nil, errDelta
	}
	if size > limit {
		return nil, &TooLargeError{Size: size, Limit: limit}
	}
	if err := checkOps(ops, from, size); err != nil {
		return nil, err
	}
	if int64(cap(buf)) < size {
		buf = make([]byte, 0, size)
	}
	buf = buf[:0]
	for len(ops) > 0 {
		var op deltaOp
		if op, ops, err = nextOp(ops); err != nil {
			return nil, err
		}
		if op.insert == nil {
			op.insert = base[op.offset : op.offset+op.length]
		}
		buf = append(buf, op.insert...)
	}
	return buf, nil
}
