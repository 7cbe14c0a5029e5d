package diode

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gatehouse/exchange"
	"gatehouse/exchange/exchangetest"
	"gatehouse/exchange/guard"
)

// lossy is a wire that loses packets, and whole outages of them.
type lossy struct {
	rng  *rand.Rand
	loss float64
	dead func() bool
	to   *Receiver
}

func (l *lossy) close() error { return nil }

func (l *lossy) write(b []byte) error {
	if l.rng.Float64() >= l.loss && !l.dead() {
		l.to.take(b)
	}
	return nil
}

// hop is a link over such a wire, on the clock of a bubble.
func hop(t *testing.T, seed uint64, loss float64, dead func() bool) (*Sender, *Receiver) {
	t.Helper()
	c := Config{Address: "127.0.0.1:1", Key: config(t).Key, Dir: t.TempDir(), Passes: 1}
	r, err := newReceiver(c, quiet(), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	r.shelf.fsync = func(*os.File) error { return nil }
	c.Dir = t.TempDir()
	s, err := newSender(c, quiet(), &lossy{rand.New(rand.NewPCG(seed, 9)), loss, dead, r}, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	s.pace.sleep = func(_ context.Context, d time.Duration) { time.Sleep(d) }
	s.shelf.fsync = func(*os.File) error { return nil }
	s.start()
	return s, r
}

// badBorder is both sides and both guards, with such a link on each of the four stretches.
type badBorder struct {
	*testing.T
	ctx      context.Context
	stop     context.CancelFunc
	run      sync.WaitGroup
	rings    map[exchange.Party]*exchange.Ring
	sends    map[string]*Sender
	receives map[string]*Receiver
}

func newBadBorder(t *testing.T, loss float64, dead func() bool) *badBorder {
	b := &badBorder{T: t, sends: map[string]*Sender{}, receives: map[string]*Receiver{}}
	b.rings, _ = exchangetest.Rings(t, time.Now())
	b.ctx, b.stop = context.WithCancel(t.Context())
	for i, name := range []string{"a", "b", "c", "d"} {
		b.sends[name], b.receives[name] = hop(t, uint64(i), loss, dead)
	}
	b.guard(exchange.Up, exchange.UpGuard, "a", "b")
	b.guard(exchange.Down, exchange.DownGuard, "c", "d")
	return b
}

func (b *badBorder) guard(l exchange.Lane, who exchange.Party, in, out string) {
	dir := b.TempDir()
	g, err := guard.Open(guard.Options{Lane: l, Ring: b.rings[who], In: b.receives[in], Out: b.sends[out],
		LogFile: filepath.Join(dir, "log"), Dir: dir, Log: quiet()})
	if err != nil {
		b.Fatal(err)
	}
	b.run.Go(func() {
		if err := g.Run(b.ctx); err != nil {
			b.Error(err)
		}
		g.Close()
	})
}

func (b *badBorder) port(p *exchange.Port) *exchange.Port {
	b.run.Go(func() {
		if err := p.Run(b.ctx); err != nil {
			b.Error(err)
		}
	})
	return p
}

// close ends everything, as each bubble has to.
func (b *badBorder) close() {
	b.stop()
	b.run.Wait()
	for name := range b.sends {
		b.sends[name].Close()
		b.receives[name].Close()
	}
}

// TestLaneIsWholeOverALossyLink: on a wire so bad that one pass of a link loses envelopes, and that is dead for a
// minute, both sides' Ports and both guards bring everything across once and in order: what has no Ack is sent again.
func TestLaneIsWholeOverALossyLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		b := newBadBorder(t, 0.40, func() bool { d := time.Since(begun); return d > 20*time.Second && d < 80*time.Second })
		defer b.close()
		up, upIn := exchangetest.NewOutgoing(), exchangetest.NewIncoming()
		ext := b.port(&exchange.Port{Lane: exchange.Up, Ring: b.rings[exchange.Extranet], Outgoing: up, Incoming: exchangetest.NewIncoming(),
			Out: b.sends["a"], In: b.receives["d"], Owner: "ext", Log: quiet()})
		in := b.port(&exchange.Port{Lane: exchange.Down, Ring: b.rings[exchange.Intranet], Outgoing: exchangetest.NewOutgoing(), Incoming: upIn,
			Out: b.sends["c"], In: b.receives["b"], Owner: "int", Log: quiet()})
		const n = 20
		for i := range n {
			id := fmt.Sprintf("p%02d", i)
			up.Add(exchangetest.ParcelOf(t, id, exchange.Erasure{ID: id, Party: "p", At: time.Now()}, time.Now()))
			ext.Nudge()
			time.Sleep(3 * time.Second)
		}
		arrived := func() []exchange.Arrival {
			next, err := upIn.Next(t.Context(), 1000)
			if err != nil {
				t.Fatal(err)
			}
			return next
		}
		for (up.Open() > 0 || len(arrived()) < n) && time.Since(begun) < 6*time.Hour {
			time.Sleep(time.Second)
		}
		for i, a := range arrived() {
			if a.Parcel.ID != fmt.Sprintf("p%02d", i) {
				t.Fatalf("parcel %d is %q", i, a.Parcel.ID)
			}
		}
		if got := len(arrived()); got != n {
			t.Errorf("%d parcels arrived after %v", got, time.Since(begun))
		}
		if st := ext.Status(); st.Sent <= st.Sealed || st.Aside != 0 || in.Status().Aside != 0 {
			t.Errorf("nothing was lost, or something looked forged: %+v, %+v", st, in.Status())
		}
	})
}
