package guard

import (
	"errors"
	"slices"
	"time"

	"gatehouse/exchange"
	"gatehouse/exchange/evidence"
)

// What an Ack may say, as the guard can check it alone. It sees nothing of the lane that is acknowledged, so it holds
// each Ack against the one before it: an epoch rises by little, what arrived never falls and rises no faster than a
// lane can run, what arrived never goes missing again, a number is refused once. Encoding is canonical and signed, so
// within these rules the frame is the guard's own to the last byte; its moment is the guard's too (paced).
const (
	// ackRate is how many numbers a second a lane may have taken in since the Ack before.
	ackRate = 1000
	// epochAhead is by how much an epoch, which is the moment it began, may be ahead of the guard's clock.
	epochAhead = 24 * time.Hour
)

// errPaced means that an Ack came before its time; the link keeps it, and what follows it, until then. A flood of Acks
// holds up its own lane alone.
var errPaced = errors.New("the next acknowledgement leaves later")

// paced gives the guard's own clock to what the inside says of the lane up: at most one Ack each AckEvery and one
// History in ten of these leaves, whenever they came. A tenth is taken off, so that an honest clock never falls behind.
func (g *Guard) paced(k exchange.Kind, now time.Time) error {
	if g.o.Lane != exchange.Down || !isLanes(k) {
		return nil
	}
	every := g.o.AckEvery
	if k == exchange.KindHistory {
		every *= 10
	}
	last := g.memory.said[k]
	if since := now.Sub(last); since >= 0 && since < every-g.o.AckEvery/10 {
		return errPaced
	}
	return nil
}

// judgeAck holds the lane's own documents to what the guard can check alone.
func judgeAck(it *Item) (exchange.Reason, error) {
	ok := true
	switch d := it.Document.(type) {
	case exchange.Ack:
		ok = d.Lane == it.Lane.Opposite() && it.bare(d.At) && it.memory.ack.follows(d, it.Now)
	case exchange.Heartbeat:
		ok = false // they travel outside of the numbering
	case exchange.History:
		ok = d.Lane == it.Lane && it.bare(d.At) && it.memory.tells(d, it.Head)
	}
	if !ok {
		return exchange.ReasonSchema, nil
	}
	return exchange.ReasonNone, nil
}

// bare tells whether nothing can be written into the frame around the lane's own document: no moment, no id, no label.
// Going up there is nobody to hide it from.
func (it *Item) bare(at time.Time) bool {
	h := it.Header
	return it.Lane == exchange.Up ||
		at.IsZero() && h.Created.IsZero() && h.Expires.IsZero() && h.Parcel == string(h.Kind) && h.Label == ""
}

// told is the last Ack that passed, and what the rules need beside it.
type told struct {
	evidence.Told
	at     time.Time
	before map[uint64]bool // refused in earlier ones, above Contiguous
}

// follows tells whether an Ack may come after what was told before.
func (t told) follows(a exchange.Ack, now time.Time) bool {
	first := t.Epoch == 0
	switch {
	case a.Epoch < t.Epoch || a.Epoch > t.Epoch && int64(a.Epoch) > now.Add(epochAhead).Unix():
		return false
	case a.Epoch > t.Epoch:
		t = told{at: t.at}
	case a.Contiguous < t.Contiguous:
		return false
	}
	if !first && a.Contiguous-t.Contiguous > allowed(now.Sub(t.at)) {
		return false
	}
	return t.missing(a) && t.refusals(a)
}

// allowed is by how much Contiguous may rise after so long; a clock set back takes nothing away from the least.
func allowed(since time.Duration) uint64 {
	return ackRate * uint64(max(since, 0)/time.Second+10)
}

// missing: within the window, and nothing that had arrived below the last range told before.
func (t told) missing(a exchange.Ack) bool {
	last := uint64(0)
	if n := len(t.Missing); n > 0 {
		last = t.Missing[n-1].To
	}
	for _, r := range a.Missing {
		if r.To > a.Contiguous+exchange.AckWindow {
			return false
		}
		if r.From <= last && !t.lacked(exchange.Range{From: r.From, To: min(r.To, last)}) {
			return false
		}
	}
	return true
}

// lacked tells whether all of r was missing before.
func (t told) lacked(r exchange.Range) bool {
	return slices.ContainsFunc(t.Missing, func(m exchange.Range) bool { return m.From <= r.From && r.To <= m.To })
}

// refusals: each above what was whole before and within the window, not missing, and told once. Only those of the Ack
// before may be told again, as they were: its sender can't know after a crash that they left.
func (t told) refusals(a exchange.Ack) bool {
	for _, r := range a.Refused {
		if slices.Contains(t.Refused, r) {
			continue
		}
		again := slices.ContainsFunc(t.Refused, func(b exchange.Refusal) bool { return b.Seq == r.Seq }) || t.before[r.Seq]
		lost := slices.ContainsFunc(a.Missing, func(m exchange.Range) bool { return m.From <= r.Seq && r.Seq <= m.To })
		if again || lost || r.Seq <= t.Contiguous || r.Seq > a.Contiguous+exchange.AckWindow {
			return false
		}
	}
	return true
}

// after is what is remembered once a was told after t.
func (t told) after(a evidence.Told, at time.Time) told {
	next := told{Told: a, at: at, before: map[uint64]bool{}}
	if next.Epoch != t.Epoch {
		return next
	}
	keep := func(seq uint64) {
		if seq > next.Contiguous {
			next.before[seq] = true
		}
	}
	for seq := range t.before {
		keep(seq)
	}
	for _, r := range t.Refused {
		keep(r.Seq)
	}
	return next
}

// tells holds a History against the guard's own memory: each of its envelopes came through here, under that number, as
// that digest and parcel, so that there is nothing to choose but how many. What the guard keeps no longer can't be said.
func (m *memory) tells(h exchange.History, own exchange.Head) bool {
	last, settled := uint64(0), true
	for _, p := range h.States {
		s, ok := m.recent[exchange.Head{Epoch: h.Epoch, Seq: p.Seq}]
		if !ok || h.Epoch != own.Epoch || p.Seq <= last || last > 0 && p.Seq != last+1 || s.record.In.Digest != p.Digest || s.record.Parcel != p.ID {
			return false
		}
		refused := s.record.Reason != exchange.ReasonNone
		// What is settled is so from the beginning: only where it ends is a choice.
		if p.State != exchange.StateRefused && !settled && p.State == exchange.StateSettled || p.State == exchange.StateRefused && !refused {
			return false
		}
		settled = settled && p.State != exchange.StateSent
		last = p.Seq
	}
	return true
}
