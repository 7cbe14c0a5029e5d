package main

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"gatehouse/exchange/diode"
)

// plainRate is how many bytes of envelopes a second arrive when packets go at the same pace with nothing added.
func (o *oneWay) plainRate(ctx context.Context) (float64, error) {
	begun := time.Now()
	came, last, err := o.plain(ctx)
	n := 0
	for _, c := range came {
		n += c
	}
	return float64(n*plainData) / 1e6 / last.Sub(begun).Seconds(), err
}

// plainWhole is which share of the envelopes has all its packets when each goes once.
func (o *oneWay) plainWhole(ctx context.Context) (float64, error) {
	came, _, err := o.plain(ctx)
	whole := 0
	for i, c := range came {
		if c >= plainPackets(len(o.sealed[i].Bytes)) {
			whole++
		}
	}
	return 100 * float64(whole) / float64(len(came)), err
}

// plainData is what a packet holds besides the number of its envelope.
const plainData = diode.PacketSize - 4

func plainPackets(size int) int { return (size + plainData - 1) / plainData }

// plainSilence ends the listening.
const plainSilence = 500 * time.Millisecond

// plain sends the envelopes as packets, and gives how many of each came, and when the last did.
func (o *oneWay) plain(ctx context.Context) (came []int, last time.Time, err error) {
	in, err := listenUDP(ctx)
	if err != nil {
		return nil, last, err
	}
	defer in.Close()
	wire, shut, err := badWire(ctx, in.LocalAddr().String(), o.loss)
	if err != nil {
		return nil, last, err
	}
	defer shut()
	var failed error
	var post sync.WaitGroup
	post.Go(func() { failed = o.pour(ctx, wire) })
	came = make([]int, len(o.sealed))
	buf := make([]byte, diode.PacketSize)
	for {
		_ = in.SetReadDeadline(time.Now().Add(plainSilence))
		if _, _, err = in.ReadFromUDP(buf); err != nil {
			break
		}
		came[binary.BigEndian.Uint32(buf)]++
		last = time.Now()
	}
	post.Wait()
	if os.IsTimeout(err) {
		err = failed
	}
	return came, last, err
}

// pour writes the packets at the pace of a link, a few at a time.
func (o *oneWay) pour(ctx context.Context, to string) error {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "udp", to)
	if err != nil {
		return err
	}
	defer conn.Close()
	begun, n, buf := time.Now(), 0, make([]byte, diode.PacketSize)
	for i, e := range o.sealed {
		binary.BigEndian.PutUint32(buf, uint32(i))
		for b := e.Bytes; len(b) > 0 && ctx.Err() == nil; n++ {
			if n%16 == 0 {
				due := begun.Add(time.Duration(float64(n*diode.PacketSize) / diode.DefaultRate * float64(time.Second)))
				t := unix.NsecToTimespec(max(time.Until(due).Nanoseconds(), 0))
				_ = unix.Nanosleep(&t, nil)
			}
			b = b[copy(buf[4:], b):]
			if _, err := conn.Write(buf); err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}

func listenUDP(ctx context.Context) (*net.UDPConn, error) {
	var l net.ListenConfig
	c, err := l.ListenPacket(ctx, "udp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	conn := c.(*net.UDPConn)
	return conn, conn.SetReadBuffer(diode.DefaultReceiveBuffer)
}

// freeUDP gives an address that was free a moment ago.
func freeUDP(ctx context.Context) (string, error) {
	c, err := listenUDP(ctx)
	if err != nil {
		return "", err
	}
	return c.LocalAddr().String(), c.Close()
}

// badWire hands packets on to an address and loses a share of them. Without loss it is the address itself.
func badWire(ctx context.Context, to string, loss float64) (addr string, shut func(), err error) {
	if loss == 0 {
		return to, func() {}, nil
	}
	in, err := listenUDP(ctx)
	if err != nil {
		return "", nil, err
	}
	var d net.Dialer
	out, err := d.DialContext(ctx, "udp", to)
	if err != nil {
		in.Close()
		return "", nil, err
	}
	var relay sync.WaitGroup
	relay.Go(func() {
		rng, buf := rand.New(rand.NewPCG(1, 2)), make([]byte, 2048)
		for {
			n, _, err := in.ReadFromUDP(buf)
			if err != nil {
				return
			}
			if rng.Float64() >= loss {
				_, _ = out.Write(buf[:n]) // a refused packet is a lost one
			}
		}
	})
	return in.LocalAddr().String(), func() { in.Close(); relay.Wait(); out.Close() }, nil
}
