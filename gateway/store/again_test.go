package store

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"gatehouse/channels"
	"gatehouse/configs/database"
	"gatehouse/configs/database/databasetest"
	"gatehouse/gateway"
)

// TestAgainAfterFailure puts failing jobs between the store's own, so that every group runs a second time, job by job:
// what the first run made must not be taken for granted by the second.
func TestAgainAfterFailure(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) { againAfterFailure(t, "sqlite:"+filepath.Join(t.TempDir(), "x.db")) })
	t.Run("postgres", func(t *testing.T) { againAfterFailure(t, databasetest.Postgres(t).Database(t)) })
}

func againAfterFailure(t *testing.T, url string) {
	s, err := Open(t.Context(), Config{URL: url, KeyFile: filepath.Join(t.TempDir(), "key")})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	refused := errors.New("refused")
	var wg sync.WaitGroup
	stop := make(chan struct{})
	var saboteur sync.WaitGroup
	for range 4 {
		saboteur.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				err := s.db.Write(context.Background(), func(ctx context.Context, tx *database.Tx) error {
					return errors.Join(tx.Send(ctx, "INSERT INTO counter(name, value) VALUES ('x', 1)"), refused)
				})
				if !errors.Is(err, refused) {
					t.Errorf("a refused job answered %v", err)
				}
			}
		})
	}
	const people, each = 12, 4
	for p := range people {
		wg.Go(func() { converse(t, s, p, each) })
	}
	wg.Wait()
	for work(t.Context(), t, s) { // what was hidden behind another's lease when its own round came
	}
	close(stop)
	saboteur.Wait()
	n, err := s.Counts(t.Context())
	want := gateway.Counts{Inbound: people * each, Accepted: people * each}
	if err != nil || n != want {
		t.Errorf("%+v, %v; want %+v", n, err, want)
	}
}

// converse sends one person's messages, answers them and settles the answers.
func converse(t *testing.T, s *Store, person, n int) {
	ctx := context.Background()
	from := channels.Address{Channel: "web", Value: fmt.Sprint("session", person)}
	for i := range n {
		id := fmt.Sprintf("web:%d:%d", person, i)
		if _, err := s.Accept(ctx, channels.Message{ID: id, From: from, Text: id}); err != nil {
			t.Errorf("accept: %v", err)
		}
		work(ctx, t, s)
	}
}

// work answers what waits and settles what is owed, a few of each, and tells whether there was anything.
func work(ctx context.Context, t *testing.T, s *Store) bool {
	turns, err := s.Claim(ctx, time.Now(), 3, time.Hour)
	if err != nil {
		t.Errorf("claim: %v", err)
	}
	for _, x := range turns {
		o := gateway.Outcome{Claim: x.Claim, Contact: x.Contact, Conversation: &gateway.Conversation{Address: x.Message.From, Lang: "en"}}
		o.Deliveries = []gateway.Delivery{{ID: "re:" + x.Message.ID, Queue: channels.Reply, Message: channels.Message{To: x.Message.From, Text: "yes"}}}
		if err := s.Commit(ctx, o); err != nil {
			t.Errorf("commit: %v", err)
		}
	}
	leased, err := s.Lease(ctx, channels.Reply, time.Now(), 3, time.Hour)
	if err != nil {
		t.Errorf("lease: %v", err)
	}
	for _, l := range leased {
		if err := s.Settle(ctx, []gateway.Settlement{{ID: l.ID, Fence: l.Fence, Receipt: channels.Receipt{State: channels.Accepted}}}); err != nil {
			t.Errorf("settle: %v", err)
		}
	}
	return len(turns)+len(leased) > 0
}
