package gateway_test

import (
	"strings"
	"testing"

	"gatehouse/channels"
	"gatehouse/exchange"
	"gatehouse/gateway"
)

// helping files a case for Ana, and one for the phone's owner.
func helping(w *world) (ana gateway.Person) {
	w.t.Helper()
	for _, s := range []string{"BOOK 14 Quay St, 1 3, 3 Dec", "SOMEONE ELSE", "2", "Ana Silveira", "SEND"} {
		w.text(s)
	}
	if len(w.contact.Persons) != 1 || len(w.matters) != 1 || w.matters[0].For != w.contact.Persons[0].ID {
		w.t.Fatalf("persons %+v, cases %+v", w.contact.Persons, w.matters)
	}
	w.text("BOOK 14 Quay St, 2, 7 Dec")
	w.text("1")
	w.text("SEND")
	return w.contact.Persons[0]
}

// TestHelpedCaseIsOfItsOwnParty: the inside knows both persons apart, and sees that a helper filed.
func TestHelpedCaseIsOfItsOwnParty(t *testing.T) {
	w := newWorld(t)
	ana := helping(w)
	var cases []exchange.Case
	for _, c := range w.crossed {
		cases = append(cases, c.Document.(exchange.Case))
	}
	if len(cases) != 2 || cases[0].Party != ana.ID || cases[0].Name != "Ana Silveira" || cases[1].Party != "c1" || cases[1].Name != "" {
		t.Fatalf("cases %+v", cases)
	}
	if s := cases[0].Story; len(s) != 1 || !strings.Contains(s[0].Text, "Filed by a helper") {
		t.Errorf("the inside reads %+v", s)
	}
	if len(cases[1].Story) != 0 {
		t.Errorf("the helper's own case says %+v", cases[1].Story)
	}
}

// TestForgetMeKeepsWhoIsHelped: the helper goes, and the address goes on for the cases of the other alone.
func TestForgetMeKeepsWhoIsHelped(t *testing.T) {
	w := newWorld(t)
	ana := helping(w)
	has(t, w.text("FORGET ME"), "1 for you", "2 Ana Silveira")
	has(t, w.text("1"), "Delete all we hold of you")
	w.text("1")
	r := w.last.Remains
	if !w.last.Forget || r == nil || r.ID == w.contact.ID {
		t.Fatalf("outcome %+v", w.last)
	}
	if len(r.Persons) != 1 || r.Persons[0] != ana || len(r.Reaches) != 1 || r.Reaches[0].Address != phone {
		t.Errorf("what goes on is %+v", r)
	}
	if e := w.last.Crossings[0].Document.(exchange.Erasure); e.Party != "c1" {
		t.Errorf("the inside forgets %q", e.Party)
	}
}

// TestForgetMeAlone: an address that serves nobody else leaves nothing.
func TestForgetMeAlone(t *testing.T) {
	w := newWorld(t)
	w.text("BOOK 14 Quay St, 1 3, 3 Dec")
	w.text("SEND")
	w.text("FORGET ME")
	w.text("1")
	if !w.last.Forget || w.last.Remains != nil {
		t.Errorf("outcome %+v", w.last)
	}
}

// TestLinkBringsWhoIsHelped: whom the other address helped stays a person of their own.
func TestLinkBringsWhoIsHelped(t *testing.T) {
	c := newTown(t)
	ben := gateway.Person{ID: "P1", Name: "Ben"}
	c.others[0].Persons = []gateway.Person{ben}
	c.cases = append(c.cases, gateway.Matter{ID: "m3", Reference: reference(3), Contact: "c2", For: "P1", Address: clerk, State: exchange.InOA})
	c.sms("LINK jane@northdock.example")
	c.sms("481 920")
	if p := c.contact.Persons; len(p) != 1 || p[0] != ben {
		t.Fatalf("persons %+v", p)
	}
	c.matters = c.cases
	has(t, c.sms("STATUS"), "1 for you", "2 Ben")
}

// TestNamesGoWithTheLastCase: a person of whom nothing is kept is no longer offered.
func TestNamesGoWithTheLastCase(t *testing.T) {
	w := newWorld(t)
	helping(w)
	w.matters = w.matters[:1]
	w.text("hello")
	if len(w.contact.Persons) != 0 {
		t.Errorf("persons %+v", w.contact.Persons)
	}
	has(t, w.text("BOOK 14 Quay St, 1 3, 3 Dec"), "Check:")
}

// TestMailCountsOnlyTheOwnCases: a mail can't be asked whose, so its words are about the one whose address it is.
func TestMailCountsOnlyTheOwnCases(t *testing.T) {
	w := newWorld(t)
	helping(w)
	got := w.hear(channels.Message{From: inbox, To: channels.Address{Channel: "email", Value: "city@portlumen.example"}, Text: "MY DATA"})
	has(t, got, "cases 1 ")
}

// TestMyDataAsksForTheProofOfTheOwner: whose it is is asked first, and only for the own cases a code goes out.
func TestMyDataAsksForTheProofOfTheOwner(t *testing.T) {
	w := newWorld(t)
	helping(w)
	has(t, w.text("MY DATA"), "1 for you 2 Ana Silveira")
	turn := gateway.Turn{Now: w.now, Contact: w.contact, Conversation: w.convs[phone], Message: channels.Message{From: phone, Text: "1"}}
	if got := w.d.Wants(turn); got.Address != inbox {
		t.Errorf("for the own data is read %+v", got)
	}
	turn.Message.Text = "2"
	if got := w.d.Wants(turn); !got.IsZero() {
		t.Errorf("for another's data is read %+v", got)
	}
}
