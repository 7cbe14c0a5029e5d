package exchange_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"gatehouse/exchange"
	"gatehouse/exchange/exchangetest"
)

// border is two sides with a relay in each lane that plays the guard: it opens, endorses and passes on, and gives
// the very bytes again for what comes again.
type border struct {
	*testing.T
	rings  map[exchange.Party]*exchange.Ring
	up     *lane
	down   *lane
	refuse func(u exchange.Unsealed) exchange.Reason
	wait   sync.WaitGroup
	stop   context.CancelFunc
	ctx    context.Context
}

// lane is one direction with both its links and the memory at both its ends.
type lane struct {
	lane    exchange.Lane
	a, b    *exchangetest.Pipe
	out     *exchangetest.Outgoing
	in      *exchangetest.Incoming
	mu      sync.Mutex
	passed  map[[32]byte]exchange.Envelope
	head    exchange.Head
	forward atomic.Int64
}

func newLane(l exchange.Lane) *lane {
	return &lane{
		lane: l, a: exchangetest.NewPipe(), b: exchangetest.NewPipe(), out: exchangetest.NewOutgoing(), in: exchangetest.NewIncoming(),
		passed: map[[32]byte]exchange.Envelope{}, head: exchange.Head{Epoch: 1},
	}
}

func newBorder(t *testing.T) *border {
	rings, _ := exchangetest.Rings(t, time.Now())
	b := &border{T: t, rings: rings, up: newLane(exchange.Up), down: newLane(exchange.Down)}
	b.ctx, b.stop = context.WithCancel(t.Context())
	return b
}

func (b *border) port(side exchange.Party, owner string) *exchange.Port {
	p := &exchange.Port{
		Lane: exchange.Up, Ring: b.rings[side], Outgoing: b.up.out, Incoming: b.down.in, Out: b.up.a, In: b.down.b,
		Owner: owner, Log: slog.New(slog.DiscardHandler), AckIdle: time.Minute,
	}
	if side == exchange.Intranet {
		p.Lane, p.Outgoing, p.Incoming, p.Out, p.In = exchange.Down, b.down.out, b.up.in, b.down.a, b.up.b
	}
	return p
}

func (b *border) run(p *exchange.Port) {
	b.runIn(b.ctx, p)
}

func (b *border) runIn(ctx context.Context, p *exchange.Port) {
	b.wait.Go(func() {
		if err := p.Run(ctx); err != nil {
			b.Error(err)
		}
	})
}

func (b *border) guards() {
	for _, l := range []*lane{b.up, b.down} {
		guard := b.rings[exchange.UpGuard]
		if l.lane == exchange.Down {
			guard = b.rings[exchange.DownGuard]
		}
		b.wait.Go(func() {
			l.a.Receive(b.ctx, func(ctx context.Context, e exchange.Envelope) error { return b.relay(ctx, l, guard, e) })
		})
	}
}

func (b *border) relay(ctx context.Context, l *lane, guard *exchange.Ring, e exchange.Envelope) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e.IsBeat() {
		return l.beat(ctx, guard, e)
	}
	l.forward.Add(1)
	if out, ok := l.passed[e.Head().Digest]; ok {
		return l.b.Send(ctx, out)
	}
	u, err := guard.Unseal(l.lane, e, time.Now())
	if err != nil {
		return err
	}
	v := exchange.Verdict{Rules: "test"}
	if b.refuse != nil {
		v.Refused = b.refuse(u)
	}
	n, err := guard.Endorse(l.lane, l.head, u, u.Content, v, time.Now())
	if err != nil {
		return err
	}
	out := exchange.Envelope{Lane: l.lane, Epoch: n.Head.Epoch, Seq: n.Head.Seq, Bytes: n.Bytes}
	l.head, l.passed[e.Head().Digest] = n.Head, out
	return l.b.Send(ctx, out)
}

// beat says for the guard what it heard and where it stands.
func (l *lane) beat(ctx context.Context, guard *exchange.Ring, e exchange.Envelope) error {
	b, err := guard.OpenBeat(l.lane, e, time.Now())
	if err != nil {
		return err
	}
	out, err := guard.SealBeat(l.lane, exchange.Beat{Own: exchange.HeartbeatOf(l.head, 0), Origin: b.Own}, time.Now())
	if err != nil {
		return err
	}
	return l.b.Send(ctx, out)
}

func (b *border) end() {
	b.stop()
	b.wait.Wait()
}

func (b *border) addCases(from, to int) {
	for i := from; i <= to; i++ {
		id := fmt.Sprintf("c%04d", i)
		b.up.out.Add(exchangetest.ParcelOf(b, id, exchange.Case{ID: id, Service: "ask", FiledAt: time.Now()}, time.Now()))
	}
}

// cases gives the ids that the inside was handed, in order, marking them handled as its store does.
func (b *border) cases() []string {
	b.Helper()
	var ids []string
	for {
		next, err := b.up.in.Next(b.ctx, 10)
		if err != nil {
			b.Fatal(err)
		}
		if len(next) == 0 {
			return ids
		}
		for _, a := range next {
			if a.Refused == 0 {
				ids = append(ids, a.Parcel.ID)
			}
			if err := b.up.in.Handled(b.ctx, []uint64{a.Head.Seq}); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func (b *border) wantCases(from, to int) {
	b.Helper()
	got := b.cases()
	if len(got) != to-from+1 {
		b.Fatalf("%d cases arrived, want %d: %v", len(got), to-from+1, got)
	}
	for i, id := range got {
		if want := fmt.Sprintf("c%04d", from+i); id != want {
			b.Fatalf("case %d is %s, want %s", i, id, want)
		}
	}
}

// settles waits, on the fake clock, until the outside has no envelope of which it does not know that it arrived.
func (b *border) settles(within time.Duration) {
	b.Helper()
	for end := time.Now().Add(within); b.up.out.Open() > 0; time.Sleep(time.Second) {
		if time.Now().After(end) {
			b.Fatalf("%d envelopes are open after %v", b.up.out.Open(), within)
		}
	}
}

func TestPortsCarryEverythingOnceAndInOrder(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	var mu sync.Mutex
	chance := func(percent int) bool {
		mu.Lock()
		defer mu.Unlock()
		return rng.IntN(100) < percent
	}
	lossy := func(p *exchangetest.Pipe) {
		p.Lose = func(exchange.Envelope) bool { return chance(20) }
	}
	for name, spoil := range map[string]func(p *exchangetest.Pipe){
		"good links":    func(*exchangetest.Pipe) {},
		"loss":          lossy,
		"every 3 times": func(p *exchangetest.Pipe) { p.Copies = func(exchange.Envelope) int { return 3 } },
		"newest first":  func(p *exchangetest.Pipe) { p.Late = true },
		"send fails": func(p *exchangetest.Pipe) {
			p.Fail = func() error {
				if chance(30) {
					return errors.New("no space left on device")
				}
				return nil
			}
		},
		"all of it": func(p *exchangetest.Pipe) {
			lossy(p)
			p.Late = true
			p.Copies = func(exchange.Envelope) int { return 2 }
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBorder(t)
				for _, p := range []*exchangetest.Pipe{b.up.a, b.up.b, b.down.a, b.down.b} {
					spoil(p)
				}
				b.guards()
				b.run(b.port(exchange.Extranet, "x"))
				b.run(b.port(exchange.Intranet, "i"))
				b.addCases(1, 50)
				b.settles(2 * time.Hour)
				b.wantCases(1, 50)
				b.end()
			})
		})
	}
}

func TestRefusalComesBackByAck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBorder(t)
		b.refuse = func(u exchange.Unsealed) exchange.Reason {
			if u.Header.Kind == exchange.KindCase && u.Header.Seq%2 == 0 {
				return exchange.ReasonText
			}
			return 0
		}
		b.guards()
		b.run(b.port(exchange.Extranet, "x"))
		b.run(b.port(exchange.Intranet, "i"))
		b.addCases(1, 100) // 50 refusals: more than one Ack holds
		b.settles(time.Hour)
		refused := b.up.out.Refused()
		if len(refused) != 50 || refused["c0002"] != exchange.ReasonText {
			t.Errorf("%d refused: %v", len(refused), refused)
		}
		if got := len(b.cases()); got != 50 {
			t.Errorf("%d cases arrived", got)
		}
		b.end()
	})
}

func TestNudgeSealsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBorder(t)
		b.guards()
		woken := make(chan struct{}, 8)
		out, in := b.port(exchange.Extranet, "x"), b.port(exchange.Intranet, "i")
		out.Poll, in.Wake = time.Hour, func() { woken <- struct{}{} }
		b.run(out)
		b.run(in)
		synctest.Wait()
		start := time.Now()
		b.addCases(1, 1)
		out.Nudge()
		<-woken
		if took := time.Since(start); took > 100*time.Millisecond {
			t.Errorf("took %v", took)
		}
		b.wantCases(1, 1)
		b.end()
	})
}

func TestForgedArrivalsArePutAside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBorder(t)
		in := b.port(exchange.Intranet, "i")
		b.run(in)
		// Straight into link B, past the guard.
		p := exchangetest.ParcelOf(t, "c1", exchange.Case{ID: "c1", Service: "ask"}, time.Now())
		e := exchangetest.NewChain(b.rings[exchange.Extranet], exchange.Up, time.Now).Seal(t, p)
		if err := b.up.b.Send(b.ctx, e); err != nil {
			t.Fatal(err)
		}
		// A true one, and then another under its number by a guard that was set back.
		for range 2 {
			chain := exchangetest.NewChain(b.rings[exchange.Extranet], exchange.Up, time.Now)
			u, err := b.rings[exchange.UpGuard].Unseal(exchange.Up, chain.Seal(t, p), time.Now())
			if err != nil {
				t.Fatal(err)
			}
			n, err := b.rings[exchange.UpGuard].Endorse(exchange.Up, exchange.Head{Epoch: 1}, u, u.Content, exchange.Verdict{Rules: "1"}, time.Now())
			if err != nil {
				t.Fatal(err)
			}
			if err := b.up.b.Send(b.ctx, exchange.Envelope{Lane: exchange.Up, Epoch: 1, Seq: 1, Bytes: n.Bytes}); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if got := len(b.up.b.Aside()); got != 2 {
			t.Errorf("%d put aside, want 2", got)
		}
		if s := in.Status(); s.Aside != 2 || s.Kept != 1 {
			t.Errorf("status: %+v", s)
		}
		b.end()
	})
}

func TestTwoPortsOneLane(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBorder(t)
		b.guards()
		b.run(b.port(exchange.Intranet, "i"))
		first, stopFirst := context.WithCancel(b.ctx)
		p1, p2 := b.port(exchange.Extranet, "x1"), b.port(exchange.Extranet, "x2")
		b.runIn(first, p1)
		time.Sleep(time.Second)
		b.run(p2)
		b.addCases(1, 20)
		b.settles(time.Minute)
		if p1.Status().Sealed < 20 || p2.Status().Sealed != 0 {
			t.Errorf("sealed: %+v, %+v", p1.Status(), p2.Status())
		}
		stopFirst()
		b.addCases(21, 40)
		b.settles(5 * time.Minute)
		b.wantCases(1, 40)
		if p2.Status().Sealed < 20 {
			t.Errorf("the second did not take over: %+v", p2.Status())
		}
		b.end()
	})
}

// full is an Incoming whose disk is full until it is not.
type full struct {
	exchange.Incoming
	until time.Time
}

func (f full) Keep(ctx context.Context, a exchange.Arrival) (bool, error) {
	if time.Now().Before(f.until) {
		return false, errors.New("no space left on device")
	}
	return f.Incoming.Keep(ctx, a)
}

func TestFullStoreStopsIntakeAndResumes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBorder(t)
		b.guards()
		in := b.port(exchange.Intranet, "i")
		in.Incoming = full{b.up.in, time.Now().Add(20 * time.Second)}
		b.run(b.port(exchange.Extranet, "x"))
		b.run(in)
		b.addCases(1, 10)
		time.Sleep(15 * time.Second)
		if b.up.out.Open() < 10 || in.Status().Kept != 0 {
			t.Errorf("acknowledged what was not kept: %d open", b.up.out.Open())
		}
		b.settles(time.Hour)
		b.wantCases(1, 10)
		b.end()
	})
}

func TestUnsealableParcelHoldsTheOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBorder(t)
		b.guards()
		b.run(b.port(exchange.Extranet, "x"))
		b.run(b.port(exchange.Intranet, "i"))
		b.addCases(1, 2)
		b.up.out.Add(exchange.Parcel{ID: "odd", Kind: "letter", Content: []byte("{}")})
		b.addCases(3, 3)
		time.Sleep(5 * time.Minute)
		b.wantCases(1, 2)
		if b.up.out.Open() < 2 {
			t.Error("the odd parcel is gone")
		}
		b.end()
	})
}

func TestAckBeyondTheHeadIsAnAlarm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBorder(t)
		b.guards()
		out, in := b.port(exchange.Extranet, "x"), b.port(exchange.Intranet, "i")
		b.run(out)
		b.run(in)
		b.addCases(1, 5)
		b.settles(time.Hour)
		b.stop()
		b.wait.Wait()
		// The outside is restored from a copy made before.
		b.ctx, b.stop = context.WithCancel(t.Context())
		b.up.out = exchangetest.NewOutgoing()
		restored := b.port(exchange.Extranet, "x")
		b.guards()
		b.run(restored)
		b.run(b.port(exchange.Intranet, "i"))
		b.down.out.Add(exchangetest.ParcelOf(t, "a", exchange.Ack{Lane: exchange.Up, Epoch: 1, Contiguous: 5, At: time.Now()}, time.Now()))
		time.Sleep(time.Minute)
		if restored.Status().Alarms == 0 {
			t.Error("no alarm")
		}
		b.end()
	})
}

func TestPortNeedsItsKeysAndLane(t *testing.T) {
	b := newBorder(t)
	p := b.port(exchange.Extranet, "x")
	p.Lane = exchange.Down
	if err := p.Run(t.Context()); err == nil {
		t.Error("the extranet sends down")
	}
	empty, err := exchange.NewRing(exchange.Extranet)
	if err != nil {
		t.Fatal(err)
	}
	p = b.port(exchange.Extranet, "x")
	p.Ring = empty
	if err := p.Run(t.Context()); err == nil {
		t.Error("runs without keys")
	}
}
