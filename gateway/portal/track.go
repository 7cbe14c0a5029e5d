package portal

import (
	"errors"
	"net/http"
	"net/url"

	"gatehouse/exchange"
	"gatehouse/gateway"
)

// trackView is what the tracking page shows.
type trackView struct {
	Asked  string // what was typed
	Wrong  bool   // it is no reference: a digit is wrong
	Proof  bool   // the link's own token was right
	Matter gateway.Matter
	Story  []tale
}

// tale is one line of the time line, with the link of its document.
type tale struct {
	gateway.Event
	Link string
}

// trackForm turns a typed reference into its page.
func (p *Portal) trackForm(w http.ResponseWriter, r *http.Request, lang string) {
	asked := r.URL.Query().Get("reference")
	if asked == "" {
		p.show(w, r, http.StatusOK, "track", view{Lang: lang, Title: p.text(lang, "track.title"), Data: trackView{}})
		return
	}
	ref, ok := exchange.ParseReference(asked)
	if !ok {
		p.show(w, r, http.StatusUnprocessableEntity, "track", view{Lang: lang, Title: p.text(lang, "track.title"),
			Data: trackView{Asked: clip(asked, 40), Wrong: true}})
		return
	}
	http.Redirect(w, r, "/track/"+ref+"?lang="+lang, http.StatusSeeOther)
}

// trackAny shows a case to whoever holds the link with its token. Without the token it says how to ask, and never
// whether there is such a case.
func (p *Portal) trackAny(w http.ResponseWriter, r *http.Request) {
	lang := r.URL.Query().Get("lang")
	if !p.Texts.Has(lang) {
		lang = p.language(r)
	}
	ref, ok := exchange.ParseReference(r.PathValue("reference"))
	v := view{p: p, Lang: lang, Title: p.text(lang, "track.title"), Path: "/track"}
	if t := r.URL.Query().Get("t"); ok {
		v.Bare = "/track/" + ref + "?t=" + url.QueryEscape(t) + "&"
	}
	if !ok {
		v.Data = trackView{Asked: clip(r.PathValue("reference"), 40), Wrong: true}
		p.show(w, r, http.StatusNotFound, "track", v)
		return
	}
	if !p.Links.proves("track", ref, r.URL.Query().Get("t")) {
		v.Data = trackView{Asked: ref}
		p.show(w, r, http.StatusOK, "track", v)
		return
	}
	m, err := p.Matters.Tracked(r.Context(), ref)
	if errors.Is(err, gateway.ErrNotFound) {
		p.missing(w, r, lang)
		return
	}
	if err != nil {
		p.Log.ErrorContext(r.Context(), "track", "err", err)
		p.trouble(w, r, lang, http.StatusServiceUnavailable, "later")
		return
	}
	v.Data = trackView{Asked: ref, Proof: true, Matter: m, Story: p.told(v, m)}
	p.show(w, r, http.StatusOK, "track", v)
}

// told leaves out of a time line what says the same to a citizen as the line before it.
func (p *Portal) told(v view, m gateway.Matter) []tale {
	var all []tale
	last, papers := "", 0
	for _, e := range m.Events {
		t := tale{Event: e}
		if e.Paper != nil {
			papers++
			t.Link, _ = p.Links.Paper(m.Reference, papers)
		}
		words := v.State(e.State, "")
		if words == last && e.Text == "" && t.Link == "" && e.Receipt == "" {
			continue
		}
		all, last = append(all, t), words
	}
	return all
}

// clip cuts s to n characters for showing back.
func clip(s string, n int) string {
	r := []rune(s)
	if len(r) > n {
		r = append(r[:n], '…')
	}
	return string(r)
}
