package program

import (
	"bytes"
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

// TestMediumByCommand carries link A by hand: exported at the extranet, imported at the up guard, twice; a file that
// was altered on the way is named, and the command says so by its code.
func TestMediumByCommand(t *testing.T) {
	dir := t.TempDir()
	keys, stick, from, to := filepath.Join(dir, "keys"), filepath.Join(dir, "stick"), filepath.Join(dir, "a"), filepath.Join(dir, "b")
	if err := exchange.MakeKeys(keys, exchange.Parties(), time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(stick, 0o755); err != nil {
		t.Fatal(err)
	}
	ring, err := exchange.LoadRing(filepath.Join(keys, "extranet"), exchange.Extranet)
	if err != nil {
		t.Fatal(err)
	}
	l, err := spool.Open(spool.Config{Dir: from}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	c := exchangetest.NewChain(ring, exchange.Up, time.Now)
	for range 3 {
		if err := l.Send(t.Context(), c.Seal(t, exchangetest.ParcelOf(t, "p", exchange.Erasure{ID: "e", Party: "p"}, time.Now()))); err != nil {
			t.Fatal(err)
		}
	}
	run := func(code int, said string, args ...string) {
		t.Helper()
		var out bytes.Buffer
		if got := Main(args, &out, &out); got != code || !strings.Contains(out.String(), said) {
			t.Errorf("%v: code %d, said %q", args, got, out.String())
		}
	}
	export := []string{"export", "-party", "extranet", "-keys", filepath.Join(keys, "extranet"), "-link", from, "-medium", stick}
	take := []string{"import", "-party", "up-guard", "-keys", filepath.Join(keys, "up-guard"), "-link", to, "-medium", stick}
	run(0, "3 envelopes of link A", export...)
	run(1, "nothing lies in the link", export...)
	run(0, "3 envelopes of link A taken from 1 folders", take...)
	run(0, "numbers 1 to 3 of epoch 1", take...)
	run(2, "-medium are needed", take[:5]...)
	run(2, "guard import -party", "import")
	run(2, "write one of", "export", "-party", "mayor")
	run(1, "keys: ", "import", "-party", "up-guard", "-keys", filepath.Join(dir, "none"), "-link", to, "-medium", stick)
	run(1, "holds no export for link B", "import", "-party", "intranet", "-keys", filepath.Join(keys, "intranet"), "-link", to, "-medium", stick)
	all, _ := filepath.Glob(filepath.Join(stick, "*", "*.envelope"))
	if len(all) != 3 {
		t.Fatalf("on the stick: %v", all)
	}
	if err := os.Truncate(all[1], 300); err != nil {
		t.Fatal(err)
	}
	run(1, "refused: "+filepath.Base(filepath.Dir(all[1])), take...)
	run(1, "2 envelopes of link A taken", take...)
}

// TestProgressIsPrintedByTenths: only where there is much to do.
func TestProgressIsPrintedByTenths(t *testing.T) {
	for total, want := range map[int]int{10: 0, 499: 0, 1000: 10, 4096: 10} {
		var out bytes.Buffer
		p := progress(&out)
		for i := range total {
			p(i+1, total)
		}
		if got := strings.Count(out.String(), "\n"); got != want {
			t.Errorf("%d files: %d lines, want %d", total, got, want)
		}
	}
}
