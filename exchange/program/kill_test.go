package program

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"gatehouse/exchange"
	"gatehouse/exchange/exchangetest"
	"gatehouse/exchange/spool"
)

// city is both sides with the built guards between them.
type city struct {
	*testing.T
	dir, bin string
	place    string   // of the guards' logs and journals
	env      []string // of the guards, beside the test's own
	procs    map[exchange.Lane]*proc
	errs     *os.File // what the guards say
	up, down ways
	ports    sync.WaitGroup
}

// proc is a guard that runs. One goroutine alone waits for its end.
type proc struct {
	*exec.Cmd
	ended chan struct{}
}

// ways are the two ends of a lane.
type ways struct {
	out *exchangetest.Outgoing
	in  *exchangetest.Incoming
}

// built is the guard's program, built once for all tests.
var built = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "gatehouse-guard-")
	if err != nil {
		return "", err
	}
	file := filepath.Join(dir, "guard")
	if out, err := exec.Command("go", "build", "-o", file, "../cmd/guard").CombinedOutput(); err != nil {
		return file, fmt.Errorf("build the guard: %w: %s", err, out)
	}
	return file, nil
})

// newCity has both guards running.
func newCity(t *testing.T) *city {
	t.Helper()
	c := openCity(t)
	for _, l := range []exchange.Lane{exchange.Up, exchange.Down} {
		c.start(l)
	}
	return c
}

// openCity has its guards built, with their keys.
func openCity(t *testing.T) *city {
	t.Helper()
	c := &city{T: t, dir: t.TempDir(), procs: map[exchange.Lane]*proc{}}
	c.place = c.dir
	var err error
	if c.bin, err = built(); err != nil {
		t.Fatal(err)
	}
	if err := exchange.MakeKeys(filepath.Join(c.dir, "keys"), exchange.Parties(), time.Now()); err != nil {
		t.Fatal(err)
	}
	if c.errs, err = os.Create(filepath.Join(c.dir, "guards.log")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.sweep)
	c.up.out, c.up.in = exchangetest.NewOutgoing(), exchangetest.NewIncoming()
	c.down.out, c.down.in = exchangetest.NewOutgoing(), exchangetest.NewIncoming()
	return c
}

// start runs the built guard of a lane, if need be under another program.
func (c *city) start(l exchange.Lane, under ...string) {
	c.Helper()
	in, out, who := "a", "b", exchange.UpGuard
	if l == exchange.Down {
		in, out, who = "c", "d", exchange.DownGuard
	}
	file := filepath.Join(c.dir, string(l)+".yaml")
	text := fmt.Sprintf("lane: %s\nisolation: none\nkeys: %s/keys/%s\nin: {dir: %s/%s, interval: 2ms}\nout: {dir: %s/%s, interval: 2ms}\nlog_file: %s/%s.log\ndir: %s/%s\nlog_level: warn\nack_every: 50ms\n",
		l, c.dir, who, c.dir, in, c.dir, out, c.place, l, c.place, l)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		c.Fatal(err)
	}
	line := append(under, c.bin, "-config", file)
	p := exec.Command(line[0], line[1:]...)
	p.Stderr, p.Env = c.errs, append(os.Environ(), c.env...)
	if err := p.Start(); err != nil {
		c.Fatal(err)
	}
	c.procs[l] = &proc{p, make(chan struct{})}
	go func(p *proc) { _ = p.Wait(); close(p.ended) }(c.procs[l])
}

func (c *city) kill(l exchange.Lane) {
	c.Helper()
	p := c.procs[l]
	if err := p.Process.Signal(syscall.SIGKILL); err != nil {
		c.Fatal(err)
	}
	<-p.ended
}

// sweep ends what a failed test left running, and shows what the guards said.
func (c *city) sweep() {
	for _, p := range c.procs {
		p.Process.Kill() // it may have ended
		<-p.ended
	}
	if c.Failed() {
		b, _ := os.ReadFile(c.errs.Name())
		c.Logf("the guards said:\n%s", b)
	}
	c.errs.Close()
}

// stop ends a guard as an operator does, and gives its exit code.
func (c *city) stop(l exchange.Lane) int {
	c.Helper()
	p := c.procs[l]
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		c.Fatal(err)
	}
	select {
	case <-p.ended:
	case <-time.After(time.Minute):
		p.Process.Kill()
		c.Error("still runs a minute after SIGTERM")
		<-p.ended
	}
	return p.ProcessState.ExitCode()
}

func (c *city) link(name string) *spool.Link {
	c.Helper()
	l, err := spool.Open(spool.Config{Dir: filepath.Join(c.dir, name), Interval: 2 * time.Millisecond}, slog.New(slog.DiscardHandler))
	if err != nil {
		c.Fatal(err)
	}
	return l
}

func (c *city) port(ctx context.Context, who exchange.Party) *exchange.Port {
	c.Helper()
	ring, err := exchange.LoadRing(filepath.Join(c.dir, "keys", string(who)), who)
	if err != nil {
		c.Fatal(err)
	}
	p := &exchange.Port{
		Ring: ring, Owner: string(who), Log: slog.New(slog.DiscardHandler), AckEvery: 50 * time.Millisecond, AckIdle: time.Second,
		Resend: 200 * time.Millisecond, Poll: 20 * time.Millisecond,
	}
	if who == exchange.Extranet {
		p.Lane, p.Outgoing, p.Incoming, p.Out, p.In = exchange.Up, c.up.out, c.down.in, c.link("a"), c.link("d")
	} else {
		p.Lane, p.Outgoing, p.Incoming, p.Out, p.In = exchange.Down, c.down.out, c.up.in, c.link("c"), c.link("b")
	}
	c.ports.Go(func() {
		if err := p.Run(ctx); err != nil {
			c.Error(err)
		}
	})
	return p
}

func kills(t *testing.T) int {
	t.Helper()
	s := os.Getenv("GATEHOUSE_KILLS")
	if s == "" {
		return 10
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestKilledGuardsLoseNothing kills the built guards at seeded moments while cases with files go up and acks come
// down: everything arrives once and in order, nothing looks forged, both logs are whole.
func TestKilledGuardsLoseNothing(t *testing.T) {
	c := newCity(t)
	ctx, cancel := context.WithCancel(t.Context())
	ext := c.port(ctx, exchange.Extranet)
	in := c.port(ctx, exchange.Intranet)
	rng := rand.New(rand.NewPCG(41, 42))
	total := 0
	for range kills(t) {
		for range 3 {
			total += c.file(total, rng)
			ext.Nudge()
		}
		lane := exchange.Up
		if rng.IntN(3) == 0 {
			lane = exchange.Down
		}
		before := in.Status().Kept
		some := uint64(rng.IntN(4))
		await(t, "some envelopes", func() bool { return in.Status().Kept >= before+some || c.up.out.Open() == 0 })
		pause(t, time.Duration(rng.IntN(15))*time.Millisecond)
		c.kill(lane)
		c.start(lane)
	}
	for open := c.up.out.Open(); open > 0; { // as long as it takes, but never without progress
		before := open
		await(t, "one more acknowledged", func() bool { open = c.up.out.Open(); return open < before })
	}
	cancel()
	c.ports.Wait()
	for _, l := range []exchange.Lane{exchange.Up, exchange.Down} {
		if code := c.stop(l); code != 0 {
			t.Errorf("guard %s ended with %d", l, code)
		}
	}
	c.wantWholeLogs()
	for name, s := range map[string]exchange.Status{"extranet": ext.Status(), "intranet": in.Status()} {
		if s.Alarms != 0 {
			t.Errorf("%s: %+v", name, s)
		}
	}
	if aside, _ := filepath.Glob(filepath.Join(c.dir, "?", "refused", "*")); len(aside) != 0 {
		t.Errorf("put aside: %v", aside)
	}
	if refused := c.up.out.Refused(); len(refused) != 0 {
		t.Errorf("refused: %v", refused)
	}
	c.wantParcels(c.up.in, total)
}

// wantWholeLogs verifies both guards' logs.
func (c *city) wantWholeLogs() {
	c.Helper()
	for _, l := range []exchange.Lane{exchange.Up, exchange.Down} {
		var out bytes.Buffer
		if code := Main([]string{"log", "verify", filepath.Join(c.place, string(l)+".log")}, &out, &out); code != 0 {
			c.Errorf("log of %s: %s", l, &out)
		}
	}
}

// pause waits for a moment of the seed: where in its work a process is hit is the point here.
func pause(t *testing.T, d time.Duration) {
	t.Helper()
	select {
	case <-time.After(d):
	case <-t.Context().Done():
	}
}

// file puts a case with a file of one or two Parts into the lane, and gives the number of parcels.
func (c *city) file(n int, rng *rand.Rand) int {
	c.Helper()
	body := bytes.Repeat([]byte("a;b;c\n"), 1+rng.IntN(100_000))
	id := fmt.Sprintf("case%05d", n)
	docs := []exchange.Document{exchange.Case{ID: id, Service: "ask", FiledAt: time.Now(), Files: []exchange.FileRef{{ID: "f", Name: "rows.csv", Type: "text/csv", Size: int64(len(body)), SHA256: sum(body)}}}}
	count := (len(body) + exchange.PartSize - 1) / exchange.PartSize
	for i := range count {
		b := body[i*exchange.PartSize : min((i+1)*exchange.PartSize, len(body))]
		docs = append(docs, exchange.Part{File: "f", Of: id, Number: i + 1, Count: count, SHA256: sum(b), Bytes: b})
	}
	for i, d := range docs {
		c.up.out.Add(exchangetest.ParcelOf(c, fmt.Sprintf("p%05d", n+i), d, time.Now()))
	}
	return len(docs)
}

func sum(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

// wantParcels looks whether an end was handed parcels 0 to n-1, once and in order, besides Acks.
func (c *city) wantParcels(in *exchangetest.Incoming, n int) {
	c.Helper()
	next, err := in.Next(context.Background(), 1_000_000)
	if err != nil {
		c.Fatal(err)
	}
	if len(next) != n {
		c.Errorf("%d parcels arrived, want %d", len(next), n)
	}
	for i, a := range next {
		if want := fmt.Sprintf("p%05d", i); a.Parcel.ID != want {
			c.Fatalf("parcel %d is %q, want %q", i, a.Parcel.ID, want)
		}
	}
}

func TestRefusalComesBackThroughBothGuards(t *testing.T) {
	c := newCity(t)
	ctx, cancel := context.WithCancel(t.Context())
	ext := c.port(ctx, exchange.Extranet)
	c.port(ctx, exchange.Intranet)
	program := []byte("MZ\x90\x00")
	ref := exchange.FileRef{ID: "f", Name: "photo.png", Type: "image/png", Size: int64(len(program)), SHA256: sum(program)}
	c.up.out.Add(
		exchangetest.ParcelOf(t, "case", exchange.Case{ID: "c1", Service: "ask", FiledAt: time.Now(), Files: []exchange.FileRef{ref}}, time.Now()),
		exchangetest.ParcelOf(t, "part", exchange.Part{File: "f", Of: "c1", Number: 1, Count: 1, SHA256: sum(program), Bytes: program}, time.Now()),
	)
	ext.Nudge()
	await(t, "the refusal", func() bool { return c.up.out.Refused()["part"] == exchange.ReasonFileKind })
	await(t, "all acknowledged", func() bool { return c.up.out.Open() == 0 })
	next, err := c.up.in.Next(t.Context(), 10)
	if err != nil || len(next) < 2 || next[1].Of != "c1" || next[1].Refused != exchange.ReasonFileKind {
		t.Errorf("inside: %+v, %v", next, err)
	}
	cancel()
	c.ports.Wait()
	c.stop(exchange.Up)
	c.stop(exchange.Down)
}
