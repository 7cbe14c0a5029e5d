package guard

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"gatehouse/exchange"
	"gatehouse/exchange/evidence"
	"gatehouse/exchange/exchangetest"
	"gatehouse/exchange/spool"
)

// TestMain is the test binary's second life: with GUARD_CHILD it is a guard that kills itself between two steps.
func TestMain(m *testing.M) {
	BecomeWorker(os.Args)
	if dir := os.Getenv("GUARD_CHILD"); dir != "" {
		if err := child(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if os.Getenv("GUARD_STARTER") != "" {
		startOnAndOn()
	}
	os.Exit(m.Run())
}

// child guards dir/a to dir/b and dies by SIGKILL when it comes to the step GUARD_STEP for the GUARD_AT-th time.
func child(dir string) error {
	ring, err := exchange.LoadRing(filepath.Join(dir, "keys", "up-guard"), exchange.UpGuard)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	in, err := spool.Open(spool.Config{Dir: filepath.Join(dir, "a"), Interval: 2 * time.Millisecond}, log)
	if err != nil {
		return err
	}
	out, err := spool.Open(spool.Config{Dir: filepath.Join(dir, "b")}, log)
	if err != nil {
		return err
	}
	g, err := Open(Options{Lane: exchange.Up, Ring: ring, In: in, Out: out, LogFile: filepath.Join(dir, "guard.log"), Dir: filepath.Join(dir, "journal"), Log: log})
	if err != nil {
		return err
	}
	at, err := strconv.Atoi(os.Getenv("GUARD_AT"))
	if err != nil {
		return err
	}
	g.step = func(s string) {
		if s != os.Getenv("GUARD_STEP") {
			return
		}
		if at--; at == 0 {
			syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}
	return g.Run(context.Background())
}

// TestKilledBetweenAnyTwoSteps: at each step and several envelopes the guard dies; started again it loses nothing,
// sends nothing twice as other bytes, and its log is whole.
func TestKilledBetweenAnyTwoSteps(t *testing.T) {
	for _, step := range []string{"judged", "sealed", "kept", "logged", "sent", "held", "decided"} {
		for _, at := range times(step) {
			t.Run(fmt.Sprintf("%s %d", step, at), func(t *testing.T) {
				t.Parallel()
				killAt(t, step, at)
			})
		}
	}
}

// times are the occurrences of a step to die at: of two Parts held, and one file decided.
func times(step string) []int {
	switch step {
	case "held":
		return []int{1, 2}
	case "decided":
		return []int{1}
	}
	return []int{1, 2, 3, 4, 9}
}

func killAt(t *testing.T, step string, at int) {
	dir := t.TempDir()
	rings, keys := exchangetest.Rings(t, time.Now())
	if err := os.Rename(keys, filepath.Join(dir, "keys")); err != nil {
		t.Fatal(err)
	}
	chain := exchangetest.NewChain(rings[exchange.Extranet], exchange.Up, time.Now)
	a, err := spool.Open(spool.Config{Dir: filepath.Join(dir, "a")}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	var sealed []exchange.Envelope
	long := []byte(strings.Repeat("a;b;c\n", 120_000)) // two parts
	docs := []exchange.Document{caseWith("c0", ref("f", "a.csv", long))}
	for _, p := range partsIn("c0", "f", long) {
		docs = append(docs, p)
	}
	for i := range 7 {
		docs = append(docs, caseWith(fmt.Sprint("c", i+1)))
	}
	for i, d := range docs {
		e := chain.Seal(t, exchangetest.ParcelOf(t, fmt.Sprint("p", i), d, time.Now()))
		if err := a.Send(t.Context(), e); err != nil {
			t.Fatal(err)
		}
		sealed = append(sealed, e)
	}

	first := runChild(t, dir, step, at)
	if err := first.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Fatalf("the guard did not die at the step: %v", err)
	}
	// What had gone on already must come again as the same bytes, if at all.
	before := taken(t, dir)
	if err := a.Send(t.Context(), sealed[0]); err != nil { // its sender has seen no Ack
		t.Fatal(err)
	}
	second := runChild(t, dir, "none", 1)
	defer func() {
		second.Process.Signal(syscall.SIGKILL)
		second.Wait()
		if _, torn, err := evidence.VerifyFile(filepath.Join(dir, "guard.log"), evidence.Tip{}); err != nil || torn != 0 {
			t.Errorf("the log: torn %d, %v", torn, err)
		}
	}()
	ledger := exchangetest.NewIncoming()
	b, err := spool.Open(spool.Config{Dir: filepath.Join(dir, "b"), Interval: 2 * time.Millisecond}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	b.Receive(ctx, func(ctx context.Context, e exchange.Envelope) error {
		if was, ok := before[e.Seq]; ok && !bytes.Equal(was, e.Bytes) {
			t.Errorf("%d went on as other bytes than before", e.Seq)
		}
		if e.IsBeat() {
			return nil
		}
		x, _, err := rings[exchange.Intranet].Open(exchange.Up, e, time.Now())
		if err != nil {
			t.Errorf("%d: %v", e.Seq, err)
			return err
		}
		if _, err := ledger.Keep(ctx, x); err != nil {
			t.Errorf("%d: %v", e.Seq, err)
		}
		if h, _ := ledger.Heard(ctx); h.Contiguous == uint64(len(docs)) {
			cancel()
		}
		return nil
	})
	next, err := ledger.Next(t.Context(), 100)
	if err != nil || len(next) != len(docs) {
		t.Fatalf("%d arrived of %d, %v", len(next), len(docs), err)
	}
	for i, x := range next {
		if x.Refused != exchange.ReasonNone || x.Parcel.ID != fmt.Sprint("p", i) || x.Origin != sealed[i].Head() {
			t.Errorf("%d: %+v", i, x.Parcel.ID)
		}
	}
}

func runChild(t *testing.T, dir, step string, at int) *exec.Cmd {
	t.Helper()
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), "GUARD_CHILD="+dir, "GUARD_STEP="+step, fmt.Sprint("GUARD_AT=", at))
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	return c
}

// taken copies what lies in link B, by number.
func taken(t *testing.T, dir string) map[uint64][]byte {
	t.Helper()
	out := map[uint64][]byte{}
	files, err := filepath.Glob(filepath.Join(dir, "b", "*.envelope"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		e, err := exchange.ParseEnvelope(b)
		if err != nil {
			t.Fatal(err)
		}
		out[e.Seq] = b
	}
	return out
}
