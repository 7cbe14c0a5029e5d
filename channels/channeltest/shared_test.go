package channeltest

import (
	"errors"
	"log/slog"
	"testing"
	"time"

	"gatehouse/channels"
)

func TestShared(t *testing.T) {
	now := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	s := NewShared(slog.New(slog.DiscardHandler), func() time.Time { return now })
	ctx := t.Context()
	acquire := func(owner string, want bool) {
		t.Helper()
		if got, err := s.Lease.Acquire(ctx, "poll", owner, time.Minute); got != want || err != nil {
			t.Errorf("%s acquires: %v (%v), want %v", owner, got, err, want)
		}
	}
	acquire("a", true)
	acquire("b", false)
	acquire("a", true)
	_ = s.Lease.Release(ctx, "poll", "b")
	acquire("b", false)
	now = now.Add(time.Minute)
	acquire("b", true)
	_ = s.Lease.Release(ctx, "poll", "b")
	acquire("a", true)

	take := func(n int, want time.Duration) {
		t.Helper()
		if got, err := s.Limiter.Take(ctx, "k", channels.Rate{Burst: 10, Per: 2}, n); got != want || err != nil {
			t.Errorf("take %d: %v (%v), want %v", n, got, err, want)
		}
	}
	take(10, 0)
	take(1, 500*time.Millisecond)
	now = now.Add(time.Second)
	take(2, 0)
	take(2, time.Second)

	if a, b := s.NewID(), s.NewID(); a == b || len(a) != 32 {
		t.Errorf("ids %q %q", a, b)
	}
}

func TestFanoutAndHistory(t *testing.T) {
	s := NewShared(slog.New(slog.DiscardHandler), time.Now)
	woken, end := s.Fanout.Wait("x")
	for range 3 {
		_ = s.Fanout.Wake(t.Context(), "x")
	}
	<-woken
	end()
	_ = s.Fanout.Wake(t.Context(), "x")
	if len(woken) != 0 {
		t.Error("woken after the end")
	}
	to := channels.Address{Channel: "web", Value: "s"}
	for range 5 {
		s.History.(*History).Append(channels.Message{To: to})
	}
	lines, err := s.History.After(t.Context(), to, 2, 2)
	if err != nil || len(lines) != 2 || lines[0].Seq != 3 {
		t.Errorf("lines %+v (%v)", lines, err)
	}
	if lines, _ := s.History.After(t.Context(), to, 9, 2); len(lines) != 0 {
		t.Errorf("lines after the end: %+v", lines)
	}
}

func TestInboxFails(t *testing.T) {
	var b Inbox
	cause := errors.New("full")
	b.FailNext(2, cause)
	m := channels.Message{ID: "x:1"}
	for i, want := range []error{cause, cause, nil, nil} {
		if err := b.Accept(t.Context(), m); !errors.Is(err, want) {
			t.Errorf("call %d: %v, want %v", i, err, want)
		}
	}
	if len(b.Messages()) != 1 || b.Calls() != 4 {
		t.Errorf("%d messages, %d calls", len(b.Messages()), b.Calls())
	}
}
