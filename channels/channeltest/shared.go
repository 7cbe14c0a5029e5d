package channeltest

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"log/slog"
	"math"
	"sync"
	"time"

	"gatehouse/channels"
)

// NewShared is all that the house lends, in memory: History is a *History, Lease a *Lease.
func NewShared(log *slog.Logger, now func() time.Time) channels.Shared {
	return channels.Shared{
		Log: log, Now: now, NewID: newID,
		Lease:   &Lease{now: now, held: make(map[string]holder)},
		Limiter: &Limiter{now: now, buckets: make(map[string]bucket)},
		Fanout:  &Fanout{waiting: make(map[string]map[chan struct{}]bool)},
		History: &History{lines: make(map[channels.Address][]channels.Line)},
	}
}

// newID is 48 bits of milliseconds and 80 of chance, in hex.
func newID() string {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails (crypto/rand)
	binary.BigEndian.PutUint32(id[:], uint32(time.Now().UnixMilli()>>16))
	binary.BigEndian.PutUint16(id[4:], uint16(time.Now().UnixMilli()))
	return hex.EncodeToString(id[:])
}

// Lease holds names in memory.
type Lease struct {
	mu   sync.Mutex
	now  func() time.Time
	held map[string]holder
}

type holder struct {
	owner string
	until time.Time
}

// Acquire holds name unless another does.
func (l *Lease) Acquire(_ context.Context, name, owner string, ttl time.Duration) (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if h, ok := l.held[name]; ok && h.owner != owner && l.now().Before(h.until) {
		return false, nil
	}
	l.held[name] = holder{owner, l.now().Add(ttl)}
	return true, nil
}

// Release lets go of what owner holds.
func (l *Lease) Release(_ context.Context, name, owner string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held[name].owner == owner {
		delete(l.held, name)
	}
	return nil
}

// Limiter keeps token buckets in memory.
type Limiter struct {
	mu      sync.Mutex
	now     func() time.Time
	buckets map[string]bucket
}

type bucket struct {
	tokens float64
	at     time.Time
}

// Take spends n tokens, or says when they may be there.
func (l *Limiter) Take(_ context.Context, key string, r channels.Rate, n int) (time.Duration, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	b, ok := l.buckets[key]
	if !ok {
		b = bucket{float64(r.Burst), now}
	}
	tokens := math.Min(float64(r.Burst), b.tokens+now.Sub(b.at).Seconds()*r.Per)
	if missing := float64(n) - tokens; missing > 0 {
		l.buckets[key] = bucket{tokens, now}
		return time.Duration(math.Ceil(missing / r.Per * float64(time.Second))), nil
	}
	l.buckets[key] = bucket{tokens - float64(n), now}
	return 0, nil
}

// Fanout wakes waiters in memory.
type Fanout struct {
	mu      sync.Mutex
	waiting map[string]map[chan struct{}]bool
}

// Wake wakes whoever waits on topic.
func (f *Fanout) Wake(_ context.Context, topic string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for c := range f.waiting[topic] {
		select {
		case c <- struct{}{}:
		default:
		}
	}
	return nil
}

// Wait subscribes to topic.
func (f *Fanout) Wait(topic string) (<-chan struct{}, func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.waiting[topic] == nil {
		f.waiting[topic] = make(map[chan struct{}]bool)
	}
	c := make(chan struct{}, 1)
	f.waiting[topic][c] = true
	return c, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.waiting[topic], c)
	}
}

// History keeps what was said to each address.
type History struct {
	mu    sync.Mutex
	lines map[channels.Address][]channels.Line
}

// Append records m as the next line to its address.
func (h *History) Append(m channels.Message) {
	h.mu.Lock()
	defer h.mu.Unlock()
	lines := h.lines[m.To]
	h.lines[m.To] = append(lines, channels.Line{Seq: uint64(len(lines)) + 1, Message: m})
}

// After gives at most limit lines after seq.
func (h *History) After(_ context.Context, to channels.Address, seq uint64, limit int) ([]channels.Line, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	lines := h.lines[to]
	from := min(seq, uint64(len(lines)))
	rest := lines[from:]
	return append([]channels.Line(nil), rest[:min(limit, len(rest))]...), nil
}
