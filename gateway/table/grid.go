package table

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// titles is how many rows may stand above the header.
	titles = 50
	// counting is how many times the rows that may be are counted, so that a reply can say how many there are.
	counting = 20
	// ask is after how many rows it is asked whether the reader still waits.
	ask = 256
)

// grid is what a parser fills: rows that are filled in, in their order, within the limits.
type grid struct {
	job    *job
	rows   []Row
	cells  int // stored so far
	text   int64
	filled int  // rows seen, those beyond the limit too
	last   int  // the number of the last row, empty or not
	empty  int  // rows without content, up to the last one that has some
	gap    int  // rows without content since
	peek   bool // only to see whether there is a filled row
}

// add takes one row, whose empty end is cut off. Rows over the limit are only counted.
func (g *grid) add(number int, cells []Cell) error {
	for len(cells) > 0 && cells[len(cells)-1] == (Cell{}) {
		cells = cells[:len(cells)-1]
	}
	g.gap += max(number-g.last-1, 0)
	g.last = number
	if len(cells) == 0 {
		g.gap++
		return nil
	}
	if g.peek {
		return errFilled
	}
	g.filled++
	g.empty, g.gap = g.empty+g.gap, 0
	if g.filled%ask == 0 {
		if err := g.job.ctx.Err(); err != nil {
			return err
		}
	}
	if len(cells) > g.job.Columns {
		return &Trouble{Reason: TooWide, Row: number, Count: len(cells), Limit: int64(g.job.Columns)}
	}
	switch {
	case g.filled > counting*g.job.Rows:
		return &Trouble{Reason: TooManyRows, Count: g.filled, Limit: int64(g.job.Rows)}
	case g.filled > g.job.Rows+1+titles:
		return nil
	}
	if g.cells += len(cells); g.cells > g.job.Cells {
		return &Trouble{Reason: TooManyCells, Row: number, Limit: int64(g.job.Cells)}
	}
	kept := make([]Cell, len(cells))
	for i, c := range cells {
		// A workbook may show one long text in every cell.
		if g.text += int64(len(c.Text)); g.text > g.job.Unzipped {
			return &Trouble{Reason: TooManyCells, Detail: "text", Row: number, Limit: g.job.Unzipped}
		}
		kept[i] = Cell{strings.Clone(c.Text), c.Kind}
	}
	g.rows = append(g.rows, Row{Number: number, Cells: kept})
	return nil
}

// cell makes a cell of what was read: trimmed, of one kind of new line, without control characters.
func (j *job) cell(text string, kind Kind, row int) (Cell, error) {
	text = clean(text)
	if len(text) > j.Cell && utf8.RuneCountInString(text) > j.Cell {
		return Cell{}, &Trouble{Reason: LongCell, Row: row, Limit: int64(j.Cell)}
	}
	switch {
	case failed(text):
		kind = Error
	case kind == Words || kind == Formula && text != "":
		text, kind = unguard(text), Words
	}
	return Cell{text, kind}, nil
}

func clean(text string) string {
	if strings.Contains(text, "\r") {
		text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
	}
	if !utf8.ValidString(text) || strings.IndexFunc(text, unseen) >= 0 {
		text = strings.Map(func(r rune) rune {
			if unseen(r) {
				return -1
			}
			return r
		}, text)
	}
	return strings.TrimFunc(text, unicode.IsSpace)
}

// unseen tells a character that no cell keeps: a control character, a byte order mark, and what XML cannot write.
func unseen(r rune) bool {
	return r != '\n' && r != '\t' && unicode.IsControl(r) || r == '\uFEFF' || r == '\uFFFE' || r == '\uFFFF'
}

// failed tells the errors that spreadsheets show in a cell (ECMA-376 part 1, §18.17.3, and those that came later).
func failed(text string) bool {
	if !strings.HasPrefix(text, "#") {
		return text == "Err:502" || text == "Err:504" || text == "Err:508" || text == "Err:522"
	}
	switch text {
	case "#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A", "#SPILL!", "#CALC!", "#GETTING_DATA", "#BLOCKED!", "#FIELD!":
		return true
	}
	return false
}

// known counts the cells of a row that are words of a header.
func (j *job) count(r Row) int {
	n := 0
	for _, c := range r.Cells {
		if c.Kind == Words && j.knows(c.Text) {
			n++
		}
	}
	return n
}

// header finds the row that names the columns: the first that holds at least half as many known words as the best
// of the first rows.
func (g *grid) header() (int, bool) {
	first := g.rows[:min(len(g.rows), titles+1)]
	if g.job.known == nil {
		for i, r := range first {
			if len(r.Cells) > 1 {
				return i, true
			}
		}
		return 0, true
	}
	best := 0
	for _, r := range first {
		best = max(best, g.job.count(r))
	}
	for i, r := range first {
		if n := g.job.count(r); n > 0 && 2*n >= best && !g.job.pair(r, n, best) {
			return i, true
		}
	}
	return 0, false
}

// pair tells a title row "Period | 2026-11", whose one word is known, from a header of several words.
func (j *job) pair(r Row, known, best int) bool { return known == 1 && best > 1 && len(r.Cells) <= 2 }

// table makes the table of what was filled in.
func (g *grid) table(format Format) (Table, error) {
	if len(g.rows) == 0 {
		return Table{}, trouble(Empty, "no cell is filled in")
	}
	at, ok := g.header()
	if !ok {
		return Table{}, &Trouble{Reason: NoHeader, Row: g.rows[0].Number, Names: g.rows[0].words()}
	}
	if n := g.filled - at - 1; n > g.job.Rows {
		return Table{}, &Trouble{Reason: TooManyRows, Count: n, Limit: int64(g.job.Rows)}
	}
	t := Table{Format: format, HeaderRow: g.rows[at].Number, Rows: g.rows[at+1:]}
	for _, c := range g.rows[at].Cells {
		t.Header = append(t.Header, c.Text)
	}
	g.titles(&t, g.rows[:at])
	if n := g.empty + g.gap; n > 0 {
		t.Notes = append(t.Notes, Note{About: EmptyRows, Count: n})
	}
	return t, g.job.settle(&t)
}

// named makes the table of rows whose columns are named in each row.
func (g *grid) named(format Format, c columns) (Table, error) {
	header := c.header
	t := Table{Format: format, Dialect: Dialect{Paths: c.paths}, Header: header, Rows: g.rows}
	switch {
	case len(g.rows) == 0:
		return Table{}, trouble(Empty, "no rows")
	case g.job.known != nil && !slices.ContainsFunc(header, g.job.knows):
		return Table{}, &Trouble{Reason: NoHeader, Names: header[:min(len(header), listed)]}
	case g.filled > g.job.Rows:
		return Table{}, &Trouble{Reason: TooManyRows, Count: g.filled, Limit: int64(g.job.Rows)}
	}
	return t, g.job.settle(&t)
}

// numbered is named, with the numbers that a marked copy says; of counts all rows that were read.
func (g *grid) numbered(format Format, c columns, of []int) (Table, error) {
	for i, r := range g.rows {
		if r.Number <= len(of) {
			g.rows[i].Of = of[r.Number-1]
		}
	}
	return g.named(format, c)
}

// words are what the first cells of a row say, for the sentence that says which header was found.
func (r Row) words() []string {
	var all []string
	for _, c := range r.Cells {
		if c.Text != "" && len(all) < listed {
			all = append(all, c.Text)
		}
	}
	return all
}

// titles reads the rows above the header: "Period: 2026-11" in one cell, or in two.
func (g *grid) titles(t *Table, rows []Row) {
	for _, r := range rows {
		t.note(TitleRows, "", r.Number)
		var full []Cell
		for _, c := range r.Cells {
			if c.Text != "" {
				full = append(full, c)
			}
		}
		for i := 0; i < len(full); i++ {
			name, value, split := strings.Cut(strings.Replace(full[i].Text, "：", ":", 1), ":")
			name, value = strings.TrimSpace(name), strings.TrimSpace(value)
			switch {
			case split && value != "":
				t.Fields = append(t.Fields, Pair{name, Cell{value, Words}, r.Number})
			case i+1 < len(full) && (split || len(full) == 2 || g.job.knows(name)):
				t.Fields = append(t.Fields, Pair{name, full[i+1], r.Number})
				i++
			}
		}
	}
}

// settle ends every reading: it takes out what a marked copy of ours adds, notes what went wrong in cells, and cuts
// rows to the header.
func (j *job) settle(t *Table) error {
	if err := j.twice(t); err != nil {
		return err
	}
	t.unmark()
	cells, errs := 0, 0
	rows := t.Rows[:0]
	for _, r := range t.Rows {
		if t.unnamed(r) {
			t.note(Unnamed, "", r.Number)
		}
		r.Cells = r.Cells[:min(len(r.Cells), len(t.Header))]
		if !filled(r.Cells) {
			continue
		}
		for _, c := range r.Cells {
			switch {
			case c.Kind == Error:
				errs++
				t.note(FormulaErrors, "", r.Number)
			case c.Kind == Formula:
				t.note(NoValue, "", r.Number)
			case c.Text == "":
				continue
			}
			cells++
		}
		rows = append(rows, r)
	}
	t.Rows = rows
	if errs > 0 && 2*errs >= cells {
		return &Trouble{Reason: AllErrors, Count: errs}
	}
	return nil
}

func filled(cells []Cell) bool {
	for _, c := range cells {
		if c != (Cell{}) {
			return true
		}
	}
	return false
}

// unnamed tells a row that has something under no header.
func (t *Table) unnamed(r Row) bool {
	for i, c := range r.Cells {
		if c != (Cell{}) && (i >= len(t.Header) || t.Header[i] == "") {
			return true
		}
	}
	return false
}

// twice refuses a header with one known word twice: nobody could say which column is meant.
func (j *job) twice(t *Table) error {
	seen := make(map[string]bool, len(t.Header))
	for _, h := range t.Header {
		if seen[strings.ToLower(h)] && (j.known == nil || j.knows(h)) && h != "" {
			return &Trouble{Reason: TwiceNamed, Row: t.HeaderRow, Detail: h, Names: []string{h}}
		}
		seen[strings.ToLower(h)] = true
	}
	return nil
}
