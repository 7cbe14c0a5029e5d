package paper

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode/utf16"
)

// Measures of a page in points: A4 (ISO 216), with room to punch and to fold.
const (
	pageWidth  = 595.28
	pageHeight = 841.89
	side       = 62.0
	top        = 62.0
	bottom     = 74.0
	footAt     = 40.0 // of the foot's line above the edge
	textWidth  = pageWidth - 2*side
)

// Sizes in points, and the lines' distance as a share of them: Arabic and Chinese need more than Latin.
const (
	sizeOffice = 15.0
	sizeTitle  = 17.0
	sizeHead   = 12.5
	sizeText   = 10.5
	sizeSmall  = 8.5
	leading    = 1.5
)

// Shades of what is drawn: 0 is black.
const (
	ink  = 0.0
	dim  = 0.35
	rule = 0.7
)

// maxColumns bounds a table.
const maxColumns = 8

// facts are drawn in two columns; the names take this share of the width.
const nameShare = 0.32

// gap is the room between two columns.
const gap = 10.0

// sheet is a document being set: what stands on each page, and its structure.
type sheet struct {
	setter
	pages []*page
	y     float64 // of the next line's top, from the lower edge
	root  *element
}

// page is the content of one page, and the elements that its marked content belongs to, by number.
type page struct {
	bytes.Buffer
	marks []*element
}

// element is a node of the structure (ISO 32000-1 §14.8.4): what a screen reader walks.
type element struct {
	kind   string // "Document", "H1", "P", "Table" …
	scope  string // of a TH: "Row" or "Column"
	says   string // what is shown, where it is read from right to left: the glyphs stand in the order of seeing
	kids   []*element
	marks  []mark
	parent *element
	object int
}

// mark is a piece of content on a page.
type mark struct{ page, number int }

func (e *element) add(kind string) *element {
	kid := &element{kind: kind, parent: e}
	e.kids = append(e.kids, kid)
	return kid
}

func newSheet(p *Press, d Document) *sheet {
	s := &sheet{setter: setter{press: p, rtl: rightToLeft(d.Lang), lang: d.Lang}, root: &element{kind: "Document"}}
	s.fonts = [2]*pageFont{newPageFont(), newPageFont()}
	s.turn()
	return s
}

// turn begins a new page.
func (s *sheet) turn() {
	s.pages = append(s.pages, &page{})
	s.y = pageHeight - top
}

func (s *sheet) page() *page { return s.pages[len(s.pages)-1] }

// need turns the page when less than height is left.
func (s *sheet) need(height float64) {
	if s.y-height < bottom && s.y < pageHeight-top {
		s.turn()
	}
}

// style is how a text stands.
type style struct {
	size   float64
	weight weight
	shade  float64
	indent float64 // of the column, from the side where reading begins
	width  float64 // of the column
	end    bool    // lines end at the far side
}

func text(size float64, w weight, shade float64) style {
	return style{size: size, weight: w, shade: shade, width: textWidth}
}

func (t style) height() float64 { return t.size * leading }

// compose sets all blocks.
func (s *sheet) compose(d Document) error {
	if err := s.letterhead(d); err != nil {
		return err
	}
	s.space(14)
	if err := s.flow(s.root.add("H1"), d.Title, text(sizeTitle, bold, ink), 2*sizeText*leading); err != nil {
		return err
	}
	for _, b := range d.Blocks {
		if err := s.block(b); err != nil {
			return err
		}
	}
	return s.feet(d.Foot)
}

func (s *sheet) block(b Block) error {
	switch b := b.(type) {
	case Heading:
		s.space(10)
		return s.flow(s.root.add("H2"), string(b), text(sizeHead, bold, ink), 2*sizeText*leading)
	case Paragraph:
		for _, par := range strings.Split(string(b), "\n") {
			s.space(5)
			if err := s.flow(s.root.add("P"), par, text(sizeText, regular, ink), 0); err != nil {
				return err
			}
		}
	case Facts:
		s.space(6)
		return s.facts(b)
	case Table:
		s.space(6)
		return s.table(b)
	case Signature:
		return s.signature(b)
	}
	return nil
}

func (s *sheet) space(points float64) { s.y -= points }

func (s *sheet) letterhead(d Document) error {
	if err := s.flow(s.root.add("P"), d.Office, text(sizeOffice, bold, ink), 0); err != nil {
		return err
	}
	for _, l := range d.Lines {
		if err := s.flow(s.root.add("P"), l, text(sizeSmall, regular, dim), 0); err != nil {
			return err
		}
	}
	s.space(6)
	s.line(s.y)
	s.space(4)
	return nil
}

// flow sets a text line by line over pages; keep is the room that must follow its first lines on the page.
func (s *sheet) flow(e *element, words string, t style, keep float64) error {
	ls, err := s.lines(words, t.weight, t.width*em/t.size)
	if err != nil {
		return err
	}
	s.say(e, words)
	for _, l := range ls {
		s.need(t.height() + keep)
		s.draw(e, l, t, s.y)
		s.y -= t.height()
	}
	return nil
}

// say keeps the words of an element beside its glyphs in a document that is read from right to left.
func (s *sheet) say(e *element, words string) {
	if s.rtl {
		e.says = words
	}
}

func (s *sheet) signature(lines []string) error {
	s.space(16)
	s.need(float64(len(lines)+1) * sizeText * leading)
	s.line(s.y)
	s.space(4)
	for _, l := range lines {
		if err := s.flow(s.root.add("P"), l, text(sizeSmall+0.5, regular, ink), 0); err != nil {
			return err
		}
	}
	return nil
}

// cell is one column of a row.
type cell struct {
	kind, scope string
	text        string
	style       style
	lines       []line
}

func (s *sheet) facts(all Facts) error {
	e := s.root.add("Table")
	for _, f := range all {
		name := text(sizeText, regular, dim)
		name.width = textWidth*nameShare - gap
		value := text(sizeText, regular, ink)
		value.indent, value.width = textWidth*nameShare, textWidth*(1-nameShare)
		if err := s.row(e.add("TR"), []cell{{kind: "TH", scope: "Row", text: f.Name, style: name}, {kind: "TD", text: f.Value, style: value}}); err != nil {
			return err
		}
	}
	return nil
}

func (s *sheet) table(t Table) error {
	e := s.root.add("Table")
	if err := s.row(e.add("TR"), columns(t.Head, "TH", bold)); err != nil {
		return err
	}
	s.line(s.y)
	for _, cells := range t.Rows {
		at := len(s.pages)
		row := columns(cells, "TD", regular)
		height, err := s.measure(row)
		if err != nil {
			return err
		}
		s.need(min(height, pageHeight-top-bottom))
		if len(s.pages) > at { // the head is said again for the eye; the structure has it once
			if err := s.row(nil, columns(t.Head, "TH", bold)); err != nil {
				return err
			}
			s.line(s.y)
		}
		if err := s.row(e.add("TR"), row); err != nil {
			return err
		}
	}
	return nil
}

func columns(cells []string, kind string, w weight) []cell {
	each := textWidth / float64(len(cells))
	out := make([]cell, len(cells))
	for i, c := range cells {
		t := text(sizeText-1, w, ink)
		t.indent, t.width = float64(i)*each, each-gap
		out[i] = cell{kind: kind, text: c, style: t}
		if kind == "TH" {
			out[i].scope = "Column"
		}
	}
	return out
}

// measure breaks the cells into lines and gives the row's height.
func (s *sheet) measure(cells []cell) (height float64, err error) {
	for i := range cells {
		c := &cells[i]
		if c.lines, err = s.lines(c.text, c.style.weight, c.style.width*em/c.style.size); err != nil {
			return 0, err
		}
		height = max(height, float64(len(c.lines))*c.style.height())
	}
	return height, nil
}

// row draws cells beside each other; one that is higher than a page goes on on the next. A nil element is decoration.
func (s *sheet) row(e *element, cells []cell) error {
	height, err := s.measure(cells)
	if err != nil {
		return err
	}
	s.need(min(height, pageHeight-top-bottom))
	into, most := make([]*element, len(cells)), 0
	for i, c := range cells {
		most = max(most, len(c.lines))
		if e != nil {
			into[i] = e.add(c.kind)
			into[i].scope = c.scope
			s.say(into[i], c.text)
		}
	}
	for n := range most {
		s.need(cells[0].style.height())
		for i, c := range cells {
			if n < len(c.lines) {
				s.draw(into[i], c.lines[n], c.style, s.y)
			}
		}
		s.y -= cells[0].style.height()
	}
	s.space(2.5)
	return nil
}

// feet writes the foot of each page, now that their number is known.
func (s *sheet) feet(words string) error {
	pages := s.pages
	defer func() { s.pages = pages }()
	for i := range pages {
		s.pages = pages[:i+1]
		t := text(sizeSmall, regular, dim)
		left, err := s.lines(words, t.weight, t.width*em/t.size)
		if err != nil {
			return err
		}
		right, err := s.lines(fmt.Sprintf("%d / %d", i+1, len(pages)), t.weight, t.width*em/t.size)
		if err != nil {
			return err
		}
		s.line(footAt + 14)
		if len(left) > 0 {
			s.draw(nil, left[0], t, footAt+t.size)
		}
		t.end = true
		s.draw(nil, right[0], t, footAt+t.size)
	}
	return nil
}

// line draws a thin line over the width of the text.
func (s *sheet) line(y float64) {
	fmt.Fprintf(s.page(), "/Artifact BMC\n%s G 0.5 w %s %s m %s %s l S\nEMC\n", num(rule), num(side), num(y), num(pageWidth-side), num(y))
}

// draw shows one line with its top at y, and marks it as a piece of e.
func (s *sheet) draw(e *element, l line, t style, y float64) {
	width, x := l.width*t.size/em, side+t.indent
	if s.rtl != t.end {
		x = side + textWidth - t.indent - width
	}
	if s.rtl && t.end {
		x = side + t.indent
	}
	p := s.page()
	if e == nil {
		fmt.Fprint(p, "/Artifact BMC\n")
	} else {
		fmt.Fprintf(p, "/%s << /MCID %d >> BDC\n", e.kind, len(p.marks))
		e.marks = append(e.marks, mark{len(s.pages) - 1, len(p.marks)})
		p.marks = append(p.marks, e)
	}
	fmt.Fprintf(p, "BT\n%s g /F%d %s Tf 1 0 0 1 %s %s Tm\n", num(t.shade), t.weight+1, num(t.size), num(x), num(y-t.size))
	for _, r := range l.runs {
		p.show(r)
	}
	fmt.Fprint(p, "ET\nEMC\n")
}

// show writes the glyphs of a run.
func (p *page) show(r run) {
	p.WriteByte('[')
	open := false
	for _, g := range r.shown {
		if !open {
			p.WriteByte('<')
		}
		fmt.Fprintf(p, "%04X", g.cid)
		if open = g.shift == 0; !open {
			fmt.Fprintf(p, "> %d ", g.shift)
		}
	}
	if open {
		p.WriteByte('>')
	}
	fmt.Fprint(p, "] TJ\n")
}

// hexText is a text string (ISO 32000-1 §7.9.2.2): UTF-16 with its mark, in hexadecimal digits.
func hexText(s string) string {
	b := []byte{0xfe, 0xff}
	for _, u := range utf16.Encode([]rune(s)) {
		b = append(b, byte(u>>8), byte(u))
	}
	return "<" + strings.ToUpper(hex.EncodeToString(b)) + ">"
}

// num writes a number with at most two places.
func num(v float64) string {
	s := strings.TrimRight(strings.TrimRight(fmt.Sprintf("%.2f", v), "0"), ".")
	if s == "" || s == "-0" {
		return "0"
	}
	return s
}
