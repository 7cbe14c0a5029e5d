package redis_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gatehouse/channels"
	"gatehouse/configs/secret"
	"gatehouse/gateway/volatile/redis"
	"gatehouse/gateway/volatile/redis/redistest"
	"gatehouse/gateway/volatile/volatiletest"

	"go.uber.org/goleak"
)

// mark is a keyed hash as the store's is.
func mark(sort, name string) []byte {
	h := hmac.New(sha256.New, []byte("the key of these tests"))
	fmt.Fprintf(h, "%s\x00%s", sort, name)
	return h.Sum(nil)[:16]
}

func open(t *testing.T, s *redistest.Server, log *slog.Logger) *redis.Shared {
	t.Helper()
	g, err := redis.Open(redis.Config{URL: secret.New(s.URL())}, mark, log, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := g.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return g
}

func TestRedis(t *testing.T) {
	s := redistest.Start(t)
	volatiletest.Run(t, func(t *testing.T) (a, b volatiletest.Gateway) {
		s.Empty(t)
		quiet := slog.New(slog.DiscardHandler)
		return open(t, s, quiet), open(t, s, quiet)
	})
}

// lines is a log that can be read while it is written.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) count(s string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.b.String(), s)
}

func TestEmptiedInTheMiddle(t *testing.T) {
	s := redistest.Start(t)
	a, b := open(t, s, slog.New(slog.DiscardHandler)), open(t, s, slog.New(slog.DiscardHandler))
	ctx := t.Context()
	if ok, err := a.Acquire(ctx, "poll", "a", time.Hour); !ok || err != nil {
		t.Fatal(ok, err)
	}
	r := channels.Rate{Burst: 1, Per: 0.001}
	if d, err := a.Take(ctx, "k", r, 1); d != 0 || err != nil {
		t.Fatal(d, err)
	}
	s.Empty(t)
	if ok, err := b.Acquire(ctx, "poll", "b", time.Hour); !ok || err != nil {
		t.Errorf("lease after emptying: %v, %v", ok, err)
	}
	if ok, err := a.Acquire(ctx, "poll", "a", time.Hour); ok || err != nil {
		t.Errorf("the old holder: %v, %v", ok, err)
	}
	if d, err := a.Take(ctx, "k", r, 1); d != 0 || err != nil {
		t.Errorf("rate after emptying: %v, %v", d, err)
	}
	c, end := b.Wait("topic")
	defer end()
	volatiletest.Until(t, "wakes still arrive", func() bool {
		_ = a.Wake(ctx, "topic")
		return len(c) > 0
	})
}

func TestDownInTheMiddle(t *testing.T) {
	s := redistest.Start(t)
	log := &lines{}
	a, b := open(t, s, slog.New(slog.NewTextHandler(log, nil))), open(t, s, slog.New(slog.DiscardHandler))
	ctx := t.Context()
	here, end := a.Wait("topic")
	defer end()
	there, endThere := b.Wait("topic")
	defer endThere()
	if ok, err := a.Acquire(ctx, "poll", "a", time.Hour); !ok || err != nil {
		t.Fatal(ok, err)
	}
	s.Kill()
	if ok, err := a.Acquire(ctx, "poll", "a", time.Hour); ok || err == nil {
		t.Errorf("lease without Redis: %v, %v", ok, err)
	}
	r := channels.Rate{Burst: 1, Per: 0.001}
	for range 3 {
		if d, err := a.Take(ctx, "k", r, 1); d != 0 || err != nil {
			t.Errorf("rate without Redis: %v, %v", d, err)
		}
	}
	for len(here) > 0 {
		<-here
	}
	if err := a.Wake(ctx, "topic"); err != nil || len(here) != 1 {
		t.Errorf("wake in this process without Redis: %v, %d", err, len(here))
	}
	if n := log.count("redis is away"); n != 1 {
		t.Errorf("%d lines say that Redis is away, want 1", n)
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if ok, err := a.Acquire(ended, "poll", "a", time.Hour); ok || err == nil {
		t.Errorf("lease with an ended context: %v, %v", ok, err)
	}
	s.Start(t)
	volatiletest.Until(t, "leases are given again", func() bool {
		ok, err := a.Acquire(ctx, "poll", "a", time.Hour)
		return ok && err == nil
	})
	for len(there) > 0 {
		<-there
	}
	volatiletest.Until(t, "wakes arrive again", func() bool {
		_ = a.Wake(ctx, "topic")
		return len(there) > 0
	})
	if n := log.count("redis is back"); n != 1 {
		t.Errorf("%d lines say that Redis is back, want 1", n)
	}
}

func TestOpensWithoutRedis(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	g, err := redis.Open(redis.Config{URL: secret.New("unix:///nowhere/s")}, mark, slog.New(slog.DiscardHandler), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Close(); err != nil {
		t.Error(err)
	}
}

// TestKeysAreMarks: whoever steals Redis and tries all numbers finds nobody, for a name is there by its keyed hash only.
func TestKeysAreMarks(t *testing.T) {
	s := redistest.Start(t)
	g := open(t, s, slog.New(slog.DiscardHandler))
	const name = "texts:to:+447700900123"
	if _, err := g.Take(t.Context(), name, channels.Rate{Burst: 3, Per: 0.001}, 1); err != nil {
		t.Fatal(err)
	}
	if ok, err := g.Acquire(t.Context(), name, "me", time.Minute); err != nil || !ok {
		t.Fatal(ok, err)
	}
	keys := slices.Collect(maps.Keys(s.Held(t)))
	for _, sort := range []string{"rate", "lease"} {
		want := hex.EncodeToString(mark("redis-"+sort, name))
		if !slices.ContainsFunc(keys, func(k string) bool { return strings.HasSuffix(k, sort+":"+want) }) {
			t.Errorf("no %s under its mark: %q", sort, keys)
		}
	}
	for _, k := range keys {
		if strings.Contains(k, "7700") {
			t.Errorf("key %q tells a number", k)
		}
	}
}

func TestConfig(t *testing.T) {
	for url, ok := range map[string]bool{"redis://h:6379/0": true, "rediss://u:p@h:1": true, "unix:///s": true, "": false, "http://h": false, "redis://:secret@h:x": false} {
		err := redis.Config{URL: secret.New(url)}.Validate()
		if (err == nil) != ok {
			t.Errorf("%q: %v", url, err)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("the error shows the password: %v", err)
		}
	}
}
