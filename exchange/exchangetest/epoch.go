package exchangetest

import (
	"context"
	"slices"
	"time"

	"gatehouse/exchange"
)

// unwait takes a parcel out of those that wait.
func (o *Outgoing) unwait(id string) (p exchange.Parcel) {
	o.waiting = slices.DeleteFunc(o.waiting, func(w exchange.Parcel) bool {
		if w.ID == id {
			p = w
		}
		return w.ID == id
	})
	return p
}

// Held implements exchange.Outgoing.
func (o *Outgoing) Held(context.Context) (time.Time, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.until, nil
}

// Begin implements exchange.Outgoing.
func (o *Outgoing) Begin(_ context.Context, epoch uint32) (exchange.Head, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if epoch <= o.head.Epoch {
		return o.head, nil
	}
	o.head, o.settled = exchange.Head{Epoch: epoch}, 0
	o.fence++
	var again []exchange.Parcel
	for i := range o.sent {
		if e := &o.sent[i]; !e.done {
			e.done = true
			if !ofLane(e.parcel.Kind) {
				again = append(again, e.parcel)
			}
		}
	}
	o.waiting = append(again, o.waiting...)
	return o.head, nil
}

func ofLane(k exchange.Kind) bool {
	return k == exchange.KindAck || k == exchange.KindHeartbeat || k == exchange.KindHistory || k == ""
}

// Copy gives the sending end as a backup has it.
func (o *Outgoing) Copy() *Outgoing {
	o.mu.Lock()
	defer o.mu.Unlock()
	c := NewOutgoing()
	c.Now, c.owner, c.until, c.fence, c.head, c.settled = o.Now, o.owner, o.until, o.fence, o.head, o.settled
	c.waiting, c.sent = slices.Clone(o.waiting), slices.Clone(o.sent)
	return c
}

// repeated tells whether the parcel came before, in an older epoch and without a gap before it there.
func (in *Incoming) repeated(a exchange.Arrival) bool {
	var at exchange.Head
	for _, k := range in.arrivals {
		if k.Origin.Epoch != at.Epoch {
			at = exchange.Head{Epoch: k.Origin.Epoch}
		}
		if k.Origin.Seq != at.Seq+1 {
			continue
		}
		at.Seq = k.Origin.Seq
		if k.Origin.Epoch < a.Origin.Epoch && k.Parcel.ID == a.Parcel.ID && a.Parcel.ID != "" && k.Refused == exchange.ReasonNone {
			return true
		}
	}
	return false
}

func (l *ledger) held() {
	at, err := l.out.Held(ctx)
	l.must(err)
	if at.After(time.Now().Add(-time.Hour)) {
		l.Errorf("of a lane that nobody held: %v", at)
	}
	before := time.Now()
	l.seize()
	at, err = l.out.Held(ctx)
	l.must(err)
	if at.Before(before.Add(59 * time.Minute)) {
		l.Errorf("seized for an hour, held until %v", at)
	}
}

func (l *ledger) begin() {
	l.fill(2)
	const epoch = 1_700_000_000
	head, err := l.out.Begin(ctx, 1)
	l.must(err)
	l.equal("head, when the epoch is not above it", head, headOf(2))
	l.equal("due before", len(l.dueSeqs(time.Now())), 2)
	for range 2 { // safe to repeat
		head, err = l.out.Begin(ctx, epoch)
		l.must(err)
		l.equal("head of the new epoch", head, exchange.Head{Epoch: epoch})
	}
	l.equal("due of the old epoch", len(l.dueSeqs(time.Now().Add(time.Hour))), 0)
	l.is("the old fence", l.out.Number(ctx, l.fence, l.head, []exchange.Numbered{{Parcel: "x", Head: headOf(3)}}), exchange.ErrFenced)
	l.seize()
	l.equal("head", l.head, exchange.Head{Epoch: epoch})
	l.must(l.out.Settle(ctx, ackOf(2)))  // of the old epoch: nothing
	l.must(l.out.Settle(ctx, ackOf(99))) // even beyond it
	l.enqueueOne(exchange.KindAck, "fresh")
	next := exchange.Head{Epoch: epoch, Seq: 1, Digest: digest("new", 1)}
	l.must(l.out.Number(ctx, l.fence, l.head, []exchange.Numbered{{Parcel: "fresh", Head: next, Bytes: []byte("b")}}))
	due, err := l.out.Due(ctx, time.Now(), 10)
	l.must(err)
	l.equal("due", len(due), 1)
	l.equal("its head", due[0].Head, next)
	l.must(l.out.Settle(ctx, exchange.Ack{Lane: exchange.Up, Epoch: epoch, Contiguous: 1}))
	l.equal("after the Ack", len(l.dueSeqs(time.Now().Add(time.Hour))), 0)
}

// sameParcel: what arrived in one epoch and comes again in the next is handled once.
func (l *ledger) sameParcel() {
	l.keepSeqs(1, 2, 4)
	l.must(l.in.Handled(ctx, []uint64{1}))
	for seq, id := range []uint64{1, 2, 4, 5} {
		a := arrive(id)
		a.Origin = exchange.Head{Epoch: 2, Seq: uint64(seq) + 1, Digest: digest("second", id)}
		a.Head, a.Prev = exchange.Head{Epoch: 1, Seq: 10 + uint64(seq), Digest: digest("hop", 10+uint64(seq))}, digest("hop", 9+uint64(seq))
		fresh, err := l.in.Keep(ctx, a)
		l.must(err)
		l.equal("its number is new", fresh, true)
	}
	next, err := l.in.Next(ctx, 10)
	l.must(err)
	var got []string
	for _, a := range next {
		got = append(got, a.Parcel.ID)
	}
	l.equal("handled once, the one beyond the gap now", got, []string{arrive(2).Parcel.ID, arrive(4).Parcel.ID, arrive(5).Parcel.ID})
	l.equal("contiguous", l.heard().Contiguous, uint64(4))
	l.equal("last, past the gap of the old epoch", l.heard().Last, exchange.Head{Epoch: 1, Seq: 13, Digest: digest("hop", 13)})
}
