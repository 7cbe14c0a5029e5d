// Package volatiletest is the contract of what gateways share in passing: Lease, Limiter and Fanout.
//
// The rule: it knows no clock but the real one and waits by polling, because one of them keeps its time elsewhere.
package volatiletest

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gatehouse/channels"

	"go.uber.org/goleak"
)

// Gateway is what one gateway holds of it.
type Gateway interface {
	channels.Lease
	channels.Limiter
	channels.Fanout
}

// Run runs the contract. open gives two gateways that share it, and ends them with t.
func Run(t *testing.T, open func(t *testing.T) (a, b Gateway)) {
	for name, test := range map[string]func(*testing.T, Gateway, Gateway){
		"one holder": oneHolder, "lease runs out": leaseRunsOut, "lease in a crowd": leaseCrowd, "burst and refill": burst,
		"nothing is spent in vain": notSpent, "buckets in a crowd": bucketCrowd, "odd rates": oddRates, "wakes": wakes, "wakes end": wakesEnd,
	} {
		t.Run(name, func(t *testing.T) {
			before := goleak.IgnoreCurrent()
			t.Cleanup(func() { goleak.VerifyNone(t, before) })
			a, b := open(t)
			test(t, a, b)
		})
	}
}

// Until polls for at most 10 s.
func Until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("not within 10 s: %s", what)
		}
		<-tick.C
	}
}

func acquire(t *testing.T, g Gateway, name, owner string, ttl time.Duration) bool {
	t.Helper()
	ok, err := g.Acquire(t.Context(), name, owner, ttl)
	if err != nil {
		t.Fatal(err)
	}
	return ok
}

func expect(t *testing.T, what string, got, want any) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func oneHolder(t *testing.T, a, b Gateway) {
	expect(t, "a gets it", acquire(t, a, "poll", "a", time.Hour), true)
	expect(t, "b does not", acquire(t, b, "poll", "b", time.Hour), false)
	expect(t, "a renews", acquire(t, a, "poll", "a", time.Hour), true)
	expect(t, "another name is free", acquire(t, b, "other", "b", time.Hour), true)
	if err := b.Release(t.Context(), "poll", "b"); err != nil {
		t.Fatal(err)
	}
	expect(t, "b can't let go of a's", acquire(t, b, "poll", "b", time.Hour), false)
	if err := a.Release(t.Context(), "poll", "a"); err != nil {
		t.Fatal(err)
	}
	expect(t, "b gets it", acquire(t, b, "poll", "b", time.Hour), true)
	if err := a.Release(t.Context(), "never held", "a"); err != nil {
		t.Fatal(err)
	}
}

func leaseRunsOut(t *testing.T, a, b Gateway) {
	expect(t, "a gets it", acquire(t, a, "poll", "a", 20*time.Millisecond), true)
	Until(t, "b gets it after a's time", func() bool { return acquire(t, b, "poll", "b", time.Hour) })
	expect(t, "a is too late", acquire(t, a, "poll", "a", time.Hour), false)
}

func leaseCrowd(t *testing.T, a, b Gateway) {
	var held atomic.Int32
	var wg sync.WaitGroup
	for i := range 32 {
		wg.Go(func() {
			g := []Gateway{a, b}[i%2]
			if ok, err := g.Acquire(context.Background(), "poll", fmt.Sprint(i), time.Hour); err != nil {
				t.Error(err)
			} else if ok {
				held.Add(1)
			}
		})
	}
	wg.Wait()
	expect(t, "holders", held.Load(), int32(1))
}

func take(t *testing.T, g Gateway, key string, r channels.Rate, n int) time.Duration {
	t.Helper()
	d, err := g.Take(t.Context(), key, r, n)
	if err != nil {
		t.Fatal(err)
	}
	if d < 0 {
		t.Fatalf("wait %v", d)
	}
	return d
}

func burst(t *testing.T, a, b Gateway) {
	r := channels.Rate{Burst: 3, Per: 20}
	for i := range 3 {
		expect(t, fmt.Sprint("token ", i), take(t, []Gateway{a, b}[i%2], "k", r, 1), time.Duration(0))
	}
	d := take(t, b, "k", r, 1)
	if d <= 0 || d > 50*time.Millisecond {
		t.Errorf("wait %v for the fourth at 20 a second", d)
	}
	expect(t, "another key", take(t, a, "other", r, 3), time.Duration(0))
	Until(t, "the bucket fills again", func() bool { return take(t, a, "k", r, 1) == 0 })
}

func notSpent(t *testing.T, a, _ Gateway) {
	r := channels.Rate{Burst: 4, Per: 0.001}
	expect(t, "three", take(t, a, "k", r, 3), time.Duration(0))
	d := take(t, a, "k", r, 2)
	if d < 900*time.Second || d > 1100*time.Second {
		t.Errorf("wait %v for one token at 1 in 1000 s", d)
	}
	expect(t, "the last is still there", take(t, a, "k", r, 1), time.Duration(0))
	if take(t, a, "k", r, 1) == 0 {
		t.Error("a token out of nothing")
	}
}

func bucketCrowd(t *testing.T, a, b Gateway) {
	r := channels.Rate{Burst: 50, Per: 0.001}
	var got atomic.Int32
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			for range 10 {
				if d, err := []Gateway{a, b}[i%2].Take(context.Background(), "k", r, 1); err != nil {
					t.Error(err)
				} else if d == 0 {
					got.Add(1)
				}
			}
		})
	}
	wg.Wait()
	expect(t, "tokens", got.Load(), int32(50))
}

// oddRates: what can't be a bucket is no limit, and what asks for more than a bucket holds gets it from a full one.
func oddRates(t *testing.T, a, _ Gateway) {
	for range 3 {
		expect(t, "no rate", take(t, a, "none", channels.Rate{}, 5), time.Duration(0))
		expect(t, "nothing", take(t, a, "zero", channels.Rate{Burst: 1, Per: 0.001}, 0), time.Duration(0))
	}
	expect(t, "more than it holds", take(t, a, "big", channels.Rate{Burst: 2, Per: 0.001}, 5), time.Duration(0))
	if take(t, a, "big", channels.Rate{Burst: 2, Per: 0.001}, 1) == 0 {
		t.Error("a token out of nothing")
	}
}

func woken(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func wakes(t *testing.T, a, b Gateway) {
	here, endHere := a.Wait("topic")
	defer endHere()
	there, endThere := b.Wait("topic")
	defer endThere()
	other, endOther := b.Wait("other")
	defer endOther()
	woke := map[string]bool{}
	Until(t, "both are woken", func() bool { // a wake may be lost while a connection is made
		if err := a.Wake(t.Context(), "topic"); err != nil {
			t.Fatal(err)
		}
		woke["here"] = woke["here"] || woken(here)
		woke["there"] = woke["there"] || woken(there)
		return woke["here"] && woke["there"]
	})
	for woken(other) { // woken for the connection's sake, never again
	}
	if err := a.Wake(t.Context(), "topic"); err != nil {
		t.Fatal(err)
	}
	Until(t, "it arrives", func() bool { return woken(there) })
	expect(t, "another topic", woken(other), false)
	for range 100 { // many wakes are one
		if err := b.Wake(t.Context(), "other"); err != nil {
			t.Fatal(err)
		}
	}
	expect(t, "room for one", len(other), 1)
}

func wakesEnd(t *testing.T, a, _ Gateway) {
	var ends []func()
	var waits []<-chan struct{}
	for i := range 50 {
		c, end := a.Wait(fmt.Sprint(i % 5))
		ends, waits = append(ends, end), append(waits, c)
	}
	for _, end := range ends {
		end()
		end() // twice is once
	}
	for _, c := range waits {
		woken(c) // for the connection's sake, before its end
	}
	for i := range 5 {
		if err := a.Wake(t.Context(), fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range waits {
		expect(t, "woken after its end", woken(c), false)
	}
}
