package portal

import (
	"net/http"
	"strings"

	"gatehouse/exchange/service"
	"gatehouse/gateway/forms"
	"gatehouse/gateway/sheet"
)

// Mail is the address that the form may be mailed to instead.
func (v formView) Mail() string {
	domain := ""
	if city := v.Service.City(); city != nil {
		domain = city.Domain
	}
	return "declare+" + strings.ToLower(v.Service.Code) + "@" + domain
}

// fillIn serves a form to fill in elsewhere: form.txt for a mail's text, form.csv, or form.xlsx.
func (p *Portal) fillIn(w http.ResponseWriter, r *http.Request, lang string) {
	s, ok := p.Services.ByCode(strings.ToUpper(r.PathValue("code")))
	if !ok || !s.Offered("email") || len(s.Fields()) == 0 {
		p.missing(w, r, lang)
		return
	}
	b, typ, err := p.filling(s, r.PathValue("file"), lang)
	switch {
	case err != nil:
		p.Log.ErrorContext(r.Context(), "make a form to fill in", "service", s.Code, "err", err)
		p.trouble(w, r, lang, http.StatusInternalServerError, "later")
		return
	case b == nil:
		p.missing(w, r, lang)
		return
	}
	_, end, _ := strings.Cut(r.PathValue("file"), ".")
	w.Header().Set("Content-Type", typ)
	w.Header().Set("Content-Disposition", `attachment; filename="`+strings.ToLower(s.Code)+"-"+lang+"."+end+`"`)
	_, _ = w.Write(b)
}

func (p *Portal) filling(s *service.Service, file, lang string) ([]byte, string, error) {
	switch file {
	case "form.txt":
		c := forms.Clerk{Texts: p.Texts, Services: p.Services}
		return []byte(c.Template(s, lang) + "\n"), "text/plain; charset=utf-8", nil
	case "form.csv":
		b, err := sheet.CSV(s, lang)
		return b, "text/csv; charset=utf-8", err
	case "form.xlsx":
		words := sheet.Words{Yes: p.text(lang, "yes"), No: p.text(lang, "no")}
		b, err := sheet.XLSX(s, lang, words)
		return b, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", err
	}
	return nil, "", nil
}
