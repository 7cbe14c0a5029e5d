package telegram

import (
	"encoding/json"
	"slices"
	"strconv"
	"time"
)

// maxPending bounds the updates that wait for the bot; past it the oldest is lost, as at Telegram after 24 hours.
const maxPending = 20_000

// pending is an update that the bot has not confirmed.
type pending struct {
	update Update
	seq    uint64 // the entry it reports; 0 for none
	chat   int64
}

// queue holds the updates and the poll under way. Bot.mu guards it.
type queue struct {
	pending []pending
	lost    uint64
	allowed []string // nil: every kind
	changed chan struct{}
	// poll is closed when a newer poll takes over.
	poll chan struct{}
}

// push queues an update and wakes whoever waits; false when the bot did not ask for its kind. The caller holds b.mu.
func (b *Bot) push(p pending) bool {
	q := &b.queue
	if q.allowed != nil && !slices.Contains(q.allowed, p.update.kind()) {
		return false
	}
	if len(q.pending) == maxPending {
		q.pending = q.pending[1:]
		q.lost++
	}
	q.pending = append(q.pending, p)
	close(q.changed)
	q.changed = make(chan struct{})
	return true
}

// confirm forgets the updates that the bot has, and shows their messages as read. The caller holds b.mu.
func (b *Bot) confirm(has func(Update) bool) {
	q := &b.queue
	q.pending = slices.DeleteFunc(q.pending, func(p pending) bool {
		if !has(p.update) {
			return false
		}
		if p.seq != 0 {
			b.entries.Change(p.seq, func(e *Entry) { e.Handed = true })
		}
		return true
	})
}

// maxPoll bounds the time of one long poll.
const maxPoll = 50 * time.Second

func (b *Bot) getUpdates(c *call) (answer, *problem) {
	if c.r == nil {
		return answer{}, bad("method is not allowed here")
	}
	offset, _ := strconv.ParseInt(c.params["offset"], 10, 64)
	limit, _ := strconv.Atoi(c.params["limit"])
	if limit < 1 || limit > 100 {
		limit = 100
	}
	secs, _ := strconv.Atoi(c.params["timeout"])
	b.allow(c)

	taken, pr := b.begin(offset)
	if pr != nil {
		return answer{}, pr
	}
	defer b.end(taken)
	timeout := time.NewTimer(min(time.Duration(max(secs, 0))*time.Second, maxPoll))
	defer timeout.Stop()
	for {
		list, changed, hooked := b.peek(limit)
		if hooked {
			return answer{}, conflict("terminated by setWebhook request")
		}
		if len(list) > 0 || secs <= 0 {
			return answer{result: list}, nil
		}
		select {
		case <-changed:
		case <-timeout.C:
			return answer{result: list}, nil
		case <-taken:
			return answer{}, conflict("terminated by other getUpdates request; make sure that only one bot instance is running")
		case <-c.r.Context().Done():
			return answer{}, &problem{} // the bot hung up: there is nobody to answer
		}
	}
}

// allow remembers allowed_updates, when given; an empty list stands for all.
func (b *Bot) allow(c *call) {
	var kinds []string
	s, ok := c.params["allowed_updates"]
	if !ok || json.Unmarshal([]byte(s), &kinds) != nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.queue.allowed = kinds; len(kinds) == 0 {
		b.queue.allowed = nil
	}
}

// begin takes over from a poll under way and forgets what offset confirms. A negative offset keeps that many of the
// last.
func (b *Bot) begin(offset int64) (chan struct{}, *problem) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.hook.url != "" {
		return nil, conflict("can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first")
	}
	if b.queue.poll != nil {
		close(b.queue.poll)
	}
	taken := make(chan struct{})
	b.queue.poll = taken
	if n := len(b.queue.pending); offset < 0 && int64(n) > -offset {
		offset = b.queue.pending[int64(n)+offset].update.ID
	}
	b.confirm(func(u Update) bool { return u.ID < offset })
	return taken, nil
}

func (b *Bot) end(taken chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.queue.poll == taken {
		b.queue.poll = nil
	}
}

func (b *Bot) peek(limit int) (list []Update, changed <-chan struct{}, hooked bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	list = []Update{}
	for _, p := range b.queue.pending[:min(limit, len(b.queue.pending))] {
		list = append(list, p.update)
	}
	return list, b.queue.changed, b.hook.url != ""
}
