// Package courier carries what a stand-in carrier owes to a gateway: webhooks, updates, mails. Jobs of one key run one
// after the other, jobs of different keys side by side, and a job that did not succeed is tried again later.
//
// The rule: nothing is dropped silently. A job that does not fit is refused to whoever brings it, and a job that is
// given up tells its owner through the last Try.
package courier

import (
	"context"
	"sync"
	"time"
)

// Job is one thing to bring.
type Job struct {
	// Wait is how long to wait before the first try, once the earlier jobs of the key are done.
	Wait time.Duration
	// Try brings it. attempt counts from 1. It returns how long to wait before the next try, or Done.
	Try func(ctx context.Context, attempt int) time.Duration
}

// Done ends a job.
const Done time.Duration = -1

// Limits of a courier.
const (
	// MaxJobs is how many jobs may wait at a time: a load test's backlog, not a memory leak.
	MaxJobs = 100_000
	// Width is how many tries run at a time, as a carrier bounds its connections to one customer.
	Width = 64
)

// Courier runs jobs. Its goroutines end with Close.
type Courier struct {
	ctx    context.Context
	cancel context.CancelFunc
	width  chan struct{}
	wg     sync.WaitGroup

	mu     sync.Mutex
	queues map[string][]Job // an entry exists while a goroutine serves the key
	jobs   int
	closed bool
}

// Open starts a courier that works until Close, or until ctx ends.
func Open(ctx context.Context) *Courier {
	ctx, cancel := context.WithCancel(ctx)
	return &Courier{ctx: ctx, cancel: cancel, width: make(chan struct{}, Width), queues: map[string][]Job{}}
}

// Do queues j behind the other jobs of key. False: closed, or MaxJobs wait already.
func (c *Courier) Do(key string, j Job) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || c.jobs >= MaxJobs {
		return false
	}
	c.jobs++
	q, served := c.queues[key]
	c.queues[key] = append(q, j)
	if !served {
		c.wg.Go(func() { c.serve(key) })
	}
	return true
}

// Waiting is how many jobs are not done.
func (c *Courier) Waiting() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.jobs
}

// Close stops the tries under way and waits for them; jobs not done are lost with the process.
func (c *Courier) Close() {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.cancel()
	c.wg.Wait()
}

func (c *Courier) serve(key string) {
	for {
		j, ok := c.next(key)
		if !ok {
			return
		}
		c.run(j)
	}
}

// next takes the first job of key; without one the key is no longer served.
func (c *Courier) next(key string) (Job, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	q := c.queues[key]
	if len(q) == 0 || c.ctx.Err() != nil {
		c.jobs -= len(q)
		delete(c.queues, key)
		return Job{}, false
	}
	c.queues[key] = q[1:]
	return q[0], true
}

func (c *Courier) run(j Job) {
	wait := j.Wait
	for attempt := 1; wait != Done && c.pause(wait); attempt++ {
		wait = c.try(j, attempt)
	}
	c.mu.Lock()
	c.jobs--
	c.mu.Unlock()
}

func (c *Courier) try(j Job, attempt int) time.Duration {
	select {
	case c.width <- struct{}{}:
	case <-c.ctx.Done():
		return Done
	}
	defer func() { <-c.width }()
	return j.Try(c.ctx, attempt)
}

func (c *Courier) pause(d time.Duration) bool {
	if d <= 0 {
		return c.ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-c.ctx.Done():
		return false
	}
}

// Backoff is how long to wait after the given failed attempt: 100 ms, doubled each time, at most most.
func Backoff(attempt int, most time.Duration) time.Duration {
	d := 100 * time.Millisecond << min(attempt-1, 20)
	return min(d, most)
}

// Closed ends when the courier is closed.
func (c *Courier) Closed() <-chan struct{} { return c.ctx.Done() }
