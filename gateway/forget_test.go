package gateway_test

import (
	"strings"
	"testing"

	"gatehouse/channels"
	"gatehouse/channels/text"
	"gatehouse/exchange"
)

func TestForgetMeAsksNamesWhatStaysAndTellsBeforeItGoes(t *testing.T) {
	for said, want := range map[string]string{
		"FORGET ME": "Bulky waste", "oubliez-moi": "2028-11-23", "انسوني": "2028-11-23", "忘记我": "2028-11-23", "delete my data": "2028-11-23",
	} {
		w := newWorld(t)
		for _, s := range []string{"BOOK 14 Quay St, 1 3, 3 Dec", "SEND", "TAX 0", "SEND"} {
			w.text(s)
		}
		crossed := len(w.crossed)
		got := w.text(said)
		if !strings.Contains(got, want) || !strings.Contains(got, "2028-11-23") || !strings.Contains(got, "2036-11-23") || !strings.Contains(got, "1 ") {
			t.Errorf("%q asks %q", said, got)
		}
		if n := text.Measure(got).Segments; n > 3 || w.last.Forget {
			t.Errorf("%q: %d segments, forgotten at once: %v", said, n, w.last.Forget)
		}
		last := w.text("1")
		if !w.last.Forget || last == "" || w.last.Conversation != nil || len(w.last.Matters) != 0 {
			t.Errorf("%q, 1: %q %+v", said, last, w.last)
		}
		if len(w.crossed) != crossed+1 {
			t.Fatalf("%q: %d documents crossed", said, len(w.crossed)-crossed)
		}
		if e, ok := w.crossed[crossed].Document.(exchange.Erasure); !ok || e.Party != "c1" {
			t.Errorf("%q: crossed %+v", said, w.crossed[crossed])
		}
	}
}

func TestForgetMeTakesNo(t *testing.T) {
	w := newWorld(t)
	w.text("FORGET ME")
	if got := w.text("2"); got != "Nothing was deleted." || w.last.Forget {
		t.Errorf("2 says %q", got)
	}
	w.text("FORGET ME")
	if got := w.text("how do i get rid of an old sofa"); w.last.Forget || !strings.Contains(got, "Bulky waste") {
		t.Errorf("a question says %q", got)
	}
	if w.text("1"); w.last.Forget {
		t.Error("1 to another question deletes all")
	}
}

// TestForgetMeInEveryState has a way out everywhere, and loses no form while it only asks.
func TestForgetMeInEveryState(t *testing.T) {
	for name, said := range states() {
		w := newWorld(t)
		for _, s := range said {
			w.text(s)
		}
		if w.convs[phone].Pending.Kind == "question" || w.convs[phone].Pending.Kind == "add" {
			continue // the next words are what was asked for
		}
		draft := w.draft != nil
		if got := w.text("forget me"); !strings.Contains(got, "1 ") {
			t.Errorf("in state %q it says %q", name, got)
		}
		if w.draft != nil != draft {
			t.Errorf("in state %q the form is gone", name)
		}
		if w.text("1"); !w.last.Forget {
			t.Errorf("in state %q: 1 says %+v", name, w.last.Deliveries)
		}
	}
}

// TestForgetMeByMailNeedsTheCode: a forged From line deletes nobody.
func TestForgetMeByMailNeedsTheCode(t *testing.T) {
	w := newWorld(t)
	mail := func(s string) string {
		return w.hear(channels.Message{From: inbox, To: channels.Address{Channel: "email", Value: "help@portlumen.example"}, Text: s, Trust: channels.Unverified})
	}
	mail("forget me")
	if w.mail("help", "", "1"); w.last.Forget {
		t.Fatal("a bare 1 by mail deletes all")
	}
	asked := mail("forget me")
	_, code, ok := strings.Cut(asked, "only this word: ")
	code, _, _ = strings.Cut(code, "\n")
	if !ok || len(code) != 8 {
		t.Fatalf("asks %q", asked)
	}
	if mail(strings.ToLower(code) + "\n\n> Delete all"); !w.last.Forget {
		t.Errorf("the code deletes nothing")
	}
}
