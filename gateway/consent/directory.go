package consent

import (
	"slices"
	"strings"
	"unicode"

	"gatehouse/exchange/service"
)

// Directory finds lists by the words that people use for them: the keywords, names and nouns of the services that join
// them, in every language, and where a service has one list for each answer of a field, the labels of those. It is
// read-only and safe for concurrent use.
type Directory struct {
	fold     func(string) string
	services []*entry
}

type entry struct {
	service *service.Service
	names   []string          // folded, longest first
	parts   map[string]string // folded label → list id
	all     []string          // every list of the service
}

// NewDirectory reads the subscriptions of a catalogue. fold brings words to the form that is compared.
func NewDirectory(c *service.Catalog, fold func(string) string) *Directory {
	d := &Directory{fold: fold}
	for _, s := range c.All() {
		if s.Kind == service.Subscription {
			d.services = append(d.services, newEntry(s, c.City.Languages, fold))
		}
	}
	return d
}

func newEntry(s *service.Service, langs []string, fold func(string) string) *entry {
	e := &entry{service: s, parts: map[string]string{}}
	add := func(name string) {
		if f := fold(name); f != "" && !slices.Contains(e.names, f) {
			e.names = append(e.names, f)
		}
	}
	for _, l := range langs {
		for _, k := range s.Keywords[l] {
			add(k)
		}
		add(s.Name[l])
		add(s.Noun[l])
	}
	for _, a := range s.Aliases {
		add(a)
	}
	slices.SortStableFunc(e.names, func(a, b string) int { return len(b) - len(a) })
	if s.ListBy == "" {
		e.all = s.Lists(nil)
		return e
	}
	if f, ok := s.Field(s.ListBy); ok {
		for _, o := range f.Options {
			id := s.List + "-" + o.Value
			e.all = append(e.all, id)
			e.parts[fold(o.Value)] = id
			for _, label := range o.Label {
				e.parts[fold(label)] = id
			}
		}
	}
	return e
}

// Named gives the lists that said names and nothing else, besides words that small picks ("please", "the"). Labels
// narrow it down: "alerts quayside" is one list, "alerts" all of the service's.
func (d *Directory) Named(said string, small func(word string) bool) (ids []string, ok bool) {
	f := d.fold(said)
	for _, e := range d.services {
		if ids, ok := e.named(f, small); ok {
			return ids, true
		}
	}
	return nil, false
}

func (e *entry) named(f string, small func(string) bool) ([]string, bool) {
	rest, found := "", false
	for _, n := range e.names {
		if rest, found = without(f, n); found {
			break
		}
	}
	if !found {
		return nil, false
	}
	var ids []string
	labels := make([]string, 0, len(e.parts))
	for l := range e.parts {
		labels = append(labels, l)
	}
	slices.SortFunc(labels, func(a, b string) int { return len(b) - len(a) })
	for _, l := range labels {
		if r, ok := without(rest, l); ok {
			rest = r
			if id := e.parts[l]; !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
	}
	for _, w := range strings.Fields(rest) {
		if !small(w) {
			return nil, false
		}
	}
	if len(ids) == 0 {
		ids = e.all
	}
	slices.Sort(ids)
	return ids, true
}

// without takes a phrase out of s, both folded: at word borders, an Arabic article before it counts as part of it; in
// Chinese anywhere.
func without(s, phrase string) (rest string, ok bool) {
	if phrase == "" {
		return s, false
	}
	if strings.ContainsFunc(phrase, func(r rune) bool { return unicode.Is(unicode.Han, r) }) {
		before, after, ok := strings.Cut(s, phrase)
		return strings.TrimSpace(before + " " + after), ok
	}
	for _, p := range []string{phrase, "ال" + phrase, "les " + phrase} {
		if before, after, ok := strings.Cut(" "+s+" ", " "+p+" "); ok {
			return strings.TrimSpace(before + " " + after), true
		}
	}
	return s, false
}

// Title names lists of one service as people read it: the service's noun, and the labels when it is not all of them.
func (d *Directory) Title(ids []string, lang string) string {
	var out []string
	for _, e := range d.services {
		var labels []string
		n := 0
		for _, id := range e.all {
			if !slices.Contains(ids, id) {
				continue
			}
			n++
			if label := e.label(id, lang); label != "" {
				labels = append(labels, label)
			}
		}
		switch {
		case n == 0:
		case n == len(e.all) || len(labels) == 0:
			out = append(out, e.service.Noun.In(lang))
		default:
			out = append(out, e.service.Noun.In(lang)+" ("+strings.Join(labels, ", ")+")")
		}
	}
	for _, id := range ids { // a list that no service joins any more is still told
		if d.of(id) == nil {
			out = append(out, id)
		}
	}
	return strings.Join(out, "; ")
}

func (e *entry) label(id, lang string) string {
	f, ok := e.service.Field(e.service.ListBy)
	if !ok {
		return ""
	}
	for _, o := range f.Options {
		if e.service.List+"-"+o.Value == id {
			return o.Label.In(lang)
		}
	}
	return ""
}

// Whole tells whether ids, of one service, are all of its lists.
func (d *Directory) Whole(ids []string) bool {
	e := d.of(ids[0])
	return e != nil && len(ids) == len(e.all)
}

// Keyword is the word in lang by which the service of a list is called; empty: it has none.
func (d *Directory) Keyword(id, lang string) string {
	e := d.of(id)
	if e == nil {
		return ""
	}
	for _, l := range []string{lang, "en"} {
		if k := e.service.Keywords[l]; len(k) > 0 {
			return k[len(k)-1]
		}
	}
	return ""
}

// Service gives the service that joins a list.
func (d *Directory) Service(id string) (*service.Service, bool) {
	if e := d.of(id); e != nil {
		return e.service, true
	}
	return nil, false
}

func (d *Directory) of(id string) *entry {
	for _, e := range d.services {
		if slices.Contains(e.all, id) {
			return e
		}
	}
	return nil
}
