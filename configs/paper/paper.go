// Package paper makes PDF/A-2a pages from typed data: decision documents inside, receipts at the gateway.
//
// The rule: the same Document gives the same bytes. Every date comes from the data, every id from the content; nothing
// is read from the clock, and nothing of a font file is copied: each page font is written anew from the outlines of
// the letters that stand on the page. The writer knows no action, script, link, form or attached file, so a page can't
// hold one, and the down guard passes nothing else (exchange/guard).
//
// Text is shaped by HarfBuzz's rules and ordered by Unicode's, so every script is set as it is written, right to left
// too. Where no font has a letter the document is not made (ErrNoFont), and what it would have said goes as text alone.
package paper

import (
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/go-text/typesetting/shaping"
)

// Bounds of one document.
const (
	// MaxSize is the most that Print gives, in bytes: what the border lets through with a notice.
	MaxSize = 1 << 20
	// MaxRunes bounds all words of a document, in characters: some 40 pages.
	MaxRunes = 120_000
)

// Producer names this writer in every file; the down guard asks for it.
const Producer = "Gatehouse paper 1"

// Errors that callers branch on.
var (
	// ErrNoFont: no font here has a letter of the document. It is no fault of the data; the error names the script.
	ErrNoFont = errors.New("no font for a script")
	// ErrTooLarge: the document is over MaxRunes or MaxSize.
	ErrTooLarge = errors.New("document too large")
)

// Document is one document, as data. Texts are plain; a line break begins a new paragraph.
type Document struct {
	Lang   string    // BCP 47, of the whole; it also says from which side the page is read
	Title  string    // stands above the text and names the file in a viewer
	Office string    // who writes, in the letterhead
	Lines  []string  // below it: address, telephone
	Foot   string    // at the foot of each page, beside its number: the reference
	At     time.Time // when it was made: to the second, in the file's own dates
	Blocks []Block
}

// Block is one piece of a document: Heading, Paragraph, Facts, Table or Signature.
type Block interface{ block() }

// Heading begins a section.
type Heading string

// Paragraph is running text.
type Paragraph string

// Facts are names with their values, a line each.
type Facts []Fact

// Fact is one of them.
type Fact struct{ Name, Value string }

// Table is rows under a head, which is said again on each page. Every row has as many cells as the head.
type Table struct {
	Head []string
	Rows [][]string
}

// Signature is the block at the end: who answers for it, and how to check it. Lines that are empty are left out.
type Signature []string

func (Heading) block()   {}
func (Paragraph) block() {}
func (Facts) block()     {}
func (Table) block()     {}
func (Signature) block() {}

// check names what keeps d from being set.
func (d Document) check() error {
	if d.Lang == "" || d.Title == "" || d.Office == "" || d.At.IsZero() {
		return errors.New("document: lang, title, office and at are required")
	}
	for i, b := range d.Blocks {
		t, ok := b.(Table)
		if !ok {
			continue
		}
		if len(t.Head) == 0 || len(t.Head) > maxColumns {
			return fmt.Errorf("document: blocks[%d] has %d columns; 1 to %d", i, len(t.Head), maxColumns)
		}
		for _, r := range t.Rows {
			if len(r) != len(t.Head) {
				return fmt.Errorf("document: blocks[%d] has a row of %d cells under a head of %d", i, len(r), len(t.Head))
			}
		}
	}
	n := 0
	for _, s := range d.words() {
		n += utf8.RuneCountInString(s)
	}
	if n > MaxRunes {
		return fmt.Errorf("%w: %d characters; at most %d", ErrTooLarge, n, MaxRunes)
	}
	return nil
}

// words are all texts of d.
func (d Document) words() []string {
	all := append([]string{d.Title, d.Office, d.Foot}, d.Lines...)
	for _, b := range d.Blocks {
		switch b := b.(type) {
		case Heading:
			all = append(all, string(b))
		case Paragraph:
			all = append(all, string(b))
		case Facts:
			for _, f := range b {
				all = append(all, f.Name, f.Value)
			}
		case Table:
			all = append(all, b.Head...)
			for _, r := range b.Rows {
				all = append(all, r...)
			}
		case Signature:
			all = append(all, b...)
		}
	}
	return all
}

// Isolate keeps s, a telephone number or an address, in its own order within a text of lang: in a text that is read from
// right to left its groups would be seen the other way round (Unicode Standard Annex 9, §2.4).
func Isolate(lang, s string) string {
	if s == "" || !rightToLeft(lang) {
		return s
	}
	return "\u2066" + s + "\u2069"
}

// Print sets d and gives the file. ErrNoFont, ErrTooLarge. Safe for concurrent use; one document is set at a time.
func (p *Press) Print(d Document) (b []byte, err error) {
	if err := d.check(); err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	defer p.mend(&err)
	s := newSheet(p, d)
	if err := s.compose(d); err != nil {
		return nil, err
	}
	b = s.file(d)
	if len(b) > MaxSize {
		return nil, fmt.Errorf("%w: %d bytes; at most %d", ErrTooLarge, len(b), MaxSize)
	}
	return b, nil
}

// mend turns a panic over some text or font into an error, because the words come from anybody and one document must not
// end a whole office. What the shaper kept of it is thrown away.
func (p *Press) mend(err *error) {
	if fault := recover(); fault != nil {
		p.shape, p.wrap, p.parts = shaping.HarfbuzzShaper{}, shaping.LineWrapper{}, shaping.Segmenter{}
		*err = fmt.Errorf("set document: %v", fault)
	}
}

// Can tells whether there are fonts for all of the words; ErrNoFont names the script that has none.
func (p *Press) Can(words ...string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, w := range words {
		for _, r := range w {
			if p.face(regular, r) == nil {
				return noFont(r)
			}
		}
	}
	return nil
}
