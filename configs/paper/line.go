package paper

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/go-text/typesetting/di"
	"github.com/go-text/typesetting/font"
	"github.com/go-text/typesetting/font/opentype"
	"github.com/go-text/typesetting/language"
	"github.com/go-text/typesetting/shaping"
	"golang.org/x/image/math/fixed"
)

// line is a line of text as it is drawn, from left to right.
type line struct {
	runs  []run
	width float64 // in em units
}

// run is a piece of a line in one direction.
type run struct{ shown []shown }

// shown is a glyph of a page font, and by how much the next one is nearer or further than its width says.
type shown struct{ cid, shift int }

// faces chooses the font of each letter for the shaper.
type faces struct {
	press   *Press
	weight  weight
	missing rune // the first letter without a font; 0: none
}

// ResolveFace gives some font also for a letter that none has, because the shaper needs one.
func (f *faces) ResolveFace(r rune) *font.Face {
	if face := f.press.face(f.weight, r); face != nil {
		return face
	}
	if f.missing == 0 {
		f.missing = r
	}
	for _, face := range f.press.faces {
		if face != nil {
			return face
		}
	}
	return nil
}

// setter turns texts into lines of one page font.
type setter struct {
	press *Press
	rtl   bool
	lang  string
	fonts [2]*pageFont // by weight
}

func rightToLeft(lang string) bool {
	base, _, _ := strings.Cut(lang, "-")
	return slices.Contains([]string{"ar", "fa", "he", "ur", "ps", "yi", "dv", "ug", "sd", "ckb"}, base)
}

// direction of a paragraph: a number or an address in a page that is read from the right is none of its words.
func (s *setter) direction(text []rune) di.Direction {
	if s.rtl && slices.ContainsFunc(text, fromRight) {
		return di.DirectionRTL
	}
	return di.DirectionLTR
}

func fromRight(r rune) bool {
	return unicode.In(r, unicode.Arabic, unicode.Hebrew, unicode.Thaana, unicode.Syriac, unicode.Nko)
}

// lines breaks text into lines of at most width em units. An empty text has no line.
func (s *setter) lines(text string, w weight, width float64) ([]line, error) {
	var all []line
	for _, par := range strings.FieldsFunc(text, func(r rune) bool { return r == '\n' }) {
		ls, err := s.paragraph([]rune(strings.ReplaceAll(par, "\t", " ")), w, width)
		if err != nil {
			return nil, err
		}
		all = append(all, ls...)
	}
	return all, nil
}

func (s *setter) paragraph(text []rune, w weight, width float64) ([]line, error) {
	fonts := &faces{press: s.press, weight: w}
	for _, r := range text { // also of letters that the shaper would draw with those beside them
		if s.press.face(w, r) == nil && !unicode.In(r, unicode.Cf, unicode.Mn) {
			return nil, noFont(r)
		}
	}
	way := s.direction(text)
	in := shaping.Input{Text: text, RunEnd: len(text), Direction: way, Size: fixed.I(em), Language: language.NewLanguage(s.lang)}
	var out []shaping.Output
	for _, part := range s.press.parts.Split(in, fonts) {
		if fonts.missing != 0 {
			return nil, noFont(fonts.missing)
		}
		out = append(out, s.press.shape.Shape(part))
	}
	wrapped, _ := s.press.wrap.WrapParagraphF(shaping.WrapConfig{Direction: way, DisableTrailingWhitespaceTrim: true},
		fixed.Int26_6(width*64), text, shaping.NewSliceIterator(out))
	var all []line
	for _, l := range wrapped {
		done, err := s.line(l, text, w)
		if err != nil {
			return nil, err
		}
		all = append(all, done)
	}
	return all, nil
}

// line puts the runs of a line in the order in which they are seen.
func (s *setter) line(l shaping.Line, text []rune, w weight) (out line, err error) {
	slices.SortStableFunc(l, func(a, b shaping.Output) int { return int(a.VisualIndex - b.VisualIndex) })
	for _, o := range l {
		var r run
		for gs := o.Glyphs; len(gs) > 0; {
			n := 1
			for n < len(gs) && gs[n].TextIndex() == gs[0].TextIndex() {
				n++
			}
			sh, advance, err := s.cluster(o.Face, gs[:n], text, w)
			if err != nil {
				return out, err
			}
			r.shown = append(r.shown, sh)
			out.width += advance
			gs = gs[n:]
		}
		out.runs = append(out.runs, r)
	}
	return out, nil
}

// cluster draws all glyphs of one cluster of letters as one glyph of the page font, which then says those letters.
func (s *setter) cluster(f *font.Face, gs []shaping.Glyph, text []rune, w weight) (shown, float64, error) {
	says := string(text[gs[0].TextIndex() : gs[0].TextIndex()+gs[0].RunesCount()])
	var key strings.Builder
	fmt.Fprintf(&key, "%p %q", f.Font, says)
	var advance, natural float64
	for _, g := range gs {
		if g.GlyphID == 0 {
			return shown{}, 0, noFont([]rune(says)[0])
		}
		fmt.Fprintf(&key, " %d %.2f %.2f", g.GlyphID, advance+float64(g.XOffset)/64, float64(g.YOffset)/64)
		advance += float64(g.Advance) / 64
		natural += float64(f.HorizontalAdvance(g.GlyphID)) * scale(f)
	}
	if len(gs) > 1 { // where each stands depends on the advances, so they are the glyph's width
		natural = advance
		fmt.Fprintf(&key, " %.2f", advance)
	}
	width := grid(float32(natural))
	cid := s.fonts[w].cid(key.String(), func() glyph { return glyph{width: width, path: outline(f, gs), text: says} })
	return shown{cid: cid, shift: width - grid(float32(advance))}, float64(grid(float32(advance))), nil
}

func scale(f *font.Face) float64 { return em / float64(f.Upem()) }

// outline gathers the outlines of a cluster, each where it stands, in em units.
func outline(f *font.Face, gs []shaping.Glyph) []opentype.Segment {
	var all []opentype.Segment
	var pen float64
	k := float32(scale(f))
	for _, g := range gs {
		x, y := float32(pen+float64(g.XOffset)/64), float32(g.YOffset)/64
		o, _ := f.GlyphDataOutline(g.GlyphID) // a space has none
		for _, seg := range o.Segments {
			for i := range seg.Args {
				seg.Args[i] = opentype.SegmentPoint{X: seg.Args[i].X*k + x, Y: seg.Args[i].Y*k + y}
			}
			all = append(all, seg)
		}
		pen += float64(g.Advance) / 64
	}
	return all
}
