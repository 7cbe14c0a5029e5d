package channels

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
)

// Bare makes a file's bytes those of the picture alone: what a camera writes beside it (Exif with the place where it
// was taken, XMP, IPTC, comments, a film behind the picture) never reaches the store. It works on JPEG, PNG and WebP by
// content, whatever the file is called, and streams; of Exif only which way is up stays. A picture that breaks off or
// is not built as its standard says ends where that shows. Any other file passes unchanged.
func Bare(f File) File {
	open := f.Open
	if open == nil {
		return f
	}
	f.Open = func(ctx context.Context) (io.ReadCloser, error) {
		r, err := open(ctx)
		if err != nil {
			return nil, err
		}
		return struct {
			io.Reader
			io.Closer
		}{bare(r), r}, nil
	}
	return f
}

// bareBuffer is how much of a picture is in memory at a time, in bytes; a segment of a JPEG has 64 KiB at most.
const bareBuffer = 64 << 10

// barer reads a picture step by step; each step fills out.
type barer struct {
	in     *bufio.Reader
	out    bytes.Buffer
	step   func() error
	marker byte // of a JPEG, read ahead
	left   int64
}

// bare chooses by the first bytes.
func bare(r io.Reader) io.Reader {
	b := &barer{in: bufio.NewReaderSize(r, bareBuffer)}
	head, _ := b.in.Peek(12) // a shorter file is none of them
	switch {
	case bytes.HasPrefix(head, []byte("\xff\xd8\xff")):
		b.step = b.jpegHead
	case bytes.HasPrefix(head, []byte(pngHead)):
		b.step = b.pngStart
	case len(head) == 12 && string(head[:4]) == "RIFF" && string(head[8:]) == "WEBP":
		b.step = b.webpHead
	default:
		return b.in
	}
	return b
}

// Read gives what the steps let through. io.EOF in the middle of a picture ends it there.
func (b *barer) Read(p []byte) (int, error) {
	for b.out.Len() == 0 {
		if b.step == nil {
			return 0, io.EOF
		}
		if err := b.step(); err != nil {
			b.step = nil
			if b.out.Len() == 0 && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
				return 0, err
			}
		}
	}
	return b.out.Read(p)
}

func (b *barer) jpegHead() error {
	_, err := io.CopyN(&b.out, b.in, 2)
	b.step = b.jpegSegment
	return err
}

// Markers of a JPEG (ITU-T T.81 table B.1).
const (
	jpegEnd     = 0xd9
	jpegScan    = 0xda
	jpegRestart = 0xd0 // to 0xd7
	jpegApp     = 0xe0 // to 0xef
	jpegExif    = 0xe1
	jpegComment = 0xfe
)

// jpegSegment passes on one segment, or leaves it out.
func (b *barer) jpegSegment() error {
	m, err := b.jpegMarker()
	if err != nil {
		return err
	}
	if m == jpegEnd {
		b.out.Write([]byte{0xff, m})
		b.step = nil
		return nil
	}
	var size [2]byte
	if _, err := io.ReadFull(b.in, size[:]); err != nil {
		return err
	}
	n := int(binary.BigEndian.Uint16(size[:])) - 2
	if n < 0 {
		return io.ErrUnexpectedEOF
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(b.in, body); err != nil {
		return err
	}
	if m == jpegExif {
		body = upright(body)
		binary.BigEndian.PutUint16(size[:], uint16(len(body)+2))
	}
	if jpegKept(m, body) {
		b.out.Write([]byte{0xff, m})
		b.out.Write(size[:])
		b.out.Write(body)
	}
	if m == jpegScan {
		b.step = b.jpegData
	}
	return nil
}

// jpegMarker reads a marker and the fill bytes before it; one that was read ahead comes first.
func (b *barer) jpegMarker() (byte, error) {
	m := b.marker
	b.marker = 0
	if m != 0 {
		return m, nil
	}
	if first, err := b.in.ReadByte(); err != nil || first != 0xff {
		return 0, errors.Join(err, io.ErrUnexpectedEOF)
	}
	for {
		m, err := b.in.ReadByte()
		if err != nil || m == 0 {
			return 0, errors.Join(err, io.ErrUnexpectedEOF)
		}
		if m != 0xff {
			return m, nil
		}
	}
}

// jpegKept keeps what the picture needs: no comment, and of what programs add only JFIF, colour and which way is up.
func jpegKept(m byte, body []byte) bool {
	switch {
	case m == jpegComment:
		return false
	case m == jpegExif:
		return len(body) > 0
	case m == jpegApp+2:
		return bytes.HasPrefix(body, []byte("ICC_PROFILE\x00"))
	case m == jpegApp || m == jpegApp+14:
		return bytes.HasPrefix(body, []byte("JFIF\x00")) || bytes.HasPrefix(body, []byte("Adobe"))
	}
	return m < jpegApp || m > jpegApp+15
}

// jpegData passes on the picture itself up to the next marker that is no restart (T.81 §B.1.1.5).
func (b *barer) jpegData() error {
	data, err := b.in.ReadSlice(0xff)
	if errors.Is(err, bufio.ErrBufferFull) {
		b.out.Write(data)
		return nil
	}
	if err != nil {
		b.out.Write(data)
		return err
	}
	b.out.Write(data[:len(data)-1])
	next, err := b.in.ReadByte()
	for err == nil && next == 0xff { // fill bytes
		next, err = b.in.ReadByte()
	}
	switch {
	case err != nil:
		return err
	case next == 0 || next >= jpegRestart && next < jpegRestart+8:
		b.out.Write([]byte{0xff, next})
	default:
		b.marker, b.step = next, b.jpegSegment
	}
	return nil
}

// upright makes an Exif segment that says nothing but which way is up (TIFF 6.0 §2, tag 0x0112); nothing of one that
// does not say it.
func upright(body []byte) []byte {
	const lead = "Exif\x00\x00"
	if !bytes.HasPrefix(body, []byte(lead)) || len(body) < len(lead)+8 {
		return nil
	}
	tiff := body[len(lead):]
	var order binary.ByteOrder = binary.LittleEndian
	if tiff[0] == 'M' {
		order = binary.BigEndian
	}
	at := int64(order.Uint32(tiff[4:]))
	if at+2 > int64(len(tiff)) {
		return nil
	}
	for i := range int64(order.Uint16(tiff[at:])) {
		e := at + 2 + 12*i
		if e+12 > int64(len(tiff)) {
			return nil
		}
		if way := order.Uint16(tiff[e+8:]); order.Uint16(tiff[e:]) == 0x0112 && way >= 1 && way <= 8 {
			return append([]byte(lead+"MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00"), byte(way), 0, 0, 0, 0, 0, 0)
		}
	}
	return nil
}

const pngHead = "\x89PNG\r\n\x1a\n"

func (b *barer) pngStart() error {
	_, err := io.CopyN(&b.out, b.in, int64(len(pngHead)))
	b.step = b.pngChunk
	return err
}

// pngChunk passes on one chunk, or leaves out one that describes (PNG third edition §11.3.3, §11.3.4). Nothing follows
// the last.
func (b *barer) pngChunk() error {
	var head [8]byte
	if _, err := io.ReadFull(b.in, head[:]); err != nil {
		return err
	}
	n := int64(binary.BigEndian.Uint32(head[:])) + 4
	kind := string(head[4:])
	switch kind {
	case "eXIf", "tEXt", "zTXt", "iTXt", "tIME":
		_, err := io.CopyN(io.Discard, b.in, n)
		return err
	}
	b.out.Write(head[:])
	b.left = n
	after := b.pngChunk
	if kind == "IEND" {
		after = nil
	}
	b.step = b.copyLeft(after, false)
	return nil
}

// copyLeft passes on, or blanks, what is left of a chunk piece by piece and goes on with after.
func (b *barer) copyLeft(after func() error, blank bool) func() error {
	return func() error {
		n, err := io.CopyN(&b.out, b.in, min(b.left, bareBuffer))
		if blank {
			clear(b.out.Bytes()[b.out.Len()-int(n):])
		}
		if b.left -= n; b.left == 0 {
			b.step = after
		}
		return err
	}
}

func (b *barer) webpHead() error {
	_, err := io.CopyN(&b.out, b.in, 12)
	b.left = int64(binary.LittleEndian.Uint32(b.out.Bytes()[4:])) - 4
	b.step = b.webpChunks(b.left)
	return err
}

// webpChunks reads the chunks of a RIFF file of a stated size: those that describe are blanked in their place under
// another name, because the size stands in front (RFC 9649 §2.3, §2.7).
func (b *barer) webpChunks(left int64) func() error {
	return func() error {
		if left < 8 {
			b.step = nil
			return nil
		}
		var head [8]byte
		if _, err := io.ReadFull(b.in, head[:]); err != nil {
			return err
		}
		n := int64(binary.LittleEndian.Uint32(head[4:]))
		n += n & 1
		rest := left - 8 - n
		if rest < 0 {
			return io.ErrUnexpectedEOF
		}
		blank := string(head[:4]) == "EXIF" || string(head[:4]) == "XMP "
		if blank {
			copy(head[:], "JUNK")
		}
		b.out.Write(head[:])
		b.left, b.step = n, b.copyLeft(b.webpChunks(rest), blank)
		if string(head[:4]) == "VP8X" && n >= 1 {
			flags, err := b.in.ReadByte()
			if err != nil {
				return err
			}
			b.out.WriteByte(flags &^ (1<<3 | 1<<2)) // no Exif, no XMP
			b.left--
		}
		if b.left == 0 {
			b.step = b.webpChunks(rest)
		}
		return nil
	}
}
