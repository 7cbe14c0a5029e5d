package console

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"gatehouse/adapters"
	"gatehouse/adapters/register"
	"gatehouse/channels/text"
	"gatehouse/exchange"
	"gatehouse/exchange/service"
)

// form is a form that could not be taken: it is shown again as it was filled.
type form struct {
	Name  string // which form of the page
	Fault adapters.Fault
	Value map[string]string
}

// Wrong gives the key of the sentence about a field; empty: it is right.
func (f form) Wrong(name, field string) string {
	if f.Name == name && f.Fault.Field == field {
		return f.Fault.Key
	}
	return ""
}

// Was gives what was typed into a field.
func (f form) Was(name, field string) string {
	if f.Name == name {
		return f.Value[field]
	}
	return ""
}

type casePage struct {
	Record      adapters.Record
	Answers     []labelled
	Declarant   *adapters.Company // that the form names; without a name it is not registered
	Story       []adapters.Entry
	Papers      map[string][]exchange.FileRef // what left with a notice, by its id
	Rebuilt     map[string]exchange.Replaced  // of its files, those that the guard made anew
	Held        *adapters.Held
	Reads       []adapters.Read // for the auditor
	Copies      []adapters.Copy // for the auditor
	Departments []choice
	MayWork     bool
	MayTell     bool // and nobody else holds it, and nothing waits to leave
	Alone       bool // may release what they write
	New         string
	Form        form
	Decisions   []exchange.Decision
	Rows        int // of a declaration
	Kept        []keptRow
	RowsOpen    bool // a kept row is still to be decided
	Enrols      bool // the case asks for a change to the register that the reader may make
}

// labelled is an answer as people read it.
type labelled struct{ Label, Value string }

// showCase shows one case; the look is in the log before it is on the screen.
func (c *Console) showCase(w http.ResponseWriter, r *http.Request, v *visit) error {
	return c.caseWith(w, r, v, http.StatusOK, form{})
}

// seen gives a record that the reader may see, after the log has it.
func (c *Console) seen(r *http.Request, v *visit, what, about string) (adapters.Record, error) {
	rec, err := c.Store.Record(r.Context(), r.PathValue("id"))
	if err != nil {
		return rec, err
	}
	if !v.Me.MaySee(rec.Department) {
		c.Log.Warn("case of another department asked for", "staff", v.Me.ID, "case_id", rec.ID())
		return adapters.Record{}, adapters.ErrNotFound
	}
	if about == "" {
		about = rec.Case.Reference
	}
	err = c.Store.Looked(r.Context(), adapters.Read{At: v.Now, Staff: v.Me.ID, Case: rec.ID(), What: what, About: about})
	return rec, err
}

func (c *Console) caseWith(w http.ResponseWriter, r *http.Request, v *visit, status int, f form) error {
	rec, err := c.seen(r, v, "case", "")
	if err != nil {
		return err
	}
	p := casePage{Record: rec, Form: f, Answers: c.labelled(rec.Case.Service, rec.Case.Answers, v.Lang), New: c.NewID(),
		Departments: c.allDepartments(v, rec.Department), MayWork: v.Me.MayWork(rec.Department), Alone: v.Me.Has(adapters.Releaser),
		Decisions: []exchange.Decision{exchange.Granted, exchange.Partly, exchange.Refused, exchange.NoAction}, Rows: c.rows(rec)}
	p.Kept, p.RowsOpen = c.keptRows(rec, v.Lang), len(rec.Return.Waiting()) > 0
	_, p.Enrols = register.AskedBy(rec.Case)
	p.Enrols = p.Enrols && p.MayWork && !rec.Closed()
	p.MayTell = p.MayWork && !rec.Lock.Holds(v.Me.ID, v.Now) && rec.Held == ""
	if p.Story, err = c.Store.Story(r.Context(), rec.ID()); err != nil {
		return err
	}
	if p.Papers, err = c.papers(r.Context(), p.Story); err != nil {
		return err
	}
	if p.Rebuilt, err = c.Store.Rebuilt(r.Context(), fileIDs(rec.Case.Files, p.Story)); err != nil {
		return err
	}
	if p.Declarant, err = c.declarant(r, rec); err != nil {
		return err
	}
	slices.Reverse(p.Story)
	if rec.Held != "" {
		h, err := c.Store.Held(r.Context(), rec.Held)
		if err != nil {
			return err
		}
		p.Held = &h
	}
	if v.Me.Has(adapters.Auditor) {
		if p.Copies, err = c.Store.Copies(r.Context(), rec.ID(), maxCopies); err != nil {
			return err
		}
		if p.Reads, _, err = c.Store.Reads(r.Context(), "", rec.ID(), 20, 0); err != nil {
			return err
		}
	}
	return c.render(w, v, status, "case", p)
}

// labelled gives the answers with their labels, the values of one field together.
func (c *Console) labelled(code string, answers []exchange.Answer, lang string) []labelled {
	sv, known := c.Catalog.ByCode(code)
	var order []string
	values := map[string][]string{}
	for _, a := range answers {
		if values[a.Field] == nil {
			order = append(order, a.Field)
		}
		values[a.Field] = append(values[a.Field], a.Value)
	}
	var out []labelled
	for _, name := range order {
		if known && sv.Kind == service.Ask && name == service.PutTo { // the page names the department itself
			continue
		}
		l := labelled{Label: name}
		for i, s := range values[name] {
			if i > 0 {
				l.Value += ", "
			}
			l.Value += s
		}
		if known {
			if f, ok := sv.Field(name); ok {
				l.Label, l.Value = f.Label.In(lang), sv.Show(name, values[name], lang)
			}
		}
		out = append(out, l)
	}
	return out
}

// Labelled gives an addition's answers for the template.
func (s *sheet) Labelled(service string, a *exchange.Addition) []labelled {
	return s.c.labelled(service, a.Answers, s.Lang)
}

// download gives one file of a case, always to be saved and never to be shown by the browser.
func (c *Console) download(w http.ResponseWriter, r *http.Request, v *visit) error {
	rec, err := c.Store.Record(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	f, in, err := c.openFile(r, rec)
	if err != nil {
		return err
	}
	defer in.Close()
	if _, err := c.seen(r, v, "file", f.Name); err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": f.Name}))
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	if _, err := io.Copy(w, in); err != nil {
		c.Log.Error("file ended early", "case_id", rec.ID(), "file_id", f.ID, "err", err)
		panic(http.ErrAbortHandler) // the browser must see that it is not whole
	}
	return nil
}

// fileIDs are the ids of all files of a case and of what was added to it.
func fileIDs(files []exchange.FileRef, story []adapters.Entry) []string {
	var ids []string
	for _, e := range story {
		if e.Add != nil {
			files = append(slices.Clip(files), e.Add.Files...)
		}
	}
	for _, f := range files {
		ids = append(ids, f.ID)
	}
	return ids
}

// openFile opens a file of the case itself, of what was added to it, or that left with a decision.
func (c *Console) openFile(r *http.Request, rec adapters.Record) (exchange.FileRef, io.ReadCloser, error) {
	files := slices.Clone(rec.Case.Files)
	story, err := c.Store.Story(r.Context(), rec.ID())
	for _, e := range story {
		if e.Add != nil {
			files = append(files, e.Add.Files...)
		}
	}
	i := slices.IndexFunc(files, func(f exchange.FileRef) bool { return f.ID == r.PathValue("file") })
	if err != nil {
		return exchange.FileRef{}, nil, err
	}
	if i < 0 {
		return c.paper(r.Context(), story, r.PathValue("file"))
	}
	in, err := c.Store.Open(r.Context(), files[i])
	return files[i], in, err
}

// acted ends a form of the case page: back to the page, or the form again with what is wrong.
func (c *Console) acted(w http.ResponseWriter, r *http.Request, v *visit, name, said string, err error) error {
	var fault adapters.Fault
	if errors.As(err, &fault) {
		return c.caseWith(w, r, v, http.StatusUnprocessableEntity, formOf(r, name, fault))
	}
	if errors.Is(err, adapters.ErrLocked) || errors.Is(err, adapters.ErrPending) {
		_, key := statusOf(err)
		return c.caseWith(w, r, v, http.StatusConflict, formOf(r, name, adapters.Fault{Field: "all", Key: key}))
	}
	if err != nil {
		return err
	}
	return c.said(w, r, said, "/cases/"+url.PathEscape(r.PathValue("id")))
}

func formOf(r *http.Request, name string, fault adapters.Fault) form {
	f := form{Name: name, Fault: fault, Value: map[string]string{}}
	for key := range r.PostForm {
		f.Value[key] = r.PostForm.Get(key)
	}
	return f
}

func (c *Console) claim(w http.ResponseWriter, r *http.Request, v *visit) error {
	return c.acted(w, r, v, "claim", "console.said.claimed", c.Desk.Claim(r.Context(), v.Me, r.PathValue("id")))
}

func (c *Console) giveBack(w http.ResponseWriter, r *http.Request, v *visit) error {
	return c.acted(w, r, v, "claim", "console.said.returned", c.Desk.Return(r.Context(), v.Me, r.PathValue("id")))
}

func (c *Console) move(w http.ResponseWriter, r *http.Request, v *visit) error {
	err := c.Desk.Move(r.Context(), v.Me, r.PathValue("id"), r.PostFormValue("department"), r.PostFormValue("why"))
	if err == nil && !v.Me.MaySee(r.PostFormValue("department")) {
		return c.said(w, r, "console.said.moved", "/")
	}
	return c.acted(w, r, v, "move", "console.said.moved", err)
}

func (c *Console) note(w http.ResponseWriter, r *http.Request, v *visit) error {
	err := c.Desk.Note(r.Context(), v.Me, r.PathValue("id"), r.PostFormValue("note"))
	return c.acted(w, r, v, "note", "console.said.noted", err)
}

// toCorrect reads how many rows of a declaration the person is to correct: no more than it has.
func (c *Console) toCorrect(r *http.Request) (int, bool) {
	typed := strings.TrimSpace(text.Digits(r.PostFormValue("correct")))
	if typed == "" {
		return 0, true
	}
	n, err := strconv.Atoi(typed)
	if err != nil || n < 0 {
		return 0, false
	}
	rec, err := c.Store.Record(r.Context(), r.PathValue("id"))
	return n, err == nil && n <= c.rows(rec)
}

// rows is how many rows a declaration has.
func (c *Console) rows(rec adapters.Record) int {
	sv, ok := c.Catalog.ByCode(rec.Case.Service)
	if !ok {
		return 0
	}
	return sv.RowCount(valuesOf(rec.Case.Answers))
}

func valuesOf(answers []exchange.Answer) map[string][]string {
	values := map[string][]string{}
	for _, a := range answers {
		values[a.Field] = append(values[a.Field], a.Value)
	}
	return values
}

// tell takes the four public forms: a reply, where the case stands, a question, a decision.
func (c *Console) tell(w http.ResponseWriter, r *http.Request, v *visit) error {
	name := r.PostFormValue("form")
	p := adapters.Public{ID: r.PostFormValue("id"), Text: r.PostFormValue("text"), Reason: r.PostFormValue("reason"),
		Releasable: r.PostFormValue("releasable") == "yes"}
	if !validID(p.ID) {
		p.ID = c.NewID()
	}
	switch name {
	case "reply":
	case "stand":
		p.State, p.Words = exchange.InOA, r.PostFormValue("words")
	case "ask":
		p.State = exchange.WaitingYou
		var ok bool
		if p.Correct, ok = c.toCorrect(r); !ok {
			return c.acted(w, r, v, name, "", adapters.Fault{Field: "correct", Key: "console.fault.rows"})
		}
	case "decide":
		p.State, p.Decision = exchange.Decided, exchange.Decision(r.PostFormValue("decision"))
	default:
		return adapters.ErrNotFound
	}
	if day := r.PostFormValue("promise"); day != "" {
		t, err := time.ParseInLocation(time.DateOnly, day, c.Catalog.City.Location())
		if err != nil || t.Before(v.Now.Add(-24*time.Hour)) {
			return c.acted(w, r, v, name, "", adapters.Fault{Field: "promise", Key: "console.fault.day"})
		}
		p.Promise = t.Add(17 * time.Hour)
	}
	p.Emergency, p.Code = r.PostFormValue("emergency") == "yes", r.PostFormValue("code")
	err := c.Desk.Tell(r.Context(), v.Me, r.PathValue("id"), p)
	return c.acted(w, r, v, name, c.heldSaid(r, p.ID), err)
}

// validID tells whether a form's id is one that we made (exchange.NewID).
func validID(s string) bool {
	if len(s) != 26 {
		return false
	}
	for _, r := range s {
		if (r < '0' || r > '9') && (r < 'A' || r > 'Z') {
			return false
		}
	}
	return true
}
