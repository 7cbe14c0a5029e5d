package guard

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gatehouse/exchange"
	"gatehouse/exchange/exchangetest"
	"gatehouse/exchange/spool"
)

// hop is a lane for measuring: b.N cases of 2 kB are sealed before the clock runs.
type hop struct {
	ring   *exchange.Ring
	sealed []exchange.Envelope
	out    exchange.Link
	dir    string
}

func newHop(b *testing.B) hop {
	b.Helper()
	rings, _ := exchangetest.Rings(b, time.Now())
	h := hop{ring: rings[exchange.UpGuard], dir: b.TempDir()}
	chain := exchangetest.NewChain(rings[exchange.Extranet], exchange.Up, time.Now)
	for i := range b.N {
		c := exchange.Case{ID: fmt.Sprint("c", i), Service: "ask", Text: strings.Repeat("a word ", 280), FiledAt: time.Now()}
		h.sealed = append(h.sealed, chain.Seal(b, exchangetest.ParcelOf(b, c.ID, c, time.Now())))
	}
	out, err := spool.Open(spool.Config{Dir: filepath.Join(h.dir, "b")}, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	h.out = out
	return h
}

// BenchmarkHop is the whole guard: open, judge, sign, seal, keep, log, hand over.
func BenchmarkHop(b *testing.B) {
	h := newHop(b)
	g, err := Open(Options{
		Lane: exchange.Up, Ring: h.ring, Out: h.out, LogFile: filepath.Join(h.dir, "log"), Dir: h.dir, Log: slog.New(slog.DiscardHandler),
		Limits: Limits{DocumentsPerHour: 1 << 30},
	})
	if err != nil {
		b.Fatal(err)
	}
	defer g.Close()
	b.ResetTimer()
	for _, e := range h.sealed {
		if err := g.handle(b.Context(), e); err != nil {
			b.Fatal(err)
		}
	}
	b.StopTimer()
	if s := g.Status(); s.Passed != uint64(b.N) {
		b.Fatalf("%d of %d passed", s.Passed, b.N)
	}
}

// BenchmarkLimit is what no guard can do without: the same cryptography, and one append with its sync.
func BenchmarkLimit(b *testing.B) {
	h := newHop(b)
	f, err := os.Create(filepath.Join(h.dir, "log"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	head := exchange.Head{Epoch: 1}
	b.ResetTimer()
	for _, e := range h.sealed {
		u, err := h.ring.Unseal(exchange.Up, e, time.Now())
		if err != nil {
			b.Fatal(err)
		}
		n, err := h.ring.Endorse(exchange.Up, head, u, u.Content, exchange.Verdict{Rules: RuleSet}, time.Now())
		if err != nil {
			b.Fatal(err)
		}
		head = n.Head
		if _, err := f.Write(n.Bytes); err != nil {
			b.Fatal(err)
		}
		if err := f.Sync(); err != nil {
			b.Fatal(err)
		}
	}
}
