package city

import (
	"slices"
	"strings"
	"testing"
	"time"

	"gatehouse/channels/text"
	"gatehouse/configs/answers"
)

var languages = []string{"en", "fr", "ar", "zh"}

func pages(t *testing.T) map[string]map[string]answers.Page {
	t.Helper()
	list, err := answers.LoadFS(Answers(), "answers")
	if err != nil {
		t.Fatal(err)
	}
	byID := map[string]map[string]answers.Page{}
	for _, p := range list {
		if byID[p.ID] == nil {
			byID[p.ID] = map[string]answers.Page{}
		}
		byID[p.ID][p.Lang] = p
	}
	return byID
}

func TestAnswersAreThereInEveryLanguage(t *testing.T) {
	public, staff := 0, 0
	for id, in := range pages(t) {
		for _, lang := range languages {
			if in[lang].ID == "" {
				t.Errorf("%s is missing in %s", id, lang)
			}
			if in[lang].Audience != in["en"].Audience || in[lang].Service != in["en"].Service || in[lang].Owner != in["en"].Owner {
				t.Errorf("%s differs in %s", id, lang)
			}
		}
		if in["en"].Public() {
			public++
		} else {
			staff++
		}
	}
	if public < 40 || staff < 2 {
		t.Errorf("%d pages for the public, %d for staff", public, staff)
	}
}

func TestAnswersAreWhole(t *testing.T) {
	city := time.FixedZone("", -3600)
	for id, in := range pages(t) {
		for lang, p := range in {
			if len(p.Asks) < 2 || p.Owner == "" || p.ReviewBy == "" || !strings.HasPrefix(p.Source, "https://portlumen.example/"+lang+"/") {
				t.Errorf("%s/%s lacks asks, owner, review_by or source", lang, id)
			}
			if p.Chat == "" || p.Page == "" || p.Public() && p.SMS == "" {
				t.Errorf("%s/%s lacks a section", lang, id)
			}
			if !p.InForce(time.Date(2026, 11, 24, 12, 0, 0, 0, city)) {
				t.Errorf("%s/%s is not in force", lang, id)
			}
			latin := slices.Contains([]string{"en", "fr"}, lang)
			if s := text.Measure(p.SMS); s.Segments > 1 || latin && p.SMS != "" && s.Encoding != text.GSM7 {
				t.Errorf("%s/%s: the text message is %+v: %s", lang, id, s, p.SMS)
			}
		}
	}
}

func TestBulkyWasteReadsAsPromised(t *testing.T) {
	const want = "Bulky waste: free pickup, 2 a year per home, 3 days' notice. Batteries: any depot, Mon-Sat 8-18. " +
		"Reply BOOK for a pickup, MORE for the page, 0 for a person."
	if got := pages(t)["bulky-waste"]["en"].SMS; got != want {
		t.Errorf("got %q", got)
	}
}
