package gateway

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"gatehouse/channels"
	"gatehouse/configs/texts"
	"gatehouse/exchange"
	"gatehouse/exchange/receipt"
	"gatehouse/exchange/service"
	"gatehouse/gateway/forms"
	"gatehouse/gateway/table"
)

// declareRows takes in a table with a row for each thing that is declared.
func (k *talk) declareRows(s *service.Service, dry bool) {
	k.keepOut()
	given := append(k.subjectTags(), k.d.clerk.Lines(s, k.said)...)
	v := k.d.clerk.Judge(s, k.sheet.Table, given, nil, k.scene())
	name := s.Name.In(k.lang)
	before, again := k.filedBefore(s, v)
	switch {
	case len(v.Faults) > 0:
		k.refuse(name, v.Faults, v.Bad)
	case dry && len(v.Bad) == 0:
		k.say("mail.dry.good", texts.Args{"service": name, "list": k.d.clerk.List(s, v.Answers, k.lang)})
	case dry:
		k.subject = k.text("mail.subject.faults", texts.Args{"service": name})
		k.say("mail.rows.dry", texts.Args{"service": name, "in": len(v.Good) + len(v.Bad), "filed": len(v.Good), "open": len(v.Bad)})
		k.tellRows(v.Bad)
	case again:
		k.sayFiledBefore(before)
	case rowBytes(s.RowsField().Name, v.Answers) > maxRowBytes:
		k.say("mail.rows.large", texts.Args{"in": len(v.Good) + len(v.Bad)})
	case len(v.Bad) == 0:
		m := k.declared(s, v.Answers)
		k.setPeriod(s, m, v)
		k.saySecond(s, m, period(s, v.Answers))
	default:
		k.saySecond(s, k.openCorrection(s, v), period(s, v.Answers))
	}
	k.sayNotes(v)
}

// maxRowBytes bounds the rows of one declaration, so that they cross as one document (exchange.MaxContent).
const maxRowBytes = exchange.MaxContent - 30<<10

// rowBytes is what rows take up in a document, with what stands around each.
func rowBytes(field string, answers map[string][]string) int {
	n := 0
	for _, r := range answers[field] {
		n += len(r) + len(field) + len(`{"field":"","value":""},`)
	}
	return n
}

// setPeriod notes in a case by what its declaration is known again.
func (k *talk) setPeriod(s *service.Service, m Matter, v forms.Verdict) {
	i := slices.IndexFunc(k.o.Matters, func(x Matter) bool { return x.ID == m.ID })
	k.o.Matters[i].Period, k.o.Matters[i].Digest = period(s, v.Answers), k.tableDigest()
}

// period is what a declaration is about, and for whom.
func period(s *service.Service, answers map[string][]string) string {
	return strings.Join(append(slices.Clone(answers[s.Declare.Company]), answers[s.Declare.Period]...), " ")
}

// keepOut takes the file of the table from those that cross: its rows do, each checked, and an office file is what a border
// trusts least. A CSV is text and goes along. The receipt names the file all the same.
func (k *talk) keepOut() {
	if k.sheet.File == 0 || k.sheet.Table.Format == table.CSV || k.workbook.SHA256 != "" {
		return
	}
	i := k.sheet.File - 1
	k.workbook = k.t.Message.Files[i]
	k.t.Message.Files = slices.Delete(slices.Clone(k.t.Message.Files), i, i+1)
}

// sentFiles are all files of the mail, for its receipt.
func (k *talk) sentFiles() []channels.File {
	if k.workbook.SHA256 == "" {
		return k.t.Message.Files
	}
	return append([]channels.File{k.workbook}, k.t.Message.Files...)
}

// tableFile is the file with the table; zero: it stands in the mail's text.
func (k *talk) tableFile() channels.File {
	if n := k.sheet.File; k.workbook.SHA256 == "" && n > 0 && n <= len(k.t.Message.Files) {
		return k.t.Message.Files[n-1]
	}
	return k.workbook
}

// tableDigest is the SHA-256 of the file with the table; of one that stands in the mail's text, that of its cells.
func (k *talk) tableDigest() string {
	if sum := k.tableFile().SHA256; sum != "" || !k.sheet.there() {
		return sum
	}
	h := sha256.New()
	for _, line := range k.sheet.rows() {
		fmt.Fprintf(h, "%q\n", line)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// filedBefore finds the case that the same bytes for the same period became before.
func (k *talk) filedBefore(s *service.Service, v forms.Verdict) (Matter, bool) {
	digest := k.tableDigest()
	for _, m := range k.t.Matters {
		if digest != "" && m.Digest == digest && m.Service == s.Code && m.Period == period(s, v.Answers) && m.Decision != exchange.Withdrawn {
			return m, true
		}
	}
	return Matter{}, false
}

// saySecond names the newest other case that stands for what m declares: a second file for a period takes the place of none.
func (k *talk) saySecond(s *service.Service, m Matter, about string) {
	i := slices.IndexFunc(k.t.Matters, func(x Matter) bool {
		return x.ID != m.ID && x.Service == s.Code && x.Period == about && x.Decision != exchange.Withdrawn && x.State != exchange.Blocked
	})
	if s.Declare.Period != "" && i >= 0 {
		k.say("mail.rows.second", texts.Args{"reference": k.t.Matters[i].Reference, "at": k.filedAt(k.t.Matters[i].FiledAt)})
	}
}

func (k *talk) sayFiledBefore(m Matter) {
	k.reference, k.matter = m.Reference, m.ID
	k.subject = k.text("notice.subject", texts.Args{"reference": m.Reference, "title": m.Name})
	k.say("mail.rows.again", texts.Args{"reference": m.Reference, "at": k.filedAt(m.FiledAt)})
	if c, ok := k.t.correction(m.ID); ok {
		k.tellRows(c.Open)
		k.instead("")
		k.sayWays(m, &c)
	}
}

// openCorrection files the right rows, where the service takes them by themselves, and asks for the others.
func (k *talk) openCorrection(s *service.Service, v forms.Verdict) Matter {
	whole := s.Declare.Partial == service.PartialWhole || len(v.Good) == 0
	f := filing{answers: v.Answers, files: k.t.Message.Files, hold: whole}
	in := len(v.Good) + len(v.Bad)
	if !whole {
		f.text = k.d.texts.Text(k.d.services.City.Languages[0], "citizen.mail.rows.inside.open",
			texts.Args{"filed": len(v.Good), "in": in, "rows": numbers(rowNumbers(v.Bad))})
	}
	until := s.CorrectBy(k.t.Now, k.d.services.City.Location())
	f.rows = []exchange.Rows{{Filed: int64(len(v.Good)), Open: int64(len(v.Bad)), Until: until.UTC()}}
	m := k.file(s, f)
	c := Correction{
		Matter: m.ID, Until: until, File: k.tableName(), Whole: whole, In: in, Filed: v.Good,
		Open: v.Bad, Salt: k.t.NewID(), Answers: v.Answers,
	}
	for _, file := range usable(k.sentFiles()) {
		file.Open = nil
		c.Files = append(c.Files, file)
	}
	c.Workbook = k.workbook.SHA256
	rows := s.RowsField()
	c.took(s, rowCells(rows, v.Answers[rows.Name]))
	if !whole {
		c.Answers = withoutRows(v.Answers, rows.Name)
	}
	i := len(k.o.Matters) - 1
	k.o.Matters[i].Rows, k.o.Matters[i].Correct, k.o.Matters[i].CorrectBy = in, len(v.Bad), c.Until
	k.o.Matters[i].Period, k.o.Matters[i].Digest = period(s, v.Answers), k.tableDigest()
	m = k.o.Matters[i]
	k.o.Wakes = append(k.o.Wakes, k.d.correctWake(m, c))
	args := k.rowArgs(m, c)
	k.subject = k.text("mail.rows.subject", args)
	if whole {
		k.say("mail.rows.held", args)
	} else {
		k.say("mail.rows.filed", args)
	}
	k.tellRows(v.Bad)
	k.instead("")
	k.sayWays(m, &c)
	k.o.Corrections = append(k.o.Corrections, c)
	k.rowReceipt(s, m, c)
	return m
}

// rowReceipt gives out the receipt for a declaration as it stands now, in place of the one before.
func (k *talk) rowReceipt(s *service.Service, m Matter, c Correction) {
	filed, kept := slices.Sorted(slices.Values(c.Filed)), slices.Sorted(slices.Values(c.Kept))
	open := slices.Sorted(slices.Values(c.openNumbers()))
	k.receipt(m, Tallied{
		Rows: receipt.Rows{In: c.In, Filed: len(filed), FiledRows: receipt.Ranges(filed...), Officer: len(kept), OfficerRows: receipt.Ranges(kept...),
			Open: len(open), OpenRows: receipt.Ranges(open...)},
		Files:  append(slices.Clone(c.Files), k.sentFiles()...),
		Period: firstOf(c.Answers[s.Declare.Period]...), Party: firstOf(c.Answers[s.Declare.Company]...), Supersedes: m.received(),
	})
}

func rowNumbers(bad []forms.BadRow) []int {
	var all []int
	for _, r := range bad {
		all = append(all, r.Number)
	}
	return all
}

func rowCells(f *service.Field, rows []string) []map[string]string {
	all := make([]map[string]string, len(rows))
	for i, r := range rows {
		all[i] = f.RowValues(r)
	}
	return all
}

func withoutRows(answers map[string][]string, field string) map[string][]string {
	own := map[string][]string{}
	for name, v := range answers {
		if name != field {
			own[name] = v
		}
	}
	return own
}

// tableName is the name of the file with the table.
func (k *talk) tableName() string {
	return firstOf(exchange.NormalizeLine(k.tableFile().Name), "table.csv")
}

// tellRows lists what is wrong, as much of it as one mail holds.
func (k *talk) tellRows(bad []forms.BadRow) {
	lines := k.rowLines(bad)
	more := len(lines) - mostFaults
	if more > 0 {
		lines = append(lines[:mostFaults], k.text("mail.rows.more", texts.Args{"count": more}))
	}
	k.tell(strings.Join(lines, "\n"))
}

// sayWays tells how open rows are put right: with the copy that comes along, or on a page.
func (k *talk) sayWays(m Matter, c *Correction) {
	url := k.correctLink(m, *c)
	args := texts.Args{"url": url, "rows": numbers(c.openNumbers())}
	file, attached := k.copyOf(m, *c)
	args["file"] = file.Name
	switch {
	case attached && url != "":
		k.say("mail.rows.ways", args)
		k.instead(k.text("mail.upload.ways", args))
	case attached:
		k.say("mail.rows.ways.file", args)
	case url != "":
		k.say("mail.rows.ways.page", args)
	default:
		k.say("mail.rows.ways.text", args)
	}
	if attached {
		k.files, c.Copy = append(k.files, file), file
	}
}

// copyOf makes a copy of the sender's file with the open rows alone, their wrong cells marked. false: the mail brought no
// table.
func (k *talk) copyOf(m Matter, c Correction) (channels.File, bool) {
	if !k.sheet.there() {
		return channels.File{}, false
	}
	t := k.sheet.Table
	t.Rows = slices.Clone(t.Rows)
	for i, r := range t.Rows {
		if r.Of > 0 { // a copy came back: what is open still has the numbers of the first file
			t.Rows[i].Number = r.Of
		}
	}
	name, content, err := table.Copy(t, marks(c), c.openNumbers(), table.Labels{Row: k.text("mail.rows.label.row", nil), Problem: k.text("mail.rows.label.problem", nil)})
	if err != nil {
		return channels.File{}, false
	}
	sum := sha256.Sum256(content)
	file := channels.File{
		Name: name, Type: tableType(name), Size: int64(len(content)), SHA256: hex.EncodeToString(sum[:]),
		Open: func(context.Context) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil },
	}
	k.o.Papers = append(k.o.Papers, Kept{Matter: m.ID, File: file})
	return file, true
}

// tableType is the media type of a copy, by the ending that it was given (IANA media types).
func tableType(name string) string {
	switch path.Ext(name) {
	case ".xlsx":
		return "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
	case ".ods":
		return "application/vnd.oasis.opendocument.spreadsheet"
	case ".xml":
		return "application/xml"
	case ".json":
		return "application/json"
	}
	return "text/csv"
}

// correctLink is the page on which open rows are put right; empty: no link can be sent.
func (k *talk) correctLink(m Matter, c Correction) string {
	if k.t.NewToken == nil {
		return ""
	}
	p := Pass{Token: k.t.NewToken(), Kind: ToCorrect, Contact: k.contact.ID, Address: k.t.Message.From, Subject: m.Reference, Lang: k.lang, Until: c.Until}
	k.o.Passes = append(k.o.Passes, p)
	return k.d.public + "/d/" + p.Token
}

// marks are the wrong cells of the open rows.
func marks(c Correction) []table.Mark {
	var all []table.Mark
	for _, r := range c.Open {
		for _, f := range r.Faults {
			all = append(all, table.Mark{Row: r.Number, Column: f.At, Why: f.Word})
		}
	}
	return all
}

// sayNotes tells what of the file was left aside.
func (k *talk) sayNotes(v forms.Verdict) {
	if len(v.Aside) > 0 {
		k.say("mail.rows.aside", texts.Args{"list": strings.Join(v.Aside[:min(len(v.Aside), 10)], ", ")})
	}
	for _, n := range k.sheet.Table.Notes {
		if key := noteKey(n.About); key != "" {
			k.tell(k.text(key, texts.Args{"list": strings.Join(n.Names, ", "), "rows": numbers(n.Rows), "count": n.Count}))
		}
	}
}

// noteKey is the text for what was left aside in a file; empty: it needs no word.
func noteKey(about table.Topic) (key string) {
	switch about {
	case table.OtherSheets:
		key = "mail.rows.note.sheets"
	case table.HiddenRows:
		key = "mail.rows.note.hidden"
	case table.HiddenColumns:
		key = "mail.rows.note.columns"
	case table.FormulaErrors:
		key = "mail.rows.note.errors"
	case table.NoValue:
		key = "mail.rows.note.formulas"
	case table.Guessed:
		key = "mail.rows.note.guessed"
	case table.OtherFiles:
		key = "mail.rows.note.files"
	case table.Unnamed:
		key = "mail.rows.note.unnamed"
	}
	return key
}
