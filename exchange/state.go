package exchange

import (
	"context"
	"errors"
	"slices"
	"time"
)

// OverdueTries is after how many sendings without an Ack an operator is told: with the default times, a quarter of an
// hour. It goes on being sent all the same.
const OverdueTries = 5

// PortState is how one side stands at the border: what an operator's page and the metrics show.
type PortState struct {
	Lane    Lane // in which this side sends
	Holding bool // this process works the lanes; of one that waits for another, the rest is old
	Head    Head // the last number given out
	Depth   Depth
	Overdue int       // envelopes that were sent OverdueTries times without an Ack
	Acked   time.Time // when the last Ack came; zero: none since the start
	Sent    time.Time // when the last envelope or heartbeat left
	Pulse   Pulse     // of the lane in which this side receives
	Journal error     // why the journal can't be written; nil: it can, or there is none
	Status
}

// State gives it; safe at any time.
func (p *Port) State() PortState {
	p.prepare()
	p.lock.Lock()
	s := p.state
	for _, n := range p.attempts {
		if n >= OverdueTries {
			s.Overdue++
		}
	}
	p.lock.Unlock()
	s.Lane, s.Pulse, s.Status = p.Lane, p.watch.Pulse(), p.Status()
	return s
}

// hold notes that this process has the lane, and its head.
func (p *Port) hold(h Head, holding bool) {
	p.lock.Lock()
	defer p.lock.Unlock()
	p.state.Head, p.state.Holding = h, holding
}

// beat says where this end stands, when it is time. One that can't leave is not sent again: the next says more.
func (p *Port) beat(ctx context.Context, s *holding) {
	now := p.Now()
	if !s.beat.IsZero() && now.Sub(s.beat) < p.BeatEvery && !now.Before(s.beat) {
		return
	}
	s.beat = now
	d, err := p.Outgoing.Depth(ctx)
	if err == nil {
		p.lock.Lock()
		p.state.Depth = d
		p.lock.Unlock()
	}
	e, sealed := p.Ring.SealBeat(p.Lane, Beat{Own: HeartbeatOf(s.head, int(d.Waiting))}, now)
	if err = errors.Join(err, sealed); sealed == nil {
		err = errors.Join(err, p.Out.Send(ctx, e))
	}
	if err != nil && ctx.Err() == nil {
		p.Log.Warn("heartbeat did not leave", "lane", p.Lane, "err", err)
		return
	}
	p.lock.Lock()
	defer p.lock.Unlock()
	p.state.Sent = now
}

// hear takes in a heartbeat of the opposite lane.
func (p *Port) hear(ctx context.Context, e Envelope) error {
	b, err := p.Ring.OpenBeat(p.Lane.Opposite(), e, p.Now())
	if err != nil {
		return p.alarm(e, err)
	}
	h, err := p.Incoming.Heard(ctx)
	if err != nil {
		return err
	}
	p.watch.Hear(b, h, p.Now())
	return nil
}

// look tells the operator what began and what ended.
func (p *Port) look() {
	for _, n := range p.watch.Look(p.Now()) {
		pulse := p.watch.Pulse()
		log := p.Log.With("lane", p.Lane.Opposite(), "trouble", n.Trouble, "heard", pulse.Heard, "seq", pulse.Head.Seq, "skew", pulse.Skew)
		if n.Began {
			p.counts.alarms.Add(1)
			log.Error("trouble on the lane began")
			continue
		}
		log.Info("trouble on the lane ended")
	}
}

// missed adds to what is missing the end that a heartbeat told of and that did not come, while there is a gap.
func (p *Port) missed(h Heard) Heard {
	pulse := p.watch.Pulse()
	r, ok := pulse.Lacks(h)
	if !ok || !pulse.Gap || len(h.Missing) >= MaxMissing {
		return h
	}
	if h.Epoch == 0 {
		h.Epoch = pulse.Origin.Epoch
	}
	h.Missing = append(slices.Clone(h.Missing), r)
	return h
}

// plausible takes out of an Ack what can't be: nothing can be missing that was never given out. Such ranges would be
// room to write in. The guard of the lane down rounds up how far its origin is ahead, to less than the double: what
// that adds is cut, and is no alarm.
func (p *Port) plausible(a Ack) Ack {
	p.lock.Lock()
	head := p.state.Head
	p.lock.Unlock()
	n := len(a.Missing)
	if n == 0 || a.Epoch != head.Epoch || a.Missing[n-1].To <= head.Seq {
		return a
	}
	a.Missing = slices.Clone(a.Missing)
	last := &a.Missing[n-1]
	if p.Lane == Down && last.From <= head.Seq && last.To-head.Seq <= head.Seq-last.From {
		last.To = head.Seq
		return a
	}
	p.counts.alarms.Add(1)
	p.Log.Error("acknowledgement names what was never sent", "lane", p.Lane, "seq", last.To, "head", head.Seq)
	a.Missing = slices.DeleteFunc(a.Missing, func(r Range) bool { return r.To > head.Seq })
	return a
}

// settled forgets the sendings of what is done.
func (p *Port) settled(a Ack, now time.Time) {
	p.lock.Lock()
	defer p.lock.Unlock()
	p.state.Acked = now
	p.upTo = Head{Epoch: a.Epoch, Seq: max(a.Contiguous, p.upTo.Seq)}
	for seq := range p.attempts {
		if seq <= a.Contiguous {
			delete(p.attempts, seq)
		}
	}
}
