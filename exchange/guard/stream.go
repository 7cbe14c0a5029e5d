package guard

import (
	"bytes"
	"compress/zlib"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// streams are the five kinds of streams of a document, by the name that refers to them, and how each is read.
func streams() map[string]func([]byte) error {
	return map[string]func([]byte) error{
		"Contents": readContent, "ToUnicode": readLetters, "FontFile3": readFont, "DestOutputProfile": readProfile, "Metadata": readMetadata,
	}
}

// inflate gives a stream's bytes within what is left of the budget. Nothing may stand behind the compressed data.
func inflate(o object, left *int64) ([]byte, error) {
	if o.value.dict["Filter"].name == "" {
		return o.stream, nil
	}
	in := bytes.NewReader(o.stream)
	z, err := zlib.NewReader(in)
	if err != nil {
		return nil, notPaper("a stream is not compressed as it says")
	}
	b, err := io.ReadAll(io.LimitReader(z, *left+1))
	if *left -= int64(len(b)); err != nil || *left < 0 || in.Len() > 0 {
		return nil, notPaper("a stream is damaged, too large, or has something behind it")
	}
	return b, nil
}

// tokens reads a stream whose words may must know, where they are neither numbers nor strings.
func tokens(b []byte, may func(word string) bool) error {
	return pieces(b, func(piece string) error {
		if !hexString(piece) && !decimal(piece) && !may(piece) {
			return notPaper("a word that we do not write")
		}
		return nil
	})
}

// pieces cuts a stream into its words, brackets and strings.
func pieces(b []byte, each func(piece string) error) error {
	for _, word := range strings.FieldsFunc(string(b), func(r rune) bool { return r == ' ' || r == '\n' }) {
		for word != "" { // brackets and strings may stand together
			n := strings.IndexAny(word[1:], "[]<>/") + 1
			if strings.HasPrefix(word, "<<") || strings.HasPrefix(word, ">>") {
				n = 2
			} else if word[0] == '<' {
				n = strings.IndexByte(word, '>') + 1
			}
			if n <= 0 {
				n = len(word)
			}
			if err := each(word[:n]); err != nil {
				return err
			}
			word = word[n:]
		}
	}
	return nil
}

func hexString(s string) bool {
	in, ok := strings.CutPrefix(s, "<")
	in, end := strings.CutSuffix(in, ">")
	return ok && end && len(in)%2 == 0 && strings.Trim(in, digits+"ABCDEF") == ""
}

func oneOf(list string) func(string) bool {
	return func(word string) bool { return strings.Contains(list, " "+word+" ") }
}

// readContent reads what stands on a page: text in our two fonts, marks, thin lines, shades of grey.
func readContent(b []byte) error {
	return tokens(b, oneOf(" /Artifact /H1 /H2 /P /TH /TD /MCID /F1 /F2 << >> [ ] BMC BDC EMC BT ET Tf Tm TJ g G w m l S "))
}

// readLetters reads which letters the glyphs of a font stand for.
func readLetters(b []byte) error {
	return tokens(b, oneOf(" /CIDInit /ProcSet findresource begin dict begincmap /CIDSystemInfo << >> /Registry /Ordering /Supplement def /CMapName "+
		"/Adobe-Identity-UCS /CMapType begincodespacerange endcodespacerange beginbfchar endbfchar endcmap CMapName currentdict /CMap "+
		"defineresource pop end "))
}

// profileDigest is the SHA-256 of the one colour profile that our writer has.
const profileDigest = "5d58af24ec5086cec04f13633317a1434ee1710d5c5c9a293531f4ca4d9a5945"

func readProfile(b []byte) error {
	if sum := sha256.Sum256(b); hex.EncodeToString(sum[:]) != profileDigest {
		return notPaper("another colour profile")
	}
	return nil
}

// readMetadata reads the packet: elements that our writer has, and normal text.
func readMetadata(b []byte) error {
	const elements = " xmpmeta RDF Description part conformance format title Alt li creator Seq language Bag Producer CreatorTool CreateDate ModifyDate MetadataDate "
	if !utf8.Valid(b) || bytes.Contains(b, []byte("<!")) {
		return notPaper("metadata with a declaration, or no text")
	}
	d := xml.NewDecoder(bytes.NewReader(b))
	for {
		t, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return notPaper("metadata is no XML")
		}
		switch t := t.(type) {
		case xml.StartElement:
			if !strings.Contains(elements, " "+t.Name.Local+" ") {
				return notPaper("an element that we do not write")
			}
		case xml.ProcInst:
			if t.Target != "xpacket" {
				return notPaper("an instruction that we do not write")
			}
		case xml.CharData:
			if !plainText(t) {
				return notPaper("metadata with control characters")
			}
		}
	}
}

// plainText tells whether b is UTF-8 without control characters but for breaks.
func plainText(b []byte) bool {
	return utf8.Valid(b) && !bytes.ContainsFunc(b, func(r rune) bool { return unicode.IsControl(r) && r != '\t' && r != '\n' && r != '\r' && r != '\f' })
}

// readFont reads a font program (Adobe Technical Note 5176) part by part to its end: a name, the fixed tables of a font
// whose glyphs have numbers only, and drawings of lines and curves. There are no subroutines, hints or other tables.
func readFont(b []byte) error {
	s := &scan{b: b}
	if !s.take("\x01\x00\x04\x04") {
		return notPaper("not our font")
	}
	name, err := s.index(1)
	if err != nil || len(name) != 1 || !fontName(string(name[0])) {
		return notPaper("a font has another name")
	}
	dict, err := s.index(1)
	if err != nil || len(dict) != 1 || len(dict[0]) != fontDict {
		return notPaper("a font says more of itself than it must")
	}
	if !s.take("\x00\x02\x04\x00\x00\x00\x01\x00\x00\x00\x06\x00\x00\x00\x0eAdobeIdentity") || !s.take("\x00\x00") {
		return notPaper("a font has other strings, or subroutines")
	}
	if !s.skip(5) || !s.skip(8) { // which glyph has which number, and which dictionary: fixed by their count
		return notPaper("a font ends early")
	}
	drawings, err := s.index(1 << 16)
	if err != nil {
		return err
	}
	for _, d := range drawings {
		if !drawing(d) {
			return notPaper("a glyph is more than lines and curves")
		}
	}
	if !s.take("\x1d\x00\x00\x00\x00\x15") {
		return notPaper("a font has hints")
	}
	if last, err := s.index(1); err != nil || len(last) != 1 || len(last[0]) != 11 || s.pos != len(b) {
		return notPaper("a font goes on after its end")
	}
	return nil
}

// fontDict is the length of our Top DICT: 3+4+1+1+1+1+1 numbers of five bytes, and their operators.
const fontDict = 12*5 + 4*2 + 3

func (s *scan) skip(n int) bool {
	if len(s.b)-s.pos < n {
		return false
	}
	s.pos += n
	return true
}

// index reads an INDEX with offsets of four bytes that holds at most most items.
func (s *scan) index(most int) (items [][]byte, err error) {
	if len(s.b)-s.pos < 3 {
		return nil, notPaper("a font ends early")
	}
	n := int(binary.BigEndian.Uint16(s.b[s.pos:]))
	if n == 0 || n > most || s.b[s.pos+2] != 4 {
		return nil, notPaper("a font has an index that we do not write")
	}
	offsets := s.pos + 3
	data := offsets + 4*(n+1) - 1 // offsets count from 1
	if data >= len(s.b) {
		return nil, notPaper("a font ends early")
	}
	last := uint32(1)
	for i := range n + 1 {
		at := binary.BigEndian.Uint32(s.b[offsets+4*i:])
		if at < last || i == 0 && at != 1 || int64(data)+int64(at) > int64(len(s.b)) {
			return nil, notPaper("a font has offsets out of order")
		}
		if i > 0 {
			items = append(items, s.b[data+int(last):data+int(at)])
		}
		last = at
	}
	s.pos = data + int(last)
	return items, nil
}

// drawing tells a charstring (Adobe Technical Note 5177) of numbers, moves, lines and curves that ends with its end.
func drawing(b []byte) bool {
	for i := 0; i < len(b); {
		switch c := b[i]; {
		case c == 14: // endchar
			return i == len(b)-1
		case c == 5 || c == 8 || c == 21 || 32 <= c && c <= 246:
			i++
		case 247 <= c && c <= 254:
			i += 2
		case c == 28:
			i += 3
		default:
			return false
		}
	}
	return false
}
