package program

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"gatehouse/channels"
	"gatehouse/gateway"
	"gatehouse/gateway/broadcast"
)

const (
	// leaseTTL hides a delivery while it is sent; sendTimeout ends a sending well before.
	leaseTTL    = time.Minute
	sendTimeout = 30 * time.Second
	// giveUpAfter bounds the retries of one delivery: about two days with the back-off below.
	giveUpAfter = 30
	backoffBase = 2 * time.Second
	backoffMax  = 2 * time.Hour
	// settleTimeout ends the trials to record a result; with sendTimeout it lies within the lease.
	settleTimeout = 25 * time.Second
	settlePause   = 100 * time.Millisecond
)

// sender empties the outbox: replies first, then notices, then broadcasts. It hands each delivery to its channel
// once, and asks the carrier first when an earlier lease ran out without a word.
type sender struct {
	store    gateway.Outbox
	channels map[string]channels.Channel
	now      func() time.Time
	bell     bell
	log      *slog.Logger
	alarm    func(channel string, on bool)
	gates    map[string]*gate // one a channel
	hold     func() (release func())
	budget   *budget // nil: texts have none
	pacer    *pacer  // nil: no channel has a rate
	attach   *attacher
}

func newSender(store gateway.Outbox, all map[string]channels.Channel, now func() time.Time, log *slog.Logger) *sender {
	s := &sender{store: store, channels: all, now: now, bell: newBell(), log: log,
		alarm: func(string, bool) {}, hold: func() func() { return func() {} }, gates: map[string]*gate{"": newGate()}}
	for name := range all {
		s.gates[name] = newGate()
	}
	return s
}

func (s *sender) run(ctx context.Context) error {
	sending, end := linger(ctx, grace)
	defer end()
	var wg sync.WaitGroup
	defer wg.Wait()
	for ctx.Err() == nil {
		release := s.hold()
		leased := s.lease(ctx, s.room())
		if len(leased) == 0 {
			release()
			s.bell.wait(ctx, idle)
			continue
		}
		ended := last(len(leased), release)
		var late []gateway.Settlement
		for _, d := range leased {
			g := s.gate(d)
			if wait := g.enter(d.Queue, s.now()); wait > 0 {
				late = append(late, s.untried(d, wait))
				ended()
				continue
			}
			wg.Go(func() {
				s.settle(sending, s.one(sending, g, d))
				g.leave()
				ended()
				s.bell.ring()
			})
		}
		s.settle(sending, late...)
	}
	return nil
}

// last gives a function whose n-th call calls end.
func last(n int, end func()) func() {
	var called atomic.Int64
	return func() {
		if called.Add(1) == int64(n) {
			end()
		}
	}
}

// room is how many deliveries may be leased at once: as many as could leave if each were another channel's.
func (s *sender) room() int {
	n := 0
	for _, g := range s.gates {
		n += g.room()
	}
	return n
}

// gate gives the one of d's channel; of all channels that are not here, one together.
func (s *sender) gate(d gateway.Leased) *gate {
	if g, ok := s.gates[d.Message.To.Channel]; ok {
		return g
	}
	return s.gates[""]
}

// untried gives a delivery back. What a carrier may have of an earlier sending stays uncertain.
func (s *sender) untried(d gateway.Leased, wait time.Duration) gateway.Settlement {
	e := &channels.Error{Kind: channels.Throttled, After: wait, Err: errNoRoom, Uncertain: !d.Since.IsZero()}
	return gateway.Settlement{ID: d.ID, Fence: d.Fence, Err: e, Again: s.now().Add(wait), Untried: true}
}

var errNoRoom = errors.New("the channel is busy or rests")

// lease takes from the most urgent queue that has something due.
func (s *sender) lease(ctx context.Context, n int) []gateway.Leased {
	if n == 0 {
		return nil
	}
	for _, q := range []channels.Queue{channels.Reply, channels.Notice, channels.Broadcast} {
		leased, err := s.store.Lease(ctx, q, s.now(), n, leaseTTL)
		if err != nil {
			if ctx.Err() == nil {
				s.log.ErrorContext(ctx, "lease outbox", "queue", q, "err", err)
			}
			return nil
		}
		if len(leased) > 0 {
			return leased
		}
	}
	return nil
}

// settle records how sendings ended. It tries again for a while: what was sent and not recorded goes out twice where
// the carrier can't be asked.
func (s *sender) settle(ctx context.Context, all ...gateway.Settlement) {
	if len(all) == 0 {
		return
	}
	ctx, end := linger(ctx, lastWord)
	defer end()
	ctx, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()
	for wait := settlePause; ; wait *= 2 {
		err := s.store.Settle(ctx, all)
		if err == nil {
			return
		}
		s.log.ErrorContext(ctx, "settle outbox", "message_id", all[0].ID, "results", len(all), "err", err)
		if newBell().wait(ctx, wait); ctx.Err() != nil {
			return
		}
	}
}

func (s *sender) one(ctx context.Context, g *gate, d gateway.Leased) gateway.Settlement {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	out := gateway.Settlement{ID: d.ID, Fence: d.Fence}
	ch, ok := s.channels[d.Message.To.Channel]
	if !ok {
		out.Err = &channels.Error{Kind: channels.Misconfigured, Err: errors.New("no such channel here")}
		out.Again = s.again(out.Err, d.Attempt)
		return out
	}
	wait, err := s.capped(ctx, d)
	if err != nil {
		s.log.ErrorContext(ctx, "count automatic mails", "message_id", d.ID, "err", err)
		wait = gateBusyMax
	}
	if wait > 0 {
		return s.untried(d, wait)
	}
	wait, err = s.budget.spend(ctx, d)
	if wait > 0 {
		return s.untried(d, wait)
	}
	if err != nil {
		out.Err = &channels.Error{Kind: channels.Rejected, Code: heldCountry, Err: err}
		return out
	}
	if wait := s.pacer.pace(ctx, d.Message.To.Channel, d.Queue); wait > 0 {
		return s.untried(d, wait)
	}
	var r channels.Receipt
	err = safely(func() (err error) {
		r, err = s.hand(ctx, ch, d)
		return err
	})
	if err == nil {
		g.well()
		s.alarm(ch.Name(), false)
		r.MessageID = d.ID
		out.Receipt = r
		s.log.InfoContext(ctx, "message sent", "message_id", d.ID, "channel", ch.Name(), "queue", d.Queue, "attempt", d.Attempt)
		return out
	}
	out.Err = channels.AsError(err)
	if out.Again = s.again(out.Err, d.Attempt); over(d.Message, out.Again) {
		out.Again, out.Err.Code = time.Time{}, string(broadcast.Expired)
	}
	switch out.Err.Kind {
	case channels.Misconfigured:
		g.unwell(s.now())
	case channels.Throttled:
		g.throttled(s.now(), out.Err.After)
	}
	s.alarm(ch.Name(), out.Err.Kind == channels.Misconfigured)
	s.log.WarnContext(ctx, "message not sent", "message_id", d.ID, "channel", ch.Name(), "kind", out.Err.Kind,
		"code", out.Err.Code, "attempt", d.Attempt, "err", out.Err.Err)
	return out
}

// capped holds automatic mails to one address to their number an hour (Outbox.Automatic). A warning of danger is not held
// back. A store that can't count lets nothing go: a mail that waits is late, one too many may be one of thousands.
func (s *sender) capped(ctx context.Context, d gateway.Leased) (time.Duration, error) {
	if d.Message.To.Channel != "email" || d.Queue != channels.Reply || d.Message.Urgent {
		return 0, nil
	}
	wait, err := s.store.Automatic(ctx, d.ID, d.Message.To, s.now())
	if wait > 0 {
		s.log.WarnContext(ctx, "automatic mail waits: its address had its share of the hour", "message_id", d.ID, "wait", wait)
	}
	return wait, err
}

// over tells whether a message is of no use any more by then.
func over(m channels.Message, at time.Time) bool { return !m.Expires.IsZero() && !at.Before(m.Expires) }

// errExpired ends a message whose time is over, unless its carrier says that it has it already.
var errExpired = errors.New("its time is over")

// errUncertain ends a message that may have been sent and must not be sent twice.
var errUncertain = errors.New("a crash lost the carrier's answer, and the carrier can't be asked")

// twice tells whether a second copy would be one too many: it may have been sent, it must go once, and neither can the
// carrier be asked nor does the copy bear the name of the first, as a mail's does.
func twice(ch channels.Channel, d gateway.Leased) bool {
	_, asks := ch.(channels.Finder)
	return d.Once && !d.Since.IsZero() && !asks && ch.Name() != "email"
}

// hand sends d, but not before a carrier that can be asked said that it does not have it already.
func (s *sender) hand(ctx context.Context, ch channels.Channel, d gateway.Leased) (channels.Receipt, error) {
	if f, ok := ch.(channels.Finder); ok && !d.Since.IsZero() {
		r, found, err := f.Find(ctx, d.Message, d.Since)
		if err != nil { // it is still not known whether the carrier has the message
			e := *channels.AsError(err)
			e.Uncertain = true
			return channels.Receipt{}, &e
		}
		if found {
			return r, nil
		}
	}
	if over(d.Message, s.now()) {
		return channels.Receipt{}, &channels.Error{Kind: channels.Rejected, Code: string(broadcast.Expired), Err: errExpired}
	}
	if twice(ch, d) {
		return channels.Receipt{}, &channels.Error{Kind: channels.Rejected, Code: string(broadcast.Uncertain), Err: errUncertain}
	}
	m, err := s.attach.attached(ctx, d)
	if err != nil {
		return channels.Receipt{}, &channels.Error{Kind: channels.Temporary, Err: err}
	}
	return ch.Send(ctx, m)
}

// again says when to try once more; zero: give up.
func (s *sender) again(e *channels.Error, attempt int) time.Time {
	switch e.Kind {
	case channels.Temporary, channels.Throttled:
		if attempt >= giveUpAfter {
			return time.Time{}
		}
		return s.now().Add(max(e.After, backoff(attempt)))
	case channels.Misconfigured:
		return s.now().Add(min(max(backoff(attempt), gateRest), gateRestMax))
	}
	return time.Time{}
}

// backoff doubles from backoffBase to backoffMax, with a fifth of jitter so that a crowd does not come back at once.
func backoff(attempt int) time.Duration {
	d := min(backoffBase<<min(max(attempt-1, 0), 20), backoffMax)
	return d - time.Duration(rand.Int64N(int64(d)/5+1))
}
