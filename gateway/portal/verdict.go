package portal

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"net/http"

	"gatehouse/channels"
	"gatehouse/exchange/service"
	"gatehouse/gateway"
	"gatehouse/gateway/forms"
	"gatehouse/gateway/portal/upload"
	"gatehouse/gateway/table"
)

// checkView is the verdict on a file that was only checked.
type checkView struct {
	Trouble  string // why it gives no table; empty: it does
	Whole    []string
	Filed    int // right rows
	In       int // all rows
	Good     string
	Faults   []rowFault
	More     int
	Copy     template.URL // the marked copy, in the link itself: nothing is kept of a file that is only checked
	CopyName string
}

// Right tells whether the file could be filed as it is.
func (c checkView) Right() bool { return c.Trouble == "" && len(c.Whole) == 0 && c.Filed == c.In }

const (
	// maxCopy bounds a copy within a page, in bytes.
	maxCopy = 2 << 20
	// checksAtOnce bounds how many files are checked at the same time: a reader needs up to some tens of megabytes.
	checksAtOnce = 4
	shownWhole   = 50
)

// checkFile gives the verdict on a file that is not filed. It says nothing of what is kept here, so that anybody may ask.
func (p *Portal) checkFile(w http.ResponseWriter, r *http.Request, lang string, v declareView, sent *upload.Form, typed map[string][]string) {
	file, ok := p.chosen(&v, lang, sent)
	v.Address = sent.Values.Get(clerkField)
	if !ok {
		p.showDeclare(w, r, http.StatusUnprocessableEntity, lang, v)
		return
	}
	select {
	case p.checks <- struct{}{}:
		defer func() { <-p.checks }()
	case <-r.Context().Done():
		return
	}
	c, err := p.judgeFile(r.Context(), v.Service, file, p.message(v.Service, lang, typed, nil).Text, lang)
	if err != nil {
		p.unread(w, r, lang, v, err)
		return
	}
	v.Checked = &c
	p.showDeclare(w, r, http.StatusOK, lang, v)
}

func (p *Portal) clerk() *forms.Clerk {
	return &forms.Clerk{Texts: p.Texts, Services: p.Services, Grammar: p.grammar}
}

// judgeFile checks a file as it is checked when it is filed. said are the entries that were typed beside it.
func (p *Portal) judgeFile(ctx context.Context, s *service.Service, f channels.File, said, lang string) (checkView, error) {
	clerk := p.clerk()
	t, err := table.Read(ctx, table.File{Name: f.Name, Type: f.Type, Size: f.Size, Open: f.Open}, func(header string) bool { return clerk.Heads(s, header) }, table.Defaults())
	var trouble *table.Trouble
	switch {
	case errors.As(err, &trouble):
		return checkView{Trouble: gateway.TroubleWords(p.Texts, lang, s.City().Phone, trouble, true)}, nil
	case err != nil:
		return checkView{}, fmt.Errorf("check a file: %w", err)
	}
	scene := forms.Scene{Lang: lang, Channel: "email", Now: p.Now()}
	if !forCompany(s) {
		scene.Channel = "web"
	}
	if s.RowsField() == nil {
		return p.judgeForm(clerk, s, t, scene), nil
	}
	v := clerk.Judge(s, t, clerk.Lines(s, said), nil, scene)
	c := checkView{Filed: len(v.Good), In: len(v.Good) + len(v.Bad), Good: rangesText(v.Good)}
	c.Whole = faultWords(clerk, v.Faults, scene)
	c.Faults, c.More = rowFaults(s, v.Bad, lang)
	if len(v.Bad) > 0 {
		c.Copy, c.CopyName = p.markedCopy(t, v.Bad, lang)
	}
	return c, nil
}

// judgeForm checks a file with one row, which is the form.
func (p *Portal) judgeForm(clerk *forms.Clerk, s *service.Service, t table.Table, scene forms.Scene) checkView {
	lines := forms.Sheet{t.Header}
	for _, r := range t.Rows {
		line := make([]string, len(t.Header))
		for i := range line {
			line[i] = r.Cell(i).Text
		}
		lines = append(lines, line)
	}
	entries, ok := clerk.SheetEntries(lines)
	if !ok {
		return checkView{In: len(t.Rows), Whole: []string{p.text(scene.Lang, "declare.one", "count", len(t.Rows))}}
	}
	_, faults := clerk.FromEntries(s, entries, scene)
	c := checkView{In: 1, Whole: faultWords(clerk, faults, scene)}
	if len(c.Whole) == 0 {
		c.Filed = 1
	}
	return c
}

func faultWords(clerk *forms.Clerk, faults []forms.MailFault, scene forms.Scene) []string {
	var all []string
	for _, f := range faults[:min(len(faults), shownWhole)] {
		all = append(all, clerk.Word(f, scene))
	}
	return all
}

// markedCopy gives the wrong rows of a file back, as a link that holds them.
func (p *Portal) markedCopy(t table.Table, bad []forms.BadRow, lang string) (template.URL, string) {
	var marks []table.Mark
	var rows []int
	for _, r := range bad {
		rows = append(rows, r.Number)
		for _, f := range r.Faults {
			marks = append(marks, table.Mark{Row: r.Number, Column: f.At, Why: f.Word})
		}
	}
	name, b, err := table.Copy(t, marks, rows, table.Labels{Row: p.Texts.Text(lang, "citizen.mail.rows.label.row", nil),
		Problem: p.Texts.Text(lang, "citizen.mail.rows.label.problem", nil)})
	if err != nil || len(b) > maxCopy {
		return "", ""
	}
	return template.URL("data:application/octet-stream;base64," + base64.StdEncoding.EncodeToString(b)), name //nolint:gosec // base64 of our own bytes
}

// inLanguage words what is wrong with open rows in the page's language, where the mail was in another.
func (p *Portal) inLanguage(s *service.Service, m gateway.Matter, c gateway.Correction, open []forms.BadRow, lang string) []forms.BadRow {
	if lang == m.Lang {
		return open
	}
	typed := map[int]typedRow{}
	for _, row := range open {
		typed[row.Number] = typedRow{cells: row.Cells}
	}
	now := p.stillWrong(s, c, typed, lang)
	out := make([]forms.BadRow, len(open))
	for i, row := range open {
		out[i] = row
		if again, ok := now[row.Number]; ok { // what only other rows make wrong keeps its words
			out[i].Faults = again.Faults
		}
	}
	return out
}
