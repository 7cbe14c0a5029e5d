package media

import (
	"bufio"
	"bytes"
	"compress/zlib"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"strconv"
	"strings"

	"gatehouse/exchange"
)

// PageSide is the longer side of a drawn page in pixels: an A4 page at 150 dots an inch.
const PageSide = 1754

// page is one picture of a PDF that is built here.
type page struct {
	w, h  int
	coder string // DCTDecode, or FlateDecode
	space string // DeviceRGB or DeviceGray
	bits  int
	data  []byte
}

// levels are the ways to draw pages, the best first. All pages of a document are of one level: the best whose pages
// all have room.
func levels() []func(image.Image) (page, error) {
	photo := func(quality, side int, colour bool) func(image.Image) (page, error) {
		return func(img image.Image) (page, error) {
			size := img.Bounds().Size()
			if long := max(size.X, size.Y); long > side {
				img = shrink(img, size.X*side/long, size.Y*side/long)
			}
			p := page{w: img.Bounds().Dx(), h: img.Bounds().Dy(), coder: "DCTDecode", space: "DeviceRGB", bits: 8}
			if !colour {
				img, p.space = gray(img), "DeviceGray"
			}
			var b bytes.Buffer
			err := jpeg.Encode(&b, img, &jpeg.Options{Quality: quality})
			p.data = b.Bytes()
			return p, err
		}
	}
	return []func(image.Image) (page, error){photo(75, PageSide, true), photo(50, PageSide, false), photo(50, 1240, false), ink}
}

// ink draws a page in black and white: a page of letters takes 40 kB and can be read.
func ink(img image.Image) (page, error) {
	g := gray(img)
	w, h := g.Rect.Dx(), g.Rect.Dy()
	row := make([]byte, (w+7)/8)
	var b bytes.Buffer
	z, err := zlib.NewWriterLevel(&b, zlib.BestCompression)
	if err != nil {
		return page{}, err
	}
	for y := range h {
		clear(row)
		for x := range w {
			if g.Pix[y*g.Stride+x] >= 0xa0 {
				row[x/8] |= 0x80 >> (x % 8)
			}
		}
		if _, err := z.Write(row); err != nil {
			return page{}, err
		}
	}
	if err := z.Close(); err != nil {
		return page{}, err
	}
	return page{w: w, h: h, coder: "FlateDecode", space: "DeviceGray", bits: 1, data: b.Bytes()}, nil
}

// Assemble builds a PDF from drawn pages, which come as binary portable pixmaps one after the other, and writes it to
// out.
func Assemble(r io.Reader, t Task, out io.Writer) Answer {
	in := bufio.NewReaderSize(r, 64<<10)
	ways := levels()
	drawn, sums := make([][]page, len(ways)), make([]int64, len(ways))
	for n := 0; ; n++ {
		img, err := readPixmap(in)
		if errors.Is(err, io.EOF) && n > 0 {
			break
		}
		if err != nil {
			return Answer{Reason: exchange.ReasonFileKind, Check: "pages"}
		}
		if n >= t.Policy.MaxPages || !drawAll(img, ways, drawn, sums, t.Room) {
			return Answer{Reason: exchange.ReasonPages, Check: "pages"}
		}
	}
	for _, pages := range drawn {
		if pages == nil {
			continue
		}
		if b := writePDF(pages); int64(len(b)) <= t.Room {
			if _, err := out.Write(b); err != nil {
				return Answer{Reason: exchange.ReasonFailed, Check: "pages"}
			}
			return Answer{Check: "pages", Rebuilt: true}
		}
	}
	return Answer{Reason: exchange.ReasonPages, Check: "pages"}
}

// drawAll adds one page at each level that still has room; false: none has.
func drawAll(img image.Image, ways []func(image.Image) (page, error), drawn [][]page, sums []int64, room int64) bool {
	left := false
	for i, way := range ways {
		if sums[i] > room {
			continue
		}
		p, err := way(img)
		if sums[i] += int64(len(p.data)) + 600; err != nil || sums[i] > room {
			sums[i], drawn[i] = room+1, nil
			continue
		}
		drawn[i], left = append(drawn[i], p), true
	}
	return left
}

// readPixmap reads one picture of the kind P6 (netpbm's ppm); io.EOF: none follows.
func readPixmap(r *bufio.Reader) (image.Image, error) {
	if _, err := r.Peek(1); err != nil {
		return nil, io.EOF
	}
	head, err := header(r, 2)
	size := strings.Fields(string(head))
	if err != nil || len(size) != 4 || size[0] != "P6" || size[3] != "255" {
		return nil, errors.New("not a pixmap")
	}
	w, errW := strconv.Atoi(size[1])
	h, errH := strconv.Atoi(size[2])
	if errW != nil || errH != nil || w < 1 || h < 1 || w > 2*PageSide || h > 2*PageSide {
		return nil, errors.New("not a pixmap of a page")
	}
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	row := make([]byte, 3*w)
	for y := range h {
		if _, err := io.ReadFull(r, row); err != nil {
			return nil, errors.New("the pixmap is cut")
		}
		for x := range w {
			p := img.Pix[y*img.Stride+4*x:]
			p[0], p[1], p[2], p[3] = row[3*x], row[3*x+1], row[3*x+2], 0xff
		}
	}
	return img, nil
}

// header reads a header of n+1 lines, at most 64 bytes.
func header(r *bufio.Reader, n int) ([]byte, error) {
	var b []byte
	for len(b) < 64 {
		c, err := r.ReadByte()
		if err != nil {
			return nil, fmt.Errorf("read header: %w", err)
		}
		b = append(b, c)
		if c == '\n' {
			if n--; n < 0 {
				return b, nil
			}
		}
	}
	return nil, errors.New("the header is too long")
}

// writePDF writes pages that are one picture each (ISO 32000-2). The same pages give the same bytes.
func writePDF(pages []page) []byte {
	var b bytes.Buffer
	var at []int
	object := func(format string, a ...any) {
		at = append(at, b.Len())
		fmt.Fprintf(&b, "%d 0 obj\n", len(at))
		fmt.Fprintf(&b, format, a...)
		b.WriteString("\nendobj\n")
	}
	b.WriteString("%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
	object("<</Type/Catalog/Pages 2 0 R>>")
	kids := ""
	for i := range pages {
		kids += fmt.Sprintf("%d 0 R ", 3+3*i)
	}
	object("<</Type/Pages/Count %d/Kids[%s]>>", len(pages), kids)
	for i, p := range pages {
		// In points, the longer side that of A4 or what it is less.
		w, h := p.w*842/max(p.w, p.h), p.h*842/max(p.w, p.h)
		object("<</Type/Page/Parent 2 0 R/MediaBox[0 0 %d %d]/Resources<</XObject<</I %d 0 R>>>>/Contents %d 0 R>>", w, h, 5+3*i, 4+3*i)
		draw := fmt.Sprintf("q %d 0 0 %d 0 0 cm /I Do Q", w, h)
		object("<</Length %d>>stream\n%s\nendstream", len(draw), draw)
		object("<</Type/XObject/Subtype/Image/Width %d/Height %d/ColorSpace/%s/BitsPerComponent %d/Filter/%s/Length %d>>stream\n%s\nendstream",
			p.w, p.h, p.space, p.bits, p.coder, len(p.data), p.data)
	}
	start := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(at)+1)
	for _, n := range at {
		fmt.Fprintf(&b, "%010d 00000 n \n", n)
	}
	fmt.Fprintf(&b, "trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n", len(at)+1, start)
	return b.Bytes()
}

// readPDF reads what writePDF wrote, and nothing else: read again, it would be written as the same bytes.
func readPDF(b []byte) ([]page, error) {
	var pages []page
	rest := b
	for {
		i := bytes.Index(rest, []byte("<</Type/XObject/Subtype/Image/Width "))
		if i < 0 {
			break
		}
		rest = rest[i:]
		end := bytes.IndexByte(rest, '\n')
		if end < 0 || end > 256 {
			return nil, errors.New("a picture of a page is not in the form that is written")
		}
		var p page
		var n int
		line := strings.NewReader(strings.NewReplacer("/", " /", ">>", " >>").Replace(string(rest[:end])))
		_, err := fmt.Fscanf(line, "<< /Type /XObject /Subtype /Image /Width %d /Height %d /ColorSpace /%s /BitsPerComponent %d /Filter /%s /Length %d >>stream",
			&p.w, &p.h, &p.space, &p.bits, &p.coder, &n)
		if err != nil || n < 0 || end+1+n > len(rest) || p.w < 1 || p.h < 1 || len(pages) > 1000 {
			return nil, errors.New("a picture of a page is not in the form that is written")
		}
		p.data = rest[end+1 : end+1+n]
		pages, rest = append(pages, p), rest[end+1+n:]
	}
	if len(pages) == 0 || !bytes.Equal(writePDF(pages), b) {
		return nil, errors.New("the pages are not in the form that is written")
	}
	return pages, nil
}

// Sample is a PDF of one white page, for a worker to show that it works.
func Sample() []byte {
	white := image.NewRGBA(image.Rect(0, 0, 16, 16))
	for i := range white.Pix {
		white.Pix[i] = 0xff
	}
	p, err := ink(white)
	if err != nil {
		return nil
	}
	return writePDF([]page{p})
}
