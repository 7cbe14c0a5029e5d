package exchangetest

import (
	"bytes"
	"fmt"
	"time"

	"gatehouse/exchange"
)

// arrive makes the arrival with that number on both hops.
func arrive(seq uint64) exchange.Arrival {
	a := exchange.Arrival{
		Head: headOf(seq), Origin: exchange.Head{Epoch: 1, Seq: seq, Digest: digest("origin", seq)},
		Parcel: exchange.Parcel{
			ID: fmt.Sprintf("p%d", seq), Kind: exchange.KindCase, Content: fmt.Append(nil, "content ", seq),
			Created: time.UnixMilli(1_770_000_000_000 + int64(seq)).UTC(),
		},
	}
	if seq > 1 {
		a.Prev = digest("hop", seq-1)
	}
	return a
}

func refusedArrival(seq uint64) exchange.Arrival {
	a := arrive(seq)
	a.Parcel, a.Refused, a.Of = exchange.Parcel{}, exchange.ReasonFileKind, "document"
	return a
}

func (l *ledger) keepSeqs(seqs ...uint64) {
	l.Helper()
	for _, s := range seqs {
		fresh, err := l.in.Keep(ctx, arrive(s))
		l.must(err)
		l.equal(fmt.Sprintf("%d is fresh", s), fresh, true)
	}
}

func (l *ledger) nextSeqs() []uint64 {
	l.Helper()
	next, err := l.in.Next(ctx, 1000)
	l.must(err)
	var seqs []uint64
	for _, a := range next {
		seqs = append(seqs, a.Origin.Seq)
	}
	return seqs
}

func (l *ledger) heard() exchange.Heard {
	l.Helper()
	h, err := l.in.Heard(ctx)
	l.must(err)
	return h
}

func (l *ledger) keep() {
	l.keepSeqs(1, 2, 3)
	h := l.heard()
	l.equal("epoch", h.Epoch, uint32(1))
	l.equal("contiguous", h.Contiguous, uint64(3))
	l.equal("missing", len(h.Missing), 0)
	l.equal("last", h.Last, headOf(3))
	l.equal("next", l.nextSeqs(), []uint64{1, 2, 3})
	one, err := l.in.Next(ctx, 1)
	l.must(err)
	l.equal("one asked for", len(one), 1)
}

func (l *ledger) keepTwice() {
	l.keepSeqs(1, 2)
	for _, s := range []uint64{1, 2} {
		fresh, err := l.in.Keep(ctx, arrive(s))
		l.must(err)
		l.equal("fresh", fresh, false)
	}
	again := arrive(2) // the guard sealed it anew, or gave it another number on this hop: still the same document
	again.Head = headOf(3)
	fresh, err := l.in.Keep(ctx, again)
	l.must(err)
	l.equal("fresh under another number", fresh, false)
	l.equal("next", l.nextSeqs(), []uint64{1, 2})
	l.equal("last", l.heard().Last, headOf(2))
}

func (l *ledger) keepHandled() {
	l.keepSeqs(1)
	l.must(l.in.Handled(ctx, []uint64{1}))
	fresh, err := l.in.Keep(ctx, arrive(1))
	l.must(err)
	l.equal("fresh", fresh, false)
	l.equal("next", len(l.nextSeqs()), 0)
}

func (l *ledger) replay() {
	l.keepSeqs(1, 2)
	l.must(l.in.Handled(ctx, []uint64{1}))
	for _, seq := range []uint64{1, 2} {
		other := arrive(seq)
		other.Origin.Digest = digest("forged", seq)
		_, err := l.in.Keep(ctx, other)
		l.is("known number of the origin with another digest", err, exchange.ErrReplay)
	}
	hop := arrive(3)
	hop.Head, hop.Prev = headOf(2), digest("hop", 1)
	_, err := l.in.Keep(ctx, hop)
	l.is("known number of the hop with another origin", err, exchange.ErrReplay)
	l.equal("next", l.nextSeqs(), []uint64{2})
	l.equal("contiguous", l.heard().Contiguous, uint64(2))
}

func (l *ledger) chain() {
	first := arrive(1)
	first.Prev[5] = 1
	_, err := l.in.Keep(ctx, first)
	l.is("something before number 1", err, exchange.ErrChain)
	l.keepSeqs(1, 4)
	two := arrive(2)
	two.Prev[5] ^= 1
	_, err = l.in.Keep(ctx, two)
	l.is("does not follow 1", err, exchange.ErrChain)
	three := arrive(3)
	three.Head.Digest[5] ^= 1
	_, err = l.in.Keep(ctx, three)
	l.is("4 does not follow it", err, exchange.ErrChain)
	l.keepSeqs(3, 2)
	l.equal("contiguous", l.heard().Contiguous, uint64(4))
}

func (l *ledger) outOfOrder() {
	l.keepSeqs(3, 1, 5)
	h := l.heard()
	l.equal("contiguous", h.Contiguous, uint64(1))
	l.equal("missing", h.Missing, []exchange.Range{{From: 2, To: 2}, {From: 4, To: 4}})
	l.equal("last", h.Last, headOf(1))
	l.equal("next stops at the gap", l.nextSeqs(), []uint64{1})
	l.must(l.in.Handled(ctx, []uint64{1}))
	l.equal("nothing to do", len(l.nextSeqs()), 0)
	l.keepSeqs(2)
	l.equal("next", l.nextSeqs(), []uint64{2, 3})
	l.keepSeqs(4)
	l.equal("next", l.nextSeqs(), []uint64{2, 3, 4, 5})
	h = l.heard()
	l.equal("contiguous", h.Contiguous, uint64(5))
	l.equal("missing", len(h.Missing), 0)
	l.equal("last", h.Last, headOf(5))
}

func (l *ledger) manyGaps() {
	for i := range uint64(exchange.MaxMissing + 10) {
		l.keepSeqs(2 * (i + 1))
	}
	h := l.heard()
	l.equal("contiguous", h.Contiguous, uint64(0))
	l.equal("gaps", len(h.Missing), exchange.MaxMissing)
	l.equal("the lowest first", h.Missing[0], exchange.Range{From: 1, To: 1})
	if _, err := exchange.Encode(h.Ack(exchange.Up, time.Now())); err != nil {
		l.Errorf("can't be sent: %v", err)
	}
}

func (l *ledger) refusedTold() {
	l.keepSeqs(1)
	_, err := l.in.Keep(ctx, refusedArrival(2))
	l.must(err)
	h := l.heard()
	l.equal("contiguous", h.Contiguous, uint64(2))
	l.equal("refused", h.Refused, []exchange.Refusal{{Seq: 2, Reason: exchange.ReasonFileKind}})
	next, err := l.in.Next(ctx, 10)
	l.must(err)
	if len(next) != 2 || next[1].Refused != exchange.ReasonFileKind || next[1].Of != "document" {
		l.Errorf("next: %+v", next)
	}
	l.must(l.in.Handled(ctx, []uint64{2}))
	l.equal("refused, handled but not told", len(l.heard().Refused), 1)
	a := h.Ack(exchange.Up, time.Now())
	for range 2 {
		l.must(l.in.Told(ctx, a))
		l.equal("refused after it was told", len(l.heard().Refused), 0)
	}
	l.equal("contiguous", l.heard().Contiguous, uint64(2))
}

func (l *ledger) manyRefused() {
	const n = 2*exchange.MaxRefused + 3
	for i := range uint64(n) {
		_, err := l.in.Keep(ctx, refusedArrival(i+1))
		l.must(err)
	}
	told := map[uint64]bool{}
	last := uint64(0)
	for range 3 {
		a := l.heard().Ack(exchange.Up, time.Now())
		l.must(a.Check())
		if a.Contiguous < last {
			l.Errorf("contiguous fell from %d to %d", last, a.Contiguous)
		}
		last = a.Contiguous
		for _, r := range a.Refused {
			told[r.Seq] = true
		}
		for seq := range a.Contiguous {
			if !told[seq+1] {
				l.Fatalf("%d is called done before it is called refused", seq+1)
			}
		}
		l.must(l.in.Told(ctx, a))
	}
	l.equal("told", len(told), n)
	l.equal("contiguous", last, uint64(n))
}

func (l *ledger) handled() {
	l.keepSeqs(1, 2, 3)
	for range 2 {
		l.must(l.in.Handled(ctx, []uint64{1, 2}))
		l.equal("next", l.nextSeqs(), []uint64{3})
	}
	l.must(l.in.Handled(ctx, []uint64{77}))
	l.equal("contiguous", l.heard().Contiguous, uint64(3))
}

func (l *ledger) newEpoch() {
	l.keepSeqs(1, 3)
	second := func(seq uint64) exchange.Arrival {
		a := arrive(seq)
		a.Origin.Epoch, a.Origin.Digest, a.Parcel.ID = 2, digest("second", seq), fmt.Sprintf("second-%d", seq)
		a.Head, a.Prev = exchange.Head{Epoch: 1, Seq: 10 + seq, Digest: digest("hop", 10+seq)}, digest("hop", 9+seq)
		return a
	}
	for _, s := range []uint64{2, 1} {
		fresh, err := l.in.Keep(ctx, second(s))
		l.must(err)
		l.equal("fresh", fresh, true)
	}
	h := l.heard()
	l.equal("epoch", h.Epoch, uint32(2))
	l.equal("contiguous", h.Contiguous, uint64(2))
	l.equal("missing", len(h.Missing), 0)
	_, err := l.in.Keep(ctx, arrive(2))
	l.is("an old epoch", err, exchange.ErrReplay)
	next, err := l.in.Next(ctx, 10)
	l.must(err)
	var got []exchange.Head
	for _, a := range next {
		got = append(got, exchange.Head{Epoch: a.Origin.Epoch, Seq: a.Origin.Seq})
	}
	l.equal("what was whole before, then the new", got, []exchange.Head{{Epoch: 1, Seq: 1}, {Epoch: 2, Seq: 1}, {Epoch: 2, Seq: 2}})
}

func (l *ledger) content() {
	a := arrive(1)
	a.Parcel.Content = bytes.Repeat([]byte("0123456789abcdef"), exchange.MaxContent/16)
	_, err := l.in.Keep(ctx, a)
	l.must(err)
	next, err := l.in.Next(ctx, 1)
	l.must(err)
	if len(next) != 1 || !bytes.Equal(next[0].Parcel.Content, a.Parcel.Content) {
		l.Fatal("the content is another")
	}
	l.equal("created", next[0].Parcel.Created.UnixMilli(), a.Parcel.Created.UnixMilli())
	next[0].Parcel.Content, a.Parcel.Content = nil, nil
	next[0].Parcel.Created = a.Parcel.Created
	l.equal("arrival", next[0], a)
}

func (l *ledger) highest() {
	l.equal("of nothing", l.heard().Highest, uint64(0))
	l.keepSeqs(1, 2)
	l.equal("without a gap", l.heard().Highest, uint64(2))
	l.keepSeqs(7, 5)
	l.equal("beyond gaps", l.heard().Highest, uint64(7))
}

func (l *ledger) kept() {
	l.keepSeqs(1, 2, 3, 5)
	l.must(l.in.Handled(ctx, []uint64{1}))
	seqs := func(epoch uint32, seq uint64, n int) (got []uint64) {
		l.Helper()
		all, err := l.in.Kept(ctx, epoch, seq, n)
		l.must(err)
		for _, a := range all {
			got = append(got, a.Origin.Seq)
			if a.Head != headOf(a.Head.Seq) || a.Parcel.Content != nil || a.Parcel.Kind == "" {
				l.Errorf("%+v", a)
			}
		}
		return got
	}
	l.equal("up to the gap, handled ones too", seqs(0, 0, 10), []uint64{1, 2, 3})
	l.equal("after a number", seqs(1, 1, 10), []uint64{2, 3})
	l.equal("a few", seqs(1, 0, 2), []uint64{1, 2})
	l.equal("after the last", len(seqs(1, 3, 10)), 0)
}
