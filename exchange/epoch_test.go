package exchange_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"gatehouse/exchange"
	"gatehouse/exchange/exchangetest"
)

func TestNextEpochIsNeverGivenOutTwice(t *testing.T) {
	at := time.Unix(1_800_000_000, 0)
	for _, c := range []struct {
		now   time.Time
		known []uint32
		want  uint32
	}{
		{at, nil, 1_800_000_000},
		{at, []uint32{1, 7}, 1_800_000_000},
		{at.Add(time.Second), []uint32{1}, 1_800_000_001},
		{at, []uint32{1_800_000_000}, 1_800_000_001}, // twice within a second
		{at.Add(-24 * time.Hour), []uint32{1_800_000_000}, 1_800_000_001},
		{time.Unix(-5, 0), []uint32{3}, 4},
		{time.Unix(1<<33, 0), nil, 1<<32 - 1},
		{at, []uint32{1<<32 - 1}, 1_800_000_000},
	} {
		if got := exchange.NextEpoch(c.now, c.known...); got != c.want {
			t.Errorf("at %d, known %v: %d, want %d", c.now.Unix(), c.known, got, c.want)
		}
	}
}

// restored walks a border whose outside is put back to a copy made after some cases, at a moment when it had already
// sent more. stale is how long the copy lay.
func restored(t *testing.T, stale time.Duration, act func(b *border, old *exchangetest.Outgoing)) (*border, *exchange.Port) {
	b := newBorder(t)
	b.guards()
	b.run(b.port(exchange.Extranet, "x"))
	b.run(b.port(exchange.Intranet, "i"))
	b.addCases(1, 5)
	b.settles(time.Hour)
	b.addCases(6, 8)
	time.Sleep(2 * time.Second) // they are numbered and have arrived, no Ack has come back
	old := b.up.out.Copy()
	b.addCases(9, 30)
	b.settles(time.Hour)
	b.stop()
	b.wait.Wait()
	time.Sleep(stale)
	b.ctx, b.stop = context.WithCancel(t.Context())
	b.up.out = old
	act(b, old)
	b.guards()
	b.run(b.port(exchange.Intranet, "i"))
	p := b.port(exchange.Extranet, "x")
	b.run(p)
	b.addCases(31, 60)
	return b, p
}

// arrivedOnce wants each case once: those of before, and those that the copy did not know of when it was made.
func (b *border) arrivedOnce(within time.Duration) {
	b.Helper()
	var got []string
	for end := time.Now().Add(within); time.Now().Before(end) && len(got) < 60; time.Sleep(time.Second) {
		got = append(got, b.cases()...)
	}
	seen := map[string]int{}
	for _, id := range got {
		seen[id]++
	}
	for id, n := range seen {
		if n != 1 {
			b.Errorf("%s was handed over %d times", id, n)
		}
	}
	if len(seen) != 60 || !slices.IsSorted(got) {
		b.Errorf("%d of 60 cases were handed over: %v", len(seen), got)
	}
}

// numbersOnce wants that no number was given to two contents: nothing was ever put aside.
func (b *border) numbersOnce() {
	b.Helper()
	if n, m := len(b.up.a.Aside()), len(b.up.b.Aside()); n+m != 0 {
		b.Errorf("%d and %d were put aside", n, m)
	}
}

// TestRestoredWithTheOperatorsAct: the operator says so, as the manual tells: nothing is put aside, no alarm.
func TestRestoredWithTheOperatorsAct(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, p := restored(t, time.Hour, func(b *border, old *exchangetest.Outgoing) {
			if _, err := exchange.BeginEpoch(b.ctx, old, time.Now()); err != nil {
				t.Fatal(err)
			}
		})
		b.arrivedOnce(time.Hour)
		b.settles(time.Hour)
		b.numbersOnce()
		if s := p.Status(); s.Alarms != 0 {
			t.Errorf("%+v", s)
		}
		b.end()
	})
}

// TestRestoredAndForgotten: nobody said so. The lane was idle for long, so nothing is numbered before an Ack is heard,
// and the Ack tells.
func TestRestoredAndForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, p := restored(t, time.Hour, func(*border, *exchangetest.Outgoing) {})
		b.arrivedOnce(2 * time.Hour)
		b.settles(time.Hour)
		b.numbersOnce()
		if s := p.Status(); s.Alarms == 0 {
			t.Error("no alarm")
		}
		b.end()
	})
}

// TestNewEpochWithoutReason: an operator who is not sure may begin one at any time, while the lane works.
func TestNewEpochWithoutReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBorder(t)
		b.guards()
		b.run(b.port(exchange.Extranet, "x"))
		b.run(b.port(exchange.Intranet, "i"))
		for i := range 6 {
			b.addCases(10*i+1, 10*i+10)
			time.Sleep(time.Duration(i) * time.Second)
			if _, err := exchange.BeginEpoch(b.ctx, b.up.out, time.Now()); err != nil {
				t.Fatal(err)
			}
		}
		b.arrivedOnce(time.Hour)
		b.settles(time.Hour)
		b.end()
	})
}

// TestLyingAcksBringAboutOneEpoch: the other end says that it has what was never sent, again and again.
func TestLyingAcksBringAboutOneEpoch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBorder(t)
		b.guards()
		b.run(b.port(exchange.Extranet, "x"))
		b.run(b.port(exchange.Intranet, "i"))
		for i := range 20 {
			lie := exchange.Ack{Lane: exchange.Up, Epoch: 1<<32 - 1, Contiguous: uint64(i), At: time.Now()}
			if i%2 == 1 {
				lie.Epoch = exchange.NextEpoch(time.Now())
			}
			b.down.out.Add(exchangetest.ParcelOf(t, exchange.NewID(time.Now()), lie, time.Now()))
			time.Sleep(time.Minute)
		}
		if _, head, _, err := b.up.out.Seize(b.ctx, "x", exchange.LeaseTTL); err != nil || head.Epoch > exchange.NextEpoch(time.Now()) || head.Epoch == 1 {
			t.Errorf("head %v, %v", head, err)
		}
		began, _, _, _ := b.up.out.Seize(b.ctx, "x", exchange.LeaseTTL)
		if began != 2 {
			t.Errorf("the fence is %d: more than one epoch began", began)
		}
		b.addCases(1, 60)
		b.arrivedOnce(time.Hour)
		b.end()
	})
}
