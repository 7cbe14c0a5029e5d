package guard

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"gatehouse/exchange"
	"gatehouse/exchange/evidence"
	"gatehouse/exchange/exchangetest"
)

func (p *post) sealed(n int) []exchange.Envelope {
	p.Helper()
	var out []exchange.Envelope
	for range n {
		out = append(out, p.origin.Seal(p, p.parcel(caseWith("c"))))
	}
	return out
}

func (p *post) mustHand(e exchange.Envelope) {
	p.Helper()
	if err := p.hand(e); err != nil {
		p.Fatal(err)
	}
}

func TestRepeatGoesOnAsTheSameBytes(t *testing.T) {
	p := newPost(t, exchange.Up, Limits{})
	es := p.sealed(3)
	for _, e := range es {
		p.mustHand(e)
	}
	for i, e := range es {
		p.mustHand(e)
		if !bytes.Equal(p.out[len(p.out)-1], p.out[i]) {
			t.Errorf("%d went on as other bytes", i+1)
		}
	}
	p.reopen()
	p.mustHand(es[1])
	if !bytes.Equal(p.out[len(p.out)-1], p.out[1]) {
		t.Error("went on as other bytes after a restart")
	}
	if n := p.guard.Status().In.Seq; n != 3 {
		t.Errorf("the number moved to %d", n)
	}
}

// TestRepeatAfterTheBytesAreGone: what is kept for a day is sealed anew later, and the end takes it in its place of
// the chain, whether it had the first or not.
func TestRepeatAfterTheBytesAreGone(t *testing.T) {
	p := newPost(t, exchange.Up, Limits{})
	es := p.sealed(3)
	for _, e := range es {
		p.mustHand(e)
	}
	keep := func(i int) (bool, error) {
		a, _, err := p.end.Open(exchange.Up, exchange.Envelope{Bytes: p.out[i]}, p.now)
		if err != nil {
			t.Fatal(err)
		}
		return p.ledger.Keep(context.Background(), a)
	}
	for _, i := range []int{0, 2} { // the second was lost on the way
		if fresh, err := keep(i); err != nil || !fresh {
			t.Fatalf("%d: %v, %v", i, fresh, err)
		}
	}
	p.now = time.Now().Add(Kept + 2*time.Hour) // past the time of the files on disk
	if err := p.guard.journal.prune(p.now); err != nil {
		t.Fatal(err)
	}
	p.now = noon.Add(Kept + 2*time.Hour)
	if left, _ := os.ReadDir(p.guard.journal.dir); len(left) != 0 {
		t.Fatalf("still kept: %v", left)
	}
	p.mustHand(es[1])
	if bytes.Equal(p.out[3], p.out[1]) {
		t.Fatal("the bytes were kept after all")
	}
	if fresh, err := keep(3); err != nil || !fresh {
		t.Errorf("sealed anew: %v, %v", fresh, err)
	}
	p.mustHand(es[0])
	if fresh, err := keep(4); err != nil || fresh {
		t.Errorf("sealed anew, and known: %v, %v", fresh, err)
	}
	if h, _ := p.ledger.Heard(context.Background()); h.Contiguous != 3 || h.Last.Seq != 3 {
		t.Errorf("heard %+v", h)
	}
	other := exchangetest.NewChain(p.origin.Ring, exchange.Up, func() time.Time { return p.now })
	forged := other.Seal(t, p.parcel(caseWith("forged")))
	if err := p.hand(forged); !errors.Is(err, exchange.ErrReplay) {
		t.Errorf("another content under an old number: %v", err)
	}
	// Longer ago than memory reaches: the log tells.
	p.guard.memory.recent = nil
	if err := p.guard.anew(context.Background(), forged, forged.Head()); !errors.Is(err, exchange.ErrReplay) {
		t.Errorf("another content under an old number, by the log: %v", err)
	}
	if err := p.guard.anew(context.Background(), es[2], es[2].Head()); err != nil {
		t.Fatal(err)
	}
	if fresh, err := keep(5); err != nil || fresh {
		t.Errorf("sealed anew by the log: %v, %v", fresh, err)
	}
}

func TestTheLanesOwnAreKeptForAShorterTime(t *testing.T) {
	p := newPost(t, exchange.Up, Limits{})
	p.cross(exchange.Ack{Lane: exchange.Down, Epoch: 1, Contiguous: 1})
	p.cross(caseWith("c1"))
	later := time.Now().Add(time.Hour) // the files have the time of the disk
	if err := errors.Join(p.guard.journal.prune(later), p.guard.own.prune(later)); err != nil {
		t.Fatal(err)
	}
	for dir, want := range map[string]int{"sent": 1, "own": 0} {
		if left, err := os.ReadDir(filepath.Join(p.dir, "journal", dir)); err != nil || len(left) != want {
			t.Errorf("%s: %v, %v", dir, left, err)
		}
	}
}

func TestReplayIsPutAside(t *testing.T) {
	p := newPost(t, exchange.Up, Limits{})
	for _, e := range p.sealed(2) {
		p.mustHand(e)
	}
	// The origin was set back: it seals something else under a number that was used.
	other := exchangetest.NewChain(p.origin.Ring, exchange.Up, func() time.Time { return p.now })
	e := other.Seal(t, p.parcel(caseWith("other")))
	if err := p.hand(e); !errors.Is(err, exchange.ErrAside) || !errors.Is(err, exchange.ErrReplay) {
		t.Errorf("known number: %v", err)
	}
	other.Seal(t, p.parcel(caseWith("other")))
	third := other.Seal(t, p.parcel(caseWith("other")))
	if err := p.hand(third); !errors.Is(err, exchange.ErrAside) || !errors.Is(err, exchange.ErrChain) {
		t.Errorf("does not follow: %v", err)
	}
	if n := len(p.out); n != 2 {
		t.Errorf("%d went on", n)
	}
	if s := p.guard.Status(); s.Aside != 2 || s.In.Seq != 2 {
		t.Errorf("status: %+v", s)
	}
}

// TestYesterdaysTraffic: all that crossed is handed over again, after a restart and after a new epoch. Within the epoch
// each goes on as the bytes that the end has already, and is counted; afterwards the recording is put aside, which is an
// alarm. No number is given out for it.
func TestYesterdaysTraffic(t *testing.T) {
	p := newPost(t, exchange.Up, Limits{})
	tape := p.sealed(8)
	for _, e := range tape {
		p.mustHand(e)
	}
	known := slices.Clone(p.out)
	replay := func(when string, fresh bool) {
		t.Helper()
		p.out = nil
		before := p.guard.Status()
		for _, e := range tape {
			if err := p.hand(e); fresh && err != nil || !fresh && !errors.Is(err, exchange.ErrAside) {
				t.Errorf("%s, number %d: %v", when, e.Seq, err)
			}
		}
		after := p.guard.Status()
		repeats, aside := after.Repeats-before.Repeats, after.Aside-before.Aside
		if fresh && (repeats != 8 || aside != 0 || !slices.EqualFunc(p.out, known, bytes.Equal)) || !fresh && (aside != 8 || len(p.out) != 0) {
			t.Errorf("%s: %d repeats, %d aside, %d went on", when, repeats, aside, len(p.out))
		}
		if after.In != before.In || after.Out != before.Out {
			t.Errorf("%s: was at %v and %v, is at %v and %v", when, before.In, before.Out, after.In, after.Out)
		}
	}
	replay("at once", true)
	p.reopen()
	replay("after a restart", true)
	p.now = p.now.Add(24 * time.Hour)
	p.origin.Head = exchange.Head{Epoch: exchange.NextEpoch(p.now)}
	p.mustHand(p.sealed(1)[0])
	replay("after a new epoch", false)
	p.reopen()
	replay("after a new epoch and a restart", false)
}

func TestForgeryDoesNotUseUpANumber(t *testing.T) {
	p := newPost(t, exchange.Up, Limits{})
	strangers, _ := exchangetest.Rings(t, noon)
	forged := exchangetest.NewChain(strangers[exchange.Extranet], exchange.Up, func() time.Time { return p.now }).Seal(t, p.parcel(caseWith("forged")))
	if err := p.hand(forged); !errors.Is(err, exchange.ErrAside) {
		t.Errorf("forged: %v", err)
	}
	true1 := p.sealed(1)[0]
	damaged := true1
	damaged.Bytes = bytes.Clone(true1.Bytes)
	damaged.Bytes[700] ^= 1
	if err := p.hand(damaged); !errors.Is(err, exchange.ErrAside) {
		t.Errorf("damaged: %v", err)
	}
	p.mustHand(true1)
	if a := p.arrived(); a.Origin.Seq != 1 || a.Refused != exchange.ReasonNone {
		t.Errorf("the true one: %+v", a)
	}
}

func TestWrongLane(t *testing.T) {
	p := newPost(t, exchange.Up, Limits{})
	down := exchangetest.NewChain(p.rings[exchange.Intranet], exchange.Down, func() time.Time { return p.now })
	e := down.Seal(t, exchangetest.ParcelOf(t, "p", exchange.Ack{Lane: exchange.Up}, noon))
	if err := p.hand(e); !errors.Is(err, exchange.ErrAside) {
		t.Errorf("of the other lane: %v", err)
	}
	e.Lane = exchange.Up // as a link might say
	if err := p.hand(e); !errors.Is(err, exchange.ErrAside) {
		t.Errorf("of the other lane, called this: %v", err)
	}
}

func TestGapWaitsForTheMissing(t *testing.T) {
	p := newPost(t, exchange.Up, Limits{})
	es := p.sealed(3)
	p.mustHand(es[0])
	for range 2 {
		if err := p.hand(es[2]); !errors.Is(err, errEarly) || errors.Is(err, exchange.ErrAside) {
			t.Errorf("3 before 2: %v", err)
		}
	}
	p.mustHand(es[1])
	p.mustHand(es[2])
	if a := p.arrived(); a.Origin.Seq != 3 {
		t.Errorf("arrived: %d", a.Origin.Seq)
	}
}

func TestNewEpochOfTheOrigin(t *testing.T) {
	p := newPost(t, exchange.Up, Limits{})
	old := p.sealed(2)
	p.mustHand(old[0])
	p.origin.Head = exchange.Head{Epoch: 2}
	es := p.sealed(2)
	if err := p.hand(es[1]); !errors.Is(err, errEarly) {
		t.Errorf("2 before 1 of a new epoch: %v", err)
	}
	p.mustHand(es[0])
	p.mustHand(es[1])
	if err := p.hand(old[1]); !errors.Is(err, exchange.ErrAside) {
		t.Errorf("of the old epoch: %v", err)
	}
	if s := p.guard.Status(); s.In.Epoch != 2 || s.In.Seq != 2 || s.Out.Seq != 3 {
		t.Errorf("status: %+v", s)
	}
}

// TestNewLogBeginsANewEpoch: the guard's disk is gone, or its log was put away. What it gives out then has numbers that
// the end does not know, and once the origin has begun an epoch too, all goes on.
func TestNewLogBeginsANewEpoch(t *testing.T) {
	p := newPost(t, exchange.Up, Limits{})
	for range 3 {
		p.cross(caseWith("c"))
	}
	before := p.guard.Status().Out
	if err := p.guard.Close(); err != nil {
		t.Fatal(err)
	}
	p.dir, p.now = t.TempDir(), p.now.Add(time.Hour)
	p.open()
	if e := p.sealed(1)[0]; !errors.Is(p.hand(e), errEarly) {
		t.Error("a number after what is lost does not wait")
	}
	p.origin.Head = exchange.Head{Epoch: exchange.NextEpoch(p.now)}
	for range 3 {
		p.cross(caseWith("again")) // the end keeps each: arrived sees to it
	}
	p.reopen()
	p.cross(caseWith("restarted"))
	if out := p.guard.Status().Out; out.Epoch <= before.Epoch || out.Seq != 4 {
		t.Errorf("out was %v, is %v", before, out)
	}
	if h, err := p.ledger.Heard(context.Background()); err != nil || h.Contiguous != 4 || h.Last.Seq != 4 || len(h.Missing) != 0 {
		t.Errorf("heard %+v, %v", h, err)
	}
}

func TestFullLinkLosesNothing(t *testing.T) {
	p := newPost(t, exchange.Up, Limits{})
	e := p.sealed(1)[0]
	p.full = errors.New("no space left on device")
	for range 3 {
		if err := p.hand(e); !errors.Is(err, p.full) {
			t.Errorf("full: %v", err)
		}
	}
	p.reopen()
	p.full = nil
	p.mustHand(e)
	p.arrived()
	if s := p.guard.Status(); s.Passed != 1 || len(p.out) != 1 {
		t.Errorf("status: %+v, %d went on", s, len(p.out))
	}
}

func TestFullDiskStopsIntakeAndResumes(t *testing.T) {
	broken := errors.New("no space left on device")
	for name, spoil := range map[string]func(p *post) (mend func()){
		"journal": func(p *post) func() {
			p.guard.journal.sync = func(*os.File) error { return broken }
			return func() { p.guard.journal.sync = (*os.File).Sync }
		},
		"log": func(p *post) func() {
			return p.guard.log.Over(func(f evidence.Disk) evidence.Disk { return &exchangetest.BadDisk{Disk: f, Syncs: broken} })
		},
		"log, not undone": func(p *post) func() {
			return p.guard.log.Over(func(f evidence.Disk) evidence.Disk {
				return &exchangetest.BadDisk{Disk: f, Syncs: broken, Truncates: broken}
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPost(t, exchange.Up, Limits{})
			es := p.sealed(2)
			p.mustHand(es[0])
			mend := spoil(p)
			for range 3 {
				if err := p.hand(es[1]); !errors.Is(err, broken) {
					t.Errorf("got %v", err)
				}
			}
			if len(p.out) != 1 {
				t.Errorf("%d went on", len(p.out))
			}
			mend()
			p.mustHand(es[1])
			p.reopen()
			p.mustHand(es[1])
			if !bytes.Equal(p.out[1], p.out[2]) {
				t.Error("went on as other bytes")
			}
		})
	}
}

// TestCrashAfterAnUnsureRecord: the disk reports failure, the record is there all the same, and the process dies.
func TestCrashAfterAnUnsureRecord(t *testing.T) {
	p := newPost(t, exchange.Up, Limits{})
	e := p.sealed(1)[0]
	broken := errors.New("input/output error")
	var f evidence.Disk
	p.guard.log.Over(func(d evidence.Disk) evidence.Disk {
		f = d
		return &exchangetest.BadDisk{Disk: d, Syncs: broken, Truncates: broken}
	})
	for range 3 {
		if err := p.hand(e); !errors.Is(err, broken) {
			t.Fatalf("got %v", err)
		}
	}
	f.Close()
	p.open()
	p.mustHand(e)
	p.arrived()
	next := p.sealed(1)[0]
	p.mustHand(next)
	p.arrived() // follows in the chain
	if s := p.guard.Status(); s.In.Seq != 2 || s.Out.Seq != 2 {
		t.Errorf("status: %+v", s)
	}
}

func TestOpenRefuses(t *testing.T) {
	p := newPost(t, exchange.Up, Limits{})
	for _, e := range p.sealed(3) {
		p.mustHand(e)
	}
	if err := p.guard.Close(); err != nil {
		t.Fatal(err)
	}
	o := p.guard.o
	path := filepath.Join(p.dir, "guard.log")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	refuses := func(what string, o Options) {
		t.Helper()
		if g, err := Open(o); err == nil {
			t.Errorf("%s: opened", what)
			g.Close()
		}
	}
	os.WriteFile(path, bytes.Replace(whole, []byte(`"passed"`), []byte(`"refuse"`), 1), 0o600)
	refuses("log changed", o)
	os.WriteFile(path, whole[:bytes.LastIndexByte(whole[:len(whole)-1], '\n')+1], 0o600)
	refuses("log cut", o)
	os.WriteFile(path, whole, 0o600)
	other := o
	other.Lane, other.Ring = exchange.Down, p.rings[exchange.DownGuard]
	refuses("log of the other lane", other)
	empty := o
	empty.Ring, _ = exchange.NewRing(exchange.UpGuard)
	refuses("no keys", empty)
	p.open()
}

func TestRunEndsAndReports(t *testing.T) {
	p := newPost(t, exchange.Up, Limits{})
	pipe := exchangetest.NewPipe()
	got := make(chan Status, 100)
	p.guard.o.In, p.guard.o.Status, p.guard.o.StatusEvery = pipe, func(s Status) { got <- s }, time.Hour
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- p.guard.Run(ctx) }()
	<-got
	cancel()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(time.Minute):
		t.Fatal("still runs")
	}
	<-got // the last word
}
