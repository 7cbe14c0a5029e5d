package gateway_test

import (
	"strings"
	"testing"

	"gatehouse/channels"
	"gatehouse/gateway"
)

// full has the world answer the next message as a gateway that can hand on nothing more.
func (w *world) full(from channels.Address, said string) string {
	w.t.Helper()
	m := channels.Message{ID: w.newID(), From: from, To: channels.Address{Channel: from.Channel, Value: "us"}, Text: said, At: w.now, Trust: channels.CarrierVerified}
	t := gateway.Turn{
		Now: w.now, NewID: w.newID, NewReference: w.newReference, Claim: gateway.Claim{Message: m.ID, Contact: w.contact.ID, Fence: 1},
		Message: m, Contact: w.contact, Conversation: w.convs[from], Draft: w.draft, Matters: w.matters, Attempt: 1,
	}
	t.Conversation.Address = from
	return w.apply(w.d.Full(t))
}

// TestFullBorderLosesNothing: at the last step of a form nothing more can be handed on. The person is told so in plain
// words, in every language; the form stays as it was, and the same answer files it an hour later.
func TestFullBorderLosesNothing(t *testing.T) {
	w := newWorld(t)
	for _, said := range []string{"BOOK", "14 quay st", "1", "1,3", "1"} {
		w.text(said)
	}
	if len(w.crossed) != 0 || w.draft == nil {
		t.Fatal("the form is not at its end")
	}
	for range 2 {
		got := w.full(phone, "SEND")
		if !strings.Contains(got, "Nothing was filed") || !strings.Contains(got, "again in an hour") {
			t.Errorf("said: %q", got)
		}
	}
	if len(w.crossed) != 0 || len(w.matters) != 0 || w.draft == nil || w.last.DropDraft {
		t.Errorf("something was filed or lost: %d, %d, %v", len(w.crossed), len(w.matters), w.draft)
	}
	if got := w.text("SEND"); len(w.crossed) != 1 || !strings.Contains(got, "PL-") {
		t.Errorf("not filed afterwards: %q", got)
	}
	for lang, want := range map[string]string{"fr": "Rien n'a été déposé", "ar": "لم يقدم شيء", "zh": "没有提交"} {
		w := newWorld(t)
		w.contact.Lang = lang
		w.convs[tab] = gateway.Conversation{Address: tab, Lang: lang}
		if got := w.full(tab, "1"); !strings.Contains(got, want) {
			t.Errorf("%s: %q", lang, got)
		}
	}
	if got := newWorld(t).full(inbox, "Please collect my bulky waste"); !strings.Contains(got, "Nothing was filed") {
		t.Errorf("by mail: %q", got)
	}
}
