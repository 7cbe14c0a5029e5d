package program

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"gatehouse/channels"
	"gatehouse/exchange"
	"gatehouse/gateway/broadcast"
)

const (
	// castWindow bounds what one broadcast owes to one channel at a time: enough to keep it busy, and little enough that a
	// pause or a cancellation reaches nearly everybody who was not told yet.
	castWindow = 4 * broadcast.Portion
	// castIdle is how long the caster rests when nothing is to be done.
	castIdle = 250 * time.Millisecond
	// castLease is how long one gateway of several has the work; the ledger itself keeps two from doing it twice.
	castLease = 15 * time.Second
	// tallyEvery is how often counts cross while they change; tallyCost keeps counting to a fiftieth of the time.
	tallyEvery = 2 * time.Second
	tallyCost  = 50
	// tallyAfter is how long after its last word a broadcast that has ended is counted on: receipts come late.
	tallyAfter = 72 * time.Hour
	tallyLate  = time.Minute
	// guardAfter is from how many tried on the guard looks at bounces; guardWarn and guardHalt are its shares, in percent.
	guardAfter = 1000
	guardWarn  = 5
	guardHalt  = 10
)

// caster carries broadcasts out: it writes their ledgers, owes what is due in small portions, and tells the inside how
// they stand.
type caster struct {
	ledger  broadcast.Ledger
	plan    broadcast.Planner
	lease   channels.Lease
	owner   string
	now     func() time.Time
	ids     func() string
	bell    bell
	owed    func() // rings the outbox
	crossed func() // rings the border
	open    []string
	log     *slog.Logger

	told   map[string]told
	warned map[string]bool
}

// told is what was last counted of a broadcast.
type told struct {
	counts []exchange.Count
	next   time.Time
}

func (c *caster) run(ctx context.Context) error {
	for ctx.Err() == nil {
		busy := false
		if mine, err := c.lease.Acquire(ctx, "broadcast", c.owner, castLease); mine || err != nil {
			busy = c.round(ctx)
		}
		if !busy {
			c.bell.wait(ctx, castIdle)
		}
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWord)
	defer cancel()
	if err := c.lease.Release(ctx, "broadcast", c.owner); err != nil {
		c.log.WarnContext(ctx, "let go of broadcasts", "err", err)
	}
	return nil
}

// round does one portion for each broadcast; busy: there is more to do at once. An emergency keeps what is not one from
// being owed until it is.
func (c *caster) round(ctx context.Context) (busy bool) {
	all, err := c.ledger.Campaigns(ctx, c.now().Add(-tallyAfter))
	if err != nil {
		c.log.ErrorContext(ctx, "read broadcasts", "err", err)
		return false
	}
	urgent := false
	for _, x := range all {
		did := false
		if err := safely(func() (err error) {
			did, err = c.one(ctx, x, urgent && !x.Urgent())
			return err
		}); err != nil && !errors.Is(err, broadcast.ErrMoved) {
			c.log.ErrorContext(ctx, "broadcast", "broadcast_id", x.Broadcast.ID, "err", err)
			continue
		}
		urgent = urgent || did && x.Urgent()
		busy = busy || did
	}
	return busy
}

// one goes on with one broadcast.
func (c *caster) one(ctx context.Context, x broadcast.Campaign, wait bool) (did bool, err error) {
	if x.Phase != broadcast.Ended && !x.Expanded {
		if err := c.expand(ctx, x); err != nil {
			return false, err
		}
		did = true
	}
	owed := false
	switch x.Phase {
	case broadcast.Running:
		if !wait && !c.now().Before(x.Broadcast.Starts) {
			owed, err = c.owe(ctx, x)
		}
	case broadcast.Stopped:
		owed, err = c.withdraw(ctx, x)
	}
	return did || owed, errors.Join(err, c.tell(ctx, x))
}

// expand writes the next page of the ledger.
func (c *caster) expand(ctx context.Context, x broadcast.Campaign) error {
	page, next, err := c.ledger.Audience(ctx, x.Broadcast, x.Cursor, broadcast.Portion)
	if err != nil {
		return err
	}
	now, rows := c.now(), make([]broadcast.Verdict, 0, len(page))
	for _, who := range page {
		v := c.plan.Plan(x, broadcast.Recipient{Contact: who, State: broadcast.Queued}, now)
		if v.State == broadcast.Sending {
			v.State, v.Delivery = broadcast.Queued, nil
		}
		rows = append(rows, v)
	}
	if err := c.ledger.Expand(ctx, x, rows, next); err != nil {
		return err
	}
	if next == "" {
		c.log.InfoContext(ctx, "audience of a broadcast is written down", "broadcast_id", x.Broadcast.ID, "pages", x.Pages+1)
	}
	return nil
}

// owe hands the next portion of each channel to the outbox, as far as the channel's window has room.
func (c *caster) owe(ctx context.Context, x broadcast.Campaign) (did bool, err error) {
	sending, err := c.ledger.Sending(ctx, x)
	if err != nil {
		return false, err
	}
	for _, channel := range c.open {
		n := min(castWindow-sending[channel], broadcast.Portion)
		if n <= 0 {
			continue
		}
		due, err := c.ledger.Due(ctx, x, channel, c.now(), n)
		if err != nil || len(due) == 0 {
			if err != nil {
				return did, err
			}
			continue
		}
		verdicts := make([]broadcast.Verdict, 0, len(due))
		for _, r := range due {
			verdicts = append(verdicts, c.plan.Plan(x, r, c.now()))
		}
		if err := c.ledger.Apply(ctx, x, verdicts); err != nil {
			return did, err
		}
		did = true
		c.owed()
	}
	return did, nil
}

// withdraw ends what a cancelled broadcast did not send.
func (c *caster) withdraw(ctx context.Context, x broadcast.Campaign) (did bool, err error) {
	n, err := c.ledger.Withdraw(ctx, x, broadcast.Portion)
	if err != nil {
		return false, err
	}
	did = n > 0
	for _, channel := range append(slices.Clone(c.open), "") {
		due, err := c.ledger.Due(ctx, x, channel, endOfTime, broadcast.Portion)
		if err != nil {
			return did, err
		}
		if len(due) == 0 {
			continue
		}
		verdicts := make([]broadcast.Verdict, 0, len(due))
		for _, r := range due {
			verdicts = append(verdicts, r.End(broadcast.Cancelled, channel))
		}
		if err := c.ledger.Apply(ctx, x, verdicts); err != nil {
			return did, err
		}
		did = true
	}
	return did, nil
}

// endOfTime is after every hour that a row may wait for.
var endOfTime = time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)

// tell lets the counts cross when they changed, and ends what is done. It counts seldom enough to cost little.
func (c *caster) tell(ctx context.Context, x broadcast.Campaign) error {
	last, now := c.told[x.Broadcast.ID], c.now()
	if now.Before(last.next) {
		return nil
	}
	began := time.Now()
	sums, err := c.ledger.Sums(ctx, x)
	if err != nil {
		return err
	}
	phase := c.phase(ctx, x, sums)
	every := tallyEvery
	if phase == broadcast.Ended {
		every = tallyLate
	}
	last.next = now.Add(max(every, tallyCost*time.Since(began)))
	counts := broadcast.Count(x, phase, sums)
	if !slices.Equal(counts, last.counts) {
		if err := c.ledger.Tell(ctx, x, exchange.Tally{ID: c.ids(), About: x.Broadcast.ID, At: now.UTC(), Counts: counts}, phase); err != nil {
			return err
		}
		last.counts = counts
		c.crossed()
		if phase == broadcast.Ended && x.Phase != phase {
			c.log.InfoContext(ctx, "broadcast ended", "broadcast_id", x.Broadcast.ID)
		}
	}
	c.told[x.Broadcast.ID] = last
	return nil
}

// phase is where the broadcast stands by its counts: over when nothing is open, halted when too many bounce.
func (c *caster) phase(ctx context.Context, x broadcast.Campaign, sums []broadcast.Sum) broadcast.Phase {
	open, tried, bounced := broadcast.Weigh(sums)
	switch {
	case x.Expanded && open == 0:
		return broadcast.Ended
	case x.Phase == broadcast.Ended: // a late word says that somebody has to be told elsewhere
		return broadcast.Running
	}
	if x.Phase != broadcast.Running || x.Urgent() || x.Insisted || tried < guardAfter {
		return x.Phase
	}
	id := x.Broadcast.ID
	switch {
	case bounced*100 >= tried*guardHalt:
		c.log.ErrorContext(ctx, "broadcast halted: too many bounce", "broadcast_id", id, "tried", tried, "bounced", bounced)
		return broadcast.Halted
	case bounced*100 >= tried*guardWarn && !c.warned[id]:
		c.warned[id] = true
		c.log.WarnContext(ctx, "many messages of a broadcast bounce", "broadcast_id", id, "tried", tried, "bounced", bounced)
	}
	return x.Phase
}
