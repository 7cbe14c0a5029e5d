package gateway_test

import (
	"strings"
	"testing"

	"gatehouse/channels"
	"gatehouse/exchange"
	"gatehouse/gateway"
)

// TestStatusNamesEveryState: what the border does with a case is told in words, on every channel and in every language:
// queued, crossed, or refused with the class of its reason; never a key, never that it is unknown.
func TestStatusNamesEveryState(t *testing.T) {
	states := []exchange.State{
		exchange.Queued, exchange.Crossed, exchange.Blocked, exchange.Received, exchange.InOA, exchange.WaitingYou, exchange.Decided, exchange.Reopened,
	}
	for _, lang := range []string{"en", "fr", "ar", "zh"} {
		said := map[string]exchange.State{}
		for _, s := range states {
			for _, from := range []channels.Address{phone, tab} {
				w := newWorld(t)
				w.contact.Lang = lang
				w.convs[from] = gateway.Conversation{Address: from, Lang: lang}
				w.matters = []gateway.Matter{{ID: "m1", Reference: reference(0), Service: "ask", Name: "x", Lang: lang, State: s, Address: from}}
				got := w.hear(channels.Message{From: from, To: channels.Address{Channel: from.Channel, Value: "us"}, Text: "STATUS", Trust: channels.CarrierVerified})
				if got == "" || strings.Contains(got, "citizen.") || strings.Contains(got, "state.") || !strings.Contains(got, reference(0)) {
					t.Errorf("%s %s by %s: %q", lang, s, from.Channel, got)
				}
				if from == tab {
					said[got] = s
				}
			}
		}
		if len(said) < len(states)-2 { // two that are the same to a citizen may share their words
			t.Errorf("%s: %d ways to tell %d states", lang, len(said), len(states))
		}
	}
	for r := exchange.ReasonForged; r <= exchange.LastReason; r++ {
		w := newWorld(t)
		m := gateway.Matter{ID: "m1", Reference: reference(0), Service: "ask", Lang: "en", State: exchange.Queued, Address: tab}
		o, err := w.d.Refused(gateway.Tiding{Now: w.now, NewID: w.newID, Contact: w.contact, Matter: m}, r)
		if err != nil || len(o.Matters) != 1 || o.Matters[0].State != exchange.Blocked {
			t.Fatalf("reason %d: %+v, %v", r, o, err)
		}
		w.apply(o)
		if got := w.hear(channels.Message{From: tab, To: channels.Address{Channel: "web", Value: "us"}, Text: "STATUS"}); !strings.Contains(got, reference(0)) ||
			!strings.Contains(got, "othing was filed") && !strings.Contains(got, "not filed") && !strings.Contains(got, "phone") {
			t.Errorf("reason %d: %q", r, got)
		}
	}
}
