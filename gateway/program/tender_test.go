package program

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"gatehouse/exchange/service"
	"gatehouse/gateway"
)

// rounds is a store whose round has three pages.
type rounds struct{ pages []gateway.Removed }

func (r *rounds) Tend(context.Context, time.Time) (int, error) { return 0, nil }

func (r *rounds) Retain(context.Context, *service.Catalog, time.Time) (gateway.Removed, error) {
	if len(r.pages) == 0 {
		return gateway.Removed{Sort: "people"}, errors.New("disk")
	}
	p := r.pages[0]
	r.pages = r.pages[1:]
	return p, nil
}

// TestTenderCountsWhatGoes adds up rows by sort, and counts a round where this gateway ended it.
func TestTenderCountsWhatGoes(t *testing.T) {
	s := &rounds{pages: []gateway.Removed{{Sort: "cases", Rows: 2, More: true}, {Sort: "cases", Rows: 1, More: true}, {Sort: "people", Rows: 4}, {}}}
	d := &tender{store: s, now: time.Now, log: slog.New(slog.DiscardHandler)}
	for i, more := range []bool{true, true, false, false, false} {
		if got := d.page(t.Context()); got != more {
			t.Errorf("page %d: more is %v", i, got)
		}
	}
	got := map[string]float64{}
	for _, g := range d.Gauges() {
		name := g.Name
		for _, v := range g.Values {
			name += " " + v
		}
		got[name] = g.Value
	}
	for name, want := range map[string]float64{"retention_rounds": 1, "retention_removed cases": 3, "retention_removed people": 4} {
		if got[name] != want {
			t.Errorf("%s is %v, want %v", name, got[name], want)
		}
	}
}
