package gateway_test

import (
	"strings"
	"testing"
	"time"

	"gatehouse/channels/text"
	"gatehouse/exchange"
	"gatehouse/gateway"
)

// TestTheOfficesOwnWords: they stand in the status instead of the state's, with the booked day, until the office says
// something else.
func TestTheOfficesOwnWords(t *testing.T) {
	w := newWorld(t)
	m := w.filed(phone)
	ref, said := m.Reference, "crew assigned, Thu 3 Dec 7:00-15:00."
	if got := w.notice(m, exchange.Notice{State: exchange.InOA, Words: "crew assigned"}); got != ref+" Bulky waste pickup: "+said {
		t.Errorf("told %q", got)
	}
	if got, want := w.text("status"), ref+" Bulky pickup: "+said+" 1 change day 2 call it off 3 ask a person"; got != want {
		t.Errorf("status %q, want %q", got, want)
	}
	has(t, w.say(tab, "status"), "Bulky waste pickup: "+said, ": crew assigned.\n", "1 change day")
	has(t, w.say(tab, "1"), "Which day?")
	has(t, w.say(tab, "2026-12-07"), "the day is changed", "Mon 7 Dec")
	lacks(t, w.text("status"), "crew assigned") // that was said of the old day
	w.notice(w.matters[0], exchange.Notice{State: exchange.InOA, Words: "crew assigned"})
	w.notice(w.matters[0], exchange.Notice{State: exchange.WaitingYou, Text: "Which floor?"})
	has(t, w.text("status"), ": waiting for your answer, Mon 7 Dec 7:00-15:00.", "We asked: Which floor?")
	w.notice(w.matters[0], exchange.Notice{State: exchange.Decided, Decision: exchange.Refused, Reason: "Third pickup this year."})
	lacks(t, w.text("status"), "7 Dec", "change day", "call it off")
	has(t, w.text("status"), "1 open it again 2 ask a person")
}

// TestWordsStayOffTheTextsOfSpecialServices: what the office says of such a case is content.
func TestWordsStayOffTheTextsOfSpecialServices(t *testing.T) {
	w := newWorld(t)
	w.matters = []gateway.Matter{{ID: "m1", Reference: reference(0), Contact: "c1", Service: "SOC-HEAT", Name: "Heating help", Lang: "en",
		Address: phone, State: exchange.InOA, FiledAt: w.now, Events: []gateway.Event{{At: w.now, State: exchange.InOA}}}}
	if got := w.notice(w.matters[0], exchange.Notice{State: exchange.InOA, Words: "doctor's note read"}); strings.Contains(got, "doctor") {
		t.Errorf("told %q", got)
	}
	lacks(t, w.text("status"), "doctor")
	has(t, w.say(tab, "status"), "doctor's note read")
}

// TestStatusFitsOneText with the longest words that the office can say, in each language, on any day of a year.
func TestStatusFitsOneText(t *testing.T) {
	w := newWorld(t)
	m := w.filed(phone)
	for lang, letter := range map[string]string{"en": "w", "fr": "w", "ar": "ع", "zh": "字"} {
		most := 1
		if lang == "ar" || lang == "zh" {
			most = 2
		}
		words := strings.Repeat(letter, 32)
		if lang == "zh" {
			words = strings.Repeat(letter, 16)
		}
		w.notice(m, exchange.Notice{State: exchange.InOA, Words: words, Lang: lang})
		for month := range 12 {
			w.matters[0].Booked = time.Date(2027, time.Month(month+1), 28, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
			w.text(strings.ToUpper(lang))
			got := w.text("STATUS")
			if n := text.Measure(got).Segments; n > most || !strings.Contains(got, words) {
				t.Errorf("%s takes %d segments: %s", lang, n, got)
			}
		}
	}
}
