package tls

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"gatehouse/exchange"
)

// line finds the neighbour, by dialing or by listening, and hands each connection that has proved itself on.
type line struct {
	addrs    []string
	listener net.Listener // nil: it dials
	trust    *tls.Config
	peer     exchange.Party
	log      *slog.Logger
	bounds   bounds
	said     quiet
	counts   counts
}

// aMonth before its end a certificate is worth a warning.
const aMonth = 30 * 24 * time.Hour

func open(c Config, s exchange.Stretch, self, peer exchange.Party, log *slog.Logger) (*line, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	t, err := trust(c, s, self, peer, time.Now)
	if err != nil {
		return nil, err
	}
	l := &line{addrs: c.Dial, trust: t, peer: peer, log: log.With("link", string(s))}
	if end := t.Certificates[0].Leaf.NotAfter; time.Until(end) < aMonth {
		l.log.Warn("certificate of the link ends soon", "until", end)
	}
	if c.Listen != "" {
		if l.listener, err = (&net.ListenConfig{KeepAliveConfig: keepAlive()}).Listen(context.Background(), "tcp", c.Listen); err != nil {
			return nil, fmt.Errorf("listen: %w", err)
		}
	}
	return l, nil
}

// keepAlive finds out within half a minute that a peer's host is gone without a word.
func keepAlive() net.KeepAliveConfig {
	return net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 3}
}

// addr is where it listens; nil: it dials.
func (l *line) addr() net.Addr {
	if l.listener == nil {
		return nil
	}
	return l.listener.Addr()
}

func (l *line) close() error {
	if l.listener == nil {
		return nil
	}
	return l.listener.Close()
}

// run calls serve for each connection until ctx ends, and returns when all calls have. serve's connection is closed
// when it returns, or when its ctx ends.
func (l *line) run(ctx context.Context, serve func(context.Context, net.Conn) error) {
	var all sync.WaitGroup
	defer all.Wait()
	if l.listener != nil {
		all.Go(func() { l.accept(ctx, serve) })
		return
	}
	for _, addr := range l.addrs {
		all.Go(func() { l.keepDialing(ctx, addr, serve) })
	}
}

// keepDialing connects again and again; a connection that did not last makes the pause longer.
func (l *line) keepDialing(ctx context.Context, addr string, serve func(context.Context, net.Conn) error) {
	for failed := 0; ctx.Err() == nil; {
		began := time.Now()
		if err := l.dial(ctx, addr, serve); ctx.Err() == nil {
			l.said.once(err, func(err error) { l.log.Warn("link is down", "address", addr, "err", err) })
		}
		if failed++; time.Since(began) > l.bounds.pause {
			failed = 0
		}
		pause(ctx, backoff(l.bounds.redial, l.bounds.pause, failed))
	}
}

func (l *line) dial(ctx context.Context, addr string, serve func(context.Context, net.Conn) error) error {
	soon, cancel := context.WithTimeout(ctx, l.bounds.handshake)
	defer cancel()
	conn, err := (&net.Dialer{KeepAliveConfig: keepAlive()}).DialContext(soon, "tcp", addr)
	if err != nil {
		return err
	}
	secure := tls.Client(conn, l.trust)
	if err := secure.HandshakeContext(soon); err != nil {
		l.counts.refused.Add(1)
		return errors.Join(fmt.Errorf("handshake: %w", err), conn.Close())
	}
	return l.hand(ctx, secure, serve)
}

// hand runs serve on a connection, which ends with ctx.
func (l *line) hand(ctx context.Context, conn net.Conn, serve func(context.Context, net.Conn) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	defer conn.Close()
	l.said.forget()
	l.counts.links.Add(1)
	l.counts.up.Add(1)
	defer l.counts.up.Add(-1)
	l.log.Info("link is up", "peer", string(l.peer), "address", conn.RemoteAddr().String())
	return serve(ctx, conn)
}

// accept takes connections until ctx ends. Of those that proved themselves the newest counts: it is the neighbour
// come back, and the one before is half open or will notice.
func (l *line) accept(ctx context.Context, serve func(context.Context, net.Conn) error) {
	var all sync.WaitGroup
	defer all.Wait()
	var door door
	l.until(time.Time{})
	stop := context.AfterFunc(ctx, func() { l.until(time.Unix(1, 0)); door.clear() })
	defer stop()
	newest := func() {}
	var mu sync.Mutex
	for ctx.Err() == nil {
		conn, err := l.listener.Accept()
		if err != nil {
			if ctx.Err() == nil {
				l.log.Error("link can't accept", "err", err)
				pause(ctx, l.bounds.pause)
			}
			continue
		}
		forget := door.enter(conn)
		all.Go(func() {
			secure, err := l.greet(ctx, conn)
			if forget(); err != nil {
				l.counts.refused.Add(1)
				l.said.once(err, func(err error) {
					l.log.Warn("link refused a connection", "address", conn.RemoteAddr().String(), "err", err)
				})
				return
			}
			mine, cancel := context.WithCancel(ctx)
			mu.Lock()
			newest()
			newest = cancel
			mu.Unlock()
			defer cancel()
			if err := l.hand(mine, secure, serve); mine.Err() == nil {
				l.said.once(err, func(err error) { l.log.Warn("link is down", "err", err) })
			}
		})
	}
}

// until bounds Accept, so that it ends without closing the listener, which a later run uses again.
func (l *line) until(t time.Time) {
	if tcp, ok := l.listener.(*net.TCPListener); ok {
		if err := tcp.SetDeadline(t); err != nil && !errors.Is(err, net.ErrClosed) {
			l.log.Error("deadline can't be set", "err", err)
		}
	}
}

// greet is the handshake of a connection that came in.
func (l *line) greet(ctx context.Context, conn net.Conn) (*tls.Conn, error) {
	soon, cancel := context.WithTimeout(ctx, l.bounds.handshake)
	defer cancel()
	secure := tls.Server(conn, l.trust)
	if err := secure.HandshakeContext(soon); err != nil {
		return nil, errors.Join(fmt.Errorf("handshake: %w", err), conn.Close())
	}
	return secure, nil
}

// door holds the connections that have not proved who they are, oldest first.
type door struct {
	mu   sync.Mutex
	wait []net.Conn
}

// enter lets one wait, and shows the oldest out when there are too many; so whoever only waits can't keep the
// neighbour out. The result is called when it waits no longer.
func (d *door) enter(c net.Conn) (leave func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.wait) >= MaxHandshakes {
		d.wait[0].Close()
		d.wait = d.wait[1:]
	}
	d.wait = append(d.wait, c)
	return func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		for i, w := range d.wait {
			if w == c {
				d.wait = append(d.wait[:i:i], d.wait[i+1:]...)
				return
			}
		}
	}
}

func (d *door) clear() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, c := range d.wait {
		c.Close()
	}
}

// quiet says an error once, until it is another or was forgotten, and at most one in a second: the far end decides how
// often it happens.
type quiet struct {
	mu   sync.Mutex
	last string
	at   time.Time
}

func (q *quiet) once(err error, say func(error)) {
	if err == nil {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if now := time.Now(); err.Error() != q.last && now.Sub(q.at) > time.Second {
		q.last, q.at = err.Error(), now
		say(err)
	}
}

func (q *quiet) forget() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.last = ""
}

// backoff doubles from base to most, with a fifth of jitter.
func backoff(base, most time.Duration, failed int) time.Duration {
	d := min(base<<min(max(failed-1, 0), 20), most)
	return d - time.Duration(rand.Int64N(int64(d)/5+1))
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
