package program

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gatehouse/gateway"
)

// bed hands out wakes as a store does.
type bed struct {
	gateway.Work
	mu    sync.Mutex
	wakes []gateway.Wake
}

func (b *bed) Woken(_ context.Context, now time.Time, n int, _ time.Duration) ([]gateway.Turn, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []gateway.Turn
	b.wakes = slices.DeleteFunc(b.wakes, func(w gateway.Wake) bool {
		due := !w.At.After(now) && len(out) < n
		if due {
			out = append(out, gateway.Turn{Claim: gateway.Claim{Wake: w, Contact: w.Contact}})
		}
		return due
	})
	return out, nil
}

func (b *bed) Commit(context.Context, gateway.Outcome) error { return nil }

// TestWakesComeWithinASecond of their time by the clock that the worker was given, also when that jumps, all of those
// that are due then, and the worker ends when it is told to.
func TestWakesComeWithinASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		jump := time.Duration(0)
		now := func() time.Time {
			mu.Lock()
			defer mu.Unlock()
			return time.Now().Add(jump)
		}
		start := time.Now()
		b := &bed{wakes: []gateway.Wake{{Contact: "a", Kind: gateway.WakeRemind, At: start.Add(3 * time.Second)}}}
		for range 3 * wakeBatch {
			b.wakes = append(b.wakes, gateway.Wake{Contact: "b", Kind: gateway.WakeEnd, At: start.Add(7 * 24 * time.Hour)})
		}
		var seen []time.Time
		w := &worker{store: b, now: now, bell: newBell(), done: func() {}, log: slog.New(slog.DiscardHandler),
			step: func(context.Context, gateway.Turn) (gateway.Outcome, error) {
				mu.Lock()
				defer mu.Unlock()
				seen = append(seen, time.Now())
				return gateway.Outcome{}, nil
			}}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- w.rise(ctx) }()
		time.Sleep(10 * time.Second)
		mu.Lock()
		if len(seen) != 1 || seen[0].Sub(start) < 3*time.Second || seen[0].Sub(start) > 4*time.Second {
			t.Errorf("woken at %v", seen)
		}
		jump = 30 * 24 * time.Hour
		jumped := time.Now()
		mu.Unlock()
		time.Sleep(10 * time.Second)
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if len(seen) != 1+3*wakeBatch || seen[len(seen)-1].Sub(jumped) > time.Second {
			t.Errorf("%d woken, the last %v after the jump", len(seen), seen[len(seen)-1].Sub(jumped))
		}
	})
}
