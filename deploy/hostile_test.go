package deploy

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"testing"

	"golang.org/x/sys/unix"
)

// hostile is who is root inside and tries to get frames out by every way that the kernel knows.
type hostile struct {
	t      *testing.T
	space  *space
	device *net.Interface
	own    net.IP
	target net.IP           // outside
	mac    net.HardwareAddr // of the outside, which somebody told
	sent   int              // frames that the kernel took
	rng    *rand.Rand
}

// hostile stands at the receiving end of a wire, and aims at its sending end.
func (w *strand) hostile(t *testing.T) *hostile {
	h := &hostile{
		t: t, space: w.to, device: w.to.device(w.far), own: net.ParseIP(w.hears).To4(), target: net.ParseIP(w.sends).To4(),
		mac: w.from.device(w.near).HardwareAddr, rng: rand.New(rand.NewPCG(7, 8)),
	}
	w.to.run("", "ip", "neigh", "replace", w.sends, "lladdr", h.mac.String(), "dev", w.far, "nud", "permanent")
	w.to.run("", "ip", "route", "replace", "default", "via", w.sends, "dev", w.far)
	return h
}

// hostileAhead stands at the sending end, and aims at the receiving one.
func (w *strand) hostileAhead(t *testing.T) *hostile {
	w.from.run("", "ip", "route", "replace", "default", "via", w.hears, "dev", w.near)
	return &hostile{
		t: t, space: w.from, device: w.from.device(w.near), own: net.ParseIP(w.sends).To4(), target: net.ParseIP(w.hears).To4(),
		mac: w.to.device(w.far).HardwareAddr, rng: rand.New(rand.NewPCG(9, 10)),
	}
}

// try sends everything, and gives how many frames the kernel took.
func (h *hostile) try() int {
	h.t.Helper()
	h.sent = 0
	h.space.do(func() error {
		return errors.Join(h.datagrams(), h.streams(), h.pings(), h.raw())
	})
	return h.sent
}

// took counts what the kernel took.
func (h *hostile) took(err error) {
	if err == nil {
		h.sent++
	}
}

func addr4(ip net.IP, port int) *unix.SockaddrInet4 {
	return &unix.SockaddrInet4{Port: port, Addr: [4]byte(ip.To4())}
}

// datagrams are UDP to one, to all and to groups, on ports of every kind.
func (h *hostile) datagrams() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	err = errors.Join(unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_BROADCAST, 1),
		unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_MULTICAST_TTL, 8),
		unix.SetsockoptIPMreqn(fd, unix.IPPROTO_IP, unix.IP_MULTICAST_IF, &unix.IPMreqn{Ifindex: int32(h.device.Index)}),
		unix.BindToDevice(fd, h.device.Name))
	for _, to := range []string{h.target.String(), "255.255.255.255", "224.0.0.1", "239.1.2.3", "8.8.8.8"} {
		for _, port := range []int{53, 123, 161, 514, 4701, 4789, 65535} {
			h.took(unix.Sendto(fd, []byte("secret"), 0, addr4(net.ParseIP(to), port)))
		}
	}
	return err
}

// streams are attempts at TCP connections.
func (h *hostile) streams() error {
	for port := 1; port <= 30; port++ {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK, 0)
		if err != nil {
			return err
		}
		err = unix.Connect(fd, addr4(h.target, port*100))
		if errors.Is(err, unix.EINPROGRESS) {
			err = nil
		}
		h.took(err)
		unix.Close(fd)
	}
	return nil
}

// pings are ICMP of all types.
func (h *hostile) pings() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_ICMP)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	for kind := range 20 {
		b := []byte{byte(kind), 0, 0, 0, 0, 1, 0, byte(kind)}
		binary.BigEndian.PutUint16(b[2:], checksum(b))
		h.took(unix.Sendto(fd, b, 0, addr4(h.target, 0)))
	}
	return nil
}

// raw are frames past every rule of the own host: sockets of that kind leave below its packet filter.
func (h *hostile) raw() error {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	for name, f := range h.frames() {
		to := &unix.SockaddrLinklayer{Ifindex: h.device.Index, Halen: 6}
		copy(to.Addr[:], f[:6])
		if err := unix.Sendto(fd, f, 0, to); err != nil {
			return fmt.Errorf("raw %s: %w", name, err)
		}
		h.sent++
	}
	return nil
}

// frames are the raw ones, by name.
func (h *hostile) frames() map[string][]byte {
	all := map[string][]byte{}
	broadcast := net.HardwareAddr{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
	arp := func(op byte) []byte {
		b := []byte{0, 1, 8, 0, 6, 4, 0, op}
		b = append(append(append(b, h.device.HardwareAddr...), h.own...), h.mac...)
		return append(b, h.target...)
	}
	for name, to := range map[string]net.HardwareAddr{
		"one": h.mac, "all": broadcast, "group": {0x01, 0x00, 0x5e, 0, 0, 1}, "lldp": {0x01, 0x80, 0xc2, 0, 0, 0x0e},
		"stp": {0x01, 0x80, 0xc2, 0, 0, 0}, "pause": {0x01, 0x80, 0xc2, 0, 0, 1}, "v6": {0x33, 0x33, 0, 0, 0, 1},
	} {
		all["arp request to "+name] = h.frame(to, 0x0806, arp(1))
		all["arp reply to "+name] = h.frame(to, 0x0806, arp(2))
		all["ipv4 to "+name] = h.frame(to, 0x0800, h.ipv4(unix.IPPROTO_UDP))
		all["tcp to "+name] = h.frame(to, 0x0800, h.ipv4(unix.IPPROTO_TCP))
		all["ipv6 to "+name] = h.frame(to, 0x86dd, append([]byte{0x60, 0, 0, 0, 0, 8, 58, 255}, make([]byte, 40)...))
		all["lldp to "+name] = h.frame(to, 0x88cc, []byte{2, 7, 4, 1, 2, 3, 4, 5, 6})
		all["stp to "+name] = h.frame(to, 38, append([]byte{0x42, 0x42, 3}, make([]byte, 35)...))
		all["pause to "+name] = h.frame(to, 0x8808, []byte{0, 1, 0xff, 0xff})
		all["vlan to "+name] = h.frame(to, 0x8100, append([]byte{0, 7, 8, 0}, h.ipv4(unix.IPPROTO_UDP)...))
		all["two vlans to "+name] = h.frame(to, 0x88a8, append([]byte{0, 7, 0x81, 0, 0, 8, 8, 0}, h.ipv4(unix.IPPROTO_UDP)...))
		all["mpls to "+name] = h.frame(to, 0x8847, h.ipv4(unix.IPPROTO_UDP))
	}
	for i := range 110 {
		kind := uint16(0x0600 + h.rng.IntN(0xffff-0x0600))
		all[fmt.Sprintf("ethertype %04x, %d", kind, i)] = h.frame([]net.HardwareAddr{h.mac, broadcast}[i%2], kind, []byte("secret"))
	}
	return all
}

// frame is one of at least 60 bytes.
func (h *hostile) frame(to net.HardwareAddr, kind uint16, payload []byte) []byte {
	b := append(append([]byte{}, to...), h.device.HardwareAddr...)
	b = append(binary.BigEndian.AppendUint16(b, kind), payload...)
	return append(b, make([]byte, max(60-len(b), 0))...)
}

// ipv4 is a packet to the diode's port, as if it came from the outside itself.
func (h *hostile) ipv4(protocol byte) []byte {
	b := []byte{0x45, 0, 0, 28, 0, 1, 0, 0, 64, protocol, 0, 0}
	b = append(append(b, h.target...), h.target...)
	binary.BigEndian.PutUint16(b[10:], checksum(b))
	return append(b, 0x12, 0x5d, 0x12, 0x5d, 0, 8, 0, 0)
}

// checksum is that of RFC 1071.
func checksum(b []byte) uint16 {
	sum := uint32(0)
	for i := 0; i+1 < len(b); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}
