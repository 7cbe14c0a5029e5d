package exchangetest

import (
	"fmt"
	"time"

	"gatehouse/exchange"
)

// enqueueOne puts a parcel of the lane itself into it, the only kind that the contract can put there.
func (l *ledger) enqueueOne(kind exchange.Kind, id string) exchange.Parcel {
	l.Helper()
	p := exchange.Parcel{ID: id, Kind: kind, Content: []byte("content of " + id), Created: time.Now().Truncate(time.Millisecond)}
	l.must(l.out.Enqueue(ctx, p))
	return p
}

// fill numbers n envelopes.
func (l *ledger) fill(n int) {
	l.Helper()
	l.seize()
	for range n {
		seq := l.head.Seq + 1
		id := fmt.Sprintf("p%d", seq)
		l.enqueueOne(exchange.KindAck, id)
		next := headOf(seq)
		l.must(l.out.Number(ctx, l.fence, l.head, []exchange.Numbered{{Parcel: id, Head: next, Bytes: []byte("bytes of " + id)}}))
		l.head = next
	}
}

// dueSeqs gives the numbers that are due at a moment.
func (l *ledger) dueSeqs(now time.Time) []uint64 {
	l.Helper()
	due, err := l.out.Due(ctx, now, 1000)
	l.must(err)
	var seqs []uint64
	for _, d := range due {
		seqs = append(seqs, d.Head.Seq)
	}
	return seqs
}

func ackOf(contiguous uint64) exchange.Ack {
	return exchange.Ack{Lane: exchange.Up, Epoch: 1, Contiguous: contiguous, At: time.Now()}
}

func (l *ledger) empty() {
	l.seize()
	l.equal("head", l.head, headOf(0))
	w, err := l.out.Waiting(ctx, 10)
	l.must(err)
	l.equal("waiting", len(w), 0)
	l.equal("due", len(l.dueSeqs(time.Now())), 0)
	h, err := l.in.Heard(ctx)
	l.must(err)
	l.equal("epoch", h.Epoch, uint32(0))
	l.equal("contiguous", h.Contiguous, uint64(0))
	next, err := l.in.Next(ctx, 10)
	l.must(err)
	l.equal("next", len(next), 0)
	l.must(l.out.Settle(ctx, exchange.Ack{Lane: exchange.Up}))
}

func (l *ledger) lease() {
	l.seize()
	_, _, ok, err := l.out.Seize(ctx, "b", time.Hour)
	l.must(err)
	l.equal("b gets it too", ok, false)
	before := l.fence
	l.seize()
	l.equal("fence after renewing", l.fence, before)
}

func (l *ledger) leaseRunsOut() {
	first, _, ok, err := l.out.Seize(ctx, "a", time.Millisecond)
	l.must(err)
	l.equal("a gets it", ok, true)
	var second uint64
	l.until("b gets the lane after a's time", func() bool {
		second, _, ok, err = l.out.Seize(ctx, "b", time.Hour)
		l.must(err)
		return ok
	})
	if second <= first {
		l.Errorf("fence did not rise: %d, then %d", first, second)
	}
	_, _, ok, err = l.out.Seize(ctx, "a", time.Hour)
	l.must(err)
	l.equal("a takes it back before b's time", ok, false)
	l.enqueueOne(exchange.KindAck, "p1")
	l.is("a numbers on", l.out.Number(ctx, first, headOf(0), []exchange.Numbered{{Parcel: "p1", Head: headOf(1), Bytes: []byte("x")}}), exchange.ErrFenced)
	l.must(l.out.Number(ctx, second, headOf(0), []exchange.Numbered{{Parcel: "p1", Head: headOf(1), Bytes: []byte("x")}}))
}

// until polls, because a lease's time is the store's own clock.
func (l *ledger) until(what string, done func() bool) {
	l.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	timeout := time.After(5 * time.Second)
	for !done() {
		select {
		case <-tick.C:
		case <-timeout:
			l.Fatalf("not within 5 s: %s", what)
		}
	}
}

func (l *ledger) number() {
	l.seize()
	l.enqueueOne(exchange.KindAck, "p1")
	l.enqueueOne(exchange.KindHeartbeat, "p2")
	w, err := l.out.Waiting(ctx, 10)
	l.must(err)
	if len(w) != 2 || w[0].ID != "p1" || w[1].ID != "p2" {
		l.Fatalf("waiting: %v", w)
	}
	one, err := l.out.Waiting(ctx, 1)
	l.must(err)
	l.equal("waiting, one asked for", len(one), 1)
	batch := []exchange.Numbered{{Parcel: "p1", Head: headOf(1), Bytes: []byte("one")}, {Parcel: "p2", Head: headOf(2), Bytes: []byte("two")}}
	l.must(l.out.Number(ctx, l.fence, l.head, batch))
	w, err = l.out.Waiting(ctx, 10)
	l.must(err)
	l.equal("waiting after", len(w), 0)
	due, err := l.out.Due(ctx, time.Now(), 10)
	l.must(err)
	l.equal("due", due, batch)
	l.seize()
	l.equal("head", l.head, headOf(2))
}

func (l *ledger) fenced() {
	l.fill(1)
	l.enqueueOne(exchange.KindAck, "p2")
	two := []exchange.Numbered{{Parcel: "p2", Head: headOf(2), Bytes: []byte("x")}}
	l.is("wrong fence", l.out.Number(ctx, l.fence+1, l.head, two), exchange.ErrFenced)
	l.is("old head", l.out.Number(ctx, l.fence, headOf(0), two), exchange.ErrFenced)
	other := l.head
	other.Digest[0] ^= 1
	l.is("other digest", l.out.Number(ctx, l.fence, other, two), exchange.ErrFenced)
	l.equal("due", l.dueSeqs(time.Now()), []uint64{1})
	w, err := l.out.Waiting(ctx, 10)
	l.must(err)
	l.equal("still waiting", len(w), 1)
	// A crash after the commit looks so: the same call again must not number a second time.
	l.must(l.out.Number(ctx, l.fence, l.head, two))
	l.is("the same again", l.out.Number(ctx, l.fence, l.head, two), exchange.ErrFenced)
	l.equal("due", l.dueSeqs(time.Now()), []uint64{1, 2})
}

func (l *ledger) enqueue() {
	l.seize()
	l.enqueueOne(exchange.KindAck, "old")
	l.enqueueOne(exchange.KindHeartbeat, "beat")
	l.enqueueOne(exchange.KindAck, "new")
	w, err := l.out.Waiting(ctx, 10)
	l.must(err)
	ids := map[string]bool{}
	for _, p := range w {
		ids[p.ID] = true
	}
	l.equal("waiting", ids, map[string]bool{"beat": true, "new": true})
	l.fill(1) // numbers an Ack of its own, which replaced "new"
	l.enqueueOne(exchange.KindAck, "later")
	l.equal("a numbered one is not replaced", l.dueSeqs(time.Now()), []uint64{1})
}

func (l *ledger) due() {
	l.fill(3)
	now := time.Now()
	l.equal("due", l.dueSeqs(now), []uint64{1, 2, 3})
	two, err := l.out.Due(ctx, now, 2)
	l.must(err)
	l.equal("two asked for", len(two), 2)
	l.must(l.out.Sent(ctx, []uint64{1, 3}, now.Add(time.Minute)))
	l.equal("due after sending", l.dueSeqs(now), []uint64{2})
	l.equal("due in time", l.dueSeqs(now.Add(2*time.Minute)), []uint64{1, 2, 3})
	if string(two[0].Bytes) != "bytes of p1" || two[0].Parcel != "p1" || two[0].Head != headOf(1) {
		l.Errorf("first is %+v", two[0])
	}
}

func (l *ledger) settle() {
	l.fill(4)
	l.must(l.out.Settle(ctx, ackOf(2)))
	l.equal("due", l.dueSeqs(time.Now()), []uint64{3, 4})
	l.must(l.out.Settle(ctx, ackOf(4)))
	l.equal("due", len(l.dueSeqs(time.Now())), 0)
	l.seize()
	l.equal("head", l.head, headOf(4))
}

func (l *ledger) settleTwice() {
	l.fill(3)
	a := ackOf(1)
	a.Refused = []exchange.Refusal{{Seq: 1, Reason: exchange.ReasonText}}
	a.Missing = []exchange.Range{{From: 2, To: 2}}
	for range 3 {
		l.must(l.out.Settle(ctx, a))
	}
	l.equal("due", l.dueSeqs(time.Now()), []uint64{2, 3})
}

func (l *ledger) settleOlder() {
	l.fill(3)
	later := time.Now().Add(time.Hour)
	l.must(l.out.Sent(ctx, []uint64{1, 2, 3}, later))
	l.must(l.out.Settle(ctx, ackOf(2)))
	old := ackOf(1)
	old.Missing = []exchange.Range{{From: 2, To: 3}}
	old.Refused = []exchange.Refusal{{Seq: 3, Reason: exchange.ReasonText}}
	l.must(l.out.Settle(ctx, old))
	l.equal("due now", len(l.dueSeqs(time.Now())), 0)
	l.equal("due later", l.dueSeqs(later), []uint64{3})
	l.must(l.out.Settle(ctx, exchange.Ack{Lane: exchange.Up, Epoch: 0, Contiguous: 99}))
	l.equal("due later", l.dueSeqs(later), []uint64{3})
}

func (l *ledger) settleMissing() {
	l.fill(6)
	now := time.Now()
	l.must(l.out.Sent(ctx, []uint64{1, 2, 3, 4, 5, 6}, now.Add(time.Hour)))
	a := ackOf(1)
	// The last range runs past the head: a receiver can't know better, so that part is passed over.
	a.Missing = []exchange.Range{{From: 2, To: 3}, {From: 5, To: 5}, {From: 7, To: 9}}
	l.must(l.out.Settle(ctx, a))
	l.equal("due at once", l.dueSeqs(now), []uint64{2, 3, 5})
	l.equal("all in time", l.dueSeqs(now.Add(2*time.Hour)), []uint64{2, 3, 4, 5, 6})
}

func (l *ledger) settleRefused() {
	l.fill(4)
	a := ackOf(1)
	a.Refused = []exchange.Refusal{{Seq: 1, Reason: exchange.ReasonFileKind}, {Seq: 3, Reason: exchange.ReasonText}}
	l.must(l.out.Settle(ctx, a))
	l.equal("a refused one is never due again", l.dueSeqs(time.Now().Add(time.Hour)), []uint64{2, 4})
	a.Missing = []exchange.Range{{From: 2, To: 3}}
	l.must(l.out.Settle(ctx, a))
	l.equal("nor when it is called missing", l.dueSeqs(time.Now().Add(time.Hour)), []uint64{2, 4})
}

func (l *ledger) settleAhead() {
	l.fill(2)
	l.is("beyond the head", l.out.Settle(ctx, ackOf(3)), exchange.ErrAhead)
	l.is("newer epoch", l.out.Settle(ctx, exchange.Ack{Lane: exchange.Up, Epoch: 2}), exchange.ErrAhead)
	l.equal("due", l.dueSeqs(time.Now()), []uint64{1, 2})
}

func (l *ledger) depth() {
	d, err := l.out.Depth(ctx)
	l.must(err)
	l.equal("empty", d, exchange.Depth{})
	l.fill(2)
	p := l.enqueueOne(exchange.KindHeartbeat, "waits")
	d, err = l.out.Depth(ctx)
	l.must(err)
	l.equal("waiting", d.Waiting, int64(1))
	l.equal("unacked", d.Unacked, int64(2))
	l.equal("open", d.Open(), int64(3))
	if d.Oldest.IsZero() || d.Oldest.After(p.Created) {
		l.Errorf("oldest: %v", d.Oldest)
	}
	l.must(l.out.Settle(ctx, ackOf(2)))
	d, err = l.out.Depth(ctx)
	l.must(err)
	l.equal("unacked after the ack", d.Unacked, int64(0))
	l.equal("oldest after the ack", d.Oldest.Equal(p.Created), true)
}
