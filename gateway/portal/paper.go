package portal

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"gatehouse/exchange"
	"gatehouse/gateway"
)

// paper brings a document to whoever holds its link. Without a right token, or after its end, it says how to ask, and
// never whether there is such a document.
func (p *Portal) paper(w http.ResponseWriter, r *http.Request) {
	ref, ok := exchange.ParseReference(r.PathValue("reference"))
	n, err := strconv.Atoi(r.PathValue("n"))
	if !ok || err != nil || !p.Links.proves("document", paperSubject(ref, n), r.URL.Query().Get("t")) {
		lang := p.language(r)
		p.show(w, r, http.StatusNotFound, "track", view{Lang: lang, Title: p.text(lang, "track.title"), Path: "/track",
			Data: trackView{Asked: ref, Wrong: !ok}})
		return
	}
	m, err := p.Matters.Tracked(r.Context(), ref)
	doc := paperOf(m, n)
	if errors.Is(err, gateway.ErrNotFound) || err == nil && doc == nil {
		p.missing(w, r, p.language(r))
		return
	}
	var body io.ReadCloser
	if err == nil {
		body, err = p.Files.File(r.Context(), doc.SHA256)
	}
	if errors.Is(err, gateway.ErrNotFound) { // forgotten with the person's other data
		p.missing(w, r, p.language(r))
		return
	}
	if err != nil {
		p.Log.ErrorContext(r.Context(), "document", "err", err)
		p.trouble(w, r, p.language(r), http.StatusServiceUnavailable, "later")
		return
	}
	defer body.Close()
	head := w.Header()
	head.Set("Content-Type", "application/pdf")
	head.Set("Content-Length", strconv.FormatInt(doc.Size, 10))
	head.Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", ref+".pdf"))
	head.Set("Cache-Control", "private, no-store")
	head.Set("X-Robots-Tag", "noindex")
	if _, err := io.Copy(w, body); err != nil {
		p.Log.WarnContext(r.Context(), "document cut off", "err", err)
	}
}

// paperOf gives the n-th document of a time line, from 1.
func paperOf(m gateway.Matter, n int) *gateway.Paper {
	for _, e := range m.Events {
		if e.Paper == nil {
			continue
		}
		if n--; n == 0 {
			return e.Paper
		}
	}
	return nil
}
