package gateway_test

import (
	"strings"
	"testing"
	"time"

	"gatehouse/channels"
	"gatehouse/exchange"
)

// decided gives a world whose one case was refused.
func decided(t *testing.T) (*world, string) {
	w := newWorld(t)
	m := w.filed(phone)
	w.notice(m, exchange.Notice{State: exchange.Decided, Decision: exchange.Refused, Reason: "Third this year.", At: w.now})
	return w, m.Reference
}

func (w *world) lastAct() exchange.Act {
	a, ok := w.crossed[len(w.crossed)-1].Document.(exchange.Addition)
	if !ok {
		return ""
	}
	return a.Act
}

// TestReopenByWord opens a case again on every channel by its word, and says what to do when it can't be.
func TestReopenByWord(t *testing.T) {
	for _, from := range []channels.Address{phone, bot, tab} {
		w, ref := decided(t)
		if got := w.say(from, "reopen "+ref); !strings.Contains(got, "Why shall "+ref) {
			t.Errorf("%s asks %q", from.Channel, got)
		}
		if got := w.say(from, "It is the second."); !strings.Contains(got, "goes back to the office") || w.lastAct() != exchange.ActReopen {
			t.Errorf("%s: %q", from.Channel, got)
		}
	}
	w, ref := decided(t)
	if got := w.text("REOPEN"); !strings.Contains(got, ref) {
		t.Errorf("without a reference: %q", got)
	}
	wrong := ref[:len(ref)-1] + string('0'+(ref[len(ref)-1]-'0'+1)%10)
	if got := w.text("reopen " + wrong); !strings.Contains(got, "wrong letter or digit") {
		t.Errorf("a wrong check digit: %q", got)
	}
	if got := w.text("status " + wrong); !strings.Contains(got, "It looks like PL-") {
		t.Errorf("a wrong check digit: %q", got)
	}
	// Words added after the decision don't make the 30 days longer.
	w.now = w.now.Add(29 * 24 * time.Hour)
	w.text("reopen")
	w.text("Please.")
	w.now = w.now.Add(2 * 24 * time.Hour)
	if got := w.text("reopen " + ref); !strings.Contains(got, "over 30 days ago") || !strings.Contains(got, "phone") {
		t.Errorf("too late: %q", got)
	}
	fresh := newWorld(t)
	if got := fresh.text("reopen"); !strings.Contains(got, "No decided case") {
		t.Errorf("none: %q", got)
	}
	m := fresh.filed(phone)
	if got := fresh.text("reopen " + m.Reference); !strings.Contains(got, "is not closed") {
		t.Errorf("open: %q", got)
	}
}

func TestReopenInAllLanguages(t *testing.T) {
	for lang, word := range map[string]string{"fr": "ROUVRIR", "ar": "افتح", "zh": "重开"} {
		w, ref := decided(t)
		w.text(lang)
		w.text(word + " " + ref)
		w.text("🙏 1")
		if w.lastAct() != exchange.ActReopen {
			t.Errorf("%s %s is not understood: %s", lang, word, w.sent[len(w.sent)-1].Message.Text)
		}
	}
}

func TestReopenByMail(t *testing.T) {
	reply := func(w *world, ref, text string) string {
		return w.hear(channels.Message{From: inbox, To: channels.Address{Channel: "email", Value: "case+x@portlumen.example"}, Reference: ref, Text: text})
	}
	w, ref := decided(t)
	if got := reply(w, ref, "Reopen: it is the second.\n> We decided"); !strings.Contains(got, "goes back to the office") || w.lastAct() != exchange.ActReopen {
		t.Errorf("by mail: %q", got)
	}
	w, ref = decided(t)
	if reply(w, ref, "Thank you for the answer."); w.lastAct() != exchange.ActReply {
		t.Error("any reply opens it again")
	}
	w.now = w.now.Add(31 * 24 * time.Hour)
	if got := reply(w, ref, "REOPEN"); !strings.Contains(got, "over 30 days ago") {
		t.Errorf("too late by mail: %q", got)
	}
}
