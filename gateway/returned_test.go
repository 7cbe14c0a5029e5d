package gateway_test

import (
	"strings"
	"testing"

	"gatehouse/channels"
	"gatehouse/exchange"
	"gatehouse/gateway"
)

// comesBack has the dispatcher hear what became of a message, and gives what the office is told.
func (w *world) comesBack(r gateway.Returned) string {
	w.t.Helper()
	w.sent, w.crossed = nil, nil
	w.wakeUp(gateway.Wake{Contact: "c1", Kind: gateway.WakeReturned, Subject: r.Subject(), At: w.now})
	if len(w.crossed) == 0 {
		return ""
	}
	a, ok := w.crossed[0].Document.(exchange.Addition)
	if !ok || len(w.crossed) != 1 || a.Act != exchange.ActReturned || a.Case != r.Matter || a.Check() != nil {
		w.t.Fatalf("crosses %+v", w.crossed)
	}
	return a.Text
}

// TestWhatComesBackIsTold: the office reads how and why, and never where to.
func TestWhatComesBackIsTold(t *testing.T) {
	for _, lang := range []string{"en", "fr", "ar", "zh"} {
		w := newWorld(t)
		m := w.filed(inbox)
		w.matters[0].Lang = lang
		seen := map[string]bool{}
		for _, r := range []gateway.Returned{
			{What: channels.Failed, Channel: "email", Code: "5.1.1"}, {What: channels.Failed, Channel: "email", Next: "sms", Code: "5.1.1"},
			{What: channels.Delayed, Channel: "email", Code: "4.4.1"}, {What: channels.Complained, Channel: "email"},
		} {
			r.Matter = m.ID
			said := w.comesBack(r)
			if seen[said] || said == "" || strings.ContainsAny(said, "@{}") || !strings.Contains(said, r.Code) || len(w.sent) != 0 {
				t.Errorf("%s: %+v is told as %q, and %d sent", lang, r, said, len(w.sent))
			}
			seen[said] = true
		}
	}
	w := newWorld(t)
	if said := w.comesBack(gateway.Returned{Matter: "gone", What: channels.Failed}); said != "" {
		t.Errorf("of a case that is gone: %q", said)
	}
	w.wakeUp(gateway.Wake{Contact: "c1", Kind: gateway.WakeReturned, Subject: "nonsense", At: w.now})
}

// TestRowsThatCameBackAreToldElsewhere: the person would miss until when they can be put right.
func TestRowsThatCameBackAreToldElsewhere(t *testing.T) {
	w, _, _ := wrongRows(t)
	m := w.matters[0]
	r := gateway.Returned{Matter: m.ID, What: channels.Failed, Channel: "email", Code: "5.1.1"}
	said := w.comesBack(r)
	if len(w.sent) != 1 || w.sent[0].Message.To != phone || !strings.Contains(w.sent[0].Message.Text, m.Reference) || !strings.Contains(w.sent[0].Message.Text, "Fri 4 Dec 17:00") {
		t.Fatalf("told %+v", w.sent)
	}
	has(t, said, "phone")
	if w.comesBack(gateway.Returned{Matter: m.ID, What: channels.Delayed, Channel: "email"}); len(w.sent) != 0 {
		t.Errorf("a late mail is told elsewhere: %+v", w.sent)
	}
	w.contact.Reaches = []gateway.Reach{{Address: inbox, Dead: true}, {Address: tab}}
	if said = w.comesBack(r); len(w.sent) != 0 || !strings.Contains(said, "No other way") {
		t.Errorf("with mail alone: %q, %+v", said, w.sent)
	}
}

// TestAutoRepliesStandInTheirCase: on a case's own address they are recorded for staff, and change nothing.
func TestAutoRepliesStandInTheirCase(t *testing.T) {
	w := newWorld(t)
	m := w.filed(inbox)
	w.contact.Reaches[3].Dead = true
	before, heard := w.matters[0], w.contact.Reaches[3].Heard
	w.sent, w.crossed = nil, nil
	away := channels.Message{From: inbox, To: channels.Address{Channel: "email", Value: "case+x@portlumen.example"}, Reference: m.Reference,
		Subject: "Out of office", Text: "I am away. STOP. WITHDRAW. My card is 4111 1111 1111 1111. " + strings.Repeat("x", 3000), Robot: true}
	if got := w.hear(away); got != "" || len(w.crossed) != 1 {
		t.Fatalf("answered %q, crossed %+v", got, w.crossed)
	}
	a := w.crossed[0].Document.(exchange.Addition)
	if a.Act != exchange.ActAuto || a.Case != m.ID || !strings.HasPrefix(a.Text, "Out of office\n\nI am away.") || strings.Contains(a.Text, "4111 1111") || len(a.Text) > 2100 || a.Check() != nil {
		t.Errorf("crossed %+v", a)
	}
	if r := w.contact.Reaches[3]; r.Stopped || !r.Dead || !r.Heard.Equal(heard) || w.matters[0].State != before.State || len(w.matters[0].Events) != len(before.Events) {
		t.Errorf("it changed %+v, %+v", r, w.matters[0])
	}
	away.ID, away.Reference = "", reference(4) // somebody else's case
	if w.hear(away); len(w.crossed) != 1 {
		t.Errorf("it reached another's case: %+v", w.crossed[1:])
	}
}
