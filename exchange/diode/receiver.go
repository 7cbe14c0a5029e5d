package diode

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"gatehouse/exchange"
)

// Bounds of the receiving end.
const (
	// retry is when an envelope that could not be handled comes again, at the latest.
	retry = 200 * time.Millisecond
	// tick is how often the receiver looks at its clock.
	tick = 250 * time.Millisecond
	// silent is how many heartbeats without a sound are an alarm.
	silent = 3
	// maxWhole is how many whole envelopes wait for the disk before the link counts them as lost: beyond it the disk
	// is slower than the wire.
	maxWhole = 64
)

// Receiver is the receiving half of a link. It reads from Open to Close, whether or not anybody calls Receive.
type Receiver struct {
	c     Config
	log   *slog.Logger
	now   func() time.Time
	conn  *net.UDPConn // nil in tests that hand packets over
	shelf *shelf

	mu     sync.Mutex // all below belongs to who reads
	auth   *authority
	gather *gather
	seen   *seen
	from   map[uint64]*origin
	heard  time.Time // when the sender was last heard; at first, when this end was opened
	quiet  bool      // the alarm was raised
	said   string    // the last fault of the disk in the log
	counts ReceiverStats

	whole   chan whole // to the disk
	wake    chan struct{}
	one     sync.Mutex // held by Receive
	cancel  context.CancelFunc
	readers sync.WaitGroup
	writer  sync.WaitGroup
}

// maxOrigins bounds how many senders are told apart: the gateways of a side that take turns.
const maxOrigins = 16

// origin is one sender as it is heard.
type origin struct {
	stream uint64
	window window
	heard  time.Time
}

// whole is an envelope that was put together.
type whole struct {
	number uint64
	bytes  []byte
}

// ReceiverStats is what a receiver saw since it was opened.
type ReceiverStats struct {
	Packets    uint64 // genuine and new
	Missing    uint64 // packets of the sender that did not come
	Foreign    uint64 // of another size, or with a wrong MAC: somebody else sends, or the keys differ
	Malformed  uint64 // genuine, and yet not what a sender says
	Duplicates uint64 // packets that came before
	Replayed   uint64 // of an earlier start of the sender: a recording, an alarm
	Envelopes  uint64 // that arrived whole and are durable
	Repeats    uint64 // shards of envelopes that had arrived: the second pass, or a recording
	Recovered  uint64 // blocks that were restored from parity
	Lost       uint64 // envelopes given up: too little of them came, or there was no room. Their sender sends them again
	Partial    int    // envelopes in the making
	Memory     int    // bytes they take
	Waiting    int    // envelopes in the folder that are not handled yet
	Senders    int    // that were heard
	LastHeard  time.Time
	Silent     bool // three heartbeats went by without a sound: an alarm
	Kernel
}

// OpenReceiver opens the receiving half: the socket can't send. It is an error when the kernel does not give the
// receive buffer that the configuration asks for.
func OpenReceiver(c Config, log *slog.Logger) (*Receiver, error) {
	at, err := netip.ParseAddrPort(c.Address)
	if err != nil {
		return nil, fmt.Errorf("open diode: address: %w", err)
	}
	r, err := newReceiver(c, log, time.Now)
	if err != nil {
		return nil, fmt.Errorf("open diode: %w", err)
	}
	if r.conn, err = openInlet(at, r.c.ReceiveBuffer); err != nil {
		r.Close()
		return nil, fmt.Errorf("open diode: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel = cancel
	r.readers.Go(r.read)
	r.readers.Go(func() { r.watch(ctx) })
	return r, nil
}

// newReceiver makes a receiver that is handed its packets, and looks at no clock by itself.
func newReceiver(c Config, log *slog.Logger, now func() time.Time) (*Receiver, error) {
	c = c.WithDefaults()
	auth, err := newAuthority(c.Key.Reveal())
	if err != nil {
		return nil, err
	}
	shelf, err := openShelf(c.Dir)
	if err != nil {
		return nil, err
	}
	seen, err := openSeen(c.Dir)
	if err != nil {
		shelf.close()
		return nil, err
	}
	r := &Receiver{
		c: c, log: log, now: now, shelf: shelf, auth: auth, gather: newGather(c.Memory), seen: seen, from: map[uint64]*origin{}, heard: now(),
		whole: make(chan whole, maxWhole), wake: make(chan struct{}, 1), cancel: func() {},
	}
	r.writer.Go(r.write)
	return r, nil
}

// Addr is where the receiver listens.
func (r *Receiver) Addr() netip.AddrPort { return r.conn.LocalAddr().(*net.UDPAddr).AddrPort() }

// Close ends the reading. What came whole is durable by then. Receive must have ended.
func (r *Receiver) Close() error {
	r.cancel()
	var err error
	if r.conn != nil {
		err = r.conn.Close()
	}
	r.readers.Wait()
	close(r.whole)
	r.writer.Wait()
	r.shelf.close()
	return errors.Join(err, r.seen.close())
}

// Stats gives the counts; safe at any time.
func (r *Receiver) Stats() ReceiverStats {
	waiting, _ := r.shelf.held()
	r.mu.Lock()
	defer r.mu.Unlock()
	s, g := r.counts, r.gather
	for _, o := range r.from {
		s.Missing += o.window.missing()
	}
	s.Senders = len(r.from)
	s.Malformed += g.malformed
	s.Recovered, s.Lost = g.recovered, s.Lost+g.givenUp
	s.Partial, s.Memory, s.Waiting = len(g.open), g.bytes, waiting
	s.LastHeard, s.Silent = r.heard, r.quiet
	return s
}

// read takes packets off the socket until it is closed.
func (r *Receiver) read() {
	buf := make([]byte, PacketSize+1) // one more, so that a longer packet is seen to be one
	for {
		n, _, err := r.conn.ReadFromUDPAddrPort(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			r.log.Error("diode can't be read", "err", err)
			continue
		}
		r.take(buf[:n])
	}
}

// take is all that happens to a packet: its MAC, whether it is new, what it adds.
func (r *Receiver) take(b []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p, err := r.auth.open(b)
	switch {
	case errors.Is(err, errForeign):
		r.counts.Foreign++
		return
	case err != nil:
		r.counts.Malformed++
		return
	}
	now := r.now()
	if !r.current(p, now) {
		return
	}
	r.hear(now)
	r.counts.Packets++
	if p.kind == kindIdle {
		return
	}
	if r.seen.has(p.key()) {
		r.counts.Repeats++
		return
	}
	if b := r.gather.add(p, now); b != nil {
		r.keep(whole{p.key(), b})
	}
}

// current tells whether a packet belongs to its sender's present start and is new. A later start takes over at once;
// an earlier one is a recording, unless the present one fell silent: then it is a sender whose clock was set back.
func (r *Receiver) current(p packet, now time.Time) bool {
	o := r.from[p.sender]
	switch {
	case o == nil:
		o = r.meet(p)
	case p.stream == o.stream:
	case p.stream > o.stream || now.Sub(o.heard) > silent*r.c.Heartbeat:
		r.log.Info("a sender started anew", "sender", p.sender, "stream", p.stream)
		r.counts.Missing += o.window.missing()
		o.stream, o.window = p.stream, window{}
		r.gather.reset(p.sender)
	default:
		if r.counts.Replayed++; r.counts.Replayed == 1 {
			r.log.Error("packets of an earlier start came again, a recording", "sender", p.sender, "stream", p.stream)
		}
		return false
	}
	if !o.window.fresh(p.number) {
		r.counts.Duplicates++
		return false
	}
	o.heard = now
	return true
}

// meet notes a sender that was not heard before. There is room for few: the one that was silent for longest goes.
func (r *Receiver) meet(p packet) *origin {
	if len(r.from) >= maxOrigins {
		var oldest uint64
		for id, o := range r.from {
			if oldest == 0 || o.heard.Before(r.from[oldest].heard) {
				oldest = id
			}
		}
		r.counts.Missing += r.from[oldest].window.missing()
		delete(r.from, oldest)
	}
	o := &origin{stream: p.stream}
	r.from[p.sender] = o
	r.log.Info("a sender is heard", "sender", p.sender)
	return o
}

// hear notes a sign of life.
func (r *Receiver) hear(now time.Time) {
	if r.quiet {
		r.log.Info("link is heard again", "silent_seconds", int(now.Sub(r.heard).Seconds()))
	}
	r.heard, r.quiet = now, false
}

// keep hands a whole envelope to the disk. When that is too far behind, the envelope is lost here and comes again.
func (r *Receiver) keep(w whole) {
	select {
	case r.whole <- w:
		r.seen.writing[w.number] = true
	default:
		r.counts.Lost++
	}
}

// watch looks at the clock.
func (r *Receiver) watch(ctx context.Context) {
	t := time.NewTicker(tick)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			r.look(r.now())
		}
	}
}

// look gives up what is too old, raises the alarm of a silent link, and asks the kernel.
func (r *Receiver) look(now time.Time) {
	var k Kernel
	if r.conn != nil {
		k = kernelOf(r.Addr())
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if k.Dropped > r.counts.Dropped {
		r.log.Warn("receive buffer ran over", "packets", k.Dropped-r.counts.Dropped)
	}
	r.counts.Kernel = k
	r.gather.expire(now)
	if !r.quiet && now.Sub(r.heard) > silent*r.c.Heartbeat {
		r.quiet = true
		r.log.Error("link is silent", "since", r.heard)
	}
}

// write makes whole envelopes durable. One that can't be written is lost here; its sender sends it again.
func (r *Receiver) write() {
	for w := range r.whole {
		err := r.store(w.bytes)
		r.mu.Lock()
		r.settle(w, err)
		r.mu.Unlock()
		ring(r.wake)
	}
}

func (r *Receiver) store(b []byte) error {
	e, err := exchange.ParseEnvelope(b)
	if err != nil {
		return err
	}
	if files, bytes := r.shelf.held(); files >= maxFiles || bytes+len(b) > maxBytes {
		return errUnhandled
	}
	return r.shelf.put(nameOf(e), b)
}

// errUnhandled means that nobody takes away what arrives.
var errUnhandled = fmt.Errorf("%d envelopes or %d bytes wait to be handled; see why the program behind this link stands still", maxFiles, maxBytes)

// nameOf sorts by lane, epoch and number.
func nameOf(e exchange.Envelope) string {
	d := e.Head().Digest
	return fmt.Sprintf("%s-%010d-%020d-%x%s", e.Lane, e.Epoch, e.Seq, d[:8], suffix)
}

// settle books what became of a whole envelope.
func (r *Receiver) settle(w whole, err error) {
	switch {
	case err == nil:
		r.counts.Envelopes++
		err = r.seen.add(w.number)
	case errors.Is(err, exchange.ErrAside): // the sender sent what is no envelope; it would be none the next time
		r.counts.Malformed++
		r.log.Error("what came is no envelope", "err", err)
		err = r.seen.add(w.number)
	default:
		r.counts.Lost++
		delete(r.seen.writing, w.number)
	}
	if err == nil {
		r.said = ""
	} else if err.Error() != r.said {
		r.said = err.Error()
		r.log.Error("envelope can't be kept", "err", err)
	}
}
