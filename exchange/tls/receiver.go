package tls

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"gatehouse/exchange"
	"gatehouse/exchange/spool"
)

// Receiver is the half that takes envelopes out. It keeps none but those put aside.
type Receiver struct {
	line    *line
	aside   *spool.Link
	stretch exchange.Stretch
	turn    chan struct{} // full while an envelope is handled: one at a time, whatever connection it came by
}

func newReceiver(l *line, aside *spool.Link, s exchange.Stretch) *Receiver {
	return &Receiver{line: l, aside: aside, stretch: s, turn: make(chan struct{}, 1)}
}

// Addr is where it listens; nil: it dials.
func (r *Receiver) Addr() net.Addr { return r.line.addr() }

// Close gives the port back; Receive is to have returned.
func (r *Receiver) Close() error { return r.line.close() }

// Send is the other half's.
func (r *Receiver) Send(context.Context, exchange.Envelope) error {
	return errors.New("send: this end receives")
}

// Receive implements exchange.Link.
func (r *Receiver) Receive(ctx context.Context, handle func(context.Context, exchange.Envelope) error) error {
	r.line.run(ctx, func(ctx context.Context, conn net.Conn) error { return r.serve(ctx, conn, handle) })
	return nil
}

// serve reads frames from one connection until it ends.
func (r *Receiver) serve(ctx context.Context, conn net.Conn, handle func(context.Context, exchange.Envelope) error) error {
	for {
		b, err := readFrame(conn, func() error { return conn.SetReadDeadline(time.Now().Add(r.line.bounds.frame)) })
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		a, err := r.judge(ctx, b, handle)
		if err != nil {
			return err
		}
		deadline := time.Now().Add(r.line.bounds.frame)
		if err := errors.Join(conn.SetReadDeadline(time.Time{}), conn.SetWriteDeadline(deadline)); err != nil {
			return fmt.Errorf("write receipt: %w", err)
		}
		if _, err := conn.Write(receipt(digestOf(b), a)); err != nil {
			return fmt.Errorf("write receipt: %w", err)
		}
	}
}

// judge handles an envelope. Its error is that of ctx: then the peer is told nothing.
func (r *Receiver) judge(ctx context.Context, b []byte, handle func(context.Context, exchange.Envelope) error) (answer, error) {
	select {
	case r.turn <- struct{}{}:
		defer func() { <-r.turn }()
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	err := r.take(ctx, b, handle)
	if errors.Is(err, exchange.ErrAside) {
		err = r.aside.Refuse(b, err)
	}
	switch {
	case err == nil:
		r.line.counts.envelopes.Add(1)
		return taken, nil
	case ctx.Err() != nil:
		return 0, ctx.Err()
	}
	r.line.counts.later.Add(1)
	r.line.said.once(err, func(err error) { r.line.log.Warn("envelope waits at the link", "err", err) })
	return later, nil
}

func (r *Receiver) take(ctx context.Context, b []byte, handle func(context.Context, exchange.Envelope) error) error {
	e, err := exchange.ParseEnvelope(b)
	if err != nil {
		return err
	}
	if e.Lane != r.stretch.Lane() {
		return fmt.Errorf("%w: link %s carries no envelope of the lane %s", exchange.ErrAside, r.stretch, e.Lane)
	}
	return handle(ctx, e)
}
