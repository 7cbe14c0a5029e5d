package table

import (
	"encoding/xml"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"
)

// ods reads a spreadsheet of OpenDocument (ISO/IEC 26300, version 1.3 part 3).
func (p *pack) ods() (Table, error) {
	if p.named["meta-inf/manifest.xml"] != nil {
		err := p.each("meta-inf/manifest.xml", func(_ *pull, e xml.StartElement) error {
			if e.Name.Local == "encryption-data" {
				return trouble(Password, "an encrypted document")
			}
			return nil
		})
		if err != nil {
			return Table{}, err
		}
	}
	r, err := p.open(p.named["content.xml"])
	if err != nil {
		return Table{}, err
	}
	defer r.Close()
	return p.job.odf(r)
}

// document is an OpenDocument while it is read.
type document struct {
	job    *job
	pull   *pull
	hidden map[string]bool // styles of sheets that do not show
	style  string          // the style that is being read
}

// odf reads the content of a document, which may be a file on its own.
func (j *job) odf(r io.Reader) (Table, error) {
	d := &document{job: j, pull: j.pull(r), hidden: map[string]bool{}}
	p := picker{}
	sheets := false
	for {
		t, err := d.pull.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return Table{}, err
		}
		e, ok := t.(xml.StartElement)
		if !ok {
			continue
		}
		if sheets = sheets || e.Name.Local == "spreadsheet"; sheets && e.Name.Local == "table" {
			if err := d.sheet(&p, e); err != nil {
				return Table{}, err
			}
		}
		d.styles(e)
	}
	if !sheets {
		return Table{}, trouble(NotATable, "a document without sheets")
	}
	return p.table()
}

func (d *document) styles(e xml.StartElement) {
	switch e.Name.Local {
	case "style":
		d.style = attr(e, "name")
	case "table-properties":
		if attr(e, "display") == "false" && len(d.hidden) < sheets {
			d.hidden[d.style] = true
		}
	}
}

// sheet offers one sheet to the picker, and goes on to its end whatever came of it.
func (d *document) sheet(p *picker, e xml.StartElement) error {
	end := d.pull.depth - 1
	if !d.hidden[attr(e, "style-name")] {
		err := p.offer(attr(e, "name"), func(peek bool) (Table, error) {
			s := odsSheet{document: d, grid: grid{job: d.job, peek: peek}, end: end}
			if err := s.read(); err != nil {
				return Table{}, err
			}
			return s.table()
		})
		if err != nil {
			return err
		}
	}
	for d.pull.depth > end {
		if _, err := d.pull.next(); err != nil {
			return err
		}
	}
	return nil
}

// odsSheet is one sheet while it is read.
type odsSheet struct {
	*document
	grid   grid
	end    int // the depth at which it ends
	cells  []Cell
	at     int // the column that comes next
	column int // of the declared columns
	number int // of the row
	copies int // of it
	unseen bool
	aside  Table
	cols   []span
	merges []area
}

func (s *odsSheet) read() error {
	for s.pull.depth > s.end {
		t, err := s.pull.next()
		if err != nil {
			return err
		}
		switch e := t.(type) {
		case xml.StartElement:
			err = s.start(e)
		case xml.EndElement:
			if e.Name.Local == "table-row" {
				err = s.row()
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *odsSheet) start(e xml.StartElement) error {
	switch e.Name.Local {
	case "table-column":
		n := repeated(e, "number-columns-repeated", farthest)
		if v := attr(e, "visibility"); v != "" && v != "visible" && len(s.cols) < remembered {
			s.cols = append(s.cols, span{s.column, s.column + n - 1})
		}
		s.column = min(s.column+n, farthest)
	case "table-row":
		s.cells, s.at = s.cells[:0], 0
		s.copies = repeated(e, "number-rows-repeated", 1<<20)
		v := attr(e, "visibility")
		s.unseen = v != "" && v != "visible"
	case "table-cell", "covered-table-cell":
		return s.cell(e)
	case "shapes", "forms", "table-source", "scenario":
		return s.pull.skip()
	}
	return nil
}

// repeated reads how often a cell, a column or a row stands; what is no number between 1 and most is 1 or most.
func repeated(e xml.StartElement, name string, most int) int {
	n, err := strconv.Atoi(attr(e, name))
	if errors.Is(err, strconv.ErrRange) {
		return most
	}
	return min(max(n, 1), most)
}

// row puts the row to the others, as often as it stands. An empty one moves the number on alone.
func (s *odsSheet) row() error {
	first := s.number + 1
	s.number += s.copies
	if !filled(s.cells) {
		return nil
	}
	if s.number > 1<<20 {
		return trouble(Broken, "row %d", s.number)
	}
	for n := first; n <= s.number; n++ {
		if s.grid.filled > s.job.Rows+titles+1 {
			s.grid.filled += s.number - n + 1
			return nil
		}
		if s.unseen {
			s.aside.note(HiddenRows, "", n)
		}
		if err := s.grid.add(n, s.cells); err != nil {
			return err
		}
	}
	return nil
}

func (s *odsSheet) cell(e xml.StartElement) error {
	n, at := repeated(e, "number-columns-repeated", farthest), s.at
	wide, high := repeated(e, "number-columns-spanned", farthest), repeated(e, "number-rows-spanned", 1<<20)
	if wide+high > 2 && len(s.merges) < remembered {
		s.merges = append(s.merges, area{span{at, at + wide - 1}, s.number + 1, s.number + high, cellName(at, s.number+1) + ":" + cellName(at+wide-1, s.number+high)})
	}
	c, err := s.value(e)
	if err != nil {
		return err
	}
	if s.at += n; c == (Cell{}) || e.Name.Local == "covered-table-cell" {
		s.at = min(s.at, farthest)
		return nil
	}
	if s.at > s.job.Columns {
		return &Trouble{Reason: TooWide, Row: s.number + 1, Count: s.at, Limit: int64(s.job.Columns)}
	}
	for len(s.cells) < at {
		s.cells = append(s.cells, Cell{})
	}
	for len(s.cells) < s.at {
		s.cells = append(s.cells, c)
	}
	return nil
}

// cellName writes a reference as B7, from a column counted from 0.
func cellName(column, row int) string {
	name := ""
	for n := column + 1; n > 0; n = (n - 1) / 26 {
		name = string(rune('A'+(n-1)%26)) + name
	}
	return name + strconv.Itoa(row)
}

// value reads a cell up to its end.
func (s *odsSheet) value(e xml.StartElement) (Cell, error) {
	text, err := s.paragraphs()
	if err != nil {
		return Cell{}, err
	}
	row := s.number + 1
	switch attr(e, "value-type") {
	case "float", "percentage", "currency":
		return epoch{}.number(attr(e, "value"), false), nil
	case "date":
		return Cell{strings.TrimSuffix(clean(attr(e, "date-value")), "T00:00:00"), Date}, nil
	case "time":
		return clock(attr(e, "time-value"), text), nil
	case "boolean":
		return Cell{attr(e, "boolean-value"), Bool}, nil
	case "error":
		return Cell{clean(text), Error}, nil
	case "":
		if text == "" && attr(e, "formula") != "" {
			return Cell{Kind: Formula}, nil
		}
	}
	if v := attr(e, "string-value"); v != "" {
		text = v
	}
	return s.job.cell(text, Words, row)
}

// clock reads a time of day, which is written as a duration: PT09H30M00S (XML Schema part 2, §3.2.6).
func clock(value, text string) Cell {
	d, err := time.ParseDuration(strings.ToLower(strings.TrimPrefix(value, "PT")))
	if err != nil || d < 0 || d >= day {
		return Cell{Text: clean(text)}
	}
	return Cell{time.Time{}.Add(d).Format(isoTime), Date}
}

// paragraphs reads the text of a cell: its paragraphs, without notes and drawings.
func (s *odsSheet) paragraphs() (string, error) {
	var b strings.Builder
	in, most := 0, 4*s.job.Cell
	for end := s.pull.depth - 1; s.pull.depth > end; {
		t, err := s.pull.next()
		if err != nil {
			return "", err
		}
		switch t := t.(type) {
		case xml.StartElement:
			if foreign(t.Name.Local) {
				if err := s.pull.skip(); err != nil {
					return "", err
				}
				continue
			}
			if t.Name.Local == "p" && b.Len() > 0 && in == 0 {
				b.WriteByte('\n')
			}
			if t.Name.Local == "p" || in > 0 {
				in++
			}
			if b.Len() <= most {
				b.WriteString(blank(t))
			}
		case xml.EndElement:
			in = max(in-1, 0)
		case xml.CharData:
			if in > 0 && b.Len() <= most {
				b.Write(t)
			}
		}
	}
	return b.String(), nil
}

// foreign tells what stands in a cell and is none of its text.
func foreign(name string) bool {
	switch name {
	case "annotation", "frame", "custom-shape", "table", "line", "rect", "control", "detective", "note":
		return true
	}
	return false
}

// blank is what an element of white space stands for.
func blank(e xml.StartElement) string {
	switch e.Name.Local {
	case "s":
		return strings.Repeat(" ", repeated(e, "c", 1000))
	case "tab":
		return "\t"
	case "line-break":
		return "\n"
	}
	return ""
}

func (s *odsSheet) table() (Table, error) {
	t, err := s.grid.table(ODS)
	return withNotes(t, s.aside, s.cols, s.merges), err
}

// withNotes puts the notes that only a sheet gives.
func withNotes(t, aside Table, cols []span, merges []area) Table {
	for _, m := range merges {
		if m.top <= t.HeaderRow && t.HeaderRow <= m.bottom {
			t.note(MergedHeader, m.ref, 0)
		}
	}
	for i, h := range t.Header {
		for _, c := range cols {
			if c.from <= i && i <= c.to {
				t.note(HiddenColumns, h, 0)
				break
			}
		}
	}
	t.Notes = append(aside.Notes, t.Notes...)
	return t
}
