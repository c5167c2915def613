package history

import "slices"

// link is a delta on the way from an object down to what it stands on.
type link struct {
	pack  *pack
	off   int64
	entry entry
}

// bottom is what a chain of deltas stands on: an entry of a pack that is no
// delta or, when it is known, content that is at hand and must not be changed.
type bottom struct {
	link
	known bool
	rebuilt
}

// descend follows a chain of deltas, the first link being the object itself.
func (r *Repo) descend(p place) ([]link, bottom, error) {
	var links []link
	for {
		if o, ok := r.bases.get(p.pack, p.off); ok {
			return links, bottom{known: true, rebuilt: o}, nil
		}
		e, err := p.pack.entry(p.off)
		if err != nil {
			return nil, bottom{}, err
		}
		here := link{p.pack, p.off, e}
		if !e.isDelta() {
			return links, bottom{link: here, rebuilt: rebuilt{typ: Type(e.kind)}}, nil
		}
		if len(links) == maxDepth {
			return nil, bottom{}, errDepth
		}
		links = append(links, here)
		if e.kind == offsetDelta {
			p.off = e.below
			continue
		}
		var under bottom
		if p, under, err = r.base(p.pack, e.base); err != nil || under.known {
			return links, under, err
		}
		// Within a pack, offsets only fall; a cycle closes by a name.
		for _, l := range links {
			if l.pack == p.pack && l.off == p.off {
				return nil, bottom{}, errCycle
			}
		}
	}
}

// base finds an object that a delta names: in the same pack, which git makes
// complete, and otherwise anywhere.
func (r *Repo) base(in *pack, id ID) (place, bottom, error) {
	if off, err := in.find(id); err == nil && off >= 0 {
		return place{pack: in, off: off}, bottom{}, nil
	}
	var found place
	var under bottom
	var bad error
	err := r.search(id, func(p place) bool {
		found = p
		if p.loose == nil {
			return true
		}
		typ, data, err := readLoose(p.loose, r.limit)
		under = bottom{known: true, rebuilt: rebuilt{typ, data}}
		bad = err
		return err == nil
	})
	if err != nil && bad != nil {
		err = blame(bad, id, found)
	}
	return found, under, err
}

// unpack rebuilds an object of a pack.
func (r *Repo) unpack(p place) (Type, []byte, error) {
	links, under, err := r.descend(p)
	if err != nil {
		return 0, nil, err
	}
	kept := under.known // data belongs to somebody else
	data := under.data
	if !kept {
		if under.entry.size > r.limit {
			return 0, nil, &TooLargeError{Size: under.entry.size, Limit: r.limit}
		}
		if data, err = under.pack.inflate(under.entry, nil); err != nil {
			return 0, nil, err
		}
		kept = len(links) > 0 && r.bases.put(under.pack, under.off, under.typ, data)
	}
	var delta, spare []byte
	work := int64(0)
	for _, l := range slices.Backward(links) {
		if l.entry.size > r.limit {
			return 0, nil, &TooLargeError{Size: l.entry.size, Limit: r.limit}
		}
		if delta, err = l.pack.inflate(l.entry, delta); err != nil {
			return 0, nil, err
		}
		out, err := applyDelta(spare, data, delta, r.limit)
		if err != nil {
			return 0, nil, err
		}
		if work += int64(len(out)); work > maxWork {
			return 0, nil, errDepth
		}
		if spare = data[:0]; kept {
			spare = nil
		}
		data, kept = out, r.bases.put(l.pack, l.off, under.typ, out)
	}
	if kept {
		data = slices.Clone(data)
	}
	return under.typ, data, nil
}

// packedHeader finds the type at the bottom of the deltas, and the size in
// the first bytes of the topmost.
func (r *Repo) packedHeader(p place) (Type, int64, error) {
	links, under, err := r.descend(p)
	if err != nil {
		return 0, 0, err
	}
	if len(links) == 0 {
		if under.known {
			return under.typ, int64(len(under.data)), nil
		}
		return under.typ, under.entry.size, nil
	}
	top := links[0]
	z, err := newInflater(top.pack.file.Reader(top.entry.data, top.pack.end()))
	if err != nil {
		return 0, 0, err
	}
	defer inflaters.Put(z)
	head, err := fill(z, nil, min(top.entry.size, 20))
	if err != nil {
		return 0, 0, err
	}
	_, size, _, err := deltaSizes(head)
	return under.typ, size, err
}
