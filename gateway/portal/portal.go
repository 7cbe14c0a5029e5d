// Package portal is what citizens see in a browser: search and answers, forms, tracking, the chat's page, and the
// small JSON interface over the same answers.
//
// The rule: every page works without JavaScript, but for the chat; a form goes the way of every message, through
// the Inbox, and its reply is read back from the History.
package portal

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"gatehouse/channels"
	published "gatehouse/configs/answers"
	"gatehouse/configs/look"
	"gatehouse/configs/secret"
	"gatehouse/configs/texts"
	"gatehouse/exchange/receipt"
	"gatehouse/exchange/service"
	"gatehouse/gateway"
	"gatehouse/gateway/answers"
	"gatehouse/gateway/consent"
	"gatehouse/gateway/dialogue"
	"gatehouse/gateway/slip"
)

//go:embed pages/*.html
var pageFiles embed.FS

//go:embed static/chat.js
var chatScript []byte

//go:embed static/form.js
var formScript []byte

//go:embed static/upload.js
var uploadScript []byte

// Library is what is published: the pages and their index.
type Library interface {
	Find(q answers.Query) answers.Result
	// Page gives a public page in force, in lang.
	Page(lang, id string) (published.Page, bool)
	// Pages gives all public pages in force in lang, ordered by title.
	Pages(lang string) []published.Page
}

// Matters finds what the public may see of a case.
type Matters interface {
	Tracked(ctx context.Context, reference string) (gateway.Matter, error)
}

// Files opens what is kept.
type Files interface {
	File(ctx context.Context, sha256 string) (io.ReadCloser, error)
}

// Options is what the portal stands on. Every field is needed but Slips and Override.
type Options struct {
	City     string // the name of the city or office
	Links    Links
	Library  Library
	Matters  Matters
	Files    Files
	Passes   Passes
	Receipts gateway.Receipts
	// ReceiptKeys gives the keys that sign receipts, past and present.
	ReceiptKeys func() receipt.Keys
	Slips       *slip.Printer // nil: receipts have no page to print
	Inbox       channels.Inbox
	History     channels.History
	Services    *service.Catalog
	Texts       *texts.Catalog
	Limiter     channels.Limiter
	Log         *slog.Logger
	Now         func() time.Time
	NewID       func() string
	Override    string // folder with an operator's own style sheet and logo
}

// Portal serves the pages. It is safe for concurrent use.
type Portal struct {
	Options
	look    *look.Look
	pages   map[string]*page
	langs   []string
	lists   *consent.Directory
	grammar *dialogue.Grammar
	checks  chan struct{} // one place for each file that may be checked at the same time
}

// Open reads the templates and the look.
func Open(o Options) (*Portal, error) {
	if o.Links.Key.IsZero() {
		return nil, errors.New("links.key: is empty; set at least 16 random characters")
	}
	l, err := look.Open(o.Override)
	if err != nil {
		return nil, fmt.Errorf("open the look: %w", err)
	}
	p := &Portal{Options: o, look: l, langs: ordered(o.Texts.Languages()), lists: consent.NewDirectory(o.Services, dialogue.Fold), grammar: dialogue.New(o.Texts),
		checks: make(chan struct{}, checksAtOnce)}
	if p.pages, err = p.parse(); err != nil {
		return nil, err
	}
	return p, nil
}

// ordered puts English first; it is the language for everybody whose own is not known.
func ordered(langs []string) []string {
	langs = slices.Clone(langs)
	slices.SortFunc(langs, func(a, b string) int {
		if (a == "en") != (b == "en") {
			if a == "en" {
				return -1
			}
			return 1
		}
		return strings.Compare(a, b)
	})
	return langs
}

// Mount registers the pages. Languages stand literally in the patterns, so that /track/… and /hooks/… are no language.
func (p *Portal) Mount(mux *http.ServeMux) {
	mux.Handle("GET /{$}", p.wrap(p.front))
	mux.Handle("GET /privacy", p.wrap(p.front))
	mux.Handle("GET /look/", p.look.Handler("/look"))
	mux.HandleFunc("GET /static/chat.js", script(chatScript))
	mux.HandleFunc("GET /static/form.js", script(formScript))
	mux.HandleFunc("GET /static/upload.js", script(uploadScript))
	mux.Handle("GET /d/{token}/copy", p.wrap(p.rowsCopy))
	mux.Handle("GET /d/{token}", p.wrap(p.correctPage))
	mux.Handle("POST /d/{token}", p.wrap(p.correctRows))
	mux.Handle("GET /p/{token}", p.wrap(p.pass))
	mux.Handle("POST /p/{token}", p.wrap(p.usePass))
	mux.Handle("GET /p/{token}/sent", p.wrap(p.passSent))
	mux.Handle("GET /p/{token}/my-data.json", p.wrap(p.dataFile))
	mux.Handle("GET /api/v1/answers", p.wrap(p.api))
	mux.Handle("GET /track/{reference}", p.wrap(p.trackAny))
	mux.Handle("GET /receipts/keys.json", p.wrap(p.receiptKeys))
	mux.Handle("GET /receipts/{id}", p.wrap(p.receipt))
	mux.Handle("POST /receipts/{id}", p.wrap(p.checkReceipt))
	mux.Handle("GET /receipts/{id}/{file}", p.wrap(p.receiptFile))
	mux.Handle("GET /documents/{reference}/{n}", p.wrap(p.paper))
	for _, lang := range p.langs {
		at := func(method, path string, h func(w http.ResponseWriter, r *http.Request, lang string)) {
			mux.Handle(method+" /"+lang+path, p.wrap(func(w http.ResponseWriter, r *http.Request) { h(w, r, lang) }))
		}
		at("GET", "/{$}", p.home)
		at("GET", "/search", p.search)
		at("GET", "/answers/{id}", p.answer)
		at("GET", "/services/{code}", p.form)
		at("POST", "/services/{code}", p.file)
		at("GET", "/services/{code}/{file}", p.fillIn)
		at("GET", "/sent/{token}", p.sent)
		at("GET", "/declare/{code}", p.declarePage)
		at("POST", "/declare/{code}", p.declare)
		at("GET", "/declare/{code}/sent/{token}", p.declared)
		at("GET", "/chat", p.chat)
		at("GET", "/track", p.trackForm)
		at("GET", "/privacy", p.privacy)
		at("GET", "/", p.missing)
	}
}

// policy lets a page load from its own origin alone, and be framed by nobody.
const policy = "default-src 'none'; style-src 'self'; img-src 'self' data:; script-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// Rates of one host: a person reads a page a second, a school behind one address many.
var pageRate = channels.Rate{Burst: 120, Per: 20}

// wrap sets what every answer carries and holds each host to its rate.
func (p *Portal) wrap(h http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		head := w.Header()
		head.Set("Content-Security-Policy", policy)
		head.Set("X-Content-Type-Options", "nosniff")
		head.Set("Referrer-Policy", "same-origin")
		wait, err := p.Limiter.Take(r.Context(), "portal:"+host(r), pageRate, 1)
		if err == nil && wait > 0 {
			head.Set("Retry-After", fmt.Sprint(int(wait.Seconds())+1))
			p.trouble(w, r, p.language(r), http.StatusTooManyRequests, "rate")
			return
		}
		h(w, r)
	})
}

func host(r *http.Request) string {
	i := strings.LastIndexByte(r.RemoteAddr, ':')
	return r.RemoteAddr[:max(i, 0)]
}

// front sends a visitor to the page in their language.
func (p *Portal) front(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Vary", "Accept-Language")
	http.Redirect(w, r, "/"+p.language(r)+r.URL.Path, http.StatusSeeOther)
}

// language picks the first of the browser's languages that we have (RFC 9110 §12.5.4; the order written counts, which
// is how browsers send it).
func (p *Portal) language(r *http.Request) string {
	for i, part := range strings.Split(r.Header.Get("Accept-Language"), ",") {
		if i == 10 {
			break
		}
		tag, _, _ := strings.Cut(strings.TrimSpace(part), ";")
		tag, _, _ = strings.Cut(strings.ToLower(tag), "-")
		if slices.Contains(p.langs, tag) {
			return tag
		}
	}
	return p.langs[0]
}

func script(source []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-cache")
		_, _ = w.Write(source)
	}
}

// Links makes and checks the links that carry their own proof.
type Links struct {
	PublicURL string
	Key       secret.Value
	Now       func() time.Time
}
