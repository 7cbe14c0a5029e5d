// Package pages lets a person hold the phones, chats and mailboxes of the stand-in carriers in a browser.
//
// The rule: a page shows and does only what the person at the far end could see and do. Everything works without
// JavaScript; the script only spares the reload.
package pages

import (
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"gatehouse/configs/look"
	"gatehouse/deploy/carriers/faults"
	"gatehouse/deploy/carriers/relay"
	"gatehouse/deploy/carriers/telegram"
	"gatehouse/deploy/carriers/twilio"
)

//go:embed html/*.html stand.css stand.js
var files embed.FS

// Person is somebody of the demo: a phone, a chat and a mailbox in one hand.
type Person struct {
	Name string `yaml:"name"`
	// Who they are, in a few words.
	Who string `yaml:"who"`
	// Lang is a BCP 47 tag.
	Lang  string `yaml:"lang"`
	Phone string `yaml:"phone"`
	Chat  int    `yaml:"chat"`
	Mail  string `yaml:"mail"`
}

// House is what the pages get from the program around them. Every field is set.
type House struct {
	Log    *slog.Logger
	SMS    *twilio.Carrier
	Chat   *telegram.Bot
	Mail   *relay.Relay
	People []Person
	// Clock is the demo's, if it can be moved; else nil. Zone is the city's.
	Clock Clock
	Zone  *time.Location
	// Addresses are shown on the start page: carriers, mailbox, dns.
	Addresses map[string]string
}

// Clock is the demo's day. The errors are sentences for people.
type Clock interface {
	Now() time.Time
	Ahead() time.Duration
	Move(to time.Time) error
	Forward(d time.Duration) error
	// Afresh deletes everything that is kept and starts again at the machine's time.
	Afresh() error
}

// Pages serves the pages.
type Pages struct {
	house House
	look  *look.Look
	all   map[string]*template.Template
}

// Open reads the templates.
func Open(h House) (*Pages, error) {
	l, err := look.Open("")
	if err != nil {
		return nil, fmt.Errorf("pages: %w", err)
	}
	p := &Pages{house: h, look: l, all: map[string]*template.Template{}}
	names, err := fs.Glob(files, "html/*.html")
	if err != nil {
		return nil, fmt.Errorf("pages: %w", err)
	}
	for _, name := range names {
		t, err := template.New("frame.html").Funcs(p.funcs()).ParseFS(files, "html/frame.html", "html/parts.html", name)
		if err != nil {
			return nil, fmt.Errorf("pages: %w", err)
		}
		p.all[strings.TrimSuffix(strings.TrimPrefix(name, "html/"), ".html")] = t
	}
	return p, nil
}

// Mount registers the pages.
func (p *Pages) Mount(mux *http.ServeMux) {
	mux.Handle("GET /look/", p.look.Handler("/look"))
	mux.Handle("GET /stand/", http.StripPrefix("/stand/", http.HandlerFunc(p.own)))
	for pattern, h := range map[string]http.HandlerFunc{
		"GET /{$}":                                   p.start,
		"GET /side":                                  p.side,
		"GET /phone":                                 p.pick("/phone/", "number"),
		"GET /chat":                                  p.pick("/chat/", "id"),
		"GET /mailbox":                               p.pick("/mailbox/", "address"),
		"GET /phone/{number}":                        p.phone,
		"POST /phone/{number}":                       p.text,
		"GET /phone/{number}/thread":                 p.phoneThread,
		"GET /phone/{number}/media/{seq}/{n}":        p.phoneMedia,
		"GET /chat/{id}":                             p.chat,
		"POST /chat/{id}":                            p.act,
		"GET /chat/{id}/thread":                      p.chatThread,
		"GET /chat/{id}/file/{file}":                 p.chatFile,
		"GET /mailbox/{address}":                     p.mailbox,
		"GET /mailbox/{address}/thread":              p.mailboxThread,
		"GET /mailbox/{address}/write":               p.write,
		"POST /mailbox/{address}/write":              p.send,
		"GET /mailbox/{address}/mail/{seq}":          p.mail,
		"GET /mailbox/{address}/mail/{seq}/html":     p.mailHTML,
		"GET /mailbox/{address}/mail/{seq}/raw":      p.mailRaw,
		"GET /mailbox/{address}/mail/{seq}/file/{n}": p.mailFile,
	} {
		mux.HandleFunc(pattern, h)
	}
	if p.house.Clock != nil {
		mux.HandleFunc("GET /clock", func(w http.ResponseWriter, r *http.Request) { p.showClock(w, r, http.StatusOK, "") })
		mux.HandleFunc("POST /clock", p.moveClock)
	}
}

func (p *Pages) own(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "stand.css" && r.URL.Path != "stand.js" {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Cache-Control", "no-cache")
	http.ServeFileFS(w, r, files, r.URL.Path)
}

// view is what every page knows.
type view struct {
	Title string
	// Bare leaves the frame out, for pages side by side.
	Bare  bool
	Fault string
	// Self is the page's own path; Poll the path of its living part, empty for none.
	Self, Poll string
	Data       any
}

func (p *Pages) show(w http.ResponseWriter, r *http.Request, status int, name string, v view) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "+
		"frame-src 'self'; form-action 'self'; frame-ancestors 'self'; base-uri 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	v.Bare = r.URL.Query().Has("bare")
	w.WriteHeader(status)
	if err := p.all[name].Execute(w, v); err != nil {
		p.house.Log.Debug("page was not shown", "err", err)
	}
}

// thread shows the living part of a page, unless the browser has this version of it.
func (p *Pages) thread(w http.ResponseWriter, r *http.Request, name string, version uint64, data func() any) {
	tag := `"` + strconv.FormatUint(version, 10) + `"`
	w.Header().Set("ETag", tag)
	w.Header().Set("Cache-Control", "no-store")
	if r.Header.Get("If-None-Match") == tag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if err := p.all[name].ExecuteTemplate(w, "thread", data()); err != nil {
		p.house.Log.Debug("thread was not shown", "err", err)
	}
}

// done answers a form: the script gets no page, a browser without it goes back to the page.
func (p *Pages) done(w http.ResponseWriter, r *http.Request, err error, again func(fault string)) {
	script := r.Header.Get("Accept") == "application/json"
	switch {
	case err != nil && script:
		http.Error(w, err.Error(), http.StatusBadRequest)
	case err != nil:
		again(err.Error())
	case script:
		w.WriteHeader(http.StatusNoContent)
	default:
		http.Redirect(w, r, r.URL.RequestURI(), http.StatusSeeOther)
	}
}

// pick leads from a form with one field to the page that it names.
func (p *Pages) pick(base, field string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v := strings.TrimSpace(r.URL.Query().Get(field))
		if v == "" || strings.ContainsAny(v, "/?#") {
			http.Redirect(w, r, "/", http.StatusSeeOther)
			return
		}
		http.Redirect(w, r, base+strings.ReplaceAll(v, " ", ""), http.StatusSeeOther)
	}
}

func (p *Pages) start(w http.ResponseWriter, r *http.Request) {
	p.show(w, r, http.StatusOK, "start", view{Title: "Phones, chats and mailboxes", Self: "/", Data: map[string]any{
		"People": p.house.People, "Magic": faults.Magic(), "Addresses": p.house.Addresses,
		"Number": p.house.SMS.Number(), "Bot": p.house.Chat.Self(), "Domains": p.house.Mail.Domains(),
	}})
}

// maxSide bounds the frames of one page.
const maxSide = 8

// side shows several of the pages beside one another: /side?p=phone/+44…&p=chat/1001.
func (p *Pages) side(w http.ResponseWriter, r *http.Request) {
	var frames []string
	for _, s := range r.URL.Query()["p"] {
		s = strings.TrimPrefix(strings.ReplaceAll(s, " ", "+"), "/") // a bare + in a query is a blank
		first, _, _ := strings.Cut(s, "/")
		if (first == "phone" || first == "chat" || first == "mailbox") && len(frames) < maxSide {
			frames = append(frames, "/"+s+"?bare")
		}
	}
	p.show(w, r, http.StatusOK, "side", view{Title: "Side by side", Self: "/side", Data: frames})
}

func (p *Pages) funcs() template.FuncMap {
	return template.FuncMap{
		"icon":    p.look.Icon,
		"logo":    p.look.Logo,
		"sheet":   func() string { return p.look.Sheet("/look") },
		"clock":   func(t time.Time) string { return t.Local().Format("15:04") },
		"day":     func(t time.Time) string { return t.Local().Format("2 Jan 15:04") },
		"iso":     func(t time.Time) string { return t.Format(time.RFC3339) },
		"unix":    func(n int64) time.Time { return time.Unix(n, 0) },
		"movable": func() bool { return p.house.Clock != nil },
		"links":   links,
		"size":    size,
		"short":   short,
		"name":    p.name,
		"who":     who,
	}
}

// name is who holds an address of any kind; the address itself when nobody of the demo does.
func (p *Pages) name(address string) string {
	for _, q := range p.house.People {
		if address == q.Phone || address == q.Mail || address == strconv.Itoa(q.Chat) {
			return q.Name
		}
	}
	return address
}
