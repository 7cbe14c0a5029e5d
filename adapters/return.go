package adapters

import (
	"context"
	"slices"
	"time"

	"gatehouse/exchange"
)

// Return is what a record says as the declaration of a company for a period.
type Return struct {
	// Company is its number, Period the name of a period of the service (service.Period); Period may be empty.
	Company, Period string
	// Rows are filed: none is a nil return. Open may still be put right by the company, until OpenUntil.
	Rows, Open int
	OpenUntil  time.Time
	// Kept are the rows that were filed as stated against a rule.
	Kept []KeptRow
}

// KeptRow is a row that was filed as stated against a rule, and what an officer made of it.
type KeptRow struct {
	Number  int
	Row     string // as service.Field.RowText writes it
	At      time.Time
	Due     time.Time // by then an officer has looked
	Verdict RowVerdict
	Why     string
	By      string // staff id
	Held    string // id of the notice that tells it
}

// RowVerdict is what an officer says of a kept row.
type RowVerdict string

// The verdicts. A row that is asked about is still to be decided.
const (
	Undecided   RowVerdict = ""
	AcceptRow   RowVerdict = "accept"
	AskAboutRow RowVerdict = "ask"
	RefuseRow   RowVerdict = "refuse"
)

// RowJudged is an officer's word on one kept row; Why is required but for AcceptRow.
type RowJudged struct {
	Number  int
	Verdict RowVerdict
	Why     string
}

// Waiting are the kept rows that are still to be decided.
func (r *Return) Waiting() (all []KeptRow) {
	if r == nil {
		return nil
	}
	for _, k := range r.Kept {
		if k.Verdict == Undecided || k.Verdict == AskAboutRow {
			all = append(all, k)
		}
	}
	return all
}

// ReviewDue is by when the next kept row is to be looked at; zero: none waits.
func (r *Return) ReviewDue() (due time.Time) {
	for _, k := range r.Waiting() {
		if due.IsZero() || k.Due.Before(due) {
			due = k.Due
		}
	}
	return due
}

// Judge notes verdicts that the notice of that id tells. ErrGone when a row does not wait.
func (r *Return) Judge(all []RowJudged, by, held string) error {
	for _, j := range all {
		i := -1
		if r != nil {
			i = slices.IndexFunc(r.Kept, func(k KeptRow) bool {
				return k.Number == j.Number && (k.Verdict == Undecided || k.Verdict == AskAboutRow)
			})
		}
		if i < 0 {
			return ErrGone
		}
		r.Kept[i].Verdict, r.Kept[i].Why, r.Kept[i].By, r.Kept[i].Held = j.Verdict, j.Why, by, held
	}
	return nil
}

// Unjudge forgets verdicts whose notice did not leave.
func (r *Return) Unjudge(held string) {
	for i := range r.kept() {
		if k := &r.Kept[i]; k.Held == held {
			k.Verdict, k.Why, k.By, k.Held = Undecided, "", "", ""
		}
	}
}

func (r *Return) kept() []KeptRow {
	if r == nil {
		return nil
	}
	return r.Kept
}

// Follow takes over what came with a document about the declaration: how its rows stand, and which of those that it
// brought are kept.
func (r *Return) Follow(rows []exchange.Rows, kept []exchange.KeptRow, brought []string, at, review time.Time) {
	if len(rows) > 0 {
		r.Rows, r.Open, r.OpenUntil = int(rows[0].Filed), int(rows[0].Open), rows[0].Until
	}
	for _, k := range kept {
		row := KeptRow{Number: int(k.Number), At: at, Due: review}
		if k.At >= 1 && k.At <= int64(len(brought)) {
			row.Row = brought[k.At-1]
		}
		r.Kept = append(r.Kept, row)
	}
}

// ReturnLine is one declaration as lists show it.
type ReturnLine struct {
	ID, Reference, Company, Service, Period string
	Filed                                   time.Time
	Rows, Open                              int
	OpenUntil, Review                       time.Time
}

// Returns lists declarations. What was withdrawn is not among them.
type Returns interface {
	// Returned gives what companies declared by a service for periods, the oldest first; nil companies are all.
	Returned(ctx context.Context, service string, companies, periods []string) ([]ReturnLine, error)
	// ReturnsOf gives at most n declarations of a company, the newest first.
	ReturnsOf(ctx context.Context, company string, n int) ([]ReturnLine, error)
	// Tallied gives the newest Tally about something. ErrNotFound.
	Tallied(ctx context.Context, about string) (exchange.Tally, error)
}
