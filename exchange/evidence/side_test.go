package evidence

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"gatehouse/exchange"
)

// world is the logs of a whole border, written as its parties would, of n envelopes in each lane.
type world struct {
	*testing.T
	dir string
	now time.Time
}

func (w world) path(name string) string { return filepath.Join(w.dir, name) }

func headAt(l exchange.Lane, hop string, seq int) exchange.Head {
	h := exchange.Head{Epoch: 1, Seq: uint64(seq)}
	copy(h.Digest[:], fmt.Sprint(l, hop, seq))
	return h
}

func (w world) side(name string, p exchange.Party) *Side {
	w.Helper()
	s, _, err := OpenSide(w.path(name), p, w.now)
	if err != nil {
		w.Fatal(err)
	}
	return s
}

// sends and hears write what is numbered from to to into a side's log, passing over the numbers in without.
func (w world) sends(s *Side, from, to int, without ...int) {
	w.Helper()
	var batch []exchange.Numbered
	for i := from; i <= to; i++ {
		if !slices.Contains(without, i) {
			batch = append(batch, exchange.Numbered{Parcel: fmt.Sprint("p", i), Head: headAt(s.lane, "a", i), Bytes: []byte("x")})
		}
	}
	if err := s.Sent(w.now, batch); err != nil {
		w.Fatal(err)
	}
}

func (w world) hears(s *Side, from, to int, without ...int) {
	w.Helper()
	var batch []exchange.Arrival
	l := s.lane.Opposite()
	for i := from; i <= to; i++ {
		if !slices.Contains(without, i) {
			batch = append(batch, exchange.Arrival{Head: headAt(l, "b", i), Origin: headAt(l, "a", i), Parcel: exchange.Parcel{ID: fmt.Sprint("p", i), Kind: exchange.KindCase}})
		}
	}
	if err := s.Received(w.now, batch); err != nil {
		w.Fatal(err)
	}
}

func (w world) guard(name string, l exchange.Lane, n int, change func(*Record)) {
	w.Helper()
	log, _, err := OpenLog(w.path(name), nil)
	if err != nil {
		w.Fatal(err)
	}
	records := []Record{{Event: eventStart, Lane: l}}
	for i := 1; i <= n; i++ {
		r := Record{Event: "passed", Lane: l, In: MarkOf(headAt(l, "a", i)), Out: MarkOf(headAt(l, "b", i))}
		change(&r)
		if r.In != nil {
			records = append(records, r)
		}
	}
	if err := errors.Join(log.Append(w.now, records...), log.Close()); err != nil {
		w.Fatal(err)
	}
}

func newWorld(t *testing.T) world { return world{t, t.TempDir(), noon} }

func (w world) close(all ...*Side) {
	w.Helper()
	for _, s := range all {
		if err := s.Close(); err != nil {
			w.Fatal(err)
		}
	}
}

func TestSideGoesOnWhereItEnded(t *testing.T) {
	w := newWorld(t)
	s := w.side("x.log", exchange.Extranet)
	w.sends(s, 1, 3)
	w.hears(s, 1, 2)
	tip := s.Tip()
	w.sends(s, 1, 3) // sent again
	w.hears(s, 1, 2)
	if s.Tip() != tip {
		t.Error("what was there is written twice")
	}
	if err := s.Told(w.now, exchange.Ack{Epoch: 1, Refused: []exchange.Refusal{{Seq: 2, Reason: exchange.ReasonText}}}); err != nil {
		t.Fatal(err)
	}
	w.close(s)
	s = w.side("x.log", exchange.Extranet)
	defer w.close(s)
	if e, n := s.Heard(); e != 1 || n != 2 {
		t.Errorf("heard %d of %d", n, e)
	}
	last := s.Last(1)
	if len(last) != 3 || last[1].State != exchange.StateRefused || last[2].State != exchange.StateSent || last[2].Digest != MarkOf(headAt(exchange.Up, "a", 3)).Digest {
		t.Errorf("last: %+v", last)
	}
	if len(s.Last(2)) != 0 {
		t.Error("tells of another epoch")
	}
	w.sends(s, 2, 5)
	if n := s.Tip().N; n != tip.N+1+1+2 { // told, start, two more
		t.Errorf("%d records after %d", n, tip.N)
	}
	if _, _, err := OpenSide(w.path("x.log"), exchange.Intranet, w.now); err == nil {
		t.Error("another party's log is taken")
	}
}

// TestSideStopsAndResumes: while the disk fails nothing is promised; the next try that works says so in the log.
func TestSideStopsAndResumes(t *testing.T) {
	w := newWorld(t)
	s := w.side("x.log", exchange.Extranet)
	w.sends(s, 1, 1)
	broken := errors.New("no space left on device")
	undo := s.log.Over(func(d Disk) Disk { return &badDisk{Disk: d, sync: broken} })
	for range 3 {
		err := s.Received(w.now, []exchange.Arrival{{Head: headAt(exchange.Down, "b", 1), Origin: headAt(exchange.Down, "a", 1)}})
		if !errors.Is(err, broken) || !errors.Is(s.Fault(), broken) || !errors.Is(s.Ready(w.now), broken) {
			t.Errorf("%v, %v", err, s.Fault())
		}
		if _, n := s.Heard(); n != 0 {
			t.Error("heard what is not durable")
		}
	}
	undo()
	if err := s.Ready(w.now); err != nil || s.Fault() != nil {
		t.Errorf("does not resume: %v", err)
	}
	w.hears(s, 1, 1)
	w.close(s)
	b, err := os.ReadFile(w.path("x.log"))
	if err != nil || !strings.Contains(string(b), `"event":"resumed"`) {
		t.Errorf("%v", err)
	}
	if _, torn, err := VerifyFile(w.path("x.log"), Tip{}); err != nil || torn != 0 {
		t.Errorf("%d, %v", torn, err)
	}
}

// TestBatchSharesOneSync: a thousand records, one sync.
func TestBatchSharesOneSync(t *testing.T) {
	w := newWorld(t)
	s := w.side("x.log", exchange.Extranet)
	defer w.close(s)
	syncs := &countDisk{}
	s.log.Over(func(d Disk) Disk { syncs.Disk = d; return syncs })
	w.sends(s, 1, 1000)
	if syncs.n != 1 {
		t.Errorf("%d syncs", syncs.n)
	}
}

type countDisk struct {
	Disk
	n int
}

func (c *countDisk) Sync() error {
	c.n++
	return c.Disk.Sync()
}

// TestDaysAreCompared: the extranet reports a day, the intranet compares; a difference planted on either side is named.
func TestDaysAreCompared(t *testing.T) {
	type half struct{ sends, hears []int } // numbers that the log of a side lacks
	for name, c := range map[string]struct {
		ext, in half
		want    []string
	}{
		"equal":                       {},
		"lost inside":                 {in: half{hears: []int{7}}, want: []string{"up: number 7 of epoch 1 is in the other side's log and not in this one"}},
		"lost outside":                {ext: half{sends: []int{9}}, want: []string{"up: number 9 of epoch 1 is in this log and not in the other side's"}},
		"never sent, by this log":     {in: half{sends: []int{3}}, want: []string{"down: number 3 of epoch 1 is in the other side's log and not in this one"}},
		"never heard, by that log":    {ext: half{hears: []int{2}}, want: []string{"down: number 2 of epoch 1 is in this log and not in the other side's"}},
		"two at once, both named":     {ext: half{sends: []int{9}}, in: half{hears: []int{11}}, want: []string{"up: number 11", "up: number 9"}},
		"another digest, run is told": {want: []string{"up: among numbers"}},
	} {
		w := newWorld(t)
		ext, in := w.side("ext.log", exchange.Extranet), w.side("in.log", exchange.Intranet)
		w.sends(ext, 1, 40, c.ext.sends...)
		w.hears(ext, 1, 10, c.ext.hears...)
		w.sends(in, 1, 10, c.in.sends...)
		if name == "another digest, run is told" {
			w.hears(in, 1, 19)
			if err := in.Received(w.now, []exchange.Arrival{{Head: headAt(exchange.Up, "b", 20), Origin: headAt(exchange.Up, "x", 20)}}); err != nil {
				t.Fatal(err)
			}
			w.hears(in, 21, 40)
		} else {
			w.hears(in, 1, 40, c.in.hears...)
		}
		if _, due, err := ext.Report(w.now); due || err != nil {
			t.Errorf("%s: reports a day that is not over: %v", name, err)
		}
		w.now = w.now.Add(14 * time.Hour)
		report, due, err := ext.Report(w.now)
		if !due || err != nil || !IsReport(report) {
			t.Fatalf("%s: no report: %v", name, err)
		}
		b, err := exchange.Encode(report)
		if err != nil {
			t.Fatalf("%s: can't cross: %v", name, err)
		}
		d, err := exchange.Decode(exchange.KindTally, b)
		if err != nil {
			t.Fatal(err)
		}
		got, err := in.Reconcile(d.(exchange.Tally), w.now)
		if err != nil || got.Equal != (len(c.want) == 0) || len(got.Differences) != len(c.want) || got.Day != "2026-03-09" {
			t.Errorf("%s: %+v, %v", name, got, err)
			continue
		}
		for i, want := range c.want {
			if !strings.HasPrefix(got.Differences[i], want) {
				t.Errorf("%s: %q, want %q", name, got.Differences[i], want)
			}
		}
		// Once it was sent, the day is done; the next has nothing yet.
		w.now = w.now.Add(time.Minute)
		if err := ext.Sent(w.now, []exchange.Numbered{{Parcel: report.ID, Head: headAt(exchange.Up, "a", 41)}}); err != nil {
			t.Fatal(err)
		}
		if _, due, _ := ext.Report(w.now); due {
			t.Errorf("%s: reports twice", name)
		}
		w.close(ext, in)
		ext = w.side("ext.log", exchange.Extranet)
		if _, due, _ := ext.Report(w.now); due {
			t.Errorf("%s: reports again after a restart", name)
		}
		w.close(ext)
	}
}

func TestReportOfALargeDayFits(t *testing.T) {
	var all []crossed
	for i := range 100_000 {
		all = append(all, crossed{place{1, uint64(i + 1)}, "d"})
	}
	rs := runs(exchange.Up, all)
	if len(rs) > maxRuns || rs[0].from != 1 || rs[len(rs)-1].to != 100_000 {
		t.Errorf("%d runs", len(rs))
	}
	for _, r := range rs {
		if back, err := parseRun(r.String()); err != nil || back != r {
			t.Errorf("%+v: %v", back, err)
		}
	}
}

func FuzzReport(f *testing.F) {
	f.Add("up/1/1-20/" + strings.Repeat("a", 64))
	f.Add("down/1/2-1/x")
	f.Fuzz(func(t *testing.T, name string) {
		r, err := parseRun(name)
		if err == nil && (r.from == 0 || r.to < r.from) {
			t.Errorf("%+v", r)
		}
	})
}

// TestFilesAreReconciled is the auditor's way: copies of all logs, compared without the programs.
func TestFilesAreReconciled(t *testing.T) {
	whole := []string{"ext.log", "up.log", "down.log", "in.log"}
	for name, c := range map[string]struct {
		files []string
		plant func(r *Record) // in the log of the guard up
		lost  []int           // inside
		want  []string
	}{
		"equal":                 {whole, nil, nil, nil},
		"without the guards":    {[]string{"ext.log", "in.log"}, nil, nil, nil},
		"lost behind the guard": {whole, nil, []int{5}, []string{"up: number 5 of epoch 1 is in the log of its guard, not in that of its end"}},
		"lost, without guards":  {[]string{"in.log", "ext.log"}, nil, []int{5}, []string{"up: number 5 of epoch 1 is in the log of its origin, not in that of its end"}},
		"the guard leaves out": {whole, func(r *Record) {
			if r.In.Seq == 4 {
				r.In = nil
			}
		}, nil, []string{"not in that of its guard", "not in that of its guard", "behind the guard is not in its log"}},
		"another digest": {whole, func(r *Record) {
			if r.In.Seq == 4 {
				r.In = MarkOf(headAt(exchange.Up, "x", 4))
			}
		}, nil, []string{"another digest at its origin", "another digest at its guard"}},
		"refused at the guard alone": {whole, func(r *Record) {
			if r.In.Seq == 4 {
				r.Reason = exchange.ReasonVirus
			}
		}, nil, []string{"refused with code 7 at its guard, 0 at its end"}},
	} {
		w := newWorld(t)
		ext, in := w.side("ext.log", exchange.Extranet), w.side("in.log", exchange.Intranet)
		w.sends(ext, 1, 12)
		w.hears(ext, 1, 8)
		w.sends(in, 1, 8)
		w.hears(in, 1, 10, c.lost...) // two are on their way
		if c.plant == nil {
			c.plant = func(*Record) {}
		}
		w.guard("up.log", exchange.Up, 10, c.plant)
		w.guard("down.log", exchange.Down, 8, func(*Record) {})
		w.close(ext, in)
		var paths []string
		for _, f := range c.files {
			paths = append(paths, w.path(f))
		}
		got, err := ReconcileFiles(paths)
		if err != nil || len(got.Differences) != len(c.want) || len(got.OnTheWay) != 1 || len(got.Files) != len(paths) {
			t.Errorf("%s: %+v, %v", name, got, err)
			continue
		}
		for i, want := range c.want {
			if !strings.Contains(got.Differences[i], want) {
				t.Errorf("%s: %q, want %q", name, got.Differences[i], want)
			}
		}
		b, err := os.ReadFile(paths[0])
		if err != nil {
			t.Fatal(err)
		}
		b[len(b)/2] ^= 1
		if err := os.WriteFile(paths[0], b, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := ReconcileFiles(paths); !errors.Is(err, ErrLog) || !strings.Contains(err.Error(), paths[0]) || !strings.Contains(err.Error(), "line ") {
			t.Errorf("%s: a changed log: %v", name, err)
		}
	}
}
