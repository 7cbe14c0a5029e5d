package counter

import (
	"bytes"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"time"

	"gatehouse/configs/texts"
	"gatehouse/exchange"
	"gatehouse/exchange/service"
)

// view is what every template is given.
type view struct {
	c     *Counter
	Lang  string // the clerk's
	Clerk Clerk
	Token string
	Data  any
}

func (c *Counter) view(r *http.Request) *view {
	v := &view{c: c, Lang: c.tongue(r), Token: c.sessions.GetString(r.Context(), sessionToken)}
	v.Clerk = c.clerks[c.sessions.GetString(r.Context(), sessionClerk)]
	return v
}

// tongue is what the clerk chose, else what the browser asks for, else English.
func (c *Counter) tongue(r *http.Request) string {
	if k, err := r.Cookie(langCookie); err == nil && c.Texts.Has(k.Value) {
		return k.Value
	}
	for i, part := range strings.Split(r.Header.Get("Accept-Language"), ",") {
		tag, _, _ := strings.Cut(strings.TrimSpace(part), ";")
		if tag, _, _ = strings.Cut(strings.ToLower(tag), "-"); c.Texts.Has(tag) {
			return tag
		}
		if i == 10 {
			break
		}
	}
	return "en"
}

// T gives a sentence of the counter; pairs are its placeholders.
func (v *view) T(key string, pairs ...any) string { return v.In(v.Lang, key, pairs...) }

// In gives a sentence of the counter in another language: what is printed for the person.
func (v *view) In(lang, key string, pairs ...any) string {
	args := texts.Args{"city": v.CityIn(lang)}
	for i := 0; i+1 < len(pairs); i += 2 {
		args[fmt.Sprint(pairs[i])] = pairs[i+1]
	}
	return v.c.Texts.Text(lang, "portal.counter."+key, args)
}

// Dir is the direction of a language's script.
func (v *view) Dir(lang string) string {
	if lang == "ar" {
		return "rtl"
	}
	return "ltr"
}

// CityIn is the office's name in a language.
func (v *view) CityIn(lang string) string {
	if c := v.c.Services.City; c.Name.In("en") == v.c.City {
		return c.Name.In(lang)
	}
	return v.c.City
}

// Phone is the city's number.
func (v *view) Phone() string { return v.c.Services.City.Phone }

// State words a case's state, or how it was decided.
func (v *view) State(lang string, s exchange.State, d exchange.Decision) string {
	key := "state." + string(s)
	switch {
	case s == exchange.Decided && d != exchange.Undecided:
		key = "decision." + string(d)
	case s == "":
		key = "state.note"
	}
	return v.c.Texts.Text(lang, "portal."+key, nil)
}

// Day writes the local day of a moment.
func (v *view) Day(lang string, t time.Time) string {
	return service.DayOf(t.In(v.c.Services.City.Location())).In(lang)
}

// Sheet, Logo and Icon are the look's.
func (v *view) Sheet() string { return v.c.look.Sheet(Root + "/look") }

// Logo is the mark at the top.
func (v *view) Logo() template.HTML { return v.c.look.Logo() }

// Icon is a small picture beside words.
func (v *view) Icon(name string) template.HTML { return v.c.look.Icon(name) }

// Word is the first word of a command in a language, such as SEND.
func (v *view) Word(lang, list string) string {
	if w := v.c.Texts.Words(lang, list); len(w) > 0 {
		return w[0]
	}
	return ""
}

type tongue struct{ Tag, Name string }

// Tongues are all languages, English first.
func (v *view) Tongues() []tongue {
	var all []tongue
	for _, l := range v.c.Texts.Languages() {
		all = append(all, tongue{l, v.c.Texts.Text(l, "portal.language", nil)})
	}
	slices.SortStableFunc(all, func(a, b tongue) int { return rank(a.Tag) - rank(b.Tag) })
	return all
}

func rank(tag string) int {
	if tag == "en" {
		return 0
	}
	return 1
}

// show renders whole before the first byte leaves.
func (c *Counter) show(w http.ResponseWriter, r *http.Request, status int, name string, v *view, data any) {
	v.Data = data
	var b bytes.Buffer
	if err := c.pages[name].ExecuteTemplate(&b, "frame", v); err != nil {
		c.Log.ErrorContext(r.Context(), "render page", "page", name, "err", err)
		http.Error(w, v.T("trouble.busy"), http.StatusInternalServerError) // without the frame, which may be at fault
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Language", v.Lang)
	w.WriteHeader(status)
	_, _ = b.WriteTo(w)
}
