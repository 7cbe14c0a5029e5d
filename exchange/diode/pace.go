package diode

import (
	"context"
	"time"

	"golang.org/x/sys/unix"
)

// pace is a token bucket of packets. The bucket holds a burst; when it is empty it waits until half of it is there,
// so that a sleep that lasts too long loses nothing.
type pace struct {
	every time.Duration // a packet
	burst int
	now   func() time.Time
	sleep func(context.Context, time.Duration)

	free time.Time // when the bucket was empty, as if it had filled steadily since
}

func newPace(rate, burst int) *pace {
	return &pace{every: time.Duration(float64(PacketSize) / float64(rate) * float64(time.Second)), burst: burst, now: time.Now, sleep: sleep}
}

// take waits until one packet may go.
func (p *pace) take(ctx context.Context) {
	now := p.now()
	if full := now.Add(-time.Duration(p.burst) * p.every); p.free.Before(full) {
		p.free = full
	}
	if wait := p.free.Add(p.every).Sub(now); wait > 0 {
		p.sleep(ctx, max(wait, time.Duration(p.burst/2)*p.every))
	}
	p.free = p.free.Add(p.every)
}

// sleep waits for d or the end of ctx. The runtime's own timers are a millisecond coarse when nothing else runs, which
// would halve a fast link, so short waits ask the kernel.
func sleep(ctx context.Context, d time.Duration) {
	if d < 5*time.Millisecond {
		t := unix.NsecToTimespec(d.Nanoseconds())
		_ = unix.ClockNanosleep(unix.CLOCK_MONOTONIC, 0, &t, nil)
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
