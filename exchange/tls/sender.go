package tls

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"gatehouse/exchange"
	"gatehouse/exchange/spool"
)

// Sender is the half that puts envelopes in. It keeps each in its folder until the receiver acknowledged it.
type Sender struct {
	line    *line
	queue   *spool.Link
	stretch exchange.Stretch
	turn    sync.Mutex // one connection carries at a time
	stop    context.CancelFunc
	ended   sync.WaitGroup
}

func newSender(l *line, queue *spool.Link, s exchange.Stretch) *Sender {
	ctx, stop := context.WithCancel(context.Background())
	x := &Sender{line: l, queue: queue, stretch: s, stop: stop}
	x.ended.Go(func() { l.run(ctx, x.serve) })
	return x
}

// Addr is where it listens; nil: it dials.
func (s *Sender) Addr() net.Addr { return s.line.addr() }

// Close ends the connection. What is not acknowledged stays in the folder.
func (s *Sender) Close() error {
	s.stop()
	err := s.line.close()
	s.ended.Wait()
	return err
}

// Send implements exchange.Link: the envelope is durable in the folder of this end. spool.ErrFull when the receiver
// has not acknowledged what lies there.
func (s *Sender) Send(ctx context.Context, e exchange.Envelope) error {
	if e.Lane != s.stretch.Lane() {
		return fmt.Errorf("send over link %s: the envelope is of the lane %s", s.stretch, e.Lane)
	}
	return s.queue.Send(ctx, e)
}

// Receive is the other half's.
func (s *Sender) Receive(context.Context, func(context.Context, exchange.Envelope) error) error {
	return errors.New("receive: this end sends")
}

// errLater leaves the envelope in the folder.
var errLater = errors.New("the receiver can't take it now")

// serve carries what lies in the folder over one connection, until that ends.
func (s *Sender) serve(ctx context.Context, conn net.Conn) error {
	s.turn.Lock()
	defer s.turn.Unlock()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	receipts := make(chan []byte)
	var reader sync.WaitGroup
	reader.Go(func() { cancel(readReceipts(ctx, conn, receipts)) })
	refused := 0
	err := s.queue.Receive(ctx, func(ctx context.Context, e exchange.Envelope) error {
		a, err := s.post(ctx, conn, e, receipts)
		switch {
		case err != nil:
			cancel(err)
			return err
		case a == later:
			refused++
			s.line.counts.later.Add(1)
			pause(ctx, backoff(s.line.bounds.later, s.line.bounds.pause, refused))
			return errLater
		}
		refused = 0
		s.line.counts.envelopes.Add(1)
		return nil
	})
	conn.Close()
	reader.Wait()
	return errors.Join(err, context.Cause(ctx))
}

// readReceipts hands on what the peer answers, and notices that it is gone.
func readReceipts(ctx context.Context, conn net.Conn, to chan<- []byte) error {
	for {
		b := make([]byte, receiptSize)
		if _, err := io.ReadFull(conn, b); err != nil {
			return fmt.Errorf("read receipt: %w", err)
		}
		select {
		case to <- b:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// post writes one envelope and waits for its receipt.
func (s *Sender) post(ctx context.Context, conn net.Conn, e exchange.Envelope, receipts <-chan []byte) (answer, error) {
	if err := conn.SetWriteDeadline(time.Now().Add(s.line.bounds.frame)); err != nil {
		return 0, fmt.Errorf("write frame: %w", err)
	}
	if _, err := conn.Write(frame(e.Bytes)); err != nil {
		return 0, fmt.Errorf("write frame: %w", err)
	}
	late := time.NewTimer(s.line.bounds.receipt)
	defer late.Stop()
	select {
	case b := <-receipts:
		return parseReceipt(b, digestOf(e.Bytes))
	case <-late.C:
		return 0, fmt.Errorf("no receipt within %s", s.line.bounds.receipt)
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}
