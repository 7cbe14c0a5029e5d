package tls

import (
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"crypto/tls"

	"gatehouse/exchange"
)

// dialSecure makes a connection to the listening receiver that has proved itself.
func (x *site) dialSecure() *tls.Conn {
	x.Helper()
	c, err := trust(x.send, exchange.LinkA, exchange.Extranet, exchange.UpGuard, time.Now)
	if err != nil {
		x.Fatal(err)
	}
	conn, err := tls.Dial("tcp", x.received.Listen, c)
	if err != nil {
		x.Fatal(err)
	}
	x.Cleanup(func() { conn.Close() })
	return conn
}

// ends waits until the far end closed a connection.
func ends(t *testing.T, what string, c net.Conn) {
	t.Helper()
	c.SetReadDeadline(time.Now().Add(60 * time.Second))
	_, err := c.Read(make([]byte, 1))
	var late net.Error
	if err == nil || errors.As(err, &late) && late.Timeout() {
		t.Errorf("%s: still open: %v", what, err)
	}
}

// TestStrangersDontKeepTheNeighbourOut: more connections than are let in wait and say nothing, or talk nonsense; the
// neighbour comes in all the same, and they are shown out.
func TestStrangersDontKeepTheNeighbourOut(t *testing.T) {
	x := newSite(t, exchange.LinkA, true)
	dial := x.send.Dial
	x.send.Dial = []string{freePort(t)}
	x.bounds.handshake = time.Hour // only who comes after them shows them out
	_, r := x.open()
	var k taker
	receive(t, r, k.handle)
	var silent []net.Conn
	for i := range 3 * MaxHandshakes {
		c, err := net.Dial("tcp", dial[0])
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if i%3 == 2 {
			io.WriteString(c, "GET / HTTP/1.1\r\n\r\n")
		}
		silent = append(silent, c)
	}
	conn := x.dialSecure()
	if _, err := conn.Write(frame(sealed(t, 1)[0].Bytes)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(conn, make([]byte, receiptSize)); err != nil {
		t.Fatal(err)
	}
	for _, c := range silent[:MaxHandshakes] {
		ends(t, "a stranger", c)
	}
}

// TestSlowPeersAreCutOff: who does not finish a handshake, or a frame, loses the connection.
func TestSlowPeersAreCutOff(t *testing.T) {
	x := newSite(t, exchange.LinkA, true)
	x.send.Dial = []string{freePort(t)}
	x.bounds.frame = 50 * time.Millisecond
	_, r := x.open()
	var k taker
	receive(t, r, k.handle)
	half := x.dialSecure()
	if _, err := half.Write(frame(sealed(t, 1)[0].Bytes)[:100]); err != nil {
		t.Fatal(err)
	}
	ends(t, "half a frame", half)
	wrong := x.dialSecure()
	if _, err := wrong.Write([]byte("GET / HTTP/1.1\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	ends(t, "no frame", wrong)
}

func TestSilentPeersAreCutOff(t *testing.T) {
	x := newSite(t, exchange.LinkA, true)
	x.bounds.handshake = 50 * time.Millisecond
	_, r := x.open()
	var k taker
	receive(t, r, k.handle)
	silent, err := net.Dial("tcp", x.received.Listen)
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	ends(t, "no handshake", silent)
}

// TestNewestConnectionCounts: a neighbour that comes back does not wait for its half-open self.
func TestNewestConnectionCounts(t *testing.T) {
	x := newSite(t, exchange.LinkA, true)
	x.send.Dial = []string{freePort(t)}
	_, r := x.open()
	var k taker
	receive(t, r, k.handle)
	old := x.dialSecure()
	if _, err := old.Write(frame(sealed(t, 1)[0].Bytes)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(old, make([]byte, receiptSize)); err != nil {
		t.Fatal(err)
	}
	again := x.dialSecure()
	if _, err := again.Write(frame(sealed(t, 1)[0].Bytes)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(again, make([]byte, receiptSize)); err != nil {
		t.Fatal(err)
	}
	ends(t, "the one before", old)
}

// TestSenderGoesOnWhenNoReceiptComes: a receiver that stands still does not hold the link for ever.
func TestSenderGoesOnWhenNoReceiptComes(t *testing.T) {
	x := newSite(t, exchange.LinkA, true)
	x.bounds.receipt = 30 * time.Millisecond
	listener, err := trust(x.received, exchange.LinkA, exchange.UpGuard, exchange.Extranet, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", listener)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	x.send.Dial = []string{l.Addr().String()}
	s, _ := x.open()
	if err := s.Send(t.Context(), sealed(t, 1)[0]); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		c, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := readFrame(c, anyTime); err != nil {
			t.Fatal(err)
		}
		ends(t, "no receipt", c)
		c.Close()
	}
	if x.waiting() != 1 {
		t.Errorf("%d wait", x.waiting())
	}
}

func TestBackoffGrowsToItsBound(t *testing.T) {
	for failed, want := range map[int]time.Duration{0: 100 * time.Millisecond, 1: 100 * time.Millisecond, 2: 200 * time.Millisecond,
		3: 400 * time.Millisecond, 6: MaxPause, 1000: MaxPause} {
		for range 50 {
			if d := backoff(Redial, MaxPause, failed); d > want || d < want-want/5 {
				t.Fatalf("after %d failures %s, want %s at most a fifth less", failed, d, want)
			}
		}
	}
}

func TestQuietSaysOnce(t *testing.T) {
	var q quiet
	n := 0
	say := func(error) { n++ }
	for range 3 {
		q.once(errFrame, say)
	}
	q.once(nil, say)
	q.at = time.Now().Add(time.Hour)
	q.once(errReceipt, say) // too soon after the last
	if n != 1 {
		t.Errorf("said %d times", n)
	}
	q.forget()
	q.at = time.Time{}
	q.once(errFrame, say)
	if n != 2 {
		t.Errorf("said %d times after it was over", n)
	}
}
