package guard

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gatehouse/exchange"
	"gatehouse/exchange/exchangetest"
)

// town is both sides and both guards, each with its own folder of keys, in one bubble of fake time.
type town struct {
	*testing.T
	dir    string
	rng    *rand.Rand
	keys   map[exchange.Party]*exchange.Keys
	lanes  map[exchange.Lane]*strip
	forged int
	work   sync.WaitGroup
}

// strip is one lane: its links, what its ends remember, its guard, and what was put into it.
type strip struct {
	lane  exchange.Lane
	a, b  *exchangetest.Pipe
	out   *exchangetest.Outgoing
	in    *exchangetest.Incoming
	guard *Guard
	put   []string
}

func newTown(t *testing.T, ctx context.Context) *town {
	w := &town{T: t, dir: t.TempDir(), rng: rand.New(rand.NewPCG(50, 51)), keys: map[exchange.Party]*exchange.Keys{}, lanes: map[exchange.Lane]*strip{}}
	w.carry()
	for _, p := range exchange.Parties() {
		k, err := exchange.OpenKeys(w.folder(p), p, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		w.keys[p] = k
	}
	for l, guard := range map[exchange.Lane]exchange.Party{exchange.Up: exchange.UpGuard, exchange.Down: exchange.DownGuard} {
		w.lanes[l] = w.build(ctx, l, guard)
	}
	w.port(ctx, exchange.Extranet, exchange.Up)
	w.port(ctx, exchange.Intranet, exchange.Down)
	return w
}

func (w *town) folder(p exchange.Party) string { return filepath.Join(w.dir, string(p)) }

// carry brings public parts and revocations to who needs them.
func (w *town) carry() {
	w.Helper()
	if err := exchange.MakeKeys(w.dir, exchange.Parties(), time.Now()); err != nil {
		w.Fatal(err)
	}
}

func (w *town) look() {
	w.Helper()
	for _, p := range exchange.Parties() {
		if err := w.keys[p].Look(); err != nil {
			w.Fatal(err)
		}
	}
}

// build makes a lane whose links lose one envelope in five and bring one in five twice.
func (w *town) build(ctx context.Context, l exchange.Lane, who exchange.Party) *strip {
	s := &strip{lane: l, a: exchangetest.NewPipe(), b: exchangetest.NewPipe(), out: exchangetest.NewOutgoing(), in: exchangetest.NewIncoming()}
	var mu sync.Mutex
	for _, p := range []*exchangetest.Pipe{s.a, s.b} {
		rng := rand.New(rand.NewPCG(uint64(len(l)), uint64(len(who))))
		p.Again = time.Second
		p.Copies = func(exchange.Envelope) int {
			mu.Lock()
			defer mu.Unlock()
			return []int{0, 1, 1, 1, 2}[rng.IntN(5)]
		}
	}
	var err error
	s.guard, err = Open(Options{Lane: l, Ring: w.keys[who].Ring, In: s.a, Out: s.b, Log: slog.New(slog.DiscardHandler),
		LogFile: filepath.Join(w.dir, string(l)+".log"), Dir: filepath.Join(w.dir, string(l))})
	if err != nil {
		w.Fatal(err)
	}
	w.work.Go(func() {
		if err := s.guard.Run(ctx); err != nil {
			w.Error(err)
		}
	})
	return s
}

func (w *town) port(ctx context.Context, who exchange.Party, l exchange.Lane) {
	out, in := w.lanes[l], w.lanes[l.Opposite()]
	p := &exchange.Port{Lane: l, Ring: w.keys[who].Ring, Outgoing: out.out, Incoming: in.in, Out: out.a, In: in.b, Owner: string(who),
		Log: slog.New(slog.DiscardHandler), AckEvery: 15 * time.Second, AckIdle: 5 * time.Minute,
		Resend: 10 * time.Second}
	w.work.Go(func() {
		if err := p.Run(ctx); err != nil {
			w.Error(err)
		}
	})
}

func (w *town) add(l exchange.Lane, d exchange.Document) {
	w.Helper()
	s := w.lanes[l]
	id := fmt.Sprintf("%s-%d", l, len(s.put))
	s.put = append(s.put, id)
	s.out.Add(exchangetest.ParcelOf(w, id, d, time.Now()))
}

// load puts a document into each lane.
func (w *town) load() {
	w.Helper()
	id := fmt.Sprintf("d%d", len(w.lanes[exchange.Up].put))
	w.add(exchange.Up, exchange.Case{ID: id, Service: "ask", Text: "text", FiledAt: time.Now()})
	d, err := w.keys[exchange.Intranet].Ring.Release(exchange.Notice{ID: id, Case: id, Text: "yes", At: time.Now(), Release: release()}, time.Now())
	if err != nil {
		w.Fatal(err)
	}
	w.add(exchange.Down, d)
}

// wait lets fake time pass until done.
func (w *town) wait(what string, done func() bool) {
	w.Helper()
	for range 7200 {
		if done() {
			return
		}
		time.Sleep(time.Second)
	}
	w.Fatalf("not within two hours: %s", what)
}

// slots are the keys that are rotated in turn.
func slots() []exchange.Rotation {
	var out []exchange.Rotation
	for _, p := range exchange.Parties() {
		out = append(out, exchange.Rotation{Party: p, Use: exchange.Sign}, exchange.Rotation{Party: p, Use: exchange.Seal})
	}
	return append(out, exchange.Rotation{Party: exchange.Intranet, Use: exchange.Release})
}

// current is the key of a slot that its owner uses.
func (w *town) current(o exchange.Rotation) exchange.Key {
	w.Helper()
	for _, s := range w.keys[o.Party].Ring.States(time.Now()) {
		if s.Party == o.Party && s.Use == o.Use && s.State == exchange.KeyCurrent {
			return s.Key
		}
	}
	w.Fatalf("%s has no key to %s", o.Party, o.Use)
	return exchange.Key{}
}

// inFlight tells whether an origin still keeps an envelope that names the key.
func (w *town) inFlight(id exchange.KeyID) bool {
	w.Helper()
	for _, s := range w.lanes {
		all, err := s.out.Due(context.Background(), time.Now().Add(24*time.Hour), 10_000)
		if err != nil {
			w.Fatal(err)
		}
		for _, n := range all {
			if exchange.KeyID(n.Bytes[8:16]) == id || exchange.KeyID(n.Bytes[16:24]) == id {
				return true
			}
		}
	}
	return false
}

// TestFiftyRotationsUnderLoad rotates every key in turn, with both suites, while documents go both ways over links
// that lose and double: envelopes of the key before are always in flight. Every fourth key that was replaced is
// revoked; what is sealed with it afterwards is refused although its number fits. Nothing is lost, doubled or refused
// besides.
func TestFiftyRotationsUnderLoad(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		w := newTown(t, ctx)
		all := slots()
		for i := range 50 {
			w.rotate(i, all[i%len(all)])
		}
		for l, s := range w.lanes {
			w.wait("the last document "+string(l), func() bool { return len(w.arrived(s)) >= len(s.put) })
			if got := w.arrived(s); !slices.Equal(got, s.put) {
				t.Errorf("%s: %d arrived of %d, or not in order", l, len(got), len(s.put))
			}
		}
		cancel()
		w.work.Wait()
		aside := 0
		for l, s := range w.lanes {
			aside += int(s.guard.Status().Aside)
			if n := len(s.b.Aside()); n != 0 {
				t.Errorf("%s: %d were put aside at the end", l, n)
			}
			if err := s.guard.Close(); err != nil {
				t.Error(err)
			}
		}
		if aside != w.forged || w.forged < 2 {
			t.Errorf("%d were put aside by the guards, %d were forged", aside, w.forged)
		}
	})
}

// rotate makes the slot's next key, carries it as an operator would, in time or late where late does no harm, and puts
// load on the lanes all the while.
func (w *town) rotate(i int, o exchange.Rotation) {
	w.Helper()
	old := w.current(o)
	before, err := exchange.LoadRing(w.folder(o.Party), o.Party)
	if err != nil {
		w.Fatal(err)
	}
	o.Suite, o.From = exchange.Suites()[w.rng.IntN(2)], time.Now().Add(20*time.Second)
	if o.Use == exchange.Seal {
		o.From = time.Now() // its holders use it when they have it
	}
	if _, err := exchange.RotateKey(w.folder(o.Party), o, time.Now()); err != nil {
		w.Fatal(err)
	}
	if err := w.keys[o.Party].Look(); err != nil {
		w.Fatal(err)
	}
	w.load()
	time.Sleep(time.Duration(w.rng.IntN(15)) * time.Second)
	w.load()
	w.carry()
	w.look()
	time.Sleep(20 * time.Second)
	if w.current(o).ID == old.ID {
		w.Fatalf("rotation %d of %s to %s had no effect", i, o.Party, o.Use)
	}
	if i%4 == 3 {
		w.revoke(o, old, before)
	}
}

// revoke refuses a key that was replaced once its origin keeps nothing sealed with it; what is on the second hop, or
// kept by a guard, may still be.
func (w *town) revoke(o exchange.Rotation, old exchange.Key, before *exchange.Ring) {
	w.Helper()
	w.wait("nothing in flight under the key", func() bool { return !w.inFlight(old.ID) })
	if down := w.lanes[exchange.Down]; o.Use == exchange.Release { // what is released with it names it inside
		w.wait("all that was released", func() bool { return len(w.arrived(down)) == len(down.put) })
	}
	if err := exchange.WriteRevocation(w.folder(o.Party), exchange.Revocation{Party: o.Party, Use: o.Use, ID: old.ID, At: time.Now()}); err != nil {
		w.Fatal(err)
	}
	w.carry()
	w.look()
	l := exchange.Up
	if o.Party == exchange.Intranet {
		l = exchange.Down
	}
	if o.Use != exchange.Sign || o.Party != exchange.Extranet && o.Party != exchange.Intranet {
		return
	}
	s := w.lanes[l]
	_, head, _, err := s.out.Seize(context.Background(), string(o.Party), exchange.LeaseTTL)
	if err != nil {
		w.Fatal(err)
	}
	d := exchangetest.ParcelOf(w, "forged", exchange.Ack{Lane: l.Opposite(), At: time.Now()}, time.Now())
	n, err := signedWith(before, old).Seal(l, head, d, time.Now())
	if err != nil {
		w.Fatal(err)
	}
	w.forged++
	s.a.Put(exchange.Envelope{Lane: l, Epoch: n.Head.Epoch, Seq: n.Head.Seq, Bytes: n.Bytes})
	time.Sleep(time.Second)
	if got := s.guard.Status().Aside; got == 0 {
		w.Error("an envelope under a revoked key was not refused")
	}
}

// signedWith checks that a ring from before the rotation signs with the key that was replaced.
func signedWith(r *exchange.Ring, old exchange.Key) *exchange.Ring {
	for _, s := range r.States(time.Now()) {
		if s.ID == old.ID && s.State != exchange.KeyCurrent {
			panic("the ring of before has another key in use")
		}
	}
	return r
}

// arrived gives the parcels that the end got, in order, without the lane's own.
func (w *town) arrived(s *strip) []string {
	w.Helper()
	next, err := s.in.Next(context.Background(), 10_000)
	if err != nil {
		w.Fatal(err)
	}
	var out []string
	for _, a := range next {
		if a.Refused != exchange.ReasonNone {
			w.Errorf("%s %d was refused: %s", s.lane, a.Origin.Seq, word(a.Refused))
		}
		out = append(out, a.Parcel.ID)
	}
	return out
}
