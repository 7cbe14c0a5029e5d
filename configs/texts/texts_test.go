package texts

import (
	"slices"
	"strings"
	"testing"

	"gatehouse/channels/text"
)

func mustLoad(t testing.TB) *Catalog {
	t.Helper()
	c, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestAllLanguagesHaveTheSameKeysAndPlaceholders(t *testing.T) {
	c := mustLoad(t)
	if got := c.Languages(); !slices.Equal(got, []string{"ar", "en", "fr", "zh"}) {
		t.Fatalf("languages are %v", got)
	}
	for _, lang := range c.Languages() {
		if a, b := c.Keys("en", ""), c.Keys(lang, ""); !slices.Equal(a, b) {
			t.Errorf("%s has other keys than en: lacks %v, has besides %v", lang, without(a, b), without(b, a))
		}
		for _, key := range c.Keys("en", "") {
			if a, b := c.Placeholders("en", key), c.Placeholders(lang, key); !slices.Equal(a, b) {
				t.Errorf("%s: %s has placeholders %v, en has %v", lang, key, b, a)
			}
		}
		for list := range c.langs["en"].words {
			if len(c.Words(lang, list)) == 0 {
				t.Errorf("%s has no words %q", lang, list)
			}
		}
	}
}

func without(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(s string) bool { return slices.Contains(b, s) })
}

// TestTextsFitTheirSegments counts texts that go out as SMS with usual values: one segment, two where the reply
// carries a list, a name or a promise.
func TestTextsFitTheirSegments(t *testing.T) {
	c := mustLoad(t)
	two := []string{"topics", "danger", "help", "menu", "privacy.page", "answer.page", "form.paused", "form.paused.summary",
		"form.notlisted.several", "form.elsewhere", "status.unknown", "stop.done", "ask.sent", "form.summary", "paper.link",
		"status.private.mail", "status.private.phone", "status.company.mail", "status.company.phone", "code.ended", "code.again",
		"code.text.see", "code.text.link", "link.how", "link.case", "link.notown", "link.notcase", "link.done", "link.sent", "link.wrong", "code.spent",
		"code.text.data", "mydata.code.mail", "mydata.code.phone",
		"code.text.renew", "code.text.tell", "counter.code", "counter.proven", "renew.still", "renew.alone", "code.link", "link.sent.mail", "renew.mail"} // the last three never go by SMS
	three := []string{"refused.file", "refused.virus", "refused.size", "refused.pages", "refused.text", "refused.other"}
	args := Args{"city": "Port Lumen", "phone": "+44 7700 900100", "emergency": "112", "reference": "PL-3QH8-7WRD-12",
		"days": 1, "count": 2, "n": 4, "step": 3, "steps": 4, "files": 1, "noun": "", "list": "", "ask": "", "text": "",
		"clerk": "", "service": "", "state": "", "when": "24 Nov 17:00", "date": "29 Nov", "day": "4 Dec", "answer": "7",
		"url": "portlumen.example/privacy", "department": "", "place": "14 Quay St, PL2 4AB", "street": "Quay St",
		"example": "9 Dec", "keyword": "BOOK", "title": "", "sent": "", "decision": "", "reason": "", "question": "",
		"addresses": 2, "cases": 3, "open": 1, "drafts": 0, "where": "e-mail j***@northdock.example", "from": "phone ***123",
		"address": "j***@northdock.example", "code": "481 920"}
	for _, lang := range c.Languages() {
		for _, key := range c.Keys(lang, "citizen.") {
			short := strings.TrimPrefix(key, "citizen.")
			if strings.HasPrefix(short, "mail.") {
				continue
			}
			most := 1
			if slices.Contains(two, short) {
				most = 2
			} else if slices.Contains(three, short) {
				most = 3
			}
			said := text.Plain(c.Text(lang, key, args), text.StripAccents)
			if n := text.Measure(said).Segments; n > most {
				t.Errorf("%s %s takes %d segments, %d at most: %s", lang, short, n, most, said)
			}
			if lang == "en" && text.Measure(said).Encoding != text.GSM7 && !strings.HasPrefix(short, "language.ask") {
				t.Errorf("%s is not GSM-7", short)
			}
		}
	}
}

func TestTextFillsPluralsOfEachLanguage(t *testing.T) {
	c := mustLoad(t)
	for _, x := range []struct {
		lang string
		n    int
		want string
	}{
		{"en", 1, "1 file taken."}, {"en", 2, "2 files taken."}, {"fr", 0, "0 fichier reçu."}, {"fr", 2, "2 fichiers reçus."},
		{"ar", 0, "لا ملفات."}, {"ar", 1, "استلم ملف."}, {"ar", 2, "استلم ملفان."}, {"ar", 3, "استلمت 3 ملفات."},
		{"ar", 11, "استلم 11 ملفا."}, {"ar", 100, "استلم 100 ملف."}, {"zh", 5, "已收到5个文件。"},
	} {
		if got := c.Text(x.lang, "citizen.form.file", Args{"count": x.n}); got != x.want {
			t.Errorf("%s %d: %q, want %q", x.lang, x.n, got, x.want)
		}
	}
}

func TestTextTakesExactCounts(t *testing.T) {
	c := mustLoad(t)
	for _, lang := range c.Languages() {
		none := c.Text(lang, "citizen.mail.added", Args{"reference": "R", "files": 0})
		some := c.Text(lang, "citizen.mail.added", Args{"reference": "R", "files": 3})
		if strings.Contains(none, "0") || !strings.Contains(some, "3") {
			t.Errorf("%s: %q and %q", lang, none, some)
		}
	}
}

func TestTextFallsBack(t *testing.T) {
	c := mustLoad(t)
	if got := c.Text("de", "citizen.thanks", nil); got != "You are welcome." {
		t.Errorf("an unknown language gives %q", got)
	}
	if got := c.Text("en", "citizen.none.such", nil); got != "citizen.none.such" {
		t.Errorf("an unknown key gives %q", got)
	}
	if got := c.Text("en", "citizen.add.done", nil); !strings.Contains(got, "{reference}") {
		t.Errorf("a missing value gives %q", got)
	}
}

func TestParseNamesTheFault(t *testing.T) {
	for _, s := range []string{"a {b", "a }", "{}", "{a b}", "{n, plural, one {x}}", "{n, plural, other {x}", "{n, select, other {x}}", "{n, plural"} {
		if _, err := parse(s); err == nil {
			t.Errorf("%q was taken", s)
		}
	}
}

func FuzzParseMessage(f *testing.F) {
	f.Add("{n, plural, one {# row of {x}} other {# rows}} in {file}")
	f.Fuzz(func(t *testing.T, s string) {
		if m, err := parse(s); err == nil {
			m.fill("ar", Args{"n": 3})
		}
	})
}
