package exchange

import (
	"sync"
	"time"
)

const (
	// BeatsMissed is after how many heartbeats that did not come a hop is silent.
	BeatsMissed = 3
	// MaxSkew is how far two clocks may be apart before an operator is told. Order is by numbers, never by clocks; but
	// expiry and reports are by clocks.
	MaxSkew = time.Minute
)

// Trouble is what a Watch finds wrong with a hop, as it is named in logs and metrics.
type Trouble string

// The troubles of a hop.
const (
	TroubleSilent Trouble = "silent" // BeatsMissed heartbeats did not come
	TroubleGap    Trouble = "gap"    // what was sent did not arrive, and nothing moves
	TroubleSkew   Trouble = "skew"   // the clocks are over MaxSkew apart
	TroubleOrigin Trouble = "origin" // the guard does not hear the origin
)

// News is a trouble that began or ended.
type News struct {
	Trouble Trouble
	Began   bool
}

// Pulse is what one end of a hop knows of the other by its heartbeats.
type Pulse struct {
	Every   time.Duration // how often they should come
	Heard   time.Time     // when the last came, by our clock; zero: none since the start
	Head    Head          // where the sender stood
	Waiting int           // documents that waited there without a number
	Skew    time.Duration // the sender's clock minus ours
	Origin  Heartbeat     // what the guard says of the origin; zero at a guard
	Stale   uint64        // heartbeats older than one before them: a clock set back, or played again
	Gaps    uint64        // gaps since the start

	Silent, Gap, Skewed, OriginSilent bool
}

// Troubles lists what is wrong now.
func (p Pulse) Troubles() map[Trouble]bool {
	return map[Trouble]bool{TroubleSilent: p.Silent, TroubleGap: p.Gap, TroubleSkew: p.Skewed, TroubleOrigin: p.OriginSilent}
}

// Watch takes in the heartbeats of one hop. It decides by its own clock and by what arrived; a heartbeat can raise an
// alarm, never let anything pass. It is safe at any time from anywhere.
type Watch struct {
	mu     sync.Mutex
	p      Pulse
	since  time.Time // of the start, or of the last heartbeat
	at     time.Time // the last heartbeat's own moment
	behind bool      // at the last heartbeat, standing at stood
	stood  standing
	told   map[Trouble]bool
}

// standing is how far a receiver is, on the hop and in the origin's numbers.
type standing struct {
	hop     Head
	highest uint64
}

// NewWatch begins to wait for a heartbeat each every; zero: DefaultBeatEvery.
func NewWatch(every time.Duration, now time.Time) *Watch {
	return &Watch{p: Pulse{Every: orDefault(every, DefaultBeatEvery)}, since: now, told: map[Trouble]bool{}}
}

// Restart begins to wait anew: nobody listened in between.
func (w *Watch) Restart(now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.since, w.behind = now, false
}

// Pulse gives what is known; safe at any time.
func (w *Watch) Pulse() Pulse {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.p
}

// Hear takes in a heartbeat. h is what the receiver has; a guard knows of Last alone.
//
// What is behind the sender may still be on its way. It is a gap when at the next heartbeat the receiver stands where
// it stood: then something is lost, or can't be taken in.
func (w *Watch) Hear(b Beat, h Heard, now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.p.Skew = b.Own.At.Sub(now)
	w.p.Skewed = w.p.Skew.Abs() > w.most()
	if w.at.Sub(now) > w.most() && !w.p.Skewed {
		w.at = time.Time{} // the sender's clock was ahead, or ours behind, and was put right: what was heard last is no measure
	}
	if !b.Own.At.After(w.at) {
		if b.Own.At.Before(w.at) {
			w.p.Stale++
		}
		return
	}
	w.at, w.since = b.Own.At, now
	w.p.Heard, w.p.Head, w.p.Waiting, w.p.Origin = now, b.Own.Stands(), b.Own.Waiting, b.Origin
	w.p.OriginSilent = !b.Origin.At.IsZero() && b.Own.At.Sub(b.Origin.At) > (BeatsMissed+1)*w.p.Every
	w.place(h)
}

// most is how far the clocks may be apart.
func (w *Watch) most() time.Duration { return max(MaxSkew, BeatsMissed*w.p.Every) }

// place holds what the receiver has against where the sender stands.
func (w *Watch) place(h Heard) {
	at, sent := standing{h.Last, h.Highest}, w.p.Head
	_, lacks := w.p.Lacks(h)
	behind := lags(h.Last, sent) || lacks
	another := h.Last.Epoch == sent.Epoch && h.Last.Seq == sent.Seq && h.Last.Digest != sent.Digest
	gap := another || behind && (w.p.Gap || w.behind && at == w.stood)
	if gap && !w.p.Gap {
		w.p.Gaps++
	}
	w.p.Gap, w.behind, w.stood = gap, behind, at
}

// Early says that something came before what it follows: a gap, although the heartbeats that would tell it may wait
// behind it on the link.
func (w *Watch) Early(own Head) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.p.Gap {
		w.p.Gaps++
	}
	w.p.Gap = true
	if !lags(own, w.p.Head) {
		w.p.Head = Head{Epoch: own.Epoch, Seq: own.Seq + 1}
	}
}

// lags tells whether own is before sent.
func lags(own, sent Head) bool {
	return sent.Seq > 0 && own.Epoch < sent.Epoch || own.Epoch == sent.Epoch && own.Seq < sent.Seq
}

// Look gives what began or ended since the look before.
func (w *Watch) Look(now time.Time) []News {
	w.mu.Lock()
	defer w.mu.Unlock()
	if now.Before(w.since) {
		w.since = now // our clock was set back; silence is counted from here
	}
	w.p.Silent = now.Sub(w.since) > BeatsMissed*w.p.Every
	var news []News
	for _, t := range []Trouble{TroubleSilent, TroubleGap, TroubleSkew, TroubleOrigin} {
		if is := w.p.Troubles()[t]; is != w.told[t] {
			w.told[t] = is
			news = append(news, News{t, is})
		}
	}
	return news
}

// Lacks gives what the origin has given out beyond the highest that arrived, in its numbers; false: nothing.
func (p Pulse) Lacks(h Heard) (Range, bool) {
	if p.Origin.Seq <= h.Highest || h.Epoch != 0 && p.Origin.Epoch != h.Epoch {
		return Range{}, false
	}
	return Range{From: h.Highest + 1, To: p.Origin.Seq}, true
}
