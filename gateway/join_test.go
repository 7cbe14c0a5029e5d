package gateway_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"gatehouse/channels"
	"gatehouse/gateway"
	"gatehouse/gateway/consent"
)

// asked is somebody who has asked for the alerts of two districts and not confirmed.
func asked(t testing.TB, from channels.Address) *world {
	t.Helper()
	w := newWorld(t)
	for _, s := range []string{"ALERTS", "1,5", "1", "1", "SEND"} {
		w.say(from, s)
	}
	return w
}

func TestNothingIsJoinedBeforeItIsConfirmed(t *testing.T) {
	for said, want := range map[string]int{"1": 2, "JOIN": 2, "rejoindre": 2, "انضمام": 2, "加入": 2, "١": 2, "2": 0, "no": 0, "hello": 0, "yes": 2} {
		w := asked(t, phone)
		if got := gateway.Lists(w.ledger); len(got) != 0 || w.ledger[0].Act != consent.Asked {
			t.Fatalf("before a confirmation the lists are %v", got)
		}
		w.text(said)
		if got := gateway.Lists(w.ledger); len(got) != want {
			t.Errorf("after %q the lists are %v", said, got)
		}
	}
}

// TestAConfirmationIsInTheLedger: the words shown and said, the time and who.
func TestAConfirmationIsInTheLedger(t *testing.T) {
	w := asked(t, phone)
	w.now = w.now.Add(time.Hour)
	if got := w.text("1"); !strings.Contains(got, "STOP alerts") && !strings.Contains(got, "STOP ALERTS") || !strings.Contains(got, "HELP") {
		t.Errorf("it is answered %q", got)
	}
	c := w.ledger[len(w.ledger)-1]
	if !strings.Contains(c.Shown, "reply 1 to get Alerts (Quayside, Saltmarsh)") || c.Said != "1" || c.Source != consent.Person || !c.At.Equal(w.now) || c.Address != phone {
		t.Errorf("the ledger says %+v", c)
	}
}

// TestADigressionKeepsTheRequest: a question in between is answered, and 1 still joins.
func TestADigressionKeepsTheRequest(t *testing.T) {
	w := asked(t, bot)
	w.say(bot, "thanks")
	w.say(bot, "MENU")
	w.say(bot, "BOOK") // a form runs: 1 answers it
	w.say(bot, "1")
	if got := gateway.Lists(w.ledger); len(got) != 0 {
		t.Fatalf("a number for a form joins %v", got)
	}
	w.say(bot, "JOIN")
	if got := gateway.Lists(w.ledger); len(got) != 2 || w.draft == nil {
		t.Errorf("lists %v, draft %v", got, w.draft)
	}
}

func TestARequestEndsUnanswered(t *testing.T) {
	w := asked(t, phone)
	i := slices.IndexFunc(w.wakes, func(k gateway.Wake) bool { return k.Kind == gateway.WakeJoin })
	if i < 0 || !w.wakes[i].At.Equal(w.now.Add(48*time.Hour)) {
		t.Fatalf("wakes %v", w.wakes)
	}
	due := w.wakes[i]
	w.now = w.now.Add(47 * time.Hour)
	w.wakeUp(due)
	if last := w.ledger[len(w.ledger)-1]; last.Act != consent.Asked || !slices.Contains(w.wakes, due) {
		t.Fatalf("before its time the ledger says %+v, wakes %v", last, w.wakes)
	}
	w.now = w.now.Add(time.Hour)
	w.wakeUp(due)
	if last := w.ledger[len(w.ledger)-1]; last.Act != consent.Withdrawn || last.Source != consent.Lapsed || len(w.last.Deliveries) != 0 {
		t.Fatalf("the ledger says %+v, told %v", last, w.last.Deliveries)
	}
	w.text("1")
	if got := w.text("START alerts"); len(gateway.Lists(w.ledger)) != 0 || !strings.HasPrefix(got, "Alerts 1/3.") {
		t.Errorf("afterwards START says %q, lists %v", got, gateway.Lists(w.ledger))
	}
}

// wakeUp runs one wake as the store hands it out.
func (w *world) wakeUp(k gateway.Wake) {
	w.t.Helper()
	turn := gateway.Turn{Now: w.now, NewID: w.newID, NewReference: w.newReference, Contact: w.contact, Draft: w.draft, Matters: w.matters, Corrections: w.open,
		Standing: w.standing(), Claim: gateway.Claim{Wake: k, Contact: w.contact.ID, Fence: 1}, Attempt: 1}
	for _, r := range w.contact.Reaches {
		if c, ok := w.convs[r.Address]; ok {
			turn.Talks = append(turn.Talks, c)
		}
	}
	w.apply(w.d.Wake(turn, k))
}

func TestStopEndsARequest(t *testing.T) {
	for _, stop := range []string{"STOP", "STOP alerts"} {
		w := asked(t, phone)
		w.text(stop)
		w.text("1")
		if got := w.text("JOIN"); len(gateway.Lists(w.ledger)) != 0 {
			t.Errorf("after %s JOIN says %q, lists %v", stop, got, gateway.Lists(w.ledger))
		}
	}
}

func TestJoinWithTheNameOfAList(t *testing.T) {
	w := newWorld(t)
	if got := w.text("JOIN alerts quayside"); !strings.Contains(got, "reply 1 to get Alerts (Quayside)") {
		t.Fatalf("JOIN says %q", got)
	}
	w.text("1")
	if got := gateway.Lists(w.ledger); !slices.Equal(got, []string{"alerts-quayside"}) {
		t.Errorf("lists %v", got)
	}
	if got := w.text("JOIN alerts quayside"); !strings.Contains(got, "already") {
		t.Errorf("again it says %q", got)
	}
	for _, s := range []string{"JOIN", "JOIN alerts"} {
		if got := newWorld(t).text(s); !strings.HasPrefix(got, "Alerts 1/3.") {
			t.Errorf("%s says %q", s, got)
		}
	}
}

// TestMailJoinsByItsWord: a From line proves nothing, so only who gets the mail with the word can confirm.
func TestMailJoinsByItsWord(t *testing.T) {
	w := newWorld(t)
	to := channels.Address{Channel: "email", Value: "declare+wtr-alert@portlumen.example"}
	send := func(s string) string {
		return w.hear(channels.Message{From: inbox, To: to, Text: s, Trust: channels.Unverified})
	}
	got := send("districts: Quayside\nlanguage: English\nhours: By day")
	word := w.convs[inbox].Joining.Word
	if len(word) < 8 || !strings.Contains(got, word) {
		t.Fatalf("the mail says %q", got)
	}
	to.Value = "help@portlumen.example"
	for _, s := range []string{"1", "yes", "JOIN", "XXXXXXXX"} {
		if send(s); len(gateway.Lists(w.ledger)) != 0 {
			t.Fatalf("%q joins by mail", s)
		}
	}
	got = send(strings.ToLower(word) + "\n\n> " + got)
	if !slices.Equal(gateway.Lists(w.ledger), []string{"alerts-quayside"}) || !w.contact.Quiet {
		t.Errorf("says %q, lists %v", got, gateway.Lists(w.ledger))
	}
}

// page is a subscription that somebody typed into a page, for an address.
func (w *world) page(to channels.Address, r *gateway.Record) gateway.Outcome {
	w.t.Helper()
	m := channels.Message{ID: w.newID(), From: to, To: channels.Address{Channel: "web", Value: "form+wtr-alert"}, Lang: "fr",
		Text: "districts: quayside\nlanguage: fr\nhours: any\n", Trust: channels.Unverified, At: w.now}
	o, err := w.d.Step(gateway.Turn{Now: w.now, NewID: w.newID, NewReference: w.newReference, Claim: gateway.Claim{Message: m.ID, Contact: w.contact.ID, Fence: 1},
		Message: m, Contact: w.contact, Conversation: w.convs[to], Draft: w.draft, Standing: w.standing(), Record: r, Attempt: 1})
	if err != nil {
		w.t.Fatal(err)
	}
	w.apply(o)
	return o
}

func TestAPageAsksTheAddressOnce(t *testing.T) {
	w := newWorld(t)
	w.text("BOOK") // what is open there stays
	before := w.convs[phone]
	o := w.page(phone, &gateway.Record{})
	if len(o.Deliveries) != 1 || o.Deliveries[0].Message.To != phone || !strings.Contains(o.Deliveries[0].Message.Text, "JOIN") || len(o.Codes) != 1 {
		t.Fatalf("told %+v", o.Deliveries)
	}
	if c := w.convs[phone]; c.Pending.Kind != before.Pending.Kind || !c.Heard.Equal(before.Heard) || w.draft == nil || w.contact.Lang != "en" {
		t.Errorf("the page changed %+v", c)
	}
	if o := w.page(phone, &gateway.Record{}); len(o.Deliveries) != 0 {
		t.Error("asked twice")
	}
	w.text("JOIN")
	if c := w.ledger[len(w.ledger)-1]; c.Act != consent.Granted || c.Source != consent.Person || w.ledger[0].Source != consent.Form || w.contact.Lang != "fr" {
		t.Errorf("the ledger says %+v", w.ledger)
	}
}

func TestAPageReachesNobodyWhoDoesNotWant(t *testing.T) {
	spent := &gateway.Record{Codes: gateway.CodeCount{ToDay: 99}}
	for name, try := range map[string]func(w *world) gateway.Outcome{
		"stopped": func(w *world) gateway.Outcome { w.text("STOP"); return w.page(phone, &gateway.Record{}) },
		"said no": func(w *world) gateway.Outcome {
			w.page(phone, &gateway.Record{})
			w.text("2")
			return w.page(phone, &gateway.Record{})
		},
		"budget":     func(w *world) gateway.Outcome { return w.page(phone, spent) },
		"not looked": func(w *world) gateway.Outcome { return w.page(phone, nil) },
		"has it": func(w *world) gateway.Outcome {
			w.text("JOIN alerts quayside")
			w.text("1")
			return w.page(phone, &gateway.Record{})
		},
	} {
		if o := try(newWorld(t)); len(o.Deliveries) != 0 || len(o.Consents) != 0 {
			t.Errorf("%s: told %+v, ledger %+v", name, o.Deliveries, o.Consents)
		}
	}
}
