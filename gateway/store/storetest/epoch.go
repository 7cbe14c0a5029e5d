package storetest

import (
	"fmt"

	"gatehouse/exchange"
	"gatehouse/gateway"
)

// secondEpoch is an epoch as an operator begins it.
const secondEpoch = 1_777_000_000

// newEpoch: what is not done goes again as it was, whole documents in their order; what is done, and what was refused,
// does not.
func newEpoch(b *bench) {
	b.file("PL-1")
	half := b.file("PL-2", lump(2*exchange.PartSize))
	refused := b.file("PL-3", lump(100))
	b.file("PL-4")
	l := b.lane()
	before := l.number() // done, half and its two parts, refused and its part, last
	b.equal("parcels", len(before), 7)
	l.ack(2, exchange.Refusal{Seq: 5, Reason: exchange.ReasonText}) // half's document is in, its parts are not
	_, err := l.out.Begin(b.Context(), secondEpoch)
	b.must(err)
	l = b.lane()
	b.equal("head", l.head, exchange.Head{Epoch: secondEpoch})
	again := l.number()
	want := []exchange.Parcel{before[1], before[2], before[3], before[6]}
	b.equal("parcels again", len(again), len(want))
	for i, p := range again {
		b.equal(fmt.Sprint("parcel again ", i), p, want[i])
	}
	b.equal("first of them", again[0].ID, half.matter.ID)
	due, err := l.out.Due(b.Context(), b.clock.now(), 100)
	b.must(err)
	for _, n := range due {
		b.equal("epoch of what is due", n.Head.Epoch, uint32(secondEpoch))
	}
	l.ack(9) // of the old epoch: nothing
	b.equal("before the Ack", b.tracked("PL-2").State, exchange.Queued)
	b.must(l.out.Settle(b.Context(), exchange.Ack{Lane: exchange.Up, Epoch: secondEpoch, Contiguous: 4, At: b.clock.now()}))
	b.equal("after the Ack", fmt.Sprint(b.tracked("PL-2").State, b.tracked("PL-4").State, b.counts().CrossingsOpen), fmt.Sprint(exchange.Crossed, exchange.Crossed, 0))
	for _, f := range []filed{half, refused} {
		_, err := b.File(b.Context(), shaOf(f.files[0]))
		b.is("its file", err, gateway.ErrNotFound)
	}
	list, err := b.Refusals(b.Context(), 10)
	b.must(err)
	b.equal("refusals", len(list), 1)
}
