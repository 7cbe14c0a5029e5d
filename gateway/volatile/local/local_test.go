package local

import (
	"fmt"
	"testing"
	"time"

	"gatehouse/channels"
	"gatehouse/gateway/volatile/volatiletest"
)

func TestLocal(t *testing.T) {
	volatiletest.Run(t, func(*testing.T) (a, b volatiletest.Gateway) {
		s := New(time.Now)
		return s, s
	})
}

func TestTimeIsPassedIn(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	s := New(func() time.Time { return now })
	r := channels.Rate{Burst: 2, Per: 0.5}
	must := func(want time.Duration, n int) {
		t.Helper()
		if got, err := s.Take(t.Context(), "k", r, n); got != want || err != nil {
			t.Errorf("wait %v, %v; want %v", got, err, want)
		}
	}
	must(0, 2)
	must(2*time.Second, 1)
	must(4*time.Second, 2)
	now = now.Add(time.Second)
	must(time.Second, 1)
	now = now.Add(time.Second)
	must(0, 1)
	now = now.Add(-time.Hour) // a clock that is set back takes nothing away
	must(2*time.Second, 1)
	if ok, _ := s.Acquire(t.Context(), "l", "a", time.Minute); !ok {
		t.Error("a free lease was refused")
	}
	now = now.Add(time.Minute)
	if ok, _ := s.Acquire(t.Context(), "l", "b", time.Minute); !ok {
		t.Error("a lease that ran out was refused")
	}
}

func TestBucketsAreBounded(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	s := New(func() time.Time { return now })
	for i := range 3 * maxBuckets {
		if i == maxBuckets {
			now = now.Add(time.Hour) // the first are full again
		}
		if _, err := s.Take(t.Context(), fmt.Sprint(i), channels.Rate{Burst: 1, Per: 1}, 1); err != nil {
			t.Fatal(err)
		}
		if len(s.buckets) > maxBuckets {
			t.Fatalf("%d buckets", len(s.buckets))
		}
	}
}
