package shelf_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"gatehouse/deploy/carriers/shelf"
)

func open(items, weight int) *shelf.Shelf[string] {
	return shelf.New(shelf.Limits{Items: items, Weight: weight}, func(s string) int { return len(s) })
}

func values(items []shelf.Item[string]) []string {
	var out []string
	for _, it := range items {
		out = append(out, it.Value)
	}
	return out
}

func TestShelfKeepsOrderWithinAKey(t *testing.T) {
	s := open(10, 100)
	s.Put("a", "1")
	s.Put("b", "2")
	third := s.Put("a", "3")
	if got := values(s.Of("a", 0)); !slices.Equal(got, []string{"1", "3"}) {
		t.Errorf("under a: %v", got)
	}
	if got := values(s.Of("a", third)); got != nil {
		t.Errorf("after the last: %v", got)
	}
	if last, ok := s.Last("a"); !ok || last.Value != "3" {
		t.Errorf("last of a: %v %v", last, ok)
	}
	var newest []string
	s.Newest(func(it shelf.Item[string]) bool {
		newest = append(newest, it.Value)
		return len(newest) < 2
	})
	if !slices.Equal(newest, []string{"3", "2"}) {
		t.Errorf("newest first: %v", newest)
	}
}

func TestShelfDropsTheOldestAndCounts(t *testing.T) {
	tests := map[string]struct {
		items, weight int
		put           []string
		left          []string
		dropped       uint64
	}{
		"by number":             {2, 100, []string{"a", "b", "c"}, []string{"b", "c"}, 1},
		"by weight":             {9, 4, []string{"aa", "bb", "c"}, []string{"bb", "c"}, 1},
		"one that is too heavy": {9, 4, []string{"a", "bbbbbbb"}, []string{"bbbbbbb"}, 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := open(tt.items, tt.weight)
			for _, v := range tt.put {
				s.Put("k", v)
			}
			if got := values(s.Of("k", 0)); !slices.Equal(got, tt.left) {
				t.Errorf("left %v, want %v", got, tt.left)
			}
			if count, dropped := s.Count(); count != uint64(len(tt.put)) || dropped != tt.dropped {
				t.Errorf("count %d dropped %d", count, dropped)
			}
		})
	}
}

func TestShelfForgetsAKeyWithItsLastItem(t *testing.T) {
	s := open(1, 100)
	first := s.Put("gone", "x")
	s.Put("here", "y")
	if s.Change(first, func(*string) {}) || s.Version("gone") != 0 {
		t.Error("the dropped item is still there")
	}
	if got := s.Keys(); !slices.Equal(got, []string{"here"}) {
		t.Errorf("keys: %v", got)
	}
	seq := s.Put("here", "z")
	if !s.Remove(seq) || s.Remove(seq) {
		t.Error("an item is removed once")
	}
	if got := s.Put("more", "w"); got != seq+1 {
		t.Errorf("numbers go on after a removal: %d", got)
	}
}

func TestShelfWakesOnChange(t *testing.T) {
	s := open(10, 100)
	seq := s.Put("k", "old")
	seen := s.Version("k")
	var wg sync.WaitGroup
	wg.Add(1)
	go func() {
		defer wg.Done()
		s.Put("other", "x")
		s.Change(seq, func(v *string) { *v = "new" })
	}()
	v, err := s.Wait(t.Context(), "k", seen)
	wg.Wait()
	if it, _ := s.Get(seq); err != nil || v == seen || it.Value != "new" {
		t.Errorf("woke with %d, %v; item %v", v, err, it)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := s.Wait(ctx, "k", v); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("wait without news: %v", err)
	}
}

func TestShelfUntil(t *testing.T) {
	s := open(100, 1000)
	var wg sync.WaitGroup
	wg.Add(1)
	go func() {
		defer wg.Done()
		for i := range 20 {
			s.Put("k", strconv.Itoa(i))
		}
	}()
	if err := s.Until(t.Context(), time.Minute, func() bool { return len(s.Of("k", 0)) == 20 }); err != nil {
		t.Error(err)
	}
	wg.Wait()
	if err := s.Until(t.Context(), time.Millisecond, func() bool { return false }); err == nil {
		t.Error("what never comes was found")
	}
}
