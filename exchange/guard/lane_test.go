package guard

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"gatehouse/exchange"
	"gatehouse/exchange/exchangetest"
)

// crossing is both sides with true guards between them, on a clock that only moves when all of them wait.
type crossing struct {
	*testing.T
	beat       time.Duration
	rings      map[exchange.Party]*exchange.Ring
	links      map[exchange.Stretch]*wire
	guards     map[exchange.Lane]*Guard
	logs       map[exchange.Lane]string
	out        map[exchange.Lane]*exchangetest.Outgoing
	in         map[exchange.Lane]*exchangetest.Incoming
	ext, inner *exchange.Port
	wait       sync.WaitGroup
	ctx        context.Context
	stop       context.CancelFunc
	off        map[exchange.Party]*atomic.Int64 // by how much a party's clock is wrong
}

// clock is a party's own.
func (c *crossing) clock(p exchange.Party) func() time.Time {
	off := c.off[p]
	return func() time.Time { return time.Now().Add(time.Duration(off.Load())) }
}

// wire is a one-way link without memory: what nobody takes is lost.
type wire struct {
	*exchangetest.Pipe
	dead atomic.Bool
	lose atomic.Int64 // so many of the next envelopes, heartbeats aside
	left sync.Map     // when each left, by number
}

func newWire() *wire {
	w := &wire{Pipe: exchangetest.NewPipe()}
	w.Again = time.Second // an Ack that waits for its pace is opened each time
	w.Lose = func(e exchange.Envelope) bool {
		w.left.Store(e.Head(), time.Now())
		return w.dead.Load() || !e.IsBeat() && w.lose.Load() > 0 && w.lose.Add(-1) >= 0
	}
	return w
}

func newCrossing(t *testing.T) *crossing { return newCrossingAt(t, exchange.DefaultBeatEvery) }

// newCrossingAt has another pace of heartbeats: a day of the usual one is long.
func newCrossingAt(t *testing.T, beat time.Duration) *crossing {
	rings, _ := exchangetest.Rings(t, time.Now().Add(-72*time.Hour))
	c := &crossing{
		T: t, off: map[exchange.Party]*atomic.Int64{}, beat: beat, rings: rings, links: map[exchange.Stretch]*wire{}, guards: map[exchange.Lane]*Guard{}, logs: map[exchange.Lane]string{},
		out: map[exchange.Lane]*exchangetest.Outgoing{}, in: map[exchange.Lane]*exchangetest.Incoming{},
	}
	c.ctx, c.stop = context.WithCancel(t.Context())
	for _, s := range exchange.Stretches() {
		c.links[s] = newWire()
	}
	for _, p := range exchange.Parties() {
		c.off[p] = &atomic.Int64{}
	}
	for _, l := range []exchange.Lane{exchange.Up, exchange.Down} {
		c.out[l], c.in[l] = exchangetest.NewOutgoing(), exchangetest.NewIncoming()
		c.guard(l)
	}
	c.ext, c.inner = c.port(exchange.Extranet), c.port(exchange.Intranet)
	return c
}

func (c *crossing) guard(l exchange.Lane) {
	c.Helper()
	from, to, who := exchange.LinkA, exchange.LinkB, exchange.UpGuard
	if l == exchange.Down {
		from, to, who = exchange.LinkC, exchange.LinkD, exchange.DownGuard
	}
	dir := c.TempDir()
	g, err := Open(Options{Lane: l, Ring: c.rings[who], In: c.links[from], Out: c.links[to], LogFile: filepath.Join(dir, "log"), Dir: dir, BeatEvery: c.beat, Log: slog.New(slog.DiscardHandler), Now: c.clock(who)})
	if err != nil {
		c.Fatal(err)
	}
	c.guards[l], c.logs[l] = g, filepath.Join(dir, "log")
}

// port makes one side's end; only an Ack has anything sent again.
func (c *crossing) port(p exchange.Party) *exchange.Port {
	x := &exchange.Port{Lane: exchange.Up, Ring: c.rings[p], Outgoing: c.out[exchange.Up], Incoming: c.in[exchange.Down],
		Out: c.links[exchange.LinkA], In: c.links[exchange.LinkD], Owner: string(p), Log: slog.New(slog.DiscardHandler), Resend: 24 * time.Hour, BeatEvery: c.beat, Now: c.clock(p)}
	if p == exchange.Intranet {
		x.Lane, x.Outgoing, x.Incoming = exchange.Down, c.out[exchange.Down], c.in[exchange.Up]
		x.Out, x.In = c.links[exchange.LinkC], c.links[exchange.LinkB]
	}
	return x
}

func (c *crossing) run(ctx context.Context, p *exchange.Port) {
	c.wait.Go(func() {
		if err := p.Run(ctx); err != nil {
			c.Error(err)
		}
	})
}

// begin runs both guards and both sides until end.
func (c *crossing) begin() {
	for _, g := range c.guards {
		c.wait.Go(func() {
			if err := g.Run(c.ctx); err != nil {
				c.Error(err)
			}
		})
	}
	c.run(c.ctx, c.ext)
	c.run(c.ctx, c.inner)
}

func (c *crossing) end() {
	c.stop()
	c.wait.Wait()
	for _, g := range c.guards {
		if err := g.Close(); err != nil {
			c.Error(err)
		}
	}
}

// file puts cases into the lane up.
func (c *crossing) file(from, to int) {
	for i := from; i <= to; i++ {
		c.out[exchange.Up].Add(exchangetest.ParcelOf(c, fmt.Sprintf("c%03d", i), caseWith(fmt.Sprintf("c%03d", i)), time.Now()))
	}
	c.ext.Nudge()
}

// notify puts a released notice into the lane down.
func (c *crossing) notify(id string) {
	c.Helper()
	d, err := c.rings[exchange.Intranet].Release(exchange.Notice{ID: id, Case: "c001", Text: "yes", At: time.Now(),
		Release: exchange.Released{Policy: "clean", Label: exchange.Releasable, By: "anna", At: time.Now()}}, time.Now())
	if err != nil {
		c.Fatal(err)
	}
	c.out[exchange.Down].Add(exchangetest.ParcelOf(c, id, d, time.Now()))
	c.inner.Nudge()
}

// within waits, on the fake clock, until ok, and gives how long it took. It looks a thousand times at most.
func (c *crossing) within(d time.Duration, what string, ok func() bool) time.Duration {
	c.Helper()
	start := time.Now()
	for !ok() {
		if time.Since(start) > d {
			c.Fatalf("%s: not within %v", what, d)
		}
		time.Sleep(max(100*time.Millisecond, d/1000))
	}
	return time.Since(start)
}

// arrived gives the ids of what the other end was handed, in order.
func (c *crossing) arrived(l exchange.Lane) (ids []string) {
	c.Helper()
	next, err := c.in[l].Next(c.ctx, 10_000)
	if err != nil {
		c.Fatal(err)
	}
	for _, a := range next {
		ids = append(ids, a.Parcel.ID)
	}
	return ids
}

func (c *crossing) all(l exchange.Lane) bool { return c.out[l].Open() == 0 }

func (c *crossing) pulseAfter(s exchange.Stretch) exchange.Pulse {
	switch s {
	case exchange.LinkA, exchange.LinkC:
		return c.guards[s.Lane()].Status().Pulse
	case exchange.LinkB:
		return c.inner.State().Pulse
	}
	return c.ext.State().Pulse
}

// TestGapIsSeenWithin15Seconds: on each of the four stretches one envelope is lost on the wire, the last one that was
// sent, so nothing that comes after it tells of it; its receiver sees it by the heartbeats, and an Ack has it sent again.
func TestGapIsSeenWithin15Seconds(t *testing.T) {
	for _, s := range exchange.Stretches() {
		t.Run(string(s), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCrossing(t)
				defer c.end()
				// Acks would tell of the gap by their own numbers; here they are rare.
				c.ext.AckEvery, c.inner.AckEvery = time.Minute, time.Minute
				c.begin()
				c.file(1, 3)
				c.notify("n1")
				time.Sleep(61 * time.Second)
				c.links[s].lose.Store(1)
				id := "c004"
				if s.Lane() == exchange.Up {
					c.file(4, 4)
				} else {
					id = "n2"
					c.notify(id)
				}
				took := c.within(15*time.Second, "the gap", func() bool { return c.pulseAfter(s).Gap })
				t.Logf("seen after %v", took)
				if slices.Contains(c.arrived(s.Lane()), id) {
					t.Error("it was not lost")
				}
				c.within(3*time.Minute, "the lost one", func() bool { return slices.Contains(c.arrived(s.Lane()), id) })
				c.within(10*time.Second, "the end of the gap", func() bool { return !c.pulseAfter(s).Gap })
			})
		})
	}
}

// TestReceiverDownForAnHour: what was sent meanwhile is lost on the wire; after the start it is found missing by the
// heartbeats, asked for by the Acks, and all arrives once and in order.
func TestReceiverDownForAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrossing(t)
		defer c.end()
		c.begin()
		c.file(1, 20)
		c.within(time.Minute, "the first", func() bool { return c.all(exchange.Up) })
		c.links[exchange.LinkB].dead.Store(true)
		for i := range 6 {
			time.Sleep(10 * time.Minute)
			c.file(21+10*i, 30+10*i)
		}
		if p := c.inner.State().Pulse; !p.Silent {
			t.Error("an hour of silence raised no alarm")
		}
		c.links[exchange.LinkB].dead.Store(false)
		c.within(15*time.Second, "the gap", func() bool { return c.inner.State().Pulse.Gap })
		c.within(5*time.Minute, "all of it", func() bool { return c.all(exchange.Up) })
		ids := slices.DeleteFunc(c.arrived(exchange.Up), func(id string) bool { return id[0] != 'c' })
		for i, id := range ids {
			if want := fmt.Sprintf("c%03d", i+1); id != want {
				t.Fatalf("%d: %s", i, id)
			}
		}
		if len(ids) != 80 {
			t.Errorf("%d cases arrived", len(ids))
		}
		if s := c.inner.State(); s.Aside != 0 || s.Pulse.Gap || s.Pulse.Silent {
			t.Errorf("%+v", s)
		}
	})
}

// TestDownLaneDead: nothing comes back, so the extranet keeps all that it sent; the lane up goes on all the same.
func TestDownLaneDead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrossing(t)
		defer c.end()
		c.begin()
		c.links[exchange.LinkD].dead.Store(true)
		c.file(1, 50)
		c.within(time.Minute, "all arrived", func() bool { return len(c.arrived(exchange.Up)) >= 50 })
		c.within(time.Minute, "an alarm", func() bool { return c.ext.State().Pulse.Silent })
		c.within(10*time.Second, "the depth", func() bool { return c.ext.State().Depth.Unacked >= 50 })
		c.links[exchange.LinkD].dead.Store(false)
		c.within(5*time.Minute, "all acknowledged", func() bool { return c.all(exchange.Up) })
	})
}

// TestEnvelopesWithoutAnAckAreAnAlarm: after so many tries the operator is told, and they go on being sent.
func TestEnvelopesWithoutAnAckAreAnAlarm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrossing(t)
		defer c.end()
		c.ext.Resend = exchange.DefaultResend
		c.begin()
		c.links[exchange.LinkD].dead.Store(true)
		c.file(1, 3)
		took := c.within(20*time.Minute, "overdue", func() bool { return c.ext.State().Overdue >= 3 })
		if took < 10*time.Minute {
			t.Errorf("overdue after %v", took)
		}
		c.links[exchange.LinkD].dead.Store(false)
		c.within(5*time.Minute, "no longer overdue", func() bool { return c.ext.State().Overdue == 0 })
	})
}

// TestHeartbeatsLeaveNothingBehind: an hour of them is in no log, no journal and no store.
func TestHeartbeatsLeaveNothingBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrossing(t)
		defer c.end()
		c.ext.AckEvery, c.inner.AckEvery = 100*time.Hour, 100*time.Hour
		c.begin()
		c.file(1, 1)
		time.Sleep(time.Hour)
		for l, g := range c.guards {
			if s := g.Status(); s.Tip.N > 2 || s.Pulse.Silent || s.Pulse.Heard.IsZero() {
				t.Errorf("guard %s: %d records, %+v", l, s.Tip.N, s.Pulse)
			}
		}
		if ids := c.arrived(exchange.Up); len(ids) != 1 {
			t.Errorf("kept: %v", ids)
		}
		for _, p := range []*exchange.Port{c.ext, c.inner} {
			if s := p.State(); s.Pulse.Silent || s.Pulse.OriginSilent || s.Pulse.Gap || s.Pulse.Skewed || s.Alarms != 0 {
				t.Errorf("%s: %+v", s.Lane, s.Pulse)
			}
		}
	})
}

// TestSilentOriginIsToldByTheGuard: the hop after the guard is well, and still the end learns that the origin is gone.
func TestSilentOriginIsToldByTheGuard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrossing(t)
		defer c.end()
		c.begin()
		time.Sleep(time.Minute)
		c.links[exchange.LinkA].dead.Store(true)
		c.within(40*time.Second, "origin silent", func() bool { return c.inner.State().Pulse.OriginSilent })
		if p := c.inner.State().Pulse; p.Silent {
			t.Error("the guard itself is called silent")
		}
		if !c.guards[exchange.Up].Status().Pulse.Silent {
			t.Error("the guard raised no alarm")
		}
	})
}
