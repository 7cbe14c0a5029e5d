package table

import (
	"encoding/json"
	"errors"
	"io"
	"strings"
)

// lists bounds the lists of objects in one file.
const lists = 64

// jsonReader reads a list of objects, or an object with such a list beside the form's own fields.
type jsonReader struct {
	job    *job
	d      *json.Decoder
	depth  int
	fields []Pair
	flat   columns // the fields as cells, for a file that is one object alone
	single []Cell
	found  []Table
	first  error
	seen   int
}

func (j *job) json(text string) (Table, error) {
	r := &jsonReader{job: j, d: json.NewDecoder(strings.NewReader(text)), flat: columns{job: j}}
	r.d.UseNumber()
	if err := r.member(nil); err != nil {
		return Table{}, broken(unexpected(err))
	}
	if _, err := r.d.Token(); !errors.Is(err, io.EOF) {
		return Table{}, trouble(Broken, "more after the end")
	}
	return r.table()
}

// unexpected makes the end in the middle of something a fault.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// table is the list with the most rows, else the one object.
func (r *jsonReader) table() (Table, error) {
	var best *Table
	for i := range r.found {
		if best == nil || len(r.found[i].Rows) > len(best.Rows) {
			best = &r.found[i]
		}
	}
	switch {
	case best != nil:
		best.Fields = r.fields
		return *best, nil
	case r.first != nil:
		return Table{}, r.first
	}
	g := grid{job: r.job}
	if err := g.add(1, r.single); err != nil {
		return Table{}, err
	}
	return g.named(JSON, r.flat)
}

// open reads one token, and goes down where it opens something.
func (r *jsonReader) open() (json.Token, error) {
	t, err := r.d.Token()
	if d, ok := t.(json.Delim); ok && (d == '{' || d == '[') {
		if r.depth++; r.depth > r.job.Depth {
			return nil, &Trouble{Reason: TooDeep, Limit: int64(r.job.Depth)}
		}
	}
	return t, err
}

// close reads the end of an object or a list.
func (r *jsonReader) close() error {
	r.depth--
	_, err := r.d.Token()
	return err
}

// object calls do with each name of an object whose start was read.
func (r *jsonReader) object(do func(name string) error) error {
	seen := map[string]bool{}
	for r.d.More() {
		t, err := r.d.Token()
		if err != nil {
			return err
		}
		name, _ := t.(string)
		if seen[name] {
			return &Trouble{Reason: TwiceNamed, Detail: name, Names: []string{name}}
		}
		if seen[name] = true; len(seen) > 4*r.job.Columns {
			return &Trouble{Reason: TooWide, Limit: int64(r.job.Columns)}
		}
		if err := do(name); err != nil {
			return err
		}
	}
	return r.close()
}

// member reads a value outside of rows.
func (r *jsonReader) member(path []string) error {
	t, err := r.open()
	if err != nil {
		return err
	}
	switch t {
	case json.Delim('{'):
		return r.object(func(name string) error { return r.member(append(path[:len(path):len(path)], name)) })
	case json.Delim('['):
		return r.list(path)
	}
	c, err := r.scalar(t, 0)
	if err != nil || len(path) == 0 || c == (Cell{}) {
		return err
	}
	if len(r.fields) < r.job.Columns {
		r.fields = append(r.fields, Pair{Name: path[len(path)-1], Value: c})
	}
	r.single, err = r.flat.put(r.single, strings.Join(path, "/"), c)
	return err
}

// scalar makes a cell of a token.
func (r *jsonReader) scalar(t json.Token, row int) (Cell, error) {
	switch v := t.(type) {
	case string:
		return r.job.cell(v, Words, row)
	case json.Number:
		if strings.ContainsAny(v.String(), "eE") {
			return epoch{}.number(v.String(), false), nil
		}
		return r.job.cell(v.String(), Number, row)
	case bool:
		if v {
			return Cell{"true", Bool}, nil
		}
		return Cell{"false", Bool}, nil
	}
	return Cell{}, nil
}

// jsonRows is one list while it is read.
type jsonRows struct {
	*jsonReader
	grid    grid
	columns columns
	cells   []Cell
	number  int
	of      []int
	bare    bool // its rows are lists themselves
	scalars int
}

// list reads a list outside of rows. What goes wrong in it counts only if no other list is a table.
func (r *jsonReader) list(path []string) error {
	if r.seen++; r.seen > lists {
		return &Trouble{Reason: TooManyCells, Detail: "lists", Limit: lists}
	}
	l := &jsonRows{jsonReader: r, grid: grid{job: r.job}, columns: columns{job: r.job}}
	for r.d.More() {
		l.number++
		if err := l.row(); err != nil {
			return err
		}
	}
	if err := r.close(); err != nil {
		return err
	}
	if l.scalars == l.number && l.number > 0 {
		return nil
	}
	t, err := l.table()
	t.Dialect.Item = strings.Join(path, "/")
	if err == nil {
		r.found = append(r.found, t)
	} else if r.first == nil {
		r.first = err
	}
	return nil
}

func (l *jsonRows) table() (Table, error) {
	if l.bare {
		return l.grid.table(JSON)
	}
	return l.grid.numbered(JSON, l.columns, l.of)
}

// row reads one entry of a list: an object, or a list of cells.
func (l *jsonRows) row() error {
	t, err := l.open()
	if err != nil {
		return err
	}
	l.cells = l.cells[:0]
	l.of = append(l.of[:min(len(l.of), l.job.Rows)], 0)
	switch t {
	case json.Delim('{'):
		err = l.object(func(name string) error { return l.cell(name, name) })
	case json.Delim('['):
		l.bare = true
		err = l.bareRow()
	default:
		l.scalars++
		return nil
	}
	if err != nil {
		return err
	}
	return l.grid.add(l.number, l.cells)
}

func (l *jsonRows) bareRow() error {
	for l.d.More() {
		t, err := l.open()
		if err != nil {
			return err
		}
		if _, opens := t.(json.Delim); opens {
			return trouble(Broken, "a list in a list in a list")
		}
		c, err := l.scalar(t, l.number)
		if err != nil {
			return err
		}
		if l.cells = append(l.cells, c); len(l.cells) > 4*l.job.Columns {
			return &Trouble{Reason: TooWide, Row: l.number, Limit: int64(l.job.Columns)}
		}
	}
	return l.close()
}

// cell reads a member of a row: one cell, those of an object in it, or a list of words for one cell.
func (l *jsonRows) cell(path, name string) error {
	t, err := l.open()
	if err != nil {
		return err
	}
	switch t {
	case json.Delim('{'):
		return l.object(func(name string) error { return l.cell(path+"/"+name, name) })
	case json.Delim('['):
		return l.several(path)
	}
	c, err := l.scalar(t, l.number)
	switch {
	case err != nil:
		return err
	case path == rowMember:
		l.of[len(l.of)-1] = whole(c.Text)
		return nil
	case name == problemMember:
		return nil
	}
	l.cells, err = l.columns.put(l.cells, path, c)
	return err
}

func (l *jsonRows) several(path string) error {
	for l.d.More() {
		t, err := l.open()
		if err != nil {
			return err
		}
		if _, opens := t.(json.Delim); opens {
			return trouble(Broken, "a list of objects in row %d", l.number)
		}
		c, err := l.scalar(t, l.number)
		if err != nil {
			return err
		}
		if l.cells, err = l.columns.put(l.cells, path, c); err != nil {
			return err
		}
	}
	return l.close()
}
