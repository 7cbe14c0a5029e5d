package table

import (
	"errors"
	"io"
	"strconv"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// page tells HTML by its beginning. Some programs export such a page under the name .xls.
func page(start string) bool {
	start = strings.ToLower(start)
	for _, sign := range []string{"<!doctype html", "<html", "<table", "<body", "<head", "<meta", "<div", "<style"} {
		if strings.HasPrefix(start, sign) {
			return true
		}
	}
	return false
}

// Body finds a table that was pasted into a mail: one in its HTML, else lines of its text with tabs between the cells.
// What is quoted of an earlier mail is passed over. found with an error, a *Trouble, is a table that cannot be taken;
// known has to be given, as letters are full of tables that only make a layout.
func Body(page, text string, known func(header string) bool, l Limits) (t Table, found bool, err error) {
	j := &job{known: known, Limits: l}
	if int64(len(page)) <= l.Bytes && page != "" {
		if t, err := j.page(page); err == nil || stands(err) {
			return t, true, err
		}
	}
	if int64(len(text)) > l.Bytes {
		return Table{}, false, nil
	}
	return j.tabs(text)
}

// stands tells a trouble of a table whose header was known.
func stands(err error) bool {
	var t *Trouble
	return errors.As(err, &t) && (t.Reason == TooManyRows || t.Reason == AllErrors || t.Reason == TwiceNamed)
}

// tabs reads the first lines with tabs whose header is known.
func (j *job) tabs(text string) (Table, bool, error) {
	var run []string
	for line := range strings.Lines(text + "\n\n") {
		if strings.Contains(line, "\t") && !strings.HasPrefix(line, ">") {
			run = append(run, strings.TrimRight(line, "\r\n"))
			continue
		}
		if len(run) > 1 {
			g := &grid{job: j}
			t, err := g.tabs(run)
			if err == nil || stands(err) {
				return t, true, err
			}
		}
		run = run[:0]
	}
	return Table{}, false, nil
}

func (g *grid) tabs(lines []string) (Table, error) {
	for i, line := range lines {
		var cells []Cell
		for text := range strings.SplitSeq(line, "\t") {
			c, err := g.job.cell(text, Words, i+1)
			if err != nil {
				return Table{}, err
			}
			if cells = append(cells, c); len(cells) > widest {
				break
			}
		}
		if err := g.add(i+1, cells); err != nil {
			return Table{}, err
		}
	}
	return g.table(Text)
}

// htmlTable is one table while it is read; tables may stand in the cells of others.
type htmlTable struct {
	grid   grid
	number int
	cells  []Cell
	down   map[int]int // columns that a cell above reaches down into, and for how many rows
	text   strings.Builder
	in     bool // in a cell
	wide   int  // columns that the open cell takes
	row    bool
	err    error // what goes wrong with it counts only if no other one is read
}

// htmlReader reads the tables of a page as they end.
type htmlReader struct {
	job   *job
	z     *html.Tokenizer
	open  []*htmlTable
	found []Table
	first error
	all   int
	quote int // quotations of an earlier mail that are open
}

// page reads the table of a page whose header is known; without known words that with the most rows.
func (j *job) page(text string) (Table, error) {
	r := &htmlReader{job: j, z: html.NewTokenizer(strings.NewReader(text))}
	r.z.SetMaxBuf(piece)
	for {
		if err := r.token(r.z.Next()); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return Table{}, err
		}
	}
	for len(r.open) > 0 {
		r.end()
	}
	best := -1
	for i := range r.found {
		if best < 0 || len(r.found[i].Rows) > len(r.found[best].Rows) {
			best = i
		}
	}
	switch {
	case best >= 0:
		return r.found[best], nil
	case r.first != nil:
		return Table{}, r.first
	}
	return Table{}, trouble(NotATable, "a page without a table")
}

func (r *htmlReader) token(t html.TokenType) error {
	switch t {
	case html.ErrorToken:
		if errors.Is(r.z.Err(), html.ErrBufferExceeded) {
			return trouble(LongCell, "over %d bytes in one piece of HTML", piece)
		}
		return r.z.Err()
	case html.TextToken:
		if top := r.top(); top != nil && top.in && top.text.Len() <= 4*r.job.Cell {
			top.text.Write(r.z.Text())
		}
	case html.StartTagToken, html.SelfClosingTagToken:
		name, attrs := r.z.TagName()
		return r.start(atom.Lookup(name), attrs)
	case html.EndTagToken:
		name, _ := r.z.TagName()
		r.close(atom.Lookup(name))
	}
	return nil
}

func (r *htmlReader) top() *htmlTable {
	if len(r.open) == 0 || r.quote > 0 {
		return nil
	}
	return r.open[len(r.open)-1]
}

func (r *htmlReader) start(a atom.Atom, attrs bool) error {
	if a == atom.Blockquote {
		r.quote++
	}
	top := r.top()
	switch {
	case a == atom.Table && r.quote == 0:
		if r.all++; len(r.open) >= r.job.Depth || r.all > names {
			return &Trouble{Reason: TooDeep, Limit: int64(r.job.Depth)}
		}
		r.open = append(r.open, &htmlTable{grid: grid{job: r.job}})
	case top == nil:
	case a == atom.Tr:
		top.endRow()
		top.row = true
		top.number++
	case a == atom.Td, a == atom.Th:
		top.endCell()
		wide, high := r.spans(attrs)
		top.begin(wide, high)
	case (a == atom.Br || a == atom.P || a == atom.Div) && top.in:
		top.text.WriteByte('\n')
	}
	return nil
}

// spans reads how many columns and rows a cell takes (html.spec.whatwg.org, §4.9.11: at most 1,000 and 65,534).
func (r *htmlReader) spans(attrs bool) (wide, high int) {
	wide, high = 1, 1
	for attrs {
		var key, value []byte
		key, value, attrs = r.z.TagAttr()
		n, err := strconv.Atoi(string(value))
		switch {
		case err != nil || n < 1:
		case string(key) == "colspan":
			wide = min(n, 1000)
		case string(key) == "rowspan":
			high = min(n, 65534)
		}
	}
	return wide, high
}

func (r *htmlReader) close(a atom.Atom) {
	if a == atom.Blockquote {
		r.quote = max(r.quote-1, 0)
	}
	top := r.top()
	switch {
	case top == nil:
	case a == atom.Table:
		r.end()
	case a == atom.Tr:
		top.endRow()
	case a == atom.Td, a == atom.Th:
		top.endCell()
	}
}

// end closes the innermost table. Tables of one row or of one column are layout.
func (r *htmlReader) end() {
	t := r.open[len(r.open)-1]
	r.open = r.open[:len(r.open)-1]
	t.endRow()
	var got Table
	err := t.err
	if err == nil {
		got, err = t.grid.table(HTML)
	}
	switch {
	case err == nil && len(got.Header) > 1 && len(got.Rows) > 0:
		if len(r.found) < lists {
			r.found = append(r.found, got)
		}
	case err != nil && (r.first == nil || stands(err) && !stands(r.first)):
		r.first = err
	}
}

// begin opens a cell, after those that reach down from above.
func (t *htmlTable) begin(wide, high int) {
	if !t.row {
		t.row = true
		t.number++
	}
	t.reach()
	t.in, t.wide = true, wide
	t.text.Reset()
	for i := range wide {
		if at := len(t.cells) + i; high > 1 && at <= t.grid.job.Columns {
			if t.down == nil {
				t.down = map[int]int{}
			}
			t.down[at] = high - 1
		}
	}
}

// reach puts empty cells where one from above takes the place. The space that a cell opens for itself is counted by
// the rows below.
func (t *htmlTable) reach() {
	for t.down[len(t.cells)] > 0 && len(t.cells) <= t.grid.job.Columns {
		t.down[len(t.cells)]--
		t.cells = append(t.cells, Cell{})
	}
}

func (t *htmlTable) endCell() {
	if !t.in {
		return
	}
	t.in = false
	c, err := t.grid.job.cell(strings.Join(strings.Fields(t.text.String()), " "), Words, t.number)
	t.fail(err)
	t.cells = append(t.cells, c)
	for range t.wide - 1 {
		if len(t.cells) <= t.grid.job.Columns {
			t.cells = append(t.cells, Cell{})
		}
	}
	if len(t.cells) > widest {
		t.fail(&Trouble{Reason: TooWide, Row: t.number, Limit: int64(t.grid.job.Columns)})
		t.cells = t.cells[:0]
	}
}

func (t *htmlTable) endRow() {
	t.endCell()
	if !t.row {
		return
	}
	t.row = false
	t.reach()
	if t.err == nil {
		t.fail(t.grid.add(t.number, t.cells))
	}
	t.cells = t.cells[:0]
}

func (t *htmlTable) fail(err error) {
	if t.err == nil && err != nil {
		t.err = err
	}
}
