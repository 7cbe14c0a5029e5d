package gateway

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"gatehouse/channels"
	"gatehouse/channels/text"
	"gatehouse/configs/texts"
	"gatehouse/exchange"
	"gatehouse/exchange/service"
	"gatehouse/gateway/forms"
	"gatehouse/gateway/table"
)

// rowsPrefix marks the recipient of rows that were put right on a page: rows+<reference>.
const rowsPrefix = "rows+"

// RowsTo is the recipient of what a page of a link ToCorrect says of a declaration's rows.
func RowsTo(reference string) channels.Address {
	return channels.Address{Channel: byWeb, Value: rowsPrefix + reference}
}

// rowsOf tells whether a message is rows that were put right on a page.
func rowsOf(m channels.Message) (reference string, ok bool) {
	reference, ok = strings.CutPrefix(m.To.Value, rowsPrefix)
	return reference, ok && m.To.Channel == byWeb
}

// maxPageRows bounds what a page says of rows, in bytes.
const maxPageRows = 200_000

// fromRows takes what was put right on a page. The answer goes to the mail address that the link was sent to.
func (k *talk) fromRows() {
	reference, _ := rowsOf(k.t.Message)
	m, ok := k.matterOf(reference)
	k.t.Message.To = channels.Address{Channel: k.t.Message.From.Channel}
	k.keepQuestion()
	if !ok {
		k.silent = true
		return
	}
	k.t.Message.Thread = m.Thread
	k.said = clipBytes(exchange.Normalize(k.t.Message.Text), maxPageRows)
	if !k.correct(m) {
		k.silent = true
	}
}

// order is what a reply says of one open row.
type order struct {
	keep  bool
	cells map[string]string
}

// correct reads a reply to a declaration with open rows: new values in a table or in words, or that rows stay as they
// are. false: it says nothing of rows.
func (k *talk) correct(m Matter) bool {
	c, open := k.t.correction(m.ID)
	s, known := k.d.services.ByCode(m.Service)
	if !open || !known || !m.Open() {
		return false
	}
	if k.sheet.Trouble != nil {
		k.reference, k.matter = m.Reference, m.ID
		k.subject = k.text("mail.rows.subject", k.rowArgs(m, c))
		k.sayTrouble(k.sheet.Trouble)
		return true
	}
	c.Open = slices.Clone(c.Open)
	k.keepOut()
	orders := k.orders(s, c)
	if len(orders) == 0 && !k.sheet.there() {
		return false
	}
	if !k.t.Now.Before(c.Until) { // its wake is about to end it
		return false
	}
	k.revise(s, m, &c, orders)
	return true
}

// revise settles what was said of rows, files what is right now, and answers.
func (k *talk) revise(s *service.Service, m Matter, c *Correction, orders map[int]order) {
	f := s.RowsField()
	revised := k.judged(s, *c, orders)
	var fixed, kept []forms.BadRow
	var still []forms.BadRow
	var unchanged []int
	for _, row := range c.Open {
		o, said := orders[row.Number]
		now, judged := revised[row.Number]
		switch {
		case said && o.keep && row.Keepable():
			kept = append(kept, row)
		case judged && len(now.Faults) == 0:
			fixed = append(fixed, now)
		case judged && !maps.Equal(now.Cells, row.Cells):
			still = append(still, now)
		default:
			if said {
				unchanged = append(unchanged, row.Number)
			}
			still = append(still, row)
		}
	}
	c.Open = still
	k.reference, k.matter = m.Reference, m.ID
	done := append(slices.Clone(fixed), kept...)
	c.Filed = append(slices.Clone(c.Filed), rowNumbers(done)...)
	c.Kept = append(slices.Clone(c.Kept), rowNumbers(kept)...)
	cells := make([]map[string]string, len(done))
	for i, r := range done {
		cells[i] = r.Cells
	}
	c.took(s, cells)
	k.sayRevised(*c, fixed, kept)
	m = k.fileRows(s, f, m, c, fixed, kept)
	if c.Done {
		for _, fault := range k.d.clerk.SumFaults(s, c.Answers, c.Sums, k.scene()) {
			k.say("mail.rows.sum", texts.Args{"why": k.d.clerk.Word(fault, k.scene())})
		}
	}
	k.sayOpen(m, c, orders, unchanged)
	if len(done) > 0 {
		k.rowReceipt(s, m, *c)
	}
	k.o.Corrections = append(k.o.Corrections, *c)
	k.o.Wakes = append(k.o.Wakes, k.d.correctWake(m, *c))
}

// fileRows adds the rows that are right now, and those that are kept, to the case; the last of a form that is filed as a
// whole makes it cross.
func (k *talk) fileRows(s *service.Service, f *service.Field, m Matter, c *Correction, fixed, kept []forms.BadRow) Matter {
	c.Done = len(c.Open) == 0
	rows := func(all []forms.BadRow) []exchange.Answer {
		var out []exchange.Answer
		for _, r := range all {
			out = append(out, exchange.Answer{Field: f.Name, Value: exchange.Normalize(f.RowText(r.Cells))})
		}
		return out
	}
	m.Correct = len(c.Open)
	if c.Done {
		m.CorrectBy = time.Time{}
	}
	if len(kept) > 0 {
		m.Promise = later(m.Promise, s.ReviewBy(k.t.Now, k.d.services.City.Location()))
	}
	if c.Whole {
		return k.fileHeld(s, f, m, c, append(slices.Clone(fixed), kept...))
	}
	inside := func(key string, all []forms.BadRow) string {
		return firstOf(k.said, k.t.Message.Text) + "\n" + k.d.texts.Text(k.d.services.City.Languages[0], key,
			texts.Args{"rows": numbers(rowNumbers(all)), "filed": len(c.Filed), "in": c.In})
	}
	k.rows = c.standing()
	if len(fixed) > 0 {
		k.add(m, exchange.ActAmend, inside("citizen.mail.rows.inside.fixed", fixed), rows(fixed)...)
	}
	if len(kept) > 0 {
		k.keptRows = keptRows(rowNumbers(kept), rowNumbers(kept))
		k.t.Message.Files = nil // they went along already, or say nothing of a row that stays
		k.add(m, exchange.ActKeep, inside("citizen.mail.rows.inside.kept", kept), rows(kept)...)
		k.o.Wakes = append(k.o.Wakes, promiseWake(m))
	}
	if len(fixed)+len(kept) == 0 {
		k.o.Matters = append(k.o.Matters, m)
	}
	return m
}

// keptRows names the kept of rows that cross in this order.
func keptRows(crossing, kept []int) (all []exchange.KeptRow) {
	for i, n := range crossing {
		if slices.Contains(kept, n) && len(all) < exchange.MaxKept {
			all = append(all, exchange.KeptRow{Number: int64(n), At: int64(i + 1)})
		}
	}
	return all
}

// fileHeld collects the right rows of a form that is filed as a whole, and files it with its last one.
func (k *talk) fileHeld(s *service.Service, f *service.Field, m Matter, c *Correction, rows []forms.BadRow) Matter {
	c.Answers = maps.Clone(c.Answers)
	all := slices.Clone(c.Answers[f.Name])
	for _, r := range rows {
		all = append(all, f.RowText(r.Cells))
	}
	c.Answers[f.Name] = all
	if !c.Done {
		k.o.Matters = append(k.o.Matters, m)
		return m
	}
	text := ""
	if len(c.Kept) > 0 {
		text = k.d.texts.Text(k.d.services.City.Languages[0], "citizen.mail.rows.inside.kept", texts.Args{"rows": numbers(c.Kept), "filed": len(c.Filed), "in": c.In})
	}
	files := slices.DeleteFunc(slices.Clone(c.Files), func(f channels.File) bool { return f.SHA256 == c.Workbook })
	return k.file(s, filing{answers: c.Answers, files: append(files, k.t.Message.Files...), text: text, of: &m, kept: keptRows(c.Filed, c.Kept)})
}

// sayRevised begins the answer with what was filed now.
func (k *talk) sayRevised(c Correction, fixed, kept []forms.BadRow) {
	args := texts.Args{"filed": len(c.Filed), "in": c.In}
	if len(fixed) > 0 {
		args["rows"], args["count"] = numbers(rowNumbers(fixed)), len(fixed)
		k.say("mail.rows.fixed", args)
	}
	if len(kept) > 0 && len(c.Open) > 0 {
		args["rows"], args["count"] = numbers(rowNumbers(kept)), len(kept)
		k.say("mail.rows.kept", args)
	}
}

// sayOpen says what is still open, or that all is complete.
func (k *talk) sayOpen(m Matter, c *Correction, orders map[int]order, unchanged []int) {
	args := k.rowArgs(m, *c)
	if c.Done {
		k.subject = k.text("mail.rows.subject.complete", args)
		if len(c.Kept) > 0 {
			args["rows"], args["count"], args["when"] = numbers(c.Kept), len(c.Kept), k.d.day(m.Promise, k.lang)
			k.say("mail.rows.complete.kept", args)
		} else {
			k.say("mail.rows.complete", args)
		}
		k.trackLink(m.Reference)
		return
	}
	k.subject = k.text("mail.rows.subject", args)
	var wrong []forms.BadRow
	for _, r := range c.Open {
		switch {
		case slices.Contains(unchanged, r.Number) && r.Keepable() && !orders[r.Number].keep:
			k.say("mail.rows.unchanged", texts.Args{"row": r.Number, "keyword": k.word("keep")})
		default:
			wrong = append(wrong, r)
		}
	}
	if len(wrong) > 0 {
		k.tellRows(wrong)
	}
	for _, r := range c.Open {
		if orders[r.Number].keep && !r.Keepable() {
			k.say("mail.rows.unkeepable", texts.Args{"row": r.Number})
		}
	}
	k.say("mail.rows.until", args)
	k.sayWays(m, c)
}

// judged checks the rows again that a reply changes.
func (k *talk) judged(s *service.Service, c Correction, orders map[int]order) map[int]forms.BadRow {
	f := s.RowsField()
	t := table.Table{}
	for i := range f.Fields {
		t.Header = append(t.Header, f.Fields[i].Name)
	}
	for _, row := range c.Open {
		o, ok := orders[row.Number]
		if !ok || o.keep {
			continue
		}
		r := table.Row{Number: row.Number}
		for i := range f.Fields {
			r.Cells = append(r.Cells, table.Cell{Text: o.cells[f.Fields[i].Name]})
		}
		t.Rows = append(t.Rows, r)
	}
	places := map[string]int{}
	for _, row := range c.Open {
		for _, fault := range row.Faults {
			places[fault.Column] = fault.At
		}
	}
	all := map[int]forms.BadRow{}
	for _, r := range k.d.clerk.Rejudge(s, t, c.Answers, c.Taken, places, k.scene()) {
		all[r.Number] = r
	}
	return all
}

// orders reads what the reply says of open rows, from its table and from its words.
func (k *talk) orders(s *service.Service, c Correction) map[int]order {
	all := map[int]order{}
	if k.sheet.there() {
		for n, cells := range k.d.clerk.RowsFor(s, k.sheet.Table, c.Open, c.In) {
			all[n] = order{cells: cells}
		}
	}
	for line := range strings.Lines(k.said) {
		k.lineOrder(s, c, strings.TrimSpace(line), all)
	}
	return all
}

// lineOrder reads one line: "KEEP 15", "KEEP ALL", "Row 7: 847130", "7: HS code = 847130".
func (k *talk) lineOrder(s *service.Service, c Correction, line string, all map[int]order) {
	if rest, ok := k.d.grammar.Begins("keep", line); ok {
		for _, row := range c.Open {
			if k.d.grammar.Is("all", rest) || slices.Contains(integers(rest), row.Number) {
				all[row.Number] = order{keep: true, cells: row.Cells}
			}
		}
		return
	}
	n, rest, ok := k.rowAhead(line)
	i := slices.IndexFunc(c.Open, func(r forms.BadRow) bool { return r.Number == n })
	if !ok || i < 0 {
		return
	}
	cells := maps.Clone(c.Open[i].Cells)
	if o, twice := all[n]; twice && !o.keep {
		cells = maps.Clone(o.cells)
	}
	f := s.RowsField()
	if parts := strings.FieldsFunc(rest, func(r rune) bool { return r == ';' || r == '；' || r == '\t' }); len(parts) == len(f.Fields) {
		for j := range f.Fields {
			cells[f.Fields[j].Name] = strings.TrimSpace(parts[j])
		}
	} else if column, value, ok := k.d.clerk.CellAhead(f, rest); ok {
		cells[column] = value
	} else if len(c.Open[i].Faults) == 1 && rest != "" {
		cells[c.Open[i].Faults[0].Column] = rest
	} else {
		return
	}
	all[n] = order{cells: cells}
}

// rowAhead reads the number of a row at the beginning of a line, and what follows.
func (k *talk) rowAhead(line string) (n int, rest string, ok bool) {
	folded, named := k.d.grammar.Begins("row", line)
	s := text.Digits(line)
	if named {
		i := strings.IndexFunc(s, func(r rune) bool { return r >= '0' && r <= '9' })
		if i < 0 || folded == "" {
			return 0, "", false
		}
		s = s[i:]
	}
	end := strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' })
	if end <= 0 {
		return 0, "", false
	}
	n, err := strconv.Atoi(s[:end])
	after := strings.TrimSpace(s[end:])
	if !named && !strings.HasPrefix(after, ":") && !strings.HasPrefix(after, "：") && !strings.HasPrefix(after, "=") {
		return 0, "", false
	}
	return n, strings.TrimSpace(strings.TrimLeft(after, ":：=-–.行 ")), err == nil
}

// integers are the whole numbers in a text.
func integers(s string) []int {
	var all []int
	for _, part := range strings.FieldsFunc(text.Digits(s), func(r rune) bool { return r < '0' || r > '9' }) {
		if n, err := strconv.Atoi(part); err == nil {
			all = append(all, n)
		}
	}
	return all
}
