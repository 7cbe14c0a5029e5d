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
