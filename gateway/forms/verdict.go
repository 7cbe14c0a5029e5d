package forms

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"gatehouse/configs/texts"
	"gatehouse/exchange/service"
	"gatehouse/gateway/table"
)

// Verdict is what is right and wrong in a table, row by row.
type Verdict struct {
	// Answers hold the form's own fields, and the right rows under the field of the rows, in the order of Good.
	Answers map[string][]string
	// Faults are those of the form as a whole: while there is one, none of it can be filed.
	Faults []MailFault
	// Good are the numbers of the right rows, as the sender's program shows them.
	Good []int
	Bad  []BadRow
	// Aside are columns that are not asked, by their names.
	Aside []string
}

// BadRow is a row that can't be filed as it stands.
type BadRow struct {
	Number int
	// Cells are its values by column: canonical where they could be read, else as they stand there.
	Cells  map[string]string
	Faults []CellFault
}

// Keepable tells whether the row can be filed as stated: each value is one, only what they say together is against a
// rule. An officer then looks at it.
func (r BadRow) Keepable() bool {
	return !slices.ContainsFunc(r.Faults, func(f CellFault) bool { return !f.Rule })
}

// CellFault is one thing wrong with a row.
type CellFault struct {
	// Column is the name of the column, and At its place in the file, from 0; -1: it is not there.
	Column string
	At     int
	// Rule: the value itself is one, but a rule over the row or over all rows is broken.
	Rule bool
	// Word says it in the person's language.
	Word string
}

// judgement is a Verdict under way.
type judgement struct {
	*Clerk
	Verdict
	s       *service.Service
	f       *service.Field // of the rows
	t       table.Table
	sc      Scene
	columns map[int]int // place in the table: column of f
	rows    []BadRow    // all that were read, Faults empty where right
	whole   map[int]string
	places  map[string]int // where columns stand in the file that was sent first; nil: as in t
}

// Judge checks a table against a service with rows. given are entries that came beside the table, in the text or the
// subject of the mail; what stands in the table wins. taken tells whether a value of a unique column was filed before.
func (c *Clerk) Judge(s *service.Service, t table.Table, given []Entry, taken func(column, value string) bool, sc Scene) Verdict {
	j := &judgement{Clerk: c, s: s, f: s.RowsField(), t: t, sc: sc, columns: c.columns(s.RowsField(), t.Header), whole: map[int]string{}}
	j.head(given)
	j.missingColumns()
	if len(j.Faults) == 0 {
		j.readRows()
		j.unique(taken)
		j.settle()
	}
	return j.Verdict
}

// head reads what belongs to the whole form: columns with one value, lines above the table, and what was given.
func (j *judgement) head(given []Entry) {
	entries := slices.Clone(given)
	for _, p := range j.t.Fields {
		if f, ok := j.fieldNamed(j.s, p.Name); ok && f.Kind != service.Rows {
			entries = append(entries, Entry{p.Name, p.Value.Text})
		}
	}
	for at, name := range j.t.Header {
		if _, is := j.columns[at]; is || strings.TrimSpace(name) == "" {
			continue
		}
		f, ok := j.fieldNamed(j.s, name)
		if !ok || f.Kind == service.Rows {
			j.Aside = append(j.Aside, echo(name))
			continue
		}
		if v, ok := j.firstOf(at); ok {
			j.whole[at] = v
			entries = append(entries, Entry{name, v})
		}
	}
	j.Answers, j.Faults = j.wholeEntries(j.s, lastOfEach(j.Clerk, j.s, entries), j.sc)
}

// lastOfEach keeps the last entry of each field that takes one value.
func lastOfEach(c *Clerk, s *service.Service, entries []Entry) []Entry {
	last := map[string]int{}
	for i, e := range entries {
		if f, ok := c.fieldNamed(s, e.Name); ok && !f.Many() {
			last[f.Name] = i
		}
	}
	var all []Entry
	for i, e := range entries {
		if f, ok := c.fieldNamed(s, e.Name); !ok || f.Many() || last[f.Name] == i {
			all = append(all, e)
		}
	}
	return all
}

// firstOf is the first value of a column of the file.
func (j *judgement) firstOf(at int) (string, bool) {
	for _, r := range j.t.Rows {
		if v := cellOf(r, at); v != "" {
			return v, true
		}
	}
	return "", false
}

func cellOf(r table.Row, at int) string { return r.Cell(at).Text }

// numberOf is the number of a row in the file that was sent first.
func numberOf(r table.Row) int {
	if r.Of > 0 {
		return r.Of
	}
	return r.Number
}

// missingColumns names the columns that every row needs and the file does not have.
func (j *judgement) missingColumns() {
	for n := range j.f.Fields {
		column := &j.f.Fields[n]
		if j.s.CellRequired(j.f, column.Name) && j.place(column.Name) < 0 {
			j.Faults = append(j.Faults, MailFault{Label: column.Label.In(j.sc.Lang), Said: "-", Want: j.say(j.sc, "mail.rows.column", texts.Args{"name": column.Name})})
		}
	}
}

// place is where a column stands in the file; -1: nowhere.
func (j *judgement) place(column string) int {
	if j.places != nil {
		if at, ok := j.places[column]; ok {
			return at
		}
		return -1
	}
	for at, n := range j.columns {
		if j.f.Fields[n].Name == column {
			return at
		}
	}
	return -1
}

func (j *judgement) readRows() {
	decimals := map[int]rune{}
	for at, n := range j.columns {
		if kind := j.f.Fields[n].Kind; kind == service.Number || kind == service.Money {
			decimals[at] = j.separator(at)
		}
	}
	for _, r := range j.t.Rows {
		row := BadRow{Number: numberOf(r), Cells: map[string]string{}}
		j.otherWhole(&row, r)
		for at, n := range j.columns {
			j.cell(&row, r, at, n, decimals[at])
		}
		if len(row.Faults) == 0 {
			j.rules(&row)
		}
		slices.SortStableFunc(row.Faults, func(a, b CellFault) int { return a.At - b.At })
		j.rows = append(j.rows, row)
	}
}

// otherWhole finds a row that belongs to another form than the first: another week, another company.
func (j *judgement) otherWhole(row *BadRow, r table.Row) {
	for at, first := range j.whole {
		if v := cellOf(r, at); v != "" && !strings.EqualFold(v, first) {
			f, _ := j.fieldNamed(j.s, j.t.Header[at])
			row.Faults = append(row.Faults, CellFault{Column: f.Name, At: at,
				Word: j.say(j.sc, "mail.rows.other", texts.Args{"label": f.Label.In(j.sc.Lang), "said": quoted(v), "first": quoted(first)})})
		}
	}
}

func (j *judgement) cell(row *BadRow, r table.Row, at, n int, decimal rune) {
	column := &j.f.Fields[n]
	said := cellOf(r, at)
	v, ambiguous, ok := j.value(column, r.Cell(at), decimal)
	at = j.place(column.Name)
	if said == "" {
		if j.s.CellRequired(j.f, column.Name) {
			j.blame(row, column, at, j.say(j.sc, "mail.rows.missing", texts.Args{"label": column.Label.In(j.sc.Lang)}))
		}
		return
	}
	if !ok {
		row.Cells[column.Name] = said
		j.blame(row, column, at, j.wrongCell(column, said, ambiguous))
		return
	}
	row.Cells[column.Name] = v
	if len(j.s.CheckRow(j.f, map[string]string{column.Name: v}, nil, j.sc.Now)) > 0 {
		j.blame(row, column, at, j.wrongCell(column, said, false))
	}
}

// value reads one cell to its canonical form.
func (j *judgement) value(column *service.Field, cell table.Cell, decimal rune) (v string, ambiguous, ok bool) {
	said := cell.Text
	if column.Kind == service.Number || column.Kind == service.Money {
		if cell.Kind == table.Number {
			decimal = '.'
		}
		if v, ok = readDecimal(column, said, decimal); ok {
			return v, false, true
		}
		return "", decimal == 0 && bothWays(column, said), false
	}
	values, m := j.read(j.s, column, nil, said, j.sc)
	if m != nil || len(values) == 0 {
		return "", false, false
	}
	return values[0], false, true
}

func (j *judgement) blame(row *BadRow, column *service.Field, at int, word string) {
	row.Faults = append(row.Faults, CellFault{Column: column.Name, At: at, Word: word})
}

// wrongCell says what is wrong with a value, and what was meant where that can be told.
func (j *judgement) wrongCell(column *service.Field, said string, ambiguous bool) string {
	args := texts.Args{"label": column.Label.In(j.sc.Lang), "said": quoted(said), "want": column.Error.In(j.sc.Lang)}
	var word string
	switch stated := column.Stated.In(j.sc.Lang); {
	case ambiguous:
		return j.say(j.sc, "mail.rows.ambiguous", args)
	case stated != "":
		args["want"] = stated
		word = j.say(j.sc, "mail.rows.stated", args)
	default:
		args["want"] = strings.ReplaceAll(column.Error.In(j.sc.Lang), "{answer}", echo(said))
		word = j.say(j.sc, "mail.rows.cell", args)
	}
	if meant, ok := j.suggest(column, said); ok {
		word += " " + j.say(j.sc, "mail.rows.meant", texts.Args{"meant": meant})
	}
	return word
}

// rules checks what the values of a row say together.
func (j *judgement) rules(row *BadRow) {
	for _, fault := range j.s.CheckRow(j.f, row.Cells, j.Answers, j.sc.Now) {
		column, _ := j.f.Column(fault.Column)
		word := ""
		for _, check := range j.f.Checks {
			if check.ID == fault.ID {
				word = firstWords(j.f.State(check, row.Cells, j.sc.Lang), check.Message.In(j.sc.Lang))
				word += j.swapped(check, row.Cells)
			}
		}
		label := ""
		if column != nil {
			label = column.Label.In(j.sc.Lang)
		}
		row.Faults = append(row.Faults, CellFault{Column: fault.Column, At: j.place(fault.Column), Rule: true,
			Word: firstWords(word, label+": "+j.s.Message(fault, j.sc.Lang))})
	}
}

// swapped tells that a rule would hold were two numbers of the row in each other's place.
func (j *judgement) swapped(check service.Check, cells map[string]string) string {
	r, err := service.ParseRule(check.Rule)
	if err != nil {
		return ""
	}
	var named []string
	for i := range j.f.Fields {
		if f := &j.f.Fields[i]; (f.Kind == service.Number || f.Kind == service.Money) && wordOf(check.Rule, f.Name) && j.place(f.Name) >= 0 {
			named = append(named, f.Name)
		}
	}
	if len(named) != 2 {
		return ""
	}
	turned := map[string][]string{named[0]: {cells[named[1]]}, named[1]: {cells[named[0]]}}
	if holds, ok := r.Holds(service.Scope{Answers: turned}); !ok || !holds {
		return ""
	}
	at := []int{j.place(named[0]), j.place(named[1])}
	slices.Sort(at)
	return " " + j.say(j.sc, "mail.rows.swapped", texts.Args{"a": letter(at[0]), "b": letter(at[1])})
}

func wordOf(rule, name string) bool {
	return regexp.MustCompile(`\b` + regexp.QuoteMeta(name) + `\b`).MatchString(rule)
}

// letter is what spreadsheets call the nth column, from 0: A, B … Z, AA.
func letter(n int) string {
	name := ""
	for n++; n > 0; n = (n - 1) / 26 {
		name = string(rune('A'+(n-1)%26)) + name
	}
	return name
}

// uniqueRule reads "unique(goods.package)".
var uniqueRule = regexp.MustCompile(`^\s*unique\(\s*(\w+)\.(\w+)\s*\)\s*$`)

// unique blames the later of two rows with one value in a column whose values must differ.
func (j *judgement) unique(taken func(column, value string) bool) {
	for _, check := range j.s.Dialogue.Checks {
		found := uniqueRule.FindStringSubmatch(check.Rule)
		if found == nil || found[1] != j.f.Name {
			continue
		}
		column, ok := j.f.Column(found[2])
		if !ok {
			continue
		}
		first := map[string]int{}
		for i := range j.rows {
			row := &j.rows[i]
			v := row.Cells[column.Name]
			n, twice := first[v]
			filed := taken != nil && taken(column.Name, v)
			switch args := (texts.Args{"label": column.Label.In(j.sc.Lang), "said": quoted(v), "row": n}); {
			case v == "":
			case twice:
				j.blame(row, column, j.place(column.Name), j.say(j.sc, "mail.rows.twice", args))
			case filed:
				j.blame(row, column, j.place(column.Name), j.say(j.sc, "mail.rows.taken", args))
			default:
				first[v] = row.Number
			}
		}
	}
}

// settle parts the right rows from the wrong ones and checks the form as a whole.
func (j *judgement) settle() {
	for _, row := range j.rows {
		if len(row.Faults) > 0 {
			j.Bad = append(j.Bad, row)
			continue
		}
		j.Good = append(j.Good, row.Number)
		j.Answers[j.f.Name] = append(j.Answers[j.f.Name], j.f.RowText(row.Cells))
	}
	if most := j.s.Schema.Properties[j.f.Name].MaxItems; most != nil && len(j.rows) > *most || len(j.rows) == 0 {
		j.Faults = append(j.Faults, MailFault{Label: j.f.Label.In(j.sc.Lang), Said: quoted(fmt.Sprint(len(j.rows))), Want: j.f.Error.In(j.sc.Lang)})
		return
	}
	j.Faults = append(j.Faults, j.WholeFaults(j.s, j.Answers, len(j.Bad) > 0, j.sc)...)
}

// WholeFaults checks a form with rows as a whole: its own fields, and the sums over its rows. While rows are open
// nothing that the missing ones could mend counts.
func (c *Clerk) WholeFaults(s *service.Service, answers map[string][]string, open bool, sc Scene) []MailFault {
	f, rows := s.RowsField(), answers
	if open { // a sum is not known yet, nor is a count
		rows = map[string][]string{}
		for name, v := range answers {
			if name != f.Name {
				rows[name] = v
			}
		}
	}
	var all []MailFault
	s.Compute(rows, sc.Now)
	for _, fault := range s.CheckOn(sc.Channel, rows, sc.Now) {
		field, ok := s.Field(fault.Field)
		if !ok || open && (field == f || fault.ID != "required" && overRows(s, fault.ID)) {
			continue
		}
		said := ""
		if len(answers[fault.Field]) > 0 && field.Kind != service.Rows {
			said = s.Show(fault.Field, answers[fault.Field], sc.Lang)
		}
		all = append(all, MailFault{Label: field.Label.In(sc.Lang), Said: quoted(said), Want: c.wanted(s, fault, sc)})
	}
	return all
}

// overRows tells whether a check of the form looks at its rows.
func overRows(s *service.Service, id string) bool {
	for _, check := range s.Dialogue.Checks {
		if check.ID == id && strings.Contains(check.Rule, s.RowsField().Name+".") {
			return true
		}
	}
	return false
}

// wholeEntries reads the entries that belong to the form and not to a row; what is missing is not looked at yet.
func (c *Clerk) wholeEntries(s *service.Service, entries []Entry, sc Scene) (map[string][]string, []MailFault) {
	answers := map[string][]string{}
	var faults []MailFault
	for _, e := range entries {
		f, ok := c.fieldNamed(s, e.Name)
		if !ok || f.Kind == service.Rows {
			continue
		}
		values, m := c.readEntry(s, f, e.Value, sc)
		if m == nil {
			m = c.wrongOne(s, f, values, sc)
		}
		if m != nil {
			want := firstWords(m.text, c.wanted(s, service.Fault{Field: f.Name}, sc))
			faults = append(faults, MailFault{Label: f.Label.In(sc.Lang), Said: quoted(e.Value), Want: want})
			continue
		}
		answers[f.Name] = append(answers[f.Name], values...)
	}
	s.Prune(answers)
	return answers, faults
}

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
