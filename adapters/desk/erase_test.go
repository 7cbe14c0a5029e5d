package desk

import (
	"errors"
	"testing"
	"time"

	"gatehouse/adapters"
	"gatehouse/exchange"
)

func filed(t *testing.T, d *Desk, service, party string) exchange.Case {
	t.Helper()
	c := exchange.Case{ID: exchange.NewID(time.Now()), Reference: exchange.NewReference(), Service: service, Party: party, Text: "words of it", FiledAt: time.Now(),
		Story: []exchange.Said{{At: time.Now(), Who: "person", Text: "the talk before"}}}
	if _, err := d.Submit(t.Context(), c, nil); err != nil {
		t.Fatal(err)
	}
	return c
}

// TestErase closes what is open, deletes what no law keeps, strips the rest, and does it once.
func TestErase(t *testing.T) {
	d, s := open(t, time.Hour)
	short, long, other := filed(t, d, "SHORT", "p1"), filed(t, d, "LONG", "p1"), filed(t, d, "LONG", "p10")
	p := adapters.Public{ID: exchange.NewID(time.Now()), State: exchange.WaitingYou, Text: "a question under way", Releasable: true}
	if err := d.Tell(t.Context(), lena, long.ID, p); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		got, err := d.Erase(t.Context(), "p1", nil)
		if err != nil {
			t.Fatal(err)
		}
		if got.Kept != 1 || got.Until.Before(time.Now().AddDate(1, 11, 0)) {
			t.Errorf("erased %+v", got)
		}
	}
	if _, err := s.Record(t.Context(), short.ID); !errors.Is(err, adapters.ErrNotFound) {
		t.Errorf("what no law keeps is there: %v", err)
	}
	r, err := s.Record(t.Context(), long.ID)
	if err != nil || r.State != exchange.Decided || r.Decision != exchange.Withdrawn || len(r.Case.Story) != 0 || r.Held != "" {
		t.Errorf("what the law keeps is %+v, %v", r, err)
	}
	story, err := s.Story(t.Context(), long.ID)
	if err != nil || story[len(story)-1].Kind != adapters.Forgot {
		t.Errorf("the story says %+v, %v", story, err)
	}
	if waiting, err := s.Pending(t.Context(), 10); err != nil || len(waiting) != 0 {
		t.Errorf("still to leave: %+v, %v", waiting, err)
	}
	if r, err := s.Record(t.Context(), other.ID); err != nil || r.State == exchange.Decided {
		t.Errorf("another party's case: %+v, %v", r, err)
	}
}

func TestRetireDeletesWhatNoLawKeeps(t *testing.T) {
	d, s := open(t, time.Hour)
	var want []string
	for i := range 5 {
		service := []string{"SHORT", "LONG"}[i%2]
		c := filed(t, d, service, "p1")
		_, err := s.Change(t.Context(), c.ID, nil, func(r *adapters.Record) ([]exchange.Notice, error) {
			r.State, r.Decision, r.Changed = exchange.Decided, exchange.Granted, time.Now().Add(-time.Second)
			return nil, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if service == "LONG" {
			want = append(want, c.ID)
		}
	}
	open := filed(t, d, "SHORT", "p1")
	if n, err := d.Retire(t.Context()); n != 3 || err != nil {
		t.Fatalf("%d went, %v", n, err)
	}
	for _, id := range append(want, open.ID) {
		if _, err := s.Record(t.Context(), id); err != nil {
			t.Errorf("%s: %v", id, err)
		}
	}
}
