package guard

import (
	"context"
	"fmt"

	"gatehouse/exchange"
	"gatehouse/exchange/evidence"
)

// repeat sends on once more what was sent for this number: its origin has seen no Ack of it. Another content under
// the number is a replay.
func (g *Guard) repeat(ctx context.Context, e exchange.Envelope, h exchange.Head) error {
	digest, b, ok, err := g.journal.get(h)
	if err == nil && !ok {
		digest, b, ok, err = g.own.get(h)
	}
	if err != nil {
		return err
	}
	if !ok {
		return g.anew(ctx, e, h)
	}
	if digest != h.Digest {
		return fmt.Errorf("%w: %w", exchange.ErrAside, exchange.ErrReplay)
	}
	out, err := exchange.ParseEnvelope(b)
	if err != nil {
		// Not wrapped: it would count as ErrAside, and the envelope that came is blameless.
		return fmt.Errorf("kept envelope %d is damaged: %s", h.Seq, err.Error())
	}
	if g.o.Ring.NamesRevoked(out) {
		return g.anew(ctx, e, h) // a revoked key: the end would refuse these bytes for ever
	}
	g.counts.Repeats++
	return g.send(ctx, out.Head(), b)
}

// anew seals once more what is kept no longer: the same number, the verdict that stands in the log, and the digest
// that went before.
func (g *Guard) anew(ctx context.Context, e exchange.Envelope, h exchange.Head) error {
	r, before, err := g.find(h)
	if err != nil {
		return err
	}
	if r.In.Head() != h {
		return fmt.Errorf("%w: %w", exchange.ErrAside, exchange.ErrReplay)
	}
	now := g.o.Now()
	u, err := g.o.Ring.Unseal(g.o.Lane, e, now)
	if err != nil {
		return err
	}
	v := exchange.Verdict{Rules: RuleSet, Filters: r.Filters, Refused: r.Reason, Of: r.Of, Instead: r.Out.Digest}
	if r.Replaced != nil { // the rebuilt file is kept no longer, and the one that came never goes on
		v.Refused, v.Of = exchange.ReasonFailed, r.Part.Of
	}
	n, err := g.o.Ring.Endorse(g.o.Lane, before, u, u.Content, v, now)
	if err != nil {
		return err
	}
	if err := g.journalOf(r.Kind).put(h, n.Bytes); err != nil {
		return err
	}
	g.counts.Repeats++
	return g.send(ctx, n.Head, n.Bytes)
}

// find looks in memory, then in the log, for the record of the envelope with h's number, and for what went on before it.
func (g *Guard) find(h exchange.Head) (found evidence.Record, before exchange.Head, err error) {
	if s, ok := g.memory.recent[exchange.Head{Epoch: h.Epoch, Seq: h.Seq}]; ok {
		return s.record, s.before, nil
	}
	last := exchange.Head{Epoch: 1}
	err = g.log.Each(func(r evidence.Record) error {
		if r.Epoch > 0 {
			last = exchange.Head{Epoch: r.Epoch}
		}
		if r.In == nil || r.Out == nil {
			return nil
		}
		if r.In.Epoch == h.Epoch && r.In.Seq == h.Seq {
			found, before = r, last
		}
		last = r.Out.Head()
		return nil
	})
	if err == nil && found.In == nil {
		err = fmt.Errorf("number %d is not in the log", h.Seq)
	}
	return found, before, err
}
