package evidence

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"gatehouse/exchange"
)

// A day's report is a Tally: each of its counts is a run of numbers without a gap, named
// "<lane>/<epoch>/<from>-<to>/<digest>". The digest is SHA-256 over "<seq> <digest of the envelope>\n" for each of them,
// so that the other side can compare with its own log although nothing but numbers crosses. Where the reporter lacks a
// number, a run ends before it.
const (
	aboutJournal = "journal/"
	dayPrefix    = "day-"
	maxRuns      = 95 // of one lane; a Tally has room for 200 counts
)

func reportDay(parcel string) (string, bool) {
	d, ok := strings.CutPrefix(parcel, dayPrefix)
	if _, err := time.Parse(time.DateOnly, d); !ok || err != nil {
		return "", false
	}
	return d, true
}

// IsReport tells whether a Tally is the report of a day.
func IsReport(t exchange.Tally) bool { return strings.HasPrefix(t.About, aboutJournal) }

// crossed is one envelope of a lane by the origin's number.
type crossed struct {
	place
	digest string
}

// run is what crossed under numbers without a gap.
type run struct {
	lane     exchange.Lane
	epoch    uint32
	from, to uint64
	digest   string
}

func (r run) String() string {
	return fmt.Sprintf("%s/%d/%d-%d/%s", r.lane, r.epoch, r.from, r.to, r.digest)
}

func parseRun(s string) (r run, err error) {
	p := strings.Split(s, "/")
	if len(p) != 4 || len(p[3]) != 64 {
		return r, errors.New("is no run of a journal")
	}
	from, to, _ := strings.Cut(p[2], "-")
	epoch, e1 := strconv.ParseUint(p[1], 10, 32)
	r = run{lane: exchange.Lane(p[0]), epoch: uint32(epoch), digest: p[3]}
	var e2, e3 error
	r.from, e2 = strconv.ParseUint(from, 10, 64)
	r.to, e3 = strconv.ParseUint(to, 10, 64)
	if err := errors.Join(e1, e2, e3); err != nil || r.from == 0 || r.to < r.from || r.lane != exchange.Up && r.lane != exchange.Down {
		return r, errors.New("is no run of a journal")
	}
	return r, nil
}

// digestOf sums up what crossed, in order.
func digestOf(all []crossed) string {
	h := sha256.New()
	for _, c := range all {
		fmt.Fprintf(h, "%d %s\n", c.seq, c.digest)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// runs cuts what crossed, in order, at its gaps, and into pieces of even length.
func runs(l exchange.Lane, all []crossed) []run {
	most := max(1, (len(all)+maxRuns/2-1)/(maxRuns/2))
	var out []run
	for start, i := 0, 1; i <= len(all); i++ {
		if i < len(all) && i-start < most && all[i].epoch == all[i-1].epoch && all[i].seq == all[i-1].seq+1 {
			continue
		}
		piece := all[start:i]
		out = append(out, run{l, piece[0].epoch, piece[0].seq, piece[len(piece)-1].seq, digestOf(piece)})
		start = i
	}
	return out
}

// ordered sorts and drops what is there twice.
func ordered(all []crossed) []crossed {
	slices.SortStableFunc(all, func(a, b crossed) int { return cmp.Or(cmp.Compare(a.epoch, b.epoch), cmp.Compare(a.seq, b.seq)) })
	return slices.CompactFunc(all, func(a, b crossed) bool { return a.place == b.place })
}

// originOf gives the origin's mark of a side's record; nil: it is of no envelope.
func originOf(r Record) *Mark {
	switch r.Event {
	case eventSent:
		return r.Out
	case eventReceived:
		return r.Origin
	}
	return nil
}

// Report implements exchange.Journal. The day ends at midnight UTC by this side's clock, and an hour is left for what
// was under way.
func (s *Side) Report(now time.Time) (exchange.Tally, bool, error) {
	s.mu.Lock()
	var day string
	if len(s.days) > 0 && s.days[0] < now.UTC().Add(-time.Hour).Format(time.DateOnly) {
		day = s.days[0]
	}
	s.mu.Unlock()
	if day == "" {
		return exchange.Tally{}, false, nil
	}
	all := map[exchange.Lane][]crossed{}
	err := s.each(func(r Record) error {
		if m := originOf(r); m != nil && strings.HasPrefix(r.At, day) {
			all[r.Lane] = append(all[r.Lane], crossed{place{m.Epoch, m.Seq}, m.Digest})
		}
		return nil
	})
	if err != nil {
		return exchange.Tally{}, false, err
	}
	t := exchange.Tally{ID: dayPrefix + day, About: aboutJournal + day, At: now}
	for _, l := range []exchange.Lane{exchange.Up, exchange.Down} {
		rs := runs(l, ordered(all[l]))
		for _, r := range rs[:min(len(rs), maxRuns)] {
			t.Counts = append(t.Counts, exchange.Count{Name: r.String(), Count: int64(r.to - r.from + 1)})
		}
	}
	return t, true, nil
}

// maxDifferences bounds the list of a reconciliation.
const maxDifferences = 200

// Reconcile compares the report of the other side with this log. before is the reconciliation of the day before, if
// there is one: what neither day names is missing in the other side's log.
func (s *Side) Reconcile(t exchange.Tally, now time.Time) (exchange.Reconciliation, error) {
	theirs, err := runsOf(t)
	if err != nil {
		return exchange.Reconciliation{}, err
	}
	ours := map[exchange.Lane]map[place]string{exchange.Up: {}, exchange.Down: {}}
	err = s.each(func(r Record) error {
		m := originOf(r)
		if m != nil && within(theirs, r.Lane, place{m.Epoch, m.Seq}) {
			ours[r.Lane][place{m.Epoch, m.Seq}] = m.Digest
		}
		return nil
	})
	if err != nil {
		return exchange.Reconciliation{}, err
	}
	c := exchange.Reconciliation{Day: strings.TrimPrefix(t.About, aboutJournal), At: now}
	for _, l := range []exchange.Lane{exchange.Up, exchange.Down} {
		c.Lanes = append(c.Lanes, laneDay(&c, l, theirs, ours[l]))
	}
	c.Equal = len(c.Differences) == 0
	return c, nil
}

func runsOf(t exchange.Tally) ([]run, error) {
	var all []run
	for _, n := range t.Counts {
		r, err := parseRun(n.Name)
		if err != nil {
			return nil, fmt.Errorf("report %s: %q %w", t.About, n.Name, err)
		}
		all = append(all, r)
	}
	return all, nil
}

// within tells whether a number lies between the first and the last of a lane's runs, gaps among them too.
func within(all []run, l exchange.Lane, p place) bool {
	var first, last place
	for _, r := range all {
		if r.lane != l {
			continue
		}
		if first.epoch == 0 {
			first = place{r.epoch, r.from}
		}
		last = place{r.epoch, r.to}
	}
	at := exchange.Head{Epoch: p.epoch, Seq: p.seq}
	return first.epoch != 0 && !last.before(at) && (first == p || first.before(at))
}

// laneDay compares one lane and names what differs.
func laneDay(c *exchange.Reconciliation, l exchange.Lane, theirs []run, ours map[place]string) exchange.LaneDay {
	d := exchange.LaneDay{Lane: l, Ours: int64(len(ours))}
	differs := func(format string, a ...any) {
		if len(c.Differences) < maxDifferences {
			c.Differences = append(c.Differences, fmt.Sprintf(format, a...))
		}
	}
	covered := map[place]bool{}
	for _, r := range theirs {
		if r.lane != l {
			continue
		}
		d.Theirs += int64(r.to - r.from + 1)
		var have []crossed
		for seq := r.from; seq <= r.to && seq-r.from < 1<<20; seq++ {
			p := place{r.epoch, seq}
			covered[p] = true
			if digest, ok := ours[p]; ok {
				have = append(have, crossed{p, digest})
				continue
			}
			differs("%s: number %d of epoch %d is in the other side's log and not in this one", l, seq, r.epoch)
		}
		if uint64(len(have)) == r.to-r.from+1 && digestOf(have) != r.digest {
			differs("%s: among numbers %d to %d of epoch %d one has another digest in the other side's log", l, r.from, r.to, r.epoch)
		}
	}
	var extra []place
	for p := range ours {
		if !covered[p] {
			extra = append(extra, p)
		}
	}
	slices.SortFunc(extra, func(a, b place) int { return cmp.Or(cmp.Compare(a.epoch, b.epoch), cmp.Compare(a.seq, b.seq)) })
	for _, p := range extra {
		differs("%s: number %d of epoch %d is in this log and not in the other side's", l, p.seq, p.epoch)
	}
	return d
}
