package channels

import (
	"context"
	"log/slog"
	"time"
)

// Shared is what the house lends a channel when it opens it. Every field is set.
type Shared struct {
	Log *slog.Logger
	Now func() time.Time
	// NewID makes time-ordered 128-bit ids.
	NewID   func() string
	Lease   Lease
	Limiter Limiter
	Fanout  Fanout
	History History
}

// Lease lets one of several gateways hold a name at a time. What must not happen twice is guarded in the store as
// well: a lease only keeps gateways from getting into each other's way.
type Lease interface {
	// Acquire holds name for ttl, or tells that another holds it. Calling it again with the same owner renews.
	Acquire(ctx context.Context, name, owner string, ttl time.Duration) (bool, error)
	// Release lets go at once; letting go of what another holds changes nothing.
	Release(ctx context.Context, name, owner string) error
}

// Rate is a token bucket: Burst at once, refilled at Per per second.
type Rate struct {
	Burst int
	Per   float64
}

// Limiter spends from token buckets that all gateways share.
type Limiter interface {
	// Take spends n tokens of key's bucket. Zero: go on. Otherwise nothing was spent, and the answer is how long to
	// wait until n may be there. When the shared store is away the limiter allows.
	Take(ctx context.Context, key string, r Rate, n int) (time.Duration, error)
}

// Fanout wakes whoever waits on a topic, on any gateway. It carries no data and may lose a wake: who sleeps also
// looks at the store from time to time.
type Fanout interface {
	Wake(ctx context.Context, topic string) error
	// Wait returns a channel with room for one wake, and a function that ends the subscription.
	Wait(topic string) (<-chan struct{}, func())
}

// Line is one message of ours to an address, in the order in which that address gets them.
type Line struct {
	// Seq counts from 1 for each address, without gaps.
	Seq     uint64
	Message Message
}

// History is what we said to an address. It reads the store, so a reconnect to any gateway loses nothing.
type History interface {
	// After gives at most limit lines after seq, oldest first.
	After(ctx context.Context, to Address, seq uint64, limit int) ([]Line, error)
}
