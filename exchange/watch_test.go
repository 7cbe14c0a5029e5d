package exchange_test

import (
	"slices"
	"testing"
	"time"

	"gatehouse/exchange"
)

// heardAt is a receiver that stands at n on the hop and has m of the origin's numbers.
func heardAt(n, m uint64) exchange.Heard {
	return exchange.Heard{Epoch: 1, Highest: m, Contiguous: m, Last: aHead(n)}
}

func beatAt(at time.Time, n, origin uint64) exchange.Beat {
	b := exchange.Beat{Own: exchange.HeartbeatOf(aHead(n), 0)}
	b.Own.At = at
	if origin > 0 {
		b.Origin = exchange.Heartbeat{Epoch: 1, Seq: origin, At: at}
	}
	return b
}

func TestWatchTellsAGapFromWhatIsOnItsWay(t *testing.T) {
	type beat struct {
		sent, origin, have, highest uint64
		gap                         bool
	}
	for name, beats := range map[string][]beat{
		"in step":               {{5, 5, 5, 5, false}, {9, 9, 9, 9, false}},
		"on its way":            {{5, 5, 3, 3, false}, {9, 9, 7, 7, false}, {9, 9, 9, 9, false}},
		"nothing moves":         {{5, 5, 3, 3, false}, {5, 5, 3, 3, true}},
		"then it came":          {{5, 5, 3, 3, false}, {5, 5, 3, 3, true}, {5, 5, 5, 5, false}},
		"comes slowly":          {{5, 5, 3, 3, false}, {5, 5, 3, 3, true}, {9, 9, 4, 4, true}, {9, 9, 9, 9, false}},
		"all of it lost":        {{5, 5, 0, 0, false}, {5, 5, 0, 0, true}},
		"lost before the guard": {{5, 7, 5, 5, false}, {5, 7, 5, 5, true}},
		"heard ahead of a beat": {{5, 5, 8, 8, false}, {5, 5, 8, 8, false}},
	} {
		start := time.Now()
		w := exchange.NewWatch(0, start)
		for i, b := range beats {
			at := start.Add(time.Duration(i+1) * exchange.DefaultBeatEvery)
			h := heardAt(b.have, b.highest)
			if b.have == 0 {
				h = exchange.Heard{}
			}
			w.Hear(beatAt(at, b.sent, b.origin), h, at)
			if p := w.Pulse(); p.Gap != b.gap {
				t.Errorf("%s: beat %d: gap %v", name, i, p.Gap)
			}
		}
	}
	w := exchange.NewWatch(0, time.Now())
	h := heardAt(5, 5)
	h.Last.Digest[9] ^= 1
	w.Hear(beatAt(time.Now(), 5, 5), h, time.Now())
	if !w.Pulse().Gap {
		t.Error("another envelope under the number of the head is no gap")
	}
}

func TestWatchTellsWhatBeganAndEnded(t *testing.T) {
	start := time.Now()
	w := exchange.NewWatch(0, start)
	want := func(at time.Time, news ...exchange.News) {
		t.Helper()
		if got := w.Look(at); !slices.Equal(got, news) {
			t.Errorf("after %v: %v, want %v", at.Sub(start), got, news)
		}
	}
	after := func(d time.Duration) time.Time { return start.Add(d) }
	want(after(15 * time.Second))
	want(after(16*time.Second), exchange.News{Trouble: exchange.TroubleSilent, Began: true})
	want(after(17 * time.Second))
	w.Hear(beatAt(after(18*time.Second), 1, 1), heardAt(1, 1), after(18*time.Second))
	want(after(18*time.Second), exchange.News{Trouble: exchange.TroubleSilent})
	// A clock a day ahead.
	w.Hear(beatAt(after(24*time.Hour), 1, 1), heardAt(1, 1), after(20*time.Second))
	want(after(20*time.Second), exchange.News{Trouble: exchange.TroubleSkew, Began: true})
	// And put right: what comes now is older than what came, and counts, because that one was ahead of our clock. One
	// that is older still, as when it is played again, proves no life.
	for range 2 {
		w.Hear(beatAt(after(25*time.Second), 1, 1), heardAt(1, 1), after(25*time.Second))
	}
	w.Hear(beatAt(after(21*time.Second), 1, 1), heardAt(1, 1), after(26*time.Second))
	if p := w.Pulse(); p.Stale != 1 || p.Skewed || !p.Heard.Equal(after(25*time.Second)) {
		t.Errorf("%+v", p)
	}
	// The same one twice is no news, an origin that the guard does not hear is.
	b := beatAt(after(25*time.Hour), 1, 1)
	b.Origin.At = after(24 * time.Hour)
	w.Hear(b, heardAt(1, 1), after(25*time.Hour))
	w.Hear(b, heardAt(1, 1), after(25*time.Hour))
	want(after(25*time.Hour), exchange.News{Trouble: exchange.TroubleSkew}, exchange.News{Trouble: exchange.TroubleOrigin, Began: true})
	if p := w.Pulse(); p.Stale != 1 {
		t.Errorf("stale: %d", p.Stale)
	}
}
