package program

import (
	"context"
	"time"
)

// A program that is asked to stop ends within 5 s: what is under way may take grace, and its record lastWord more.
const (
	grace    = 3 * time.Second
	lastWord = time.Second
)

// linger gives a context that outlives parent by spare. end releases it.
func linger(parent context.Context, spare time.Duration) (ctx context.Context, end func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(parent))
	stop := context.AfterFunc(parent, func() {
		t := time.NewTimer(spare)
		defer t.Stop()
		select {
		case <-t.C:
			cancel()
		case <-ctx.Done():
		}
	})
	return ctx, func() {
		stop()
		cancel()
	}
}
