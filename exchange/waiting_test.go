package exchange

import (
	"context"
	"fmt"
	"maps"
	"testing"
	"time"
)

// TestWaitingTallyCrosses: what waits comes back as it was counted, whoever has the fewest counted together.
func TestWaitingTallyCrosses(t *testing.T) {
	now := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	w := Waiting{Parked: map[string]int64{"12-345678-C": 2, "": 1}, Held: map[string]int64{"23-456789-C": 4}, Oldest: now.Add(-time.Hour)}
	tally := WaitingTally("t1", w, now)
	if err := tally.Check(); err != nil {
		t.Fatal(err)
	}
	got := tally.Waiting()
	if !maps.Equal(got.Parked, w.Parked) || !maps.Equal(got.Held, w.Held) || !got.Oldest.Equal(w.Oldest) {
		t.Errorf("%+v", got)
	}
	if got := (Tally{About: "receipts", Counts: tally.Counts}).Waiting(); len(got.Parked)+len(got.Held) > 0 {
		t.Error("another tally counts too")
	}
	many := Waiting{Parked: map[string]int64{}, Held: map[string]int64{}}
	for i := range 300 {
		many.Parked[fmt.Sprintf("10-%06d-A", i)], many.Held[fmt.Sprintf("10-%06d-A", i)] = int64(i+1), 1
	}
	tally = WaitingTally("t2", many, now)
	if err := tally.Check(); err != nil {
		t.Fatal(err)
	}
	var parked, held int64
	got = tally.Waiting()
	for _, n := range got.Parked {
		parked += n
	}
	for _, n := range got.Held {
		held += n
	}
	if parked != 300*301/2 || held != 300 || got.Parked["10-000299-A"] != 300 {
		t.Errorf("%d parked and %d held", parked, held)
	}
}

// enqueued is the sending end of a lane that takes in alone.
type enqueued struct {
	Outgoing
	said []Tally
}

func (e *enqueued) Enqueue(_ context.Context, p Parcel) error {
	d, err := Decode(p.Kind, p.Content)
	if err == nil {
		e.said = append(e.said, d.(Tally))
	}
	return err
}

// TestCountsAreToldWhenTheyChange: and each hour, but not that nothing waits when the port begins.
func TestCountsAreToldWhenTheyChange(t *testing.T) {
	now := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	waits, out, n := int64(0), &enqueued{}, 0
	p := &Port{Lane: Up, Outgoing: out, Now: func() time.Time { return now }, NewID: func() string { n++; return fmt.Sprint(n) },
		Counts: func(context.Context) (Tally, error) {
			w := Waiting{}
			if waits > 0 {
				w.Parked = map[string]int64{"12-345678-C": waits}
			}
			return WaitingTally("", w, time.Time{}), nil
		}}
	s := &holding{}
	tell := func(after time.Duration, told int, counts int64) {
		t.Helper()
		now = now.Add(after)
		if err := p.tellCounts(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		if len(out.said) != told || told > 0 && out.said[told-1].Waiting().Parked["12-345678-C"] != counts {
			t.Fatalf("after %s told %+v", after, out.said)
		}
	}
	tell(0, 0, 0)
	waits = 2
	tell(time.Second, 0, 0) // within the minute
	tell(time.Minute, 1, 2)
	tell(time.Minute, 1, 2)
	tell(time.Hour, 2, 2)
	waits = 0
	tell(time.Minute, 3, 0)
	tell(time.Minute, 3, 0)
	tell(time.Hour, 4, 0)
}
