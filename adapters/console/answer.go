package console

import (
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"gatehouse/adapters"
	"gatehouse/channels/text"
	"gatehouse/configs/answers"
	"gatehouse/exchange"
)

// Bounds of answers' pages.
const (
	maxShelf = 200
	maxAsks  = 40
	// maxChat is where Telegram splits a message (Bot API, sendMessage: 4096 characters).
	maxChat = 4096
)

type answersPage struct {
	Words, In string
	Pages     []adapters.Page
	Languages []choice
}

// answers lists and searches the answers, those for staff alone too.
func (c *Console) answers(w http.ResponseWriter, r *http.Request, v *visit) error {
	p := answersPage{Words: strings.TrimSpace(r.URL.Query().Get("q")), In: r.URL.Query().Get("lang")}
	if !slices.Contains(c.Catalog.City.Languages, p.In) {
		p.In = v.Lang
	}
	var err error
	if p.Pages, err = c.Store.Shelf(r.Context(), p.In, p.Words, maxShelf); err != nil {
		return err
	}
	for _, l := range c.Catalog.City.Languages {
		p.Languages = append(p.Languages, choice{l, languageName(l), l == p.In})
	}
	return c.render(w, v, http.StatusOK, "answers", p)
}

type answerPage struct {
	Stored    adapters.Page
	Page      answers.Page
	Languages []choice
}

// answer shows one answer as it is published, in one language.
func (c *Console) answer(w http.ResponseWriter, r *http.Request, v *visit) error {
	in := r.URL.Query().Get("lang")
	if !slices.Contains(c.Catalog.City.Languages, in) {
		in = v.Lang
	}
	stored, err := c.Store.Page(r.Context(), r.PathValue("name"), in)
	if err != nil {
		return err
	}
	page, err := answers.Parse(stored.Name, stored.Lang, []byte(stored.Body))
	if err != nil {
		return err
	}
	p := answerPage{Stored: stored, Page: page}
	for _, l := range c.Catalog.City.Languages {
		p.Languages = append(p.Languages, choice{l, languageName(l), l == in})
	}
	return c.render(w, v, http.StatusOK, "answer", p)
}

// edition is one language of an answer in the form.
type edition struct {
	Lang      string
	Over      uint64
	Title     string
	Asks      string // one a line
	SMS       string
	Chat      string
	Page      string
	Size      text.Size
	ChatRunes int
	Before    answers.Page // as it is published
	Exists    bool
}

func (e *edition) count() {
	e.Size, e.ChatRunes = text.Measure(e.SMS), utf8.RuneCountInString(e.Chat)
}

type editPage struct {
	Name     string
	New      bool // there is no such answer yet
	Audience string
	Owner    string
	ReviewBy string
	Why      string
	Editions []*edition
	Owners   []choice
	Checked  bool
	Faults   []adapters.Fault
	MaxChat  int
}

// nameForm is how an answer may be called: it is its file's name.
var nameForm = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{1,60}$`)

// edit reads an answer in every language into the form.
func (c *Console) edit(r *http.Request, name string) (*editPage, error) {
	if !nameForm.MatchString(name) {
		return nil, adapters.ErrNotFound
	}
	p := &editPage{Name: name, New: true, Audience: string(answers.Public), MaxChat: maxChat}
	for _, lang := range c.Catalog.City.Languages {
		e := &edition{Lang: lang, Before: answers.Page{ID: name, Lang: lang, Kind: answers.Answer}}
		stored, err := c.Store.Page(r.Context(), name, lang)
		if err != nil && !notFound(err) {
			return nil, err
		}
		if err == nil {
			if e.Before, err = answers.Parse(name, lang, []byte(stored.Body)); err != nil {
				return nil, err
			}
			e.Exists, e.Over, p.New = true, stored.Revision, false
			p.Audience, p.Owner, p.ReviewBy = string(e.Before.Audience), e.Before.Owner, string(e.Before.ReviewBy)
		}
		b := e.Before
		e.Title, e.Asks, e.SMS, e.Chat, e.Page = b.Title, strings.Join(b.Asks, "\n"), b.SMS, b.Chat, b.Page
		e.count()
		p.Editions = append(p.Editions, e)
	}
	return p, nil
}

func (c *Console) editAnswer(w http.ResponseWriter, r *http.Request, v *visit) error {
	name := r.PathValue("name")
	if q := r.URL.Query().Get("name"); name == "new" && q != "" {
		http.Redirect(w, r, "/answers/"+url.PathEscape(strings.ToLower(strings.TrimSpace(q)))+"/edit", http.StatusSeeOther)
		return nil
	}
	p, err := c.edit(r, name)
	if err != nil {
		return err
	}
	p.Owners = c.allDepartments(v, p.Owner)
	return c.render(w, v, http.StatusOK, "edit", p)
}

// proposeAnswer checks the form, and keeps it as a draft when it was asked to.
func (c *Console) proposeAnswer(w http.ResponseWriter, r *http.Request, v *visit) error {
	p, err := c.edit(r, r.PathValue("name"))
	if err != nil {
		return err
	}
	c.fill(r, p)
	p.Owners = c.allDepartments(v, p.Owner)
	d, err := c.draftOf(r, p)
	var fault adapters.Fault
	if errors.As(err, &fault) {
		p.Faults = append(p.Faults, fault)
		return c.render(w, v, http.StatusUnprocessableEntity, "edit", p)
	}
	if err != nil {
		return err
	}
	if p.Checked = r.PostFormValue("act") != "propose"; p.Checked {
		return c.render(w, v, http.StatusOK, "edit", p)
	}
	d.ID, d.By, d.At, d.State = c.NewID(), v.Me.ID, v.Now, adapters.Proposed
	if err := c.Store.Propose(r.Context(), d); err != nil {
		return err
	}
	c.Log.Info("answer proposed", "answer", d.Name, "draft_id", d.ID, "staff", v.Me.ID)
	return c.said(w, r, "console.said.proposed", "/drafts/"+url.PathEscape(d.ID))
}

// fill takes what was typed.
func (c *Console) fill(r *http.Request, p *editPage) {
	line := func(name string) string { return exchange.NormalizeLine(r.PostFormValue(name)) }
	block := func(name string) string { return strings.TrimSpace(exchange.Normalize(r.PostFormValue(name))) }
	p.Owner, p.ReviewBy, p.Why = line("owner"), line("review_by"), block("why")
	if p.Audience = string(answers.Public); r.PostFormValue("audience") == string(answers.Staff) {
		p.Audience = string(answers.Staff)
	}
	for _, e := range p.Editions {
		e.Title, e.Asks = line("title-"+e.Lang), block("asks-"+e.Lang)
		e.SMS, e.Chat, e.Page = line("sms-"+e.Lang), block("chat-"+e.Lang), block("page-"+e.Lang)
		e.count()
	}
}

// draftOf gives what has changed as a draft, or the first fault.
func (c *Console) draftOf(r *http.Request, p *editPage) (adapters.Draft, error) {
	d := adapters.Draft{Name: p.Name, Why: p.Why, Staff: p.Audience == string(answers.Staff)}
	for _, e := range p.Editions {
		if !e.Exists && e.Title == "" && e.SMS == "" && e.Chat == "" && e.Page == "" {
			continue
		}
		page := e.Before
		page.Title, page.SMS, page.Chat, page.Page = e.Title, e.SMS, e.Chat, e.Page
		page.Asks = lines(e.Asks)
		page.Audience, page.Owner, page.ReviewBy = answers.Audience(p.Audience), p.Owner, answers.Date(p.ReviewBy)
		b, err := page.Format()
		if err != nil {
			return d, adapters.Fault{Field: "page-" + e.Lang, Key: "console.fault.answer"}
		}
		if _, err := answers.Parse(p.Name, e.Lang, b); err != nil {
			c.Log.Debug("draft is not an answer", "answer", p.Name, "err", err)
			return d, adapters.Fault{Field: "title-" + e.Lang, Key: "console.fault.answer"}
		}
		if before, err := e.Before.Format(); e.Exists && err == nil && string(before) == string(b) {
			continue
		}
		d.Pages = append(d.Pages, adapters.Change{Lang: e.Lang, Title: e.Title, Over: e.Over, Body: string(b)})
	}
	if len(d.Pages) == 0 && r.PostFormValue("act") == "propose" {
		return d, adapters.Fault{Field: "all", Key: "console.fault.unchanged"}
	}
	return d, nil
}

func lines(s string) []string {
	var out []string
	for _, l := range strings.Split(s, "\n") {
		if l = strings.TrimSpace(l); l != "" && len(out) < maxAsks {
			out = append(out, l)
		}
	}
	return out
}

// measure counts a text as SMS, for the counter beside the box. It answers one sentence.
func (c *Console) measure(w http.ResponseWriter, r *http.Request, v *visit) error {
	s := &sheet{visit: v, c: c}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, err := w.Write([]byte(s.Segments(text.Measure(exchange.NormalizeLine(r.PostFormValue("text"))))))
	return err
}

// Segments says what a text costs as SMS.
func (s *sheet) Segments(size text.Size) string {
	return s.T("answer.segments", "n", size.Segments, "units", size.Units, "encoding", size.Encoding)
}
