// Package desk is the built-in connector: cases are worked on in the office's own store, from the console.
//
// The rule: staff never write to the store; they act through a Desk, which checks who they are first. Nothing public
// leaves before its undo time is over, and nothing that its author may not release alone leaves without a second
// person.
package desk

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"gatehouse/adapters"
	"gatehouse/exchange"
)

// Name is the desk's as a connector: `connector: desk` in a service's file.
const Name = "desk"

// maxDecisions bounds one answer of Decisions.
const maxDecisions = 100

// Store is what the desk keeps its cases in.
type Store interface {
	adapters.Records
	adapters.Holds
	adapters.Eraseable
}

// Shared is what a desk is opened with. Every field is required.
type Shared struct {
	Store Store
	Gate  adapters.Gate
	// Policy decides how what is written may leave; Factor proves who asks for an emergency.
	Policy adapters.Policy
	Factor adapters.SecondFactor
	Now    func() time.Time
	NewID  func() string
	// UndoTime is how long something public waits before it leaves (adapters.Undo).
	UndoTime time.Duration
	// Department gives the code of the department that a case belongs to.
	Department func(exchange.Case) string
	// Known tells whether there is a department with that code.
	Known func(department string) bool
	// Until tells how long the law keeps a case of a service that ended at end.
	Until func(service string, end time.Time) time.Time
	// Returned gives what a record says as a company's declaration, once a was added to it; nil for a: as it is filed.
	// nil: it is none.
	Returned func(r adapters.Record, a *exchange.Addition) *adapters.Return
	// Words gives the text of a template in a language; empty: it has none.
	Words func(template, lang string) string
}

// Desk is the connector. Its methods are safe for concurrent use.
type Desk struct{ Shared }

var (
	_ adapters.Connector = (*Desk)(nil)
	_ adapters.Adder     = (*Desk)(nil)
	_ adapters.Eraser    = (*Desk)(nil)
	_ adapters.Retirer   = (*Desk)(nil)
	_ adapters.Working   = (*Desk)(nil)
)

// Open makes a desk.
func Open(s Shared) *Desk { return &Desk{s} }

// Name is "desk".
func (d *Desk) Name() string { return Name }

// Submit puts a case on the desk; its number here is its ID, so that a second Submit finds it there.
func (d *Desk) Submit(ctx context.Context, c exchange.Case, _ adapters.Files) (string, error) {
	now := d.Now()
	r := adapters.Record{Case: c, State: exchange.Received, Department: d.Department(c), Due: c.Promise, Opened: now, Changed: now}
	r.Return = d.Returned(r, nil)
	first := adapters.Entry{ID: d.NewID(), At: c.FiledAt, By: adapters.ByPerson, Kind: adapters.Filed, Public: true}
	if _, err := d.Store.Register(ctx, r, first); err != nil {
		return "", fmt.Errorf("submit to desk: %w", err)
	}
	return c.ID, nil
}

// Find tells whether the case is on the desk.
func (d *Desk) Find(ctx context.Context, caseID string) (string, bool, error) {
	r, err := d.Store.Record(ctx, caseID)
	if isNotFound(err) {
		return "", false, nil
	}
	return r.ID(), err == nil, err
}

// Decisions gives what has left the desk after the cursor, the decimal serial of the last notice.
func (d *Desk) Decisions(ctx context.Context, cursor string) ([]exchange.Notice, string, error) {
	after, err := strconv.ParseInt("0"+cursor, 10, 64)
	if err != nil {
		return nil, cursor, fmt.Errorf("cursor of desk: %w", err)
	}
	if _, err := d.Store.Depart(ctx, d.Now(), d.NewID); err != nil {
		return nil, cursor, fmt.Errorf("let notices leave the desk: %w", err)
	}
	notices, last, err := d.Store.Decided(ctx, after, maxDecisions)
	if err != nil || len(notices) == 0 {
		return nil, cursor, err
	}
	return notices, strconv.FormatInt(last, 10), nil
}

// Add puts what the person added into the story, or what the gateway reports, and lets the case follow it.
func (d *Desk) Add(ctx context.Context, ref string, a exchange.Addition, _ adapters.Files) error {
	id := d.NewID()
	r, err := d.Store.Change(ctx, ref, []adapters.Entry{adapters.Addition(a)}, func(r *adapters.Record) ([]exchange.Notice, error) {
		return d.follow(r, a, id), nil
	})
	if err == nil && a.Act == exchange.ActPost {
		err = d.post(ctx, r, a)
	}
	if err != nil {
		return fmt.Errorf("add to case: %w", err)
	}
	return nil
}

// postWithin is by when a decision that came back is to be in the post.
const postWithin = 24 * time.Hour

// post opens the task to tell a decision by post, with the department that decided. The addition's id is the task's, so
// that a repeat opens no second one.
func (d *Desk) post(ctx context.Context, r adapters.Record, a exchange.Addition) error {
	now := d.Now()
	task := adapters.Record{Internal: true, State: exchange.Received, Department: r.Department, Due: now.Add(postWithin), Opened: now, Changed: now,
		Case: exchange.Case{ID: a.ID, Reference: exchange.NewReference(), Service: "internal", Lang: "en", Channel: "console", FiledAt: now,
			Promise: now.Add(postWithin), Party: adapters.ByOffice, Text: r.Case.Reference + ": " + d.Words(adapters.TemplatePost, "en")}}
	first := adapters.Entry{ID: d.NewID(), At: now, By: adapters.ByOffice, Kind: adapters.Filed}
	_, err := d.Store.Register(ctx, task, first)
	return err
}

// follow changes a record as an addition demands, and tells the person when that is a new state.
func (d *Desk) follow(r *adapters.Record, a exchange.Addition, id string) []exchange.Notice {
	now := d.Now()
	r.Changed = now
	r.Return = d.Returned(*r, &a)
	n := d.notice(*r, id)
	switch {
	case a.Act == exchange.ActWithdraw && !r.Closed():
		n.State, n.Decision = exchange.Decided, exchange.Withdrawn
		n.Release.By = adapters.TemplateWithdrawn
		n.Reason = d.Words(adapters.TemplateWithdrawn, r.Case.Lang)
	case a.Act == exchange.ActReopen && r.Closed():
		n.State = exchange.Reopened
		n.Release.By = adapters.TemplateReopened
	case a.Act == exchange.ActReply && r.State == exchange.WaitingYou:
		n.State = exchange.InOA
		n.Release.By = adapters.TemplateInOA
	case a.Act == exchange.ActRaise && !r.Closed():
		r.Raised = now // the date that was missed stays: the case stands at the top
		return nil
	default:
		return nil
	}
	return []exchange.Notice{n}
}

// notice is the beginning of every notice about a record: a template's, released by itself.
func (d *Desk) notice(r adapters.Record, id string) exchange.Notice {
	now := d.Now()
	return exchange.Notice{ID: id, Case: r.ID(), Reference: r.Case.Reference, Lang: r.Case.Lang, Department: r.Department,
		At: now, Release: exchange.Released{Policy: adapters.PolicyAuto, Label: exchange.Releasable, At: now}}
}
