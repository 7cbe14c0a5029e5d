package portal

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"gatehouse/channels"
	"gatehouse/exchange"
	"gatehouse/exchange/service"
	"gatehouse/gateway"
	"gatehouse/gateway/forms"
	"gatehouse/gateway/portal/upload"
	"gatehouse/gateway/table"
)

// shownRows bounds the open rows that one page shows.
const shownRows = 100

// correctView is what the page of a declaration's open rows shows.
type correctView struct {
	Token     string
	Reference string
	Service   string
	Filed, In int
	Open      int // all that are open, of which Rows are shown
	Until     string
	Rows      []openRowView
	Page      int // from 1
	Pages     int
	Copy      string // the name of the file with these rows; empty: there is none
	Faults    int    // how many rows were changed and are still wrong
	Sent      int    // how many rows were handed on; 0: none yet
}

// openRowView is one open row.
type openRowView struct {
	Number   int
	Cells    []openCellView
	Faults   []string // what is wrong with it, in words
	Keepable bool
	Kept     bool
}

// openCellView is one cell of an open row.
type openCellView struct {
	Name, Label, Value string
	Wrong              bool
}

// correctPage shows the open rows of a declaration. The link serves until they can't be put right any more: it was mailed
// to who declared, and only their rows can be changed with it.
func (p *Portal) correctPage(w http.ResponseWriter, r *http.Request) {
	token := r.PathValue("token")
	got, lang, ok := p.readPass(w, r, token)
	if !ok {
		return
	}
	c, m, s, ok := p.correcting(w, r, lang, got)
	if !ok {
		return
	}
	v := p.correctView(s, m, c, lang, token)
	from, to := v.turn(r.URL.Query().Get("page"), len(c.Open))
	for _, row := range p.inLanguage(s, m, c, c.Open[from:to], lang) {
		v.Rows = append(v.Rows, rowOf(s, row, lang))
	}
	p.showCorrect(w, r, http.StatusOK, lang, v)
}

func (p *Portal) correctView(s *service.Service, m gateway.Matter, c gateway.Correction, lang, token string) correctView {
	local := c.Until.In(p.Services.City.Location())
	return correctView{Token: token, Reference: m.Reference, Service: s.Name.In(lang), Filed: len(c.Filed), In: c.In, Open: len(c.Open),
		Until: service.DayOf(local).In(lang) + " " + local.Format("15:04"), Copy: c.Copy.Name}
}

// turn opens the page of a number, from 1, and gives which of the open rows it shows; what is no such number is the first.
func (v *correctView) turn(asked string, open int) (from, to int) {
	v.Pages = max(1, (open+shownRows-1)/shownRows)
	n, err := strconv.Atoi(asked)
	if err != nil || n < 1 || n > v.Pages {
		n = 1
	}
	v.Page = n
	from = (n - 1) * shownRows
	return from, min(open, from+shownRows)
}

// Before and After are the pages beside this one; 0: there is none.
func (v correctView) Before() int { return v.Page - 1 }
func (v correctView) After() int {
	if v.Page < v.Pages {
		return v.Page + 1
	}
	return 0
}

func (p *Portal) showCorrect(w http.ResponseWriter, r *http.Request, status int, lang string, v correctView) {
	bare := "/d/" + v.Token + "?"
	if v.Page > 1 {
		bare += "page=" + strconv.Itoa(v.Page) + "&"
	}
	p.show(w, r, status, "correct", view{Lang: lang, Title: p.text(lang, "correct.title"), Bare: bare, Data: v})
}

// correcting reads what a link opens; ok is false when the answer was given.
func (p *Portal) correcting(w http.ResponseWriter, r *http.Request, lang string, got gateway.Pass) (c gateway.Correction, m gateway.Matter, s *service.Service, ok bool) {
	err := gateway.ErrNotFound
	if got.Kind == gateway.ToCorrect {
		c, m, err = p.Passes.Correcting(r.Context(), got)
	}
	s, known := p.Services.ByCode(m.Service)
	switch {
	case errors.Is(err, gateway.ErrNotFound), err == nil && (!known || !p.Now().Before(c.Until)):
		p.showPass(w, r, http.StatusNotFound, lang, passView{Say: "correct.ended"})
		return c, m, s, false
	case err != nil:
		p.Log.ErrorContext(r.Context(), "read open rows of a pass", "err", err)
		p.trouble(w, r, lang, http.StatusServiceUnavailable, "later")
		return c, m, s, false
	}
	return c, m, s, true
}

func rowOf(s *service.Service, row forms.BadRow, lang string) openRowView {
	f := s.RowsField()
	v := openRowView{Number: row.Number, Keepable: row.Keepable()}
	wrong := map[string]bool{}
	for _, fault := range row.Faults {
		wrong[fault.Column] = true
		v.Faults = append(v.Faults, fault.Word)
	}
	for i := range f.Fields {
		column := &f.Fields[i]
		v.Cells = append(v.Cells, openCellView{Name: column.Name, Label: column.Label.In(lang), Value: row.Cells[column.Name], Wrong: wrong[column.Name]})
	}
	return v
}

// CellName names a cell of an open row in the form, "7.hs".
func (openRowView) CellName(row int, column string) string { return fmt.Sprintf("%d.%s", row, column) }

// correctRows hands on what was put right on a page. A row that was changed and is still wrong is shown again with what is
// wrong now, and nothing is handed on before that is mended.
func (p *Portal) correctRows(w http.ResponseWriter, r *http.Request) {
	token := r.PathValue("token")
	got, lang, ok := p.readPass(w, r, token)
	if !ok {
		return
	}
	c, m, s, ok := p.correcting(w, r, lang, got)
	if !ok {
		return
	}
	f, err := upload.Read(w, r)
	defer func() { f.Close() }()
	if err != nil {
		p.Log.WarnContext(r.Context(), "page of open rows not read", "err", err)
		p.trouble(w, r, lang, http.StatusBadRequest, "busy")
		return
	}
	typed := typedOpen(s, c, f.Values)
	v, said, status := p.judgeOpen(s, m, c, typed, lang, token, r.URL.Query().Get("page"))
	if status == http.StatusOK && len(said) > 0 {
		err = p.Inbox.Accept(r.Context(), channels.Message{
			ID: "web:rows:" + strings.ToLower(p.NewID()), From: got.Address, To: gateway.RowsTo(m.Reference), At: p.Now(), Lang: lang,
			Text: strings.Join(said, "\n"), Trust: channels.CarrierVerified,
		})
		if err != nil {
			p.refused(w, r, lang, err)
			return
		}
	}
	p.showCorrect(w, r, status, lang, v)
}

// typedRow is what a page says of one open row.
type typedRow struct {
	cells map[string]string
	keep  bool
}

// typedOpen reads the rows that a page changed or keeps.
func typedOpen(s *service.Service, c gateway.Correction, values url.Values) map[int]typedRow {
	all := map[int]typedRow{}
	for _, row := range c.Open {
		cells := maps.Clone(row.Cells)
		for _, column := range s.RowsField().Fields {
			name := openRowView{}.CellName(row.Number, column.Name)
			if !values.Has(name) {
				continue
			}
			v := values.Get(name)
			cells[column.Name] = exchange.NormalizeLine(strings.ToValidUTF8(v[:min(len(v), maxValue)], ""))
		}
		t := typedRow{cells: cells, keep: values.Get("keep."+strconv.Itoa(row.Number)) != "" && row.Keepable()}
		if t.keep || !sameCells(cells, row.Cells) {
			all[row.Number] = t
		}
	}
	return all
}

func sameCells(a, b map[string]string) bool {
	for name, v := range a {
		if v != b[name] {
			return false
		}
	}
	return true
}

// judgeOpen checks the changed rows, and words those that are right for the dispatcher, which checks them again.
func (p *Portal) judgeOpen(s *service.Service, m gateway.Matter, c gateway.Correction, typed map[int]typedRow, lang, token, page string) (v correctView, said []string, status int) {
	wrong := p.stillWrong(s, c, typed, lang)
	v = p.correctView(s, m, c, lang, token)
	from, to := v.turn(page, len(c.Open))
	for i, row := range p.inLanguage(s, m, c, c.Open, lang) {
		t, changed := typed[row.Number]
		bad, isBad := wrong[row.Number]
		switch {
		case isBad && !t.keep:
			v.Faults++
			v.Rows = append(v.Rows, rowOf(s, bad, lang))
		case changed:
			said = append(said, rowWords(s, row, t)...)
			v.Sent++
			if len(wrong) > 0 { // it is to be sent again with the others
				view := rowOf(s, forms.BadRow{Number: row.Number, Cells: t.cells}, lang)
				view.Kept, view.Keepable = t.keep, row.Keepable()
				v.Rows = append(v.Rows, view)
			}
		case from <= i && i < to:
			v.Rows = append(v.Rows, rowOf(s, row, lang))
		}
	}
	if v.Faults > 0 {
		v.Sent = 0
		return v, nil, http.StatusUnprocessableEntity
	}
	v.Open -= v.Sent
	return v, said, http.StatusOK
}

// stillWrong checks changed rows that are not kept as they are.
func (p *Portal) stillWrong(s *service.Service, c gateway.Correction, typed map[int]typedRow, lang string) map[int]forms.BadRow {
	f := s.RowsField()
	t := table.Table{}
	for i := range f.Fields {
		t.Header = append(t.Header, f.Fields[i].Name)
	}
	for _, row := range c.Open {
		x, ok := typed[row.Number]
		if !ok || x.keep {
			continue
		}
		r := table.Row{Number: row.Number}
		for _, name := range t.Header {
			r.Cells = append(r.Cells, table.Cell{Text: x.cells[name]})
		}
		t.Rows = append(t.Rows, r)
	}
	wrong := map[int]forms.BadRow{}
	for _, r := range p.clerk().Rejudge(s, t, c.Answers, c.Taken, map[string]int{}, forms.Scene{Lang: lang, Channel: "web", Now: p.Now()}) {
		if len(r.Faults) > 0 {
			wrong[r.Number] = r
		}
	}
	return wrong
}

// rowWords says of one row what the dispatcher understands: "Row 7: hs: 847130", "KEEP 15".
func rowWords(s *service.Service, row forms.BadRow, t typedRow) []string {
	if t.keep {
		return []string{fmt.Sprintf("KEEP %d", row.Number)}
	}
	var all []string
	for _, column := range s.RowsField().Fields {
		if v := t.cells[column.Name]; v != row.Cells[column.Name] {
			all = append(all, fmt.Sprintf("ROW %d: %s: %s", row.Number, column.Name, v))
		}
	}
	return all
}
