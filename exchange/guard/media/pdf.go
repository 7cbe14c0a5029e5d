package media

import (
	"bytes"
	"compress/zlib"
	"io"
	"strings"

	"gatehouse/exchange"
)

// actingNames are names in a PDF (ISO 32000-2) that let it act, hold files, or hide what it holds: actions (§12.6),
// embedded files (§7.11), scripts (§12.6.4.17), XFA forms (§12.7.8), encryption (§7.6).
func actingNames() string {
	return " JavaScript JS Launch AA EmbeddedFile EmbeddedFiles Filespec RichMedia XFA SubmitForm ImportData GoToR GoToE Rendition " +
		"Movie Sound Screen 3D Trans3D NeedsRendering URIAction SetOCGState "
}

// maxStreams bounds the object streams of a PDF that are looked into.
const maxStreams = 4096

// checkPDF looks for names that act, in the file itself and in its object streams. A PDF whose policy is to be
// rebuilt goes to the renderer after that: what acts does not survive it, but is a reason to refuse all the same.
func checkPDF(f *file) (exchange.Reason, error) {
	if f.kind != kindPDF {
		return exchange.ReasonNone, nil
	}
	b, err := f.all()
	if err != nil {
		return exchange.ReasonFailed, err
	}
	end := bytes.LastIndex(b, []byte("%%EOF"))
	if end < 0 || len(bytes.Trim(b[end+5:], "\r\n \x00\t\f")) > 0 {
		return exchange.ReasonFileKind, nil // cut, or something follows its end
	}
	if reason := scanPDF(b, f.Policy); reason != exchange.ReasonNone {
		return reason, nil
	}
	f.answer = Answer{Check: "pdf", Pages: f.Policy.PDF == Rebuild}
	return exchange.ReasonNone, nil
}

// scanPDF reads all names outside streams, then those in object streams.
func scanPDF(b []byte, p Policy) exchange.Reason {
	left := min(p.MaxUnpacked, p.MaxRatio*int64(len(b))+1<<20)
	looked := 0
	for len(b) > 0 {
		at := streamStart(b)
		n := at
		if at < 0 {
			n = len(b)
		}
		s := &names{}
		s.read(b[:n])
		if s.reason != exchange.ReasonNone || at < 0 {
			return s.reason
		}
		b = b[at:]
		if s.objects {
			if looked++; looked > maxStreams {
				return exchange.ReasonSize
			}
			reason, used := scanStream(b, s.packed, left)
			if left -= used; reason != exchange.ReasonNone {
				return reason
			}
		}
		next := bytes.Index(b, []byte("endstream"))
		if next < 0 {
			return exchange.ReasonFileKind
		}
		// What looks like a stream may be a text or comment that hides objects from this reader, so long names count in
		// it too; short ones stand in packed bytes by chance, and do nothing without a long one.
		hidden := &names{least: 5}
		hidden.read(b[:next])
		if hidden.reason != exchange.ReasonNone || hidden.objects {
			return exchange.ReasonActive
		}
		b = b[next+len("endstream"):]
	}
	return exchange.ReasonNone
}

// streamStart finds the first byte of the next stream (§7.3.8.1); -1: none.
func streamStart(b []byte) int {
	for from := 0; ; {
		i := bytes.Index(b[from:], []byte("stream"))
		if i < 0 {
			return -1
		}
		at := from + i + len("stream")
		if i+from >= 3 && string(b[from+i-3:from+i]) == "end" {
			from = at
			continue
		}
		rest := b[at:]
		switch {
		case bytes.HasPrefix(rest, []byte("\r\n")):
			return at + 2
		case bytes.HasPrefix(rest, []byte("\n")), bytes.HasPrefix(rest, []byte("\r")):
			return at + 1
		}
		from = at
	}
}

// scanStream unpacks an object stream (§7.5.7) and reads its names. One that is packed in another way than Flate
// alone hides them.
func scanStream(b []byte, packed string, left int64) (exchange.Reason, int64) {
	if packed == "" {
		end := bytes.Index(b, []byte("endstream"))
		s := &names{}
		s.read(b[:max(end, 0)])
		return s.reason, 0
	}
	if packed != "FlateDecode" && packed != "Fl" {
		return exchange.ReasonActive, 0
	}
	r, err := zlib.NewReader(bytes.NewReader(b))
	if err != nil {
		return exchange.ReasonFileKind, 0
	}
	var out bytes.Buffer
	n, err := io.Copy(&out, io.LimitReader(r, left+1))
	switch {
	case n > left:
		return exchange.ReasonArchive, n // a bomb
	case err != nil:
		return exchange.ReasonFileKind, n
	}
	s := &names{}
	s.read(out.Bytes())
	return s.reason, n
}

// names reads the names in a stretch of a PDF and remembers what they say of the stream that follows.
type names struct {
	reason  exchange.Reason
	objects bool   // the stream that follows holds objects
	packed  string // how: the names after Filter, joined
	least   int    // length of the shortest name that counts
}

func (s *names) read(b []byte) {
	for i := 0; i < len(b) && s.reason == exchange.ReasonNone; i++ {
		if b[i] != '/' {
			continue
		}
		name, n := pdfName(b[i+1:])
		s.name(name, b[i+1+n:])
		i += n
	}
}

// pdfName reads a name (§7.3.5) with its #xx decoded, and gives how many bytes it took.
func pdfName(b []byte) (string, int) {
	var name []byte
	for i := 0; i < len(b); i++ {
		c := b[i]
		if c <= ' ' || strings.IndexByte("()<>[]{}/%", c) >= 0 || len(name) > 127 {
			return string(name), i
		}
		if c == '#' && i+2 < len(b) && hexDigit(b[i+1]) >= 0 && hexDigit(b[i+2]) >= 0 {
			c = byte(hexDigit(b[i+1])<<4 | hexDigit(b[i+2]))
			i += 2
		}
		name = append(name, c)
	}
	return string(name), len(b)
}

// hexDigit gives the value of a hexadecimal digit; -1: it is none.
func hexDigit(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return -1
}

func (s *names) name(name string, rest []byte) {
	if len(name) < s.least {
		return
	}
	switch name {
	case "Encrypt":
		s.reason = exchange.ReasonArchive
		return
	case "OpenAction": // a place in the document is harmless: [page …]
		if !bytes.HasPrefix(bytes.TrimLeft(rest, "\r\n \t\f\x00"), []byte("[")) {
			s.reason = exchange.ReasonActive
		}
		return
	case "Filter":
		s.packed = ""
		return
	case "ObjStm":
		s.objects = true
	}
	if strings.Contains(actingNames(), " "+name+" ") {
		s.reason = exchange.ReasonActive
		return
	}
	if strings.HasSuffix(name, "Decode") || name == "Fl" || name == "LZW" || name == "AHx" || name == "A85" || name == "RL" || name == "Crypt" {
		s.packed += name
	}
}
