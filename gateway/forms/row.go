package forms

import (
	"maps"
	"slices"
	"strings"

	"gatehouse/configs/texts"
	"gatehouse/exchange/service"
)

// maxAsked bounds the rows that a dialogue takes one cell after another; more come as a file.
const maxAsked = 20

// openColumn is the column that is asked next; nil: no row is being given and there is one already, or the field has
// no columns.
func openColumn(f *service.Field, d *service.Draft) *service.Field {
	if f.Kind != service.Rows || d.Row == nil && len(d.Answers[f.Name]) > 0 {
		return nil
	}
	for i := range f.Fields {
		if _, given := d.Row[f.Fields[i].Name]; !given {
			return &f.Fields[i]
		}
	}
	return nil
}

// askRow asks the open column, or whether there is one more row.
func (c *Clerk) askRow(s *service.Service, d *service.Draft, f *service.Field, step, steps int, sc Scene) Prompt {
	column := openColumn(f, d)
	rows := len(d.Answers[f.Name])
	var p Prompt
	if column == nil {
		p.Text, p.Options = c.say(sc, "form.more", texts.Args{"count": rows}), nil
	} else {
		list, options := c.choices(s, column, d, sc)
		body := join(sc, worded(column, sc), list)
		if !s.CellRequired(f, column.Name) {
			body = join(sc, body, c.say(sc, "form.skip", nil))
		}
		p = Prompt{Text: c.say(sc, "form.row", texts.Args{"label": f.Label.In(sc.Lang), "row": rows + 1, "ask": body}), Options: options}
	}
	p.Text = c.say(sc, "form.step", texts.Args{"noun": s.Noun.In(sc.Lang), "step": step, "steps": steps, "ask": p.Text})
	return p
}

// takeRow reads one cell, a whole row in one text with semicolons between its cells, or what to do after a row.
func (c *Clerk) takeRow(d *service.Draft, s *service.Service, f *service.Field, said string, sc Scene) *miss {
	if strings.ContainsAny(said, ";；") && len(d.Row) == 0 {
		cells, m := c.readRecord(s, f, said, sc)
		if m != nil {
			return m
		}
		return c.addRow(d, s, f, cells, sc)
	}
	column := openColumn(f, d)
	if column == nil {
		return c.afterRow(d, s, f, said, sc)
	}
	values, m := c.read(s, column, d.Offered, said, sc)
	if m != nil {
		return m
	}
	return c.putCell(d, s, f, column, values[0], sc)
}

// putCell keeps a cell; the last one completes the row.
func (c *Clerk) putCell(d *service.Draft, s *service.Service, f, column *service.Field, value string, sc Scene) *miss {
	row := maps.Clone(d.Row)
	if row == nil {
		row = map[string]string{}
	}
	row[column.Name] = value
	for _, fault := range s.CheckRow(f, row, d.Answers, sc.Now) {
		return &miss{text: s.Message(fault, sc.Lang)}
	}
	before := d.Row
	d.Row, d.Offered, d.Misses = row, nil, 0
	if openColumn(f, d) != nil {
		return nil
	}
	m := c.addRow(d, s, f, row, sc)
	if m != nil {
		d.Row = before
	}
	return m
}

// addRow puts a whole row to those that are there.
func (c *Clerk) addRow(d *service.Draft, s *service.Service, f *service.Field, cells map[string]string, sc Scene) *miss {
	rows := append(slices.Clone(d.Answers[f.Name]), f.RowText(cells))
	if m := c.keep(d, s, f, rows, sc); m != nil {
		return m
	}
	d.Row, d.Offered, d.Misses = nil, nil, 0
	if len(rows) >= maxAsked {
		c.advance(s, d)
	}
	return nil
}

// afterRow does what was picked after a row: 1 another, 2 go on, 3 take the last one away.
func (c *Clerk) afterRow(d *service.Draft, s *service.Service, f *service.Field, said string, sc Scene) *miss {
	rows := d.Answers[f.Name]
	n, _ := c.Grammar.Number(said)
	switch {
	case n == 1 && len(rows) < maxAsked:
		d.Row, d.Misses = map[string]string{}, 0
	case n == 2:
		c.advance(s, d)
	case n == 3:
		d.Answers[f.Name], d.Misses = slices.Clone(rows[:len(rows)-1]), 0
		if len(rows) == 1 {
			delete(d.Answers, f.Name)
		}
	default:
		return &miss{text: c.say(sc, "form.more", texts.Args{"count": len(rows)})}
	}
	return nil
}

// skipCell leaves an optional cell out.
func (c *Clerk) skipCell(s *service.Service, d *service.Draft, f *service.Field) bool {
	column := openColumn(f, d)
	if column == nil || s.CellRequired(f, column.Name) {
		return false
	}
	d.Row[column.Name], d.Offered = "", nil
	if openColumn(f, d) == nil {
		d.Answers[f.Name] = append(slices.Clone(d.Answers[f.Name]), f.RowText(d.Row))
		d.Row = nil
	}
	return true
}

// backInRow goes to the cell before, or out of a row of which nothing was given yet.
func backInRow(s *service.Service, d *service.Draft) bool {
	if AtSummary(s, *d) || d.Row == nil {
		return false
	}
	f := &s.Fields()[d.At]
	for i := len(f.Fields) - 1; i >= 0; i-- {
		if _, given := d.Row[f.Fields[i].Name]; given {
			delete(d.Row, f.Fields[i].Name)
			d.Offered = nil
			return true
		}
	}
	d.Row = nil
	return len(d.Answers[f.Name]) > 0
}

// reopenRow takes one row out to be put right: all its cells stay but the wrong one.
func reopenRow(d *service.Draft, f *service.Field, fault service.Fault) {
	rows := slices.Clone(d.Answers[f.Name])
	cells := f.RowValues(rows[fault.Row-1])
	delete(cells, fault.Column)
	d.Row = cells
	d.Answers[f.Name] = slices.Delete(rows, fault.Row-1, fault.Row)
}

// readRecord reads a whole row with semicolons or tabs between its cells, in the order of the columns. An empty cell
// is left out.
func (c *Clerk) readRecord(s *service.Service, f *service.Field, said string, sc Scene) (map[string]string, *miss) {
	parts := strings.FieldsFunc(strings.NewReplacer(";", "\x00;", "；", "\x00;", "\t", "\x00;").Replace(said), func(r rune) bool { return r == ';' })
	if len(parts) > len(f.Fields) {
		return nil, &miss{text: f.Error.In(sc.Lang)}
	}
	cells := map[string]string{}
	for i, part := range parts {
		column := &f.Fields[i]
		part = strings.TrimSpace(strings.Trim(part, "\x00"))
		if part == "" {
			continue
		}
		values, m := c.read(s, column, nil, part, sc)
		if m != nil {
			why := firstWords(m.text, column.Error.In(sc.Lang))
			return nil, &miss{text: column.Label.In(sc.Lang) + ": " + strings.ReplaceAll(why, "{answer}", echo(part))}
		}
		cells[column.Name] = values[0]
	}
	for i := range f.Fields {
		if column := &f.Fields[i]; cells[column.Name] == "" && s.CellRequired(f, column.Name) {
			return nil, &miss{text: column.Label.In(sc.Lang) + ": " + strings.ReplaceAll(column.Error.In(sc.Lang), "{answer}", "")}
		}
	}
	return cells, nil
}

func firstWords(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// message is the service's words for a fault, and where it is when that is a cell of a row.
func (c *Clerk) message(s *service.Service, fault service.Fault, sc Scene) string {
	why := s.Message(fault, sc.Lang)
	f, ok := s.Field(fault.Field)
	if !ok || fault.Row == 0 {
		return why
	}
	label := ""
	if column, ok := f.Column(fault.Column); ok {
		label = column.Label.In(sc.Lang)
	}
	return c.say(sc, "form.fault.row", texts.Args{"row": fault.Row, "label": label, "why": why})
}
