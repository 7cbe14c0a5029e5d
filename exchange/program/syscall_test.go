package program

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"gatehouse/exchange"
	"gatehouse/exchange/exchangetest"
)

// durable are the system calls by which a guard changes what lasts, or reads what it goes by.
var durable = []string{"openat", "write", "pwrite64", "fsync", "renameat", "unlinkat", "close"}

// traced runs a program under strace with all its threads, but not the children of a guard, which judge foreign files:
// those are left alone once they become workers.
func traced(args ...string) []string {
	return append([]string{"strace", "-f", "-b", "execve", "-qq"}, args...)
}

// strike is one system call, by name and by how many of that name its thread made, which is how strace counts.
type strike struct {
	call string
	n    int
}

// mostStrikes bounds those at one call: a guard that waits looks into its link again and again, on a slow machine a
// thousand times.
const mostStrikes = 40

// TestKilledAtSystemCalls kills the built guard of each lane inside system calls of its work, from the first it makes:
// what it was told to carry arrives once and in order, and its log is whole. `make soak KILLS=…` takes more of them, up
// to all.
func TestKilledAtSystemCalls(t *testing.T) {
	for l, some := range map[exchange.Lane]int{exchange.Up: (kills(t) + 1) / 3, exchange.Down: kills(t) * 2 / 3} {
		t.Run(string(l), func(t *testing.T) { killAtCalls(t, l, some) })
	}
}

func killAtCalls(t *testing.T, l exchange.Lane, most int) {
	counts := countCalls(t, l)
	var all []strike
	for call, n := range counts {
		for i := range min(n, mostStrikes) {
			all = append(all, strike{call, i + 1})
		}
	}
	slices.SortFunc(all, func(a, b strike) int { return strings.Compare(a.call, b.call)*1_000_000 + a.n - b.n })
	rng := rand.New(rand.NewPCG(7, 8))
	rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	some := all[:min(most, len(all))]
	hit := 0
	for _, s := range some {
		if killInside(t, l, s) {
			hit++
		}
	}
	t.Logf("%d of %d strikes hit; %d system calls in all: %v", hit, len(some), len(all), counts)
	if hit < len(some)/2 {
		t.Errorf("only %d of %d strikes hit: the numbers do not fit the work", hit, len(some))
	}
}

// countCalls runs the work once and counts the guard's durable system calls: of each the most that one thread made.
func countCalls(t *testing.T, l exchange.Lane) map[string]int {
	t.Helper()
	c := openCity(t)
	file := filepath.Join(c.dir, "trace")
	c.carry(t, l, traced("-o", file, "-e", "trace="+strings.Join(durable, ","))...)
	counts, threads := map[string]int{}, map[string]int{}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		for _, call := range durable {
			if thread, _, ok := strings.Cut(line, " "+call+"("); ok {
				threads[thread+call]++
				counts[call] = max(counts[call], threads[thread+call])
			}
		}
	}
	if len(counts) < 5 {
		t.Fatalf("only %v were seen", slices.Collect(maps.Keys(counts)))
	}
	return counts
}

// killInside lets the guard die in one system call, starts it again, and tells whether the call was reached.
func killInside(t *testing.T, l exchange.Lane, s strike) bool {
	t.Helper()
	c := openCity(t)
	return c.carry(t, l, traced("-o", "/dev/null", "-e", "trace="+s.call, "-e", fmt.Sprintf("inject=%s:signal=KILL:when=%d", s.call, s.n))...)
}

// TestFailingDisk: a sync, a write or a rename that fails once stops nothing for good: the envelope waits and is tried
// again, or the guard ends and is started again; nothing is lost, doubled or passed without its record.
func TestFailingDisk(t *testing.T) {
	for _, s := range []string{"fsync:error=EIO:when=6", "fsync:error=EIO:when=8", "pwrite64:error=EIO:when=1", "renameat:error=EIO:when=1",
		"renameat:error=EROFS:when=2"} {
		t.Run(s, func(t *testing.T) {
			call, _, _ := strings.Cut(s, ":")
			c := openCity(t)
			if died := c.carry(t, exchange.Down, traced("-o", "/dev/null", "-e", "trace="+call, "-e", "inject="+s)...); !died && !felt(c.said()) {
				t.Errorf("the fault was not felt: %s", c.said())
			}
		})
	}
}

// felt tells whether the guards spoke of a disk that fails.
func felt(said []byte) bool {
	return slices.ContainsFunc([]syscall.Errno{syscall.EIO, syscall.EROFS, syscall.ENOSPC}, func(e syscall.Errno) bool {
		return bytes.Contains(said, []byte(e.Error()))
	})
}

// TestFullDisk: with no room for its log or journal a guard lets nothing pass and removes nothing from the link; when
// there is room again it goes on by itself.
func TestFullDisk(t *testing.T) {
	c := openCity(t)
	disk := filepath.Join(c.dir, "small")
	mount(t, disk, "256k")
	c.place = disk
	ctx, cancel := context.WithCancel(t.Context())
	ext := c.port(ctx, exchange.Extranet)
	in := c.port(ctx, exchange.Intranet)
	c.start(exchange.Up)
	c.start(exchange.Down)
	c.fileCase(0)
	ext.Nudge()
	await(t, "the first case", func() bool { return c.up.out.Open() == 0 })
	ballast := filepath.Join(disk, "ballast")
	fill(t, ballast)
	kept := in.Status().Kept
	c.fileCase(1)
	ext.Nudge()
	await(t, "a guard that waits", func() bool { return bytes.Contains(c.said(), []byte("no space left")) })
	if got := in.Status().Kept; got != kept {
		t.Errorf("%d envelopes passed a guard that could not write", got-kept)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	await(t, "the second case", func() bool { return c.up.out.Open() == 0 })
	c.finish(cancel, c.up.in, 2)
}

// mount makes a file system of that size at dir.
func mount(t *testing.T, dir, size string) {
	t.Helper()
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Fatalf("mount a small disk: %v; this test needs root", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
}

// fill writes a file until the disk is full.
func fill(t *testing.T, file string) {
	t.Helper()
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for range 1 << 16 {
		if _, err := f.Write(make([]byte, 512)); err != nil {
			return
		}
	}
	t.Fatal("the disk has no end")
}

// fileCase puts a case without files into the lane.
func (c *city) fileCase(n int) {
	c.Helper()
	id := fmt.Sprintf("case%05d", n)
	c.up.out.Add(exchangetest.ParcelOf(c, fmt.Sprintf("p%05d", n), exchange.Case{ID: id, Service: "ask", FiledAt: time.Now()}, time.Now()))
}

// carry lets the guard of a lane, run under another program, carry six parcels; when it dies it is started again alone.
// It tells whether it died.
func (c *city) carry(t *testing.T, l exchange.Lane, under ...string) (died bool) {
	t.Helper()
	const total = 6
	ctx, cancel := context.WithCancel(t.Context())
	sender, in := c.port(ctx, exchange.Extranet), c.port(ctx, exchange.Intranet)
	ways := c.up
	for i := range total {
		if l == exchange.Down {
			c.fileNotice(in.Ring, i)
		} else {
			c.fileCase(i)
		}
	}
	if l == exchange.Down {
		ways, sender = c.down, in
	}
	c.start(l.Opposite())
	c.start(l, under...)
	p := c.procs[l]
	sender.Nudge()
	await(t, "the guard's end or its work's under "+strings.Join(under, " "), func() bool {
		select {
		case <-p.ended:
			died = true
		default:
		}
		return died || ways.out.Open() == 0
	})
	if died {
		before := c.starts(l)
		c.start(l)
		await(t, "the guard started again", func() bool { return c.starts(l) > before })
		await(t, "all acknowledged", func() bool { return ways.out.Open() == 0 })
	} else {
		c.endChild(p.Cmd)
		<-p.ended
		delete(c.procs, l)
	}
	c.finish(cancel, ways.in, total)
	return died
}

// fileNotice puts a released notice into the lane down.
func (c *city) fileNotice(inside *exchange.Ring, n int) {
	c.Helper()
	d, err := inside.Release(exchange.Notice{ID: fmt.Sprintf("n%05d", n), Case: "c1", State: exchange.InOA, Text: "It goes on.", Lang: "en", At: time.Now(),
		Release: exchange.Released{Policy: "clean", Label: exchange.Releasable, By: "rosa", At: time.Now()}}, time.Now())
	if err != nil {
		c.Fatal(err)
	}
	c.down.out.Add(exchangetest.ParcelOf(c, fmt.Sprintf("p%05d", n), d, time.Now()))
}

// starts is how often a guard began, by its log.
func (c *city) starts(l exchange.Lane) int {
	b, err := os.ReadFile(filepath.Join(c.place, string(l)+".log"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		c.Fatal(err)
	}
	return bytes.Count(b, []byte(`"event":"start"`))
}

// endChild asks the program that runs under p to end.
func (c *city) endChild(p *exec.Cmd) {
	c.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", p.Process.Pid, p.Process.Pid))
	if err != nil {
		c.Fatal(err)
	}
	for _, s := range strings.Fields(string(b)) {
		pid, err := strconv.Atoi(s)
		if err == nil {
			err = syscall.Kill(pid, syscall.SIGTERM)
		}
		if err != nil && !errors.Is(err, syscall.ESRCH) {
			c.Fatal(err)
		}
	}
}

// finish ends both sides and the guards, and looks whether n parcels arrived once and in order and both logs are whole.
func (c *city) finish(cancel context.CancelFunc, in *exchangetest.Incoming, n int) {
	c.Helper()
	cancel()
	c.ports.Wait()
	for l := range c.procs {
		if code := c.stop(l); code != 0 {
			c.Errorf("guard %s ended with %d", l, code)
		}
	}
	c.wantWholeLogs()
	if aside, _ := filepath.Glob(filepath.Join(c.dir, "?", "refused", "*")); len(aside) != 0 {
		c.Errorf("put aside: %v", aside)
	}
	c.wantParcels(in, n)
}

// said is what the guards wrote.
func (c *city) said() []byte {
	b, err := os.ReadFile(c.errs.Name())
	if err != nil {
		c.Fatal(err)
	}
	return b
}
