package forms

import (
	"strings"

	"gatehouse/exchange/service"
	"gatehouse/gateway/table"
)

// Rejudge checks rows of a declaration again that was filed before: answers are its own fields, taken tells what was
// filed of unique columns, and places where the columns stand in the file that was sent first. Right rows have no faults.
func (c *Clerk) Rejudge(s *service.Service, t table.Table, answers map[string][]string, taken func(column, value string) bool, places map[string]int, sc Scene) []BadRow {
	j := &judgement{Clerk: c, s: s, f: s.RowsField(), t: t, sc: sc, columns: c.columns(s.RowsField(), t.Header), places: places}
	j.Answers = answers
	j.readRows()
	j.unique(taken)
	return j.rows
}

// RowsFor finds the open rows in a table that came back: by the number that its row had in the first file, by its place
// where the whole file came again, else by a value that no other row may have. It gives the cells by column; columns
// that the table leaves out keep what they had.
func (c *Clerk) RowsFor(s *service.Service, t table.Table, open []BadRow, in int) map[int]map[string]string {
	f := s.RowsField()
	columns, all := c.columns(f, t.Header), map[int]map[string]string{}
	if len(columns) == 0 {
		return all
	}
	unique := UniqueColumns(s)
	for place, r := range t.Rows {
		given := map[string]string{}
		for at, n := range columns {
			given[f.Fields[n].Name] = r.Cell(at).Text
		}
		if row, ok := openRow(open, r, given, unique, len(t.Rows) == in, len(t.Rows) == len(open), place); ok {
			for name, v := range row.Cells {
				if _, there := given[name]; !there {
					given[name] = v
				}
			}
			all[row.Number] = given
		}
	}
	return all
}

// openRow finds the open row that a row of a table is.
func openRow(open []BadRow, r table.Row, given map[string]string, unique []string, whole, alone bool, place int) (BadRow, bool) {
	for _, row := range open {
		switch {
		case r.Of > 0:
			if row.Number == r.Of {
				return row, true
			}
		case whole:
			if row.Number == r.Number {
				return row, true
			}
		default:
			for _, column := range unique {
				v := given[column]
				if alone = alone && v == ""; v != "" && strings.EqualFold(v, row.Cells[column]) {
					return row, true
				}
			}
		}
	}
	if r.Of == 0 && !whole && alone {
		return open[place], true
	}
	return BadRow{}, false
}

// UniqueColumns are the columns of a service's rows in which no value may come twice.
func UniqueColumns(s *service.Service) []string {
	f := s.RowsField()
	var all []string
	for _, check := range s.Dialogue.Checks {
		if found := uniqueRule.FindStringSubmatch(check.Rule); f != nil && found != nil && found[1] == f.Name {
			all = append(all, found[2])
		}
	}
	return all
}

// CellAhead reads "HS code: 847130" or "hs 847130": a column of f by its name or label, and its value.
func (c *Clerk) CellAhead(f *service.Field, said string) (column, value string, ok bool) {
	if at := strings.IndexAny(said, ":=："); at > 0 {
		for i := range f.Fields {
			if c.called(&f.Fields[i], said[:at]) {
				return f.Fields[i].Name, strings.TrimSpace(strings.TrimLeft(said[at:], ":=： ")), true
			}
		}
	}
	words := strings.Fields(said)
	for n := len(words) - 1; n > 0; n-- {
		for i := range f.Fields {
			if c.called(&f.Fields[i], strings.Join(words[:n], " ")) {
				return f.Fields[i].Name, strings.Join(words[n:], " "), true
			}
		}
	}
	return "", "", false
}

// Heads tells whether a word names a field of s or a column of its rows.
func (c *Clerk) Heads(s *service.Service, header string) bool {
	if _, ok := c.fieldNamed(s, header); ok {
		return true
	}
	f := s.RowsField()
	return f != nil && len(c.columns(f, []string{header})) > 0
}

// Nil checks a return for a period in which nothing happened: all fields but the rows.
func (c *Clerk) Nil(s *service.Service, entries []Entry, sc Scene) (map[string][]string, []MailFault) {
	answers, faults := c.wholeEntries(s, lastOfEach(c, s, entries), sc)
	if len(faults) == 0 {
		faults = c.WholeFaults(s, answers, true, sc)
	}
	return answers, faults
}
