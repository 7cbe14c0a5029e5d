package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"gatehouse/exchange"
	"gatehouse/exchange/spool"
)

const (
	largeFile = 200 << 20
	smallFile = 2 << 20
	// ahead is how many envelopes lie before the guard at once: what lies on the disk is not its memory.
	ahead = 8
)

// largeRow is the most memory that the built guard ever held while a file of 200 MB crossed, against one of 2 MB.
func largeRow(ctx context.Context, b *bench) ([]line, error) {
	dir, err := b.folder()
	if err != nil {
		return nil, err
	}
	binary := filepath.Join(dir, "guard")
	out, err := exec.CommandContext(ctx, "go", "build", "-o", binary, "gatehouse/exchange/cmd/guard").CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("build the guard: %w: %s", err, out)
	}
	figures, err := b.turns(ctx, "large",
		side{"large", func(ctx context.Context) (float64, error) { return b.cross(ctx, binary, b.of(largeFile, 20<<20)) }},
		side{"small", func(ctx context.Context) (float64, error) { return b.cross(ctx, binary, smallFile) }})
	if err != nil {
		return nil, err
	}
	return []line{{what: "a guard's most memory, 200 MB file crossing", unit: "MB", peer: "the same with a file of 2 MB", rounds: pairs(figures),
		aim: aim{most: 2}}}, nil
}

// bulk is a file of that size, made a Part at a time: it is never in memory as a whole.
type bulk struct{ size int }

func (r bulk) part(n int) []byte {
	const line = "PL-0000,crate of lemons,12.50,EUR\n"
	from, to := (n-1)*exchange.PartSize, min(n*exchange.PartSize, r.size)
	whole := bytes.Repeat([]byte(line), exchange.PartSize/len(line)+2)
	skip := from % len(line)
	return whole[skip : skip+to-from]
}

func (r bulk) parts() int { return (r.size + exchange.PartSize - 1) / exchange.PartSize }

func (r bulk) digest() string {
	h := sha256.New()
	for n := range r.parts() {
		h.Write(r.part(n + 1))
	}
	return hexOf(h)
}

func hexOf(h hash.Hash) string { return hex.EncodeToString(h.Sum(nil)) }

// crossing is one guard, run as built, between two folders.
type crossing struct {
	dir, binary string
	in          *spool.Link
	origin      *exchange.Ring
	head        exchange.Head
}

// cross lets a case with a file of that size cross, and gives the most memory that the guard held, in MB.
func (b *bench) cross(ctx context.Context, binary string, size int) (mb float64, err error) {
	dir, err := b.folder()
	if err != nil {
		return 0, err
	}
	x := &crossing{dir: dir, binary: binary, head: exchange.Head{Epoch: 1}}
	if err := x.prepare(); err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	guard, err := x.start(ctx, b)
	if err != nil {
		return 0, err
	}
	defer func() {
		_ = guard.Process.Signal(syscall.SIGTERM)
		err = errors.Join(err, guard.Wait())
	}()
	n, err := x.send(ctx, bulk{size})
	if err != nil {
		return 0, err
	}
	for x.taken() < n {
		if !until(ctx, time.Now().Add(10*time.Millisecond)) {
			return 0, fmt.Errorf("%d of %d envelopes passed", x.taken(), n)
		}
	}
	return peak(guard.Process.Pid)
}

func (x *crossing) prepare() (err error) {
	keys := filepath.Join(x.dir, "keys")
	if err := exchange.MakeKeys(keys, exchange.Parties(), time.Now()); err != nil {
		return err
	}
	if x.origin, err = exchange.LoadRing(filepath.Join(keys, string(exchange.Extranet)), exchange.Extranet); err != nil {
		return err
	}
	x.in, err = spool.Open(spool.Config{Dir: filepath.Join(x.dir, "a")}, quiet())
	return err
}

func (x *crossing) start(ctx context.Context, b *bench) (*exec.Cmd, error) {
	text := fmt.Sprintf("lane: up\nisolation: none\nkeys: %[1]s/keys/up-guard\nin: {dir: %[1]s/a, interval: 2ms}\nout: {dir: %[1]s/b}\n"+
		"log_file: %[1]s/log\ndir: %[1]s/guard\nlog_level: warn\nlimits: {file_bytes: %[2]d, files_bytes: %[2]d}\n", x.dir, int64(exchange.PartSize*exchange.MaxParts))
	file := filepath.Join(x.dir, "guard.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, x.binary, "-config", file)
	cmd.Stderr = b.errs
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd, cmd.Start()
}

// send seals the case and its Parts, never more than ahead of the guard, and gives how many envelopes that were.
func (x *crossing) send(ctx context.Context, r bulk) (int, error) {
	c := exchange.Case{ID: "c1", Service: "ask", FiledAt: time.Now(),
		Files: []exchange.FileRef{{ID: "f1", Name: "rows.csv", Type: "text/csv", Size: int64(r.size), SHA256: r.digest()}}}
	if err := x.seal(ctx, c); err != nil {
		return 0, err
	}
	for i := range r.parts() {
		part := r.part(i + 1)
		sum := sha256.Sum256(part)
		p := exchange.Part{File: "f1", Of: c.ID, Number: i + 1, Count: r.parts(), SHA256: hex.EncodeToString(sum[:]), Bytes: part}
		for x.waiting() >= ahead {
			if !until(ctx, time.Now().Add(2*time.Millisecond)) {
				return 0, errors.New("the guard takes nothing")
			}
		}
		if err := x.seal(ctx, p); err != nil {
			return 0, err
		}
	}
	return r.parts() + 1, nil
}

func (x *crossing) seal(ctx context.Context, d exchange.Document) error {
	content, err := exchange.Encode(d)
	if err != nil {
		return err
	}
	now := time.Now()
	n, err := x.origin.Seal(exchange.Up, x.head, exchange.Parcel{ID: fmt.Sprint("p", x.head.Seq), Kind: d.Kind(), Content: content, Created: now}, now)
	if err != nil {
		return err
	}
	x.head = n.Head
	return x.in.Send(ctx, exchange.Envelope{Lane: exchange.Up, Epoch: n.Head.Epoch, Seq: n.Head.Seq, Bytes: n.Bytes})
}

func (x *crossing) waiting() int { return x.count("a") }

// taken counts what the guard passed on; nobody takes it away.
func (x *crossing) taken() int { return x.count("b") }

func (x *crossing) count(link string) int {
	all, _ := filepath.Glob(filepath.Join(x.dir, link, "up-*.envelope"))
	return len(all)
}

// peak is the most resident memory that a process ever had, in MB.
func peak(pid int) (float64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(b)) {
		if v, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(v), "kB")), 64)
			return kib * 1.024 / 1000, err
		}
	}
	return 0, errors.New("the system does not tell the most memory held")
}
