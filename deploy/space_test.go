package deploy

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// space is a network namespace of this test run alone. It has no name, so runs can't collide, and it lives as long as
// this process holds it or a process runs in it, so none is left behind, however a run ends.
type space struct {
	t    *testing.T
	name string
	file *os.File
}

// newSpace makes a namespace with its loopback up and IPv6 off: its neighbour discovery speaks unasked.
func newSpace(t *testing.T, name string) *space {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Fatal("this test makes network namespaces, which needs root: run make test as root")
	}
	s := &space{t: t, name: name}
	err := onThread(func() (err error) {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("make a network namespace: %w", err)
		}
		s.file, err = os.Open("/proc/thread-self/ns/net")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.file.Close() })
	s.run("", "ip", "link", "set", "lo", "up")
	for _, c := range []string{"all", "default"} {
		s.do(func() error {
			return os.WriteFile("/proc/sys/net/ipv6/conf/"+c+"/disable_ipv6", []byte("1"), 0)
		})
	}
	return s
}

// onThread runs f on a thread of its own, which ends with it: whatever f does to the thread concerns nobody else.
func onThread(f func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		done <- f()
	}()
	return <-done
}

// within runs f inside the namespace: sockets that it opens and processes that it starts belong there.
func (s *space) within(f func() error) error {
	return onThread(func() error {
		if err := unix.Setns(int(s.file.Fd()), unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("enter %s: %w", s.name, err)
		}
		return f()
	})
}

func (s *space) do(f func() error) {
	s.t.Helper()
	if err := s.within(f); err != nil {
		s.t.Fatalf("in %s: %v", s.name, err)
	}
}

// run runs a command inside, with other namespaces as /proc/self/fd/3 and on, and gives what it says.
func (s *space) run(input string, name string, args ...string) string {
	s.t.Helper()
	return s.with(nil, input, name, args...)
}

func (s *space) with(others []*space, input string, name string, args ...string) string {
	s.t.Helper()
	var out bytes.Buffer
	s.do(func() error {
		c := exec.Command(name, args...)
		c.Stdin, c.Stdout, c.Stderr = strings.NewReader(input), &out, &out
		for _, o := range others {
			c.ExtraFiles = append(c.ExtraFiles, o.file)
		}
		if err := c.Run(); err != nil {
			return fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, &out)
		}
		return nil
	})
	return out.String()
}

// received is how many frames the kernel took in at an interface.
func (s *space) received(device string) int {
	s.t.Helper()
	n := -1
	s.do(func() error {
		b, err := os.ReadFile("/proc/thread-self/net/dev")
		if err != nil {
			return err
		}
		for _, line := range strings.Split(string(b), "\n") {
			name, rest, _ := strings.Cut(strings.TrimSpace(line), ":")
			if f := strings.Fields(rest); name == device && len(f) > 2 {
				n, err = strconv.Atoi(f[1])
			}
		}
		return err
	})
	if n < 0 {
		s.t.Fatalf("%s has no device %s", s.name, device)
	}
	return n
}

func (s *space) device(name string) (d *net.Interface) {
	s.t.Helper()
	s.do(func() (err error) {
		d, err = net.InterfaceByName(name)
		return err
	})
	return d
}

// up tells whether a device carries frames. A fresh one swallows them, and a test would pass for the wrong reason.
func (s *space) up(name string) bool {
	return s.device(name).Flags&net.FlagRunning != 0
}

// middle is the namespace between two sides, which belongs to neither: the place of the diodes.
type middle struct{ *space }

// strand is a one-way wire through the middle: what goes in at from's end comes out at to's, and nothing comes back.
type strand struct {
	name     string
	mid      *middle
	from, to *space
	// One device at each end, and their two peers in the middle.
	near, far, entry, exit string
	sends, hears           string // addresses
}

// lay joins two namespaces by a one-way wire. Rules inside either of them would not do: who is root there removes
// them, and raw sockets pass most of them.
func (m *middle) lay(name string, number int, from, to *space) *strand {
	m.t.Helper()
	w := &strand{
		name: name, mid: m, from: from, to: to, near: name + "near", far: name + "far", entry: name + "entry", exit: name + "exit",
		sends: fmt.Sprintf("10.99.%d.1", number), hears: fmt.Sprintf("10.99.%d.2", number),
	}
	for _, v := range []struct {
		end          *space
		device, peer string
		addr         string
	}{{from, w.near, w.entry, w.sends}, {to, w.far, w.exit, w.hears}} {
		v.end.with([]*space{m.space}, "", "ip", "link", "add", v.device, "type", "veth", "peer", "name", v.peer, "netns", "/proc/self/fd/3")
		v.end.run("", "ip", "addr", "add", v.addr+"/30", "dev", v.device)
		v.end.run("", "ip", "link", "set", v.device, "up")
		m.run("", "ip", "link", "set", v.peer, "arp", "off", "up")
	}
	// No ARP answer can return.
	from.run("", "ip", "neigh", "replace", w.hears, "lladdr", to.device(w.far).HardwareAddr.String(), "dev", w.near, "nud", "permanent")
	eventually(m.t, "the wire "+name, func() bool {
		return from.up(w.near) && to.up(w.far) && m.up(w.entry) && m.up(w.exit)
	})
	w.rules("")
	return w
}

// rules makes the wire one-way; spoil stands before what passes on, a rule a line: losses, doubles, flipped bits.
func (w *strand) rules(spoil string) {
	w.nft(`
table netdev WIRE {}
delete table netdev WIRE
table netdev WIRE {
  counter ours {}
  counter others {}
  counter returned {}
  counter escaped {}
  chain forward { type filter hook ingress device "WIREentry" priority 0; policy drop;
    ip saddr SENDS ip daddr HEARS udp dport 4701 udp length 1208 counter name ours goto carry
    counter name others goto carry
  }
  chain carry {
    ` + spoil + `
    fwd to "WIREexit"
  }
  chain back { type filter hook ingress device "WIREexit" priority 0; policy drop;
    counter name returned drop
  }
  chain never { type filter hook egress device "WIREentry" priority 0; policy drop;
    counter name escaped drop
  }
}
`)
}

// hole opens the way back, to show that what looks for frames finds them.
func (w *strand) hole() {
	w.nft(`
delete chain netdev WIRE never
flush chain netdev WIRE back
add rule netdev WIRE back counter name returned fwd to "WIREentry"
`)
}

func (w *strand) nft(rules string) {
	w.mid.t.Helper()
	w.mid.run(strings.NewReplacer("WIRE", w.name, "SENDS", w.sends, "HEARS", w.hears).Replace(rules), "nft", "-f", "-")
}

// count reads a counter of the wire.
func (w *strand) count(name string) int {
	w.mid.t.Helper()
	text := w.mid.run("", "nft", "list", "counter", "netdev", w.name, name)
	_, rest, _ := strings.Cut(text, "packets ")
	n, err := strconv.Atoi(strings.Fields(rest + " ?")[0])
	if err != nil {
		w.mid.t.Fatalf("no count in %q", text)
	}
	return n
}
