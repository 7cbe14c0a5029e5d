package program

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"gatehouse/gateway"
)

const (
	// claimTTL hides a contact while its message is answered. A Step takes a millisecond; the rest is room for a
	// slow disk.
	claimTTL = 30 * time.Second
	// claimBatch is how many contacts a gateway answers at once.
	claimBatch = 64
	// wakeBatch is how many contacts are woken at once: few, so that messages go first.
	wakeBatch = 16
	// patience is how long the next claim waits for the slowest answer of the one before.
	patience = 250 * time.Millisecond
	// idle is how long a loop sleeps when nobody rings: what another gateway accepted is found by then.
	idle = 500 * time.Millisecond
	// deferBase is the first pause of a turn that failed; it doubles.
	deferBase = time.Second
)

// worker answers messages: claim, step, commit. Messages of different contacts go side by side, those of one
// contact one after the other.
type worker struct {
	store interface {
		gateway.Work
		gateway.Wakes
	}
	step  func(context.Context, gateway.Turn) (gateway.Outcome, error)
	now   func() time.Time
	ids   func() string
	refs  func() string
	codes func() string
	// wants and registry give a turn what it needs to know of others.
	wants    func(gateway.Turn) gateway.Wanted
	registry gateway.Registry
	bell     bell
	done     func() // rings the outbox and the border
	log      *slog.Logger
}

func (w *worker) run(ctx context.Context) error {
	working, end := linger(ctx, grace)
	defer end()
	var wg sync.WaitGroup
	defer wg.Wait()
	slots := make(chan struct{}, claimBatch)
	for ctx.Err() == nil {
		turns := w.claim(ctx, cap(slots)-len(slots))
		if len(turns) == 0 {
			w.bell.wait(ctx, idle)
			continue
		}
		w.answer(working, turns, slots, &wg)
	}
	return nil
}

// rise does what is due without a message: it looks as often as the messages' loop does when nobody rings, by the
// clock that it was given, so that a clock which is moved is noticed within a second.
func (w *worker) rise(ctx context.Context) error {
	working, end := linger(ctx, grace)
	defer end()
	var wg sync.WaitGroup
	defer wg.Wait()
	slots := make(chan struct{}, wakeBatch)
	never := newBell()
	for ctx.Err() == nil {
		turns, err := w.store.Woken(ctx, w.now(), cap(slots)-len(slots), claimTTL)
		if err != nil && ctx.Err() == nil {
			w.log.ErrorContext(ctx, "claim wakes", "err", err)
		}
		if len(turns) == 0 {
			never.wait(ctx, idle)
			continue
		}
		w.answer(working, turns, slots, &wg)
		w.bell.ring() // messages that came meanwhile waited for it
	}
	return nil
}

func (w *worker) claim(ctx context.Context, n int) []gateway.Turn {
	if n == 0 {
		return nil
	}
	turns, err := w.store.Claim(ctx, w.now(), n, claimTTL)
	if err != nil && ctx.Err() == nil {
		w.log.ErrorContext(ctx, "claim", "err", err)
	}
	return turns
}

// answer runs turns side by side and returns when all have ended, so that the next are claimed as one group. It waits
// no longer than patience: a slow one ends beside those that follow.
func (w *worker) answer(ctx context.Context, turns []gateway.Turn, slots chan struct{}, all *sync.WaitGroup) {
	ended := make(chan struct{}, len(turns))
	var late atomic.Bool
	for _, t := range turns {
		slots <- struct{}{}
		all.Go(func() {
			w.turn(ctx, t)
			<-slots
			ended <- struct{}{}
			if late.Load() {
				w.bell.ring()
				w.done()
			}
		})
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	defer w.done()
	for range turns {
		select {
		case <-ended:
		case <-timer.C:
			late.Store(true)
			return
		}
	}
}

// learn reads what the Step wants to know of others.
func (w *worker) learn(ctx context.Context, t *gateway.Turn) error {
	if w.wants == nil {
		return nil
	}
	want := w.wants(*t)
	if want.IsZero() {
		return nil
	}
	r, err := w.registry.Learn(ctx, want, t.Message.From)
	t.Record = &r
	return err
}

// turn answers one message. What was begun is finished even when the program is asked to stop: it is one commit.
func (w *worker) turn(ctx context.Context, t gateway.Turn) {
	ctx, cancel := context.WithTimeout(ctx, claimTTL)
	defer cancel()
	t.Now, t.NewID, t.NewReference, t.NewCode, t.NewToken = w.now(), w.ids, w.refs, w.codes, newToken
	var o gateway.Outcome
	err := safely(func() (err error) {
		if err := w.learn(ctx, &t); err != nil {
			return err
		}
		t = t.Confirmed()
		o, err = w.step(ctx, t)
		return err
	})
	log := w.log.With("message_id", t.Message.ID)
	if t.Claim.Wake.Kind != "" {
		log = w.log.With("wake", string(t.Claim.Wake.Kind))
	}
	if err == nil {
		err = w.store.Commit(ctx, o)
	}
	switch {
	case err == nil:
		log.InfoContext(ctx, "turn done", "contact_id", t.Contact.ID,
			"replies", len(o.Deliveries), "crossings", len(o.Crossings), "attempt", t.Attempt)
	case errors.Is(err, gateway.ErrLost):
		log.WarnContext(ctx, "claim lost", "contact_id", t.Claim.Contact)
	default:
		log.ErrorContext(ctx, "turn", "attempt", t.Attempt, "err", err)
		later := w.now().Add(deferBase << min(t.Attempt, 8))
		if err := w.store.Defer(ctx, t.Claim, later, err.Error()); err != nil && !errors.Is(err, gateway.ErrLost) {
			log.ErrorContext(ctx, "defer", "err", err)
		}
	}
}
