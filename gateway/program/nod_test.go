package program

import (
	"context"

	"path/filepath"
	"testing"
	"time"

	"gatehouse/channels"
	"gatehouse/configs/texts"
	"gatehouse/exchange"
	"gatehouse/gateway"
	"gatehouse/gateway/answers"
	"gatehouse/gateway/consent"
	"gatehouse/gateway/store"
)

// TestABroadcastIsNoddedAt: it comes from inside, goes out to a member of its list, and the bare word that comes back
// is counted on it and answered with the alert; a stranger's is thanks like any other.
func TestABroadcastIsNoddedAt(t *testing.T) {
	words, err := texts.Load()
	if err != nil {
		t.Fatal(err)
	}
	cat, err := services("")
	if err != nil {
		t.Fatal(err)
	}
	heart := gateway.NewDispatcher(gateway.Rules{Texts: words, Services: cat, Answers: answers.New(nil), PublicURL: "https://portlumen.example"})
	dir := t.TempDir()
	s := openHearts(t, store.Config{URL: "sqlite:" + filepath.Join(dir, "g.db"), KeyFile: filepath.Join(dir, "key")})
	number := func(v string) *telephone { return &telephone{t, s, channels.Address{Channel: "sms", Value: v}} }
	member, stranger := number("+447700800001"), number("+447700800002")
	for _, p := range []*telephone{member, stranger} {
		p.send("hello", "EN")
	}
	step := learned(heart, s)
	answerAll(t, step, []*store.Store{s})
	member.send("join", "MENU")
	turns, err := s.Claim(t.Context(), noon, 1, time.Minute)
	if err != nil || len(turns) != 1 {
		t.Fatalf("%d turns: %v", len(turns), err)
	}
	o, err := step(turns[0])
	o.Consents = []gateway.Consent{{Address: member.from, List: "alerts-quayside", Act: consent.Granted, Source: consent.Person, At: noon}}
	if err != nil || s.Commit(t.Context(), o) != nil {
		t.Fatal("the member did not join")
	}
	takeAll(t, s)

	c := testCaster(s, []string{"sms"}, func() time.Time { return noon })
	const alert = "Port Lumen: storm from 18:00. Stay inside."
	b := exchange.Broadcast{ID: exchange.NewID(noon), List: "alerts-quayside", Priority: "routine", Bodies: []exchange.Body{{Lang: "en", Text: alert}}}
	if err := s.Open(t.Context(), b, 0); err != nil {
		t.Fatal(err)
	}
	for c.round(t.Context()) {
	}
	if sent := takeAll(t, s); len(sent) != 1 || sent[0].To != member.from {
		t.Fatalf("sent %+v", sent)
	}
	for i, x := range []struct {
		who        *telephone
		said, want string
		nods       int64
	}{{member, "ok", alert, 1}, {member, "merci", "", 2}, {stranger, "ok", "You are welcome.", 2}} {
		x.who.send(string(rune('a'+i)), x.said)
		answerAll(t, step, []*store.Store{s})
		got := ""
		for _, m := range takeAll(t, s) {
			got += m.Text
		}
		if n := x.who.counts(); got != x.want || n.Nods != x.nods || n.CrossingsOpen != 1 {
			t.Errorf("%q is answered %q with %+v", x.said, got, n)
		}
	}
}

// learned is a step that reads what the dispatcher wants of the store, as a worker does.
func learned(heart *gateway.Dispatcher, s *store.Store) func(gateway.Turn) (gateway.Outcome, error) {
	return func(t gateway.Turn) (gateway.Outcome, error) {
		w := &worker{registry: s, wants: heart.Wants}
		t.Now, t.NewID, t.NewReference = noon, func() string { return exchange.NewID(noon) }, exchange.NewReference
		if err := w.learn(context.Background(), &t); err != nil {
			return gateway.Outcome{}, err
		}
		return heart.Step(t)
	}
}

// takeAll lets the carrier take all that is owed, and gives it.
func takeAll(t *testing.T, s *store.Store) (all []channels.Message) {
	t.Helper()
	for more := true; more; { // of each address the oldest alone is handed out
		more = false
		var list []gateway.Leased
		for _, q := range []channels.Queue{channels.Reply, channels.Broadcast} {
			leased, err := s.Lease(t.Context(), q, noon, 10, time.Minute)
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, leased...)
		}
		for _, l := range list {
			more = true
			all = append(all, l.Message)
			r := channels.Receipt{CarrierID: "C-" + l.ID, State: channels.Accepted, At: noon}
			if err := s.Settle(t.Context(), []gateway.Settlement{{ID: l.ID, Fence: l.Fence, Receipt: r}}); err != nil {
				t.Fatal(err)
			}
		}
	}
	return all
}
