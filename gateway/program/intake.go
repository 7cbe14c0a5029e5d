package program

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"gatehouse/exchange"
	"gatehouse/gateway"
)

const (
	// defaultOutbox is how many documents may wait for the border: some hours of a large city whose lane is dead.
	defaultOutbox = 20_000
	// intakeEvery is how often the depth is looked at.
	intakeEvery = 5 * time.Second
)

// intake says when no more is taken in for the border, because too much waits for it already: then a person is told
// to come back, and nothing of theirs is lost, rather than that an outbox fills a disk. It opens again by itself, at nine
// tenths of the limit.
type intake struct {
	lane interface {
		Depth(context.Context) (exchange.Depth, error)
	}
	limit int64
	now   func() time.Time
	log   *slog.Logger

	mu     sync.Mutex
	looked time.Time
	depth  int64
	shut   bool
}

// closed tells it; a depth that can't be read changes nothing.
func (i *intake) closed(ctx context.Context) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	now := i.now()
	if since := now.Sub(i.looked); since >= 0 && since < intakeEvery {
		return i.shut
	}
	d, err := i.lane.Depth(ctx)
	if err != nil {
		return i.shut
	}
	i.looked, i.depth = now, d.Open()
	shut := i.depth >= i.limit || i.shut && i.depth >= i.limit*9/10
	if shut != i.shut {
		i.shut = shut
		i.log.ErrorContext(ctx, "intake for the border changed", "closed", shut, "depth", i.depth, "limit", i.limit)
	}
	return i.shut
}

// Gauges is for the metrics.
func (i *intake) Gauges() []exchange.Gauge {
	i.mu.Lock()
	defer i.mu.Unlock()
	shut := 0.0
	if i.shut {
		shut = 1
	}
	return []exchange.Gauge{{Name: "border_intake_closed", Help: "1 while no case is taken in, because too much waits for the border: an alarm.", Value: shut}}
}

// filed tells whether an outcome brings something of a person's to the border.
func filed(o gateway.Outcome) bool {
	for _, c := range o.Crossings {
		switch c.Document.(type) {
		case exchange.Case, *exchange.Case, exchange.Addition, *exchange.Addition:
			return true
		}
	}
	return false
}

// bounded refuses what would be filed while the intake is closed: the person is told so, and everything else stays as
// it was before, so that the same answer files it later.
func bounded(i *intake, full func(gateway.Turn) gateway.Outcome, step func(context.Context, gateway.Turn) (gateway.Outcome, error)) func(context.Context, gateway.Turn) (gateway.Outcome, error) {
	return func(ctx context.Context, t gateway.Turn) (gateway.Outcome, error) {
		o, err := step(ctx, t)
		if err == nil && filed(o) && i.closed(ctx) {
			return full(t), nil
		}
		return o, err
	}
}
