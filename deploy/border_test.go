package deploy

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"testing"
	"time"
)

const (
	// wireKey is shared by both ends of every wire of a test.
	wireKey = "a-key-of-the-walks-alone-32-or-longer"
	// binariesEnv tells a test of a test where the programs are; those are not its to build or to remove.
	binariesEnv = "GATEHOUSE_TEST_BINARIES"
	// outsideEnv tells it that it runs in the outside's namespace.
	outsideEnv = "GATEHOUSE_TEST_OUTSIDE"
)

// TestMainJobAcrossDiodes: the real programs, each in a network namespace of its own, with nothing between them but
// four one-way wires through a middle that belongs to none of them; all but the last lose a twentieth of their packets.
// A question and an application cross, are decided inside, and the answers come back, while who is root inside sends
// frames of every kind into both its wires. Those into the wire that it receives from arrive nowhere; those into the
// wire that it may send on end at the down guard. The outside hears nothing but packets of the down guard's own link.
func TestMainJobAcrossDiodes(t *testing.T) {
	if os.Getenv(outsideEnv) != "" {
		liveOutside(t)
		return
	}
	mid := &middle{newSpace(t, "the middle")}
	outside, inside := newSpace(t, "the outside"), newSpace(t, "the inside")
	up, down := newSpace(t, "the up guard's host"), newSpace(t, "the down guard's host")
	a, b := mid.lay("a", 1, outside, up), mid.lay("b", 2, up, inside)
	c, d := mid.lay("c", 3, inside, down), mid.lay("d", 4, down, outside)
	for _, w := range []*strand{a, b, c} {
		w.rules("numgen random mod 100000 < 5000 drop")
	}
	into, onto := b.hostile(t), c.hostileAhead(t)
	tried, ahead := into.try(), onto.try()
	for end := outsideTest(t, outside, up, inside, down); ; {
		tried, ahead = tried+into.try(), ahead+onto.try()
		if tick(t, end) {
			break
		}
	}
	for _, w := range []*strand{a, b, c, d} {
		if w.count("ours") == 0 {
			t.Errorf("nothing crossed wire %s", w.name)
		}
		if n := w.from.received(w.near) + w.count("escaped"); n != 0 {
			t.Errorf("wire %s: %d frames came back", w.name, n)
		}
		if n := w.count("others"); w != c && n != 0 {
			t.Errorf("wire %s carried %d frames that are no link's", w.name, n)
		}
	}
	if n := b.count("returned"); n < tried*8/10 {
		t.Errorf("%d of %d hostile frames reached the diode", n, tried)
	}
	if n := c.count("others"); n < ahead*8/10 {
		t.Errorf("%d of %d hostile frames went down the wire that may be sent on", n, ahead)
	}
	if n := outside.received(d.far); n != d.count("ours") {
		t.Errorf("the outside received %d frames, of which %d are the down guard's", n, d.count("ours"))
	}
}

// tick waits a moment; true: the other test ended, and well.
func tick(t *testing.T, end <-chan error) bool {
	t.Helper()
	select {
	case err := <-end:
		if err != nil {
			t.Fatal(err)
		}
		return true
	case <-time.After(500 * time.Millisecond):
		return false
	}
}

// outsideTest runs this test once more as a process in the outside's namespace, with the gateway and the carriers'
// stand-ins around it; it gets the other hosts as open files.
func outsideTest(t *testing.T, outside *space, others ...*space) <-chan error {
	t.Helper()
	bin, err := binaries()
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	cmd := exec.Command(self, "-test.run", "^"+t.Name()+"$", "-test.v", "-test.timeout", "10m")
	cmd.Env = append(os.Environ(), outsideEnv+"=1", binariesEnv+"="+bin)
	cmd.Stdout, cmd.Stderr = &out, &out
	for _, s := range others {
		cmd.ExtraFiles = append(cmd.ExtraFiles, s.file)
	}
	outside.do(cmd.Start)
	end := make(chan error, 1)
	go func() {
		err := cmd.Wait()
		if err != nil {
			err = fmt.Errorf("outside: %w\n%s", err, tail(out.Bytes(), 20000))
		}
		end <- err
	}()
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	return end
}

// liveOutside is the main job, seen from the outside.
func liveOutside(t *testing.T) {
	spaces := map[string]*space{}
	for i, name := range []string{"up", "office", "down"} {
		spaces[name] = &space{t: t, name: name, file: os.NewFile(uintptr(3+i), name)}
	}
	w := townAcross(t, spaces)
	w.inquiryBySMS()
	w.applicationByTelegram()
	for name, want := range map[string]string{`link_lost{link="in"}`: "0", `link_silent{link="in"}`: "0", `link_foreign{link="in"}`: "0", `link_faults{link="out"}`: "0"} {
		if got := w.metric("gatehouse_" + name); got != want {
			t.Errorf("%s is %q, want %s", name, got, want)
		}
	}
}

// townAcross starts the programs in their places. The one thing that a true outside could not do is asking the
// console: the clerks of the walk sit inside, so their browser connects there.
func townAcross(t *testing.T, spaces map[string]*space) *town {
	o := townOptions{spaces: spaces, diodes: map[string]string{}}
	for i, l := range []string{"A", "B", "C", "D"} {
		o.diodes[l] = fmt.Sprintf("10.99.%d.2:4701", i+1)
	}
	o.desk = freePort(t)
	before := http.DefaultTransport
	http.DefaultTransport = &http.Transport{DialContext: func(ctx context.Context, network, addr string) (c net.Conn, err error) {
		var d net.Dialer
		if addr != o.desk {
			return d.DialContext(ctx, network, addr)
		}
		err = spaces["office"].within(func() (err error) {
			c, err = d.DialContext(ctx, network, addr)
			return err
		})
		return c, err
	}}
	t.Cleanup(func() { http.DefaultTransport = before })
	return newTown(t, o)
}
