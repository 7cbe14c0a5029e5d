package diode

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// wire is where a sender's packets go.
type wire interface {
	write(packet []byte) error
	close() error
}

// outlet is the sender's socket. It is not connected, so that no error message of the network can reach it, and it
// takes nothing: what comes is dropped by the kernel before it queues.
type outlet struct {
	conn *net.UDPConn
	to   netip.AddrPort
}

func openOutlet(to netip.AddrPort) (*outlet, error) {
	if !to.Addr().IsValid() || to.Addr().IsUnspecified() || to.Port() == 0 {
		return nil, fmt.Errorf("address: %s is where nobody can be; write the receiving end's address", to)
	}
	l := net.ListenConfig{Control: onSocket(deaf)}
	from := netip.IPv6Unspecified()
	if to.Addr().Is4() {
		from = netip.IPv4Unspecified()
	}
	c, err := l.ListenPacket(context.Background(), "udp", netip.AddrPortFrom(from, 0).String())
	if err != nil {
		return nil, fmt.Errorf("open the sender's socket: %w", err)
	}
	return &outlet{conn: c.(*net.UDPConn), to: to}, nil
}

func (o *outlet) write(b []byte) error {
	_, err := o.conn.WriteToUDPAddrPort(b, o.to)
	return err
}

func (o *outlet) close() error { return o.conn.Close() }

// onSocket calls f with the descriptor of a socket before it is bound.
func onSocket(f func(fd int) error) func(string, string, syscall.RawConn) error {
	return func(_, _ string, c syscall.RawConn) error {
		var failed error
		return errors.Join(c.Control(func(fd uintptr) { failed = f(int(fd)) }), failed)
	}
}

// deaf lets the kernel drop every packet that comes for a socket.
func deaf(fd int) error {
	none := []unix.SockFilter{{Code: unix.BPF_RET | unix.BPF_K, K: 0}}
	return unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: 1, Filter: &none[0]})
}

// mute takes a socket's ability to send: every attempt ends with EPIPE. Linux says ENOTCONN of a socket without a
// peer, and does it nevertheless (a test looks).
func mute(fd int) error {
	if err := unix.Shutdown(fd, unix.SHUT_WR); err != nil && !errors.Is(err, unix.ENOTCONN) {
		return fmt.Errorf("shut the way out: %w", err)
	}
	return nil
}

// openInlet opens the receiver's socket with at least size bytes of buffer. It can't send.
func openInlet(at netip.AddrPort, size int) (*net.UDPConn, error) {
	l := net.ListenConfig{Control: onSocket(func(fd int) error { return widen(socketBuffer{fd}, size) })}
	c, err := l.ListenPacket(context.Background(), "udp", at.String())
	if errors.Is(err, unix.EADDRINUSE) {
		return nil, fmt.Errorf("address: %s is taken; another port is set with address, at both ends: %w", at, err)
	}
	if errors.Is(err, unix.EADDRNOTAVAIL) {
		return nil, fmt.Errorf("address: %s is not this host's; write one of its own: %w", at, err)
	}
	if err != nil {
		return nil, fmt.Errorf("open the receiver's socket: %w", err)
	}
	conn := c.(*net.UDPConn)
	raw, err := conn.SyscallConn()
	if err == nil {
		err = onSocket(mute)("", "", raw)
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

// buffer is a socket's receive buffer.
type buffer interface {
	set(option, size int) error
	size() (int, error)
}

type socketBuffer struct{ fd int }

func (s socketBuffer) set(option, size int) error {
	return unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, option, size)
}

func (s socketBuffer) size() (int, error) {
	return unix.GetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_RCVBUF)
}

// widen sees to it that the kernel gives the buffer that is asked for. It books twice of that, for its own needs
// (socket(7)), and gives less than was asked for without a word.
func widen(b buffer, want int) error {
	if err := b.set(unix.SO_RCVBUF, want); err != nil {
		return fmt.Errorf("receive_buffer: %w", err)
	}
	got, err := b.size()
	if err == nil && got/2 < want && b.set(unix.SO_RCVBUFFORCE, want) == nil {
		got, err = b.size()
	}
	if err != nil {
		return fmt.Errorf("receive_buffer: %w", err)
	}
	if got/2 < want {
		return fmt.Errorf("receive_buffer: the kernel gives %d bytes, not %d, and the link would lose packets; raise it with sysctl -w net.core.rmem_max=%d (and in /etc/sysctl.d), or give the program CAP_NET_ADMIN", got/2, want, want)
	}
	return nil
}

// Check tells whether the kernel would give the receiving half the buffer that it asks for. It binds nothing.
func Check(c Config) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("receive_buffer: %w", err)
	}
	defer unix.Close(fd)
	return widen(socketBuffer{fd}, c.WithDefaults().ReceiveBuffer)
}

// Kernel is what the kernel says of the receiver's socket.
type Kernel struct {
	Waiting int    // bytes in its buffer, as the kernel books them: what other systems give as SIOCINQ
	Dropped uint64 // packets that found the buffer full: this socket's share of RcvbufErrors in /proc/net/snmp
}

// readKernel finds the socket bound to port in a table such as /proc/net/udp (proc(5)).
func readKernel(table io.Reader, port uint16) (Kernel, bool) {
	lines := bufio.NewScanner(table)
	for lines.Scan() {
		f := strings.Fields(lines.Text())
		if len(f) < 13 || !strings.HasSuffix(f[1], fmt.Sprintf(":%04X", port)) {
			continue
		}
		_, rx, _ := strings.Cut(f[4], ":")
		waiting, err := strconv.ParseInt(rx, 16, 64)
		dropped, err2 := strconv.ParseUint(f[len(f)-1], 10, 64)
		if err == nil && err2 == nil {
			return Kernel{Waiting: int(waiting), Dropped: dropped}, true
		}
	}
	return Kernel{}, false
}

func kernelOf(at netip.AddrPort) Kernel {
	table := "/proc/net/udp6"
	if at.Addr().Unmap().Is4() {
		table = "/proc/net/udp"
	}
	f, err := os.Open(table)
	if err != nil {
		return Kernel{}
	}
	defer f.Close()
	k, _ := readKernel(f, at.Port())
	return k
}
