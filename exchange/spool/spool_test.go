package spool

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"gatehouse/exchange"
	"gatehouse/exchange/exchangetest"

	"golang.org/x/sys/unix"
)

func open(t *testing.T, dir string) *Link {
	t.Helper()
	l, err := Open(Config{Dir: dir, Interval: 2 * time.Millisecond}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestContract(t *testing.T) {
	exchangetest.RunLink(t, func(t *testing.T) (exchange.Link, exchange.Link, func() (exchange.Link, exchange.Link)) {
		dir := t.TempDir()
		again := func() (exchange.Link, exchange.Link) { return open(t, dir), open(t, dir) }
		s, r := again()
		return s, r, again
	})
}

// sealed gives n envelopes.
func sealed(t *testing.T, n int) []exchange.Envelope {
	t.Helper()
	rings, _ := exchangetest.Rings(t, time.Now())
	c := exchangetest.NewChain(rings[exchange.Extranet], exchange.Up, time.Now)
	var out []exchange.Envelope
	for range n {
		out = append(out, c.Seal(t, exchangetest.ParcelOf(t, "p", exchange.Erasure{ID: "e", Party: "p"}, time.Now())))
	}
	return out
}

// receive handles what lies in the spool until n envelopes came.
func receive(t *testing.T, l *Link, n int) []exchange.Envelope {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var got []exchange.Envelope
	l.Receive(ctx, func(_ context.Context, e exchange.Envelope) error {
		if got = append(got, e); len(got) == n {
			cancel()
		}
		return nil
	})
	if len(got) != n {
		t.Fatalf("%d came, want %d", len(got), n)
	}
	return got
}

// TestBusyLaneIsHeard: heartbeats that come while a long listing is handled are not left until its end.
func TestBusyLaneIsHeard(t *testing.T) {
	l := open(t, t.TempDir())
	rings, _ := exchangetest.Rings(t, time.Now())
	var hour int
	l.now = func() time.Time { return time.Unix(1_800_000_000, 0).Add(time.Duration(hour) * time.Hour) }
	for _, e := range sealed(t, 20) {
		if err := l.Send(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	beat, err := rings[exchange.Extranet].SealBeat(exchange.Up, exchange.Beat{}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	var heard []int
	handled := 0
	ctx, cancel := context.WithCancel(t.Context())
	err = l.Receive(ctx, func(ctx context.Context, e exchange.Envelope) error {
		if e.IsBeat() {
			heard = append(heard, handled)
			return nil
		}
		if handled++; handled == 20 {
			cancel()
		}
		if handled == 5 || handled == 10 {
			hour++
			return l.Send(ctx, beat)
		}
		return nil
	})
	if err != nil || !slices.Equal(heard, []int{5, 10}) {
		t.Errorf("heartbeats were heard after %v envelopes, %v", heard, err)
	}
}

func TestHostileFilesArePutAside(t *testing.T) {
	es := sealed(t, 3)
	good := es[2]
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, es[0].Bytes, 0o600); err != nil {
		t.Fatal(err)
	}
	for what, put := range map[string]func(path string) error{
		"symbolic link":  func(p string) error { return os.Symlink(secret, p) },
		"pipe":           func(p string) error { return unix.Mkfifo(p, 0o600) },
		"directory":      func(p string) error { return os.Mkdir(p, 0o700) },
		"empty":          func(p string) error { return os.WriteFile(p, nil, 0o600) },
		"no envelope":    func(p string) error { return os.WriteFile(p, []byte("hello"), 0o600) },
		"too large":      func(p string) error { return os.WriteFile(p, make([]byte, exchange.MaxEnvelope+1), 0o600) },
		"another number": func(p string) error { return os.WriteFile(p, es[1].Bytes, 0o600) },
		"cut": func(p string) error {
			return os.WriteFile(p, es[0].Bytes[:len(es[0].Bytes)-1], 0o600)
		},
		"a bit flipped": func(p string) error {
			b := bytes.Clone(es[0].Bytes)
			b[500] ^= 1
			return os.WriteFile(p, b, 0o600)
		},
	} {
		t.Run(what, func(t *testing.T) {
			dir := t.TempDir()
			l := open(t, dir)
			if err := put(filepath.Join(dir, name(es[0]))); err != nil {
				t.Fatal(err)
			}
			if err := l.Send(context.Background(), good); err != nil {
				t.Fatal(err)
			}
			if got := receive(t, l, 1); got[0].Seq != good.Seq {
				t.Errorf("number %d came", got[0].Seq)
			}
			aside, err := filepath.Glob(filepath.Join(dir, "refused", "*"))
			if err != nil || len(aside) != 2 || !strings.HasSuffix(aside[1], ".reason") {
				t.Errorf("put aside: %v", aside)
			}
		})
	}
	if b, err := os.ReadFile(secret); err != nil || !bytes.Equal(b, es[0].Bytes) {
		t.Error("the file behind the link was touched")
	}
}

func TestOtherNamesAreLeftAlone(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	for _, n := range []string{"README", ".new-123", "up-1-1.env", "x" + suffix + ".tmp"} {
		if err := os.WriteFile(filepath.Join(dir, n), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	e := sealed(t, 1)[0]
	if err := l.Send(context.Background(), e); err != nil {
		t.Fatal(err)
	}
	receive(t, l, 1)
	entries, _ := os.ReadDir(dir)
	if len(entries) != 5 { // the four and refused
		t.Errorf("left: %v", entries)
	}
}

func TestDiskFailure(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	e := sealed(t, 1)[0]
	broken := errors.New("input/output error")
	l.sync = func(*os.File) error { return broken }
	if err := l.Send(context.Background(), e); !errors.Is(err, broken) {
		t.Fatalf("send: %v", err)
	}
	if names, _, _ := l.names(maxListed); len(names) != 0 {
		t.Errorf("a file that is not durable has its name: %v", names)
	}
	left, _ := filepath.Glob(filepath.Join(dir, ".new-*"))
	if len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
	l.sync = (*os.File).Sync
	if err := l.Send(context.Background(), e); err != nil {
		t.Fatal(err)
	}
	receive(t, l, 1)
}

func TestSendIntoNothing(t *testing.T) {
	l := open(t, t.TempDir())
	l.dir = filepath.Join(l.dir, "gone")
	if err := l.Send(context.Background(), sealed(t, 1)[0]); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

func TestCrashedSendersAreSwept(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	old := filepath.Join(dir, ".new-1")
	if err := os.WriteFile(old, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := l.names(maxListed); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(old); err != nil {
		t.Error("swept although it may be in use")
	}
	l.now = func() time.Time { return time.Now().Add(2 * time.Hour) }
	if _, _, err := l.names(maxListed); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(old); err == nil {
		t.Error("not swept")
	}
}

func TestConfig(t *testing.T) {
	if err := (Config{Dir: "x", Interval: time.Second}).Validate(); err != nil {
		t.Error(err)
	}
	err := Config{Interval: time.Hour}.Validate()
	for _, key := range []string{"dir: ", "interval: "} {
		if err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("%s is not named: %v", key, err)
		}
	}
}
