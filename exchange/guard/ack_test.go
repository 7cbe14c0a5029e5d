package guard

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"gatehouse/exchange"
)

// ackOf is what an inside says of the lane up; the canonical empty lists are nil.
func ackOf(contiguous uint64, missing []exchange.Range, refused []exchange.Refusal) exchange.Ack {
	return exchange.Ack{Lane: exchange.Up, Epoch: 1, Contiguous: contiguous, Missing: missing, Refused: refused}
}

func ranges(n ...uint64) (all []exchange.Range) {
	for i := 0; i < len(n); i += 2 {
		all = append(all, exchange.Range{From: n[i], To: n[i+1]})
	}
	return all
}

func refusals(seqs ...uint64) (all []exchange.Refusal) {
	for _, s := range seqs {
		all = append(all, exchange.Refusal{Seq: s, Reason: exchange.ReasonText})
	}
	return all
}

// TestAckFollowsTheOneBefore walks pairs of Acks: the first passes, the second by the rule.
func TestAckFollowsTheOneBefore(t *testing.T) {
	before := ackOf(100, ranges(102, 110, 120, 120), refusals(105, 115))
	before.Missing = ranges(106, 110, 120, 120)
	for name, c := range map[string]struct {
		next exchange.Ack
		ok   bool
	}{
		"the same again":              {before, true},
		"further":                     {ackOf(110, ranges(120, 120), nil), true},
		"goes back":                   {ackOf(99, nil, nil), false},
		"as fast as a lane can":       {ackOf(100+20*ackRate, nil, nil), true},
		"faster":                      {ackOf(101+20*ackRate, nil, nil), false},
		"less of a gap":               {ackOf(100, ranges(107, 108), nil), true},
		"a gap in two":                {ackOf(100, ranges(106, 107, 109, 110), nil), true},
		"arrived, and missing again":  {ackOf(100, ranges(112, 112), nil), false},
		"grown to the left":           {ackOf(100, ranges(105, 110), nil), false},
		"a new gap above":             {ackOf(100, ranges(106, 110, 121, 130), nil), true},
		"up to the window":            {ackOf(100, ranges(106, 110, 200, 100+exchange.AckWindow), nil), true},
		"beyond the window":           {ackOf(100, ranges(106, 110, 200, 101+exchange.AckWindow), nil), false},
		"another refusal":             {ackOf(100, nil, refusals(117)), true},
		"a refusal of what was whole": {ackOf(100, nil, refusals(90)), false},
		"refused for another reason":  {ackOf(100, nil, []exchange.Refusal{{Seq: 105, Reason: exchange.ReasonVirus}}), false},
		"refused and missing":         {ackOf(100, ranges(106, 110), refusals(107)), false},
		"a refusal beyond the window": {ackOf(100, nil, refusals(101+exchange.AckWindow)), false},
		"a next epoch":                {exchange.Ack{Lane: exchange.Up, Epoch: 2, Contiguous: 5}, true},
		"an epoch that began today":   {exchange.Ack{Lane: exchange.Up, Epoch: uint32(noon.Unix()), Contiguous: 5}, true},
		"an epoch of the future":      {exchange.Ack{Lane: exchange.Up, Epoch: uint32(noon.Add(25 * time.Hour).Unix()), Contiguous: 5}, false},
		"an epoch before":             {exchange.Ack{Lane: exchange.Up, Epoch: 0, Contiguous: 500}, false},
		"its own moment":              {exchange.Ack{Lane: exchange.Up, Epoch: 1, Contiguous: 100, At: noon}, false},
		"its own lane":                {exchange.Ack{Lane: exchange.Down, Epoch: 1, Contiguous: 100}, false},
	} {
		p := newPost(t, exchange.Down, Limits{})
		p.wantReason(name+": before", p.cross(before), exchange.ReasonNone)
		p.now = p.now.Add(10 * time.Second)
		want := exchange.ReasonNone
		if !c.ok {
			want = exchange.ReasonSchema
		}
		p.wantReason(name, p.cross(c.next), want)
	}
}

// TestRefusalIsToldOnce: only the Ack just before may be repeated, also over a restart of the guard.
func TestRefusalIsToldOnce(t *testing.T) {
	p := newPost(t, exchange.Down, Limits{})
	say := func(what string, a exchange.Ack, want exchange.Reason) {
		t.Helper()
		p.wantReason(what, p.cross(a), want)
		p.now = p.now.Add(10 * time.Second)
	}
	say("first", ackOf(100, nil, refusals(105)), exchange.ReasonNone)
	say("again, as after a crash", ackOf(100, nil, refusals(105, 106)), exchange.ReasonNone)
	say("another", ackOf(100, nil, refusals(107)), exchange.ReasonNone)
	p.reopen()
	say("told two before", ackOf(100, nil, refusals(105)), exchange.ReasonSchema)
	say("told just before", ackOf(100, nil, refusals(107)), exchange.ReasonNone)
}

// TestFloodOfAcksIsPaced: a compromised inside sends an Ack whenever the guard will look. At most one each 10 s leaves,
// by the guard's clock, all of one size; the rest waits without an alarm, and a notice behind it too.
func TestFloodOfAcksIsPaced(t *testing.T) {
	p := newPost(t, exchange.Down, Limits{})
	left, size := 0, map[int]int{}
	e := p.origin.Seal(p, p.parcel(ackOf(1, nil, nil)))
	for range 60 * 60 {
		p.now = p.now.Add(time.Second)
		before := len(p.out)
		err := p.hand(e)
		if err != nil && !errors.Is(err, errPaced) {
			t.Fatal(err)
		}
		if n := len(p.out) - before; n > 0 {
			left++
			size[len(p.out[len(p.out)-1])]++
			a := ackOf(uint64(left+1), nil, nil)
			if left%2 == 0 {
				a = ackOf(uint64(left+1), ranges(uint64(left+3), uint64(left+9)), nil)
			}
			e = p.origin.Seal(p, p.parcel(a))
		}
	}
	if most := 60*60/9 + 1; left > most {
		t.Errorf("%d frames left in an hour, at most %d may", left, most)
	}
	if len(size) != 1 {
		t.Errorf("sizes of frames: %v", size)
	}
	if s := p.guard.Status(); s.Aside != 0 || len(s.Refused) != 0 {
		t.Errorf("a flood is no error: %+v", s)
	}
}

// ackBits is how many bits one Ack can carry at most that its sender chooses, by the rules of judgeAck: how far it rises
// in 10 s, 64 ranges and 32 refusals within the window, their reasons, which of the last are told again, the epoch.
func ackBits() float64 {
	choose := func(n, k float64) float64 {
		a, _ := math.Lgamma(n + 1)
		b, _ := math.Lgamma(k + 1)
		c, _ := math.Lgamma(n - k + 1)
		return (a - b - c) / math.Ln2
	}
	rise := math.Log2(float64(allowed(10 * time.Second)))
	missing := choose(exchange.AckWindow, 2*exchange.MaxMissing)
	refused := choose(exchange.AckWindow, exchange.MaxRefused) + exchange.MaxRefused*math.Log2(13)
	return rise + missing + refused + exchange.MaxRefused + 32
}

// maxAckBits is what is promised of one Ack, and so of each 9 s of the lane down: some 150 bits a second, of the 7,000
// that a frame of its size could carry. It holds although the Ack is the compromised inside's own from end to end.
const maxAckBits = 1350

// TestInsideThatWritesInReceipts: an inside encodes a secret in its Acks with all the freedom that there is. What
// leaves is what the rules leave room for; anything more is refused.
func TestInsideThatWritesInReceipts(t *testing.T) {
	if bits := ackBits(); bits > maxAckBits {
		t.Errorf("an Ack carries %.0f bits, %d are promised", bits, maxAckBits)
	}
	p := newPost(t, exchange.Down, Limits{})
	rng := rand.New(rand.NewPCG(3, 4))
	contiguous, passed := uint64(1000), 0
	for range 40 {
		a := ackOf(contiguous, nil, nil)
		ends := map[uint64]bool{}
		for len(ends) < 2*exchange.MaxMissing+exchange.MaxRefused {
			ends[contiguous+2+rng.Uint64N(exchange.AckWindow-2)] = true
		}
		all := slices.Collect(func(yield func(uint64) bool) {
			for e := range ends {
				if !yield(e) {
					return
				}
			}
		})
		rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		slots := slices.Clone(all[:2*exchange.MaxMissing])
		slices.Sort(slots)
		a.Missing = ranges(slots...)
		for _, seq := range slices.Sorted(slices.Values(all[2*exchange.MaxMissing:])) {
			if !slices.ContainsFunc(a.Missing, func(r exchange.Range) bool { return r.From <= seq && seq <= r.To }) {
				a.Refused = append(a.Refused, exchange.Refusal{Seq: seq, Reason: exchange.Reason(1 + rng.IntN(13))})
			}
		}
		if arrival := p.cross(a); arrival.Refused == exchange.ReasonNone {
			passed++
		}
		p.now = p.now.Add(10 * time.Second)
		contiguous += 1 + rng.Uint64N(2*exchange.AckWindow) // nearly always too little to be past what was told
	}
	t.Logf("%d of 40 frames passed; at most %.0f bits each", passed, ackBits())
	if passed == 0 || passed == 40 {
		t.Error("the rules let all pass, or nothing")
	}
	// What lies outside of the rules carries nothing at all: the frame is refused, and a refusal has no content.
	stuffed := p.parcel(ackOf(contiguous+1, nil, nil))
	e := p.origin.Seal(p, exchange.Parcel{ID: "ZmlsZSBvZiB0aGUgbWF5b3I", Kind: exchange.KindAck, Content: stuffed.Content, Created: time.Unix(1<<32, 123e6)})
	p.now = p.now.Add(time.Minute)
	if err := p.hand(e); err != nil {
		t.Fatal(err)
	}
	if a := p.arrived(); a.Refused != exchange.ReasonNone || a.Parcel.ID != "ack" || !a.Parcel.Created.IsZero() {
		t.Errorf("%+v", a)
	}
}

// TestHistoryGoingDownIsTheGuardsOwn: every line of it is what the guard itself saw.
func TestHistoryGoingDownIsTheGuardsOwn(t *testing.T) {
	p := newPost(t, exchange.Down, Limits{})
	var seen []exchange.Passed
	for _, d := range []exchange.Document{ackOf(1, nil, nil), p.released(exchange.Notice{ID: "n1", Case: "c1", Text: "yes", At: noon, Release: release()})} {
		p.cross(d)
		r := p.guard.memory.recent[exchange.Head{Epoch: 1, Seq: p.origin.Head.Seq}].record
		seen = append(seen, exchange.Passed{ID: r.Parcel, Seq: r.In.Seq, Digest: r.In.Digest, State: exchange.StateSettled})
	}
	with := func(change func(h *exchange.History)) exchange.History {
		h := exchange.History{Lane: exchange.Down, Epoch: 1, States: slices.Clone(seen)}
		change(&h)
		return h
	}
	for name, c := range map[string]struct {
		h  exchange.History
		ok bool
	}{
		"as it was":        {with(func(*exchange.History) {}), true},
		"only sent":        {with(func(h *exchange.History) { h.States[1].State = exchange.StateSent }), true},
		"another digest":   {with(func(h *exchange.History) { h.States[1].Digest = hexSum([]byte("x")) }), false},
		"another id":       {with(func(h *exchange.History) { h.States[1].ID = "secret" }), false},
		"never sent":       {with(func(h *exchange.History) { h.States[1].Seq = 99 }), false},
		"refused, it says": {with(func(h *exchange.History) { h.States[1].State = exchange.StateRefused }), false},
		"settled after":    {with(func(h *exchange.History) { h.States[0].State = exchange.StateSent }), false},
		"a moment":         {with(func(h *exchange.History) { h.At = noon }), false},
		"another epoch":    {with(func(h *exchange.History) { h.Epoch = 2 }), false},
	} {
		p.now = p.now.Add(time.Hour)
		want := exchange.ReasonNone
		if !c.ok {
			want = exchange.ReasonSchema
		}
		p.wantReason(name, p.cross(c.h), want)
	}
}
