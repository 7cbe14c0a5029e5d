package program

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
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

// TestMessagesAtOnceGiveOneDialogue: what one person sends in the same millisecond, in any order and each message
// repeated by the carrier, heard by two gateways on one store, is answered once each, gives one form, and loses no
// answer that was given before.
func TestMessagesAtOnceGiveOneDialogue(t *testing.T) {
	dir := t.TempDir()
	t.Run("sqlite", func(t *testing.T) {
		s := openHearts(t, store.Config{URL: "sqlite:" + filepath.Join(dir, "g.db"), KeyFile: filepath.Join(dir, "key")})
		atOnce(t, s, s)
	})
	t.Run("postgres", func(t *testing.T) {
		url := databasetest.Postgres(t).Database(t)
		c := store.Config{URL: url, KeyFile: filepath.Join(dir, "shared.key")}
		atOnce(t, openHearts(t, c), openHearts(t, c))
	})
}

var noon = time.Date(2026, 11, 23, 13, 0, 0, 0, time.UTC)

func openHearts(t *testing.T, c store.Config) *store.Store {
	t.Helper()
	c.Log, c.Now = slog.New(slog.DiscardHandler), func() time.Time { return noon }
	s, err := store.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// atOnce plays several people, each with an order of their own.
func atOnce(t *testing.T, first, second *store.Store) {
	words, err := texts.Load()
	if err != nil {
		t.Fatal(err)
	}
	cat, err := services("")
	if err != nil {
		t.Fatal(err)
	}
	heart := gateway.NewDispatcher(gateway.Rules{Texts: words, Services: cat, Answers: answers.New(nil), PublicURL: "https://portlumen.example"})
	stores := []*store.Store{first, second}
	const people = 6
	hear := func(person int, id, said string) {
		from := channels.Address{Channel: "sms", Value: fmt.Sprint("+44770090010", person)}
		m := channels.Message{ID: "sms:" + id, From: from, To: channels.Address{Channel: "sms", Value: "us"}, At: noon, Text: said}
		if _, err := stores[len(id)%2].Accept(context.Background(), m); err != nil {
			t.Error(err)
		}
	}
	for p := range people {
		for i, said := range []string{"BOOK", "14 quay st", "1"} {
			hear(p, fmt.Sprint(p, "-", i), said)
		}
	}
	answerAll(t, heart.Step, stores)
	burst := []string{"1,3", "3 dec", "PAUSE", "go", "hello", "?", "旧沙发", "\x00😀", "2"}
	var wg sync.WaitGroup
	for p := range people {
		order := rand.New(rand.NewPCG(11, uint64(p))).Perm(len(burst))
		for range 2 { // the carrier repeats itself, at the same time
			wg.Go(func() {
				for _, i := range order {
					hear(p, fmt.Sprint(p, "-b-", i), burst[i])
				}
			})
		}
	}
	wg.Wait()
	answerAll(t, heart.Step, stores)
	n, err := first.Counts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if all := int64(people * (3 + len(burst))); n.Inbound != all || n.InboundAside != 0 || n.Owed != all {
		t.Errorf("%d messages gave %+v, each is answered once", all, n)
	}
	for p := range people {
		hear(p, fmt.Sprint(p, "-last"), "?")
	}
	turns, err := first.Claim(t.Context(), noon, 2*people, time.Minute)
	if err != nil || len(turns) != people {
		t.Fatalf("%d turns, %v", len(turns), err)
	}
	for _, turn := range turns {
		if turn.Draft == nil || fmt.Sprint(turn.Draft.Form.Answers["place"]) != "[14 Quay St, PL2 4AB]" || len(turn.Draft.Form.Answers["items"]) == 0 {
			t.Errorf("%s: an answer is lost: %+v", turn.Message.From, turn.Draft)
		}
	}
}

// answerAll lets a worker of each gateway answer until nothing is open.
func answerAll(t *testing.T, step func(gateway.Turn) (gateway.Outcome, error), stores []*store.Store) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for _, s := range stores {
		w := &worker{store: s, now: func() time.Time { return noon }, ids: func() string { return exchange.NewID(noon) }, refs: exchange.NewReference,
			bell: newBell(), done: func() {}, log: slog.New(slog.DiscardHandler),
			step: func(_ context.Context, t gateway.Turn) (gateway.Outcome, error) { return step(t) }}
		wg.Go(func() { _ = w.run(ctx) })
	}
	for tick := time.NewTicker(10 * time.Millisecond); t.Context().Err() == nil; <-tick.C {
		if n, err := stores[0].Counts(ctx); err != nil || n.InboundOpen == 0 {
			if err != nil {
				t.Error(err)
			}
			break
		}
	}
	cancel()
	wg.Wait()
}
