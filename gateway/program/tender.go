package program

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"gatehouse/exchange"
	"gatehouse/exchange/service"
	"gatehouse/gateway"
)

const (
	// tendEvery is how often the store is asked what is to be deleted because its time has come.
	tendEvery = 10 * time.Second
	// tendPause is the rest between two pages of the day's round: a million rows take about half an hour, and whoever
	// waits for an answer waits for one page at most.
	tendPause = 250 * time.Millisecond
)

// tender deletes what has to go by itself.
type tender struct {
	store interface {
		gateway.Retainer
		Tend(ctx context.Context, now time.Time) (int, error)
	}
	services *service.Catalog
	now      func() time.Time
	log      *slog.Logger

	mu      sync.Mutex
	removed map[string]int64 // rows, by sort
	rounds  int64
}

func (t *tender) run(ctx context.Context) error {
	bell := newBell() // nobody rings: it only counts the time
	for ctx.Err() == nil {
		n, err := t.store.Tend(ctx, t.now())
		switch {
		case err != nil && ctx.Err() == nil:
			t.log.ErrorContext(ctx, "delete what has to go", "err", err)
		case n > 0:
			t.log.InfoContext(ctx, "deleted because its time has come", "count", n)
			continue
		}
		if t.page(ctx) {
			bell.wait(ctx, tendPause)
			continue
		}
		bell.wait(ctx, tendEvery)
	}
	return nil
}

// page does one page of the day's round, and tells whether another follows.
func (t *tender) page(ctx context.Context) (more bool) {
	r, err := t.store.Retain(ctx, t.services, t.now())
	if err != nil {
		if ctx.Err() == nil {
			t.log.ErrorContext(ctx, "delete what was kept long enough", "sort", r.Sort, "err", err)
		}
		return false
	}
	if r.Sort == "" {
		return false
	}
	if r.Rows > 0 {
		t.log.InfoContext(ctx, "deleted what was kept long enough", "sort", r.Sort, "count", r.Rows)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.removed == nil {
		t.removed = map[string]int64{}
	}
	t.removed[r.Sort] += int64(r.Rows)
	if !r.More {
		t.rounds++
	}
	return r.More
}

// Gauges gives what was deleted since the start.
func (t *tender) Gauges() []exchange.Gauge {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := []exchange.Gauge{{Name: "retention_rounds", Help: "Rounds of deletion that this gateway ended since its start: of all gateways on a store one a day.",
		Value: float64(t.rounds)}}
	for _, sort := range slices.Sorted(maps.Keys(t.removed)) {
		all = append(all, exchange.Gauge{Name: "retention_removed", Help: "Rows deleted since the start because they were kept as long as they may be.",
			Labels: []string{"sort"}, Values: []string{sort}, Value: float64(t.removed[sort])})
	}
	return all
}
