package storetest

import (
	"context"
	"strings"
	"time"

	"gatehouse/exchange"
)

// newEpoch: what is not done goes again as it was; what left since a moment goes again on request, out of its copy;
// what was refused does not.
func (t *suite) newEpoch() {
	var say []exchange.Parcel
	for _, id := range []string{"a", "b", "c", "d"} {
		say = append(say, parcel(id))
	}
	t.must(t.s.Tell(t.Context(), "desk", "", "1", say, nil, nil))
	t.numberAll(1)
	settle := func(epoch uint32, contiguous uint64, refused ...exchange.Refusal) {
		t.must(t.s.Outgoing().Settle(t.Context(), exchange.Ack{Lane: exchange.Down, Epoch: epoch, Contiguous: contiguous, Refused: refused, At: t.now}))
	}
	settle(1, 1, exchange.Refusal{Seq: 3, Reason: exchange.ReasonText})
	const second = 1_790_000_000
	head, err := t.s.Outgoing().Begin(t.Context(), second)
	t.must(err)
	if head != (exchange.Head{Epoch: second}) {
		t.Errorf("head %v", head)
	}
	t.waits("b d")
	t.numberAll(second)
	settle(1, 4) // of the old epoch: nothing
	settle(second, 2)
	t.waits("")
	again, ok := t.s.(interface {
		Resend(ctx context.Context, since time.Time) (int64, error)
	})
	if !ok {
		t.Fatal("the store can't send again")
	}
	for since, want := range map[time.Time]int64{say[0].Created.Add(time.Hour): 0, say[0].Created: 3} {
		if n, err := again.Resend(t.Context(), since); err != nil || n != want {
			t.Errorf("since %v %d go again, want %d: %v", since, n, want, err)
		}
	}
	t.waits("a b d")
}

// numberAll gives what waits its numbers in an epoch that begins.
func (t *suite) numberAll(epoch uint32) {
	t.Helper()
	out := t.s.Outgoing()
	fence, head, ok, err := out.Seize(t.Context(), "sealer", time.Hour)
	t.must(err)
	if !ok || head.Epoch != epoch || head.Seq != 0 {
		t.Fatalf("the lane stands at %v, seized: %v", head, ok)
	}
	waiting, err := out.Waiting(t.Context(), 100)
	t.must(err)
	var batch []exchange.Numbered
	next := head
	for _, p := range waiting {
		next.Seq++
		next.Digest[0] = byte(next.Seq)
		batch = append(batch, exchange.Numbered{Parcel: p.ID, Head: next, Bytes: []byte("sealed " + p.ID)})
	}
	t.must(out.Number(t.Context(), fence, head, batch))
}

// waits wants the parcels that wait, whole and in order.
func (t *suite) waits(want string) {
	t.Helper()
	waiting, err := t.s.Outgoing().Waiting(t.Context(), 100)
	t.must(err)
	var got []string
	for _, p := range waiting {
		got = append(got, p.ID)
		if string(p.Content) != string(parcel(p.ID).Content) {
			t.Errorf("%s waits with %q", p.ID, p.Content)
		}
	}
	if s := strings.Join(got, " "); s != want {
		t.Errorf("%q wait, want %q", s, want)
	}
}
