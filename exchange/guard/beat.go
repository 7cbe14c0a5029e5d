package guard

import (
	"context"
	"time"

	"gatehouse/exchange"
)

// lookEvery is how often the guard looks at what became of its lane's heartbeats.
const lookEvery = time.Second

// maxAhead bounds by how much the guard of the lane down says that its origin is ahead.
const maxAhead = 1024

// places is where the guard stands on both its hops, apart from its memory, so that it says so while a filter works.
type places struct{ in, out, done exchange.Head }

func (g *Guard) stand() places {
	g.beatMu.Lock()
	defer g.beatMu.Unlock()
	return g.at
}

// stood notes where the memory stands.
func (g *Guard) stood() {
	g.beatMu.Lock()
	defer g.beatMu.Unlock()
	g.at = places{g.memory.in, g.memory.out, g.memory.done()}
}

// hear takes in a heartbeat of the origin. It is no envelope of the lane: nothing is judged, kept or logged.
func (g *Guard) hear(e exchange.Envelope) error {
	b, err := g.o.Ring.OpenBeat(g.o.Lane, e, g.o.Now())
	if err != nil {
		return err
	}
	g.watch.Hear(b, exchange.Heard{Last: g.stand().in}, g.o.Now())
	return nil
}

// beats says each BeatEvery where the guard stands, on its own clock, whatever comes or does not come.
func (g *Guard) beats(ctx context.Context) {
	tick := time.NewTicker(min(lookEvery, g.o.BeatEvery))
	defer tick.Stop()
	var last time.Time
	for ctx.Err() == nil {
		now := g.o.Now()
		if last.IsZero() || now.Sub(last) >= g.o.BeatEvery || now.Before(last) {
			last = now
			g.beat(ctx, now)
		}
		g.look(now)
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

func (g *Guard) beat(ctx context.Context, now time.Time) {
	at := g.stand()
	e, err := g.o.Ring.SealBeat(g.o.Lane, exchange.Beat{Own: exchange.HeartbeatOf(at.out, 0), Origin: g.origin(at.done)}, now)
	if err == nil {
		g.sending.Lock()
		err = g.o.Out.Send(ctx, e)
		g.sending.Unlock()
	}
	if err != nil && ctx.Err() == nil {
		g.o.Log.Warn("heartbeat did not leave", "lane", g.o.Lane, "err", err)
	}
}

// origin is what the guard says of its lane's origin: when it was heard, on a coarse clock, and how far it is ahead
// while something is missing. Going down it is rounded, and nothing is passed on in the origin's own words, so that a
// compromised inside can't write in its heartbeats: at most 11 distances and the beat that it leaves out, some 5 bits
// in 5 s.
func (g *Guard) origin(in exchange.Head) exchange.Heartbeat {
	p := g.watch.Pulse()
	heard := p.Heard
	if heard.IsZero() {
		heard = g.opened
	}
	h := exchange.Heartbeat{Epoch: in.Epoch, Seq: in.Seq, At: heard.Truncate(p.Every)}
	if p.Gap && p.Head.Epoch == in.Epoch && p.Head.Seq > in.Seq {
		h.Seq = p.Head.Seq
		if g.o.Lane == exchange.Down {
			h.Seq = in.Seq + ahead(p.Head.Seq-in.Seq)
		}
	}
	if g.o.Lane == exchange.Up {
		h.Waiting = p.Waiting
	}
	return h
}

// ahead rounds n up to a power of two, at most maxAhead.
func ahead(n uint64) uint64 {
	r := uint64(1)
	for r < n && r < maxAhead {
		r *= 2
	}
	return r
}

// look writes the one line for what began and what ended.
func (g *Guard) look(now time.Time) {
	for _, n := range g.watch.Look(now) {
		p := g.watch.Pulse()
		log := g.o.Log.With("lane", g.o.Lane, "trouble", n.Trouble, "heard", p.Heard, "seq", p.Head.Seq, "skew", p.Skew)
		if n.Began {
			log.Error("trouble on the lane began")
			continue
		}
		log.Info("trouble on the lane ended")
	}
}
