// Package console is the office's staff pages: cases, answers, messages to lists, release and the border.
//
// The rule: a page shows only what its reader may see, and a form only asks; every act is checked again by the desk
// that does it. A case is shown only after the log says who looked. What stays inside and what goes out never look
// alike.
package console

import (
	"context"
	"crypto/subtle"
	"embed"
	"errors"
	"html/template"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/alexedwards/scs/v2"

	"gatehouse/adapters"
	"gatehouse/adapters/factor"
	"gatehouse/adapters/register"
	"gatehouse/configs/look"
	"gatehouse/configs/password"
	"gatehouse/configs/texts"
	"gatehouse/exchange/service"
)

// Bounds of requests.
const (
	// maxForm bounds a form without files: four languages of an answer.
	maxForm = 1 << 20
	// MaxUpload bounds one form with files.
	MaxUpload = 32 << 20
)

//go:embed templates/*.html
var pages embed.FS

//go:embed console.js
var script []byte

// Config is the `console` block of office.yaml.
type Config struct {
	// Lifetime ends a session however busy, Idle one that nothing is done in.
	Lifetime time.Duration `yaml:"lifetime"`
	Idle     time.Duration `yaml:"idle"`
	// SecureCookie keeps the session's cookie off plain HTTP: true wherever staff reach the console over TLS.
	SecureCookie bool `yaml:"secure_cookie"`
	// Look replaces files of the style sheet and icons; empty: none.
	Look string `yaml:"look"`
}

// Defaults of Config.
const (
	DefaultLifetime = 10 * time.Hour // a working day
	DefaultIdle     = time.Hour
)

// WithDefaults fills in what is zero.
func (c Config) WithDefaults() Config {
	if c.Lifetime == 0 {
		c.Lifetime = DefaultLifetime
	}
	if c.Idle == 0 {
		c.Idle = DefaultIdle
	}
	return c
}

// Validate gives all faults joined.
func (c *Config) Validate() error {
	var all []error
	if c.Lifetime < 0 || c.Lifetime > 24*time.Hour {
		all = append(all, errors.New("lifetime: must be between 0 and 24h, such as 10h"))
	}
	if c.Idle < 0 || c.Idle > 24*time.Hour {
		all = append(all, errors.New("idle: must be between 0 and 24h, such as 1h"))
	}
	return errors.Join(all...)
}

// Shared is what a console is opened with. Every field is required.
type Shared struct {
	Config  Config
	Log     *slog.Logger
	Now     func() time.Time
	NewID   func() string
	Store   adapters.Store
	Desk    adapters.Working
	Gate    adapters.Gate
	Policy  adapters.Policy
	Factors *factor.Factors
	Catalog *service.Catalog
	Texts   *texts.Catalog
	// Isolation is what the border's file states: none, logical or physical.
	Isolation string
	// Live is the running border; nil: the page shows what the store knows.
	Live adapters.Live
	// Posted is called after something was put into the down lane; it must not block.
	Posted func()
	// UndoTime is how long something public waits.
	UndoTime time.Duration
}

// Console serves the pages.
type Console struct {
	Shared
	look      *look.Look
	sessions  *scs.SessionManager
	guard     *password.Guard
	checker   *password.Checker
	templates *template.Template
	book      *register.Book
}

// Open makes a console. It touches no network and no store.
func Open(s Shared) (*Console, error) {
	s.Config = s.Config.WithDefaults()
	l, err := look.Open(s.Config.Look)
	if err != nil {
		return nil, err
	}
	c := &Console{Shared: s, look: l, guard: password.NewGuard(s.Now), checker: password.NewChecker()}
	c.sessions = c.newSessions(s)
	c.book = &register.Book{Store: s.Store, Gate: s.Gate, Services: s.Catalog, Log: s.Log, Now: s.Now, NewID: s.NewID, Posted: s.Posted}
	c.templates, err = template.New("").Funcs(c.funcs()).ParseFS(pages, "templates/*.html")
	if err != nil {
		return nil, err
	}
	return c, nil
}

// visit is one request of one person.
type visit struct {
	Me    adapters.Staff
	Lang  string
	Token string
	Path  string
	Said  string // key of what was done by the form before
	Now   time.Time
}

// handler answers one request; its error becomes a page.
type handler func(w http.ResponseWriter, r *http.Request, v *visit) error

// Handler serves all pages.
func (c *Console) Handler() http.Handler {
	mux := http.NewServeMux()
	anyone := func(pattern string, h handler) { mux.Handle(pattern, c.handle(nil, false, h)) }
	only := func(pattern string, h handler, roles ...adapters.Role) { mux.Handle(pattern, c.handle(roles, true, h)) }
	mux.Handle("GET /look/", c.look.Handler("/look"))
	mux.HandleFunc("GET /console.js", c.script)
	anyone("GET /login", c.showLogin)
	anyone("POST /login", c.login)
	anyone("POST /language", c.setLanguage)
	c.routes(only)
	return c.guarded(http.NewCrossOriginProtection().Handler(c.sessions.LoadAndSave(mux)))
}

// routes lists every page behind the log-in with the roles that may open it; none: everybody who is logged in.
func (c *Console) routes(only func(pattern string, h handler, roles ...adapters.Role)) {
	readers := []adapters.Role{adapters.Officer, adapters.Releaser, adapters.Auditor}
	only("POST /logout", c.logout)
	only("GET /help", c.help)
	only("GET /{$}", c.queue)
	only("GET /cases/{id}", c.showCase, readers...)
	only("GET /cases/{id}/files/{file}", c.download, readers...)
	only("POST /cases/{id}/claim", c.claim, adapters.Officer)
	only("POST /cases/{id}/return", c.giveBack, adapters.Officer)
	only("POST /cases/{id}/move", c.move, adapters.Officer)
	only("POST /cases/{id}/note", c.note, adapters.Officer, adapters.Releaser)
	only("POST /cases/{id}/tell", c.tell, adapters.Officer)
	only("POST /cases/{id}/rows", c.judgeRows, adapters.Officer)
	only("POST /cases/{id}/register", c.fulfil, adapters.Officer)
	only("POST /cases/{id}/erase", c.erase, adapters.Officer)
	only("GET /held", c.held, adapters.Officer, adapters.Releaser, adapters.Approver, adapters.Publisher, adapters.Auditor)
	only("GET /held/{id}", c.heldItem, adapters.Officer, adapters.Releaser, adapters.Approver, adapters.Publisher, adapters.Auditor)
	only("POST /held/{id}/review", c.review, adapters.Releaser, adapters.Approver)
	only("GET /cases/{id}/copies/{copy}", c.copyOf, adapters.Auditor)
	only("GET /factor", c.factor, adapters.Emergency)
	only("POST /factor", c.confirmFactor, adapters.Emergency)
	only("POST /held/{id}/undo", c.undo)
	only("POST /held/{id}/release", c.release, adapters.Releaser, adapters.Approver)
	only("POST /held/{id}/decline", c.decline, adapters.Releaser, adapters.Approver)
	only("GET /answers", c.answers)
	only("GET /answers/{name}", c.answer)
	only("GET /answers/{name}/edit", c.editAnswer, adapters.Publisher)
	only("POST /answers/{name}/edit", c.proposeAnswer, adapters.Publisher)
	only("POST /measure", c.measure, adapters.Publisher)
	only("GET /drafts", c.drafts, adapters.Publisher, adapters.Approver, adapters.Auditor)
	only("GET /drafts/{id}", c.draft, adapters.Publisher, adapters.Approver, adapters.Auditor)
	only("POST /drafts/{id}/publish", c.publish, adapters.Approver)
	only("POST /drafts/{id}/reject", c.reject, adapters.Approver)
	only("GET /internal", c.newInternal, adapters.Officer, adapters.Publisher)
	only("POST /internal", c.openInternal, adapters.Officer, adapters.Publisher)
	only("GET /messages", c.messages, adapters.Publisher, adapters.Approver, adapters.Auditor)
	only("GET /messages/new", c.newMessage, adapters.Publisher)
	only("POST /messages/new", c.sendMessage, adapters.Publisher)
	only("GET /messages/{id}", c.message, adapters.Publisher, adapters.Approver, adapters.Auditor)
	only("POST /messages/{id}/steer", c.steer, adapters.Publisher, adapters.Approver)
	c.registerRoutes(only)
	c.returnRoutes(only)
	only("GET /border", c.border)
	only("GET /log", c.reads, adapters.Auditor)
}

// guarded sets what every answer carries.
func (c *Console) guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "+
			"img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
		next.ServeHTTP(w, r)
	})
}

func (c *Console) script(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
	w.Header().Set("Cache-Control", "public, max-age=300")
	_, _ = w.Write(script)
}

// handle wraps a page: who is it, may they, does the form carry the session's secret.
func (c *Console) handle(roles []adapters.Role, inside bool, h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		v, err := c.visit(r)
		switch {
		case err != nil:
		case !isText(r.URL.Path) || !textQuery(r.URL.RawQuery):
			err = adapters.ErrNotFound
		case inside && v.Me.ID == "":
			http.Redirect(w, r, "/login", http.StatusSeeOther)
			return
		case len(roles) > 0 && !v.Me.Has(roles...):
			err = adapters.ErrForbidden
		case r.Method == http.MethodPost && !isUpload(r):
			r.Body = http.MaxBytesReader(w, r.Body, maxForm)
			if !c.genuine(v, r.PostFormValue("token")) {
				err = errToken
			}
			if !textForm(r.PostForm) {
				err = adapters.ErrNotFound
			}
		}
		if err == nil {
			err = h(w, r, v)
		}
		if err != nil {
			c.fail(w, r, v, err)
		}
	})
}

// isText tells whether s is what a store can be asked for: UTF-8 without NUL. A browser sends nothing else.
func isText(s string) bool { return utf8.ValidString(s) && !strings.ContainsRune(s, 0) }

func textQuery(raw string) bool {
	q, err := url.ParseQuery(raw)
	return err == nil && textForm(q)
}

func textForm(form url.Values) bool {
	for _, values := range form {
		for _, v := range values {
			if !isText(v) {
				return false
			}
		}
	}
	return true
}

func (c *Console) genuine(v *visit, token string) bool {
	return v.Token != "" && subtle.ConstantTimeCompare([]byte(token), []byte(v.Token)) == 1
}

// errToken: a form without the session's secret. It is old, or another site sent it.
var errToken = errors.New("form does not belong to this session")

// visit tells who asks. Somebody who was disabled meanwhile is nobody.
func (c *Console) visit(r *http.Request) (*visit, error) {
	ctx := r.Context()
	v := &visit{Lang: c.language(r), Token: c.token(ctx), Path: r.URL.Path, Now: c.Now()}
	if r.Method == http.MethodGet {
		v.Said = c.sessions.PopString(ctx, sessionSaid)
	}
	id := c.sessions.GetString(ctx, sessionStaff)
	if id == "" {
		return v, nil
	}
	me, err := c.Store.Person(ctx, id)
	if err != nil && !notFound(err) {
		return v, err
	}
	if err == nil && !me.Disabled {
		v.Me = me
	}
	return v, nil
}

// said remembers a sentence for the next page, and goes there.
func (c *Console) said(w http.ResponseWriter, r *http.Request, key, to string) error {
	c.sessions.Put(r.Context(), sessionSaid, key)
	http.Redirect(w, r, to, http.StatusSeeOther)
	return nil
}

func notFound(err error) bool { return errors.Is(err, adapters.ErrNotFound) }

// fail shows an error as a page in the reader's language.
func (c *Console) fail(w http.ResponseWriter, r *http.Request, v *visit, err error) {
	status, key := statusOf(err)
	if status == http.StatusInternalServerError && r.Context().Err() == nil {
		c.Log.Error("page failed", "path", r.URL.Path, "staff", v.Me.ID, "err", err)
	}
	if err := c.render(w, v, status, "error", errorPage{Key: key}); err != nil {
		c.Log.Error("error page failed", "err", err)
		http.Error(w, http.StatusText(status), status)
	}
}

type errorPage struct{ Key string }

// statusOf says what an error is to the reader.
func statusOf(err error) (status int, key string) {
	var tooLarge *http.MaxBytesError
	var fault adapters.Fault
	switch {
	case errors.As(err, &fault):
		return http.StatusUnprocessableEntity, fault.Key
	case errors.As(err, &tooLarge):
		return http.StatusRequestEntityTooLarge, "console.error.large"
	case errors.Is(err, adapters.ErrNotFound):
		return http.StatusNotFound, "console.error.missing"
	case errors.Is(err, adapters.ErrLeak):
		return http.StatusUnprocessableEntity, "console.error.leak"
	case errors.Is(err, adapters.ErrForgotten):
		return http.StatusGone, "console.error.forgotten"
	case errors.Is(err, adapters.ErrForbidden):
		return http.StatusForbidden, "console.error.forbidden"
	case errors.Is(err, errToken):
		return http.StatusForbidden, "console.error.token"
	case errors.Is(err, adapters.ErrSamePerson):
		return http.StatusForbidden, "console.error.same_person"
	case errors.Is(err, adapters.ErrLocked):
		return http.StatusConflict, "console.error.locked"
	case errors.Is(err, adapters.ErrPending):
		return http.StatusConflict, "console.error.pending"
	case errors.Is(err, adapters.ErrGone):
		return http.StatusConflict, "console.error.gone"
	case errors.Is(err, adapters.ErrMoved):
		return http.StatusConflict, "console.error.moved"
	case errors.Is(err, context.DeadlineExceeded):
		return http.StatusServiceUnavailable, "console.error.busy"
	}
	return http.StatusInternalServerError, "console.error.failed"
}
