package exchange

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"gatehouse/exchange/receipt"
)

// Defaults of a Port.
const (
	// DefaultAckEvery is the cadence of Acks: fixed and slow, so that their timing says nothing.
	DefaultAckEvery = 10 * time.Second
	// DefaultResend is when an envelope without an Ack is sent again, six Acks long; it doubles up to MaxResend.
	DefaultResend = time.Minute
	MaxResend     = 15 * time.Minute
	// DefaultPoll is how often the ledger is asked for what no Nudge told of.
	DefaultPoll = time.Second
	// LeaseTTL is how long the sealing of a lane is held without renewing it.
	LeaseTTL = 15 * time.Second
)

// batch bounds how many parcels are sealed, and how many envelopes are sent, at once: with Parts some 11 MiB.
const batch = 16

// Port is one side's end of the border: it seals and sends what the side's ledger holds for one lane, and opens,
// verifies and keeps what arrives in the other. The extranet's sends Up, the intranet's Down. Several processes of a
// side may run one each over one store; the holder of the lease works, the others wait.
//
// Acks, Heartbeats and Histories are the Port's own: it settles and handles them. All other arrivals, the refused
// ones too, are left in Incoming.Next for the side, which Wake tells. A Port is used by pointer and is not copied
// once Run began.
type Port struct {
	Lane     Lane // in which this side sends
	Ring     *Ring
	Outgoing Outgoing // of Lane
	Incoming Incoming // of the opposite
	Out, In  Link
	Owner    string // names this process in the lease
	Log      *slog.Logger
	Journal  Journal // nil: none is kept
	// Receipts gives the head of the chain of receipts, told beside each History; nil: this side has none.
	Receipts func(context.Context) (receipt.Head, error)
	// Counts gives what is told as a Tally when it changes, looked at each minute, and each hour; nil: nothing is.
	Counts func(context.Context) (Tally, error)

	Now   func() time.Time // nil: time.Now
	NewID func() string    // nil: NewID(Now())
	Wake  func()           // nil: nobody; called after a new arrival was kept or an Ack was settled; must not block

	AckEvery time.Duration // 0: DefaultAckEvery
	// AckIdle is when an Ack is sent although nothing but Acks arrived. 0: AckEvery, so that the cadence is fixed. A
	// longer one spares work where nobody measures the lane.
	AckIdle time.Duration
	Resend  time.Duration // 0: DefaultResend
	Poll    time.Duration // 0: DefaultPoll
	// BeatEvery is how often a heartbeat goes out, and how often one is awaited. 0: DefaultBeatEvery.
	BeatEvery time.Duration

	once     sync.Once
	nudge    chan struct{}
	fresh    atomic.Bool // something besides Acks arrived since the last Ack
	counts   counts
	watch    *Watch
	lock     sync.Mutex
	attempts map[uint64]int // sendings by number, of this process alone
	doubt    doubt
	began    time.Time // when an Ack last began a new epoch
	state    PortState
	upTo     Head // what the last Ack settled
}

type counts struct{ sealed, sent, kept, aside, alarms, differs atomic.Uint64 }

// Status is what a Port did since it started.
type Status struct {
	Sealed, Sent, Kept uint64
	Aside              uint64 // envelopes that were forged, damaged or replayed
	Alarms             uint64 // what an operator must look at: Aside, Differs, Acks beyond the head, troubles of the lane
	Differs            uint64 // lines of Histories that are not as what arrived
}

// Status gives the counts; safe at any time.
func (p *Port) Status() Status {
	c := &p.counts
	return Status{c.sealed.Load(), c.sent.Load(), c.kept.Load(), c.aside.Load(), c.alarms.Load(), c.differs.Load()}
}

// Nudge tells that the ledger has something new, so that it is sealed at once. It never blocks and may be called at
// any time, before Run too.
func (p *Port) Nudge() {
	p.prepare()
	select {
	case p.nudge <- struct{}{}:
	default:
	}
}

func (p *Port) prepare() {
	p.once.Do(func() {
		p.nudge = make(chan struct{}, 1)
		p.attempts = map[uint64]int{}
		if p.Now == nil {
			p.Now = time.Now
		}
		p.watch = NewWatch(p.BeatEvery, p.Now())
		if p.NewID == nil {
			p.NewID = func() string { return NewID(p.Now()) }
		}
		if p.Wake == nil {
			p.Wake = func() {}
		}
		p.AckEvery = orDefault(p.AckEvery, DefaultAckEvery)
		p.AckIdle = max(p.AckIdle, p.AckEvery)
		p.Resend = orDefault(p.Resend, DefaultResend)
		p.Poll = orDefault(p.Poll, DefaultPoll)
		p.BeatEvery = orDefault(p.BeatEvery, DefaultBeatEvery)
	})
}

func orDefault(d, def time.Duration) time.Duration {
	if d == 0 {
		return def
	}
	return d
}

// Run works until ctx ends, then gives nil once both loops have ended. Only a ring that can't work is an error;
// everything else is logged and tried again.
func (p *Port) Run(ctx context.Context) error {
	p.prepare()
	if err := p.Ring.Ready(p.Now()); err != nil {
		return fmt.Errorf("open port: %w", err)
	}
	if rt := routeOf(p.Lane); p.Ring.Party != rt.origin {
		return fmt.Errorf("open port: %s does not send %s", p.Ring.Party, p.Lane)
	}
	held, known := time.Time{}, false
	for ctx.Err() == nil {
		if !known {
			h, err := p.Outgoing.Held(ctx)
			held, known = h, err == nil
		}
		s, ok, err := p.seize(ctx)
		if err != nil && ctx.Err() == nil {
			p.Log.Error("lane can't be seized", "lane", p.Lane, "err", err)
		}
		if ok {
			if known {
				p.suspect(held, s.head)
			}
			held, known = p.Now(), true
			p.Log.Info("lane seized", "lane", p.Lane, "fence", s.fence, "seq", s.head.Seq)
			p.work(ctx, s)
			continue
		}
		p.rest(ctx, p.Poll)
	}
	return nil
}

// holding is the sealing of the lane while this process has it.
type holding struct {
	fence   uint64
	head    Head
	renewed time.Time
	acked   time.Time // when the last Ack was made
	beat    time.Time // when the last heartbeat went out
	history time.Time // when the last History was made
	now     time.Time // when it was last looked at
	counted counted   // what of Port.Counts was told
}

func (p *Port) seize(ctx context.Context) (*holding, bool, error) {
	fence, head, ok, err := p.Outgoing.Seize(ctx, p.Owner, LeaseTTL)
	if err != nil || !ok {
		return nil, false, err
	}
	now := p.Now()
	return &holding{fence: fence, head: head, renewed: now, acked: now, history: now}, true, nil
}

// work runs both loops until ctx ends or the lane is lost.
func (p *Port) work(ctx context.Context, s *holding) {
	ctx, cancel := context.WithCancel(ctx)
	p.watch.Restart(p.Now())
	var receiver sync.WaitGroup
	receiver.Go(func() {
		if err := p.In.Receive(ctx, p.accept); err != nil {
			p.Log.Error("link can't be received from", "lane", p.Lane.Opposite(), "err", err)
			p.rest(ctx, p.Poll)
		}
		cancel()
	})
	p.hold(s.head, true)
	p.sendLoop(ctx, s)
	p.hold(s.head, false)
	cancel()
	receiver.Wait()
}

// errLost ends sendLoop: another process has the lane.
var errLost = errors.New("lane lost")

func (p *Port) sendLoop(ctx context.Context, s *holding) {
	wait := p.Poll
	for ctx.Err() == nil {
		more, err := p.pass(ctx, s)
		switch {
		case ctx.Err() != nil:
			return
		case errors.Is(err, errLost), errors.Is(err, ErrFenced):
			p.Log.Warn("lane lost to another process", "lane", p.Lane, "err", err)
			return
		case err != nil:
			p.Log.Error("lane stands still", "lane", p.Lane, "err", err)
			p.sleep(ctx, wait)
			wait = min(2*wait, LeaseTTL/3)
			continue
		}
		wait = p.Poll
		if !more {
			p.rest(ctx, p.Poll)
		}
	}
}

// rest waits for d or a Nudge; sleep for d alone.
func (p *Port) rest(ctx context.Context, d time.Duration) { p.await(ctx, d, p.nudge) }

func (p *Port) sleep(ctx context.Context, d time.Duration) { p.await(ctx, d, nil) }

func (p *Port) await(ctx context.Context, d time.Duration, nudge <-chan struct{}) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	case <-nudge:
	}
}
