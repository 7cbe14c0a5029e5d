package portal

import (
	"bytes"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strings"

	"gatehouse/configs/texts"
)

// page is one parsed template with its frame.
type page struct{ t *template.Template }

// view is what every template is given.
type view struct {
	p     *Portal
	Lang  string
	Path  string // of this page without the language, for the language links
	Title string
	// Bare is the address of a page that has no language in its path, up to the language.
	Bare string
	// Live: the page has the chat's script.
	Live bool
	// Uploads: the page takes a file, and has the script that shows how far it has come.
	Uploads bool
	// Keeps: it is a form whose answers are kept as they are filled in.
	Keeps bool
	Data  any
}

// Dir is the direction of the language's script.
func (v view) Dir() string {
	if v.Lang == "ar" {
		return "rtl"
	}
	return "ltr"
}

// T gives a sentence of the portal; pairs are its placeholders.
func (v view) T(key string, pairs ...any) string {
	args := texts.Args{"city": v.City()}
	for i := 0; i+1 < len(pairs); i += 2 {
		args[fmt.Sprint(pairs[i])] = pairs[i+1]
	}
	return v.p.Texts.Text(v.Lang, "portal."+key, args)
}

// City is the office's name in the page's language.
func (v view) City() string {
	if c := v.p.city(); c != nil && c.Name.In("en") == v.p.City {
		return c.Name.In(v.Lang)
	}
	return v.p.City
}

// In is this page's address in another language.
func (v view) In(lang string) string {
	if v.Bare != "" {
		return v.Bare + "lang=" + lang
	}
	return "/" + lang + v.Path
}

// Sheet is the style sheet's address.
func (v view) Sheet() string { return v.p.look.Sheet("/look") }

// Logo is the mark at the top.
func (v view) Logo() template.HTML { return v.p.look.Logo() }

// Icon is a small picture beside words.
func (v view) Icon(name string) template.HTML { return v.p.look.Icon(name) }

// Tongue is one language with its own name.
type tongue struct{ Tag, Name string }

// Tongues are all languages, each by its own name.
func (v view) Tongues() []tongue {
	all := make([]tongue, 0, len(v.p.langs))
	for _, l := range v.p.langs {
		all = append(all, tongue{l, v.p.Texts.Text(l, "portal.language", nil)})
	}
	return all
}

func (p *Portal) parse() (map[string]*page, error) {
	names, err := fs.Glob(pageFiles, "pages/*.html")
	if err != nil {
		return nil, fmt.Errorf("list pages: %w", err)
	}
	all := map[string]*page{}
	for _, name := range names {
		if path.Base(name) == "frame.html" {
			continue
		}
		t, err := template.New(path.Base(name)).Funcs(template.FuncMap{"said": said, "lines": spoken}).ParseFS(pageFiles, "pages/frame.html", name)
		if err != nil {
			return nil, fmt.Errorf("parse %s: %w", name, err)
		}
		all[strings.TrimSuffix(path.Base(name), ".html")] = &page{t}
	}
	return all, nil
}

// show renders whole before the first byte leaves, so that a fault is a clean 500.
func (p *Portal) show(w http.ResponseWriter, r *http.Request, status int, name string, v view) {
	v.p = p
	if v.Path == "" {
		v.Path = strings.TrimPrefix(r.URL.Path, "/"+v.Lang)
		if r.Method == http.MethodGet && r.URL.RawQuery != "" {
			v.Path += "?" + r.URL.RawQuery
		}
	}
	var b bytes.Buffer
	if err := p.pages[name].t.ExecuteTemplate(&b, "frame", v); err != nil {
		p.Log.ErrorContext(r.Context(), "render page", "page", name, "err", err)
		http.Error(w, p.text(v.Lang, "later.text"), http.StatusInternalServerError) // without the frame, which may be at fault
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Language", v.Lang)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = b.WriteTo(w)
}

func (p *Portal) text(lang, key string, pairs ...any) string {
	return view{p: p, Lang: lang}.T(key, pairs...)
}

func (p *Portal) missing(w http.ResponseWriter, r *http.Request, lang string) {
	p.show(w, r, http.StatusNotFound, "missing", view{Lang: lang, Title: p.text(lang, "missing.title"), Path: "/"})
}

// trouble says as a page why this can't be done now: busy (nothing was stored), later (it can't be shown), or rate.
func (p *Portal) trouble(w http.ResponseWriter, r *http.Request, lang string, status int, why string) {
	p.show(w, r, status, "trouble", view{Lang: lang, Title: p.text(lang, why+".title"), Path: "/", Data: why})
}

func (p *Portal) privacy(w http.ResponseWriter, r *http.Request, lang string) {
	p.show(w, r, http.StatusOK, "privacy", view{Lang: lang, Title: p.text(lang, "privacy.title")})
}

func (p *Portal) chat(w http.ResponseWriter, r *http.Request, lang string) {
	p.show(w, r, http.StatusOK, "chat", view{Lang: lang, Title: p.text(lang, "chat.title"), Live: true})
}
