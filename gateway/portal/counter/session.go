package counter

import (
	"crypto/rand"
	"crypto/subtle"
	"net"
	"net/http"
	"strings"

	"gatehouse/gateway"
)

// langCookie holds the language of a clerk's pages; it needs no session.
const langCookie = "gatehouse_counter_lang"

// Keys of what a session holds.
const (
	sessionClerk  = "clerk"
	sessionToken  = "token"
	sessionVisits = "visits"
)

type loginView struct {
	Name  string
	Wrong string // key of a sentence
}

func (c *Counter) showLogin(w http.ResponseWriter, r *http.Request, v *view) {
	if v.Clerk.ID != "" {
		http.Redirect(w, r, Root+"/", http.StatusSeeOther)
		return
	}
	c.show(w, r, http.StatusOK, "login", v, loginView{})
}

func (c *Counter) login(w http.ResponseWriter, r *http.Request, v *view) {
	r.Body = http.MaxBytesReader(w, r.Body, 4<<10)
	name := strings.ToLower(strings.TrimSpace(r.PostFormValue("name")))
	name = name[:min(len(name), 64)]
	host, _, _ := net.SplitHostPort(r.RemoteAddr)
	if !c.guard.Allows(name, host) {
		c.Log.WarnContext(r.Context(), "counter log-in refused for now", "clerk", name)
		c.show(w, r, http.StatusTooManyRequests, "login", v, loginView{name, "login.wait"})
		return
	}
	given := r.PostFormValue("password")
	if len(given) > 256 || !c.checker.Check(r.Context(), c.clerks[name].PasswordHash.Reveal(), given) {
		c.guard.Failed(name, host)
		c.Log.WarnContext(r.Context(), "counter log-in failed", "clerk", name)
		c.show(w, r, http.StatusUnauthorized, "login", v, loginView{name, "login.wrong"})
		return
	}
	c.guard.Succeeded(name)
	if err := c.sessions.RenewToken(r.Context()); err != nil {
		c.fail(w, r, "renew session", err)
		return
	}
	if !c.record(w, r, name, "login", "") {
		return
	}
	c.sessions.Put(r.Context(), sessionClerk, name)
	c.sessions.Put(r.Context(), sessionToken, rand.Text())
	c.Log.InfoContext(r.Context(), "counter log-in", "clerk", name)
	http.Redirect(w, r, Root+"/", http.StatusSeeOther)
}

func (c *Counter) logout(w http.ResponseWriter, r *http.Request, v *view) {
	if !c.genuine(w, r, v, r.PostFormValue("token")) {
		return
	}
	if err := c.sessions.Destroy(r.Context()); err != nil {
		c.fail(w, r, "end session", err)
		return
	}
	http.Redirect(w, r, Root+"/login", http.StatusSeeOther)
}

// language changes the page's own language, the clerk's; the citizen's is chosen with the visit. It is
// the browser's to keep, so it needs no token.
func (c *Counter) language(w http.ResponseWriter, r *http.Request, _ *view) {
	if lang := r.PostFormValue("lang"); c.Texts.Has(lang) {
		http.SetCookie(w, &http.Cookie{Name: langCookie, Value: lang, Path: Root, HttpOnly: true, Secure: c.Config.SecureCookie, SameSite: http.SameSiteStrictMode})
	}
	http.Redirect(w, r, Root+"/", http.StatusSeeOther)
}

// genuine tells whether a form is this session's own.
func (c *Counter) genuine(w http.ResponseWriter, r *http.Request, v *view, token string) bool {
	if v.Token != "" && subtle.ConstantTimeCompare([]byte(token), []byte(v.Token)) == 1 {
		return true
	}
	c.Log.WarnContext(r.Context(), "foreign form at the counter", "clerk", v.Clerk.ID)
	c.trouble(w, r, v, http.StatusForbidden, "foreign")
	return false
}

// record writes the log; what can't be logged is not done.
func (c *Counter) record(w http.ResponseWriter, r *http.Request, clerk, act, subject string) bool {
	err := c.Store.Record(r.Context(), gateway.Deed{At: c.Now(), Clerk: clerk, Act: act, Subject: subject})
	if err != nil {
		c.fail(w, r, "log a deed", err)
	}
	return err == nil
}

// fail says that it did not work; the log says why.
func (c *Counter) fail(w http.ResponseWriter, r *http.Request, what string, err error) {
	c.Log.ErrorContext(r.Context(), "counter failed", "tried", what, "err", err)
	w.Header().Set("Retry-After", "5")
	c.trouble(w, r, c.view(r), http.StatusServiceUnavailable, "busy")
}

// trouble says as a page why this was not done: busy, rate, or foreign (the form of another session).
func (c *Counter) trouble(w http.ResponseWriter, r *http.Request, v *view, status int, why string) {
	c.show(w, r, status, "trouble", v, why)
}
