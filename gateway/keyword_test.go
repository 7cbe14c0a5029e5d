package gateway_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"gatehouse/channels"
	"gatehouse/configs/texts"
	"gatehouse/exchange/service"
	"gatehouse/gateway"
	"gatehouse/gateway/dialogue"
)

// vocabulary is every word that means something to a dialogue, in all languages: commands, answers, phrases, keywords.
func vocabulary(t *testing.T, c *texts.Catalog, services *service.Catalog) (all []string) {
	t.Helper()
	lists := []string{"back", "pause", "go", "drop", "send", "more", "menu", "status", "skip", "privacy", "help", "person", "language", "reopen",
		"forget", "mydata", "link", "unlink", "page", "join", "start", "stop", "stop_phrases", "yes", "no", "thanks", "greeting", "danger"}
	for _, lang := range c.Languages() {
		for _, list := range lists {
			all = append(all, c.Words(lang, list)...)
		}
		for _, s := range services.All() {
			all = append(all, s.Keywords[lang]...)
		}
	}
	if len(all) < 300 {
		t.Fatalf("only %d words", len(all))
	}
	return append(all, carrierWords...)
}

// carrierWords are acted on by carriers themselves (Twilio's and AWS's default words), so that nothing may ask for one.
var carrierWords = []string{"STOP", "STOPALL", "UNSUBSCRIBE", "END", "QUIT", "CANCEL", "REVOKE", "OPTOUT", "OPT-OUT", "REMOVE", "ARRET", "ARRÊT",
	"TD", "START", "UNSTOP", "YES", "HELP", "INFO"}

// wording is such a word as people write it, with others around it, or anything at all.
func wording(all []string) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		s := rapid.OneOf(rapid.SampledFrom(all), rapid.SampledFrom(all), rapid.SampledFrom(words()), rapid.String()).Draw(t, "word")
		switch rapid.IntRange(0, 7).Draw(t, "how") {
		case 0:
			return strings.ToUpper(s)
		case 1:
			return strings.ToLower(s) + "!"
		case 2:
			return " " + s + " 😀"
		case 3:
			return s + " " + rapid.SampledFrom(all).Draw(t, "second")
		case 4:
			return rapid.SampledFrom(words()).Draw(t, "first") + " " + s
		case 5:
			return s + " 1"
		}
		return s
	})
}

// TestAnyWordAtAnyPoint sends keywords, commands and free wording of any language at any point of any scripted
// dialogue. Nothing panics, nothing asks for a word that carriers act on, no answer that was given is lost, MENU and
// DROP lead out, and STOP is obeyed at once.
func TestAnyWordAtAnyPoint(t *testing.T) {
	c, services := mustTexts(t), mustServices(t)
	points, said := moments(t), wording(vocabulary(t, c, services))
	g := dialogue.New(c)
	var stops []string
	for _, lang := range c.Languages() {
		stops = append(stops, c.Words(lang, "stop")...)
	}
	rapid.Check(t, func(rt *rapid.T) {
		w := rapid.SampledFrom(points).Draw(rt, "point").at(t)
		for range rapid.IntRange(1, 4).Draw(rt, "messages") {
			s := said.Draw(rt, "said")
			draft := w.draft
			before := answered(services, draft)
			asksForNone(rt, w, s, w.text(s))
			if w.last.Forget || len(w.last.Leaves) > 0 { // who writes from there begins anew
				return
			}
			losesNone(rt, g, w, s, draft, before, answered(services, w.draft))
		}
		leadsOut(rt, w)
		stop := rapid.SampledFrom(stops).Draw(rt, "stop")
		if w.text(stop); !reached(w).Stopped {
			rt.Fatalf("%q is not obeyed: %+v", stop, reached(w))
		}
	})
}

// answered are the fields of the open form that hold something, those that are computed aside.
func answered(services *service.Catalog, d *gateway.Draft) map[string][]string {
	all := map[string][]string{}
	if d == nil {
		return all
	}
	s, _ := services.ByCode(d.Form.Service)
	for name, values := range d.Form.Answers {
		if f, known := s.Field(name); known && f.Kind != service.Computed && len(values) > 0 {
			all[name] = slices.Clone(values)
		}
	}
	return all
}

// losesNone: what was answered is still answered, unless the form was sent or the person dropped it.
func losesNone(t *rapid.T, g *dialogue.Grammar, w *world, said string, draft *gateway.Draft, before, after map[string][]string) {
	if w.draft == nil {
		cmd, ok := g.Command(said)
		sent := len(w.last.Crossings) > 0 || w.last.Conversation != nil && w.last.Conversation.Joining != nil
		if draft != nil && !sent && !(ok && cmd.Act == dialogue.Drop) {
			t.Fatalf("%q ends the form", said)
		}
		return
	}
	if draft == nil || draft.ID != w.draft.ID {
		return
	}
	for name := range before {
		if len(after[name]) == 0 {
			t.Fatalf("%q takes the answer %s=%v away", said, name, before[name])
		}
	}
}

var loud = regexp.MustCompile(`\p{Lu}[\p{Lu}-]+`)

// asksForNone: no button and no text says a word that carriers act on. STOP, START and HELP are named by the texts that
// explain them, which the catalogue's own test lists.
func asksForNone(t *rapid.T, w *world, said, reply string) {
	for _, word := range loud.FindAllString(reply, -1) {
		explained := word == "STOP" || word == "START" || word == "HELP"
		if slices.Contains(carrierWords, word) && !explained && !strings.Contains(strings.ToUpper(said), word) {
			t.Fatalf("%q is answered with %s: %s", said, word, reply)
		}
	}
	for _, d := range w.last.Deliveries {
		for _, o := range d.Message.Options {
			if slices.Contains(carrierWords, strings.ToUpper(o.Value)) {
				t.Fatalf("%q is answered with the button %+v", said, o)
			}
		}
	}
}

// leadsOut: whoever is not silent gets a menu, and DROP ends the form.
func leadsOut(t *rapid.T, w *world) {
	if reached(w).Stopped || reached(w).Blocked {
		w.hear(channels.Message{From: phone, To: channels.Address{Channel: "sms"}, OptOut: channels.OptedIn, Text: "START"})
	}
	if got := w.text("MENU"); got == "" {
		t.Fatal("MENU is not answered")
	}
	if got := w.text("DROP"); got == "" || w.draft != nil {
		t.Fatalf("DROP is answered %q and leaves %+v", got, w.draft)
	}
}
