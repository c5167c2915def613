package history

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/remint/remint/scanner/history/mapped"
)

// multiIndex says for several packs at once which pack holds an object, and where.
type multiIndex struct {
	table
	packs      []string // names of the packs, without directory and extension
	places     int64    // where the pairs of pack number and offset start
	longs, end int64    // the 64-bit offsets
}

// midxChunks is how many chunks a file may have; git writes fewer than ten.
const midxChunks = 64

func openMultiIndex(name string, format Format) (*multiIndex, error) {
	file, err := mapped.Open(name)
	if err != nil {
		return nil, err
	}
	m := &multiIndex{table: table{file: file, size: format.Size()}}
	if err := m.read(format); err != nil {
		file.Close()
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return m, nil
}

func (m *multiIndex) read(format Format) error {
	head, err := m.file.Slice(0, 12)
	if err != nil {
		return err
	}
	if string(head[:4]) != "MIDX" || head[4] < 1 || head[4] > 2 {
		return fmt.Errorf("this kind of multi-pack-index is not supported")
	}
	if Format(head[5]) != format || head[6] > midxChunks {
		return errIndex
	}
	chunks, err := m.chunks(int(head[6]))
	if err != nil {
		return err
	}
	if err := m.readPacks(chunks["PNAM"], binary.BigEndian.Uint32(head[8:])); err != nil {
		return err
	}
	fanout := chunks["OIDF"]
	if fanout.length() != fanoutSize {
		return errIndex
	}
	if err := m.readFanout(fanout.off); err != nil {
		return err
	}
	m.names, m.stride = chunks["OIDL"].off, int64(m.size)
	m.places = chunks["OOFF"].off
	m.longs, m.end = chunks["LOFF"].off, chunks["LOFF"].end
	if chunks["OIDL"].length() != m.count()*m.stride || chunks["OOFF"].length() != 8*m.count() {
		return errIndex
	}
	return nil
}

// span is a part of a file.
type span struct{ off, end int64 }

func (s span) length() int64 { return s.end - s.off }

// chunks reads the table of contents: n names with the offsets where they
// start, each ending where the next begins.
func (m *multiIndex) chunks(n int) (map[string]span, error) {
	toc, err := m.file.Slice(12, 12*(n+1))
	if err != nil {
		return nil, err
	}
	chunks := make(map[string]span, n)
	for i := range n {
		row := toc[12*i:]
		off, end := binary.BigEndian.Uint64(row[4:]), binary.BigEndian.Uint64(row[16:])
		if off > end || end > uint64(m.file.Size()) {
			return nil, errIndex
		}
		chunks[string(row[:4])] = span{int64(off), int64(end)}
	}
	return chunks, nil
}

func (m *multiIndex) readPacks(s span, n uint32) error {
	data, err := m.file.Slice(s.off, int(s.length()))
	if err != nil {
		return err
	}
	for range n {
		name, rest, ok := bytes.Cut(data, []byte{0})
		if !ok || len(name) == 0 || bytes.ContainsAny(name, "/\\") {
			return errIndex
		}
		base, _ := strings.CutSuffix(string(name), ".idx")
		base, _ = strings.CutSuffix(base, ".pack")
		m.packs = append(m.packs, base)
		data = rest
	}
	return nil
}

// find returns the number of the pack that holds an object and the place
// in it, or -1.
func (m *multiIndex) find(id ID) (pack int, off int64, err error) {
	pos, err := m.table.find(id)
	if pos < 0 || err != nil {
		return -1, -1, err
	}
	number, err := uint32At(m.file, m.places, 2*pos)
	if err != nil {
		return -1, -1, err
	}
	if int64(number) >= int64(len(m.packs)) {
		return -1, -1, errIndex
	}
	short, err := uint32At(m.file, m.places, 2*pos+1)
	if err != nil {
		return -1, -1, err
	}
	// Without a chunk of long offsets, all 32 bits are the offset.
	if short < 1<<31 || m.longs == m.end {
		return int(number), int64(short), nil
	}
	off, err = longOffset(m.file, m.longs, m.end, int64(short&(1<<31-1)))
	return int(number), off, err
}
