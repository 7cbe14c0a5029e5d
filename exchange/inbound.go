package exchange

import (
	"context"
	"errors"
	"fmt"
)

// accept opens, verifies and keeps one envelope. nil only once it is durable. The steps after Keep are repeated when
// the link brings the envelope again after a crash between them.
func (p *Port) accept(ctx context.Context, e Envelope) error {
	lane := p.Lane.Opposite()
	if e.IsBeat() {
		return p.hear(ctx, e)
	}
	if p.Ready() != nil {
		return errNoEvidence
	}
	a, _, err := p.Ring.Open(lane, e, p.Now())
	if err != nil {
		return p.alarm(e, err)
	}
	fresh, err := p.Incoming.Keep(ctx, a)
	if errors.Is(err, ErrReplay) || errors.Is(err, ErrChain) {
		return p.alarm(e, fmt.Errorf("%w: %w", ErrAside, err))
	}
	if err != nil {
		return fmt.Errorf("keep arrival: %w", err)
	}
	if err := p.settle(ctx, a); err != nil {
		return err
	}
	if fresh {
		p.counts.kept.Add(1)
		p.arrived(a)
	}
	return nil
}

func (p *Port) arrived(a Arrival) {
	if !ownKind(a.Parcel.Kind) {
		p.fresh.Store(true)
		p.Log.Info("arrived", "lane", p.Lane.Opposite(), "seq", a.Origin.Seq, "kind", a.Parcel.Kind, "parcel_id", a.Parcel.ID, "refused", a.Refused)
	}
	p.Wake()
}

// ownKind tells which kinds the Port handles itself.
func ownKind(k Kind) bool { return k == KindAck || k == KindHeartbeat || k == KindHistory }

// settle applies an Ack, and marks the Port's own kinds handled.
func (p *Port) settle(ctx context.Context, a Arrival) error {
	if !ownKind(a.Parcel.Kind) {
		return nil
	}
	d, err := Decode(a.Parcel.Kind, a.Parcel.Content)
	if err != nil {
		return fmt.Errorf("settle: %w", err)
	}
	if ack, ok := d.(Ack); ok && ack.Lane == p.Lane {
		ack = p.plausible(ack)
		if ack.At.IsZero() {
			ack.At = p.Now()
		}
		err := ErrAhead
		if !p.ahead(ack) {
			err = p.Outgoing.Settle(ctx, ack)
		}
		switch {
		case errors.Is(err, ErrAhead):
			if err := p.begin(ctx, ack); err != nil {
				return err
			}
		case err != nil:
			return fmt.Errorf("settle: %w", err)
		default:
			p.settled(ack, p.Now())
			if err := p.refusals(ack); err != nil {
				return err
			}
			if len(ack.Missing) > 0 {
				p.Nudge()
			}
		}
	}
	if h, ok := d.(History); ok {
		if err := p.compare(ctx, h); err != nil {
			return fmt.Errorf("compare history: %w", err)
		}
	}
	if err := p.Incoming.Handled(ctx, []uint64{a.Head.Seq}); err != nil {
		return fmt.Errorf("settle: %w", err)
	}
	return nil
}

// refusals notes in the journal what the other side or a guard refused.
func (p *Port) refusals(a Ack) error {
	if p.Journal == nil || len(a.Refused) == 0 {
		return nil
	}
	return p.recorded(p.Journal.Told(p.Now(), a))
}

// alarm logs what should never come over the border. It never holds content.
func (p *Port) alarm(e Envelope, err error) error {
	if errors.Is(err, ErrAside) {
		p.counts.aside.Add(1)
		p.counts.alarms.Add(1)
		p.Log.Error("envelope is not genuine", "lane", p.Lane.Opposite(), "epoch", e.Epoch, "seq", e.Seq, "err", err)
	}
	return err
}
