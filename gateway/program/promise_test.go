package program

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"gatehouse/channels"
	"gatehouse/configs/database/databasetest"
	"gatehouse/configs/texts"
	"gatehouse/exchange"
	"gatehouse/gateway"
	"gatehouse/gateway/answers"
	"gatehouse/gateway/store"
)

// TestTwoProgramsApologiseOnce winds the clocks of several promises and lets two programs on one store hear them strike:
// each person gets one apology, and each case is raised once.
func TestTwoProgramsApologiseOnce(t *testing.T) {
	words, err := texts.Load()
	if err != nil {
		t.Fatal(err)
	}
	cat, err := services("")
	if err != nil {
		t.Fatal(err)
	}
	heart := gateway.NewDispatcher(gateway.Rules{Texts: words, Services: cat, Answers: answers.New(nil), PublicURL: "https://portlumen.example"})
	c := store.Config{URL: databasetest.Postgres(t).Database(t), KeyFile: filepath.Join(t.TempDir(), "key")}
	first := openHearts(t, c)
	second := openHearts(t, c)
	const people = 12
	for i := range people {
		promised(t, first, fmt.Sprintf("+4477008%05d", 70_000+i))
	}
	strike(t, heart, first, second)
	told := map[string]int{}
	for more := true; more; {
		leased, err := first.Lease(t.Context(), channels.Notice, noon, 100, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		more = len(leased) > 0
		for _, l := range leased {
			told[l.Message.To.Value]++
			if !strings.Contains(l.Message.Text, "we are late, sorry") {
				t.Errorf("it says %q", l.Message.Text)
			}
			s := gateway.Settlement{ID: l.ID, Fence: l.Fence, Receipt: channels.Receipt{State: channels.Accepted, At: noon}}
			if err := first.Settle(t.Context(), []gateway.Settlement{s}); err != nil {
				t.Fatal(err)
			}
		}
	}
	for number, n := range told {
		if n != 1 {
			t.Errorf("%s got %d apologies", number, n)
		}
	}
	n, err := first.Counts(t.Context())
	if err != nil || len(told) != people || n.CrossingsOpen != people || n.WakesAside != 0 {
		t.Errorf("%d of %d people were told, %+v, %v", len(told), people, n, err)
	}
}

// promised gives somebody a case whose promise was missed an hour ago.
func promised(t *testing.T, s *store.Store, number string) {
	t.Helper()
	p := &telephone{t, s, channels.Address{Channel: "sms", Value: number}}
	p.send("hello", "hello")
	turns, err := s.Claim(t.Context(), noon, 1, time.Minute)
	if err != nil || len(turns) != 1 {
		t.Fatalf("%d turns: %v", len(turns), err)
	}
	id, at := exchange.NewID(noon), noon.Add(-time.Hour)
	o := gateway.Outcome{Claim: turns[0].Claim, Contact: turns[0].Contact,
		Matters: []gateway.Matter{{ID: id, Reference: exchange.NewReference(), Service: "WST-BULK", Name: "Bulky waste pickup", Lang: "en", Address: p.from,
			State: exchange.InOA, Promise: at, FiledAt: at.Add(-time.Hour)}},
		Wakes: []gateway.Wake{{Kind: gateway.WakePromise, Subject: id, At: at}}}
	if err := s.Commit(t.Context(), o); err != nil {
		t.Fatal(err)
	}
}

// strike runs a program on each store until nothing is due any more.
func strike(t *testing.T, heart *gateway.Dispatcher, stores ...*store.Store) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for _, s := range stores {
		w := &worker{store: s, now: func() time.Time { return noon }, ids: func() string { return exchange.NewID(noon) }, refs: exchange.NewReference,
			bell: newBell(), done: func() {}, log: slog.New(slog.DiscardHandler),
			step: func(_ context.Context, t gateway.Turn) (gateway.Outcome, error) {
				return heart.Wake(t, t.Claim.Wake), nil
			}}
		wg.Go(func() { _ = w.rise(ctx) })
	}
	for tick := time.NewTicker(10 * time.Millisecond); t.Context().Err() == nil; <-tick.C {
		if n, err := stores[0].Counts(ctx); err != nil || n.WakesSet == 0 {
			if err != nil {
				t.Error(err)
			}
			break
		}
	}
	cancel()
	wg.Wait()
}
