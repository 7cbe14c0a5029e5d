package texts

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/feature/plural"
	tags "golang.org/x/text/language"
)

// categories are those of CLDR's cardinal rules for whole numbers below a million, which is all that is counted here.
var categories = map[string][]string{
	"en": {"one", "other"}, "fr": {"one", "other"}, "zh": {"other"}, "ar": {"few", "many", "one", "other", "two", "zero"},
}

func TestCatalogPluralsFollowCLDR(t *testing.T) {
	names := map[plural.Form]string{plural.Zero: "zero", plural.One: "one", plural.Two: "two", plural.Few: "few",
		plural.Many: "many", plural.Other: "other"}
	for lang, want := range categories {
		seen := map[string]bool{}
		for n := range 1200 {
			form := names[plural.Cardinal.MatchPlural(tags.Make(lang), n, 0, 0, 0, 0)]
			seen[form] = true
			if got := Plural(lang, n); got != form {
				t.Errorf("%s: %d is %s, CLDR has %s", lang, n, got, form)
			}
		}
		if got := slices.Sorted(maps.Keys(seen)); !slices.Equal(got, want) {
			t.Errorf("%s has the forms %v, not %v", lang, got, want)
		}
	}
}

// plurals gives every plural of a text.
func (m message) plurals(visit func(piece)) {
	for _, p := range m {
		if p.plural != nil {
			visit(p)
		}
		for _, form := range p.plural {
			form.plurals(visit)
		}
	}
}

// A plural has every form that its language asks for, unless =N takes the form's only number, and no other.
func TestCatalogPluralsAreWhole(t *testing.T) {
	c := mustLoad(t)
	exact := map[string]string{"zero": "=0", "two": "=2"} // Arabic; one is also 1 alone in English
	for _, lang := range c.Languages() {
		for _, key := range c.Keys(lang, "") {
			c.langs[lang].texts[key].plurals(func(p piece) {
				for _, form := range categories[lang] {
					_, ok := p.plural[form]
					_, also := p.plural[exact[form]]
					if !ok && !also {
						t.Errorf("%s: %s lacks the form %q of %s", lang, key, form, p.name)
					}
				}
				for form := range p.plural {
					if !slices.Contains(categories[lang], form) && !strings.HasPrefix(form, "=") {
						t.Errorf("%s: %s has the form %q of %s, which the language does not know", lang, key, form, p.name)
					}
				}
			})
		}
	}
}

func TestCatalogCountsTheSameInEveryLanguage(t *testing.T) {
	c := mustLoad(t)
	counted := func(lang, key string) []string {
		names := map[string]bool{}
		c.langs[lang].texts[key].plurals(func(p piece) { names[p.name] = true })
		return slices.Sorted(maps.Keys(names))
	}
	for _, key := range c.Keys("en", "") {
		for _, lang := range c.Languages() {
			if a, b := counted("en", key), counted(lang, key); !slices.Equal(a, b) {
				t.Errorf("%s: %s counts %v, en counts %v", lang, key, b, a)
			}
		}
	}
}

// latin is a run of words in Latin letters: what a text of another script holds of it is a name, a command or an example.
var latin = regexp.MustCompile(`[A-Za-z]{3,}( [a-z]{3,})+`)

func TestCatalogTextsAreTranslated(t *testing.T) {
	c := mustLoad(t)
	for _, key := range c.Keys("en", "") {
		en := c.Text("en", key, nil)
		for _, lang := range []string{"ar", "zh"} {
			said := c.Text(lang, key, nil)
			if strings.TrimSpace(said) == "" && strings.TrimSpace(en) != "" {
				t.Errorf("%s: %s is empty", lang, key)
			}
			if words := latin.FindString(said); words != "" {
				t.Errorf("%s: %s still says %q", lang, key, words)
			}
		}
	}
	for list := range c.langs["ar"].words {
		if len(c.Words("en", list)) == 0 {
			t.Errorf("en has no words %q, ar has", list)
		}
	}
}

// carriers act on these by themselves (Twilio's and AWS's default opt-out, opt-in and help words), so that a dialogue
// must never ask for one.
var carriers = []string{"STOP", "STOPALL", "UNSUBSCRIBE", "END", "QUIT", "CANCEL", "REVOKE", "OPTOUT", "OPT-OUT", "REMOVE",
	"ARRET", "ARRÊT", "TD", "START", "UNSTOP", "YES", "HELP", "INFO"}

var capitals = regexp.MustCompile(`\p{Lu}[\p{Lu}-]+`)

func TestCatalogAsksForNoCarrierKeyword(t *testing.T) {
	c := mustLoad(t)
	// These explain STOP, START and HELP themselves, as the carriers want it when somebody joins a list.
	explains := []string{"citizen.help", "citizen.stop.", "citizen.start.", "citizen.list.", "citizen.form.joined"}
	for _, lang := range c.Languages() {
		for _, key := range c.Keys(lang, "citizen.") {
			if slices.ContainsFunc(explains, func(p string) bool { return strings.HasPrefix(key, p) }) {
				continue
			}
			for _, word := range capitals.FindAllString(c.Text(lang, key, nil), -1) {
				if slices.Contains(carriers, word) {
					t.Errorf("%s: %s asks for %s, on which carriers act: %s", lang, key, word, c.Text(lang, key, nil))
				}
			}
		}
		for _, list := range []string{"back", "pause", "go", "drop", "send", "more", "menu", "status", "skip", "privacy"} {
			for _, word := range c.Words(lang, list) {
				if slices.Contains(carriers, strings.ToUpper(word)) {
					t.Errorf("%s: the command %s is %s, on which carriers act", lang, list, word)
				}
			}
		}
	}
}
