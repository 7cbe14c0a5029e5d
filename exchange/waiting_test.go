package exchange

import (
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
