package exchange

import (
	"context"
	"fmt"
	"time"
)

const (
	// longIdle is how long a lane may have been unheld before its sender looks out for signs of a restored copy.
	longIdle = time.Minute
	// doubtAcks is how many Acks it then waits for before it gives out a number.
	doubtAcks = 3
	// epochPause is how long after a new epoch an Ack can't bring about another.
	epochPause = time.Hour
	// epochAhead is how far an Ack's epoch may lie in the future to be believed.
	epochAhead = 48 * time.Hour
)

// NextEpoch gives the number of an epoch that begins now: the seconds since 1970, or one more than the highest known.
// So two restores of one copy, at different moments, never give out the same number. It lasts until 2106.
func NextEpoch(now time.Time, known ...uint32) uint32 {
	next := uint32(min(max(now.Unix(), 1), 1<<32-1))
	for _, k := range known {
		if k >= next && k < 1<<32-1 {
			next = k + 1
		}
	}
	return next
}

// BeginEpoch starts a new epoch of a lane now, and gives its number: the operator's act after a restore, and after a
// key was revoked under which envelopes are not acknowledged. known are epochs that others know of. It may be done
// while the lane works, and needlessly: what is sent twice is handled once.
func BeginEpoch(ctx context.Context, o Outgoing, now time.Time, known ...uint32) (uint32, error) {
	next := NextEpoch(now, known...)
	head, err := o.Begin(ctx, next)
	if err == nil && head.Epoch != next { // the clock is behind the epoch
		next = NextEpoch(now, append(known, head.Epoch)...)
		head, err = o.Begin(ctx, next)
	}
	if err == nil && head.Epoch != next {
		err = fmt.Errorf("epoch %d is the last there is", head.Epoch)
	}
	return head.Epoch, err
}

// doubt is a sender's after its lane was unheld for long: it may be an older copy of itself. Until it is over nothing
// is given a number, because the number may be used; what the first Ack says after it is held against the head of the
// start, because what was sent since may not be what the Ack means.
type doubt struct {
	open  bool
	head  Head
	until time.Time
}

// suspect begins to doubt when the lane was unheld for long.
func (p *Port) suspect(held time.Time, head Head) {
	now := p.Now()
	if head.Seq == 0 || now.Sub(held) < longIdle {
		return
	}
	wait := doubtAcks * p.AckEvery
	p.Log.Info("lane was idle; an acknowledgement is awaited before anything is numbered", "lane", p.Lane, "since", held, "for", wait)
	p.lock.Lock()
	defer p.lock.Unlock()
	p.doubt = doubt{open: true, head: head, until: now.Add(wait)}
}

// doubts tells whether it is too early to give out numbers.
func (p *Port) doubts() bool {
	p.lock.Lock()
	defer p.lock.Unlock()
	return p.doubt.open && p.Now().Before(p.doubt.until)
}

// ahead tells whether an Ack proves that this sender is an older copy of itself. The first after the doubt ends it.
func (p *Port) ahead(a Ack) bool {
	p.lock.Lock()
	defer p.lock.Unlock()
	d := p.doubt
	if !d.open {
		return false
	}
	if !p.Now().Before(d.until) {
		p.doubt.open = false
	}
	return a.Epoch > d.head.Epoch || a.Epoch == d.head.Epoch && a.Contiguous > d.head.Seq
}

// begin starts a new epoch after an Ack of what this side can't have sent. It is an alarm all the same: somebody
// restored a copy and did not say so, or the other end lies. So it happens once in epochPause, and only for an epoch
// that can have been.
func (p *Port) begin(ctx context.Context, a Ack) error {
	now := p.Now()
	p.counts.alarms.Add(1)
	log := p.Log.With("lane", p.Lane, "epoch", a.Epoch, "contiguous", a.Contiguous)
	p.lock.Lock()
	early := !p.began.IsZero() && now.Sub(p.began) < epochPause
	p.lock.Unlock()
	if early || int64(a.Epoch) > now.Add(epochAhead).Unix() {
		log.Error("acknowledged beyond the head, and not believed; an operator must begin a new epoch", "early", early)
		return nil
	}
	next, err := BeginEpoch(ctx, p.Outgoing, now, a.Epoch)
	if err != nil {
		return fmt.Errorf("begin epoch: %w", err)
	}
	log.Error("acknowledged beyond the head: this side was restored from an older copy; a new epoch began", "new_epoch", next)
	p.lock.Lock()
	p.began, p.doubt.open, p.attempts = now, false, map[uint64]int{}
	p.lock.Unlock()
	p.Nudge()
	return nil
}
