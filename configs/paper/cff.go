package paper

import (
	"crypto/sha256"
	"encoding/binary"
	"math"

	"github.com/go-text/typesetting/font/opentype"
)

// A page font is written here as a CFF program (Adobe Technical Note 5176) with a CID for each cluster of letters that
// the document shows, drawn by Type 2 charstrings (Note 5177) of four operators: move, line, curve, end. No table,
// hint or subroutine of the font file goes along; what can't be drawn so can't be hidden there either.

// em is the grid of a page font: a thousand units, which is what PDF counts widths in.
const em = 1000

// glyph is one drawing of a page font.
type glyph struct {
	width int // in em units
	path  []opentype.Segment
	text  string // what it says, for reading aloud and copying
}

// pageFont is a font being made: glyphs by CID; 0 is the empty one that every font has.
type pageFont struct {
	glyphs []glyph
	known  map[string]int // CID by what makes up the glyph
}

func newPageFont() *pageFont {
	return &pageFont{glyphs: []glyph{{width: em}}, known: map[string]int{}}
}

// cid gives the number of the glyph called key, which draw makes when it is new.
func (f *pageFont) cid(key string, draw func() glyph) int {
	n, ok := f.known[key]
	if !ok {
		n = len(f.glyphs)
		f.glyphs = append(f.glyphs, draw())
		f.known[key] = n
	}
	return n
}

// tag is the prefix of a subset's name, six letters (ISO 32000-1 §9.6.4), made from what the font holds.
func (f *pageFont) tag(program []byte) string {
	sum := sha256.Sum256(program)
	var tag [6]byte
	for i := range tag {
		tag[i] = 'A' + sum[i]%26
	}
	return string(tag[:])
}

// Operators of the Top DICT (Note 5176, tables 9 and 10) that a CID font needs.
const (
	opBBox        = 5
	opCharset     = 15
	opCharStrings = 17
	opPrivate     = 18
	opNominal     = 21
	opROS         = 12<<8 | 30
	opCIDCount    = 12<<8 | 34
	opFDArray     = 12<<8 | 36
	opFDSelect    = 12<<8 | 37
)

// firstString is the number of the first string of a font's own (Note 5176, appendix A).
const firstString = 391

// program gives the font as CFF.
func (f *pageFont) program(name string) []byte {
	n := len(f.glyphs)
	var chars [][]byte
	for _, g := range f.glyphs {
		chars = append(chars, charstring(g))
	}
	before := [][]byte{
		{1, 0, 4, 4}, // version 1.0, header of 4 bytes, offsets of 4
		index([][]byte{[]byte(name)}),
		nil, // the Top DICT, whose length does not depend on the offsets in it
		index([][]byte{[]byte("Adobe"), []byte("Identity")}),
		index(nil), // no global subroutines
	}
	charset := binary.BigEndian.AppendUint16([]byte{2, 0, 1}, uint16(max(n-2, 0))) // format 2: CID 1 and those after it
	selects := binary.BigEndian.AppendUint16([]byte{3, 0, 1, 0, 0, 0}, uint16(n))  // format 3: all by the one Font DICT
	private := dict(entry{opNominal, []int{0}})
	after := [][]byte{charset, selects, index(chars), private, nil}
	top := func(at []int) []byte {
		return index([][]byte{dict(
			entry{opROS, []int{firstString, firstString + 1, 0}}, entry{opBBox, f.box()}, entry{opCIDCount, []int{n}},
			entry{opCharset, at[0:1]}, entry{opFDSelect, at[1:2]}, entry{opCharStrings, at[2:3]}, entry{opFDArray, at[4:5]})})
	}
	before[2] = top(make([]int, len(after)))
	at, offset := make([]int, len(after)), len(join(before))
	for i, part := range after {
		at[i] = offset
		offset += len(part)
	}
	before[2] = top(at)
	after[4] = index([][]byte{dict(entry{opPrivate, []int{len(private), at[3]}})})
	return append(join(before), join(after)...)
}

// box is the box around all glyphs.
func (f *pageFont) box() []int {
	var b []int
	for _, g := range f.glyphs {
		for _, s := range g.path {
			for _, a := range s.ArgsSlice() {
				x, y := grid(a.X), grid(a.Y)
				if b == nil {
					b = []int{x, y, x, y}
				}
				b = []int{min(b[0], x), min(b[1], y), max(b[2], x), max(b[3], y)}
			}
		}
	}
	if b == nil {
		return []int{0, 0, 0, 0}
	}
	return b
}

func join(parts [][]byte) []byte {
	var all []byte
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

// index is an INDEX with offsets of 4 bytes (Note 5176 §5).
func index(items [][]byte) []byte {
	b := binary.BigEndian.AppendUint16(nil, uint16(len(items)))
	if len(items) == 0 {
		return b
	}
	b = append(b, 4)
	at := uint32(1)
	for _, item := range items {
		b = binary.BigEndian.AppendUint32(b, at)
		at += uint32(len(item))
	}
	b = binary.BigEndian.AppendUint32(b, at)
	return append(b, join(items)...)
}

type entry struct {
	op   int
	args []int
}

// dict writes a DICT; every number takes five bytes, so that its length is known before the offsets are.
func dict(entries ...entry) []byte {
	var b []byte
	for _, e := range entries {
		for _, a := range e.args {
			b = binary.BigEndian.AppendUint32(append(b, 29), uint32(int32(a)))
		}
		if e.op > 255 {
			b = append(b, byte(e.op>>8))
		}
		b = append(b, byte(e.op))
	}
	return b
}

// Operators of a charstring (Note 5177).
const (
	opLine    = 5
	opCurve   = 8
	opEndChar = 14
	opMove    = 21
)

// maxStack is how many numbers may stand before an operator (Note 5177, appendix B).
const maxStack = 48

// pen writes one charstring. Points are rounded to the grid before they are made relative, so that no error adds up.
type pen struct {
	b    []byte
	x, y int
	op   byte // of the numbers that wait
	args []int
}

func charstring(g glyph) []byte {
	p := &pen{args: []int{g.width}} // the width stands before the first operator; the nominal one is 0
	for _, s := range g.path {
		a := s.ArgsSlice()
		switch s.Op {
		case opentype.SegmentOpMoveTo:
			p.flush()
			p.draw(opMove, a[0])
			p.flush()
		case opentype.SegmentOpLineTo:
			p.draw(opLine, a[0])
		case opentype.SegmentOpQuadTo: // the same curve as a cubic one
			from := opentype.SegmentPoint{X: float32(p.x), Y: float32(p.y)}
			p.draw(opCurve, toward(from, a[0]), toward(a[1], a[0]), a[1])
		case opentype.SegmentOpCubeTo:
			p.draw(opCurve, a...)
		}
	}
	p.flush()
	p.op = opEndChar
	p.flush()
	return p.b
}

// toward goes two thirds of the way from a to b.
func toward(a, b opentype.SegmentPoint) opentype.SegmentPoint {
	return opentype.SegmentPoint{X: a.X + (b.X-a.X)*2/3, Y: a.Y + (b.Y-a.Y)*2/3}
}

func grid(v float32) int { return int(math.Round(float64(v))) }

func (p *pen) draw(op byte, points ...opentype.SegmentPoint) {
	if p.op != 0 && (p.op != op || len(p.args)+2*len(points) > maxStack) {
		p.flush()
	}
	p.op = op
	for _, to := range points {
		x, y := grid(to.X), grid(to.Y)
		p.args = append(p.args, x-p.x, y-p.y)
		p.x, p.y = x, y
	}
}

func (p *pen) flush() {
	if p.op == 0 {
		return
	}
	for _, a := range p.args {
		p.b = appendNumber(p.b, a)
	}
	p.b = append(p.b, p.op)
	p.op, p.args = 0, p.args[:0]
}

// appendNumber writes an integer of a charstring (Note 5177 §3.2).
func appendNumber(b []byte, v int) []byte {
	switch {
	case -107 <= v && v <= 107:
		return append(b, byte(v+139))
	case 108 <= v && v <= 1131:
		return append(b, byte((v-108)>>8+247), byte(v-108))
	case -1131 <= v && v <= -108:
		return append(b, byte((-v-108)>>8+251), byte(-v-108))
	}
	return binary.BigEndian.AppendUint16(append(b, 28), uint16(int16(v)))
}
