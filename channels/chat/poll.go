package chat

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"sync"
	"time"

	"gatehouse/channels"

	tg "github.com/go-telegram-bot-api/telegram-bot-api/v5"
)

// How the poller waits.
const (
	batch      = 50                     // updates of one poll
	standby    = time.Second            // between looks at a lease that another gateway holds
	leaseSpare = 5 * time.Second        // beyond one poll, before another gateway takes over
	pollSpare  = 10 * time.Second       // beyond PollTimeout, before a poll counts as lost
	parting    = 3 * time.Second        // for the update under way when the channel stops
	idle       = 200 * time.Millisecond // after an empty answer that came at once: a server without long poll
	firstPause = 50 * time.Millisecond
	lastPause  = 10 * time.Second
)

// Listen hears until ctx ends: it polls, or with a webhook it tells Telegram where to call and waits.
func (c *Channel) Listen(ctx context.Context, in channels.Inbox) error {
	if c.cfg.Mode == string(Webhook) {
		c.announce(ctx)
		return nil
	}
	p := &poller{Channel: c, in: in, lease: "chat:" + c.bot, owner: c.shared.NewID()}
	for ctx.Err() == nil {
		pause(ctx, p.round(ctx))
	}
	p.release(ctx)
	return nil
}

// poller is the one that asks for updates, among all gateways.
type poller struct {
	*Channel
	in     channels.Inbox
	lease  string
	owner  string
	offset int // the update that is asked for next; 0 for the oldest that is not confirmed
	failed int // rounds in a row
}

// round is one poll with all that it brings; it says how long to wait before the next.
func (p *poller) round(ctx context.Context) time.Duration {
	held, err := p.shared.Lease.Acquire(ctx, p.lease, p.owner, p.cfg.PollTimeout+leaseSpare)
	if err == nil && !held {
		return standby
	}
	// When the lease can't be asked, polling goes on: two pollers get into each other's way, none hears nobody.
	began := p.shared.Now()
	updates, e := p.updates(ctx)
	if e != nil {
		return p.refused(ctx, e)
	}
	if len(updates) == 0 {
		// The poll confirmed what came before. Asking afresh matters: after a week of silence Telegram starts
		// again at a random id, which may lie below ours.
		p.offset, p.failed = 0, 0
		if p.shared.Now().Sub(began) < idle {
			return idle
		}
		return 0
	}
	if before := p.offset; !p.take(ctx, updates) || p.offset == before {
		return p.again()
	}
	p.failed = 0
	return 0
}

func (p *poller) updates(ctx context.Context) ([]json.RawMessage, *channels.Error) {
	ctx, cancel := context.WithTimeout(ctx, p.cfg.PollTimeout+pollSpare)
	defer cancel()
	params := tg.Params{"timeout": strconv.Itoa(int(p.cfg.PollTimeout / time.Second)), "limit": strconv.Itoa(batch), "allowed_updates": allowed}
	params.AddNonZero("offset", p.offset)
	result, e := p.method(ctx, "getUpdates", params)
	if e != nil {
		return nil, e
	}
	var updates []json.RawMessage
	if err := json.Unmarshal(result, &updates); err != nil {
		return nil, &channels.Error{Kind: channels.Temporary, Err: errors.New("updates are no list")}
	}
	return updates, nil
}

// take stores updates in order; the offset moves past each that was taken. False: one has to come again.
func (p *poller) take(ctx context.Context, updates []json.RawMessage) bool {
	var presses []string
	defer func() { p.answer(ctx, presses) }()
	for _, raw := range updates {
		if ctx.Err() != nil {
			return false
		}
		h, ok := p.read(raw)
		if !ok {
			continue
		}
		if !p.accept(ctx, h, p.in) {
			return false
		}
		p.offset = h.id + 1
		if h.press != "" {
			presses = append(presses, h.press)
		}
	}
	return true
}

// accept hands one update to the inbox and tells whether Telegram may forget it. The update under way when ctx ends
// gets a little longer.
func (c *Channel) accept(ctx context.Context, h heard, in channels.Inbox) bool {
	if !h.speaks {
		return true
	}
	ctx, cancel := linger(ctx, parting)
	defer cancel()
	err := channels.TakeIn(ctx, in, h.message)
	switch {
	case err == nil:
		return true
	case errors.Is(err, channels.ErrTooLarge), errors.Is(err, channels.ErrNotForUs):
		c.shared.Log.WarnContext(ctx, "telegram update refused for good", "message_id", h.message.ID, "err", c.redact(err))
		return true
	}
	c.shared.Log.WarnContext(ctx, "telegram update not taken", "message_id", h.message.ID, "err", c.redact(err))
	return false
}

// answer tells Telegram that presses were heard, which ends the little clock on the button. Nothing depends on it.
func (c *Channel) answer(ctx context.Context, presses []string) {
	var all sync.WaitGroup
	defer all.Wait()
	for _, id := range presses {
		all.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
			defer cancel()
			if _, e := c.method(ctx, "answerCallbackQuery", tg.Params{"callback_query_id": id}); e != nil {
				c.shared.Log.DebugContext(ctx, "telegram press not answered", "kind", e.Kind, "code", e.Code)
			}
		})
	}
}

// refused logs why a poll failed and says how long to wait. A webhook left over from another mode is taken away.
func (p *poller) refused(ctx context.Context, e *channels.Error) time.Duration {
	if ctx.Err() != nil {
		return 0
	}
	p.shared.Log.WarnContext(ctx, "telegram poll failed", "kind", e.Kind, "code", e.Code, "attempt", p.failed+1, "err", e.Err)
	if e.Code == "409" && p.failed == 0 {
		ctx, cancel := context.WithTimeout(ctx, p.cfg.Timeout)
		defer cancel()
		_, _ = p.method(ctx, "deleteWebhook", nil) // if it was another poller, this changes nothing
	}
	return max(p.again(), e.After)
}

// again counts a failed round and gives the pause after it.
func (p *poller) again() time.Duration {
	p.failed++
	return backoff(p.failed)
}

func (p *poller) release(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if err := p.shared.Lease.Release(ctx, p.lease, p.owner); err != nil {
		p.shared.Log.WarnContext(ctx, "telegram lease not released", "err", err)
	}
}

// backoff doubles from firstPause to lastPause.
func backoff(attempt int) time.Duration {
	return min(firstPause<<min(attempt-1, 20), lastPause)
}

func pause(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// linger is ctx that lives for spare after its parent ended.
func linger(parent context.Context, spare time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(parent))
	stop := context.AfterFunc(parent, func() {
		pause(ctx, spare)
		cancel()
	})
	return ctx, func() {
		stop()
		cancel()
	}
}
