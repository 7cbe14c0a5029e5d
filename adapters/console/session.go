package console

import (
	"context"
	"crypto/rand"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/alexedwards/scs/v2"

	"gatehouse/adapters"
)

// Keys of what a session holds.
const (
	sessionStaff = "staff"
	sessionToken = "token"
	sessionLang  = "lang"
	sessionSaid  = "said"
)

// sessionStore lets scs keep its sessions in ours. scs reckons their ends by the machine's clock, we by ours,
// which a demo may have moved.
type sessionStore struct {
	store adapters.Sessions
	now   func() time.Time
}

var _ scs.CtxStore = sessionStore{}

// FindCtx gives a session that has not expired.
func (s sessionStore) FindCtx(ctx context.Context, token string) ([]byte, bool, error) {
	return s.store.FindSession(ctx, token, s.now())
}

// CommitCtx stores a session.
func (s sessionStore) CommitCtx(ctx context.Context, token string, b []byte, expiry time.Time) error {
	return s.store.SaveSession(ctx, token, b, s.now().Add(time.Until(expiry)))
}

// DeleteCtx forgets a session.
func (s sessionStore) DeleteCtx(ctx context.Context, token string) error {
	return s.store.EndSession(ctx, token)
}

// Find is FindCtx for callers without a context; scs has none when it is given a CtxStore.
func (s sessionStore) Find(token string) ([]byte, bool, error) {
	return s.FindCtx(context.Background(), token)
}

// Commit is CommitCtx without a context.
func (s sessionStore) Commit(token string, b []byte, expiry time.Time) error {
	return s.CommitCtx(context.Background(), token, b, expiry)
}

// Delete is DeleteCtx without a context.
func (s sessionStore) Delete(token string) error { return s.DeleteCtx(context.Background(), token) }

func (c *Console) newSessions(s Shared) *scs.SessionManager {
	// Not scs.New: it would start a goroutine for a store in memory that nobody stops.
	m := &scs.SessionManager{Store: sessionStore{s.Store, s.Now}, Codec: scs.GobCodec{}, Lifetime: s.Config.Lifetime, IdleTimeout: s.Config.Idle}
	m.HashTokenInStore = true
	m.Cookie.Name = "gatehouse_office"
	m.Cookie.Path = "/"
	m.Cookie.HttpOnly = true
	m.Cookie.SameSite = http.SameSiteStrictMode
	m.Cookie.Secure = s.Config.SecureCookie
	m.Cookie.Persist = false
	m.ErrorFunc = func(w http.ResponseWriter, r *http.Request, err error) {
		s.Log.Error("session can't be kept", "err", err)
		http.Error(w, c.Texts.Text(c.preferred(r), "console.error.busy", nil), http.StatusServiceUnavailable)
	}
	return m
}

// token is the session's secret that every form must carry.
func (c *Console) token(ctx context.Context) string {
	t := c.sessions.GetString(ctx, sessionToken)
	if t == "" {
		t = rand.Text()
		c.sessions.Put(ctx, sessionToken, t)
	}
	return t
}

// language is what the person chose, else what their browser asks for, else English.
func (c *Console) language(r *http.Request) string {
	if lang := c.sessions.GetString(r.Context(), sessionLang); c.Texts.Has(lang) {
		return lang
	}
	return c.preferred(r)
}

// preferred is the first of the browser's languages that the console has.
func (c *Console) preferred(r *http.Request) string {
	for _, part := range strings.Split(r.Header.Get("Accept-Language"), ",") {
		tag, _, _ := strings.Cut(strings.TrimSpace(part), ";")
		tag, _, _ = strings.Cut(tag, "-")
		if tag = strings.ToLower(tag); c.Texts.Has(tag) {
			return tag
		}
	}
	return "en"
}

func (c *Console) showLogin(w http.ResponseWriter, r *http.Request, v *visit) error {
	if v.Me.ID != "" {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return nil
	}
	return c.render(w, v, http.StatusOK, "login", loginPage{})
}

type loginPage struct {
	Name  string
	Wrong string // key of a sentence
}

func (c *Console) login(w http.ResponseWriter, r *http.Request, v *visit) error {
	name := strings.ToLower(strings.TrimSpace(r.PostFormValue("name")))
	host, _, _ := net.SplitHostPort(r.RemoteAddr)
	if len(name) > 64 || len(r.PostFormValue("password")) > 256 {
		name = name[:min(len(name), 64)]
	}
	if !c.guard.Allows(name, host) {
		c.Log.Warn("log-in refused for now", "staff", name)
		return c.render(w, v, http.StatusTooManyRequests, "login", loginPage{Name: name, Wrong: "console.login.wait"})
	}
	who, err := c.Store.Person(r.Context(), name)
	if err != nil && !notFound(err) {
		return err
	}
	hash := who.Hash
	if who.Disabled {
		hash = ""
	}
	if !c.checker.Check(r.Context(), hash, r.PostFormValue("password")) {
		c.guard.Failed(name, host)
		c.Log.Warn("log-in failed", "staff", name)
		return c.render(w, v, http.StatusUnauthorized, "login", loginPage{Name: name, Wrong: "console.login.wrong"})
	}
	c.guard.Succeeded(name)
	if err := c.sessions.RenewToken(r.Context()); err != nil {
		return err
	}
	c.sessions.Put(r.Context(), sessionStaff, who.ID)
	c.sessions.Put(r.Context(), sessionToken, rand.Text())
	c.Log.Info("logged in", "staff", who.ID)
	http.Redirect(w, r, "/", http.StatusSeeOther)
	return nil
}

func (c *Console) logout(w http.ResponseWriter, r *http.Request, v *visit) error {
	if err := c.sessions.Destroy(r.Context()); err != nil {
		return err
	}
	c.Log.Info("logged out", "staff", v.Me.ID)
	http.Redirect(w, r, "/login", http.StatusSeeOther)
	return nil
}

func (c *Console) setLanguage(w http.ResponseWriter, r *http.Request, _ *visit) error {
	if lang := r.PostFormValue("lang"); c.Texts.Has(lang) {
		c.sessions.Put(r.Context(), sessionLang, lang)
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
	return nil
}
