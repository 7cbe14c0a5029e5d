package portal

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"gatehouse/exchange/service"
	"gatehouse/gateway"
)

// dataView is what the page with all that is held of a person shows.
type dataView struct {
	gateway.Disclosure
	Token string
	Lang  string
	p     *Portal
}

// dataPage shows all that is held of the person whose link it is, as it is now.
func (p *Portal) dataPage(w http.ResponseWriter, r *http.Request, lang, token string, got gateway.Pass) {
	if d, ok := p.disclosure(w, r, lang, got); ok {
		p.show(w, r, http.StatusOK, "data", view{Lang: lang, Title: p.text(lang, "data.title"), Bare: "/p/" + token + "?",
			Data: dataView{Disclosure: d, Token: token, Lang: lang, p: p}})
	}
}

// dataFile gives the same as a file.
func (p *Portal) dataFile(w http.ResponseWriter, r *http.Request) {
	token := r.PathValue("token")
	got, lang, ok := p.readPass(w, r, token)
	if !ok {
		return
	}
	if !got.Used || got.Kind != gateway.ToRead || !p.holds(r, token) {
		p.showPass(w, r, http.StatusNotFound, lang, passView{Say: "pass.ended", Kind: got.Kind})
		return
	}
	d, ok := p.disclosure(w, r, lang, got)
	if !ok {
		return
	}
	b := d.JSON()
	head := w.Header()
	head.Set("Content-Type", "application/json")
	head.Set("Content-Length", strconv.Itoa(len(b)))
	head.Set("Content-Disposition", `attachment; filename="my-data.json"`)
	head.Set("Cache-Control", "private, no-store")
	head.Set("X-Robots-Tag", "noindex")
	if _, err := w.Write(b); err != nil {
		p.Log.WarnContext(r.Context(), "file of a person's data cut off", "err", err)
	}
}

// disclosure reads what is held; ok is false when the answer was given.
func (p *Portal) disclosure(w http.ResponseWriter, r *http.Request, lang string, got gateway.Pass) (gateway.Disclosure, bool) {
	held, err := p.Passes.Dossier(r.Context(), got.Contact)
	switch {
	case errors.Is(err, gateway.ErrNotFound): // forgotten meanwhile
		p.showPass(w, r, http.StatusNotFound, lang, passView{Say: "pass.data.ended", Kind: got.Kind})
		return gateway.Disclosure{}, false
	case err != nil:
		p.Log.ErrorContext(r.Context(), "read all of a person", "err", err)
		p.trouble(w, r, lang, http.StatusServiceUnavailable, "later")
		return gateway.Disclosure{}, false
	}
	return gateway.Disclose(p.Services, held, got.Subject, p.Now()), true
}

// ListName is the public name of the service to which a list belongs, with what of it was chosen.
func (d dataView) ListName(list string) string { return d.p.lists.Title([]string{list}, d.Lang) }

// ServiceName is the public name of a service.
func (d dataView) ServiceName(code string) string {
	if s, ok := d.p.Services.ByCode(code); ok {
		return s.Name.In(d.Lang)
	}
	return code
}

// held is one answer of a form that is not sent, with its label.
type held struct{ Label, Value string }

// Forms are the form that is open, and those that wait for it.
func (d dataView) Forms() []gateway.HeldForm {
	if d.Form == nil {
		return d.Waiting
	}
	return append([]gateway.HeldForm{*d.Form}, d.Waiting...)
}

// Answers gives those of a form in its order.
func (d dataView) Answers(form gateway.HeldForm) []held {
	s, ok := d.p.Services.ByCode(form.Service)
	if !ok {
		return nil
	}
	var all []held
	for _, f := range s.Fields() {
		for _, v := range form.Answers[f.Name] {
			if o, ok := f.Option(v); ok {
				v = o.Label.In(d.Lang)
			}
			if f.Kind != service.File {
				all = append(all, held{f.Label.In(d.Lang), v})
			}
		}
	}
	return all
}

// Word is a sentence of the page for one of the words of a Disclosure, such as the channel of an address.
func (d dataView) Word(sort, word string) string {
	return d.p.text(d.Lang, fmt.Sprintf("data.%s.%s", sort, word))
}
