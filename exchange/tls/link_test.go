package tls

import (
	"context"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"gatehouse/exchange"
	"gatehouse/exchange/exchangetest"
)

// site is a folder with certificates for all, and the two configurations of a link over it.
type site struct {
	*testing.T
	dir            string
	send, received Config
	bounds         bounds
}

// newSite gives a link that the sender or the receiver dials.
func newSite(t *testing.T, s exchange.Stretch, senderDials bool) *site {
	t.Helper()
	dir := t.TempDir()
	if err := MakeAll(dir, exchange.Parties(), time.Now()); err != nil {
		t.Fatal(err)
	}
	x := &site{T: t, dir: dir, send: end(dir, s.Sender()), received: end(dir, s.Receiver()), bounds: fixed()}
	x.bounds.redial, x.bounds.later, x.bounds.pause = time.Millisecond, time.Millisecond, 20*time.Millisecond
	addr := freePort(t)
	if senderDials {
		x.send.Dial, x.received.Listen = []string{addr}, addr
	} else {
		x.received.Dial, x.send.Listen = []string{addr}, addr
	}
	return x
}

func end(dir string, p exchange.Party) Config {
	own := filepath.Join(dir, string(p))
	return Config{Cert: filepath.Join(own, LinkCert), Key: filepath.Join(own, LinkKey), CA: filepath.Join(own, AuthorityCert), Dir: filepath.Join(own, "wait")}
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func quietly() *slog.Logger { return slog.New(slog.DiscardHandler) }

// open opens both ends of link A.
func (x *site) open() (*Sender, *Receiver) {
	x.Helper()
	s, err := openSender(x.send, exchange.LinkA, quietly(), x.bounds)
	if err != nil {
		x.Fatal(err)
	}
	x.Cleanup(func() { s.Close() })
	r, err := openReceiver(x.received, exchange.LinkA, quietly(), x.bounds)
	if err != nil {
		x.Fatal(err)
	}
	x.Cleanup(func() { r.Close() })
	return s, r
}

func TestContract(t *testing.T) {
	for name, senderDials := range map[string]bool{"the sender dials": true, "the receiver dials": false} {
		t.Run(name, func(t *testing.T) {
			exchangetest.RunLink(t, func(t *testing.T) (exchange.Link, exchange.Link, func() (exchange.Link, exchange.Link)) {
				x := newSite(t, exchange.LinkA, senderDials)
				s, r := x.open()
				return s, r, func() (exchange.Link, exchange.Link) {
					s.Close()
					r.Close()
					s, r = x.open()
					return s, r
				}
			})
		})
	}
}

// sealed gives n envelopes of the lane up.
func sealed(t testing.TB, n int) []exchange.Envelope {
	t.Helper()
	rings, _ := exchangetest.Rings(t, time.Now())
	c := exchangetest.NewChain(rings[exchange.Extranet], exchange.Up, time.Now)
	var out []exchange.Envelope
	for range n {
		out = append(out, c.Seal(t, exchangetest.ParcelOf(t, "p", exchange.Erasure{ID: "e", Party: "p"}, time.Now())))
	}
	return out
}

// taker counts what a receiver hands on.
type taker struct {
	mu    sync.Mutex
	count map[uint64]int
}

func (k *taker) handle(_ context.Context, e exchange.Envelope) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.count == nil {
		k.count = map[uint64]int{}
	}
	k.count[e.Seq]++
	return nil
}

func (k *taker) got(seq uint64) int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.count[seq]
}

// receive runs r until the test ends.
func receive(t *testing.T, r *Receiver, handle func(context.Context, exchange.Envelope) error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var wait sync.WaitGroup
	wait.Go(func() {
		if err := r.Receive(ctx, handle); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { cancel(); wait.Wait() })
}

func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	end := time.After(5 * time.Minute)
	for !holds() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// waiting counts what lies in the sender's folder.
func (x *site) waiting() int {
	all, _ := filepath.Glob(filepath.Join(x.send.Dir, "*.envelope"))
	return len(all)
}

// TestAcknowledgedOnlyOnceHandled: while handle works, the envelope lies in the sender's folder.
func TestAcknowledgedOnlyOnceHandled(t *testing.T) {
	x := newSite(t, exchange.LinkA, false)
	s, r := x.open()
	inside, release := make(chan struct{}), make(chan struct{})
	receive(t, r, func(context.Context, exchange.Envelope) error {
		close(inside)
		<-release
		return nil
	})
	if err := s.Send(t.Context(), sealed(t, 1)[0]); err != nil {
		t.Fatal(err)
	}
	<-inside
	if n := x.waiting(); n != 1 {
		t.Errorf("%d wait while one is handled", n)
	}
	close(release)
	await(t, "the receipt", func() bool { return x.waiting() == 0 })
}

// TestForgedIsPutAsideAtTheReceiver: bytes that are no envelope of the lane are kept for the operator, once.
func TestForgedIsPutAsideAtTheReceiver(t *testing.T) {
	x := newSite(t, exchange.LinkA, true)
	_, r := x.open()
	var k taker
	forged := sealed(t, 1)[0].Bytes
	forged[200] ^= 1
	for range 2 {
		if a, err := r.judge(t.Context(), forged, k.handle); a != taken || err != nil {
			t.Errorf("answered %d, %v", a, err)
		}
	}
	aside, _ := filepath.Glob(filepath.Join(x.received.Dir, "refused", "*.reason"))
	if len(aside) != 2 || k.got(1) != 0 {
		t.Errorf("put aside: %v; handed on %d times", aside, k.got(1))
	}
	if err := os.RemoveAll(filepath.Join(x.received.Dir, "refused")); err != nil {
		t.Fatal(err)
	}
	if a, err := r.judge(t.Context(), forged, k.handle); a != later || err != nil {
		t.Errorf("not kept, and answered %d, %v", a, err)
	}
}

// TestOneEndOnly: each half refuses what is the other's, and what is of the other lane.
func TestOneEndOnly(t *testing.T) {
	x := newSite(t, exchange.LinkA, true)
	s, r := x.open()
	e := sealed(t, 1)[0]
	if s.Receive(t.Context(), nil) == nil || r.Send(t.Context(), e) == nil {
		t.Error("a half does what is the other's")
	}
	e.Lane = exchange.Down
	if s.Send(t.Context(), e) == nil {
		t.Error("link A took an envelope of the lane down")
	}
}

// TestGaugesCount: connections, what crossed, what was put off and what waits.
func TestGaugesCount(t *testing.T) {
	x := newSite(t, exchange.LinkA, true)
	s, r := x.open()
	value := func(of interface{ Gauges() []exchange.Gauge }, name string) float64 {
		for _, g := range of.Gauges() {
			if g.Name == name {
				return g.Value
			}
		}
		t.Fatalf("no figure %s", name)
		return 0
	}
	for _, e := range sealed(t, 2) {
		if err := s.Send(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	if n := value(s, "tls_waiting"); n != 2 {
		t.Errorf("%v wait", n)
	}
	put := false
	receive(t, r, func(context.Context, exchange.Envelope) error {
		if !put {
			put = true
			return errLater
		}
		return nil
	})
	await(t, "both", func() bool { return value(s, "tls_envelopes") == 2 })
	for name, want := range map[string]float64{"tls_waiting": 0, "tls_later": 1, "tls_connected": 1} {
		await(t, name, func() bool { return value(s, name) == want })
	}
	if value(r, "tls_envelopes") != 2 || value(r, "tls_later") != 1 || value(r, "tls_connected") != 1 || value(r, "tls_refused") != 0 {
		t.Errorf("the receiver counts %+v", r.Gauges())
	}
	stranger, err := net.Dial("tcp", x.received.Listen)
	if err != nil {
		t.Fatal(err)
	}
	stranger.Close()
	await(t, "the stranger", func() bool { return value(r, "tls_refused") == 1 })
}
