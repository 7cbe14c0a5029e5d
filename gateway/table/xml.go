package table

import (
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
)

const (
	// names bounds the places of elements in one file: more are made by a machine to hurt.
	names = 4096
	// together bounds the bytes of the words of one name that are put into one cell, as each one copies those before.
	together = 1000
	// rowMember and problemMember are what a marked copy adds to a row in XML and JSON.
	rowMember     = "_row"
	problemMember = "_problem"
)

// spot is a place of elements: all with the same names down from the root.
type spot struct {
	name   string
	parent *spot
	kids   map[string]*spot
	attrs  map[string]bool
	depth  int
	total  int // elements
	most   int // under one parent
}

// xml reads rows as the elements that stand more than once beside each other; what they hold, attributes too, are cells.
func (j *job) xml(text string) (Table, error) {
	root, err := j.survey(text)
	if err != nil {
		return Table{}, err
	}
	item := j.item(root)
	if item == nil {
		return Table{}, &Trouble{Reason: NoHeader, Names: root.words()}
	}
	r := &xmlReader{job: j, pull: j.pull(strings.NewReader(text)), item: strings.Split(item.path(), "/"), grid: grid{job: j}}
	r.columns.job = j
	return r.read()
}

// survey counts the elements of each place.
func (j *job) survey(text string) (*spot, error) {
	p := j.pull(strings.NewReader(text))
	top := &spot{kids: map[string]*spot{}}
	at, all := top, 0
	counts := []map[*spot]int{{}}
	for {
		t, err := p.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		switch e := t.(type) {
		case xml.StartElement:
			next, made := at.kid(e)
			if all += made; all > names {
				return nil, trouble(TooWide, "over %d names of elements", names)
			}
			counts[len(counts)-1][next]++
			next.total++
			next.most = max(next.most, counts[len(counts)-1][next])
			at, counts = next, append(counts, map[*spot]int{})
		case xml.EndElement:
			at, counts = at.parent, counts[:len(counts)-1]
		}
	}
	for _, root := range top.kids {
		return root, nil
	}
	return nil, trouble(Broken, "no element")
}

// kid is the place of an element under another one, and how many names it adds.
func (s *spot) kid(e xml.StartElement) (*spot, int) {
	made := 0
	next := s.kids[e.Name.Local]
	if next == nil {
		next = &spot{name: e.Name.Local, parent: s, depth: s.depth + 1, kids: map[string]*spot{}, attrs: map[string]bool{}}
		s.kids[e.Name.Local] = next
		made++
	}
	for _, a := range e.Attr {
		if plainAttr(a) && !next.attrs[a.Name.Local] {
			next.attrs[a.Name.Local] = true
			made++
		}
	}
	return next, made
}

// plainAttr tells an attribute that says something, from one about the XML itself.
func plainAttr(a xml.Attr) bool {
	return a.Name.Space != "xmlns" && a.Name.Local != "xmlns" && a.Name.Space != "http://www.w3.org/2001/XMLSchema-instance"
}

func (s *spot) path() string {
	if s.parent == nil || s.parent.parent == nil {
		return s.name
	}
	return s.parent.path() + "/" + s.name
}

func (s *spot) words() []string {
	var all []string
	s.walk(func(k *spot) {
		if len(k.kids) == 0 && len(all) < listed && k.name != problemMember {
			all = append(all, k.name)
		}
	})
	slices.Sort(all)
	return all
}

func (s *spot) walk(do func(*spot)) {
	do(s)
	for _, k := range s.kids {
		k.walk(do)
	}
}

// rank is how likely a place is that of the rows: compared one after the other.
type rank [5]int

// item is the place of the rows; nil: no place has a known word.
func (j *job) item(root *spot) *spot {
	var best *spot
	var top rank
	root.walk(func(s *spot) {
		if len(s.kids)+len(s.attrs) == 0 {
			return
		}
		direct, deep := j.leaves(s)
		r := rank{0, direct, deep, s.total, -s.depth}
		switch {
		case s.attrs[rowMember]: // a marked copy, where one row may stand alone
			r[0] = 2
		case s.most > 1:
			r[0] = 1
		default: // nothing stands twice: what holds most words, the inner one of two
			r = rank{0, direct, s.depth, deep, 0}
		}
		switch {
		case r[0] < 2 && j.known != nil && (deep == 0 || s.most < 2 && direct == 0):
		case best == nil, slices.Compare(r[:], top[:]) > 0, slices.Compare(r[:], top[:]) == 0 && s.path() < best.path():
			best, top = s, r
		}
	})
	return best
}

// leaves counts the known words that name a cell of an element: right below it, and at any depth.
func (j *job) leaves(s *spot) (direct, deep int) {
	for a := range s.attrs {
		if j.known == nil || j.knows(a) {
			direct++
		}
	}
	deep = direct
	for _, k := range s.kids {
		_, below := j.leaves(k)
		if len(k.kids) == 0 && (j.known == nil || j.knows(k.name)) {
			direct++
			below++
		}
		deep += below
	}
	return direct, deep
}

// columns gives each path in a row its column, in the order in which they turn up.
type columns struct {
	job    *job
	index  map[string]int
	header []string
	paths  []string
}

// of gives the column of a path. Its word is the last name alone where that is known and not taken.
func (c *columns) of(path string) (int, error) {
	if i, ok := c.index[path]; ok {
		return i, nil
	}
	if len(c.paths) >= c.job.Columns {
		return 0, &Trouble{Reason: TooWide, Count: len(c.paths) + 1, Limit: int64(c.job.Columns)}
	}
	word := strings.ReplaceAll(path, "@", "")
	last := word[strings.LastIndexByte(word, '/')+1:]
	if c.job.knows(last) && !c.job.knows(word) {
		word = last
	}
	if slices.Contains(c.header, word) {
		word = path
	}
	cell, err := c.job.cell(word, Words, 0)
	if err != nil {
		return 0, err
	}
	if c.index == nil {
		c.index = map[string]int{}
	}
	c.index[path] = len(c.paths)
	c.paths, c.header = append(c.paths, path), append(c.header, cell.Text)
	return c.index[path], nil
}

// put writes a cell of a row; a second one of the same path goes on after a comma.
func (c *columns) put(cells []Cell, path string, cell Cell) ([]Cell, error) {
	i, err := c.of(path)
	if err != nil {
		return cells, err
	}
	for len(cells) <= i {
		cells = append(cells, Cell{})
	}
	if before := cells[i]; before != (Cell{}) && cell != (Cell{}) {
		if len(before.Text) > together {
			return cells, &Trouble{Reason: LongCell, Detail: "many of " + path, Limit: together}
		}
		cell = Cell{Text: before.Text + ", " + cell.Text}
	}
	cells[i] = cell
	return cells, nil
}

// xmlReader reads the rows of a file whose place of rows is known.
type xmlReader struct {
	job     *job
	pull    *pull
	item    []string
	path    []string
	grid    grid
	columns columns
	cells   []Cell
	number  int
	of      []int // the numbers that a marked copy says
	text    strings.Builder
	leaf    bool // nothing but text came since the last start
	fields  []Pair
}

func (r *xmlReader) read() (Table, error) {
	for {
		t, err := r.pull.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return Table{}, err
		}
		switch e := t.(type) {
		case xml.StartElement:
			err = r.start(e)
		case xml.EndElement:
			err = r.end()
		case xml.CharData:
			if r.text.Len() <= 4*r.job.Cell {
				r.text.Write(e)
			}
		}
		if err != nil {
			return Table{}, err
		}
	}
	return r.table()
}

func (r *xmlReader) start(e xml.StartElement) error {
	r.path = append(r.path, e.Name.Local)
	r.text.Reset()
	r.leaf = true
	if slices.Equal(r.path, r.item) {
		r.number++
		r.cells = r.cells[:0]
		r.of = append(r.of[:min(len(r.of), r.job.Rows)], 0)
	}
	for _, a := range e.Attr {
		if !plainAttr(a) {
			continue
		}
		if a.Name.Local == rowMember && len(r.path) == len(r.item) {
			r.of[len(r.of)-1] = whole(a.Value)
			continue
		}
		if err := r.cell(append(slices.Clone(r.path), "@"+a.Name.Local), a.Value); err != nil {
			return err
		}
	}
	return nil
}

func (r *xmlReader) end() error {
	path := r.path
	r.path = r.path[:len(r.path)-1]
	leaf := r.leaf
	r.leaf = false
	if slices.Equal(path, r.item) {
		if leaf && strings.TrimSpace(r.text.String()) != "" {
			if err := r.cell(append(slices.Clone(path), "#"), r.text.String()); err != nil {
				return err
			}
		}
		return r.grid.add(r.number, r.cells)
	}
	if !leaf {
		return nil
	}
	return r.cell(path, r.text.String())
}

// cell takes a text at a path: into the row that it is in, else as a field of the form.
func (r *xmlReader) cell(path []string, text string) error {
	c, err := r.job.cell(text, Words, r.number)
	if err != nil {
		return err
	}
	in := len(path) > len(r.item) && slices.Equal(path[:len(r.item)], r.item)
	switch {
	case path[len(path)-1] == problemMember:
	case in:
		r.cells, err = r.columns.put(r.cells, strings.Join(path[len(r.item):], "/"), c)
	case c != (Cell{}) && len(r.fields) < r.job.Columns:
		r.fields = append(r.fields, Pair{Name: strings.TrimPrefix(path[len(path)-1], "@"), Value: c})
	}
	return err
}

func (r *xmlReader) table() (Table, error) {
	t, err := r.grid.numbered(XML, r.columns, r.of)
	t.Dialect.Item = strings.Join(r.item, "/")
	t.Fields = r.fields
	return t, err
}

// whole reads a number of a row; 0 where it is none.
func whole(s string) int {
	n := 0
	for _, c := range s {
		if c < '0' || c > '9' || n > 1<<24 {
			return 0
		}
		n = n*10 + int(c-'0')
	}
	return n
}
