package guard

import (
	"context"
	"encoding/hex"
	"errors"
	"time"

	"gatehouse/exchange"
	"gatehouse/exchange/evidence"
)

// emit seals a verdict and sends it on: kept, logged, sent, in this order, each durable before the next.
func (g *Guard) emit(ctx context.Context, u exchange.Unsealed, content []byte, v exchange.Verdict, r evidence.Record) error {
	now, tip := g.o.Now(), g.log.Tip()
	v.Rules, v.Log = RuleSet, hex.EncodeToString(tip.Hash[:])
	n, err := g.o.Ring.Endorse(g.o.Lane, g.memory.out, u, content, v, now)
	if err != nil {
		return err
	}
	r.Out = evidence.MarkOf(n.Head)
	g.step("sealed")
	if err := g.journalOf(r.Kind).put(u.Head, n.Bytes); err != nil {
		return err
	}
	g.step("kept")
	if err := g.log.Append(now, r); err != nil {
		return err
	}
	g.step("logged")
	r.At = stamp(now)
	if err := g.memory.apply(r); err != nil {
		return err
	}
	g.tell(r)
	if err := g.send(ctx, n.Head, n.Bytes); err != nil {
		if r.Part != nil {
			g.owed = &owed{in: u.Head, bytes: n.Bytes}
		}
		return err
	}
	g.step("sent")
	return g.tidy(now)
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

func (g *Guard) journalOf(k exchange.Kind) *journal {
	if isLanes(k) {
		return g.own
	}
	return g.journal
}

func (g *Guard) record(it *Item, reason exchange.Reason, trials []exchange.Trial) evidence.Record {
	r := evidence.Record{
		Event: "passed", Lane: g.o.Lane, In: evidence.MarkOf(it.Head), Parcel: it.Header.Parcel, Kind: it.Header.Kind, Size: len(it.Content),
		Reason: reason, Filters: trials,
	}
	if reason != exchange.ReasonNone {
		r.Event = "refused"
	}
	switch d := it.Document.(type) {
	case exchange.Part:
		r.Part = &evidence.Piece{Of: d.Of, File: d.File, Number: d.Number}
		if p, ok := g.memory.pending[d.Of]; ok && p.passed && reason != exchange.ReasonNone {
			r.Of = d.Of
		}
	case exchange.Ack:
		r.Ack = &evidence.Told{Epoch: d.Epoch, Contiguous: d.Contiguous, Missing: d.Missing, Refused: d.Refused}
	default:
		if it.Document != nil {
			r.Files = announced(d)
			if len(r.Files) > 0 {
				r.Document = idOf(d)
			}
		}
	}
	return r
}

func (g *Guard) send(ctx context.Context, h exchange.Head, b []byte) error {
	g.sending.Lock()
	defer g.sending.Unlock()
	return g.o.Out.Send(ctx, exchange.Envelope{Lane: g.o.Lane, Epoch: h.Epoch, Seq: h.Seq, Bytes: b})
}

// tell writes the one line of the program's log; refusals are there for an operator to see.
func (g *Guard) tell(r evidence.Record) {
	log := g.o.Log.With("lane", g.o.Lane, "seq", r.In.Seq, "kind", r.Kind, "parcel_id", r.Parcel)
	switch {
	case r.Reason != exchange.ReasonNone:
		log.Warn("refused", "reason", word(r.Reason))
	case isLanes(r.Kind):
		log.Debug("passed")
	default:
		log.Info("passed")
	}
}

// tidy does what may be lost in a crash: the anchor each minute, old bytes.
func (g *Guard) tidy(now time.Time) error {
	if since := now.Sub(g.anchored); since > time.Minute || since < 0 {
		if err := g.log.Anchor(); err != nil {
			return err
		}
		g.anchored = now
	}
	return errors.Join(g.journal.prune(now), g.own.prune(now))
}
