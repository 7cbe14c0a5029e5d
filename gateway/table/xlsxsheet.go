package table

import (
	"encoding/xml"
	"errors"
	"io"
	"strconv"
	"strings"
)

// sheet is one sheet of a workbook while it is read.
type sheet struct {
	*book
	pull   *pull
	grid   grid
	cells  []Cell // of the row that is being read
	number int    // of it
	hidden bool   // it is
	aside  Table  // for the notes
	cols   []span // hidden columns
	merges []area
}

type span struct{ from, to int } // columns, counted from 0

// area is a range of cells joined together, with its reference.
type area struct {
	span
	top, bottom int
	ref         string
}

const (
	// farthest is the last column of a sheet (ECMA-376 part 1, §18.3.1.73: XFD).
	farthest = 16384
	// remembered bounds the hidden columns and joined cells that are kept for the notes.
	remembered = 1000
)

func (s *sheet) read() error {
	for {
		t, err := s.pull.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		switch e := t.(type) {
		case xml.StartElement:
			err = s.start(e)
		case xml.EndElement:
			if e.Name.Local == "row" {
				err = s.end()
			}
		}
		if err != nil {
			return err
		}
	}
}

func (s *sheet) start(e xml.StartElement) error {
	switch e.Name.Local {
	case "row":
		return s.row(e)
	case "c":
		return s.cell(e)
	case "col":
		if truth(attr(e, "hidden")) && len(s.cols) < remembered {
			from, _ := strconv.Atoi(attr(e, "min"))
			to, _ := strconv.Atoi(attr(e, "max"))
			s.cols = append(s.cols, span{from - 1, to - 1})
		}
	case "mergeCell":
		if a, ok := areaOf(attr(e, "ref")); ok && len(s.merges) < remembered {
			s.merges = append(s.merges, a)
		}
	case "sheetView", "extLst", "conditionalFormatting", "dataValidations":
		return s.pull.skip()
	}
	return nil
}

func (s *sheet) row(e xml.StartElement) error {
	s.cells = s.cells[:0]
	n := s.number + 1
	if r := attr(e, "r"); r != "" {
		var err error
		if n, err = strconv.Atoi(r); err != nil || n <= s.number || n > 1<<20 {
			return trouble(Broken, "row %.20q after row %d", r, s.number)
		}
	}
	s.number = n
	s.hidden = truth(attr(e, "hidden"))
	return nil
}

func (s *sheet) end() error {
	if s.hidden && filled(s.cells) {
		s.aside.note(HiddenRows, "", s.number)
	}
	return s.grid.add(s.number, s.cells)
}

// cell reads one cell of the row.
func (s *sheet) cell(e xml.StartElement) error {
	at := len(s.cells)
	if ref := attr(e, "r"); ref != "" {
		var ok bool
		if at, _, ok = place(ref); !ok || at < len(s.cells) {
			return trouble(Broken, "cell %.20q after column %d", ref, len(s.cells))
		}
	}
	c, err := s.value(e)
	if err != nil {
		return err
	}
	if at >= farthest {
		return trouble(Broken, "column %d", at+1)
	}
	if c != (Cell{}) && at >= s.job.Columns {
		return &Trouble{Reason: TooWide, Row: s.number, Count: at + 1, Limit: int64(s.job.Columns)}
	}
	if at >= s.job.Columns {
		return nil
	}
	for len(s.cells) < at {
		s.cells = append(s.cells, Cell{})
	}
	s.cells = append(s.cells, c)
	return nil
}

// value reads a cell up to its end: the value that was stored, be it typed or that of a formula.
func (s *sheet) value(e xml.StartElement) (Cell, error) {
	var raw strings.Builder
	formula, in, inline := false, false, ""
	for end := s.pull.depth - 1; s.pull.depth > end; {
		t, err := s.pull.next()
		if err != nil {
			return Cell{}, err
		}
		switch t := t.(type) {
		case xml.StartElement:
			in = t.Name.Local == "v"
			formula = formula || t.Name.Local == "f"
			if t.Name.Local == "is" {
				if inline, err = s.pull.rich(s.job.Cell); err != nil {
					return Cell{}, err
				}
			}
		case xml.EndElement:
			in = false
		case xml.CharData:
			if in && raw.Len() <= 4*s.job.Cell {
				raw.Write(t)
			}
		}
	}
	if raw.Len() == 0 && inline == "" && formula && attr(e, "t") != "str" {
		return Cell{Kind: Formula}, nil
	}
	return s.typed(attr(e, "t"), attr(e, "s"), raw.String(), inline)
}

// typed makes a cell of a stored value by its type (ECMA-376 part 1, §18.18.11).
func (s *sheet) typed(typ, style, raw, inline string) (Cell, error) {
	switch typ {
	case "s":
		i, err := strconv.Atoi(strings.TrimSpace(raw))
		if raw != "" && (err != nil || i < 0 || i >= len(s.strings)) {
			return Cell{}, trouble(Broken, "shared string %.20q", raw)
		}
		if raw == "" {
			return Cell{}, nil
		}
		return s.job.cell(s.strings[i], Words, s.number)
	case "inlineStr":
		return s.job.cell(inline, Words, s.number)
	case "str":
		return s.job.cell(unescape(raw), Words, s.number)
	case "e":
		return Cell{Text: clean(raw), Kind: Error}, nil
	case "b":
		return Cell{strconv.FormatBool(truth(strings.TrimSpace(raw))), Bool}, nil
	case "d":
		return Cell{strings.TrimSuffix(clean(raw), "T00:00:00"), Date}, nil
	}
	if raw == "" {
		return Cell{}, nil
	}
	var as shown
	if n, err := strconv.Atoi(style); err == nil && n >= 0 && n < len(s.shows) {
		as = s.shows[n]
	}
	c := s.from.number(clean(raw), as.date)
	if n := as.zeros - len(c.Text); n > 0 && c.Kind == Number && strings.Trim(c.Text, "0123456789") == "" {
		return Cell{Text: strings.Repeat("0", n) + c.Text}, nil // a code that shows its zeros is no amount
	}
	return c, nil
}

// table makes the table, with the notes that only a sheet gives.
func (s *sheet) table() (Table, error) {
	t, err := s.grid.table(XLSX)
	return withNotes(t, s.aside, s.cols, s.merges), err
}

// place reads a reference as B7: the column from 0, the row from 1.
func place(ref string) (column, row int, ok bool) {
	i := 0
	for i < len(ref) && i < 4 && ref[i] >= 'A' && ref[i] <= 'Z' {
		column = column*26 + int(ref[i]-'A') + 1
		i++
	}
	row, err := strconv.Atoi(ref[i:])
	return column - 1, row, i > 0 && err == nil && row > 0
}

func areaOf(ref string) (area, bool) {
	a, b, _ := strings.Cut(ref, ":")
	left, top, ok1 := place(a)
	right, bottom, ok2 := place(b)
	return area{span{left, right}, top, bottom, ref}, ok1 && ok2 && (left != right || top != bottom)
}
