package program

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"gatehouse/exchange"
)

// mostMemory is what a guard may ever hold, in kB, whatever lies before it: an idle one has some 20,000.
const mostMemory = 128 << 10

// TestFloodIsBounded: thousands of forged envelopes, a million in a soak, and one of 4 GB lie in the link before
// the guard starts. It takes in none of them, holds no more memory for them, and what is genuine passes beside them, in
// the other lane too.
func TestFloodIsBounded(t *testing.T) {
	c := openCity(t)
	in := filepath.Join(c.dir, "a")
	mount(t, in, "64m,nr_inodes=0")
	c.env = []string{"GOMEMLIMIT=96MiB"}
	tiny := filepath.Join(in, "tiny")
	if err := os.WriteFile(tiny, []byte("no envelope at all"), 0o600); err != nil {
		t.Fatal(err)
	}
	name := func(seq int) string { return filepath.Join(in, fmt.Sprintf("up-%010d-%020d.envelope", 1, seq)) }
	flood := 6000
	if os.Getenv("GATEHOUSE_KILLS") != "" {
		flood = 1_000_000
	}
	for i := range flood {
		if err := os.Link(tiny, name(100+i)); err != nil {
			t.Fatal(err)
		}
	}
	for _, large := range []string{name(50), filepath.Join(in, "large"), filepath.Join(in, "beat-up.envelope")} {
		if err := os.WriteFile(large, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(large, 4<<30); err != nil { // a hole: it takes no room on the disk
			t.Fatal(err)
		}
	}
	c.start(exchange.Up)
	c.start(exchange.Down)
	ctx, cancel := context.WithCancel(t.Context())
	ext := c.port(ctx, exchange.Extranet)
	office := c.port(ctx, exchange.Intranet)
	c.fileNotice(office.Ring, 0)
	office.Nudge()
	await(t, "the notice in the other lane", func() bool { return c.down.out.Open() == 0 })
	c.fileCase(0)
	ext.Nudge()
	await(t, "the case", func() bool { return c.up.out.Open() == 0 })
	patiently(t, "the end of the flood", 20*time.Minute, func() bool {
		d, err := os.Open(in)
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		some, _ := d.Readdirnames(16) // all of a million would hold up the guard; three others lie there
		return !slices.ContainsFunc(some, func(n string) bool { return strings.HasSuffix(n, ".envelope") })
	})
	if kb := c.peak(exchange.Up); kb > mostMemory {
		t.Errorf("the guard held %d kB, at most %d were allowed", kb, mostMemory)
	}
	cancel()
	c.ports.Wait()
	for l := range c.procs {
		if code := c.stop(l); code != 0 {
			t.Errorf("guard %s ended with %d", l, code)
		}
	}
	c.wantWholeLogs()
	c.wantParcels(c.up.in, 1)
}

// patiently polls each second until done, for what takes long in a soak.
func patiently(t *testing.T, what string, limit time.Duration, done func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	end := time.After(limit)
	for !done() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("not within %v: %s", limit, what)
		}
	}
}

// peak is the most resident memory that a guard ever had, in kB.
func (c *city) peak(l exchange.Lane) int {
	c.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.procs[l].Process.Pid))
	if err != nil {
		c.Fatal(err)
	}
	m := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(b)
	if m == nil {
		c.Fatal("the system does not tell the most memory held")
	}
	kb, err := strconv.Atoi(string(m[1]))
	if err != nil {
		c.Fatal(err)
	}
	return kb
}
