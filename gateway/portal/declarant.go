package portal

import (
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"gatehouse/channels"
	"gatehouse/exchange"
	"gatehouse/exchange/service"
	"gatehouse/gateway"
)

const (
	// declarantCookie proves that this browser opened a link which was mailed to a registered address. Whether the address
	// still is registered is looked up with each declaration.
	declarantCookie = "declarant"
	// declarantLife is how long it does so: a working day.
	declarantLife = 12 * time.Hour
	// clerkField names the question for the mail address of who declares for a company; it is no field of the service.
	clerkField = "clerk"
)

// declarant is the mail address that this browser has proven; zero: none.
func (p *Portal) declarant(r *http.Request) channels.Address {
	c, err := r.Cookie(declarantCookie)
	if err != nil {
		return channels.Address{}
	}
	named, token, _ := strings.Cut(c.Value, ".")
	b, err := base64.RawURLEncoding.DecodeString(named)
	if err != nil || !p.Links.proves("declarant", string(b), token) {
		return channels.Address{}
	}
	return channels.Address{Channel: "email", Value: string(b)}
}

func (p *Portal) setDeclarant(w http.ResponseWriter, a channels.Address) {
	c := &http.Cookie{Name: declarantCookie, Path: "/", MaxAge: -1, HttpOnly: true, Secure: strings.HasPrefix(p.Links.PublicURL, "https:"),
		SameSite: http.SameSiteLaxMode}
	if !a.IsZero() {
		c.Value = base64.RawURLEncoding.EncodeToString([]byte(a.Value)) + "." + p.Links.token("declarant", a.Value, p.Now().Add(declarantLife))
		c.MaxAge = int(declarantLife.Seconds())
	}
	http.SetCookie(w, c)
}

// forCompany tells whether only who is registered for its company may file a service's form.
func forCompany(s *service.Service) bool { return s.ForCompany() }

// named reads the mail address that somebody typed who declares for a company.
func (p *Portal) named(values url.Values) (said string, a channels.Address, ok bool) {
	said = values.Get(clerkField)
	said = strings.TrimSpace(exchange.NormalizeLine(strings.ToValidUTF8(said[:min(len(said), maxWhere)], "")))
	a, ok = gateway.Reachable(p.Services.City, said)
	return said, a, ok && a.Channel == "email"
}

// sender is who a form or a file for a company comes from: the address that the browser has proven, else the one that was
// typed, of which nothing is proven.
func (p *Portal) sender(r *http.Request, values url.Values) (a channels.Address, trust channels.Trust, ok bool) {
	if a = p.declarant(r); !a.IsZero() {
		return a, channels.Proven, true
	}
	_, a, ok = p.named(values)
	return a, channels.Unverified, ok
}

// signin opens a link that proves a registered address to this browser, and leads to the page where it was asked for.
func (p *Portal) signin(w http.ResponseWriter, r *http.Request, lang, token string) {
	now := p.Now()
	got, err := p.Passes.UsePass(r.Context(), token, now, now.Add(time.Minute))
	switch {
	case errors.Is(err, gateway.ErrNotFound):
		p.showPass(w, r, http.StatusNotFound, lang, passView{Say: "pass.ended"})
		return
	case err != nil:
		p.Log.ErrorContext(r.Context(), "use pass", "err", err)
		p.trouble(w, r, lang, http.StatusServiceUnavailable, "later")
		return
	}
	p.setDeclarant(w, got.Address)
	http.Redirect(w, r, "/"+lang+"/declare/"+strings.ToLower(got.Subject), http.StatusSeeOther)
}

// askLink has a link mailed to an address, if it is registered; the page says the same whether it is or not.
func (p *Portal) askLink(w http.ResponseWriter, r *http.Request, lang string, v declareView, id string, values url.Values) {
	said, a, ok := p.named(values)
	v.Address = said
	if !ok {
		v.fault(clerkField, p.text(lang, "declare.clerk.fault"))
		p.showDeclare(w, r, http.StatusUnprocessableEntity, lang, v)
		return
	}
	err := p.Inbox.Accept(r.Context(), channels.Message{ID: "web:signin:" + id + "." + p.Links.mac("signin", a.Value), From: a, To: gateway.SigninTo(v.Service), At: p.Now(),
		Lang: lang, Trust: channels.Unverified})
	if err != nil {
		p.refused(w, r, lang, err)
		return
	}
	v.Asked = true
	p.showDeclare(w, r, http.StatusOK, lang, v)
}
