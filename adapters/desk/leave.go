package desk

import (
	"context"
	"fmt"
	"time"

	"gatehouse/adapters"
	"gatehouse/exchange"
)

// hold freezes what will be told. The policy says whether it goes on its author's word, or another person must look.
func (d *Desk) hold(ctx context.Context, who adapters.Staff, r adapters.Record, p adapters.Public) error {
	now := d.Now()
	n := d.notice(r, p.ID)
	n.State, n.Decision, n.Reason, n.Text, n.Promise = p.State, p.Decision, p.Reason, p.Text, p.Promise
	n.Words, n.Correct = p.Words, p.Correct
	n.Release.By = who.ID
	if err := n.Check(); err != nil {
		return fmt.Errorf("notice: %w", err)
	}
	story, err := d.Store.Story(ctx, r.ID())
	if err != nil {
		return err
	}
	h := adapters.Held{ID: p.ID, Notice: &n, Case: r.ID(), By: who.ID, At: now}
	v := d.Policy.Judge(adapters.Outward{Doc: n, Who: who, Record: &r, Story: story, Emergency: p.Emergency}, now)
	if err := d.settleFor(ctx, who, &h, v, p.Code); err != nil {
		return err
	}
	e := adapters.Entry{ID: d.NewID(), At: now, By: who.ID, Kind: adapters.Drafted}
	return d.Store.Hold(ctx, h, e, func(r *adapters.Record) error {
		if err := mayWork(who, *r, now); err != nil {
			return err
		}
		d.lock(r, who)
		r.Changed = now
		return r.Return.Judge(p.Rows, who.ID, p.ID)
	})
}

// settleFor makes h wait or leave as the verdict says. An emergency needs the right, a text without marks and canaries,
// and the second factor; the same form sent twice needs no second code.
func (d *Desk) settleFor(ctx context.Context, who adapters.Staff, h *adapters.Held, v adapters.Verdict, code string) error {
	h.Why, h.Leaks, h.Review, h.Quota = v.Why, v.Leaks, v.Review, v.Quota
	h.Release().Policy = v.Policy
	switch v.Policy {
	case adapters.PolicyClean:
		h.State, h.Due = adapters.Leaving, h.At.Add(d.UndoTime)
	case adapters.PolicyEmergency:
		if !who.Has(adapters.Emergency) {
			return adapters.ErrForbidden
		}
		if h.Stops() {
			return adapters.Fault{Field: "text", Key: "console.fault.stops"}
		}
		h.State, h.Due = adapters.Leaving, h.At
		if _, err := d.Store.Held(ctx, h.ID); err == nil {
			return nil
		}
		return d.Factor.Check(ctx, who, code)
	default:
		h.State, h.Due = adapters.AwaitsSecond, time.Time{}
	}
	return nil
}

// Undo takes back what has not left.
func (d *Desk) Undo(ctx context.Context, who adapters.Staff, heldID string) error {
	h, err := d.Store.Held(ctx, heldID)
	if err != nil {
		return err
	}
	if who.ID != h.By && who.ID != h.Second {
		return adapters.ErrForbidden
	}
	return d.takeBack(ctx, who, h, adapters.TakenBack, "")
}

func (d *Desk) takeBack(ctx context.Context, who adapters.Staff, h adapters.Held, as adapters.HeldState, why string) error {
	now := d.Now()
	e := adapters.Entry{ID: d.NewID(), At: now, By: who.ID, Kind: adapters.Undone, Text: why}
	return d.Store.TakeBack(ctx, h.ID, who.ID, as, e, now)
}

// maySecond tells whether who may be the second person for h.
func (d *Desk) maySecond(ctx context.Context, who adapters.Staff, h adapters.Held) error {
	switch {
	case h.Message != nil && !who.Has(adapters.Approver), h.Message == nil && !who.Has(adapters.Releaser):
		return adapters.ErrForbidden
	case who.ID == h.By:
		return adapters.ErrSamePerson
	case h.Message != nil:
		return nil
	}
	r, err := d.Store.Record(ctx, h.Case)
	if err == nil && !who.MaySee(r.Department) {
		return adapters.ErrNotFound
	}
	return err
}

// Release is the second person's yes.
func (d *Desk) Release(ctx context.Context, who adapters.Staff, heldID string) error {
	h, err := d.Store.Held(ctx, heldID)
	if err != nil {
		return err
	}
	if err := d.maySecond(ctx, who, h); err != nil {
		return err
	}
	if h.Stops() {
		return adapters.Fault{Field: "release", Key: "console.fault.stops"}
	}
	now := d.Now()
	r := h.Release()
	r.Policy, r.Second, r.At = adapters.PolicySecond, who.ID, now
	approved, err := d.Gate.Approve(ctx, h.Document())
	if err != nil {
		return err
	}
	by, _ := exchange.ReleaseOf(approved)
	return d.Store.Release(ctx, heldID, by, now.Add(d.UndoTime))
}

// Decline is the second person's no, with its reason.
func (d *Desk) Decline(ctx context.Context, who adapters.Staff, heldID, why string) error {
	why, err := text("why", why, true)
	if err != nil {
		return err
	}
	h, err := d.Store.Held(ctx, heldID)
	if err != nil {
		return err
	}
	if h.State != adapters.AwaitsSecond {
		return adapters.ErrGone
	}
	if err := d.maySecond(ctx, who, h); err != nil {
		return err
	}
	return d.takeBack(ctx, who, h, adapters.Declined, why)
}

// Review is another person's look at what left.
func (d *Desk) Review(ctx context.Context, who adapters.Staff, heldID string, fine bool, note string) error {
	note, err := text("note", note, !fine)
	if err != nil {
		return err
	}
	h, err := d.Store.Held(ctx, heldID)
	if err != nil {
		return err
	}
	if err := d.maySecond(ctx, who, h); err != nil {
		return err
	}
	now := d.Now()
	e := adapters.Entry{ID: d.NewID(), At: now, By: who.ID, Kind: adapters.Reviewed, Text: note}
	return d.Store.Reviewed(ctx, heldID, adapters.Review{By: who.ID, At: now, Fine: fine, Note: note}, e)
}

// Steer lets word about a message leave at once: pause, resume or cancel.
func (d *Desk) Steer(ctx context.Context, who adapters.Staff, messageID, act, id string) error {
	if !who.Has(adapters.Publisher, adapters.Approver) {
		return adapters.ErrForbidden
	}
	h, err := d.Store.Held(ctx, messageID)
	if err != nil {
		return err
	}
	if h.Message == nil {
		return adapters.ErrNotFound
	}
	if h.State != adapters.Left {
		return adapters.ErrGone
	}
	now := d.Now()
	c := exchange.Control{ID: id, Broadcast: messageID, Act: act, At: now,
		Release: exchange.Released{Policy: adapters.PolicyClean, Label: exchange.Releasable, By: who.ID, At: now}}
	if err := c.Check(); err != nil {
		return fmt.Errorf("steer message: %w", err)
	}
	return d.Store.Hold(ctx, adapters.Held{ID: id, Steer: &c, By: who.ID, At: now, Due: now, State: adapters.Leaving}, adapters.Entry{}, nil)
}

// AskErasure holds the erasure of a case's person for a second person.
func (d *Desk) AskErasure(ctx context.Context, who adapters.Staff, caseID, id, because string) error {
	because, err := text("because", because, true)
	if err != nil {
		return err
	}
	r, err := d.Store.Record(ctx, caseID)
	switch {
	case err != nil:
		return err
	case !who.MaySee(r.Department):
		return adapters.ErrNotFound
	case !who.MayWork(r.Department):
		return adapters.ErrForbidden
	case r.Internal || r.Case.Party == "":
		return adapters.Fault{Field: "because", Key: "console.fault.nobody"}
	}
	now := d.Now()
	f := exchange.Forget{ID: id, Party: r.Case.Party, At: now, Release: exchange.Released{Policy: adapters.PolicySecond, Label: exchange.Releasable, By: who.ID, At: now}}
	if err := f.Check(); err != nil {
		return fmt.Errorf("erasure: %w", err)
	}
	h := adapters.Held{ID: id, Erase: &adapters.Erasing{Forget: f, Reference: r.Case.Reference, Because: because}, Case: r.ID(), By: who.ID, At: now,
		State: adapters.AwaitsSecond, Why: []adapters.Why{adapters.WhyRule}}
	return d.Store.Hold(ctx, h, adapters.Entry{ID: d.NewID(), At: now, By: who.ID, Kind: adapters.Erase, Text: because}, nil)
}

// priorityEmergency is the priority of a message that may leave on one person's word.
const priorityEmergency = "emergency"

// Send holds a message to a list for its second person.
func (d *Desk) Send(ctx context.Context, who adapters.Staff, b exchange.Broadcast, code string) error {
	if !who.Has(adapters.Publisher) {
		return adapters.ErrForbidden
	}
	now := d.Now()
	b.At = now
	b.Release = exchange.Released{Label: exchange.Releasable, By: who.ID, At: now}
	if err := b.Check(); err != nil {
		return fmt.Errorf("message: %w", err)
	}
	h := adapters.Held{ID: b.ID, Message: &b, By: who.ID, At: now}
	alone := b.Priority == priorityEmergency && code != ""
	if err := d.settleFor(ctx, who, &h, d.Policy.Judge(adapters.Outward{Doc: b, Who: who, Emergency: alone}, now), code); err != nil {
		return err
	}
	return d.Store.Hold(ctx, h, adapters.Entry{}, nil)
}
