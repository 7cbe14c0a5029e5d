package store_test

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"gatehouse/channels"
	"gatehouse/configs/database/databasetest"
	"gatehouse/gateway"
	"gatehouse/gateway/store"
)

// BenchmarkAnswer measures messages from the store through an empty Step and back: claimed by hundreds, committed each
// by its own worker with one reply, leased by hundreds and settled together.
func BenchmarkAnswer(b *testing.B) {
	b.Run("sqlite", func(b *testing.B) {
		answer(b, func(b *testing.B) string { return "sqlite:" + filepath.Join(b.TempDir(), "gateway.db") })
	})
	b.Run("postgres", func(b *testing.B) {
		s := databasetest.Postgres(b, "fsync=on")
		answer(b, func(b *testing.B) string { return s.Database(b) })
	})
}

func answer(b *testing.B, url func(*testing.B) string) {
	const people = 5000
	for b.Loop() {
		s, err := store.Open(b.Context(), store.Config{URL: url(b), KeyFile: filepath.Join(b.TempDir(), "key")})
		if err != nil {
			b.Fatal(err)
		}
		produce(b, people, func(i int) error {
			_, err := s.Accept(context.Background(), channels.Message{ID: fmt.Sprint("sms:", i), From: channels.Address{Channel: "sms", Value: fmt.Sprint(i)}, Text: text, At: time.Now()})
			return err
		})
		begun := time.Now()
		commitAll(b, s)
		b.ReportMetric(people/time.Since(begun).Seconds(), "commits/s")
		begun = time.Now()
		settleAll(b, s)
		b.ReportMetric(people/time.Since(begun).Seconds(), "settled/s")
		if n, err := s.Counts(b.Context()); err != nil || n.Accepted != people {
			b.Fatalf("%+v, %v", n, err)
		}
		_ = s.Close()
	}
}

func commitAll(b *testing.B, s *store.Store) {
	for {
		turns, err := s.Claim(b.Context(), time.Now(), 128, time.Minute)
		if err != nil {
			b.Fatal(err)
		}
		if len(turns) == 0 {
			return
		}
		var wg sync.WaitGroup
		for _, t := range turns {
			wg.Go(func() {
				o := gateway.Outcome{Claim: t.Claim, Contact: t.Contact, Conversation: &t.Conversation}
				o.Deliveries = []gateway.Delivery{{ID: "re" + t.Message.ID, Queue: channels.Reply, Message: channels.Message{To: t.Message.From, Text: text}}}
				if err := s.Commit(context.Background(), o); err != nil {
					b.Error(err)
				}
			})
		}
		wg.Wait()
	}
}

func settleAll(b *testing.B, s *store.Store) {
	for {
		leased, err := s.Lease(b.Context(), channels.Reply, time.Now(), 128, time.Minute)
		if err != nil {
			b.Fatal(err)
		}
		if len(leased) == 0 {
			return
		}
		var list []gateway.Settlement
		for _, l := range leased {
			list = append(list, gateway.Settlement{ID: l.ID, Fence: l.Fence, Receipt: channels.Receipt{State: channels.Accepted, CarrierID: "SM" + l.ID}})
		}
		if err := s.Settle(b.Context(), list); err != nil {
			b.Fatal(err)
		}
	}
}
