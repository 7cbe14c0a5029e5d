package diode

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"gatehouse/exchange"
	"gatehouse/exchange/exchangetest"

	"golang.org/x/sys/unix"
)

// plug is a wire that counts, and that can be pulled.
type plug struct {
	pulled  atomic.Bool
	packets atomic.Int64
}

func (p *plug) close() error { return nil }

func (p *plug) write([]byte) error {
	if p.pulled.Load() {
		return unix.ENETDOWN
	}
	p.packets.Add(1)
	return nil
}

// plugged is a sender on a plug, on the clock of a bubble.
func plugged(t *testing.T, c Config) (*Sender, *plug) {
	t.Helper()
	w := &plug{}
	s, err := newSender(c, quiet(), w, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	s.pace.sleep = func(_ context.Context, d time.Duration) { time.Sleep(d) }
	s.shelf.fsync = func(*os.File) error { return nil }
	return s, w
}

func chain(t *testing.T) *exchangetest.Chain {
	rings, _ := exchangetest.Rings(t, time.Now())
	return exchangetest.NewChain(rings[exchange.Extranet], exchange.Up, time.Now)
}

func erasure(t *testing.T, c *exchangetest.Chain, id string) exchange.Envelope {
	return c.Seal(t, exchangetest.ParcelOf(t, id, exchange.Erasure{ID: id, Party: "p", At: time.Now()}, time.Now()))
}

// TestSenderIsHeard: warmed up at once, then at least five times in each heartbeat.
func TestSenderIsHeard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, w := plugged(t, Config{Address: "127.0.0.1:1", Key: config(t).Key, Dir: t.TempDir()})
		s.start()
		defer s.Close()
		time.Sleep(100 * time.Millisecond)
		if n := w.packets.Load(); n != warmUp {
			t.Errorf("%d packets to warm up", n)
		}
		time.Sleep(DefaultHeartbeat)
		if n := w.packets.Load() - warmUp; n != beats {
			t.Errorf("%d packets in a heartbeat", n)
		}
	})
}

// TestPulledPlug: while the interface is down nothing counts as sent; the outbox fills, says so, and empties later.
func TestPulledPlug(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, w := plugged(t, Config{Address: "127.0.0.1:1", Key: config(t).Key, Dir: t.TempDir()})
		w.pulled.Store(true)
		s.start()
		defer s.Close()
		c := chain(t)
		first := erasure(t, c, "first")
		if err := s.Send(t.Context(), first); err != nil {
			t.Fatal(err)
		}
		if err := s.Send(t.Context(), first); err != nil { // again: it is there
			t.Fatal(err)
		}
		s.mu.Lock()
		s.bytes += maxQueued
		s.mu.Unlock()
		begun := time.Now()
		if err := s.Send(t.Context(), erasure(t, c, "second")); !errors.Is(err, ErrFull) || time.Since(begun) != roomWait {
			t.Errorf("after %v: %v", time.Since(begun), err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), roomWait/2)
		defer cancel()
		if err := s.Send(ctx, erasure(t, c, "third")); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		s.mu.Lock()
		s.bytes -= maxQueued
		s.mu.Unlock()
		time.Sleep(time.Hour)
		if st := s.Stats(); st.Queued != 1 || st.Packets != 0 || st.Faults == 0 || st.Envelopes != 0 {
			t.Errorf("while down: %+v", st)
		}
		w.pulled.Store(false)
		time.Sleep(5 * time.Second)
		if st := s.Stats(); st.Queued != 0 || st.Envelopes != 1 || st.QueuedBytes != 0 {
			t.Errorf("after: %+v", st)
		}
	})
}

// TestPassesAreApart looks at the clock between the two passes, and at the folder.
func TestPassesAreApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		s, _ := plugged(t, Config{Address: "127.0.0.1:1", Key: config(t).Key, Dir: dir})
		s.start()
		defer s.Close()
		if err := s.Send(t.Context(), erasure(t, chain(t), "e")); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			after time.Duration
			files int
		}{{DefaultGap - 10*time.Millisecond, 1}, {20 * time.Millisecond, 0}} {
			time.Sleep(c.after)
			if files, _ := filepath.Glob(filepath.Join(dir, "*"+suffix)); len(files) != c.files {
				t.Errorf("after %v more: %v", c.after, files)
			}
		}
	})
}

func TestSenderDiskFails(t *testing.T) {
	p := openPair(t)
	broken := errors.New("input/output error")
	p.sender.shelf.fsync = func(*os.File) error { return broken }
	if err := p.sender.Send(t.Context(), erasure(t, chain(t), "e")); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	left, _ := filepath.Glob(filepath.Join(p.out.Dir, "*"))
	if len(left) != 3 { // lock, refused and sender
		t.Errorf("left: %v", left)
	}
}

// TestPace counts what a bucket lets through on a clock of its own.
func TestPace(t *testing.T) {
	for _, rate := range []int{1_000_000, DefaultRate} {
		now := time.Now()
		p := newPace(rate, DefaultBurst)
		slept := 0
		p.now = func() time.Time { return now }
		p.sleep = func(_ context.Context, d time.Duration) {
			slept++
			now = now.Add(d + 50*time.Microsecond) // a kernel is late
		}
		begun, n := now, 0
		for now.Sub(begun) < time.Second {
			p.take(t.Context())
			n++
		}
		if most := rate/PacketSize + DefaultBurst; n > most+1 || n < most*99/100-DefaultBurst {
			t.Errorf("at %d bytes a second %d packets go, at most %d should", rate, n, most)
		}
		if per := float64(n) / float64(slept); per > DefaultBurst {
			t.Errorf("%.1f packets back to back", per)
		}
		now = now.Add(time.Minute)
		for slept, n = 0, 0; slept == 0; n++ {
			p.take(t.Context())
		}
		if n > DefaultBurst+1 {
			t.Errorf("%d packets back to back after a rest", n)
		}
	}
}

// stuck is a wire that takes nothing until it is closed.
type stuck chan struct{}

func (s stuck) close() error       { close(s); return nil }
func (s stuck) write([]byte) error { <-s; return os.ErrClosed }

func TestCloseFreesAStuckPacket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := plugged(t, Config{Address: "127.0.0.1:1", Key: config(t).Key, Dir: t.TempDir()})
		s.wire = make(stuck)
		s.start()
		synctest.Wait() // the first packet hangs
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if st := s.Stats(); st.Packets != 0 || st.Faults != 0 {
			t.Errorf("%+v", st)
		}
	})
}
