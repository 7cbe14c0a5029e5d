package gateway_test

import (
	"strings"
	"testing"

	"gatehouse/channels"
	"gatehouse/exchange"
	"gatehouse/gateway"
)

// decided decides a case that was filed by phone, whose person has a mail address too, and gives what goes out.
func (w *world) decided(m gateway.Matter) []gateway.Delivery {
	w.t.Helper()
	w.sent = nil
	w.notice(m, exchange.Notice{State: exchange.Decided, Decision: exchange.Refused, Reason: "Third pickup this year."})
	return w.sent
}

// TestDecisionAlsoGoesOutInWriting: on the channel used last, and by mail where the service owes it in writing.
func TestDecisionAlsoGoesOutInWriting(t *testing.T) {
	w := newWorld(t)
	sent := w.decided(w.filed(phone))
	if len(sent) != 2 || sent[0].Message.To != phone || sent[0].Legal || sent[1].Message.To != inbox || !sent[1].Legal || !sent[1].Must {
		t.Fatalf("it goes out as %+v", sent)
	}
	has(t, sent[1].Message.Text, "Third pickup this year.")
	m := w.matters[0]
	w.say(inbox, "hello") // used last now: one mail is enough
	if sent = w.decided(m); len(sent) != 1 || !sent[0].Legal {
		t.Errorf("by mail alone it goes out as %+v", sent)
	}
	w.say(tab, "hello") // a page may be closed, and the mail stands for what is said beside it
	if sent = w.decided(m); len(sent) != 2 || sent[0].Message.To != tab || sent[1].Message.To != inbox || !sent[1].Legal {
		t.Errorf("beside the chat it goes out as %+v", sent)
	}
	m.Service = "STR-LIGHT" // a report is owed no decision in writing
	w.say(bot, "hello")
	if sent = w.decided(m); len(sent) != 1 || sent[0].Message.To != bot || sent[0].Legal {
		t.Errorf("of a report it goes out as %+v", sent)
	}
}

// TestMailThatCameBackIsToldByPost: the office gets the task, the phone a text without content.
func TestMailThatCameBackIsToldByPost(t *testing.T) {
	for lang := range map[string]bool{"en": true, "fr": true, "ar": true, "zh": true} {
		w := newWorld(t)
		m := w.filed(phone)
		m.Lang = lang
		w.decided(m)
		w.sent, w.crossed = nil, nil
		w.wakeUp(gateway.Wake{Contact: "c1", Kind: gateway.WakePost, Subject: m.ID, At: w.now})
		if len(w.sent) != 1 || w.sent[0].Message.To != phone || !strings.Contains(w.sent[0].Message.Text, m.Reference) {
			t.Fatalf("%s: told %+v", lang, w.sent)
		}
		lacks(t, w.sent[0].Message.Text, "Third", "refused", "Bulky", "Quay")
		a, ok := w.crossed[0].Document.(exchange.Addition)
		if !ok || a.Act != exchange.ActPost || a.Case != m.ID || len(w.crossed) != 1 {
			t.Errorf("%s: crosses %+v", lang, w.crossed)
		}
	}
	w := newWorld(t)
	m := w.filed(inbox)
	w.contact.Reaches = []gateway.Reach{{Address: inbox, Dead: true}, {Address: channels.Address{Channel: "web", Value: "s"}}}
	w.sent, w.crossed = nil, nil
	w.wakeUp(gateway.Wake{Contact: "c1", Kind: gateway.WakePost, Subject: m.ID, At: w.now})
	if len(w.sent) != 0 || len(w.crossed) != 1 {
		t.Errorf("without a phone: %+v, %+v", w.sent, w.crossed)
	}
	w.wakeUp(gateway.Wake{Contact: "c1", Kind: gateway.WakePost, Subject: "gone", At: w.now})
}

// TestBlockedByTheCarrier: the office learns that a text was not told, and nothing is sent for it.
func TestBlockedByTheCarrier(t *testing.T) {
	w := newWorld(t)
	m := w.filed(phone)
	w.sent, w.crossed = nil, nil
	w.wakeUp(gateway.Wake{Contact: "c1", Kind: gateway.WakeBlocked, Subject: m.ID, At: w.now})
	if len(w.sent) != 0 || len(w.crossed) != 1 {
		t.Fatalf("sent %+v, crosses %+v", w.sent, w.crossed)
	}
	if a, ok := w.crossed[0].Document.(exchange.Addition); !ok || a.Act != exchange.ActBlocked || a.Case != m.ID || a.Text == "" {
		t.Errorf("crosses %+v", w.crossed[0])
	}
	w.crossed = nil
	w.wakeUp(gateway.Wake{Contact: "c1", Kind: gateway.WakeBlocked, Subject: "gone", At: w.now})
	if len(w.crossed) != 0 {
		t.Errorf("of a case that is gone: %+v", w.crossed)
	}
}
