// Package local is what gateways share in passing, for a gateway that is alone: in the process, gone with it.
//
// The rule: nothing whose loss loses a message may stand here; a start begins with everything free and full.
package local

import (
	"context"
	"sync"
	"time"

	"gatehouse/channels"
)

// maxBuckets bounds the token buckets remembered; the full ones are dropped first, for they say nothing.
const maxBuckets = 1 << 16

// Shared is a Lease, a Limiter and a Fanout. It is safe for concurrent use and needs no closing.
type Shared struct {
	Topics
	now     func() time.Time
	mu      sync.Mutex
	leases  map[string]lease
	buckets map[string]bucket
}

type lease struct {
	owner string
	until time.Time
}

// bucket holds tokens as of a moment.
type bucket struct {
	tokens float64
	at     time.Time
	full   time.Time // when nothing will be missing
}

var (
	_ channels.Lease   = (*Shared)(nil)
	_ channels.Limiter = (*Shared)(nil)
	_ channels.Fanout  = (*Shared)(nil)
)

// New makes an empty one that keeps its time by now.
func New(now func() time.Time) *Shared {
	return &Shared{now: now, leases: map[string]lease{}, buckets: map[string]bucket{}}
}

// Acquire implements channels.Lease.
func (s *Shared) Acquire(_ context.Context, name, owner string, ttl time.Duration) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	if l, ok := s.leases[name]; ok && l.owner != owner && now.Before(l.until) {
		return false, nil
	}
	s.leases[name] = lease{owner, now.Add(ttl)}
	return true, nil
}

// Release implements channels.Lease.
func (s *Shared) Release(_ context.Context, name, owner string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.leases[name].owner == owner {
		delete(s.leases, name)
	}
	return nil
}

// Take implements channels.Limiter. More tokens than a bucket holds are had from a full one. A rate of nothing is no
// limit.
func (s *Shared) Take(_ context.Context, key string, r channels.Rate, n int) (time.Duration, error) {
	if r.Burst <= 0 || r.Per <= 0 || n <= 0 {
		return 0, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now, want, size := s.now(), float64(min(n, r.Burst)), float64(r.Burst)
	b, ok := s.buckets[key]
	if !ok {
		s.makeRoom(now)
		b = bucket{tokens: size, at: now}
	}
	b.tokens = min(size, b.tokens+max(0, now.Sub(b.at).Seconds())*r.Per)
	b.at = now
	var wait time.Duration
	if b.tokens < want {
		wait = max(time.Duration((want-b.tokens)/r.Per*float64(time.Second)), 1)
	} else {
		b.tokens -= want
	}
	b.full = now.Add(time.Duration((size - b.tokens) / r.Per * float64(time.Second)))
	s.buckets[key] = b
	return wait, nil
}

// makeRoom drops the buckets that are full again, and when that is not enough, all: for a moment too much is allowed.
func (s *Shared) makeRoom(now time.Time) {
	if len(s.buckets) < maxBuckets {
		return
	}
	for k, b := range s.buckets {
		if !now.Before(b.full) {
			delete(s.buckets, k)
		}
	}
	if len(s.buckets) >= maxBuckets {
		clear(s.buckets)
	}
}

// Wake implements channels.Fanout.
func (s *Shared) Wake(_ context.Context, topic string) error {
	s.Topics.Wake(topic)
	return nil
}
