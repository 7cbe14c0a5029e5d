// Package guard is the border post of one lane: it opens what comes over one link, judges it, and seals what may pass
// for the next.
//
// The rule: it passes nothing that it did not parse, answers nobody, and fails closed. A filter that can't judge, a
// log that can't be written, a disk that is full: the envelope waits and the lane stands still, until an operator has
// put it right. What is decided stands in the log before it goes on.
//
// One guard has the keys of one lane. It listens nowhere, fetches nothing, takes no rule from the lane, and derives no
// path from what comes. The one socket that it may open is that of a virus scanner which its operator names.
//
// What an envelope has to pass stands in filters, what a file has to pass once all its Parts are in stands in
// wholeFilters, and what its bytes have to pass stands in package media; each list is read from top to bottom:
//
//	envelope  kind, size, canonical form and normal text, expiry, release (down), acks, names and sizes of files, place
//	          and beginning of a Part, quota an hour and a day
//	file      digest; media, in the worker; rebuilt, which reads what the worker wrote; virus
//	bytes     kind by content; two files in one; text and formulas; XML; structure of archives; office documents; PDF;
//	          pictures; entries of archives
//
// Foreign bytes are decoded in a child process alone, one a file (Worker, package sandbox): own namespaces, limits, a
// list of system calls, no environment. Pictures and pages of PDF are encoded anew there, and the verdict on each of
// their Parts says replaced: from, to, filter. Office documents and texts go on as they came when nothing acts in them,
// because declarations are made of them; an operator may refuse them too. Everything else is refused, and the sender
// asked for a photo.
package guard

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"gatehouse/exchange"
	"gatehouse/exchange/evidence"
	"gatehouse/exchange/guard/media"
)

// RuleSet names this release's filters in each verdict.
const RuleSet = "2026.2"

// Options are what a guard needs.
type Options struct {
	Lane    exchange.Lane
	Ring    *exchange.Ring
	Keys    *exchange.Keys // lets Ring follow its folder; nil: it stays as it is
	In, Out exchange.Link
	LogFile string // the hash-chained log
	Dir     string // journal of what was sent on, and files that are put together
	Limits  Limits
	Leaks   *exchange.Leaks // of the lane down; nil: the default rules
	Media   media.Policy
	Worker  *Worker // nil: one with the defaults
	Scan    ScanConfig
	Log     *slog.Logger
	Now     func() time.Time // nil: time.Now
	// Status is called every StatusEvery and at the end; nil: nobody.
	Status      func(Status)
	StatusEvery time.Duration // 0: 10 s
	// BeatEvery is how often a heartbeat goes on, and how often the origin's is awaited. 0: exchange.DefaultBeatEvery.
	BeatEvery time.Duration
	// AckEvery is the least time between two Acks that leave going down. 0: exchange.DefaultAckEvery.
	AckEvery time.Duration
}

// Guard is one lane's border post.
type Guard struct {
	o       Options
	filters []Filter
	wholes  []wholeFilter
	log     *evidence.Log
	journal *journal // of documents
	own     *journal // of the lane's own
	custody *custody
	owed    *owed
	alarms  alarms

	mu       sync.Mutex // the lane is judged by one goroutine; status reads beside it
	memory   *memory
	counts   Counts
	anchored time.Time
	proof    proof             // of the scanner
	awaited  map[[32]byte]bool // digests of genuine envelopes that came too early
	step     func(string)      // a test ends the process between two steps

	opened  time.Time
	watch   *exchange.Watch
	sending sync.Mutex // of the link out: envelopes and heartbeats
	beatMu  sync.Mutex
	at      places
}

// Counts are what happened since the guard started.
type Counts struct {
	Repeats uint64 // came again and went on as the same bytes
	Aside   uint64 // forged, damaged or replayed: look at each
	Waits   uint64 // tries at an envelope that had to wait
	Worker  uint64 // files refused because the worker failed: look at each
	Scanner uint64 // tries at which the virus scanner gave no verdict
}

// alarms are counted while the lane's lock is open.
type alarms struct{ worker, scanner atomic.Uint64 }

// waiting counts an error for which the lane waits.
func (a *alarms) waiting(err error) {
	if errors.Is(err, errScan) {
		a.scanner.Add(1)
	}
}

// Open verifies the log from its beginning, takes the lane's memory from it and records the start. It makes no
// network call.
func Open(o Options) (*Guard, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.StatusEvery == 0 {
		o.StatusEvery = 10 * time.Second
	}
	if o.BeatEvery == 0 {
		o.BeatEvery = exchange.DefaultBeatEvery
	}
	if o.AckEvery == 0 {
		o.AckEvery = exchange.DefaultAckEvery
	}
	o.Limits, o.Media, o.Scan = o.Limits.WithDefaults(), o.Media.WithDefaults(), o.Scan.WithDefaults()
	if o.Worker == nil {
		var err error
		if o.Worker, err = NewWorker(WorkerConfig{}); err != nil {
			return nil, fmt.Errorf("open guard: %w", err)
		}
	}
	if o.Leaks == nil {
		var err error
		if o.Leaks, err = exchange.NewLeaks(exchange.LeakConfig{}); err != nil {
			return nil, fmt.Errorf("open guard: %w", err)
		}
	}
	if err := o.Ring.Ready(o.Now()); err != nil {
		return nil, fmt.Errorf("open guard: %w", err)
	}
	g := &Guard{o: o, filters: filters(o.Lane), wholes: wholeFilters(o.Lane), memory: newMemory(), awaited: map[[32]byte]bool{}, step: func(string) {}}
	var err error
	if g.journal, err = openJournal(filepath.Join(o.Dir, "sent"), Kept); err != nil {
		return nil, fmt.Errorf("open guard: %w", err)
	}
	if g.own, err = openJournal(filepath.Join(o.Dir, "own"), KeptOwn); err != nil {
		return nil, fmt.Errorf("open guard: %w", err)
	}
	if g.custody, err = openCustody(filepath.Join(o.Dir, "held")); err != nil {
		return nil, fmt.Errorf("open guard: %w", err)
	}
	log, torn, err := evidence.OpenLog(o.LogFile, g.replay)
	if err != nil {
		return nil, fmt.Errorf("open guard: %w", err)
	}
	g.log, g.opened = log, o.Now()
	g.watch = exchange.NewWatch(o.BeatEvery, g.opened)
	g.stood()
	if err := g.begin(torn); err != nil {
		return nil, errors.Join(fmt.Errorf("open guard: %w", err), log.Close())
	}
	return g, nil
}

// replay takes one record of the log into memory; a log of the other lane is refused.
func (g *Guard) replay(r evidence.Record) error {
	if r.Lane != g.o.Lane {
		return fmt.Errorf("the log is of the lane %s", r.Lane)
	}
	return g.memory.apply(r)
}

func (g *Guard) begin(torn int64) error {
	now := g.o.Now()
	if torn > 0 {
		g.o.Log.Warn("a half written record was set aside", "lane", g.o.Lane, "bytes", torn)
		if err := g.log.Append(now, evidence.Record{Event: "torn", Lane: g.o.Lane, Size: int(torn)}); err != nil {
			return err
		}
	}
	start := evidence.Record{Event: "start", Lane: g.o.Lane, Rules: RuleSet}
	if g.log.Tip().N == 0 {
		// There may have been a log before, whose numbers are used.
		start.Epoch = exchange.NextEpoch(now)
	}
	if err := g.log.Append(now, start); err != nil {
		return err
	}
	g.memory.begin(start)
	if err := g.log.Anchor(); err != nil {
		return err
	}
	g.anchored = now
	return errors.Join(g.recall(), g.custody.sweep(g.memory))
}

// Close anchors and closes the log. Run must have ended.
func (g *Guard) Close() error { return g.log.Close() }

// Run judges what comes until ctx ends, then gives nil.
func (g *Guard) Run(ctx context.Context) error {
	var reporter sync.WaitGroup
	defer reporter.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	g.watch.Restart(g.o.Now())
	reporter.Go(func() { g.report(ctx) })
	if g.o.Keys != nil {
		reporter.Go(func() { _ = g.o.Keys.Run(ctx) })
	}
	reporter.Go(func() { g.beats(ctx) })
	if err := g.o.In.Receive(ctx, g.handle); err != nil {
		return fmt.Errorf("receive %s: %w", g.o.Lane, err)
	}
	return nil
}

// early lets an envelope wait for the one before it. Only a genuine one: a forged number would wait for ever, and none
// would hear of it. What was looked at once is known by its digest.
func (g *Guard) early(e exchange.Envelope, h exchange.Head) error {
	if g.awaited[h.Digest] {
		return errEarly
	}
	if _, err := g.o.Ring.Unseal(g.o.Lane, e, g.o.Now()); err != nil {
		return err
	}
	if len(g.awaited) >= maxRecent {
		clear(g.awaited)
	}
	g.awaited[h.Digest] = true
	g.watch.Early(g.memory.in)
	return errEarly
}

// errEarly means that an envelope before this one is missing; the link keeps it until that one came again.
var errEarly = errors.New("an earlier envelope is missing")

// handle does with one envelope what its number asks for: the next is judged, one of before goes on again, a later
// one waits.
func (g *Guard) handle(ctx context.Context, e exchange.Envelope) error {
	if e.IsBeat() {
		if err := g.hear(e); err != nil {
			return g.count(e, err)
		}
		return nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	defer g.stood()
	return g.counted(e, g.place(ctx, e))
}

func (g *Guard) count(e exchange.Envelope, err error) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.counted(e, err)
}

// counted counts what became of an envelope, under the lock.
func (g *Guard) counted(e exchange.Envelope, err error) error {
	switch {
	case errors.Is(err, exchange.ErrAside):
		g.counts.Aside++
		g.o.Log.Error("envelope is not genuine", "lane", g.o.Lane, "epoch", e.Epoch, "seq", e.Seq, "err", err)
	case err != nil:
		g.counts.Waits++
	}
	return err
}

func (g *Guard) place(ctx context.Context, e exchange.Envelope) error {
	h := e.Head()
	_, held := g.memory.held[number(h)]
	if err := errors.Join(g.log.Ready(), g.pay(ctx)); err != nil {
		return err
	}
	if err := g.finish(ctx); err != nil { // what is whole comes first
		return err
	}
	in := g.memory.in
	switch {
	case e.Lane != g.o.Lane || h.Epoch < in.Epoch:
		return fmt.Errorf("%w: of another lane or an old epoch", exchange.ErrAside)
	case h.Epoch == in.Epoch && h.Seq <= in.Seq:
		return g.again(ctx, e, h, held)
	case h.Epoch == in.Epoch && h.Seq > in.Seq+1, h.Epoch > in.Epoch && h.Seq != 1:
		return g.early(e, h)
	}
	u, err := g.o.Ring.Unseal(g.o.Lane, e, g.o.Now())
	if err != nil {
		return err
	}
	before := in.Digest
	if h.Epoch > in.Epoch {
		before = [32]byte{} // the origin was restored and begins anew
	}
	if u.Prev != before {
		return fmt.Errorf("%w: %w", exchange.ErrAside, exchange.ErrChain)
	}
	return g.pass(ctx, e, u)
}

// again handles a number that came before: what is held stays so, and what went on goes on again.
func (g *Guard) again(ctx context.Context, e exchange.Envelope, h exchange.Head, wasHeld bool) error {
	digest, held := g.memory.held[number(h)]
	switch {
	case held && digest != h.Digest:
		return fmt.Errorf("%w: %w", exchange.ErrAside, exchange.ErrReplay)
	case held, wasHeld: // it waits for its file, or went on this very moment
		return nil
	}
	return g.repeat(ctx, e, h)
}

// pass judges an envelope and sends the verdict on; a Part that passes is held.
func (g *Guard) pass(ctx context.Context, e exchange.Envelope, u exchange.Unsealed) error {
	if err := g.paced(u.Header.Kind, g.o.Now()); err != nil {
		return err
	}
	it := &Item{
		Lane: g.o.Lane, Head: u.Head, Header: u.Header, Content: u.Content, Now: g.o.Now(),
		Limits: g.o.Limits, Ring: g.o.Ring, Leaks: g.o.Leaks, memory: g.memory,
	}
	reason, trials, err := judge(g.filters, it)
	if err != nil {
		return err
	}
	g.step("judged")
	r := g.record(it, reason, trials)
	if _, part := it.Document.(exchange.Part); part && reason == exchange.ReasonNone {
		err = g.hold(e, r)
	} else {
		err = g.emit(ctx, u, u.Content, exchange.Verdict{Filters: trials, Refused: reason, Of: r.Of}, r)
	}
	if err != nil {
		return err
	}
	return g.finish(ctx)
}
