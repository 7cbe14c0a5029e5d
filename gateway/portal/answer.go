package portal

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html"
	"html/template"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/microcosm-cc/bluemonday"
	"github.com/yuin/goldmark"

	published "gatehouse/configs/answers"
	"gatehouse/exchange/service"
	"gatehouse/gateway/answers"
)

// maxQuestion bounds a question typed into a search box, in bytes.
const maxQuestion = 500

// homeView is what the first page shows.
type homeView struct {
	Services []*service.Service
	Topics   []published.Page
}

func (p *Portal) home(w http.ResponseWriter, r *http.Request, lang string) {
	p.show(w, r, http.StatusOK, "home", view{Lang: lang, Title: p.City, Data: homeView{p.offered(), p.Library.Pages(lang)}})
}

// offered are the services that the web carries.
func (p *Portal) offered() []*service.Service {
	var all []*service.Service
	for _, s := range p.Services.All() {
		if onPage(s) && s.Kind != service.Ask {
			all = append(all, s)
		}
	}
	return all
}

// searchView is what the search shows.
type searchView struct {
	Query  string
	Result answers.Result
}

func (p *Portal) search(w http.ResponseWriter, r *http.Request, lang string) {
	q := question(r)
	v := searchView{Query: q}
	if q != "" {
		v.Result = p.Library.Find(answers.Query{Text: q, Lang: lang, Limit: 10, Now: p.Now()})
	}
	p.show(w, r, http.StatusOK, "search", view{Lang: lang, Title: p.text(lang, "search.title"), Data: v})
}

// question reads q, cut to its bound at a whole character.
func question(r *http.Request) string {
	q := strings.TrimSpace(strings.ToValidUTF8(r.URL.Query().Get("q"), ""))
	if len(q) <= maxQuestion {
		return q
	}
	q = q[:maxQuestion]
	for !utf8.ValidString(q) {
		q = q[:len(q)-1]
	}
	return q
}

// answerView is what an answer's page shows.
type answerView struct {
	Page    published.Page
	Body    template.HTML
	Service *service.Service
}

func (p *Portal) answer(w http.ResponseWriter, r *http.Request, lang string) {
	a, ok := p.Library.Page(lang, r.PathValue("id"))
	if !ok {
		p.missing(w, r, lang)
		return
	}
	body, err := render(a)
	if err != nil {
		p.Log.ErrorContext(r.Context(), "render answer", "answer", a.ID, "lang", a.Lang, "err", err)
	}
	v := answerView{Page: a, Body: body}
	if s, ok := p.Services.ByCode(a.Service); ok && onPage(s) {
		v.Service = s
	}
	p.show(w, r, http.StatusOK, "answer", view{Lang: lang, Title: a.Title, Data: v})
}

// render turns a page's Markdown into HTML that can do nothing but be read.
func render(a published.Page) (template.HTML, error) {
	source := a.Page
	if source == "" {
		source = a.Chat
	}
	if source == "" {
		source = a.SMS
	}
	var b bytes.Buffer
	if err := goldmark.Convert([]byte(source), &b); err != nil {
		return "", fmt.Errorf("convert markdown: %w", err)
	}
	return template.HTML(raised.Replace(string(bluemonday.UGCPolicy().SanitizeBytes(b.Bytes())))), nil //nolint:gosec // sanitised
}

// plain is the words of a page without their Markdown, for lists and for programs.
func plain(markdown string) string {
	var b bytes.Buffer
	if err := goldmark.Convert([]byte(markdown), &b); err != nil {
		return markdown
	}
	return strings.TrimSpace(html.UnescapeString(bluemonday.StrictPolicy().Sanitize(b.String())))
}

// raised puts a page's headings, which begin at the third level in its file, right under the title.
var raised = strings.NewReplacer("<h3", "<h2", "</h3>", "</h2>", "<h4", "<h3", "</h4>", "</h3>")

// apiAnswer is one answer as /api/v1/answers gives it.
type apiAnswer struct {
	ID    string  `json:"id"`
	Title string  `json:"title"`
	Text  string  `json:"text"`
	URL   string  `json:"url"`
	Score float64 `json:"score"`
}

// api answers GET /api/v1/answers?q=&lang=&limit=.
func (p *Portal) api(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	limit := 3
	if s := q.Get("limit"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 || n > answers.MaxHits {
			apiFault(w, fmt.Sprintf("limit is %q; give a whole number from 1 to %d", s, answers.MaxHits))
			return
		}
		limit = n
	}
	text := question(r)
	if text == "" {
		apiFault(w, "q is empty; give the question")
		return
	}
	lang := q.Get("lang")
	if lang != "" && !p.Texts.Has(lang) {
		apiFault(w, fmt.Sprintf("lang is %q; give one of %s", lang, strings.Join(p.langs, ", ")))
		return
	}
	res := p.Library.Find(answers.Query{Text: text, Lang: lang, Limit: limit, Now: p.Now()})
	out := struct {
		Confident bool        `json:"confident"`
		Answers   []apiAnswer `json:"answers"`
	}{res.Confident, []apiAnswer{}}
	for _, h := range res.Hits {
		out.Answers = append(out.Answers, apiAnswer{h.ID, h.Title, plain(h.Text), h.URL, h.Score})
	}
	writeJSON(w, http.StatusOK, out)
}

func apiFault(w http.ResponseWriter, text string) {
	writeJSON(w, http.StatusBadRequest, map[string]string{"error": text})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}
