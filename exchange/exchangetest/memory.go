package exchangetest

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"gatehouse/exchange"
)

// Outgoing is a lane's sending end in memory: the contract as simply as it can be written. Its methods may be called
// at any time from anywhere.
type Outgoing struct {
	Now func() time.Time // nil: time.Now

	mu      sync.Mutex
	owner   string
	until   time.Time
	fence   uint64
	head    exchange.Head
	waiting []exchange.Parcel
	sent    []outgoing
	settled uint64
	refused map[string]exchange.Reason
}

type outgoing struct {
	exchange.Numbered
	parcel exchange.Parcel
	again  time.Time
	done   bool
}

// NewOutgoing gives an empty sending end.
func NewOutgoing() *Outgoing {
	return &Outgoing{head: exchange.Head{Epoch: 1}, refused: map[string]exchange.Reason{}}
}

func (o *Outgoing) now() time.Time {
	if o.Now != nil {
		return o.Now()
	}
	return time.Now()
}

// Add puts parcels into the lane, as a side's Commit does.
func (o *Outgoing) Add(p ...exchange.Parcel) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.waiting = append(o.waiting, p...)
}

// Refused gives the parcels that the border refused, by id.
func (o *Outgoing) Refused() map[string]exchange.Reason {
	o.mu.Lock()
	defer o.mu.Unlock()
	out := map[string]exchange.Reason{}
	for k, v := range o.refused {
		out[k] = v
	}
	return out
}

// Open counts the documents that wait for a number or for an Ack. The lane's own do not count: two ends that answer each
// other's Acks at the same moment always have one under way.
func (o *Outgoing) Open() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	n := 0
	count := func(k exchange.Kind) {
		if k != exchange.KindAck && k != exchange.KindHistory {
			n++
		}
	}
	for _, p := range o.waiting {
		count(p.Kind)
	}
	for _, e := range o.sent {
		if !e.done {
			count(e.parcel.Kind)
		}
	}
	return n
}

// Seize implements exchange.Outgoing.
func (o *Outgoing) Seize(_ context.Context, owner string, ttl time.Duration) (uint64, exchange.Head, bool, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := o.now()
	if o.owner != owner {
		if now.Before(o.until) {
			return 0, exchange.Head{}, false, nil
		}
		o.owner = owner
		o.fence++
	}
	o.until = now.Add(ttl)
	return o.fence, o.head, true, nil
}

// Waiting implements exchange.Outgoing.
func (o *Outgoing) Waiting(_ context.Context, n int) ([]exchange.Parcel, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.waiting[:min(n, len(o.waiting))]), nil
}

// Enqueue implements exchange.Outgoing.
func (o *Outgoing) Enqueue(_ context.Context, p exchange.Parcel) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.waiting = slices.DeleteFunc(o.waiting, func(w exchange.Parcel) bool { return w.Kind == p.Kind })
	o.waiting = append(o.waiting, p)
	return nil
}

// Number implements exchange.Outgoing.
func (o *Outgoing) Number(_ context.Context, fence uint64, from exchange.Head, batch []exchange.Numbered) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if fence != o.fence || from != o.head {
		return exchange.ErrFenced
	}
	for _, n := range batch {
		o.sent = append(o.sent, outgoing{Numbered: n, parcel: o.unwait(n.Parcel)})
		o.head = n.Head
	}
	return nil
}

// Due implements exchange.Outgoing.
func (o *Outgoing) Due(_ context.Context, now time.Time, n int) ([]exchange.Numbered, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	var out []exchange.Numbered
	for _, e := range o.sent {
		if !e.done && !e.again.After(now) && len(out) < n {
			out = append(out, e.Numbered)
		}
	}
	return out, nil
}

// Sent implements exchange.Outgoing.
func (o *Outgoing) Sent(_ context.Context, seqs []uint64, again time.Time) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	for i, e := range o.sent {
		if slices.Contains(seqs, e.Head.Seq) {
			o.sent[i].again = again
		}
	}
	return nil
}

// Settle implements exchange.Outgoing.
func (o *Outgoing) Settle(_ context.Context, a exchange.Ack) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if a.Epoch > o.head.Epoch || a.Epoch == o.head.Epoch && a.Contiguous > o.head.Seq {
		return exchange.ErrAhead
	}
	if a.Epoch < o.head.Epoch || a.Contiguous < o.settled {
		return nil
	}
	o.settled = a.Contiguous
	for i := range o.sent {
		o.settle(&o.sent[i], a)
	}
	return nil
}

func (o *Outgoing) settle(e *outgoing, a exchange.Ack) {
	if e.done {
		return
	}
	seq := e.Head.Seq
	for _, r := range a.Refused {
		if r.Seq == seq {
			o.refused[e.Parcel] = r.Reason
			e.done = true
		}
	}
	if seq <= a.Contiguous {
		e.done = true
	}
	for _, r := range a.Missing {
		if !e.done && r.From <= seq && seq <= r.To {
			e.again = time.Time{}
		}
	}
	if e.done {
		e.Bytes = nil
	}
}

// Depth implements exchange.Outgoing.
func (o *Outgoing) Depth(context.Context) (exchange.Depth, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	d := exchange.Depth{Waiting: int64(len(o.waiting))}
	old := func(at time.Time) {
		if d.Oldest.IsZero() || at.Before(d.Oldest) {
			d.Oldest = at
		}
	}
	for _, w := range o.waiting {
		old(w.Created)
	}
	for _, e := range o.sent {
		if !e.done {
			d.Unacked++
			old(e.parcel.Created)
		}
	}
	return d, nil
}

// Incoming is a lane's receiving end in memory.
type Incoming struct {
	mu       sync.Mutex
	arrivals []arrival // in the origin's order
}

type arrival struct {
	exchange.Arrival
	handled, told bool
}

// NewIncoming gives an empty receiving end.
func NewIncoming() *Incoming { return &Incoming{} }

// Keep implements exchange.Incoming.
func (in *Incoming) Keep(_ context.Context, a exchange.Arrival) (bool, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if n := len(in.arrivals); n > 0 && a.Origin.Epoch < in.arrivals[n-1].Origin.Epoch {
		return false, exchange.ErrReplay
	}
	for _, k := range in.arrivals {
		if k.Origin.Epoch == a.Origin.Epoch && k.Origin.Seq == a.Origin.Seq {
			if k.Origin.Digest != a.Origin.Digest {
				return false, exchange.ErrReplay
			}
			return false, nil
		}
	}
	if err := in.follows(a); err != nil {
		return false, err
	}
	in.arrivals = append(in.arrivals, arrival{Arrival: a, handled: in.repeated(a)})
	slices.SortFunc(in.arrivals, func(x, y arrival) int {
		return cmp.Or(cmp.Compare(x.Origin.Epoch, y.Origin.Epoch), cmp.Compare(x.Origin.Seq, y.Origin.Seq))
	})
	return true, nil
}

// follows holds a against its neighbours on this hop.
func (in *Incoming) follows(a exchange.Arrival) error {
	if a.Head.Seq == 1 && a.Prev != [32]byte{} {
		return exchange.ErrChain
	}
	for _, k := range in.arrivals {
		switch {
		case k.Head.Epoch != a.Head.Epoch:
		case k.Head.Seq == a.Head.Seq:
			return exchange.ErrReplay
		case k.Head.Seq+1 == a.Head.Seq && k.Head.Digest != a.Prev,
			k.Head.Seq == a.Head.Seq+1 && k.Prev != a.Head.Digest:
			return exchange.ErrChain
		}
	}
	return nil
}

// Heard implements exchange.Incoming.
func (in *Incoming) Heard(context.Context) (exchange.Heard, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	h := exchange.Heard{Last: in.last()}
	if len(in.arrivals) == 0 {
		return h, nil
	}
	h.Epoch = in.arrivals[len(in.arrivals)-1].Origin.Epoch
	next := uint64(1)
	for _, a := range in.arrivals {
		if a.Origin.Epoch != h.Epoch {
			continue
		}
		if a.Origin.Seq > next && len(h.Missing) < exchange.MaxMissing {
			h.Missing = append(h.Missing, exchange.Range{From: next, To: a.Origin.Seq - 1})
		}
		if a.Refused != 0 && !a.told && len(h.Refused) <= exchange.MaxRefused {
			h.Refused = append(h.Refused, exchange.Refusal{Seq: a.Origin.Seq, Reason: a.Refused})
		}
		next, h.Highest = a.Origin.Seq+1, a.Origin.Seq
		if len(h.Missing) == 0 {
			h.Contiguous = a.Origin.Seq
		}
	}
	return h, nil
}

func (in *Incoming) last() exchange.Head {
	hops := slices.Clone(in.arrivals)
	slices.SortFunc(hops, func(x, y arrival) int {
		return cmp.Or(cmp.Compare(y.Head.Epoch, x.Head.Epoch), cmp.Compare(x.Head.Seq, y.Head.Seq))
	})
	var last exchange.Head
	for _, a := range hops {
		if last.Epoch == 0 {
			last.Epoch = a.Head.Epoch
		}
		if begins := a.Origin.Seq == 1; a.Head.Epoch != last.Epoch || a.Head.Seq != last.Seq+1 && !begins {
			continue // before an epoch of the origin begins, a gap never closes
		}
		last = a.Head
	}
	return last
}

// Told implements exchange.Incoming.
func (in *Incoming) Told(_ context.Context, a exchange.Ack) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	for i, k := range in.arrivals {
		for _, r := range a.Refused {
			if k.Origin.Epoch == a.Epoch && k.Origin.Seq == r.Seq {
				in.arrivals[i].told = true
			}
		}
	}
	return nil
}

// Next implements exchange.Incoming.
func (in *Incoming) Next(_ context.Context, n int) ([]exchange.Arrival, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	var out []exchange.Arrival
	var at exchange.Head
	for _, a := range in.arrivals {
		if a.Origin.Epoch != at.Epoch {
			at = exchange.Head{Epoch: a.Origin.Epoch}
		}
		if a.Origin.Seq != at.Seq+1 {
			// A gap at the end of an older epoch never closes; the newer one goes on.
			continue
		}
		at.Seq = a.Origin.Seq
		if !a.handled && len(out) < n {
			out = append(out, a.Arrival)
		}
	}
	return out, nil
}

// Kept implements exchange.Incoming.
func (in *Incoming) Kept(_ context.Context, epoch uint32, seq uint64, n int) ([]exchange.Arrival, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	var out []exchange.Arrival
	var at exchange.Head
	for _, a := range in.arrivals {
		if a.Origin.Epoch != at.Epoch {
			at = exchange.Head{Epoch: a.Origin.Epoch}
		}
		if a.Origin.Seq != at.Seq+1 {
			continue
		}
		at.Seq = a.Origin.Seq
		if (at.Epoch > epoch || at.Epoch == epoch && at.Seq > seq) && len(out) < n {
			x := a.Arrival
			x.Parcel.Content = nil
			out = append(out, x)
		}
	}
	return out, nil
}

// Handled implements exchange.Incoming.
func (in *Incoming) Handled(_ context.Context, seqs []uint64) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	for i, a := range in.arrivals {
		if slices.Contains(seqs, a.Head.Seq) {
			in.arrivals[i].handled = true
		}
	}
	return nil
}
