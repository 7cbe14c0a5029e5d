// Package redis is what several gateways share in passing, in one Redis: leases, rates and wakes.
//
// The rule: nothing whose loss loses a message may stand here. Redis may be emptied or go away at any time: then rates
// are not limited, leases are not given, and wakes reach this process alone, until it is back.
package redis

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"gatehouse/channels"
	"gatehouse/configs/secret"
	"gatehouse/gateway/volatile/local"

	"github.com/go-redis/redis_rate/v10"
	"github.com/redis/go-redis/v9"
)

const (
	// timeout bounds one call. Redis answers within a millisecond or is not there.
	timeout = 500 * time.Millisecond
	// rest is how long nobody asks a Redis that did not answer, so that a dead one does not slow every message.
	rest = time.Second
	// silence is how long the subscription may be quiet before it is tried by a ping.
	silence = 5 * time.Second
	prefix  = "gatehouse:"
)

// Config names the Redis that gateways share.
type Config struct {
	// URL is redis://, rediss:// or unix://; it may hold a password.
	URL secret.Value `yaml:"url"`
}

// Validate names what is wrong with c.
func (c Config) Validate() error {
	if _, err := redis.ParseURL(c.URL.Reveal()); err != nil {
		return errors.New("url: is not a Redis URL; write redis://host:6379/0") // the cause may quote a password
	}
	return nil
}

// Shared is a Lease, a Limiter and a Fanout. It is safe for concurrent use; Close ends it.
type Shared struct {
	client *redis.Client
	mark   Mark
	rates  *redis_rate.Limiter
	topics local.Topics
	log    *slog.Logger
	now    func() time.Time
	away   atomic.Int64 // until when it is not asked, in Unix microseconds; 0: it answers
	stop   context.CancelFunc
	wg     sync.WaitGroup
}

var (
	_ channels.Lease   = (*Shared)(nil)
	_ channels.Limiter = (*Shared)(nil)
	_ channels.Fanout  = (*Shared)(nil)
)

// Mark is a keyed hash that all gateways share, such as the store's. sort keeps equal names of two uses apart.
type Mark func(sort, name string) []byte

// Open makes ready to use the Redis of c, which sees names by their marks only: whoever reads it can't try out all
// numbers of a country. It makes no call: Redis may come later.
func Open(c Config, mark Mark, log *slog.Logger, now func() time.Time) (*Shared, error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("open redis: %w", err)
	}
	o, err := redis.ParseURL(c.URL.Reveal())
	if err != nil {
		return nil, errors.New("open redis: not a Redis URL")
	}
	o.DialTimeout, o.ReadTimeout, o.WriteTimeout, o.PoolTimeout = timeout, timeout, timeout, timeout
	o.MaxRetries, o.DialerRetries, o.ContextTimeoutEnabled, o.DisableIdentity = 1, 1, true, true
	client := redis.NewClient(o)
	ctx, stop := context.WithCancel(context.Background())
	s := &Shared{client: client, mark: mark, rates: redis_rate.NewLimiter(client), log: log, now: now, stop: stop}
	s.wg.Go(func() { s.listen(ctx) })
	return s, nil
}

// Close ends the subscription and the connections.
func (s *Shared) Close() error {
	s.stop()
	s.wg.Wait()
	return s.client.Close()
}

// hashed keeps what a name speaks of, which may be an address, out of Redis.
func (s *Shared) hashed(sort, name string) string {
	return prefix + sort + ":" + hex.EncodeToString(s.mark("redis-"+sort, name))
}

// errAway means that Redis did not answer a moment ago.
var errAway = errors.New("redis is away")

// ask runs one call unless Redis is away, and notes how it went.
func (s *Shared) ask(ctx context.Context, call func(ctx context.Context) error) error {
	until := s.away.Load()
	if until != 0 && s.now().UnixMicro() < until {
		return errAway
	}
	short, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	err := call(short)
	switch {
	case err == nil || errors.Is(err, redis.Nil):
		if s.away.Swap(0) != 0 {
			s.log.InfoContext(ctx, "redis is back")
		}
		return nil
	case ctx.Err() != nil:
		return err // the caller went away, not Redis
	}
	if s.away.Swap(s.now().Add(rest).UnixMicro()) == 0 {
		s.log.WarnContext(ctx, "redis is away: rates are not limited, leases wait, wakes stay here", "err", err)
	}
	return err
}

// take answers 1 when the owner holds the name afterwards.
var take = redis.NewScript(`
local held = redis.call("GET", KEYS[1])
if held and held ~= ARGV[1] then return 0 end
redis.call("SET", KEYS[1], ARGV[1], "PX", ARGV[2])
return 1`)

var release = redis.NewScript(`
if redis.call("GET", KEYS[1]) == ARGV[1] then return redis.call("DEL", KEYS[1]) end
return 0`)

// Acquire implements channels.Lease. While Redis is away it is false with the error; a Redis that was emptied gives
// every lease anew.
func (s *Shared) Acquire(ctx context.Context, name, owner string, ttl time.Duration) (held bool, err error) {
	err = s.ask(ctx, func(ctx context.Context) error {
		n, err := take.Run(ctx, s.client, []string{s.hashed("lease", name)}, owner, max(ttl.Milliseconds(), 1)).Int()
		held = n == 1
		return err
	})
	if err != nil {
		return false, fmt.Errorf("acquire lease: %w", err)
	}
	return held, nil
}

// Release implements channels.Lease.
func (s *Shared) Release(ctx context.Context, name, owner string) error {
	err := s.ask(ctx, func(ctx context.Context) error {
		return release.Run(ctx, s.client, []string{s.hashed("lease", name)}, owner).Err()
	})
	if err != nil {
		return fmt.Errorf("release lease: %w", err)
	}
	return nil
}

// Take implements channels.Limiter. While Redis is away it allows. More tokens than a bucket holds are had from a full
// one. A rate of nothing is no limit.
func (s *Shared) Take(ctx context.Context, key string, r channels.Rate, n int) (time.Duration, error) {
	if r.Burst <= 0 || r.Per <= 0 || n <= 0 {
		return 0, nil
	}
	// The library counts whole tokens in a period: one token in 1/Per seconds is the same bucket.
	limit := redis_rate.Limit{Rate: 1, Burst: r.Burst, Period: time.Duration(float64(time.Second) / r.Per)}
	var wait time.Duration
	err := s.ask(ctx, func(ctx context.Context) error {
		got, err := s.rates.AllowN(ctx, s.hashed("rate", key), limit, min(n, r.Burst))
		if err == nil && got.Allowed == 0 {
			wait = max(got.RetryAfter, time.Millisecond)
		}
		return err
	})
	if err != nil && ctx.Err() != nil {
		return 0, ctx.Err()
	}
	return wait, nil
}

// Wake implements channels.Fanout. Those who wait in this process are woken whether Redis answers or not.
func (s *Shared) Wake(ctx context.Context, topic string) error {
	topic = s.hashed("wake", topic)
	s.topics.Wake(topic)
	_ = s.ask(ctx, func(ctx context.Context) error { return s.client.Publish(ctx, topic, "").Err() }) // a wake may be lost
	return nil
}

// Wait implements channels.Fanout.
func (s *Shared) Wait(topic string) (<-chan struct{}, func()) {
	return s.topics.Wait(s.hashed("wake", topic))
}

// listen hands on the wakes of the other gateways. After each new connection everybody is woken: some wakes may have
// been lost.
func (s *Shared) listen(ctx context.Context) {
	p := s.client.PSubscribe(ctx, prefix+"wake:*")
	ended := context.AfterFunc(ctx, func() { _ = p.Close() }) // ends a read under way
	defer func() {
		if ended() {
			_ = p.Close()
		}
	}()
	for ctx.Err() == nil {
		got, err := p.ReceiveTimeout(ctx, silence)
		if err != nil {
			s.recover(ctx, p)
			continue
		}
		switch m := got.(type) {
		case *redis.Message:
			s.topics.Wake(m.Channel)
		case *redis.Subscription:
			s.topics.WakeAll()
		}
	}
}

// recover tries the subscription by a ping; when that fails too, the next read connects anew, after a pause.
func (s *Shared) recover(ctx context.Context, p *redis.PubSub) {
	if ctx.Err() != nil || p.Ping(ctx) == nil {
		return
	}
	select {
	case <-ctx.Done():
	case <-time.After(rest / 4):
	}
}
