package diode

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"gatehouse/exchange"
)

// Bounds of the sending end.
const (
	// maxQueued is how many bytes of envelopes wait for the wire before Send has to wait: some 4 s at full rate.
	maxQueued = 64 << 20
	// roomWait is how long Send waits for room before it says ErrFull.
	roomWait = time.Second
	// warmUp is how many idle packets go before the first envelope: a fresh interface swallows some.
	warmUp = 32
	// beats is how often at least the sender is heard in a heartbeat.
	beats = 5
	// writeWait is the first pause after a packet that could not be written; it doubles up to a second.
	writeWait = 10 * time.Millisecond
)

// Sender is the sending half of a link. It has a goroutine of its own until Close.
type Sender struct {
	c     Config
	log   *slog.Logger
	now   func() time.Time
	wire  wire
	shelf *shelf
	pace  *pace
	plan  []int // parity by number of data shards
	codes codes
	auth  *authority
	buf   [PacketSize]byte

	id     uint64 // its own, for as long as its folder lasts
	stream uint64
	number uint64    // of the last packet
	last   time.Time // when it went
	said   string    // the last fault in the log

	mu     sync.Mutex
	fresh  []*job // first pass
	again  []*job // later passes, soonest first
	queued map[[32]byte]*job
	bytes  int
	next   uint64 // number of the last sending
	room   chan struct{}

	wake   chan struct{}
	cancel context.CancelFunc
	end    sync.WaitGroup
	counts senderCounts
}

type senderCounts struct{ packets, envelopes, faults, queued, bytes atomic.Uint64 }

// job is an envelope on the shelf that is being sent.
type job struct {
	name   string
	number uint64
	sum    [32]byte
	size   int
	passes int // done
	due    time.Time
}

// SenderStats is what a sender did since it was opened.
type SenderStats struct {
	Packets     uint64 // on the wire, idle ones too
	Envelopes   uint64 // that went through all their passes
	Faults      uint64 // packets that the network refused to take; they were tried again
	Queued      uint64 // envelopes that wait for a pass
	QueuedBytes uint64
}

// OpenSender opens the sending half: the socket takes nothing from the network. What an earlier process left in the
// folder is sent again.
func OpenSender(c Config, log *slog.Logger) (*Sender, error) {
	to, err := netip.ParseAddrPort(c.Address)
	if err != nil {
		return nil, fmt.Errorf("open diode: address: %w", err)
	}
	w, err := openOutlet(to)
	if err != nil {
		return nil, fmt.Errorf("open diode: %w", err)
	}
	s, err := newSender(c, log, w, time.Now)
	if err != nil {
		w.close()
		return nil, fmt.Errorf("open diode: %w", err)
	}
	s.start()
	return s, nil
}

func newSender(c Config, log *slog.Logger, w wire, now func() time.Time) (*Sender, error) {
	c = c.WithDefaults()
	auth, err := newAuthority(c.Key.Reveal())
	if err != nil {
		return nil, err
	}
	shelf, err := openShelf(c.Dir)
	if err != nil {
		return nil, err
	}
	s := &Sender{
		c: c, log: log, now: now, wire: w, shelf: shelf, auth: auth, pace: newPace(c.Rate, c.Burst), plan: parities(c.Data, c.Parity), codes: codes{},
		stream: uint64(now().UnixNano()), queued: map[[32]byte]*job{}, room: make(chan struct{}, 1), wake: make(chan struct{}, 1),
	}
	s.next = s.stream
	s.id, err = identity(shelf)
	if err == nil {
		err = s.reload()
	}
	if err != nil {
		shelf.close()
		return nil, err
	}
	return s, nil
}

// identity reads the number that tells this sender from others of one receiver, or makes it at the first start.
func identity(s *shelf) (uint64, error) {
	file := filepath.Join(s.dir, "sender")
	b, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		b = []byte(strconv.FormatUint(rand.Uint64()|1, 10))
		err = s.put("sender", b)
	}
	if err != nil {
		return 0, fmt.Errorf("dir: %w", err)
	}
	id, err := strconv.ParseUint(string(b), 10, 64)
	if err != nil || id == 0 {
		return 0, fmt.Errorf("dir: %s does not hold a number; delete it and a new one is made", file)
	}
	return id, nil
}

// reload takes up what an earlier process left, in the order in which it was sent.
func (s *Sender) reload() error {
	for _, n := range s.shelf.names() {
		e, err := s.shelf.get(n)
		j := &job{name: n, sum: sha256.Sum256(e.Bytes), size: len(e.Bytes)}
		if err == nil {
			_, err = fmt.Sscanf(n, "%020d"+suffix, &j.number)
		}
		if err != nil {
			if err := s.setAside(n, err); err != nil {
				return err
			}
			continue
		}
		s.next = max(s.next, j.number)
		s.enqueue(j)
	}
	return nil
}

// setAside puts a file away that can't be sent.
func (s *Sender) setAside(name string, why error) error {
	s.log.Error("envelope put aside", "file", name, "err", why)
	_, err := s.shelf.putAside(name, why, s.now())
	return err
}

func (s *Sender) start() {
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel = cancel
	s.end.Go(func() { s.run(ctx) })
}

// Close ends the sending; what is not sent stays in the folder for the next process.
func (s *Sender) Close() error {
	s.cancel()
	err := s.wire.close() // frees a packet that the network does not take
	s.end.Wait()
	s.shelf.close()
	return err
}

// Stats gives the counts; safe at any time.
func (s *Sender) Stats() SenderStats {
	c := &s.counts
	return SenderStats{Packets: c.packets.Load(), Envelopes: c.envelopes.Load(), Faults: c.faults.Load(), Queued: c.queued.Load(), QueuedBytes: c.bytes.Load()}
}

// Send implements exchange.Link: nil once the envelope is durable in the folder. One that waits there already is not
// sent more often for it. ErrFull when the wire does not take away what was sent before.
func (s *Sender) Send(ctx context.Context, e exchange.Envelope) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if _, err := exchange.ParseEnvelope(e.Bytes); err != nil {
		return fmt.Errorf("send by diode: %w", err)
	}
	if err := s.send(ctx, &job{sum: sha256.Sum256(e.Bytes), size: len(e.Bytes)}, e.Bytes); err != nil {
		return fmt.Errorf("send by diode: %w", err)
	}
	return nil
}

// errOneWay is the answer to the wrong half.
var errOneWay = errors.New("this half of a diode works in one direction alone")

// Receive implements exchange.Link: it is an error, the sending half never receives.
func (s *Sender) Receive(context.Context, func(context.Context, exchange.Envelope) error) error {
	return fmt.Errorf("receive by a diode's sender: %w", errOneWay)
}

func (s *Sender) send(ctx context.Context, j *job, b []byte) error {
	known, err := s.reserve(ctx, j)
	if known || err != nil {
		return err
	}
	if err := s.shelf.put(j.name, b); err != nil {
		return err
	}
	s.mu.Lock()
	s.enqueue(j)
	s.mu.Unlock()
	ring(s.wake)
	return nil
}

// reserve waits for room and gives the job its number; true: the same envelope is queued already.
func (s *Sender) reserve(ctx context.Context, j *job) (known bool, err error) {
	late := time.NewTimer(roomWait)
	defer late.Stop()
	for {
		s.mu.Lock()
		known = s.queued[j.sum] != nil
		room := s.bytes+j.size <= maxQueued && len(s.queued) < maxFiles
		if !known && room {
			s.next = max(s.next+1, uint64(s.now().UnixNano()))
			j.number, j.name = s.next, fmt.Sprintf("%020d%s", s.next, suffix)
		}
		s.mu.Unlock()
		if known || room {
			return known, nil
		}
		select {
		case <-s.room:
		case <-late.C:
			return false, ErrFull
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
}

func (s *Sender) enqueue(j *job) {
	s.fresh = append(s.fresh, j)
	s.queued[j.sum] = j
	s.bytes += j.size
	s.count()
}

func (s *Sender) count() {
	s.counts.queued.Store(uint64(len(s.queued)))
	s.counts.bytes.Store(uint64(s.bytes))
}

// due takes the job whose turn it is; nil: none is.
func (s *Sender) due(now time.Time) (j *job) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case len(s.again) > 0 && !s.again[0].due.After(now):
		j, s.again = s.again[0], s.again[1:]
	case len(s.fresh) > 0:
		j, s.fresh = s.fresh[0], s.fresh[1:]
	}
	return j
}

// nextAgain is when the next later pass is due; zero: none waits.
func (s *Sender) nextAgain() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.again) == 0 {
		return time.Time{}
	}
	return s.again[0].due
}

// passed books one pass of a job, and lets the envelope go after the last.
func (s *Sender) passed(j *job) {
	j.passes++
	s.mu.Lock()
	defer s.mu.Unlock()
	if j.passes < s.c.Passes {
		j.due = s.now().Add(s.c.Gap)
		s.again = append(s.again, j)
		return
	}
	s.counts.envelopes.Add(1)
	s.release(j)
}

// release forgets a job with its file. A file that can't be removed is sent again by the next process.
func (s *Sender) release(j *job) {
	if err := s.shelf.remove(j.name); err != nil {
		s.log.Error("sent envelope can't be removed", "file", j.name, "err", err)
	}
	delete(s.queued, j.sum)
	s.bytes -= j.size
	s.count()
	ring(s.room)
}

// ring wakes who waits on a bell; a bell that rings already is enough.
func ring(bell chan struct{}) {
	select {
	case bell <- struct{}{}:
	default:
	}
}
