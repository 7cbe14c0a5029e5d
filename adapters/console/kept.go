package console

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"gatehouse/adapters"
	"gatehouse/exchange"
	"gatehouse/exchange/service"
)

// keptRow is a row that was filed as stated against a rule, as an officer looks at it.
type keptRow struct {
	adapters.KeptRow
	Cells  []keptCell
	Faults []string
}

// keptCell is one value of a row; Wrong: a rule that is broken names its column.
type keptCell struct {
	Label, Value string
	Wrong        bool
}

// Open tells whether the row is still to be decided.
func (k keptRow) Open() bool {
	return k.Verdict == adapters.Undecided || k.Verdict == adapters.AskAboutRow
}

// Tone is the colour of what was decided.
func (k keptRow) Tone() string {
	switch k.Verdict {
	case adapters.AcceptRow:
		return "good"
	case adapters.RefuseRow:
		return "bad"
	}
	return "warn"
}

// keptRows gives the kept rows of a case with what is wrong with each, by the service's own rules.
func (c *Console) keptRows(rec adapters.Record, lang string) []keptRow {
	s, ok := c.Catalog.ByCode(rec.Case.Service)
	if rec.Return == nil || !ok || s.RowsField() == nil {
		return nil
	}
	f := s.RowsField()
	var all []keptRow
	for _, k := range rec.Return.Kept {
		cells := f.RowValues(k.Row)
		row := keptRow{KeptRow: k}
		wrong := map[string]bool{}
		for _, fault := range s.CheckRow(f, cells, valuesOf(rec.Case.Answers), k.At) {
			wrong[fault.Column] = true
			row.Faults = append(row.Faults, faultWords(s, f, fault, cells, lang))
		}
		for i := range f.Fields {
			column := &f.Fields[i]
			row.Cells = append(row.Cells, keptCell{column.Label.In(lang), cells[column.Name], wrong[column.Name]})
		}
		all = append(all, row)
	}
	return all
}

// faultWords says what is wrong with a row, with its values where the rule has words for that.
func faultWords(s *service.Service, f *service.Field, fault service.Fault, cells map[string]string, lang string) string {
	for _, check := range f.Checks {
		if said := f.State(check, cells, lang); check.ID == fault.ID && said != "" {
			return said
		}
	}
	return s.Message(fault, lang)
}

// judgeRows takes an officer's word on kept rows. What it says leaves in the case's thread, as every reply does.
func (c *Console) judgeRows(w http.ResponseWriter, r *http.Request, v *visit) error {
	const name = "rows"
	rec, err := c.Store.Record(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	p := adapters.Public{ID: r.PostFormValue("id"), Releasable: r.PostFormValue("releasable") == "yes"}
	if !validID(p.ID) {
		p.ID = c.NewID()
	}
	if day := r.PostFormValue("promise"); day != "" {
		t, err := time.ParseInLocation(time.DateOnly, day, c.Catalog.City.Location())
		if err != nil || t.Before(v.Now.Add(-24*time.Hour)) {
			return c.acted(w, r, v, name, "", adapters.Fault{Field: "promise", Key: "console.fault.day"})
		}
		p.Promise = t.Add(17 * time.Hour)
	}
	for _, k := range rec.Return.Waiting() {
		n := strconv.Itoa(k.Number)
		verdict := adapters.RowVerdict(r.PostFormValue("verdict-" + n))
		if verdict != adapters.Undecided {
			p.Rows = append(p.Rows, adapters.RowJudged{Number: k.Number, Verdict: verdict, Why: strings.TrimSpace(r.PostFormValue("why-" + n))})
		}
		if verdict == adapters.AskAboutRow {
			p.State, p.Correct = exchange.WaitingYou, p.Correct+1
		}
	}
	if len(p.Rows) == 0 {
		return c.acted(w, r, v, name, "", adapters.Fault{Field: name, Key: "console.fault.no_row"})
	}
	p.Text = c.rowsSaid(rec.Case.Lang, p)
	err = c.Desk.Tell(r.Context(), v.Me, rec.ID(), p)
	return c.acted(w, r, v, name, c.heldSaid(r, p.ID), err)
}

// rowsSaid words what was decided in the person's language.
func (c *Console) rowsSaid(lang string, p adapters.Public) string {
	if !c.Texts.Has(lang) {
		lang = "en"
	}
	lines := []string{c.Texts.Text(lang, "console.rows.said", nil)}
	for _, j := range p.Rows {
		line := c.Texts.Text(lang, "console.rows.said."+string(j.Verdict), map[string]any{"row": j.Number})
		lines = append(lines, strings.TrimSpace(line+" "+j.Why))
	}
	if p.Correct > 0 && !p.Promise.IsZero() {
		day := service.DayOf(p.Promise.In(c.Catalog.City.Location())).In(lang)
		lines = append(lines, c.Texts.Text(lang, "console.rows.said.until", map[string]any{"day": day}))
	}
	return strings.Join(lines, "\n")
}
