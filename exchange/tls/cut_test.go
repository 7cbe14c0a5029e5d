package tls

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"testing"

	"gatehouse/exchange"
)

// scissors is a connection that ends after some bytes in one direction.
type scissors struct {
	net.Conn
	mu          sync.Mutex
	write, read int  // bytes that still pass
	ends        bool // by itself after the last byte read; else with the next one, which is lost
}

var errCut = errors.New("cut")

func (c *scissors) Write(b []byte) (int, error) {
	c.mu.Lock()
	n := min(len(b), c.write)
	c.write -= n
	c.mu.Unlock()
	done, err := c.Conn.Write(b[:n])
	if err == nil && n < len(b) {
		c.Conn.Close()
		return done, errCut
	}
	return done, err
}

func (c *scissors) Read(b []byte) (int, error) {
	c.mu.Lock()
	most := min(len(b), c.read)
	c.mu.Unlock()
	if most == 0 {
		var err error
		if !c.ends {
			_, err = c.Conn.Read(b[:1])
		}
		c.Conn.Close()
		return 0, errors.Join(errCut, err)
	}
	n, err := c.Conn.Read(b[:most])
	c.mu.Lock()
	c.read -= n
	c.mu.Unlock()
	return n, err
}

// TestCutAtEachByte cuts the connection after each byte of the frame's head, the envelope's header, their ends and the
// receipt, and all over the body: the envelope comes again over the next one, is never lost, and comes twice only when
// the receiver had it whole.
func TestCutAtEachByte(t *testing.T) {
	x := newSite(t, exchange.LinkA, true)
	x.send.Dial = []string{freePort(t)} // nobody is there: the test makes the connections
	s, r := x.open()
	e := sealed(t, 1)[0]
	size := frameHead + len(e.Bytes)
	for at := range size + receiptSize {
		if edge := at < frameHead+minEnvelope+16 || at > size-16; !edge && at%101 != 0 {
			continue
		}
		if err := s.Send(t.Context(), e); err != nil {
			t.Fatal(err)
		}
		var k taker
		first := &scissors{write: min(at, size), read: max(at-size, 0)}
		joined(t, s, r, first, &k)
		if whole := at >= size; whole && k.got(e.Seq) != 1 || !whole && k.got(e.Seq) != 0 {
			t.Fatalf("cut after %d bytes: handled %d times", at, k.got(e.Seq))
		}
		if x.waiting() != 1 {
			t.Fatalf("cut after %d bytes: the sender keeps %d", at, x.waiting())
		}
		before := k.got(e.Seq)
		joined(t, s, r, &scissors{write: size, read: receiptSize, ends: true}, &k)
		if k.got(e.Seq) != before+1 || x.waiting() != 0 {
			t.Fatalf("cut after %d bytes: then handled %d times, %d wait", at, k.got(e.Seq), x.waiting())
		}
	}
}

// joined lets both ends serve one connection until it breaks; c is the sender's end of it.
func joined(t *testing.T, s *Sender, r *Receiver, c *scissors, k *taker) {
	t.Helper()
	near, far := net.Pipe()
	c.Conn = near
	var both sync.WaitGroup
	both.Go(func() {
		if err := s.serve(t.Context(), c); err == nil {
			t.Error("the connection did not end")
		}
	})
	both.Go(func() {
		_ = r.serve(t.Context(), far, k.handle)
		far.Close()
	})
	both.Wait()
}

// relay passes TCP on, and cuts each connection after some bytes.
type relay struct {
	listener net.Listener
	to       string
	mu       sync.Mutex
	cuts     []int64 // of the next connections, bytes from the dialer; then none
	made     int
}

func (y *relay) run() {
	for {
		in, err := y.listener.Accept()
		if err != nil {
			return
		}
		out, err := net.Dial("tcp", y.to)
		if err != nil {
			in.Close()
			continue
		}
		limit := int64(1 << 40)
		y.mu.Lock()
		if y.made < len(y.cuts) {
			limit = y.cuts[y.made]
		}
		y.made++
		y.mu.Unlock()
		go func() { io.Copy(in, out); in.Close() }()
		go func() {
			io.CopyN(out, in, limit)
			in.Close()
			out.Close()
		}()
	}
}

// TestCutUnderTLS cuts real connections in the handshake, in the frames and between: all arrive, in order.
func TestCutUnderTLS(t *testing.T) {
	x := newSite(t, exchange.LinkA, true)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	y := &relay{listener: l, to: x.received.Listen, cuts: []int64{0, 5, 300, 1500, 1700, 1800, 2100, 2500, 3000, 4000}}
	go y.run()
	x.send.Dial = []string{l.Addr().String()}
	s, r := x.open()
	es := sealed(t, 20)
	for _, e := range es {
		if err := s.Send(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	var k taker
	last := uint64(0)
	receive(t, r, func(ctx context.Context, e exchange.Envelope) error {
		if e.Seq > last+1 {
			t.Errorf("%d came after %d", e.Seq, last)
		}
		last = max(last, e.Seq)
		return k.handle(ctx, e)
	})
	await(t, "all of them", func() bool { return x.waiting() == 0 })
	for _, e := range es {
		if n := k.got(e.Seq); n < 1 || n > 2 {
			t.Errorf("%d came %d times", e.Seq, n)
		}
	}
	y.mu.Lock()
	defer y.mu.Unlock()
	if y.made <= len(y.cuts) {
		t.Errorf("only %d connections were made: nothing was cut", y.made)
	}
}
