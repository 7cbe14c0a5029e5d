package exchangetest

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"gatehouse/exchange"
)

// Pipe is a link in memory. What the hooks say happens to what is sent.
type Pipe struct {
	// Lose tells whether an envelope is lost on the way; nil: none is.
	Lose func(e exchange.Envelope) bool
	// Copies is how often an envelope arrives; nil: once.
	Copies func(e exchange.Envelope) int
	// Late delivers the newest first.
	Late bool
	// Again is when what was left comes once more; 0: after 100 ms.
	Again time.Duration
	// Fail is the error of Send; nil: none.
	Fail func() error

	mu    sync.Mutex
	queue []exchange.Envelope
	aside []exchange.Envelope
	ready chan struct{}
}

// NewPipe gives an empty one.
func NewPipe() *Pipe { return &Pipe{ready: make(chan struct{}, 1)} }

// Aside gives what the receiver put aside.
func (p *Pipe) Aside() []exchange.Envelope {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.aside)
}

// Put brings an envelope to the receiver whatever the hooks say, as one who can write into the link does.
func (p *Pipe) Put(e exchange.Envelope) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.queue = append([]exchange.Envelope{e}, p.queue...)
	p.wake()
}

func (p *Pipe) wake() {
	select {
	case p.ready <- struct{}{}:
	default:
	}
}

// Send implements exchange.Link.
func (p *Pipe) Send(ctx context.Context, e exchange.Envelope) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if len(e.Bytes) > exchange.MaxEnvelope {
		return errors.New("over the limit")
	}
	if p.Fail != nil {
		if err := p.Fail(); err != nil {
			return err
		}
	}
	if p.Lose != nil && p.Lose(e) {
		return nil
	}
	n := 1
	if p.Copies != nil {
		n = p.Copies(e)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for range n {
		p.queue = append(p.queue, e)
	}
	if p.Late {
		slices.Reverse(p.queue)
	}
	p.wake()
	return nil
}

// Receive implements exchange.Link. What is left to come again holds up nothing behind it.
func (p *Pipe) Receive(ctx context.Context, handle func(context.Context, exchange.Envelope) error) error {
	for {
		left := p.round(ctx, handle)
		var again <-chan time.Time
		if left {
			again = time.After(cmp.Or(p.Again, 100*time.Millisecond))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-again:
		case <-p.ready:
		}
	}
}

// round handles each that waits once; true: some are left to come again.
func (p *Pipe) round(ctx context.Context, handle func(context.Context, exchange.Envelope) error) bool {
	var left []exchange.Envelope
	for ctx.Err() == nil {
		e, ok := p.next()
		if !ok {
			break
		}
		switch err := handle(ctx, e); {
		case errors.Is(err, exchange.ErrAside):
			p.mu.Lock()
			p.aside = append(p.aside, e)
			p.mu.Unlock()
		case err != nil:
			left = append(left, e)
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.queue = append(left, p.queue...)
	return len(left) > 0
}

func (p *Pipe) next() (exchange.Envelope, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.queue) == 0 {
		return exchange.Envelope{}, false
	}
	e := p.queue[0]
	p.queue = p.queue[1:]
	return e, true
}
