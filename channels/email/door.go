package email

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"
)

// door is the listener: it counts sessions, refuses those over the limits, and knows all that are open, because the
// server can only wait for them.
type door struct {
	net.Listener
	total, each int

	mu     sync.Mutex
	closed bool
	open   map[*visit]struct{}
	hosts  map[netip.Addr]int
}

func newDoor(l net.Listener, c Config) *door {
	return &door{Listener: l, total: c.MaxSessions, each: c.MaxPerHost, open: map[*visit]struct{}{}, hosts: map[netip.Addr]int{}}
}

// Accept waits for the next client that may come in.
func (d *door) Accept() (net.Conn, error) {
	for {
		conn, err := d.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if v := d.enter(conn); v != nil {
			return v, nil
		}
		// The few bytes fit into the socket's buffer: nobody can make this wait.
		if conn.SetWriteDeadline(time.Now().Add(time.Second)) == nil {
			_, _ = io.WriteString(conn, "421 4.3.2 Too many sessions, try again later\r\n")
		}
		conn.Close()
	}
}

func (d *door) enter(conn net.Conn) *visit {
	host := hostOf(conn.RemoteAddr())
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed || len(d.open) >= d.total || d.hosts[host] >= d.each {
		return nil
	}
	v := &visit{Conn: conn, door: d, host: host}
	d.open[v] = struct{}{}
	d.hosts[host]++
	return v
}

func (d *door) leave(v *visit) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, in := d.open[v]; !in {
		return
	}
	delete(d.open, v)
	if d.hosts[v.host]--; d.hosts[v.host] <= 0 {
		delete(d.hosts, v.host)
	}
}

// close lets nobody in any more and ends the sessions that wait for a command.
func (d *door) close() {
	d.mu.Lock()
	d.closed = true
	all := d.visits()
	d.mu.Unlock()
	for _, v := range all {
		v.hurry()
	}
}

// cut ends every session.
func (d *door) cut() {
	d.mu.Lock()
	all := d.visits()
	d.mu.Unlock()
	for _, v := range all {
		v.Close()
	}
}

func (d *door) visits() []*visit {
	var all []*visit
	for v := range d.open {
		all = append(all, v)
	}
	return all
}

// hostOf is what sessions are counted by: the IPv4 address or the IPv6 /64.
func hostOf(a net.Addr) netip.Addr {
	p, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return netip.Addr{}
	}
	addr := p.Addr().Unmap().WithZone("")
	if addr.Is6() {
		if p, err := addr.Prefix(64); err == nil {
			return p.Addr()
		}
	}
	return addr
}

// visit is one client's connection.
type visit struct {
	net.Conn
	door *door
	host netip.Addr

	mu     sync.Mutex
	busy   int // mails under way
	ending bool
}

// Read reports a connection that ends without a word as cut, because the server takes a mail sent in chunks (RFC 3030)
// for whole when its connection merely ends.
func (v *visit) Read(p []byte) (int, error) {
	n, err := v.Conn.Read(p)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// SetReadDeadline obeys, but once the server ends only for a mail under way.
func (v *visit) SetReadDeadline(t time.Time) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.ending && v.busy == 0 {
		t = time.Unix(1, 0)
	}
	return v.Conn.SetReadDeadline(t)
}

// work marks a mail under way, which may take until deadline; rest marks its end.
func (v *visit) work(deadline time.Time) error {
	v.mu.Lock()
	v.busy++
	v.mu.Unlock()
	return v.SetReadDeadline(deadline)
}

func (v *visit) rest() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.busy--
}

// hurry ends the session, or lets it end after the mail under way.
func (v *visit) hurry() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.ending = true
	if v.busy > 0 {
		return
	}
	if v.Conn.SetReadDeadline(time.Unix(1, 0)) != nil {
		v.Conn.Close()
	}
}

// Close ends the connection and gives its place free.
func (v *visit) Close() error {
	v.door.leave(v)
	return v.Conn.Close()
}
