package program

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"gatehouse/channels"
)

// Rate is how fast one channel may send, over all gateways on one store: what its account or relay allows.
type Rate struct {
	// PerSecond is how many messages leave in a second; 0: as many as the carrier takes.
	PerSecond float64 `yaml:"per_second"`
	// Burst is how many may leave at once after a rest (default: those of one second, at least 1).
	Burst int `yaml:"burst"`
}

// Rates are the rates by channel.
type Rates map[string]Rate

// maxPerSecond is far above what any account allows.
const maxPerSecond = 100_000

// faults are what can't be rates. known tells whether a channel is set up.
func (r Rates) faults(known func(channel string) bool) []error {
	var all []error
	for _, name := range slices.Sorted(maps.Keys(r)) {
		switch x := r[name]; {
		case !known(name):
			all = append(all, fmt.Errorf("rates: %s: is no channel that is set up here", name))
		case !(x.PerSecond >= 0 && x.PerSecond <= maxPerSecond):
			all = append(all, fmt.Errorf("rates: %s: per_second: is %v; write how many leave in a second, up to %d, or 0 for no bound", name, x.PerSecond, maxPerSecond))
		case x.Burst < 0 || x.Burst > maxPerSecond:
			all = append(all, errors.New("rates: "+name+": burst: is out of bounds; leave it out for those of one second"))
		}
	}
	return all
}

// broadcastShare is how much of a rate broadcasts may use, so that replies and notices never wait behind them.
const broadcastShare = 0.8

// maxPace is how long a sending waits in its place for its turn; a longer wait gives the place back.
const maxPace = 3 * time.Second

// pacer holds channels to their rates.
type pacer struct {
	rates   Rates
	limiter channels.Limiter
}

// bucket is the token bucket of a channel; share is the part of it that may be used.
func (r Rate) bucket(share float64) channels.Rate {
	per := r.PerSecond * share
	burst := r.Burst
	if burst == 0 {
		burst = int(r.PerSecond)
	}
	return channels.Rate{Per: per, Burst: max(int(float64(burst)*share), 1)}
}

// pace waits for a message's turn. Above zero it is not its turn yet: come again after that. A limiter that can't answer
// lets it go.
func (p *pacer) pace(ctx context.Context, channel string, q channels.Queue) time.Duration {
	if p == nil || p.rates[channel].PerSecond == 0 {
		return 0
	}
	if q == channels.Broadcast {
		if wait := p.take(ctx, "rate:broadcast:"+channel, p.rates[channel].bucket(broadcastShare)); wait > 0 {
			return wait
		}
	}
	return p.take(ctx, "rate:"+channel, p.rates[channel].bucket(1))
}

// take takes one token, waiting up to maxPace for it.
func (p *pacer) take(ctx context.Context, key string, r channels.Rate) time.Duration {
	for left := maxPace; ; {
		wait, err := p.limiter.Take(ctx, key, r, 1)
		if err != nil || wait <= 0 {
			return 0
		}
		if left -= wait; left < 0 || ctx.Err() != nil {
			return wait
		}
		newBell().wait(ctx, wait)
	}
}
