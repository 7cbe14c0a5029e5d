package table

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Mark is one thing that is wrong with a row.
type Mark struct {
	Row    int // its Number in the table
	Column int // of the header, from 0; -1: the row as a whole
	Why    string
}

// Labels head the two columns that a marked copy has beside the sender's own, in the reader's language.
type Labels struct{ Row, Problem string }

// line is one row of a marked copy.
type line struct {
	of    int // its number in the file that was first sent
	cells []Cell
	why   map[int]string
	sum   string // all that is wrong with it
}

// Copy gives rows of a table back for correction, in the format that they came in and with what is wrong marked: XLSX
// and ODS by colour and a note at the cell, CSV in a column, XML by a comment, JSON by a member. Every copy also says
// which row of the first file a row is, and Read gives these rows again, without what was added. A table out of a mail
// comes back as XLSX, one out of a zip without the zip.
//
// Nothing but the header and the rows is taken over: no hidden sheet, no formula, no link. A text that a spreadsheet
// would take for a formula gets an apostrophe. CSV is UTF-8 with a byte order mark, or UTF-16 where it was: an encoding
// without a mark could not be told for sure when the copy comes back.
func Copy(t Table, marks []Mark, rows []int, l Labels) (name string, content []byte, err error) {
	lines := t.lines(marks, rows)
	var ext string
	switch t.Format {
	case CSV:
		ext = own(t.File, ".csv", ".tsv", ".tab", ".txt")
		content, err = t.csv(lines, l)
	case ODS:
		ext = ".ods"
		content, err = t.ods(lines, l)
	case XML:
		ext = ".xml"
		content, err = t.xml(lines)
	case JSON:
		ext = ".json"
		content, err = t.json(lines)
	default:
		ext = ".xlsx"
		content, err = t.xlsx(lines, l)
	}
	if err != nil {
		return "", nil, fmt.Errorf("write a marked copy as %s: %w", ext, err)
	}
	return base(t.File) + "-" + count(len(lines)) + ext, content, nil
}

func count(n int) string {
	if n == 1 {
		return "1-row"
	}
	return strconv.Itoa(n) + "-rows"
}

// own keeps the ending that the sender's file had, where it is one of the format.
func own(name string, ends ...string) string {
	if e := strings.ToLower(path.Ext(name)); slices.Contains(ends, e) {
		return e
	}
	return ends[0]
}

// longest bounds the name of a marked copy, in characters.
const longest = 60

// base is a sender's file name without its folder, its ending, and what an earlier copy put to it; only letters, digits
// and a few signs of it are given back.
func base(name string) string {
	name = path.Base(strings.ReplaceAll(clean(name), `\`, "/"))
	name = strings.TrimSuffix(name, path.Ext(name))
	name = regexp.MustCompile(`-\d+-rows?$`).ReplaceAllString(name, "")
	name = regexp.MustCompile(`[^\p{L}\p{M}\p{N} ._-]+`).ReplaceAllString(name, "_")
	if r := []rune(name); len(r) > longest {
		name = string(r[:longest])
	}
	if name = strings.Trim(name, " ._-"); name == "" {
		return "table"
	}
	return name
}

// lines are the rows that are given back, in the order of the table.
func (t Table) lines(marks []Mark, rows []int) []line {
	wanted := make(map[int]bool, len(rows))
	for _, n := range rows {
		wanted[n] = true
	}
	why := map[int][]Mark{}
	for _, m := range marks {
		why[m.Row] = append(why[m.Row], m)
	}
	var all []line
	for _, r := range t.Rows {
		if wanted[r.Number] {
			all = append(all, t.line(r, why[r.Number]))
		}
	}
	return all
}

func (t Table) line(r Row, marks []Mark) line {
	l := line{of: r.Of, why: map[int]string{}}
	if l.of == 0 {
		l.of = r.Number
	}
	for i := range t.Header {
		c := r.Cell(i)
		if c.Kind == Words || c.Kind == Error {
			c.Text = guard(c.Text)
		}
		l.cells = append(l.cells, c)
	}
	var sum []string
	for _, m := range marks {
		m.Why = clean(m.Why)
		text := m.Why
		if m.Column >= 0 && m.Column < len(t.Header) {
			l.why[m.Column] = joined(l.why[m.Column], guard(m.Why))
			text = t.Header[m.Column] + ": " + m.Why
		}
		sum = append(sum, text)
	}
	l.sum = guard(strings.Join(sum, "; "))
	return l
}

func joined(a, b string) string {
	if a == "" {
		return b
	}
	return a + "; " + b
}

// columns are the header of a copy.
func (t Table) columns(l Labels) []string {
	var all []string
	for _, h := range t.Header {
		all = append(all, guard(h))
	}
	return append(all, strings.TrimSpace(guard(l.Row)+" "+rowSign), strings.TrimSpace(guard(l.Problem)+" "+problemSign))
}
