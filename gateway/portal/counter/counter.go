// Package counter is the page on which clerks write for people who stand at a counter or call: the same dialogue as on
// every other channel, driven through the Inbox and read back from the History.
//
// The rule: it is served on the private listener alone, a clerk's name is never shown to a citizen, and who looked
// into which case stands in a log that can't be changed.
package counter

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/alexedwards/scs/v2"

	"gatehouse/channels"
	"gatehouse/configs/look"
	"gatehouse/configs/password"
	"gatehouse/configs/secret"
	"gatehouse/configs/texts"
	"gatehouse/exchange/service"
	"gatehouse/gateway"
)

// Name is this channel's Address.Channel.
const Name = service.AtCounter

// Root is where Mount registers the pages.
const Root = "/counter"

//go:embed pages/*.html
var pageFiles embed.FS

// Config is the block `counter` of gateway.yaml.
type Config struct {
	// Clerks may log in; none: there is no counter.
	Clerks []Clerk `yaml:"clerks"`
	// Idle ends a session without a click (default 15m), Lifetime every session (default 10h).
	Idle     time.Duration `yaml:"idle"`
	Lifetime time.Duration `yaml:"lifetime"`
	// SecureCookie is for a private listener behind TLS.
	SecureCookie bool `yaml:"secure_cookie"`
}

// Clerk is an account of the counter. The gateway has no list of staff: these stand in its configuration.
type Clerk struct {
	// ID is what the clerk logs in with: lower-case letters, digits, dots and hyphens.
	ID string `yaml:"id"`
	// Label is how the inside reads who took a case, such as "Counter 2, town hall".
	Label string `yaml:"label"`
	// PasswordHash is what `gateway password` prints.
	PasswordHash secret.Value `yaml:"password_hash"`
}

// Defaults of Config, and its bounds.
const (
	defaultIdle     = 15 * time.Minute
	defaultLifetime = 10 * time.Hour
	maxIdle         = 4 * time.Hour
	maxLifetime     = 24 * time.Hour
)

// Validate gives all faults joined.
func (c *Config) Validate() error {
	var all []error
	fault := func(format string, a ...any) { all = append(all, fmt.Errorf(format, a...)) }
	seen := map[string]bool{}
	for i, k := range c.Clerks {
		if k.ID == "" || len(k.ID) > 64 || strings.Trim(k.ID, "abcdefghijklmnopqrstuvwxyz0123456789.-") != "" || seen[k.ID] {
			fault("clerks.%d.id: is %q; up to 64 lower-case letters, digits, dots and hyphens, each clerk another", i, k.ID)
		}
		seen[k.ID] = true
		if k.Label == "" {
			fault("clerks.%d.label: is empty; write how the inside reads who took a case, such as Counter 2", i)
		}
		if !strings.HasPrefix(k.PasswordHash.Reveal(), "$argon2id$") {
			fault("clerks.%d.password_hash: is no hash; `gateway password` prints one", i)
		}
	}
	for key, d := range map[string][2]time.Duration{"idle": {c.Idle, maxIdle}, "lifetime": {c.Lifetime, maxLifetime}} {
		if d[0] < 0 || d[0] > d[1] {
			fault("%s: is %s; at most %s, or 0s for the default", key, d[0], d[1])
		}
	}
	return errors.Join(all...)
}

// Store is what the counter reads and writes.
type Store interface {
	gateway.Desk
	gateway.Sessions
	channels.History
	Tracked(ctx context.Context, reference string) (gateway.Matter, error)
}

// Options is what the counter stands on. Every field is needed but Override.
type Options struct {
	Config   Config
	City     string // the name of the city or office
	Store    Store
	Inbox    channels.Inbox
	Services *service.Catalog
	Texts    *texts.Catalog
	Limiter  channels.Limiter
	// Track gives a case's page with a token of its own, for the slip.
	Track    func(reference string) string
	Log      *slog.Logger
	Now      func() time.Time
	Override string // folder with an operator's own style sheet and logo
}

// Counter serves the pages. It is safe for concurrent use.
type Counter struct {
	Options
	clerks   map[string]Clerk
	look     *look.Look
	pages    map[string]*template.Template
	sessions *scs.SessionManager
	guard    *password.Guard
	checker  *password.Checker
}

// Open reads the templates and the look.
func Open(o Options) (*Counter, error) {
	l, err := look.Open(o.Override)
	if err != nil {
		return nil, fmt.Errorf("open the look: %w", err)
	}
	c := &Counter{Options: o, look: l, clerks: map[string]Clerk{}, guard: password.NewGuard(o.Now), checker: password.NewChecker()}
	for _, k := range o.Config.Clerks {
		c.clerks[k.ID] = k
	}
	c.sessions = c.newSessions()
	if c.pages, err = parse(); err != nil {
		return nil, err
	}
	return c, nil
}

func (c *Counter) newSessions() *scs.SessionManager {
	m := &scs.SessionManager{Store: keeper{c.Store}, Codec: scs.GobCodec{}, IdleTimeout: defaultIdle, Lifetime: defaultLifetime}
	if c.Config.Idle > 0 {
		m.IdleTimeout = c.Config.Idle
	}
	if c.Config.Lifetime > 0 {
		m.Lifetime = c.Config.Lifetime
	}
	m.HashTokenInStore = true
	m.Cookie.Name, m.Cookie.Path, m.Cookie.HttpOnly = "gatehouse_counter", Root, true
	m.Cookie.SameSite, m.Cookie.Secure = http.SameSiteStrictMode, c.Config.SecureCookie
	m.ErrorFunc = func(w http.ResponseWriter, r *http.Request, err error) {
		c.Log.ErrorContext(r.Context(), "session can't be kept", "err", err)
		c.trouble(w, r, &view{c: c, Lang: c.tongue(r)}, http.StatusServiceUnavailable, "busy")
	}
	return m
}

func parse() (map[string]*template.Template, error) {
	names, err := fs.Glob(pageFiles, "pages/*.html")
	if err != nil {
		return nil, fmt.Errorf("list pages: %w", err)
	}
	all := map[string]*template.Template{}
	for _, name := range names {
		if path.Base(name) == "frame.html" {
			continue
		}
		t, err := template.New(path.Base(name)).ParseFS(pageFiles, "pages/frame.html", name)
		if err != nil {
			return nil, fmt.Errorf("parse %s: %w", name, err)
		}
		all[strings.TrimSuffix(path.Base(name), ".html")] = t
	}
	return all, nil
}

// Mount registers the pages under /counter.
func (c *Counter) Mount(mux *http.ServeMux) {
	in := http.NewServeMux()
	in.Handle("GET "+Root+"/look/", c.look.Handler(Root+"/look"))
	at := func(pattern string, open bool, h func(w http.ResponseWriter, r *http.Request, v *view)) {
		method, p, _ := strings.Cut(pattern, " ")
		in.Handle(method+" "+Root+p, c.page(open, h))
	}
	at("GET /login", true, c.showLogin)
	at("POST /login", true, c.login)
	at("POST /language", true, c.language)
	at("POST /logout", false, c.logout)
	at("GET /{$}", false, c.home)
	at("POST /visits", false, c.begin)
	at("GET /visits/{id}", false, c.visit)
	at("POST /visits/{id}", false, c.say)
	at("POST /visits/{id}/end", false, c.end)
	at("GET /visits/{id}/slip/{reference}", false, c.slip)
	at("POST /cases", false, c.lookUp)
	at("POST /addresses", false, c.doubt)
	at("GET /letters", false, c.letters)
	at("POST /letters/{id}", false, c.posted)
	h := http.NewCrossOriginProtection().Handler(c.sessions.LoadAndSave(in))
	mux.Handle(Root+"/", h)
	mux.Handle("GET "+Root, http.RedirectHandler(Root+"/", http.StatusSeeOther))
}

// policy lets a page load from its own origin alone, run no script, and be framed by nobody.
const policy = "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// Rate of one clerk: a click a second, with room for going back and forth.
var clickRate = channels.Rate{Burst: 60, Per: 2}

// page sets what every answer carries, and lets nobody in who has not logged in; a form must carry its session's token.
func (c *Counter) page(open bool, h func(w http.ResponseWriter, r *http.Request, v *view)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		head := w.Header()
		head.Set("Content-Security-Policy", policy)
		head.Set("X-Content-Type-Options", "nosniff")
		head.Set("Referrer-Policy", "same-origin")
		head.Set("Cache-Control", "no-store")
		v := c.view(r)
		if !open && v.Clerk.ID == "" {
			http.Redirect(w, r, Root+"/login", http.StatusSeeOther)
			return
		}
		if wait, err := c.Limiter.Take(r.Context(), "counter:"+v.Clerk.ID, clickRate, 1); err == nil && wait > 0 {
			head.Set("Retry-After", fmt.Sprint(int(wait.Seconds())+1))
			c.trouble(w, r, v, http.StatusTooManyRequests, "rate")
			return
		}
		h(w, r, v)
	})
}

// Channel lets the gateway's sender settle what it owes to the counter: the words are in the History, where the page
// reads them.
type Channel struct{ Now func() time.Time }

// Name is "counter".
func (Channel) Name() string { return Name }

// Send has nothing to carry.
func (c Channel) Send(_ context.Context, m channels.Message) (channels.Receipt, error) {
	return channels.Receipt{MessageID: m.ID, Channel: Name, State: channels.Delivered, At: c.Now()}, nil
}
