package exchange

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// pass does once all that is to do for sending. True: there is more at once.
func (p *Port) pass(ctx context.Context, s *holding) (more bool, err error) {
	if err := p.steady(ctx, s); err != nil {
		return false, err
	}
	p.beat(ctx, s)
	p.look()
	if err := p.renew(ctx, s); err != nil {
		return false, err
	}
	if err := p.keepRecord(ctx); err != nil {
		return false, err
	}
	if err := p.acknowledge(ctx, s); err != nil {
		return false, err
	}
	if err := p.retell(ctx, s); err != nil {
		return false, err
	}
	if err := p.tellCounts(ctx, s); err != nil { // sending does not wait for it
		p.Log.Error("counts are not told", "lane", p.Lane, "err", err)
	}
	sealed, stuck := p.seal(ctx, s)
	if errors.Is(stuck, ErrFenced) {
		return false, stuck
	}
	sent, err := p.send(ctx)
	return sealed == batch || sent == batch, errors.Join(stuck, err)
}

// steady does at once what was put off by a clock that has been set back since, or it would be put off by so much more:
// the lease, the Ack, and sending again what is not settled. By the wall, because that is what is stored.
func (p *Port) steady(ctx context.Context, s *holding) error {
	now, before := p.Now().Round(0), s.now
	s.now = now
	if !now.Before(before) {
		return nil
	}
	p.Log.Warn("clock was set back", "lane", p.Lane, "by", before.Sub(now))
	s.renewed, s.acked, s.history = time.Time{}, time.Time{}, time.Time{}
	p.lock.Lock()
	open := slices.Sorted(maps.Keys(p.attempts))
	p.lock.Unlock()
	if err := p.Outgoing.Sent(ctx, open, now); err != nil {
		s.now = before // and again at the next pass
		return fmt.Errorf("clock was set back: %w", err)
	}
	return nil
}

// renew keeps the lease while a third of it is used up.
func (p *Port) renew(ctx context.Context, s *holding) error {
	now := p.Now()
	if now.Sub(s.renewed) < LeaseTTL/3 {
		return nil
	}
	fence, head, ok, err := p.Outgoing.Seize(ctx, p.Owner, LeaseTTL)
	if err != nil {
		return fmt.Errorf("renew lease: %w", err)
	}
	if !ok || fence != s.fence || head != s.head {
		return errLost
	}
	s.renewed = now
	return nil
}

// acknowledge puts an Ack of the opposite lane into this one when its time has come.
func (p *Port) acknowledge(ctx context.Context, s *holding) error {
	now := p.Now()
	if now.Sub(s.acked) < p.AckEvery {
		return nil
	}
	news := p.fresh.Swap(false) // before Heard, so that nothing falls between
	done, err := p.ackHeard(ctx, news || now.Sub(s.acked) >= p.AckIdle, now)
	if err != nil {
		p.fresh.Store(true)
		return fmt.Errorf("acknowledge: %w", err)
	}
	if done {
		s.acked = now
	}
	return nil
}

// ackHeard puts an Ack into the lane if it is asked for, or if something is missing or refused. Before the first
// arrival there is nothing to say.
func (p *Port) ackHeard(ctx context.Context, asked bool, now time.Time) (bool, error) {
	h, err := p.Incoming.Heard(ctx)
	h = p.missed(p.proven(h))
	if err != nil || h.Epoch == 0 || !asked && len(h.Missing) == 0 && len(h.Refused) == 0 {
		return false, err
	}
	return true, p.enqueue(ctx, p.newOwn(KindAck), h.Ack(p.Lane.Opposite(), time.Time{}), now)
}

// seal numbers what waits. A parcel that can't be sealed stops the lane there, because the order is a promise; what
// stands before it goes.
func (p *Port) seal(ctx context.Context, s *holding) (int, error) {
	if p.doubts() {
		return 0, nil
	}
	waiting, err := p.Outgoing.Waiting(ctx, batch)
	if err != nil || len(waiting) == 0 {
		return 0, err
	}
	head := s.head
	var out []Numbered
	var broken error
	for _, w := range waiting {
		n, err := p.Ring.Seal(p.Lane, head, w, p.Now())
		if err != nil {
			broken = fmt.Errorf("parcel %s: %w", w.ID, err)
			break
		}
		out, head = append(out, n), n.Head
	}
	if len(out) > 0 {
		if err := p.Outgoing.Number(ctx, s.fence, s.head, out); err != nil {
			return 0, fmt.Errorf("number: %w", err)
		}
		s.head = head
		p.hold(head, true)
		p.counts.sealed.Add(uint64(len(out)))
	}
	if err := p.told(ctx, waiting[:len(out)]); err != nil {
		return 0, err
	}
	return len(out), broken
}

// told says which refusals are now surely on their way. After a crash before it they are said again, which is safe.
func (p *Port) told(ctx context.Context, sealed []Parcel) error {
	for _, w := range sealed {
		if w.Kind != KindAck {
			continue
		}
		d, err := Decode(KindAck, w.Content)
		if err != nil {
			return fmt.Errorf("tell refusals: %w", err)
		}
		if err := p.Incoming.Told(ctx, d.(Ack)); err != nil {
			return fmt.Errorf("tell refusals: %w", err)
		}
	}
	return nil
}

// send hands what is due to the link, and puts each off by its own back-off.
func (p *Port) send(ctx context.Context) (int, error) {
	due, err := p.Outgoing.Due(ctx, p.Now(), batch)
	if err != nil {
		return 0, fmt.Errorf("due: %w", err)
	}
	if p.Journal != nil && len(due) > 0 {
		if err := p.recorded(p.Journal.Sent(p.Now(), due)); err != nil {
			return 0, err
		}
	}
	again := map[time.Duration][]uint64{}
	var failed error
	sent := 0
	for _, n := range due {
		failed = p.Out.Send(ctx, Envelope{Lane: p.Lane, Epoch: n.Head.Epoch, Seq: n.Head.Seq, Bytes: n.Bytes})
		if failed != nil {
			break
		}
		after := p.backoff(n.Head.Seq)
		again[after] = append(again[after], n.Head.Seq)
		sent++
	}
	p.counts.sent.Add(uint64(sent))
	for after, seqs := range again {
		if err := p.Outgoing.Sent(ctx, seqs, p.Now().Add(after)); err != nil {
			return sent, fmt.Errorf("sent: %w", err)
		}
	}
	return sent, failed
}

// backoff counts a sending and gives the time until the next: Resend, doubled each time, at most MaxResend.
func (p *Port) backoff(seq uint64) time.Duration {
	p.lock.Lock()
	defer p.lock.Unlock()
	n := p.attempts[seq]
	p.attempts[seq] = n + 1
	if n+1 == OverdueTries {
		p.Log.Error("envelope is not acknowledged", "lane", p.Lane, "seq", seq, "attempt", n+1)
	}
	return max(p.Resend, min(p.Resend<<min(n, 20), MaxResend))
}
