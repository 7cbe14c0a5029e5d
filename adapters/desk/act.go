package desk

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"gatehouse/adapters"
	"gatehouse/exchange"
)

// maxText bounds what staff write into one box, in characters; a notice takes 20,000 (exchange.Notice).
const maxText = 10_000

func isNotFound(err error) bool { return errors.Is(err, adapters.ErrNotFound) }

// work changes a record that who may act on and nobody else holds; it renews their lock.
func (d *Desk) work(ctx context.Context, who adapters.Staff, id string, e adapters.Entry, change func(*adapters.Record) ([]exchange.Notice, error)) error {
	if !who.Has(adapters.Officer) {
		return adapters.ErrForbidden
	}
	now := d.Now()
	if e.ID == "" {
		e.ID = d.NewID()
	}
	e.At, e.By = now, who.ID
	_, err := d.Store.Change(ctx, id, []adapters.Entry{e}, func(r *adapters.Record) ([]exchange.Notice, error) {
		if err := mayWork(who, *r, now); err != nil {
			return nil, err
		}
		r.Changed = now
		return change(r)
	})
	return err
}

func mayWork(who adapters.Staff, r adapters.Record, now time.Time) error {
	switch {
	case !who.MaySee(r.Department):
		return adapters.ErrNotFound
	case !who.MayWork(r.Department):
		return adapters.ErrForbidden
	case r.Lock.Holds(who.ID, now):
		return adapters.ErrLocked
	}
	return nil
}

// lock gives who the case.
func (d *Desk) lock(r *adapters.Record, who adapters.Staff) {
	r.Assignee = who.ID
	r.Lock = adapters.Lock{By: who.ID, Until: d.Now().Add(adapters.LockTime)}
}

// Claim takes the case and locks it. The person hears once that a department has it.
func (d *Desk) Claim(ctx context.Context, who adapters.Staff, id string) error {
	noticeID := d.NewID()
	return d.work(ctx, who, id, adapters.Entry{Kind: adapters.Claimed}, func(r *adapters.Record) ([]exchange.Notice, error) {
		d.lock(r, who)
		if r.State != exchange.Received && r.State != exchange.Reopened {
			return nil, nil
		}
		if r.Internal {
			r.State = exchange.InOA
			return nil, nil
		}
		n := d.notice(*r, noticeID)
		n.State, n.Promise = exchange.InOA, r.Due
		n.Release.By = adapters.TemplateInOA
		return []exchange.Notice{n}, nil
	})
}

// Return gives the case back to the department.
func (d *Desk) Return(ctx context.Context, who adapters.Staff, id string) error {
	return d.work(ctx, who, id, adapters.Entry{Kind: adapters.Returned}, func(r *adapters.Record) ([]exchange.Notice, error) {
		if r.Assignee != who.ID {
			return nil, adapters.ErrForbidden
		}
		r.Assignee, r.Lock = "", adapters.Lock{}
		return nil, nil
	})
}

// Move hands the case to another department.
func (d *Desk) Move(ctx context.Context, who adapters.Staff, id, department, why string) error {
	why, err := text("why", why, true)
	if err != nil {
		return err
	}
	if !d.Known(department) {
		return adapters.Fault{Field: "department", Key: "console.fault.department"}
	}
	e := adapters.Entry{Kind: adapters.Moved, Text: department + ": " + why}
	return d.work(ctx, who, id, e, func(r *adapters.Record) ([]exchange.Notice, error) {
		if r.Held != "" {
			return nil, adapters.ErrPending
		}
		r.Department, r.Assignee, r.Lock = department, "", adapters.Lock{}
		return nil, nil
	})
}

// Note adds what only staff read. A note needs no lock: colleagues may add what they know.
func (d *Desk) Note(ctx context.Context, who adapters.Staff, id, note string) error {
	note, err := text("note", note, true)
	if err != nil {
		return err
	}
	if !who.Has(adapters.Officer, adapters.Releaser) {
		return adapters.ErrForbidden
	}
	e := adapters.Entry{ID: d.NewID(), At: d.Now(), By: who.ID, Kind: adapters.Noted, Text: note}
	_, err = d.Store.Change(ctx, id, []adapters.Entry{e}, func(r *adapters.Record) ([]exchange.Notice, error) {
		if !who.MaySee(r.Department) {
			return nil, adapters.ErrNotFound
		}
		r.Changed = d.Now()
		return nil, nil
	})
	return err
}

// text cleans what staff wrote, so that it may cross, and bounds it.
func text(field, s string, required bool) (string, error) {
	s = strings.TrimSpace(exchange.Normalize(s))
	switch {
	case s == "" && required:
		return "", adapters.Fault{Field: field, Key: "console.fault.empty"}
	case utf8.RuneCountInString(s) > maxText:
		return "", adapters.Fault{Field: field, Key: "console.fault.long"}
	}
	return s, nil
}

// Tell holds a reply, a question or a decision.
func (d *Desk) Tell(ctx context.Context, who adapters.Staff, id string, p adapters.Public) error {
	p, err := checkPublic(p)
	if err != nil {
		return err
	}
	r, err := d.Store.Record(ctx, id)
	if err != nil {
		return err
	}
	if err := mayWork(who, r, d.Now()); err != nil {
		return err
	}
	if r.Internal {
		return d.settle(ctx, who, id, p)
	}
	if !p.Releasable {
		return adapters.Fault{Field: "releasable", Key: "console.fault.label"}
	}
	return d.hold(ctx, who, r, p)
}

// checkPublic tells what keeps a form from being sent.
func checkPublic(p adapters.Public) (adapters.Public, error) {
	decisions := []exchange.Decision{exchange.Granted, exchange.Partly, exchange.Refused, exchange.NoAction}
	if err := checkRows(p.Rows); err != nil {
		return p, err
	}
	var errs [2]error
	words, correct := p.Words, p.Correct
	p.Words, p.Correct = "", 0
	switch p.State {
	case exchange.InOA:
		p.Decision, p.Reason, p.Text = "", "", ""
		p.Words, errs[0] = standing(words)
	case exchange.Decided:
		p.Reason, errs[0] = text("reason", p.Reason, true)
		p.Text, errs[1] = text("text", p.Text, false)
		if !slices.Contains(decisions, p.Decision) {
			return p, adapters.Fault{Field: "decision", Key: "console.fault.decision"}
		}
	case exchange.WaitingYou, "":
		p.Decision, p.Reason = "", ""
		p.Text, errs[0] = text("text", p.Text, true)
		if p.State != "" {
			p.Correct, errs[1] = correct, checkCorrect(correct, p.Promise)
		}
	default:
		return p, adapters.Fault{Field: "state", Key: "console.fault.decision"}
	}
	return p, errors.Join(errs[:]...)
}

// checkRows tells what is wrong with a word on kept rows: whoever is refused or asked is told why.
func checkRows(all []adapters.RowJudged) error {
	for _, j := range all {
		switch {
		case j.Verdict != adapters.AcceptRow && j.Verdict != adapters.AskAboutRow && j.Verdict != adapters.RefuseRow:
			return adapters.Fault{Field: "rows", Key: "console.fault.decision"}
		case j.Verdict != adapters.AcceptRow && strings.TrimSpace(j.Why) == "":
			return adapters.Fault{Field: "rows", Key: "console.fault.row_why"}
		}
	}
	return nil
}

// standing cleans the words for where a case stands.
func standing(s string) (string, error) {
	s = strings.Trim(exchange.NormalizeLine(s), " .")
	switch {
	case s == "":
		return "", adapters.Fault{Field: "words", Key: "console.fault.empty"}
	case utf8.RuneCountInString(s) > adapters.MaxWords:
		return "", adapters.Fault{Field: "words", Key: "console.fault.long"}
	}
	return s, nil
}

// checkCorrect tells what is wrong with a number of rows to correct: it needs the date until when.
func checkCorrect(n int, until time.Time) error {
	switch {
	case n < 0 || n > exchange.MaxCorrect:
		return adapters.Fault{Field: "correct", Key: "console.fault.rows"}
	case n > 0 && until.IsZero():
		return adapters.Fault{Field: "promise", Key: "console.fault.day"}
	}
	return nil
}

// settle ends an internal case, or adds a line to it: nothing leaves.
func (d *Desk) settle(ctx context.Context, who adapters.Staff, id string, p adapters.Public) error {
	e := adapters.Entry{ID: p.ID, Kind: adapters.Settled, Text: strings.TrimSpace(p.Reason + "\n" + p.Text)}
	return d.work(ctx, who, id, e, func(r *adapters.Record) ([]exchange.Notice, error) {
		d.lock(r, who)
		if p.State != "" {
			r.State, r.Decision = p.State, p.Decision
		}
		return nil, nil
	})
}

// Open registers an internal case.
func (d *Desk) Open(ctx context.Context, who adapters.Staff, q adapters.Inquiry) (string, error) {
	if !who.Has(adapters.Officer, adapters.Publisher) {
		return "", adapters.ErrForbidden
	}
	if !d.Known(q.Department) {
		return "", adapters.Fault{Field: "department", Key: "console.fault.department"}
	}
	subject, errSubject := text("subject", exchange.NormalizeLine(q.Subject), true)
	body, errBody := text("text", q.Text, true)
	if err := errors.Join(errSubject, errBody); err != nil {
		return "", err
	}
	now := d.Now()
	c := exchange.Case{ID: q.ID, Reference: exchange.NewReference(), Service: "internal", Lang: "en", Channel: "console",
		FiledAt: now, Promise: q.Due, Party: who.ID, Name: who.Name + " (" + who.Department + ")", Text: subject + "\n\n" + body, Files: q.Files}
	r := adapters.Record{Case: c, Internal: true, State: exchange.Received, Department: q.Department, Due: q.Due, Opened: now, Changed: now}
	first := adapters.Entry{ID: d.NewID(), At: now, By: who.ID, Kind: adapters.Filed}
	if _, err := d.Store.Register(ctx, r, first); err != nil {
		return "", err
	}
	return q.ID, nil
}
