package table

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"slices"
	"strconv"
	"strings"
)

// node is one element or member of a row that is given back.
type node struct {
	name string
	cell *Cell // nil: it holds others
	kids []*node
}

// kid gives the child of a name, a new one where there is none.
func (n *node) kid(name string) *node {
	for _, k := range n.kids {
		if k.name == name {
			return k
		}
	}
	k := &node{name: name}
	n.kids = append(n.kids, k)
	return k
}

// tree puts the cells of a row where they were.
func (t Table) tree(l line) *node {
	paths := t.Dialect.Paths
	if len(paths) != len(t.Header) {
		paths = t.Header
	}
	root := &node{}
	for i, path := range paths {
		c := l.cells[i]
		if c == (Cell{}) && (strings.Contains(path, "/") || slices.ContainsFunc(paths, func(p string) bool { return strings.HasPrefix(p, path+"/") })) {
			continue // it may stand for an element that others lie in
		}
		at := root
		for name := range strings.SplitSeq(path, "/") {
			at = at.kid(name)
		}
		at.cell = &c
	}
	return root
}

// xml writes the rows under the elements that they had, each after a comment of what is wrong with it.
func (t Table) xml(lines []line) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString(xml.Header)
	item := strings.Split(t.Dialect.Item, "/")
	if len(item) < 2 {
		item = append([]string{"rows"}, item...)
	}
	around, name := item[:len(item)-1], item[len(item)-1]
	for _, n := range around {
		b.WriteString("<" + n + ">\n")
	}
	for _, l := range lines {
		if l.sum != "" {
			b.WriteString("<!-- " + strings.ReplaceAll(l.sum, "-", "‐") + " -->\n")
		}
		root := t.tree(l)
		root.name = name
		root.kids = append([]*node{{name: "@" + rowMember, cell: &Cell{Text: strconv.Itoa(l.of)}}}, root.kids...)
		root.xml(&b)
		b.WriteString("\n")
	}
	for _, n := range slices.Backward(around) {
		b.WriteString("</" + n + ">\n")
	}
	return b.Bytes(), nil
}

func (n *node) xml(b *bytes.Buffer) {
	b.WriteString("<" + n.name)
	for _, k := range n.kids {
		if name, ok := strings.CutPrefix(k.name, "@"); ok && k.cell != nil {
			b.WriteString(" " + name + `="` + escape(k.cell.Text) + `"`)
		}
	}
	b.WriteString(">")
	if n.cell != nil {
		b.WriteString(escape(n.cell.Text))
	}
	for _, k := range n.kids {
		switch {
		case k.name == "#":
			b.WriteString(escape(k.cell.Text))
		case !strings.HasPrefix(k.name, "@"):
			k.xml(b)
		}
	}
	b.WriteString("</" + n.name + ">")
}

// json writes the rows under the members that they had, with what is wrong as a member of each.
func (t Table) json(lines []line) ([]byte, error) {
	var b bytes.Buffer
	around := strings.Split(t.Dialect.Item, "/")
	if t.Dialect.Item == "" {
		around = nil
	}
	for _, n := range around {
		b.WriteString("{" + quote(n) + ": ")
	}
	b.WriteString("[\n")
	for i, l := range lines {
		if i > 0 {
			b.WriteString(",\n")
		}
		root := t.tree(l)
		root.kids = append([]*node{{name: rowMember, cell: &Cell{strconv.Itoa(l.of), Number}}, {name: problemMember, cell: &Cell{Text: l.sum}}}, root.kids...)
		root.json(&b)
	}
	b.WriteString("\n]" + strings.Repeat("}", len(around)) + "\n")
	return b.Bytes(), nil
}

func (n *node) json(b *bytes.Buffer) {
	if len(n.kids) == 0 && n.cell != nil {
		b.WriteString(n.cell.json())
		return
	}
	b.WriteString("{")
	for i, k := range n.kids {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(quote(k.name) + ": ")
		k.json(b)
	}
	b.WriteString("}")
}

func (c Cell) json() string {
	if (c.Kind == Number || c.Kind == Bool) && json.Valid([]byte(c.Text)) {
		return c.Text
	}
	return quote(c.Text)
}

func quote(s string) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		return `""`
	}
	return strings.TrimSpace(b.String())
}
