package guard

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"gatehouse/exchange"
	"gatehouse/exchange/exchangetest"
)

// TestClockADayOff: in the middle of traffic over both lanes one party's clock jumps by a day, forth or back, and later
// it is put right. The numbers decide: what is lost on the wire comes again, all arrives once and in order, nothing
// looks forged; whoever hears that party's heartbeats has an alarm, and it ends with its cause.
func TestClockADayOff(t *testing.T) {
	for _, p := range exchange.Parties() {
		for _, jump := range []time.Duration{24 * time.Hour, -24 * time.Hour} {
			t.Run(fmt.Sprint(p, jump), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) { clockOff(t, p, jump) })
			})
		}
	}
}

func clockOff(t *testing.T, p exchange.Party, jump time.Duration) {
	time.Sleep(96 * time.Hour) // the fake clock begins with the first year that can be written
	c := newCrossing(t)
	defer c.end()
	c.ext.Resend, c.inner.Resend = exchange.DefaultResend, exchange.DefaultResend
	c.begin()
	c.file(1, 3)
	c.notify("n1")
	c.within(time.Minute, "the first", func() bool { return c.all(exchange.Up) && c.all(exchange.Down) })
	c.file(4, 8)
	c.off[p].Store(int64(jump))
	for _, l := range c.links {
		l.lose.Store(1)
	}
	c.file(9, 14)
	c.notify("n2")
	c.within(time.Minute, "an alarm", func() bool { return c.skewed(p) })
	c.notify("n3")
	c.within(10*time.Minute, "all of it, with a clock that is wrong", func() bool { return c.has(exchange.Up, 14) && c.has(exchange.Down, 3) })
	c.off[p].Store(0)
	c.file(15, 20)
	c.notify("n4")
	c.within(10*time.Minute, "the rest", func() bool {
		return c.has(exchange.Up, 20) && c.has(exchange.Down, 4) && c.all(exchange.Up) && c.all(exchange.Down)
	})
	// What the sides said of each other meanwhile leaves at the down guard's pace.
	c.within(20*time.Minute, "the end of all alarms", func() bool { return c.quiet() })
	for _, port := range []*exchange.Port{c.ext, c.inner} {
		if s := port.Status(); s.Aside != 0 || s.Differs != 0 {
			t.Errorf("%s: %+v", port.Lane, s)
		}
	}
	for l, g := range c.guards {
		if s := g.Status(); s.Aside != 0 || len(s.Refused) != 0 {
			t.Errorf("guard %s: %+v", l, s)
		}
	}
}

// has tells whether n documents of the sides arrived in a lane, and that they did so once and in order.
func (c *crossing) has(l exchange.Lane, n int) bool {
	c.Helper()
	form := map[exchange.Lane]string{exchange.Up: "c%03d", exchange.Down: "n%d"}[l]
	ids := slices.DeleteFunc(c.arrived(l), func(id string) bool { return id[0] != form[0] })
	for i, id := range ids {
		if want := fmt.Sprintf(form, i+1); id != want {
			c.Fatalf("%s: %d is %s", l, i+1, id)
		}
	}
	return len(ids) >= n
}

// skewed tells whether everyone who hears p says that the clocks are apart.
func (c *crossing) skewed(p exchange.Party) bool {
	return !slices.ContainsFunc(exchange.Stretches(), func(s exchange.Stretch) bool {
		return (s.Sender() == p || s.Receiver() == p) && !c.pulseAfter(s).Skewed
	})
}

// quiet tells whether nobody has a trouble.
func (c *crossing) quiet() bool {
	return !slices.ContainsFunc(exchange.Stretches(), func(s exchange.Stretch) bool {
		for _, is := range c.pulseAfter(s).Troubles() {
			if is {
				return true
			}
		}
		return false
	})
}

// TestExpiryIsByTheGuardsClock: whatever the origin's clock says, what is too late by the guard's own is refused there,
// and what is not passes.
func TestExpiryIsByTheGuardsClock(t *testing.T) {
	for _, x := range []struct {
		party  exchange.Party
		off    time.Duration
		passes bool
	}{
		{exchange.Intranet, 0, true}, {exchange.Intranet, 24 * time.Hour, true}, {exchange.Intranet, -24 * time.Hour, true},
		{exchange.DownGuard, 24 * time.Hour, false}, {exchange.DownGuard, -24 * time.Hour, true},
	} {
		synctest.Test(t, func(t *testing.T) {
			time.Sleep(96 * time.Hour)
			c := newCrossing(t)
			defer c.end()
			c.begin()
			c.off[x.party].Store(int64(x.off))
			d, err := c.rings[exchange.Intranet].Release(exchange.Send{ID: "s1", Client: "c", Channel: "sms", To: "+1", Text: "t", Expires: time.Now().Add(time.Hour),
				Release: exchange.Released{Policy: "clean", Label: exchange.Releasable, By: "anna", At: time.Now()}}, time.Now())
			if err != nil {
				t.Fatal(err)
			}
			c.out[exchange.Down].Add(exchangetest.ParcelOf(t, "s1", d, time.Now()))
			c.inner.Nudge()
			late := func() bool { return c.guards[exchange.Down].Status().Refused[exchange.ReasonExpired] > 0 }
			c.within(time.Minute, "a verdict", func() bool { return late() || slices.Contains(c.arrived(exchange.Down), "s1") })
			if late() == x.passes {
				t.Errorf("%s off by %v: too late is %v", x.party, x.off, late())
			}
		})
	}
}
