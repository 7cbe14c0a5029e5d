package program

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"gatehouse/channels"
	"gatehouse/exchange"
	"gatehouse/gateway"
	"gatehouse/gateway/broadcast"
	"gatehouse/gateway/consent"
	"gatehouse/gateway/store"
	"gatehouse/gateway/volatile/local"
)

// testCaster is a caster over a store, with the city's languages and hours of the day that never wait.
func testCaster(s *store.Store, open []string, now func() time.Time) *caster {
	return &caster{ledger: s, lease: local.New(now), owner: "one", now: now, ids: func() string { return exchange.NewID(now()) }, bell: newBell(), open: open,
		plan: broadcast.Planner{Languages: []string{"en", "fr"}, Daytime: func(t time.Time) time.Time { return t },
			Carries: func(name string) bool { return slices.Contains(open, name) }},
		owed: func() {}, crossed: func() {}, log: slog.New(slog.DiscardHandler), told: map[string]told{}, warned: map[string]bool{}}
}

// audience is a store with people on a list, and a caster over it.
type audience struct {
	*testing.T
	store *store.Store
	now   time.Time
	cast  *caster
}

func newAudience(t *testing.T, people ...[]channels.Address) *audience {
	t.Helper()
	a := &audience{T: t, now: noon}
	dir := t.TempDir()
	var err error
	a.store, err = store.Open(t.Context(), store.Config{URL: "sqlite:" + filepath.Join(dir, "g.db"), KeyFile: filepath.Join(dir, "key"), Now: func() time.Time { return a.now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.store.Close() })
	for i, reaches := range people {
		a.join(fmt.Sprint("person-", i), reaches)
	}
	a.cast = testCaster(a.store, []string{"chat", "email", "sms"}, func() time.Time { return a.now })
	return a
}

// join makes a contact with addresses, the first heard last, all on the list "alerts".
func (a *audience) join(name string, all []channels.Address) {
	a.Helper()
	m := channels.Message{ID: "sms:" + name, From: all[0], Text: "hello", At: a.now}
	if _, err := a.store.Accept(a.Context(), m); err != nil {
		a.Fatal(err)
	}
	turns, err := a.store.Claim(a.Context(), a.now, 1, time.Minute)
	if err != nil || len(turns) != 1 {
		a.Fatalf("%d turns: %v", len(turns), err)
	}
	o := gateway.Outcome{Claim: turns[0].Claim, Contact: turns[0].Contact}
	o.Contact.Lang, o.Contact.Reaches = "en", nil
	for i, x := range all {
		o.Contact.Reaches = append(o.Contact.Reaches, gateway.Reach{Address: x, Heard: a.now.Add(-time.Duration(i) * time.Hour)})
		o.Consents = append(o.Consents, gateway.Consent{Address: x, List: "alerts", Act: consent.Granted, Source: consent.Person, At: a.now})
	}
	if err := a.store.Commit(a.Context(), o); err != nil {
		a.Fatal(err)
	}
}

// rounds lets the caster work until nothing is left to do at once.
func (a *audience) rounds() {
	a.Helper()
	for range 1000 {
		if !a.cast.round(a.Context()) {
			return
		}
	}
	a.Fatal("the caster never rests")
}

// send leases what is due and settles each sending by its address.
func (a *audience) send(result func(m channels.Message) *channels.Error) (sent []channels.Message) {
	a.Helper()
	for {
		got, err := a.store.Lease(a.Context(), channels.Broadcast, a.now, 100, time.Minute)
		if err != nil {
			a.Fatal(err)
		}
		if len(got) == 0 {
			return sent
		}
		for _, d := range got {
			x := gateway.Settlement{ID: d.ID, Fence: d.Fence, Receipt: channels.Receipt{MessageID: d.ID, CarrierID: "c" + d.ID, State: channels.Accepted, At: a.now}}
			if e := result(d.Message); e != nil {
				x.Receipt, x.Err = channels.Receipt{}, e
			}
			sent = append(sent, d.Message)
			if err := a.store.Settle(a.Context(), []gateway.Settlement{x}); err != nil {
				a.Fatal(err)
			}
		}
	}
}

func (a *audience) open(b exchange.Broadcast) broadcast.Campaign {
	a.Helper()
	if b.Bodies == nil {
		b.Bodies = []exchange.Body{{Lang: "en", Subject: "Storm", Text: "Storm at six."}}
	}
	if b.Priority == "" {
		b.Priority = "routine"
	}
	if err := a.store.Open(a.Context(), b, 0); err != nil {
		a.Fatal(err)
	}
	return a.campaign(b.ID)
}

func (a *audience) campaign(id string) broadcast.Campaign {
	a.Helper()
	all, err := a.store.Campaigns(a.Context(), a.now.Add(-time.Hour))
	if err != nil {
		a.Fatal(err)
	}
	i := slices.IndexFunc(all, func(c broadcast.Campaign) bool { return c.Broadcast.ID == id })
	if i < 0 {
		a.Fatalf("%s is not open", id)
	}
	return all[i]
}

// counts are the sums of a ledger by "state/channel/reason".
func (a *audience) counts(c broadcast.Campaign) map[string]int64 {
	a.Helper()
	sums, err := a.store.Sums(a.Context(), c)
	if err != nil {
		a.Fatal(err)
	}
	out := map[string]int64{}
	for _, s := range sums {
		out[string(s.State)+"/"+s.Channel+"/"+string(s.Reason)] = s.Rows
	}
	return out
}

func (a *audience) want(c broadcast.Campaign, want map[string]int64) {
	a.Helper()
	if got := a.counts(c); fmt.Sprint(got) != fmt.Sprint(want) {
		a.Errorf("the ledger says %v, not %v", got, want)
	}
}

func taken(channels.Message) *channels.Error { return nil }

func people(n int) [][]channels.Address {
	out := make([][]channels.Address, n)
	for i := range out {
		out[i] = []channels.Address{{Channel: "sms", Value: fmt.Sprintf("+4477008%05d", i)}}
	}
	return out
}

// TestBroadcastReachesEverybodyOnce over several pages, and ends.
func TestBroadcastReachesEverybodyOnce(t *testing.T) {
	a := newAudience(t, people(2*broadcast.Portion+7)...)
	c := a.open(exchange.Broadcast{ID: "b1", List: "alerts"})
	got := map[string]int{}
	for range 10 {
		a.rounds()
		for _, m := range a.send(taken) {
			got[m.To.Value]++
		}
	}
	if len(got) != 2*broadcast.Portion+7 {
		t.Errorf("%d people were told", len(got))
	}
	for to, n := range got {
		if n != 1 {
			t.Errorf("%s was told %d times", to, n)
		}
	}
	a.want(c, map[string]int64{"accepted/sms/": 2*broadcast.Portion + 7})
	a.now = a.now.Add(time.Minute)
	a.rounds()
	if p := a.campaign("b1"); p.Phase != broadcast.Ended || p.Pages != 3 {
		t.Errorf("it is %s with %d pages", p.Phase, p.Pages)
	}
}

// TestBroadcastMovesOn to the next address, each once, until none is left.
func TestBroadcastMovesOn(t *testing.T) {
	phone, mail, bot := channels.Address{Channel: "sms", Value: "+447700800001"}, channels.Address{Channel: "email", Value: "a@x.example"}, channels.Address{Channel: "chat", Value: "42"}
	dead := func(m channels.Message) *channels.Error { return &channels.Error{Kind: channels.Unreachable} }
	a := newAudience(t, []channels.Address{phone, mail, bot}, []channels.Address{{Channel: "sms", Value: "+447700800002"}})
	c := a.open(exchange.Broadcast{ID: "b1", List: "alerts"})
	var order []string
	for range 5 {
		a.rounds()
		for _, m := range a.send(func(m channels.Message) *channels.Error {
			if m.To == bot {
				return nil
			}
			return dead(m)
		}) {
			order = append(order, m.To.Channel)
		}
	}
	if fmt.Sprint(order) != "[sms sms email chat]" {
		t.Errorf("tried %v", order)
	}
	a.want(c, map[string]int64{"accepted/chat/": 1, "bounced//unreachable": 1})
}

// TestBroadcastIsSteered: paused, nothing more leaves; resumed, it goes on; cancelled, what is left is taken back.
func TestBroadcastIsSteered(t *testing.T) {
	a := newAudience(t, people(5)...)
	c := a.open(exchange.Broadcast{ID: "b1", List: "alerts"})
	steer := func(act string) {
		t.Helper()
		if err := a.steer(exchange.Control{ID: act, Broadcast: "b1", Act: act}); err != nil {
			t.Fatal(err)
		}
		a.now = a.now.Add(time.Minute)
		a.rounds()
	}
	a.rounds()
	a.want(c, map[string]int64{"sending/sms/": 5})
	steer("pause")
	if got := a.send(taken); len(got) != 0 {
		t.Errorf("%d left while it was paused", len(got))
	}
	steer("resume")
	lost := 0
	a.send(func(m channels.Message) *channels.Error {
		if lost++; lost <= 2 {
			return nil
		}
		return &channels.Error{Kind: channels.Rejected}
	})
	a.want(c, map[string]int64{"accepted/sms/": 2, "queued/sms/rejected": 3})
	a.join("late", []channels.Address{{Channel: "sms", Value: "+447700899999"}})
	b2 := a.open(exchange.Broadcast{ID: "b2", List: "alerts"})
	a.rounds()
	if err := a.steer(exchange.Control{ID: "c2", Broadcast: "b2", Act: "cancel"}); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		a.now = a.now.Add(time.Minute)
		a.rounds()
		if got := a.send(taken); len(got) != 0 {
			t.Errorf("%d left although it was cancelled", len(got))
		}
	}
	a.want(b2, map[string]int64{"skipped/sms/cancelled": 6})
	if p := a.campaign("b2"); p.Phase != broadcast.Ended {
		t.Errorf("it is %s", p.Phase)
	}
}

// steer hands a Control over as the lane does.
func (a *audience) steer(c exchange.Control) error {
	a.Helper()
	return a.store.Steer(a.Context(), c, 0)
}

// TestTooManyBounces halt a broadcast, once it was tried often enough; who lets it go on is not asked again, and danger is
// never held back.
func TestTooManyBounces(t *testing.T) {
	c := testCaster(nil, nil, time.Now)
	sums := func(bounced, taken int64) []broadcast.Sum {
		return []broadcast.Sum{{State: broadcast.Queued, Channel: "sms", Rows: 5}, {State: broadcast.Bounced, Reason: broadcast.Reason(channels.Unreachable), Rows: bounced},
			{State: broadcast.Accepted, Channel: "sms", Rows: taken}}
	}
	for name, x := range map[string]struct {
		change         func(*broadcast.Campaign)
		bounced, taken int64
		want           broadcast.Phase
	}{
		"one in ten":      {func(*broadcast.Campaign) {}, 100, 900, broadcast.Halted},
		"fewer":           {func(*broadcast.Campaign) {}, 99, 901, broadcast.Running},
		"of too few":      {func(*broadcast.Campaign) {}, 500, 499, broadcast.Running},
		"let go on":       {func(c *broadcast.Campaign) { c.Insisted = true }, 500, 500, broadcast.Running},
		"in an emergency": {func(c *broadcast.Campaign) { c.Broadcast.Priority = exchange.PriorityEmergency }, 500, 500, broadcast.Running},
		"paused anyway":   {func(c *broadcast.Campaign) { c.Phase = broadcast.Paused }, 500, 500, broadcast.Paused},
	} {
		b := broadcast.Campaign{Phase: broadcast.Running, Expanded: true}
		x.change(&b)
		if got := c.phase(t.Context(), b, sums(x.bounced, x.taken)); got != x.want {
			t.Errorf("%s: %s, not %s", name, got, x.want)
		}
	}
}
