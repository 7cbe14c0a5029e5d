package courier_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gatehouse/deploy/carriers/courier"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestCourierKeepsTheOrderOfAKeyThroughRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := courier.Open(t.Context())
		defer c.Close()
		var mu sync.Mutex
		var got []string
		note := func(s string) { mu.Lock(); got = append(got, s); mu.Unlock() }
		c.Do("a", courier.Job{Try: func(_ context.Context, attempt int) time.Duration {
			if attempt < 3 {
				return courier.Backoff(attempt, time.Second)
			}
			note("a1")
			return courier.Done
		}})
		c.Do("a", courier.Job{Try: func(context.Context, int) time.Duration { note("a2"); return courier.Done }})
		c.Do("b", courier.Job{Try: func(context.Context, int) time.Duration { note("b1"); return courier.Done }})
		time.Sleep(time.Second)
		synctest.Wait()
		if want := []string{"b1", "a1", "a2"}; !slices.Equal(got, want) || c.Waiting() != 0 {
			t.Errorf("ran %v, want %v; %d wait", got, want, c.Waiting())
		}
	})
}

func TestCourierClosesInTheMiddle(t *testing.T) {
	c := courier.Open(t.Context())
	started := make(chan struct{})
	c.Do("a", courier.Job{Try: func(ctx context.Context, _ int) time.Duration {
		close(started)
		<-ctx.Done()
		return time.Hour
	}})
	c.Do("a", courier.Job{Try: func(context.Context, int) time.Duration { t.Error("ran after the end"); return courier.Done }})
	c.Do("late", courier.Job{Wait: time.Hour, Try: func(context.Context, int) time.Duration { t.Error("ran early"); return courier.Done }})
	<-started
	c.Close()
	if c.Do("a", courier.Job{}) || c.Waiting() != 0 {
		t.Errorf("a closed courier takes jobs, or keeps %d", c.Waiting())
	}
}

func TestCourierRefusesWhenFull(t *testing.T) {
	c := courier.Open(t.Context())
	defer c.Close()
	for range courier.MaxJobs {
		if !c.Do("k", courier.Job{Wait: time.Hour}) {
			t.Fatal("refused too early")
		}
	}
	if c.Do("k", courier.Job{Wait: time.Hour}) {
		t.Error("took more than MaxJobs")
	}
}

func TestBackoff(t *testing.T) {
	for attempt, want := range map[int]time.Duration{1: 100 * time.Millisecond, 2: 200 * time.Millisecond, 6: 2 * time.Second, 900: 2 * time.Second} {
		if got := courier.Backoff(attempt, 2*time.Second); got != want {
			t.Errorf("after attempt %d: %v, want %v", attempt, got, want)
		}
	}
}
