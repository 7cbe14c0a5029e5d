// Package office walks cases from the border to their connectors, and decisions back to the border.
//
// The rule: every step may be repeated. A case is taken in the transaction that marks its arrival handled; it is
// submitted by an errand that is looked for in the system before it is tried again; a decision goes into the down lane
// in the transaction that moves its connector's cursor. A kill between any two lines changes nothing.
package office

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"gatehouse/adapters"
	"gatehouse/exchange"
	"gatehouse/exchange/receipt"
)

// Times and amounts of the loops.
const (
	// Interval is how long a loop sleeps when there was nothing to do.
	Interval = 250 * time.Millisecond
	// lease is how long one errand may take before another office may try it.
	lease = time.Minute
	// batch bounds one round of a loop.
	batch = 50
	// firstDelay and lastDelay bound the time between attempts; it doubles from one to the other.
	firstDelay = 2 * time.Second
	lastDelay  = 10 * time.Minute
)

// Store is what the office needs of the store.
type Store interface {
	adapters.Crossing
	adapters.Files
	adapters.Erasures
	HoldBack(ctx context.Context, h adapters.Held) error
	Lapse(ctx context.Context, then, now time.Time, newID func() string) (int, error)
	Messages(ctx context.Context, now time.Time, n int) ([]adapters.Held, error)
	Forgets(ctx context.Context, now time.Time, n int) ([]adapters.Held, error)
	Sent(ctx context.Context, id string, p exchange.Parcel) error
	TurnBack(ctx context.Context, id string) error
	Outgoing() exchange.Outgoing
	Incoming() exchange.Incoming
}

// Shared is what an office is opened with. Every field but Report is required.
type Shared struct {
	Log   *slog.Logger
	Now   func() time.Time
	NewID func() string
	Store Store
	Gate  adapters.Gate
	// Connectors by their names; Route gives the name of a service's.
	Connectors map[string]adapters.Connector
	Route      func(service string) string
	// Department gives the code of the department that a case belongs to.
	Department func(exchange.Case) string
	// Papers makes decision documents; nil: decisions go as text alone.
	Papers *Papers
	// Leaks tells staff where a leak rule fires (release.Policy.Leaks).
	Leaks func(d exchange.Document) []exchange.Leak
	// LapseAfter is when what nobody released goes back to its author.
	LapseAfter time.Duration
	// Alone: no other process works on this store, so what it leased before it died is free again.
	Alone bool
	// Report takes the extranet's report of a day, to compare it with our own journal; false: this is none. Nil: nobody.
	Report func(ctx context.Context, t exchange.Tally) (bool, error)
	// Sign gives the key that signs receipts of registrations, Facts what both sides know of a case; nil: none are made.
	Sign  receipt.Signer
	Facts func(exchange.Case) exchange.Facts
	// Posted is called after something was put into the down lane; it must not block.
	Posted func()
}

// Office runs the loops.
type Office struct {
	Shared
	bells map[string]chan struct{} // one a loop
}

// Open makes an office.
func Open(s Shared) *Office {
	o := &Office{Shared: s, bells: map[string]chan struct{}{}}
	for _, name := range append([]string{"arrivals", "errands", "messages", "erasures"}, connectorLoops(s.Connectors)...) {
		o.bells[name] = make(chan struct{}, 1)
	}
	return o
}

func connectorLoops(all map[string]adapters.Connector) []string {
	var names []string
	for _, c := range all {
		names = append(names, decisionsOf(c))
	}
	return names
}

func decisionsOf(c adapters.Connector) string { return "decisions of " + c.Name() }

// Wake tells every loop to look at once, because something arrived. It never blocks and may be called at any time.
func (o *Office) Wake() {
	for _, bell := range o.bells {
		select {
		case bell <- struct{}{}:
		default:
		}
	}
}

// Run works until ctx ends and everything begun is finished.
func (o *Office) Run(ctx context.Context) {
	if o.Alone {
		if err := o.Store.Unlease(ctx, o.Now()); err != nil {
			o.Log.Error("leases of before are kept", "err", err)
		}
	}
	var wg sync.WaitGroup
	loop := func(name string, round func(context.Context) (int, error)) {
		wg.Go(func() { o.loop(ctx, name, round) })
	}
	loop("arrivals", o.TakeIn)
	loop("errands", o.Submit)
	loop("messages", o.SendOut)
	loop("erasures", o.Erase)
	wg.Go(func() { o.retiring(ctx) })
	for _, c := range o.Connectors {
		loop(decisionsOf(c), func(ctx context.Context) (int, error) { return o.Collect(ctx, c) })
	}
	wg.Wait()
}

// loop repeats round: at once while there is work, else after Interval, and slower after errors.
func (o *Office) loop(ctx context.Context, name string, round func(context.Context) (int, error)) {
	failures := 0
	for ctx.Err() == nil {
		n, err := round(ctx)
		wait := Interval
		switch {
		case err == nil:
			failures = 0
		case ctx.Err() != nil:
			return
		default:
			failures++
			wait = delay(failures)
			o.Log.Error("a round of the office ended early", "loop", name, "again_in", wait, "err", err)
		}
		if n > 0 && err == nil {
			o.Wake()
			continue
		}
		o.rest(ctx, wait, o.bells[name], err != nil)
	}
}

// rest waits for d, or for the bell unless the round before failed.
func (o *Office) rest(ctx context.Context, d time.Duration, bell <-chan struct{}, failed bool) {
	if failed {
		bell = nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-bell:
	case <-ctx.Done():
	}
}

// delay doubles with each attempt, from firstDelay to lastDelay.
func delay(attempt int) time.Duration {
	d := firstDelay << min(max(attempt-1, 0), 20)
	return min(d, lastDelay)
}

// TakeIn handles what arrived over the border, in order. It gives how many.
func (o *Office) TakeIn(ctx context.Context) (int, error) {
	arrivals, err := o.Store.Incoming().Next(ctx, batch)
	if err != nil {
		return 0, err
	}
	for i, a := range arrivals {
		if err := o.take(ctx, a); err != nil {
			return i, fmt.Errorf("arrival %d: %w", a.Head.Seq, err)
		}
	}
	return len(arrivals), nil
}

func (o *Office) take(ctx context.Context, a exchange.Arrival) error {
	seq := a.Head.Seq
	done := func() error { return o.Store.Incoming().Handled(ctx, []uint64{seq}) }
	if a.Refused != exchange.ReasonNone && a.Of != "" {
		return o.Store.Drop(ctx, seq, a.Of)
	}
	if a.Refused != exchange.ReasonNone {
		return done() // the Ack tells the sender
	}
	doc, err := exchange.Decode(a.Parcel.Kind, a.Parcel.Content)
	if err != nil { // the guard let pass what can't be read: an alarm, and never better on a second look
		o.Log.Error("arrival can't be read", "seq", seq, "kind", a.Parcel.Kind, "err", err)
		return done()
	}
	switch d := doc.(type) {
	case exchange.Case:
		o.Log.Info("case crossed", "case_id", d.ID, "service", d.Service, "files", len(d.Files))
		if err := o.stamps(ctx, d.Receipts, true); err != nil {
			return err
		}
		return o.Store.TakeCase(ctx, seq, d, o.Route(d.Service), o.Now())
	case exchange.Addition:
		if err := o.stamps(ctx, d.Receipts, true); err != nil {
			return err
		}
		return o.Store.TakeAddition(ctx, seq, d, o.Now())
	case exchange.Part:
		if a.Replaced != (exchange.Replaced{}) && d.Number == 1 {
			o.Log.Info("file was rebuilt at the border", "document_id", d.Of, "file_id", d.File, "filter", a.Replaced.Filter)
		}
		return o.Store.TakePart(ctx, seq, d, a.Replaced)
	case exchange.Tally:
		mine, err := o.report(ctx, d)
		if err != nil {
			return err
		}
		if mine {
			return done()
		}
		if h, ok := d.ReceiptHead(); ok {
			if err := o.stamps(ctx, []exchange.Stamp{{Number: h.Number, Digest: h.Digest}}, false); err != nil {
				return err
			}
		}
		return o.Store.TakeTally(ctx, seq, d)
	case exchange.Erasure:
		o.Log.Info("a person is forgotten", "seq", seq)
		return o.Store.Forget(ctx, seq, d, o.Now())
	case exchange.Ack:
		if err := o.Store.Outgoing().Settle(ctx, d); err != nil {
			return err
		}
	case exchange.Heartbeat, exchange.History:
	default:
		o.Log.Warn("nothing is done yet with this kind of document", "seq", seq, "kind", a.Parcel.Kind)
	}
	return done()
}

func (o *Office) report(ctx context.Context, t exchange.Tally) (bool, error) {
	if o.Report == nil {
		return false, nil
	}
	return o.Report(ctx, t)
}

// Submit hands leased errands to their connectors. It gives how many ended.
func (o *Office) Submit(ctx context.Context) (ended int, err error) {
	errands, err := o.Store.Ready(ctx, o.Now(), batch, lease)
	if err != nil {
		return 0, err
	}
	for _, e := range errands {
		if err := ctx.Err(); err != nil {
			return ended, err
		}
		done, err := o.attempt(ctx, e)
		if err != nil {
			return ended, err
		}
		if done {
			ended++
		}
	}
	return ended, nil
}

// attempt runs an errand; one that fails is put off.
func (o *Office) attempt(ctx context.Context, e adapters.Errand) (done bool, err error) {
	failed := o.run(ctx, e)
	if failed == nil {
		return true, nil
	}
	o.Log.Warn("errand put off", "case_id", e.CaseID, "connector", e.Connector, "attempt", e.Attempt, "err", failed)
	return false, o.Store.Later(context.WithoutCancel(ctx), e.ID, o.Now().Add(delay(e.Attempt)), cause(failed))
}

// cause is an error as the operator reads it: connectors keep what is personal out of theirs.
func cause(err error) string {
	s := err.Error()
	return s[:min(len(s), 300)]
}

// run brings one errand to its connector and tells the person.
func (o *Office) run(ctx context.Context, e adapters.Errand) error {
	c := o.Connectors[e.Connector]
	if c == nil {
		return fmt.Errorf("no connector is named %q", e.Connector)
	}
	if e.Addition != nil {
		return o.add(ctx, c, e)
	}
	ref, err := o.register(ctx, c, e)
	if err != nil {
		return err
	}
	say, err := o.receipt(ctx, e, ref)
	if err != nil {
		return err
	}
	if err := o.Store.Done(ctx, e.ID, ref, say, o.Now()); err != nil {
		return err
	}
	o.Posted()
	o.Log.Info("case registered", "case_id", e.CaseID, "connector", e.Connector)
	return nil
}

// register submits a case once: what may have got through before is looked for first.
func (o *Office) register(ctx context.Context, c adapters.Connector, e adapters.Errand) (string, error) {
	if f, ok := c.(adapters.Finder); ok && e.Attempt > 1 {
		ref, found, err := f.Find(ctx, e.CaseID)
		if err != nil {
			return "", fmt.Errorf("find case: %w", err)
		}
		if found {
			return ref, nil
		}
	}
	return c.Submit(ctx, *e.Case, o.Store)
}

// errNoAdditions: an operator must bring what was added to the system by hand.
var errNoAdditions = errors.New("the connector takes no additions")

func (o *Office) add(ctx context.Context, c adapters.Connector, e adapters.Errand) error {
	a, ok := c.(adapters.Adder)
	if !ok {
		return errNoAdditions
	}
	if err := a.Add(ctx, e.Ref, *e.Addition, o.Store); err != nil {
		return err
	}
	say, err := o.addedReceipt(ctx, e)
	if err != nil {
		return err
	}
	if err := o.Store.Done(ctx, e.ID, e.Ref, say, o.Now()); err != nil {
		return err
	}
	if len(say) > 0 {
		o.Posted()
	}
	return nil
}

// received is the template that tells a person that their case is registered.
func (o *Office) received(c exchange.Case) exchange.Notice {
	now := o.Now()
	return exchange.Notice{ID: o.NewID(), Case: c.ID, Reference: c.Reference, State: exchange.Received, Lang: c.Lang,
		Department: o.Department(c), Promise: c.Promise, At: now, Release: exchange.Released{
			Policy: adapters.PolicyAuto, Label: exchange.Releasable, By: adapters.TemplateReceived, At: now}}
}

// Collect puts a connector's new decisions into the down lane. It gives how many.
func (o *Office) Collect(ctx context.Context, c adapters.Connector) (int, error) {
	from, err := o.Store.Cursor(ctx, c.Name())
	if err != nil {
		return 0, err
	}
	notices, next, err := c.Decisions(ctx, from)
	if err != nil || next == from {
		return 0, err
	}
	parcels, cases := make([]exchange.Parcel, 0, len(notices)), make([]string, 0, len(notices))
	var back []adapters.Held
	for _, n := range notices {
		ps, err := o.notice(ctx, n)
		switch {
		case errors.Is(err, adapters.ErrForgotten): // nobody is left to tell
			o.Log.Info("notice to nobody: its person was forgotten", "case_id", n.Case, "notice_id", n.ID)
		case heldBack(err):
			o.Log.Warn("notice held back", "case_id", n.Case, "notice_id", n.ID, "policy", n.Release.Policy, "err", err)
			back = append(back, o.holdBack(n, err))
		case err != nil:
			return 0, fmt.Errorf("release of notice %s: %w", n.ID, err)
		default:
			o.Log.Info("notice released", "case_id", n.Case, "notice_id", n.ID, "state", n.State, "policy", n.Release.Policy)
			parcels, cases = append(parcels, ps...), append(cases, n.Case)
		}
	}
	if err := o.Store.Tell(ctx, c.Name(), from, next, parcels, cases, back); err != nil {
		return 0, err
	}
	o.Posted()
	return len(notices), nil
}

// heldBack tells whether the gate refuses a document for good, as it is: asking again changes nothing.
func heldBack(err error) bool {
	return errors.Is(err, adapters.ErrQuota) || errors.Is(err, adapters.ErrLeak) || errors.Is(err, adapters.ErrForbidden) || errors.Is(err, adapters.ErrSamePerson) || errors.Is(err, adapters.ErrNotFound)
}

// holdBack makes a notice that the gate did not let out wait for a second person: a rule or somebody's right changed
// since it was written, or another system's text needs a look. It gets an id of its own, as what it was is settled.
func (o *Office) holdBack(n exchange.Notice, because error) adapters.Held {
	now := o.Now()
	n.ID = o.NewID()
	n.Release.Policy, n.Release.Second, n.Release.Approval, n.Release.Label = adapters.PolicySecond, "", "", exchange.Releasable
	why := adapters.WhyGate
	if errors.Is(because, adapters.ErrQuota) {
		why = adapters.WhyQuota
	}
	return adapters.Held{ID: n.ID, Notice: &n, Case: n.Case, By: n.Release.By, At: now, State: adapters.AwaitsSecond,
		Why: []adapters.Why{why}, Leaks: o.Leaks(n)}
}

// dated is the document of h, with the moment in which it leaves.
func dated(h adapters.Held, now time.Time) exchange.Document {
	switch {
	case h.Steer != nil:
		c := *h.Steer
		c.At = now
		return c
	default:
		b := *h.Message
		b.At = now
		return b
	}
}

// SendOut puts messages to lists whose time has come into the down lane. It gives how many.
func (o *Office) SendOut(ctx context.Context) (int, error) {
	lapsed, err := o.Store.Lapse(ctx, o.Now().Add(-o.LapseAfter), o.Now(), o.NewID)
	if err != nil {
		return 0, err
	}
	if lapsed > 0 {
		o.Log.Warn("nobody released it in time", "held", lapsed)
	}
	due, err := o.Store.Messages(ctx, o.Now(), batch)
	if err != nil {
		return 0, err
	}
	for _, h := range due {
		p, err := o.Gate.Release(ctx, dated(h, o.Now()))
		if heldBack(err) {
			o.Log.Warn("message returned", "broadcast_id", h.ID, "err", err)
			if err := o.Store.TurnBack(ctx, h.ID); err != nil && !errors.Is(err, adapters.ErrGone) {
				return 0, err
			}
			continue
		}
		if err != nil {
			return 0, fmt.Errorf("release of message %s: %w", h.ID, err)
		}
		if err := o.Store.Sent(ctx, h.ID, p); err != nil && !errors.Is(err, adapters.ErrGone) {
			return 0, err
		}
		o.Posted()
		o.Log.Info("message released", "held_id", h.ID, "kind", p.Kind)
	}
	n, err := o.sendForgets(ctx)
	return len(due) + n, err
}
