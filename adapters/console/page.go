package console

import (
	"bytes"
	"context"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"time"

	"gatehouse/adapters"
	"gatehouse/configs/texts"
	"gatehouse/exchange"
	"gatehouse/exchange/service"
)

// sheet is what a template sees: the visit, the page's own data as P, and the words to say it in.
type sheet struct {
	*visit
	P     any
	c     *Console
	names map[string]string
	todo  *adapters.Todo
}

func (c *Console) funcs() template.FuncMap {
	return template.FuncMap{"lower": strings.ToLower, "query": url.QueryEscape, "path": url.PathEscape}
}

// render writes a page whole or not at all.
func (c *Console) render(w http.ResponseWriter, v *visit, status int, name string, data any) error {
	s := &sheet{visit: v, P: data, c: c}
	var b bytes.Buffer
	if err := c.templates.ExecuteTemplate(&b, name, s); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, err := b.WriteTo(w)
	if err != nil {
		c.Log.Debug("reader went away", "err", err)
	}
	return nil
}

// T gives a sentence in the reader's language; args are names and values in turn.
func (s *sheet) T(key string, args ...any) string {
	named := texts.Args{}
	for i := 0; i+1 < len(args); i += 2 {
		if name, ok := args[i].(string); ok {
			named[name] = args[i+1]
		}
	}
	return s.c.Texts.Text(s.Lang, "console."+strings.TrimPrefix(key, "console."), named)
}

// Dir is the direction of the reader's language.
func (s *sheet) Dir() string {
	if s.Lang == "ar" {
		return "rtl"
	}
	return "ltr"
}

// Languages are those the console speaks, with their own names.
func (s *sheet) Languages() []choice {
	var out []choice
	for _, l := range s.c.Texts.Languages() {
		out = append(out, choice{l, languageName(l), l == s.Lang})
	}
	return out
}

// choice is one option of a list.
type choice struct {
	Value, Label string
	Chosen       bool
}

func languageName(lang string) string {
	if n, ok := map[string]string{"en": "English", "fr": "Français", "ar": "العربية", "zh": "中文"}[lang]; ok {
		return n
	}
	return lang
}

// LanguageName is a language's own name.
func (s *sheet) LanguageName(lang string) string { return languageName(lang) }

// DirOf is the direction of a language.
func (s *sheet) DirOf(lang string) string {
	if lang == "ar" {
		return "rtl"
	}
	return "ltr"
}

// Icon is a small picture, Logo the city's.
func (s *sheet) Icon(name string) template.HTML { return s.c.look.Icon(name) }

// Logo is the product's.
func (s *sheet) Logo() template.HTML { return s.c.look.Logo() }

// Style is the address of the style sheet.
func (s *sheet) Style() string { return s.c.look.Sheet("/look") }

// Isolation is what the border's file states.
func (s *sheet) Isolation() string { return s.c.Isolation }

// City is the name of the city.
func (s *sheet) City() string { return s.c.Catalog.City.Name.In(s.Lang) }

// Has tells whether the reader has one of the roles.
func (s *sheet) Has(roles ...string) bool {
	for _, r := range roles {
		if s.Me.Has(adapters.Role(r)) {
			return true
		}
	}
	return false
}

// At shows a moment in the city's time, for people.
func (s *sheet) At(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return s.Day(t) + ", " + t.In(s.c.Catalog.City.Location()).Format("15:04")
}

// Clock shows hour, minute and second.
func (s *sheet) Clock(t time.Time) string {
	return t.In(s.c.Catalog.City.Location()).Format("15:04:05")
}

// Machine shows a moment for machines (RFC 3339).
func (s *sheet) Machine(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// Day shows a day, of another year with that.
func (s *sheet) Day(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	zone := s.c.Catalog.City.Location()
	d := service.DayOf(t.In(zone))
	if d.Year != s.Now.In(zone).Year() {
		return d.FullIn(s.Lang)
	}
	return d.In(s.Lang)
}

// DayOf shows a day of the calendar as Day does, DayNamed one by its name; what is no day stays as it is.
func (s *sheet) DayOf(d service.Day) string {
	if d.Year != s.Now.In(s.c.Catalog.City.Location()).Year() {
		return d.FullIn(s.Lang)
	}
	return d.In(s.Lang)
}

// DayNamed shows "2026-11-23".
func (s *sheet) DayNamed(name string) string {
	if d, ok := service.ParseDay(name); ok {
		return s.DayOf(d)
	}
	return name
}

// Left is how many whole seconds remain until t, at least 0.
func (s *sheet) Left(t time.Time) int {
	return max(0, int(t.Sub(s.Now).Round(time.Second)/time.Second))
}

// Name is how a member of staff is called; a person outside and the office itself have a name too.
func (s *sheet) Name(id string) string {
	switch id {
	case adapters.ByPerson:
		return s.T("who.person")
	case adapters.ByGateway:
		return s.T("who.gateway")
	case adapters.ByOffice, "":
		return s.T("who.office")
	case s.Me.ID:
		return s.T("who.you", "name", s.Me.Name)
	}
	if s.names == nil {
		s.names = s.c.everybody(context.Background())
	}
	if n, ok := s.names[id]; ok {
		return n
	}
	return id
}

func (c *Console) everybody(ctx context.Context) map[string]string {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	names := map[string]string{}
	all, err := c.Store.Everybody(ctx)
	if err != nil {
		c.Log.Error("names can't be read", "err", err)
	}
	for _, p := range all {
		names[p.ID] = p.Name
	}
	return names
}

// Department is its name.
func (s *sheet) Department(code string) string { return s.c.Catalog.City.Department(code, s.Lang) }

// Service is the name of a service.
func (s *sheet) Service(code string) string {
	if code == serviceInternal {
		return s.T("service.internal")
	}
	if sv, ok := s.c.Catalog.ByCode(code); ok {
		return sv.Name.In(s.Lang)
	}
	return code
}

// serviceInternal is the service of cases that departments submit to each other.
const serviceInternal = "internal"

// State is a record's state and decision in words.
func (s *sheet) State(r adapters.Record) string {
	if r.State == exchange.Decided && r.Decision != "" {
		return s.T("decision." + string(r.Decision))
	}
	return s.T("state." + string(r.State))
}

// Tone is the colour of a record's state.
func (s *sheet) Tone(r adapters.Record) string {
	switch {
	case r.Late(s.Now):
		return "bad"
	case r.State == exchange.WaitingYou:
		return "warn"
	case r.State == exchange.Decided:
		return "good"
	}
	return "info"
}

// Locked tells whether somebody else holds the record.
func (s *sheet) Locked(r adapters.Record) bool { return r.Lock.Holds(s.Me.ID, s.Now) }

// Mine tells whether the reader holds the record.
func (s *sheet) Mine(r adapters.Record) bool {
	return r.Lock.By == s.Me.ID && s.Now.Before(r.Lock.Until)
}

// help is the page that explains the console.
func (c *Console) help(w http.ResponseWriter, _ *http.Request, v *visit) error {
	return c.render(w, v, http.StatusOK, "help", nil)
}
