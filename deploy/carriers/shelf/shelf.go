// Package shelf keeps the last things that a stand-in carrier handled, sorted by whom they concern, and wakes whoever
// waits for news.
//
// The rule: a shelf is bounded. Past its limits the oldest thing is dropped and counted, so a test that counts must
// look at Dropped before it trusts an exact number.
package shelf

import (
	"context"
	"sync"
	"time"
)

// Item is one thing on a shelf. Value must be treated as read-only: a change goes through Change.
type Item[T any] struct {
	// Seq counts from 1 over the whole shelf, without gaps.
	Seq uint64
	// Version is the shelf's version at the last change of this item; it grows with every change of anything.
	Version uint64
	Key     string
	Value   T
}

// Limits bounds a shelf.
type Limits struct {
	// Items kept at most; Weight is the sum of their weights, in bytes. Both must be positive.
	Items  int
	Weight int
}

// Shelf holds items by key, oldest first. It is safe for many goroutines.
type Shelf[T any] struct {
	limits Limits
	weigh  func(T) int

	mu      sync.Mutex
	items   map[uint64]*Item[T]
	keys    map[string]*lane
	oldest  uint64 // smallest Seq still held
	last    uint64 // highest Seq given
	version uint64
	weight  int
	dropped uint64
	changed chan struct{}
}

type lane struct {
	seqs    []uint64
	version uint64
}

// New makes an empty shelf; weigh tells the bytes that a value holds.
func New[T any](l Limits, weigh func(T) int) *Shelf[T] {
	return &Shelf[T]{
		limits: l, weigh: weigh, oldest: 1,
		items: map[uint64]*Item[T]{}, keys: map[string]*lane{}, changed: make(chan struct{}),
	}
}

// Put adds v under key and returns its number.
func (s *Shelf[T]) Put(key string, v T) uint64 {
	return s.Add(key, func(uint64) T { return v })
}

// Add is Put for a value that holds its own number. build runs under the shelf's lock.
func (s *Shelf[T]) Add(key string, build func(seq uint64) T) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last++
	v := build(s.last)
	s.items[s.last] = &Item[T]{Seq: s.last, Key: key, Value: v}
	s.weight += s.weigh(v)
	l := s.keys[key]
	if l == nil {
		l = &lane{}
		s.keys[key] = l
	}
	l.seqs = append(l.seqs, s.last)
	s.touch(s.items[s.last], l)
	for len(s.items) > s.limits.Items || (s.weight > s.limits.Weight && len(s.items) > 1) {
		s.drop()
	}
	return s.last
}

// drop lets the oldest item go. Items leave in the order of their numbers, so it is also the first of its lane.
func (s *Shelf[T]) drop() {
	for s.items[s.oldest] == nil {
		s.oldest++
	}
	s.forget(s.items[s.oldest])
	s.dropped++
}

func (s *Shelf[T]) forget(it *Item[T]) {
	delete(s.items, it.Seq)
	s.weight -= s.weigh(it.Value)
	l := s.keys[it.Key]
	for i, seq := range l.seqs {
		if seq == it.Seq {
			l.seqs = append(l.seqs[:i], l.seqs[i+1:]...)
			break
		}
	}
	if len(l.seqs) == 0 {
		delete(s.keys, it.Key)
	}
}

func (s *Shelf[T]) touch(it *Item[T], l *lane) {
	s.version++
	it.Version, l.version = s.version, s.version
	close(s.changed)
	s.changed = make(chan struct{})
}

// Change lets f alter the value numbered seq; false when it is no longer there. f runs under the shelf's lock.
func (s *Shelf[T]) Change(seq uint64, f func(*T)) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	it := s.items[seq]
	if it == nil {
		return false
	}
	s.weight -= s.weigh(it.Value)
	f(&it.Value)
	s.weight += s.weigh(it.Value)
	s.touch(it, s.keys[it.Key])
	return true
}

// Remove takes the item away; false when it was not there.
func (s *Shelf[T]) Remove(seq uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	it := s.items[seq]
	if it == nil {
		return false
	}
	s.touch(it, s.keys[it.Key])
	s.forget(it)
	return true
}

// Get returns the item numbered seq.
func (s *Shelf[T]) Get(seq uint64) (Item[T], bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if it := s.items[seq]; it != nil {
		return *it, true
	}
	return Item[T]{}, false
}

// Of returns the items under key whose number is above after, oldest first.
func (s *Shelf[T]) Of(key string, after uint64) []Item[T] {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.keys[key]
	if l == nil {
		return nil
	}
	var out []Item[T]
	for _, seq := range l.seqs {
		if seq > after {
			out = append(out, *s.items[seq])
		}
	}
	return out
}

// Last returns the newest item under key.
func (s *Shelf[T]) Last(key string) (Item[T], bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.keys[key]
	if l == nil {
		return Item[T]{}, false
	}
	return *s.items[l.seqs[len(l.seqs)-1]], true
}

// Newest visits the items from the newest to the oldest until visit returns false. visit runs under the shelf's
// lock: it must not call the shelf.
func (s *Shelf[T]) Newest(visit func(Item[T]) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for seq := s.last; seq >= s.oldest; seq-- {
		if it := s.items[seq]; it != nil && !visit(*it) {
			return
		}
	}
}

// Keys returns the keys under which something lies, in no order.
func (s *Shelf[T]) Keys() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]string, 0, len(s.keys))
	for k := range s.keys {
		out = append(out, k)
	}
	return out
}

// Count is how many were ever put; Dropped how many of them the limits pushed out.
func (s *Shelf[T]) Count() (count, dropped uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last, s.dropped
}

// Version is that of the last change under key; zero when nothing lies there.
func (s *Shelf[T]) Version(key string) uint64 {
	v, _ := s.watch(key)
	return v
}

func (s *Shelf[T]) watch(key string) (uint64, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l := s.keys[key]; l != nil {
		return l.version, s.changed
	}
	return 0, s.changed
}

// Wait returns once the version of key differs from seen, with the new one, or when ctx ends, with its error.
func (s *Shelf[T]) Wait(ctx context.Context, key string, seen uint64) (uint64, error) {
	for {
		v, changed := s.watch(key)
		if v != seen {
			return v, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return v, ctx.Err()
		}
	}
}

// Until calls done after every change of the shelf until it returns true; it fails when ctx or limit ends first.
func (s *Shelf[T]) Until(ctx context.Context, limit time.Duration, done func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for {
		_, changed := s.watch("")
		if done() {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
