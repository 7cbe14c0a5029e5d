package program

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"gatehouse/exchange"
	"gatehouse/gateway"
)

// deep is a lane that says how much waits.
type deep struct {
	open int64
	err  error
}

func (d *deep) Depth(context.Context) (exchange.Depth, error) {
	return exchange.Depth{Waiting: d.open / 2, Unacked: d.open - d.open/2}, d.err
}

// TestIntakeClosesAtItsLimitAndOpensAgain: the lane is dead and the outbox grows; beyond the limit cases are refused and
// nothing else is; nine tenths of it open the intake again.
func TestIntakeClosesAtItsLimitAndOpensAgain(t *testing.T) {
	now := time.Now()
	lane := &deep{}
	in := &intake{lane: lane, limit: 100, now: func() time.Time { return now }, log: slog.New(slog.DiscardHandler)}
	var files bool
	step := bounded(in, func(gateway.Turn) gateway.Outcome { return gateway.Outcome{Told: "full"} },
		func(context.Context, gateway.Turn) (gateway.Outcome, error) {
			if files {
				return gateway.Outcome{Crossings: []gateway.Crossing{{Document: exchange.Case{ID: "c"}}}}, nil
			}
			return gateway.Outcome{Crossings: []gateway.Crossing{{Document: exchange.Erasure{ID: "e"}}}}, nil
		})
	for _, c := range []struct {
		open    int64
		err     error
		refused bool
		why     string
	}{
		{99, nil, false, "below the limit"},
		{100, nil, true, "at the limit"},
		{95, nil, true, "a little less"},
		{0, errors.New("database is locked"), true, "unknown: as before"},
		{89, nil, false, "less than nine tenths"},
		{99, nil, false, "growing again"},
	} {
		now = now.Add(intakeEvery)
		lane.open, lane.err = c.open, c.err
		for _, files = range []bool{true, false} {
			o, err := step(t.Context(), gateway.Turn{})
			if err != nil || (o.Told == "full") != (c.refused && files) {
				t.Errorf("%s, files %v: %+v, %v", c.why, files, o, err)
			}
		}
		if g := in.Gauges(); len(g) != 1 || (g[0].Value == 1) != c.refused {
			t.Errorf("%s: %v", c.why, g)
		}
	}
	lane.open = 1000
	if in.closed(t.Context()) {
		t.Error("looks more often than it says")
	}
}
