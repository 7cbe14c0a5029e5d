package deploy

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// strike is one system call of a program at work, by name and by how many of that name its thread makes.
type strike struct {
	program, call string
	n             int
}

// strikes are those by which the gateway and the office change what lasts: database, spool and log.
func strikes() []strike {
	var all []strike
	for _, p := range []string{"gateway", "office"} {
		for _, call := range []string{"pwrite64", "fsync", "write", "openat", "renameat", "unlinkat", "close"} {
			for n := range 8 {
				all = append(all, strike{p, call, n/2 + 1}) // the early ones twice: each thread counts for itself
			}
		}
	}
	return all
}

// TestKillInSystemCalls kills the gateway and the office inside system calls of their work while people apply: every
// case is on the desk exactly once, and nobody is answered twice.
func TestKillInSystemCalls(t *testing.T) {
	kills, seed := setting(t, "GATEHOUSE_KILLS", 10), setting(t, "GATEHOUSE_SEED", 1)
	w := newTown(t, townOptions{})
	c := &crowd{w: w, refs: map[string]string{}}
	all := strikes()
	chance := rand.New(rand.NewPCG(uint64(seed), 9))
	chance.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	// The first write to a database is always reached.
	all = append([]strike{{"gateway", "pwrite64", 1}, {"office", "pwrite64", 1}}, all[:min(len(all), max(0, kills-3)/2)]...)
	hits := map[string]int{}
	for _, s := range all {
		if c.strike(s) {
			hits[s.program]++
		}
	}
	t.Logf("seed %d: of %d strikes hit %v, %d applications", seed, len(all), hits, len(c.refs))
	if hits["gateway"] == 0 || hits["office"] == 0 {
		t.Errorf("of %d strikes hit %v: the numbers do not fit the work", len(all), hits)
	}
	c.everyCaseOnce()
	c.everyAnswerOnce(int64(hits["gateway"]))
}

// strike lets somebody apply while the program runs under strace, which kills it at the call; then it is started
// again. It tells whether the call was reached.
func (c *crowd) strike(s strike) bool {
	c.w.t.Helper()
	p := c.w.programs[s.program]
	tracer, ended := c.w.trace(s.program, s.call, fmt.Sprintf("signal=KILL:when=%d", s.n))
	filed := make(chan struct{})
	over := func() bool { return closed(ended) }
	go func() {
		defer close(filed)
		c.byText(c.next.Add(1))
	}()
	c.w.await(fmt.Sprint("the end of ", s), func() bool { return over() || closed(filed) && c.crossed() })
	if !over() {
		_ = tracer.Process.Signal(syscall.SIGTERM) // it lets go, unless the call came meanwhile
	}
	pid, hit := p.cmd.Process.Pid, false
	well := "http://" + c.w.settings[map[string]string{"gateway": "gateway", "office": "OFFICE"}[s.program]] + "/readyz"
	c.w.await(fmt.Sprint("the program dead or at work after ", s), func() bool {
		hit = dead(pid)
		return hit || over() && ready(well)
	})
	if hit {
		_ = tracer.Process.Kill() // one that was letting go may wait for the dead, who wait for us
		p.kill()
		<-ended
		c.w.start(s.program)
		c.w.awaitReady(well)
	}
	<-filed
	return hit
}

// dead tells whether a program of ours has ended and waits to be collected (proc(5), stat).
func dead(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, state, _ := strings.Cut(string(b), ") ")
	return err != nil || strings.HasPrefix(state, "Z")
}

// trace has strace do to system calls of a running program what inject says, until it ends or is told to let go.
func (w *town) trace(program, calls, inject string) (*exec.Cmd, <-chan struct{}) {
	w.t.Helper()
	pid := w.programs[program].cmd.Process.Pid
	tracer := exec.Command("strace", "-f", "-qq", "-o", "/dev/null", "-p", fmt.Sprint(pid), "-e", "trace="+calls, "-e", "inject="+calls+":"+inject)
	if err := tracer.Start(); err != nil {
		w.t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = tracer.Wait(); close(ended) }()
	w.await("the tracer", func() bool { return closed(ended) || traced(pid) })
	return tracer, ended
}

// TestStoreThatCantBeWritten: a disk that is read-only, full or broken under a store stops intake: the carrier gets no
// 200, and the office takes nothing off the link. Nothing is started anew, and all goes on by itself afterwards, once.
func TestStoreThatCantBeWritten(t *testing.T) {
	w := newTown(t, townOptions{})
	for i, errno := range []string{"EROFS", "ENOSPC", "EIO"} {
		id, before := fmt.Sprint("disk", i), w.inbound()
		tracer, ended := w.trace("gateway", "pwrite64,fsync,fdatasync", "error="+errno)
		if err := w.webhook(id); err == nil {
			t.Errorf("%s: a text was acknowledged", errno)
		}
		_ = tracer.Process.Signal(syscall.SIGTERM)
		<-ended
		w.await("the text said again after "+errno, func() bool { return w.webhook(id) == nil })
		if got := w.inbound() - before; got != 1 {
			t.Errorf("%s: %d texts came in", errno, got)
		}
	}
	c := &crowd{w: w, refs: map[string]string{}}
	tracer, ended := w.trace("office", "pwrite64,fsync,fdatasync", "error=EROFS")
	c.byText(c.next.Add(1))
	w.await("a case before the office", func() bool {
		found, _ := filepath.Glob(filepath.Join(w.dir, "border", "B", "up-*.envelope"))
		return len(found) > 0
	})
	_ = tracer.Process.Signal(syscall.SIGTERM)
	<-ended
	c.everyCaseOnce()
	for _, name := range []string{"gateway", "office"} {
		if n := w.programs[name].starts; n != 1 {
			t.Errorf("%s was started %d times", name, n)
		}
	}
}

// crossed tells whether nothing lies on the way up.
func (c *crowd) crossed() bool {
	for _, folder := range []string{"A", "B"} {
		if found, _ := filepath.Glob(filepath.Join(c.w.dir, "border", folder, "up-*.envelope")); len(found) > 0 {
			return false
		}
	}
	return true
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// traced tells whether every thread of a process has a tracer.
func traced(pid int) bool {
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
	for _, t := range tasks {
		if b, err := os.ReadFile(t); err == nil && strings.Contains(string(b), "TracerPid:\t0\n") {
			return false
		}
	}
	return len(tasks) > 0
}
