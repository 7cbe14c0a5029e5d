package program

import (
	"context"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"gatehouse/channels"
	"gatehouse/gateway/volatile/local"
)

// TestRatesHold: over ten seconds no more leaves than the rate and its burst; broadcasts leave a fifth of it to replies.
func TestRatesHold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pacer{rates: Rates{"sms": {PerSecond: 50, Burst: 10}}, limiter: local.New(time.Now)}
		ctx, end := context.WithCancel(t.Context())
		defer end()
		var left [2]int
		began := time.Now()
		done := make(chan struct{})
		go func() {
			defer close(done)
			for time.Since(began) < 10*time.Second {
				if p.pace(ctx, "sms", channels.Broadcast) == 0 {
					left[0]++
				}
			}
		}()
		for time.Since(began) < 10*time.Second {
			if p.pace(ctx, "sms", channels.Reply) == 0 {
				left[1]++
			}
			time.Sleep(100 * time.Millisecond) // of the bubble's clock: ten replies in a second
		}
		<-done
		if left[0] > 410 || left[0] < 380 {
			t.Errorf("%d of a broadcast left in 10 s at 50 a second", left[0])
		}
		if left[1] < 95 {
			t.Errorf("%d of 100 replies left beside it", left[1])
		}
	})
}

func TestRateFaults(t *testing.T) {
	known := func(c string) bool { return c == "sms" }
	for name, r := range map[string]Rates{"unknown": {"fax": {PerSecond: 1}}, "negative": {"sms": {PerSecond: -1}}, "no number": {"sms": {PerSecond: math.NaN()}}, "burst": {"sms": {Burst: -1}}} {
		if len(r.faults(known)) != 1 {
			t.Errorf("%s: %v", name, r.faults(known))
		}
	}
	if all := (Rates{"sms": {PerSecond: 0.5}}).faults(known); len(all) > 0 {
		t.Error(all)
	}
}

// TestThrottledChannelHoldsBroadcasts for as long as the carrier asks, and nothing else.
func TestThrottledChannelHoldsBroadcasts(t *testing.T) {
	g, now := newGate(), time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	g.throttled(now, 30*time.Second)
	if wait := g.enter(channels.Broadcast, now); wait != 30*time.Second {
		t.Errorf("a broadcast waits %s", wait)
	}
	if wait := g.enter(channels.Reply, now); wait != 0 {
		t.Errorf("a reply waits %s", wait)
	}
	if wait := g.enter(channels.Broadcast, now.Add(31*time.Second)); wait != 0 {
		t.Errorf("it waits %s after it", wait)
	}
}
