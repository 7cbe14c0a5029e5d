package exchange

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"
)

// AboutWaiting is what a Tally is about that counts what waits outside for a company: mails whose sender is not proven to
// act for it, and declarations of which nothing crosses before all rows are right.
const AboutWaiting = "waiting"

// Waiting is what such a Tally counts, by the number of a company that the inside published; what names another stands
// under the empty number. Nothing is said of who wrote, or what.
type Waiting struct {
	Parked, Held map[string]int64
	// Oldest is when the first of the parked mails came; zero: none waits.
	Oldest time.Time
}

const (
	countParked = "parked:"
	countHeld   = "held:"
	countOldest = "oldest" // in Unix seconds
	// maxWaiting bounds the companies of one Tally; those with fewer are counted together under the empty number.
	maxWaiting = 95
)

// WaitingTally gives the Tally of w.
func WaitingTally(id string, w Waiting, now time.Time) Tally {
	t := Tally{ID: id, About: AboutWaiting, At: now}
	t.Counts = append(t.Counts, countsOf(countParked, w.Parked)...)
	t.Counts = append(t.Counts, countsOf(countHeld, w.Held)...)
	if !w.Oldest.IsZero() {
		t.Counts = append(t.Counts, Count{Name: countOldest, Count: w.Oldest.Unix()})
	}
	return t
}

func countsOf(prefix string, all map[string]int64) (out []Count) {
	var rest int64
	for name, n := range all {
		if name == "" {
			rest += n
			continue
		}
		out = append(out, Count{Name: prefix + name, Count: n})
	}
	slices.SortFunc(out, func(a, b Count) int { return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.Name, b.Name)) })
	for len(out) > maxWaiting {
		rest += out[len(out)-1].Count
		out = out[:len(out)-1]
	}
	if rest > 0 {
		out = append(out, Count{Name: prefix, Count: rest})
	}
	return out
}

// Waiting reads what t counts; zero where it is about something else.
func (t Tally) Waiting() Waiting {
	w := Waiting{Parked: map[string]int64{}, Held: map[string]int64{}}
	if t.About != AboutWaiting {
		return w
	}
	for _, c := range t.Counts {
		if number, ok := strings.CutPrefix(c.Name, countParked); ok {
			w.Parked[number] += c.Count
		} else if number, ok := strings.CutPrefix(c.Name, countHeld); ok {
			w.Held[number] += c.Count
		} else if c.Name == countOldest {
			w.Oldest = time.Unix(c.Count, 0).UTC()
		}
	}
	return w
}

const (
	// countEvery is how often what waits is counted, countAgain how often it is told though nothing changed: who has lost
	// it knows again.
	countEvery = time.Minute
	countAgain = time.Hour
)

// counted is what was told of Port.Counts.
type counted struct {
	looked, told time.Time
	counts       []Count
}

// tellCounts tells what is counted, when it is something else than before. That nothing waits is no news at the start.
func (p *Port) tellCounts(ctx context.Context, s *holding) error {
	now, c := p.Now(), &s.counted
	if p.Counts == nil || now.Sub(c.looked) < countEvery {
		return nil
	}
	first := c.looked.IsZero()
	c.looked = now
	t, err := p.Counts(ctx)
	if err != nil {
		return err
	}
	if first && len(t.Counts) == 0 {
		c.told = now
		return nil
	}
	if slices.Equal(t.Counts, c.counts) && now.Sub(c.told) < countAgain {
		return nil
	}
	t.ID, t.At = p.newOwn(KindTally), now
	if err := p.enqueue(ctx, t.ID, t, now); err != nil {
		return err
	}
	c.counts, c.told = t.Counts, now
	return nil
}
