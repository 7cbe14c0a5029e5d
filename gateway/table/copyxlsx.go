package table

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"
)

const (
	// noted bounds the cells with a note of their own: each is a drawing in the file. The column beside says all.
	noted = 200
	// yellow is what a wrong cell is filled with.
	yellow = "FFEB9C"
	// asText keeps what is typed as it is typed (ECMA-376 part 1, §18.8.30).
	asText = 49
	// columnWidth is in characters.
	columnWidth = 18
)

// copier writes one workbook.
type copier struct {
	*excelize.File
	sheet  string
	styles map[look]int
	notes  int
}

// look is how a cell shows.
type look struct {
	format     string // of a date; "" text, "0" a plain number
	wrong, top bool
}

func (t Table) xlsx(lines []line, l Labels) ([]byte, error) {
	c := copier{File: excelize.NewFile(), sheet: "Sheet1", styles: map[look]int{}}
	defer c.Close()
	if t.Sheet != "" && c.SetSheetName(c.sheet, t.Sheet) == nil {
		c.sheet = t.Sheet
	}
	if err := c.head(t.columns(l)); err != nil {
		return nil, err
	}
	for i, line := range lines {
		if err := c.line(i+2, line); err != nil {
			return nil, err
		}
	}
	b, err := c.WriteToBuffer()
	if err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func (c *copier) head(columns []string) error {
	for i, h := range columns {
		if err := c.put(i+1, 1, Cell{Text: h}, look{top: true}); err != nil {
			return err
		}
	}
	last, err := excelize.ColumnNumberToName(len(columns))
	if err != nil {
		return err
	}
	if err := c.SetColWidth(c.sheet, "A", last, columnWidth); err != nil {
		return err
	}
	return c.SetPanes(c.sheet, &excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"})
}

func (c *copier) line(row int, l line) error {
	for i, cell := range l.cells {
		why, wrong := l.why[i]
		if err := c.put(i+1, row, cell, look{wrong: wrong}); err != nil {
			return err
		}
		if wrong && c.notes < noted {
			c.notes++
			if err := c.note(i+1, row, why); err != nil {
				return err
			}
		}
	}
	n := len(l.cells)
	if err := c.put(n+1, row, Cell{strconv.Itoa(l.of), Number}, look{}); err != nil {
		return err
	}
	return c.put(n+2, row, Cell{Text: l.sum}, look{})
}

// put writes one cell by its kind.
func (c *copier) put(column, row int, cell Cell, as look) error {
	at, err := excelize.CoordinatesToCellName(column, row)
	if err != nil {
		return err
	}
	value, format, date := 0.0, "", false
	if cell.Kind == Date {
		value, format, date = serial(cell.Text)
	}
	switch {
	case date:
		as.format = format
		err = c.SetCellDefault(c.sheet, at, strconv.FormatFloat(value, 'f', -1, 64))
	case cell.Kind == Number:
		as.format = "0"
		err = c.SetCellDefault(c.sheet, at, cell.Text)
	case cell.Kind == Bool:
		as.format = "0"
		err = c.SetCellBool(c.sheet, at, cell.Text == "true")
	case cell.Text != "":
		err = c.SetCellStr(c.sheet, at, literal(cell.Text))
	}
	if err != nil {
		return err
	}
	style, err := c.style(as)
	if err != nil {
		return err
	}
	return c.SetCellStyle(c.sheet, at, at, style)
}

// style gives the number of a look, which is made once.
func (c *copier) style(as look) (int, error) {
	if n, ok := c.styles[as]; ok {
		return n, nil
	}
	s := excelize.Style{Font: &excelize.Font{Bold: as.top}}
	switch as.format {
	case "":
		s.NumFmt = asText
	case "0": // general
	default:
		s.CustomNumFmt = &as.format
	}
	if as.wrong {
		s.Fill = excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{yellow}}
	}
	n, err := c.NewStyle(&s)
	c.styles[as] = n
	return n, err
}

// note puts the words to a wrong cell.
func (c *copier) note(column, row int, why string) error {
	at, err := excelize.CoordinatesToCellName(column, row)
	if err != nil || why == "" {
		return err
	}
	for utf8.RuneCountInString(why) > 1000 {
		_, n := utf8.DecodeLastRuneInString(why)
		why = why[:len(why)-n]
	}
	return c.AddComment(c.sheet, excelize.Comment{Cell: at, Paragraph: []excelize.RichTextRun{{Text: why}}})
}

// literal keeps "_x0041_" what it is: a workbook would read an A (ECMA-376 part 1, §22.9.2.19).
func literal(s string) string {
	var b strings.Builder
	for i := range len(s) {
		b.WriteByte(s[i])
		if s[i] == '_' && unescape(s[i:min(len(s), i+7)]) != s[i:min(len(s), i+7)] {
			b.WriteString("x005F_")
		}
	}
	return b.String()
}
