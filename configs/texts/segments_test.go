package texts_test

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"gatehouse/channels/text"
	"gatehouse/configs"
	"gatehouse/configs/answers"
	"gatehouse/configs/city"
	"gatehouse/configs/texts"
	"gatehouse/exchange/service"
)

// longest gives the value that takes most room in an SMS.
func longest(values ...string) string {
	return slices.MaxFunc(values, func(a, b string) int { return utf8.RuneCountInString(a) - utf8.RuneCountInString(b) })
}

// scene has the longest values that the demo city puts into texts of one language.
type scene struct {
	lang    string
	catalog *texts.Catalog
	city    *service.Catalog
	titles  []string // of published pages, longest first
}

func newScene(t *testing.T, lang string) scene {
	t.Helper()
	c, err := texts.Load()
	if err != nil {
		t.Fatal(err)
	}
	none := func(string) (string, bool) { return "", false }
	s, err := service.Load(city.Services(), func(n string, b []byte, into any) error { return configs.Parse(n, b, into, none) })
	if err != nil {
		t.Fatal(err)
	}
	pages, err := answers.LoadFS(city.Answers(), "answers")
	if err != nil {
		t.Fatal(err)
	}
	x := scene{lang: lang, catalog: c, city: s}
	for _, p := range pages {
		if p.Lang == lang && p.Public() {
			x.titles = append(x.titles, p.Title)
		}
	}
	slices.SortFunc(x.titles, func(a, b string) int { return utf8.RuneCountInString(b) - utf8.RuneCountInString(a) })
	return x
}

func (x scene) departments() (names []string) {
	for _, d := range x.city.City.Departments {
		names = append(names, d.Name.In(x.lang))
	}
	return names
}

func (x scene) services(word func(*service.Service) string) (words []string) {
	for _, s := range x.city.All() {
		words = append(words, word(s))
	}
	return words
}

// days are those of a year, as the language writes them.
func (x scene) days() (days []string) {
	for d := (service.Day{Year: 2026, Month: 12, Number: 1}); d.Year < 2028; d = d.Add(1) {
		days = append(days, d.In(x.lang))
	}
	return days
}

// states are the longest words for where a case stands.
func (x scene) states() (states []string) {
	for _, prefix := range []string{"citizen.state.", "citizen.decision."} {
		for _, key := range x.catalog.Keys(x.lang, prefix) {
			states = append(states, x.catalog.Text(x.lang, key, nil))
		}
	}
	return states
}

func (x scene) args() texts.Args {
	day := longest(x.days()...)
	return texts.Args{
		"city": x.city.City.Name.In(x.lang), "phone": x.city.City.Phone, "emergency": x.city.City.Emergency,
		"reference": "PL-3QH8-7WRD-12", "department": longest(x.departments()...), "when": day + " 17:00", "date": day, "day": day,
		"noun":    longest(x.services(func(s *service.Service) string { return s.Noun.In(x.lang) })...),
		"service": longest(x.services(func(s *service.Service) string { return s.Name.In(x.lang) })...),
		"state":   longest(x.states()...), "decision": longest(x.states()...),
		"keyword": longest(x.services(func(s *service.Service) string { return longest(append(s.Keywords[x.lang], "")...) })...),
		"days":    11, "count": 11, "closed": 11, "files": 10, "n": 10, "step": 10, "steps": 12, "answer": "77",
		"url": "portlumen.example/privacy", "name": "Maria Beatriz Silveira", "place": "14 Customs House Ln, PL2 5AA", "street": "Customs House Ln", "title": x.titles[0],
	}
}

// asking are the texts of a form that ask, or go with a question.
var asking = []string{"form.step", "form.keys", "form.right", "form.which", "form.house", "form.several", "form.yesno", "form.days",
	"form.closed", "form.nearest", "form.notlisted", "form.notlisted.several", "form.example", "form.person", "form.skip", "form.summary"}

// most is what a text may take with the longest values: one segment where something is asked, two where something is
// told, three where nothing was filed and the way on must be said. What others said, or what is put together elsewhere
// (an answer's own text, a list, a reason), is bounded where that happens, so it stands empty here.
func most(short string) int {
	switch {
	case strings.HasPrefix(short, "refused."):
		return 3
	case slices.Contains(asking, short), strings.HasSuffix(short, ".confirm"), strings.HasSuffix(short, ".what"),
		strings.HasSuffix(short, ".ask") && short != "language.ask":
		return 1
	}
	return 2
}

func TestCatalogTextsFitWithTheLongestValues(t *testing.T) {
	for _, lang := range []string{"en", "fr", "ar", "zh"} {
		x := newScene(t, lang)
		args := x.args()
		for _, name := range []string{"list", "ask", "text", "sent", "reason", "question", "example", "said", "want", "label", "at"} {
			args[name] = ""
		}
		for _, key := range x.catalog.Keys(lang, "citizen.") {
			if short := strings.TrimPrefix(key, "citizen."); !strings.HasPrefix(short, "mail.") {
				x.fits(t, key, args, most(short))
			}
		}
	}
}

func (x scene) fits(t *testing.T, key string, args texts.Args, limit int) {
	t.Helper()
	said := text.Plain(x.catalog.Text(x.lang, key, args), text.StripAccents)
	if got := text.Measure(said); got.Segments > limit {
		t.Errorf("%s: %s takes %d segments, %d at most (%d units): %s", x.lang, key, got.Segments, limit, got.Units, said)
	}
}

// The three nearest pages are named in one text of two segments, whichever they are.
func TestCatalogTopicsFitWithTheLongestTitles(t *testing.T) {
	for _, lang := range []string{"en", "fr", "ar", "zh"} {
		x := newScene(t, lang)
		list := "1 " + x.titles[0] + " 2 " + x.titles[1] + " 3 " + x.titles[2]
		x.fits(t, "citizen.topics", texts.Args{"list": list, "days": 1}, 2)
	}
}
