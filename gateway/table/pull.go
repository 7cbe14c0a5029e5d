package table

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
)

// piece bounds what may stand between two tokens of XML, in bytes: a cell of 32,767 characters with all of them escaped
// fits, a tag with a million attributes does not.
const piece = 1 << 20

// pull reads XML token by token: no document type, no entities but the five, no more than so deep.
type pull struct {
	d       *xml.Decoder
	meter   *meter
	depth   int
	deepest int
}

func (j *job) pull(r io.Reader) *pull {
	m := &meter{r: r, left: piece}
	p := &pull{d: xml.NewDecoder(m), meter: m, deepest: j.Depth}
	p.d.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil } // text was decoded before
	return p
}

// next gives a start, an end or text; io.EOF at the end.
func (p *pull) next() (xml.Token, error) {
	for {
		t, err := p.d.Token()
		p.meter.left = piece
		if err != nil {
			return nil, broken(err)
		}
		switch t.(type) {
		case xml.StartElement:
			if p.depth++; p.depth > p.deepest {
				return nil, &Trouble{Reason: TooDeep, Limit: int64(p.deepest)}
			}
		case xml.EndElement:
			p.depth--
		case xml.Directive:
			return nil, trouble(DTD, "a document type")
		case xml.Comment, xml.ProcInst:
			continue
		}
		return t, nil
	}
}

// skip passes over all up to the end of the element whose start was read last.
func (p *pull) skip() error {
	for end := p.depth - 1; p.depth > end; {
		if _, err := p.next(); err != nil {
			return err
		}
	}
	return nil
}

// broken makes a trouble of what a parser says, unless it is one, or the end.
func broken(err error) error {
	var t *Trouble
	switch {
	case err == nil, errors.Is(err, io.EOF):
		return err
	case errors.As(err, &t):
		return t
	}
	var s *xml.SyntaxError
	if errors.As(err, &s) && strings.Contains(s.Msg, "invalid character entity") {
		return &Trouble{Reason: DTD, Detail: s.Msg}
	}
	return trouble(Broken, "%.200v", err)
}

// attr gives an attribute, whatever its namespace.
func attr(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name && a.Name.Space != "xmlns" {
			return a.Value
		}
	}
	return ""
}

// meter ends a reading that gives no token for too long.
type meter struct {
	r    io.Reader
	left int
}

func (m *meter) Read(b []byte) (int, error) {
	if m.left <= 0 {
		return 0, trouble(LongCell, "over %d bytes in one piece of XML", piece)
	}
	n, err := m.r.Read(b)
	m.left -= n
	return n, err
}
