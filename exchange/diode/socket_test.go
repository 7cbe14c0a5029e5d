package diode

import (
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestHalvesWorkOneWay: the receiver's socket can't send, and the sender's gets nothing, not even from whom it sends to.
func TestHalvesWorkOneWay(t *testing.T) {
	p := openPair(t)
	to := netip.MustParseAddrPort("127.0.0.1:9")
	if _, err := p.receiver.conn.WriteToUDPAddrPort([]byte("x"), to); !errors.Is(err, unix.EPIPE) {
		t.Errorf("the receiver sends: %v", err)
	}
	own := p.sender.wire.(*outlet).conn
	at := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), own.LocalAddr().(*net.UDPAddr).AddrPort().Port())
	stranger, err := net.Dial("udp", at.String())
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	if _, err := stranger.Write([]byte("an answer")); err != nil {
		t.Fatal(err)
	}
	// On the loopback a packet is queued, or dropped, before Write returns.
	own.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
	if n, _, err := own.ReadFromUDPAddrPort(make([]byte, 100)); err == nil {
		t.Errorf("the sender received %d bytes", n)
	}
}

func TestSenderNeedsAPlace(t *testing.T) {
	for _, a := range []string{"0.0.0.0:4701", "[::]:4701", "10.0.0.1:0", "host:1"} {
		c := config(t)
		c.Address = a
		if _, err := OpenSender(c, quiet()); err == nil || !strings.Contains(err.Error(), "address: ") {
			t.Errorf("%s: %v", a, err)
		}
	}
}

// kernel is a receive buffer that gives at most so much.
type kernel struct {
	most, forced, got int
}

func (k *kernel) set(option, size int) error {
	if option == unix.SO_RCVBUFFORCE {
		if k.forced == 0 {
			return unix.EPERM
		}
		k.got = min(size, k.forced)
		return nil
	}
	k.got = min(size, k.most)
	return nil
}

func (k *kernel) size() (int, error) { return 2 * k.got, nil }

func TestReceiveBufferIsChecked(t *testing.T) {
	for _, c := range []struct {
		name string
		kernel
		ok bool
	}{
		{"enough", kernel{most: 4 << 20}, true},
		{"forced", kernel{most: 212992, forced: 1 << 30}, true},
		{"as a fresh Linux is", kernel{most: 212992}, false},
		{"forced, and still too little", kernel{most: 212992, forced: 1 << 20}, false},
	} {
		err := widen(&c.kernel, 4<<20)
		if (err == nil) != c.ok {
			t.Errorf("%s: %v", c.name, err)
		}
		if err != nil && !strings.Contains(err.Error(), "sysctl -w net.core.rmem_max=4194304") {
			t.Errorf("%s: does not say what to do: %v", c.name, err)
		}
	}
	if err := Check(Config{}); err != nil {
		t.Error(err)
	}
	p := openPair(t)
	raw, err := p.receiver.conn.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if err := onSocket(func(fd int) error {
		if n, err := (socketBuffer{fd}).size(); err != nil || n < 2*DefaultReceiveBuffer {
			t.Errorf("the socket has %d bytes, %v", n, err)
		}
		return nil
	})("", "", raw); err != nil {
		t.Error(err)
	}
}

func TestKernelTable(t *testing.T) {
	const table = `   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops             
  411: 00000000:0044 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 12004 2 0000000000000000 0         
 5052: 0200630A:125D 00000000:0000 07 00000000:00012C00 00:00000000 00000000     0        0 12345 2 0000000000000000 17        
`
	if k, ok := readKernel(strings.NewReader(table), 4701); !ok || k != (Kernel{Waiting: 0x12c00, Dropped: 17}) {
		t.Errorf("%+v, %v", k, ok)
	}
	if _, ok := readKernel(strings.NewReader(table), 4702); ok {
		t.Error("found what is not there")
	}
	if _, ok := readKernel(strings.NewReader("x :125D\n"), 4701); ok {
		t.Error("read half a line")
	}
	p := openPair(t)
	if k := kernelOf(p.receiver.Addr()); k.Dropped != 0 {
		t.Errorf("%+v", k)
	}
}
