package media

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"gatehouse/exchange"
)

// Sizes of a ZIP's records (APPNOTE §4.3).
const (
	localSize   = 30
	centralSize = 46
	endSize     = 22
)

// entry is one file in a ZIP, as its central directory and its local header both say.
type entry struct {
	name         string
	method       uint16
	crc          uint32
	packed, size int64
	header, data int64 // where its local header and its bytes begin
}

// directory is a ZIP whose structure was checked.
type directory struct {
	entries []entry
	left    int64 // bytes that may still be unpacked
}

// endRecord finds the end of a ZIP's central directory; nil when there is none.
func endRecord(f io.ReaderAt, size int64) ([]byte, error) {
	tail := make([]byte, min(size, 65535+endSize))
	if n, err := f.ReadAt(tail, size-int64(len(tail))); n < len(tail) {
		return nil, fmt.Errorf("read end: %w", err)
	}
	i := bytes.LastIndex(tail, []byte("PK\x05\x06"))
	if i < 0 || len(tail)-i < endSize {
		return nil, nil
	}
	return tail[i:], nil
}

// errZip says that a ZIP is damaged, hides something or is over a bound.
var errZip = errors.New("zip")

func zipFault(text string) error { return fmt.Errorf("%w: %s", errZip, text) }

// checkZip reads a ZIP's structure.
func checkZip(f *file) (exchange.Reason, error) {
	if f.kind != kindZip {
		return exchange.ReasonNone, nil
	}
	d, err := readZip(f, f.size, f.Policy)
	f.zip = d
	return zipReason(err)
}

// zipReason tells a bad archive from one that could not be read.
func zipReason(err error) (exchange.Reason, error) {
	switch {
	case errors.Is(err, errZip):
		return exchange.ReasonArchive, nil
	case err != nil:
		return exchange.ReasonFailed, err
	}
	return exchange.ReasonNone, nil
}

// readZip reads the directory and holds each entry against its local header. Two programs that read a ZIP by its
// directory and by its headers must see the same files, so any difference is a fault; so are entries that share
// bytes, whose sizes multiply.
func readZip(f io.ReaderAt, size int64, p Policy) (*directory, error) {
	end, err := endRecord(f, size)
	if err != nil {
		return nil, err
	}
	if end == nil || len(end) != endSize {
		return nil, zipFault("it does not end with its directory")
	}
	count := int(binary.LittleEndian.Uint16(end[10:]))
	length, start := int64(binary.LittleEndian.Uint32(end[12:])), int64(binary.LittleEndian.Uint32(end[16:]))
	if binary.LittleEndian.Uint32(end[4:]) != 0 || count == 0 || count > p.MaxEntries || int(binary.LittleEndian.Uint16(end[8:])) != count ||
		length > int64(count)*1024 || start+length != size-endSize {
		return nil, zipFault("its directory is over the bound or elsewhere")
	}
	b := make([]byte, length)
	if n, err := f.ReadAt(b, start); n < len(b) {
		return nil, fmt.Errorf("read directory: %w", err)
	}
	d := &directory{left: min(p.MaxUnpacked, p.MaxRatio*size+1<<16)}
	for range count {
		e, n, err := parseCentral(b)
		if err != nil {
			return nil, err
		}
		if e.data, err = matchLocal(f, e, start); err != nil {
			return nil, err
		}
		d.entries, b = append(d.entries, e), b[n:]
	}
	if len(b) != 0 {
		return nil, zipFault("its directory holds more than its entries")
	}
	return d, d.apart(start)
}

func parseCentral(b []byte) (entry, int, error) {
	if len(b) < centralSize || string(b[:4]) != "PK\x01\x02" {
		return entry{}, 0, zipFault("an entry of its directory is damaged")
	}
	u16 := func(at int) int { return int(binary.LittleEndian.Uint16(b[at:])) }
	u32 := func(at int) int64 { return int64(binary.LittleEndian.Uint32(b[at:])) }
	n := centralSize + u16(28) + u16(30) + u16(32)
	if len(b) < n {
		return entry{}, 0, zipFault("an entry of its directory is cut")
	}
	e := entry{name: string(b[centralSize : centralSize+u16(28)]), method: uint16(u16(10)), crc: binary.LittleEndian.Uint32(b[16:]),
		packed: u32(20), size: u32(24), header: u32(42)}
	const encrypted, strong = 1, 1 << 6
	link := u32(38)>>16&0o170000 == 0o120000 && b[5] == 3 // made on Unix, a symbolic link
	switch {
	case u16(8)&(encrypted|strong) != 0:
		return e, n, zipFault("an entry is encrypted")
	case e.method != 0 && e.method != 8, e.method == 0 && e.packed != e.size, e.size == 0xffffffff, e.header == 0xffffffff:
		return e, n, zipFault("an entry is packed in a way that is not read here")
	case link, !plainName(e.name):
		return e, n, zipFault("an entry has a name that leads elsewhere")
	}
	return e, n, nil
}

// plainName tells whether a name is a path below, in normal text.
func plainName(s string) bool {
	if s == "" || len(s) > 255 || !utf8.ValidString(s) || !exchange.Normal(s) || strings.ContainsAny(s, "\\:\n\t\x00") || strings.HasPrefix(s, "/") {
		return false
	}
	return !slices.Contains(strings.Split(s, "/"), "..")
}

// matchLocal holds an entry against its local header and gives where its bytes begin.
func matchLocal(f io.ReaderAt, e entry, directory int64) (int64, error) {
	h := make([]byte, localSize+len(e.name))
	if e.header+int64(len(h)) > directory {
		return 0, zipFault("an entry begins behind the files")
	}
	if n, err := f.ReadAt(h, e.header); n < len(h) {
		return 0, fmt.Errorf("read entry: %w", err)
	}
	u16 := func(at int) int64 { return int64(binary.LittleEndian.Uint16(h[at:])) }
	u32 := func(at int) int64 { return int64(binary.LittleEndian.Uint32(h[at:])) }
	data := e.header + localSize + u16(26) + u16(28)
	later := u16(6)&8 != 0 // sizes follow the bytes
	switch {
	case string(h[:4]) != "PK\x03\x04", int(u16(26)) != len(e.name), string(h[localSize:]) != e.name, uint16(u16(8)) != e.method, u16(6)&1 != 0:
		return 0, zipFault("an entry says another thing in its own header")
	case !later && (u32(18) != e.packed || u32(22) != e.size) && u32(18) != 0xffffffff:
		return 0, zipFault("an entry has other sizes in its own header")
	case data+e.packed > directory:
		return 0, zipFault("an entry ends behind the files")
	}
	return data, nil
}

// apart refuses entries that share bytes, or a name, or leave room between them in which something could hide.
func (d *directory) apart(end int64) error {
	seen := map[string]bool{}
	order := slices.Clone(d.entries)
	slices.SortFunc(order, func(a, b entry) int { return int(a.header - b.header) })
	const between = 24 // a data descriptor with its signature, in the long form
	at := int64(0)
	for _, e := range order {
		name := strings.ToLower(e.name)
		switch {
		case seen[name]:
			return zipFault("two entries have one name")
		case e.header < at:
			return zipFault("entries overlap")
		case e.header > at+between, e.header > at && at == 0:
			return zipFault("bytes belong to no entry")
		}
		seen[name], at = true, e.data+e.packed
	}
	if end > at+between {
		return zipFault("bytes belong to no entry")
	}
	return nil
}

// open unpacks an entry within the budget of the whole.
func (d *directory) open(f io.ReaderAt, e entry) ([]byte, error) {
	if e.size > d.left {
		return nil, zipFault("it unpacks to too much")
	}
	d.left -= e.size
	var r io.Reader = io.NewSectionReader(f, e.data, e.packed)
	if e.method == 8 {
		r = flate.NewReader(r)
	}
	var b bytes.Buffer
	n, err := io.Copy(&b, io.LimitReader(r, e.size+1)) // grows with what comes, not with what is said
	if err != nil || n != e.size || crc32.ChecksumIEEE(b.Bytes()) != e.crc {
		return nil, zipFault("an entry is damaged, or has another size than it says")
	}
	return b.Bytes(), nil
}
