package guard

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"gatehouse/exchange"
	"gatehouse/exchange/evidence"
	"gatehouse/exchange/exchangetest"
)

// journals gives both sides their logs, and returns them with the paths.
func (c *crossing) journals() (ext, in *evidence.Side, paths []string) {
	c.Helper()
	dir := c.TempDir()
	open := func(p exchange.Party) *evidence.Side {
		path := filepath.Join(dir, string(p)+".log")
		s, _, err := evidence.OpenSide(path, p, time.Now())
		if err != nil {
			c.Fatal(err)
		}
		paths = append(paths, path)
		return s
	}
	ext, in = open(exchange.Extranet), open(exchange.Intranet)
	c.ext.Journal, c.inner.Journal = ext, in
	return ext, in, append(paths, c.logs[exchange.Up], c.logs[exchange.Down])
}

// TestAllLogsTellTheSame: two days of cases and notices over lossy links, with a refused one; the extranet's report of
// the first day crosses and is equal, so are all four logs for an auditor, and no history finds a difference.
func TestAllLogsTellTheSame(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCrossingAt(t, 2*time.Minute)
		ext, in, paths := c.journals()
		c.ext.AckEvery, c.inner.AckEvery = 5*time.Minute, 5*time.Minute // a day of them is long
		c.ext.Poll, c.inner.Poll = 10*time.Second, 10*time.Second
		c.begin()
		c.file(1, 10)
		bad := caseWith("bad", ref("f", "a.exe", []byte("x")))
		c.out[exchange.Up].Add(exchangetest.ParcelOf(t, "bad", bad, time.Now()))
		c.notify("n1")
		c.within(time.Hour, "the first", func() bool { return slices.Contains(c.arrived(exchange.Up), "c010") })
		c.links[exchange.LinkA].lose.Store(2)
		c.links[exchange.LinkB].lose.Store(2)
		c.file(11, 20)
		c.within(time.Hour, "the second", func() bool { return slices.Contains(c.arrived(exchange.Up), "c020") })
		day := time.Now().UTC().Format(time.DateOnly)
		time.Sleep(26 * time.Hour)
		c.end()
		var report *exchange.Tally
		next, err := c.in[exchange.Up].Next(t.Context(), 10_000)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range next {
			if a.Parcel.Kind == exchange.KindTally {
				d, err := exchange.Decode(a.Parcel.Kind, a.Parcel.Content)
				if err != nil {
					t.Fatal(err)
				}
				tally := d.(exchange.Tally)
				report = &tally
			}
		}
		if report == nil {
			t.Fatal("no report of the day crossed")
		}
		r, err := in.Reconcile(*report, time.Now())
		if err != nil || !r.Equal || r.Day != day || r.Lanes[0].Ours < 21 || r.Lanes[1].Ours < 2 {
			t.Errorf("%+v, %v", r, err)
		}
		for _, p := range []*exchange.Port{c.ext, c.inner} {
			if s := p.State(); s.Differs != 0 || s.Aside != 0 || s.Journal != nil {
				t.Errorf("%s: %+v", s.Lane, s.Status)
			}
		}
		if r := c.guards[exchange.Down].Status().Refused; len(r) != 0 {
			t.Errorf("the guard down refused: %v", r)
		}
		if err := errors.Join(ext.Close(), in.Close()); err != nil {
			t.Fatal(err)
		}
		f, err := evidence.ReconcileFiles(paths)
		if err != nil || len(f.Differences) != 0 || len(f.Files) != 4 {
			t.Errorf("%+v, %v", f, err)
		}
		if s := ext.Last(1); len(s) == 0 {
			t.Error("nothing to tell again")
		}
	})
}

// TestJournalThatCantBeWritten: the inside's disk is full; nothing is acknowledged and the program is not ready, until
// the disk has room again: then it goes on by itself and nothing is lost.
func TestJournalThatCantBeWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrossing(t)
		defer c.end()
		ext, in, paths := c.journals()
		defer ext.Close()
		defer in.Close()
		c.begin()
		c.file(1, 5)
		c.within(time.Minute, "the first", func() bool { return c.all(exchange.Up) })
		full := errors.New("no space left on device")
		mend := in.Over(func(d evidence.Disk) evidence.Disk { return &exchangetest.BadDisk{Disk: d, Syncs: full} })
		c.file(6, 30)
		c.within(time.Minute, "the fault", func() bool { return c.inner.Ready() != nil })
		time.Sleep(10 * time.Minute)
		if s := c.inner.State(); !errors.Is(s.Journal, full) || s.Alarms == 0 {
			t.Errorf("no alarm: %+v", s)
		}
		if n := c.out[exchange.Up].Open(); n < 25 {
			t.Errorf("acknowledged what is not written down: %d open", n)
		}
		if p := c.ext.State().Pulse; p.Silent {
			t.Error("heartbeats must not wait for the journal")
		}
		mend()
		c.within(time.Minute, "ready", func() bool { return c.inner.Ready() == nil })
		c.within(2*time.Minute, "all", func() bool { return c.all(exchange.Up) })
		if s := c.inner.State(); s.Journal != nil || !slices.Contains(c.arrived(exchange.Up), "c030") {
			t.Errorf("%+v", s)
		}
		if _, torn, err := evidence.VerifyFile(paths[1], evidence.Tip{}); err != nil || torn != 0 {
			t.Errorf("%d, %v", torn, err)
		}
	})
}

// TestHistoryTellsOfARestoredReceiver: the inside is put back to an older copy. Its sender has settled what is missing
// now and no longer has it; only the history tells.
func TestHistoryTellsOfARestoredReceiver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrossing(t)
		defer c.end()
		ext, _, _ := c.journals()
		defer ext.Close()
		c.inner.Journal = nil
		store := &replaced{Incoming: c.in[exchange.Up]}
		c.inner.Incoming = store
		c.begin()
		c.file(1, 5)
		c.within(time.Minute, "the first", func() bool { return c.all(exchange.Up) })
		store.older.Store(true)
		c.within(2*exchange.HistoryEvery, "an alarm", func() bool { return c.inner.State().Differs >= 5 })
	})
}

// replaced is a store that an older copy took the place of: it knows of nothing.
type replaced struct {
	exchange.Incoming
	older atomic.Bool
}

func (r *replaced) Kept(ctx context.Context, epoch uint32, seq uint64, n int) ([]exchange.Arrival, error) {
	if r.older.Load() {
		return nil, nil
	}
	return r.Incoming.Kept(ctx, epoch, seq, n)
}

// TestLogsAreNamed: what the programs' log holds is there to be read with other tools.
func TestLogsAreNamed(t *testing.T) {
	p := newPost(t, exchange.Up, Limits{})
	p.cross(caseWith("c1"))
	f, err := evidence.ReconcileFiles([]string{filepath.Join(p.dir, "guard.log")})
	if err != nil || len(f.Files) != 1 || !strings.Contains(f.Files[0], "guard of the lane up, whole, 2 records") {
		t.Errorf("%+v, %v", f, err)
	}
}
