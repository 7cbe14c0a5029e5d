package program

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"

	"gatehouse/exchange"
)

// mostMemory is what a guard may ever hold, in kB, whatever lies before it: an idle one has some 20,000.
const mostMemory = 128 << 10

// TestFloodIsBounded: thousands of forged envelopes and one of 4 GB lie in the link before the guard starts. It takes in
// none of them, holds no more memory for them, and what is genuine passes beside them.
func TestFloodIsBounded(t *testing.T) {
	c := openCity(t)
	in := filepath.Join(c.dir, "a")
	if err := os.MkdirAll(in, 0o700); err != nil {
		t.Fatal(err)
	}
	name := func(seq int) string { return filepath.Join(in, fmt.Sprintf("up-%010d-%020d.envelope", 1, seq)) }
	for i := range 3000 {
		if err := os.WriteFile(name(100+i), []byte("no envelope at all"), 0o600); err != nil {
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
	c.port(ctx, exchange.Intranet)
	c.fileCase(0)
	ext.Nudge()
	await(t, "the case", func() bool { return c.up.out.Open() == 0 })
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
