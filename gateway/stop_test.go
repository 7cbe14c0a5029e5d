package gateway_test

import (
	"strings"
	"testing"

	"gatehouse/channels"
	"gatehouse/gateway"
)

// states puts a person into every state of a dialogue, in one language.
func states() map[string][]string {
	return map[string][]string{
		"new": nil, "language asked": {"12345"}, "first question": {"BOOK"}, "place proposed": {"BOOK", "14 quay st"},
		"at a list": {"BOOK", "14 quay st", "1"}, "at a day": {"BOOK", "14 quay st", "1", "1"},
		"at the summary": {"BOOK 14 Quay St, 1 3, 3 Dec"}, "changing": {"BOOK 14 Quay St, 1 3, 3 Dec", "2"},
		"paused": {"BOOK", "PAUSE"}, "menu": {"MENU"}, "topics": {"my neighbour parks in the disabled bay is that a fine"},
		"answered": {"how do i get rid of an old sofa"}, "asked for a question": {"0"},
		"case": {"TAX 0", "SEND", "STATUS"}, "withdrawing": {"TAX 0", "SEND", "STATUS", "2"}, "adding": {"TAX 0", "SEND", "STATUS", "1"},
		"confirming a stop": {"please stop texting me"}, "number asked": {"TAX", "2026-10"},
	}
}

func TestStopWorksInEveryStateAndLanguage(t *testing.T) {
	for name, said := range states() {
		for _, stop := range []string{"STOP", "stop.", "ARRÊT", "قف", "停止", "Stop please"} {
			w := newWorld(t)
			for _, s := range said {
				w.text(s)
			}
			if got := w.text(stop); got == "" || !strings.Contains(got, "START") {
				t.Errorf("%s in state %q says %q", stop, name, got)
			}
			r := w.contact.Reaches[0]
			if !r.Stopped || r.Blocked || w.lists["*"] {
				t.Errorf("%s in state %q leaves %+v", stop, name, r)
			}
			if got := w.text(stop); got != "" {
				t.Errorf("a second %s says %q", stop, got)
			}
			if w.draft != nil && !w.draft.Paused {
				t.Errorf("%s in state %q leaves a form running", stop, name)
			}
		}
	}
}

func TestCarriersOptOutIsSilent(t *testing.T) {
	for name, said := range states() {
		w := newWorld(t)
		for _, s := range said {
			w.text(s)
		}
		opt := func(o channels.OptOut, s string) string {
			return w.hear(channels.Message{From: phone, To: channels.Address{Channel: "sms", Value: "+1"}, Text: s, OptOut: o})
		}
		if got := opt(channels.OptedOut, "STOP"); got != "" {
			t.Errorf("%s: the carrier answered STOP, and so do we: %s", name, got)
		}
		if got := w.text("how do i get rid of an old sofa"); got != "" {
			t.Errorf("%s: to a blocked number goes %s", name, got)
		}
		if got := opt(channels.AskedHelp, "HELP"); got != "" {
			t.Errorf("%s: the carrier answered HELP, and so do we: %s", name, got)
		}
		if got := opt(channels.OptedIn, "START"); got != "" || w.contact.Reaches[0].Blocked || w.contact.Reaches[0].Stopped {
			t.Errorf("%s: after the carrier's START: %q %+v", name, got, w.contact.Reaches[0])
		}
		if got := w.text("how do i get rid of an old sofa"); got == "" {
			t.Errorf("%s: no answer after START", name)
		}
	}
}

func TestHelpAndPersonAreAWayOutOfEveryState(t *testing.T) {
	for name, said := range states() {
		for _, way := range []string{"?", "HELP", "MENU", "مساعدة"} {
			w := newWorld(t)
			for _, s := range said {
				w.text(s)
			}
			if got := w.text(way); got == "" {
				t.Errorf("%s in state %q is not answered", way, name)
			}
		}
		if name == "number asked" { // 0 is an answer there
			continue
		}
		w := newWorld(t)
		for _, s := range append(said, "0", "Please call me about my bins", "0", "It is the blue one") {
			w.text(s)
		}
		if c := w.lastCase(); c.Service != "ask" {
			t.Errorf("0 in state %q reaches nobody", name)
		}
	}
}

func TestDangerComesFirstEverywhere(t *testing.T) {
	for name, said := range states() {
		for _, cry := range []string{"there is a fire in my kitchen", "il y a une fuite de gaz", "حريق", "着火了"} {
			w := newWorld(t)
			for _, s := range append(said, "STOP") {
				w.text(s)
			}
			if got := w.text(cry); !strings.Contains(got[:min(len(got), 90)], "112") {
				t.Errorf("%q in state %q after STOP says %q", cry, name, got)
			}
		}
	}
}

// TestPublishedQuestionsReachTheSearch: none of the questions that pages answer is a danger, an opt-out or a command.
func TestPublishedQuestionsReachTheSearch(t *testing.T) {
	for _, ask := range publishedAsks(t) {
		w := newWorld(t)
		if got := w.text(ask.text); w.convs[phone].Pending.Kind != "inquiry" && w.convs[phone].Pending.Kind != "topic" {
			t.Errorf("%s: %q is answered %q", ask.lang, ask.text, got)
		}
	}
}

func TestFirstReplyEndsWithThePrivacyNotice(t *testing.T) {
	for _, s := range []string{"BOOK", "how do i get rid of an old sofa", "旧沙发怎么处理？", "تنبيهات", "STOP", "12345"} {
		w := newWorld(t)
		w.contact = gateway.Contact{ID: "c1"}
		first := w.text(s)
		low := strings.ToLower(first)
		if !strings.Contains(low, "privacy") {
			t.Errorf("the first reply to %q is %q", s, first)
		}
		if second := w.text("MENU"); strings.Contains(strings.ToLower(second), "privacy") {
			t.Errorf("the second reply has it too: %q", second)
		}
	}
}

func TestYesThatTheCarrierTookForStart(t *testing.T) {
	w := newWorld(t)
	w.text("BOOK")
	w.text("14 quay st")
	got := w.hear(channels.Message{From: phone, To: channels.Address{Channel: "sms", Value: "+1"}, Text: "YES", OptOut: channels.OptedIn})
	if !strings.HasPrefix(got, "Pickup 3/4.") {
		t.Errorf("YES to a question says %q", got)
	}
}

func TestKeywordWithOtherWordsStaysAQuestion(t *testing.T) {
	w := newWorld(t)
	w.text("tax 2026: who has to pay the tourist tax?")
	if w.draft != nil {
		t.Error("a question opened a form")
	}
}
