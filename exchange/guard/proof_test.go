package guard

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"gatehouse/exchange"
	"gatehouse/exchange/guard/media"
	"gatehouse/exchange/guard/mediatest"
)

// TestBlindClamd: the real scanner says OK of what lies past its limits. Each limit that is below the guard's is found
// and named before a file is judged.
func TestBlindClamd(t *testing.T) {
	for _, c := range []struct {
		limits string // of clamd.conf
		want   string // what the sentence names; empty: it is proved
	}{
		{"StreamMaxLength 2M/MaxFileSize 8M/MaxScanSize 8M/AlertExceedsMax yes", ""},
		{"StreamMaxLength 2M/MaxFileSize 4M/MaxScanSize 9M", ""},
		{"StreamMaxLength 900K/MaxFileSize 8M/MaxScanSize 8M/AlertExceedsMax yes", "StreamMaxLength 1048576"},
		{"StreamMaxLength 2M/MaxFileSize 900K/MaxScanSize 8M", "MaxFileSize 1048576"},
		{"StreamMaxLength 2M/MaxFileSize 2M/MaxScanSize 1500K", "MaxScanSize 2097152"},
		{"StreamMaxLength 2M/MaxFileSize 2M/MaxScanSize 1500K/AlertExceedsMax yes", "max_bytes is 1048576"},
		{"StreamMaxLength 2M/MaxFileSize 2M/MaxScanSize 9M", "AlertExceedsMax yes"},
	} {
		d := startClamd(t, strings.Split(c.limits, "/")...)
		err := ScanConfig{Address: d.address, MaxBytes: 1 << 20}.Prove(t.Context(), media.Policy{MaxUnpacked: 4 << 20})
		if c.want == "" && err != nil || c.want != "" && (!errors.Is(err, ErrBlind) || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v", c.limits, err)
		}
	}
}

// TestProofIsFound: a scanner without signatures is found out, and the archives are what they must be.
func TestProofIsFound(t *testing.T) {
	ok := fake(t, func(c net.Conn) { heardAll(c); io.WriteString(c, "stream: OK\x00") })
	if err := ok.Prove(t.Context(), media.Policy{}); !errors.Is(err, ErrBlind) || !strings.Contains(err.Error(), "EICAR") {
		t.Errorf("it finds nothing: %v", err)
	}
	if eicar() != string(mediatest.Eicar()) {
		t.Error("the test file is not the one that scanners know")
	}
	for _, size := range []int64{1, 1000, 70_001} {
		var b bytes.Buffer
		if err := stored(&b, size); err != nil {
			t.Fatal(err)
		}
		if size >= 1000 && int64(b.Len()) != size {
			t.Errorf("%d bytes, want %d", b.Len(), size)
		}
		wantLast(t, b.Bytes())
	}
	var b bytes.Buffer
	if err := packed(&b, 1<<20); err != nil {
		t.Fatal(err)
	}
	if b.Len() > 1<<20/200 {
		t.Errorf("%d bytes packed are too many", b.Len())
	}
	inner := entry(t, b.Bytes(), "inner.zip")
	if len(inner) != 1<<20 {
		t.Errorf("it unpacks to %d bytes", len(inner))
	}
	wantLast(t, inner)
}

func wantLast(t *testing.T, archive []byte) {
	t.Helper()
	if got := entry(t, archive, "known.txt"); string(got) != eicar() {
		t.Errorf("the test file is %q", got)
	}
	entry(t, archive, "filling.txt")
}

// entry reads a file of an archive, with its checksum.
func entry(t *testing.T, archive []byte, name string) []byte {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		t.Fatal(err)
	}
	f, err := z.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	got, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// TestProofIsRepeated: once an hour, and after each time without a verdict.
func TestProofIsRepeated(t *testing.T) {
	var asked atomic.Int64
	var broken atomic.Bool
	c := fake(t, func(c net.Conn) {
		asked.Add(1)
		switch file := heardAll(c); {
		case broken.Load():
		case len(file) == 1:
			io.WriteString(c, "stream: OK\x00")
		default:
			io.WriteString(c, "stream: Known FOUND\x00")
		}
	})
	p := newPost(t, exchange.Up, Limits{})
	p.guard.o.Scan, p.guard.o.Media.MaxUnpacked = c, 1<<20
	want := func(what string, n int64) {
		t.Helper()
		if got := asked.Swap(0); got != n {
			t.Errorf("%s: the scanner was asked %d times, want %d", what, got, n)
		}
	}
	clean := func(doc string) {
		t.Helper()
		p.cross(caseWith(doc, ref("f", "a.txt", []byte("x"))))
		p.wantReason(doc, p.crossParts(partsIn(doc, "f", []byte("x"))...)[0], exchange.ReasonNone)
	}
	clean("c1")
	want("the first", 4)
	clean("c2")
	want("the second", 1)
	p.now = p.now.Add(proofLasts)
	clean("c3")
	want("an hour later", 4)
	broken.Store(true)
	p.cross(caseWith("c4", ref("f", "a.txt", []byte("x"))))
	e := p.origin.Seal(t, p.parcel(partsIn("c4", "f", []byte("x"))[0]))
	if err := p.hand(e); !errors.Is(err, errScan) {
		t.Errorf("no answer: %v", err)
	}
	broken.Store(false)
	want("without an answer", 1)
	p.mustHand(e)
	want("after that", 4)
	p.arrived()
	p.now = p.now.Add(-time.Minute)
	clean("c5")
	want("with a clock set back", 4)
}

// TestClamdStopped: for the 30 s that the scanner stands still nothing goes on, the alarm counts, and the lane goes on
// by itself after.
func TestClamdStopped(t *testing.T) {
	d := startClamd(t)
	p := newPost(t, exchange.Up, Limits{})
	c := ScanConfig{Address: d.address, Timeout: 200 * time.Millisecond, MaxBytes: 64 << 10}.WithDefaults()
	p.guard.o.Scan, p.guard.o.Media.MaxUnpacked = c, 128<<10
	p.cross(caseWith("c1", ref("f", "a.txt", []byte("x"))))
	if err := d.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	e := p.origin.Seal(t, p.parcel(partsIn("c1", "f", []byte("x"))[0]))
	next := p.origin.Seal(t, p.parcel(caseWith("c2")))
	for range 3 { // each 10 s
		for _, e := range []exchange.Envelope{e, next} {
			if err := p.hand(e); !errors.Is(err, errScan) || errors.Is(err, exchange.ErrAside) {
				t.Errorf("got %v", err)
			}
		}
		p.now = p.now.Add(10 * time.Second)
	}
	s := p.guard.Status()
	if len(p.out) != 1 || s.Scanner != 6 || !strings.Contains(s.Text("none"), `gatehouse_guard_scan_failures_total{lane="up"} 6`) {
		t.Errorf("%d went on, alarms %d", len(p.out), s.Scanner)
	}
	if err := d.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	// The same time-out: it may pass again on a slow machine, and the link hands over what waits again and again.
	wait(t, "the lane goes on", func() bool { return p.hand(e) == nil })
	p.wantReason("part", p.arrived(), exchange.ReasonNone)
	p.mustHand(next)
	p.wantReason("the next", p.arrived(), exchange.ReasonNone)
}
