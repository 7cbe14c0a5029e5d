package media

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"gatehouse/exchange"
)

// window is how much of a text is looked at at once, in bytes.
const window = 64 << 10

// checkText reads a text to its end: UTF-8, no control characters, no script, and in a table no formula.
func checkText(f *file) (exchange.Reason, error) {
	if f.kind != kindText && f.kind != kindXML {
		return exchange.ReasonNone, nil
	}
	cells := newCells(f)
	buf, kept := make([]byte, window), 0 // the last bytes are looked at twice, so that nothing hides across two windows
	for at := int64(0); ; {
		n, err := f.ReadAt(buf[kept:], at)
		at += int64(n)
		if err != nil && !errors.Is(err, io.EOF) {
			return exchange.ReasonFailed, fmt.Errorf("read text: %w", err)
		}
		end := at >= f.size
		b := buf[:kept+n]
		if bytes.Contains(bytes.ToLower(b), []byte("<script")) || cells.formula(b[kept:]) {
			return exchange.ReasonActive, nil
		}
		start := 0
		for kept > 0 && start < len(b) && start < utf8.UTFMax && !utf8.RuneStart(b[start]) {
			start++ // its beginning was judged with the bytes before
		}
		if !isText(b[start:], !end) {
			return exchange.ReasonFileKind, nil
		}
		if end {
			break
		}
		kept = copy(buf, b[len(b)-32:])
	}
	if cells.end() {
		return exchange.ReasonActive, nil
	}
	return exchange.ReasonNone, nil
}

// maxCell is how much of a cell is looked at: a number or a phone number is shorter.
const maxCell = 64

// cells looks for formulas in a table: a spreadsheet runs what begins with =, @, + or - (DDE among it), also behind
// quotes and blanks. A number or a phone number may begin with a sign. Only what a spreadsheet opens is looked at: a
// plain text may begin its lines with a dash.
type cells struct {
	off   bool
	begun bool // the cell's first character is known
	cell  []byte
}

func newCells(f *file) *cells {
	table := f.kind == kindText && (f.Ext == "" || f.Ext == "csv" || f.Ext == "tsv")
	return &cells{off: !table || f.Policy.Formulas == Pass}
}

// formula takes the next bytes of the text; true: a formula ended in them.
func (c *cells) formula(b []byte) bool {
	if c.off {
		return false
	}
	for _, x := range b {
		switch x {
		case ',', ';', '\t', '|', '\n', '\r':
			if c.acts() {
				return true
			}
			c.begun, c.cell = false, c.cell[:0]
			continue
		}
		if !c.begun && (x == ' ' || x == '"' || x == '\'' || x == 0xef || x == 0xbb || x == 0xbf || x == 0xc2 || x == 0xa0) {
			continue
		}
		c.begun = true
		if len(c.cell) < maxCell {
			c.cell = append(c.cell, x)
		}
	}
	return false
}

// end tells whether the last cell is a formula.
func (c *cells) end() bool { return !c.off && c.acts() }

func (c *cells) acts() bool {
	if len(c.cell) == 0 {
		return false
	}
	switch c.cell[0] {
	case '=', '@':
		return true
	case '+', '-':
		for _, x := range c.cell[1:] {
			if !strings.ContainsRune(`0123456789 ./()%-"'eE`, rune(x)) && x < 0x80 {
				return true
			}
		}
	}
	return false
}

// Bounds of an XML document.
const (
	maxDepth  = 200
	maxTokens = 20_000_000
)

// errActive is what an XML walk ends with when it finds what acts.
var errActive = errors.New("something acts")

// walkXML reads an XML document to its end and shows each start tag, and the text in each element, to see. Document
// types, entities and style sheets act; other encodings than UTF-8 are faults.
func walkXML(r io.Reader, see func(e xml.StartElement) error, text func(in string, s []byte) error) error {
	d := xml.NewDecoder(r)
	var open []string
	for range maxTokens {
		t, err := d.RawToken()
		if errors.Is(err, io.EOF) && len(open) == 0 {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read xml: %w", err)
		}
		switch t := t.(type) {
		case xml.Directive:
			return errActive
		case xml.ProcInst:
			if t.Target != "xml" && t.Target != "mso-application" && t.Target != "mso-contentType" {
				return errActive
			}
		case xml.StartElement:
			if open = append(open, t.Name.Space+":"+t.Name.Local); len(open) > maxDepth {
				return errors.New("read xml: too deep")
			}
			err = see(t)
		case xml.EndElement:
			if len(open) == 0 || open[len(open)-1] != t.Name.Space+":"+t.Name.Local {
				return errors.New("read xml: tags do not match")
			}
			open = open[:len(open)-1]
		case xml.CharData:
			if len(open) > 0 {
				_, local, _ := strings.Cut(open[len(open)-1], ":")
				err = text(local, t)
			}
		}
		if err != nil {
			return err
		}
	}
	return errors.New("read xml: too long")
}

// actingSpaces are name spaces of XML that a program runs, draws or fetches.
func actingSpaces() []string {
	return []string{"http://www.w3.org/1999/xhtml", "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xsl/transform", "http://www.w3.org/2001/xinclude", "http://www.w3.org/1999/xlink"}
}

// checkXML walks a plain XML document: a declaration, an invoice.
func checkXML(f *file) (exchange.Reason, error) {
	if f.kind != kindXML {
		return exchange.ReasonNone, nil
	}
	err := walkXML(io.NewSectionReader(f, 0, f.size), func(e xml.StartElement) error {
		for _, a := range e.Attr {
			for _, s := range actingSpaces() {
				if strings.EqualFold(strings.TrimSpace(a.Value), s) {
					return errActive
				}
			}
		}
		return nil
	}, func(string, []byte) error { return nil })
	return xmlReason(err), nil
}

func xmlReason(err error) exchange.Reason {
	switch {
	case err == nil:
		return exchange.ReasonNone
	case errors.Is(err, errActive):
		return exchange.ReasonActive
	}
	return exchange.ReasonFileKind
}
