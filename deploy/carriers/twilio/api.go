package twilio

import (
	"crypto/subtle"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"gatehouse/deploy/carriers/shelf"
)

const (
	apiVersion = "2010-04-01"
	// maxForm bounds the body of a request, in bytes: 1600 characters and ten URLs fit many times.
	maxForm = 64 << 10
)

// Mount registers the API. Every path but the short-lived one of a media's bytes asks for the account's password.
func (c *Carrier) Mount(mux *http.ServeMux) {
	base := "/" + apiVersion + "/Accounts/{account}/Messages"
	mux.HandleFunc("POST "+base+".json", c.guarded(c.create))
	mux.HandleFunc("GET "+base+".json", c.guarded(c.list))
	mux.HandleFunc("GET "+base+"/{sid}", c.guarded(c.fetch))
	mux.HandleFunc("POST "+base+"/{sid}", c.guarded(c.redact))
	mux.HandleFunc("DELETE "+base+"/{sid}", c.guarded(c.remove))
	mux.HandleFunc("GET "+base+"/{sid}/Media.json", c.guarded(c.listMedia))
	mux.HandleFunc("GET "+base+"/{sid}/Media/{media}", c.guarded(c.fetchMedia))
	mux.HandleFunc("DELETE "+base+"/{sid}/Media/{media}", c.guarded(c.removeMedia))
	mux.HandleFunc("GET "+mediaPath+"{sid}/{media}/{key}", c.mediaBytes)
	mux.HandleFunc("/"+apiVersion+"/", c.guarded(func(_ http.ResponseWriter, r *http.Request) *problem {
		return notFound(r.URL.Path)
	}))
}

func (c *Carrier) path(rest string) string {
	return "/" + apiVersion + "/Accounts/" + c.cfg.AccountSID + rest
}

func (c *Carrier) guarded(h func(http.ResponseWriter, *http.Request) *problem) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		p := c.authorize(r)
		if p == nil {
			p = h(w, r)
		}
		if p != nil {
			p.write(w)
		}
	}
}

func (c *Carrier) authorize(r *http.Request) *problem {
	user, pass, _ := r.BasicAuth()
	known := subtle.ConstantTimeCompare([]byte(user), []byte(c.cfg.AccountSID)) == 1
	if !c.cfg.AuthToken.Equal(pass) || !known {
		return unauthorized()
	}
	if a := r.PathValue("account"); a != "" && a != c.cfg.AccountSID {
		return notFound(r.URL.Path)
	}
	return nil
}

func (c *Carrier) named(r *http.Request) (shelf.Item[Message], *problem) {
	it, ok := c.find(strings.TrimSuffix(r.PathValue("sid"), ".json"))
	if !ok || it.Value.deleted {
		return it, notFound(r.URL.Path)
	}
	return it, nil
}

func (c *Carrier) fetch(w http.ResponseWriter, r *http.Request) *problem {
	it, p := c.named(r)
	if p != nil {
		return p
	}
	respond(w, http.StatusOK, c.resource(it.Value))
	return nil
}

func final(m Message) bool {
	return m.Inbound || m.Status == statusDelivered || m.Status == statusUndelivered || m.Status == statusFailed
}

func (c *Carrier) remove(w http.ResponseWriter, r *http.Request) *problem {
	it, p := c.named(r)
	if p != nil {
		return p
	}
	if !final(it.Value) {
		return &problem{status: http.StatusConflict, code: 20009, message: "Cannot delete this resource before it is complete"}
	}
	c.messages.Change(it.Seq, func(m *Message) { m.deleted = true })
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// redact is the update of a message: an empty Body takes the text away. Scheduling is not offered, so there is
// nothing to cancel.
func (c *Carrier) redact(w http.ResponseWriter, r *http.Request) *problem {
	it, p := c.named(r)
	if p != nil {
		return p
	}
	if err := r.ParseForm(); err != nil || !r.PostForm.Has("Body") || r.PostForm.Get("Body") != "" {
		return bad(20001, "Only an empty Body can be set")
	}
	if !final(it.Value) {
		return &problem{status: http.StatusConflict, code: 20009, message: "Cannot redact this resource before it is complete"}
	}
	c.messages.Change(it.Seq, func(m *Message) { m.Body, m.Updated = "", c.house.Now() })
	it, _ = c.messages.Get(it.Seq)
	respond(w, http.StatusOK, c.resource(it.Value))
	return nil
}

// filter is what a list asks for.
type filter struct {
	to, from      string
	after, before time.Time // DateSent from, inclusive, and to, exclusive
	size, page    int
	below         uint64 // only numbers under it; 0 for all
}

func (c *Carrier) list(w http.ResponseWriter, r *http.Request) *problem {
	f, p := c.filter(r.URL.Query())
	if p != nil {
		return p
	}
	rows, more := c.rows(f)
	list := []resource{}
	for _, it := range rows {
		list = append(list, c.resource(it.Value))
	}
	out := map[string]any{
		"messages": list, "page": f.page, "page_size": f.size, "uri": r.URL.RequestURI(),
		"start": f.page * f.size, "end": max(f.page*f.size+len(list)-1, 0),
		"first_page_uri": pageURI(r.URL, 0, ""), "next_page_uri": nil, "previous_page_uri": nil,
	}
	if more {
		out["next_page_uri"] = pageURI(r.URL, f.page+1, "PA"+rows[len(rows)-1].Value.SID)
	}
	respond(w, http.StatusOK, out)
	return nil
}

func pageURI(u *url.URL, page int, token string) string {
	q := u.Query()
	q.Set("Page", strconv.Itoa(page))
	if q.Del("PageToken"); token != "" {
		q.Set("PageToken", token)
	}
	return u.Path + "?" + q.Encode()
}

func (c *Carrier) filter(q url.Values) (filter, *problem) {
	f := filter{to: q.Get("To"), from: q.Get("From"), size: 50}
	if s := q.Get("PageSize"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 {
			return f, bad(20001, "PageSize is not a positive number")
		}
		f.size = min(n, 1000)
	}
	f.page, _ = strconv.Atoi(q.Get("Page")) // only shown; PageToken decides
	if token := q.Get("PageToken"); token != "" {
		it, ok := c.find(strings.TrimPrefix(token, "PA"))
		if !ok {
			return f, bad(20001, "PageToken is not known")
		}
		f.below = it.Seq
	}
	return f, f.dates(q)
}

// dates reads DateSent, "DateSent<" and "DateSent>", each a day or a time and each inclusive.
func (f *filter) dates(q url.Values) *problem {
	for key, set := range map[string]func(from, to time.Time){
		"DateSent":  func(from, to time.Time) { f.after, f.before = from, to },
		"DateSent>": func(from, _ time.Time) { f.after = from },
		"DateSent<": func(_, to time.Time) { f.before = to },
	} {
		s := q.Get(key)
		if s == "" {
			continue
		}
		if day, err := time.Parse(time.DateOnly, s); err == nil {
			set(day, day.AddDate(0, 0, 1))
			continue
		}
		at, err := time.Parse(time.RFC3339, s)
		if err != nil {
			return bad(20001, "%s is neither a day nor a time", key)
		}
		if key == "DateSent" {
			at = at.UTC().Truncate(24 * time.Hour)
			set(at, at.AddDate(0, 0, 1))
			continue
		}
		set(at, at.Add(time.Second))
	}
	return nil
}

func (f filter) keeps(it shelf.Item[Message]) bool {
	m := it.Value
	switch {
	case m.deleted, f.below > 0 && it.Seq >= f.below:
		return false
	case f.to != "" && m.to() != f.to, f.from != "" && m.from() != f.from:
		return false
	}
	// The API's dates have whole seconds.
	sent := m.Sent.Truncate(time.Second)
	if !f.after.IsZero() && (m.Sent.IsZero() || sent.Before(f.after.Truncate(time.Second))) {
		return false
	}
	return f.before.IsZero() || (!m.Sent.IsZero() && sent.Before(f.before))
}

// rows returns a page, newest first, and whether another follows.
func (c *Carrier) rows(f filter) (rows []shelf.Item[Message], more bool) {
	c.messages.Newest(func(it shelf.Item[Message]) bool {
		if !f.keeps(it) {
			return true
		}
		if len(rows) == f.size {
			more = true
			return false
		}
		rows = append(rows, it)
		return true
	})
	return rows, more
}
