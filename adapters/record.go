package adapters

import (
	"context"
	"time"

	"gatehouse/exchange"
)

// Record is a case as the inside works on it.
type Record struct {
	Case       exchange.Case
	Internal   bool // submitted by a department, not by a citizen: nothing about it leaves
	State      exchange.State
	Decision   exchange.Decision
	Department string // code
	Assignee   string // staff id; empty: nobody's
	Lock       Lock
	Due        time.Time
	Opened     time.Time // when it was registered here
	Changed    time.Time
	Raised     time.Time // when a promise to the person was missed and nothing was told since; zero: never
	Held       string    // id of what waits to leave about it; empty: nothing
	Return     *Return   // what it says as a company's declaration; nil: it is none
}

// ID is the case's.
func (r Record) ID() string { return r.Case.ID }

// Closed tells whether nothing is left to do.
func (r Record) Closed() bool { return r.State == exchange.Decided }

// Late tells whether the promise to the person is missed.
func (r Record) Late(now time.Time) bool {
	return !r.Closed() && !r.Due.IsZero() && now.After(r.Due)
}

// Follow takes over what a notice tells the person.
func (r *Record) Follow(n exchange.Notice) {
	if n.State != "" {
		r.State = n.State
		r.Decision = n.Decision
	}
	if !n.Promise.IsZero() {
		r.Due = n.Promise
	}
	r.Raised = time.Time{}
	r.Changed = n.At
}

// Lock is one person's hold on a case, so that two people don't answer one citizen.
type Lock struct {
	By    string // staff id
	Until time.Time
}

// LockTime is how long a claim holds a case when its holder does nothing more; every act renews it.
const LockTime = 30 * time.Minute

// Holds tells whether somebody else than staff holds the case at now.
func (l Lock) Holds(staff string, now time.Time) bool {
	return l.By != "" && l.By != staff && now.Before(l.Until)
}

// Entry is one line of a record's story.
type Entry struct {
	ID   string
	Case string
	At   time.Time
	// By is a staff id, or ByPerson, ByOffice or ByGateway.
	By     string
	Kind   EntryKind
	Public bool // the person wrote it, or reads it
	Text   string
	Add    *exchange.Addition // of kind Added or Reported
	Notice *exchange.Notice   // of kind Told
}

// Who writes an entry besides staff.
const (
	ByPerson  = "person"
	ByOffice  = "office"
	ByGateway = "gateway"
)

// Addition is the entry of what came from outside: the person's own words, or a report of the gateway, which the person
// neither wrote nor reads.
func Addition(a exchange.Addition) Entry {
	e := Entry{ID: a.ID, At: a.At, By: ByPerson, Kind: Added, Public: true, Text: a.Text, Add: &a}
	if a.Act.ByGateway() {
		e.By, e.Kind, e.Public = ByGateway, Reported, false
	}
	return e
}

// EntryKind says what happened.
type EntryKind string

// What can happen to a record.
const (
	Filed    EntryKind = "filed"
	Added    EntryKind = "added"    // by the person, from outside
	Reported EntryKind = "reported" // by the gateway: what became of what was to be told; no word of the person
	Claimed  EntryKind = "claimed"  // somebody took it
	Returned EntryKind = "returned" // and gave it back
	Moved    EntryKind = "moved"    // to another department
	Noted    EntryKind = "noted"    // an internal note
	Drafted  EntryKind = "drafted"  // something public waits to leave
	Undone   EntryKind = "undone"   // it was taken back in time
	Told     EntryKind = "told"     // it left
	Settled  EntryKind = "settled"  // an internal case was decided
	Lapse    EntryKind = "lapsed"   // nobody released it in time
	Forgot   EntryKind = "forgot"   // the person was forgotten; what is left is what the law keeps
	Erase    EntryKind = "erase"    // the person is to be forgotten; it waits to leave
	Reviewed EntryKind = "reviewed" // another person looked at what left
)

// Sort orders a list of records.
type Sort string

// The orders.
const (
	ByDue    Sort = "due"
	ByNewest Sort = "newest"
	ByReview Sort = "review" // by when kept rows are to be looked at
)

// Filter chooses records. Zero fields choose all; Departments limits what the person may see: nil is none, a "*" all.
type Filter struct {
	Departments []string
	Department  string
	Assignee    string
	Unassigned  bool
	Open        bool // not decided
	State       exchange.State
	Words       string
	Company     string // number of the company that declares
	Kept        bool   // with rows that were filed as stated and wait for an officer
	Sort        Sort
	Limit       int // at most MaxList, which is also the default
	Skip        int
}

// MaxList bounds a page of a list, MaxCount what is counted: more is some thousand.
const (
	MaxList  = 100
	MaxCount = 1000
)

// Records keeps the built-in desk's cases.
type Records interface {
	// Register stores a new record and its first entry. False: the case is known, nothing changed.
	Register(ctx context.Context, r Record, first Entry) (fresh bool, err error)
	// Record gives one. ErrNotFound.
	Record(ctx context.Context, id string) (Record, error)
	// ByReference gives the record with that public reference. ErrNotFound.
	ByReference(ctx context.Context, reference string) (Record, error)
	// Story gives a record's entries, oldest first.
	Story(ctx context.Context, id string) ([]Entry, error)
	// List gives the records that the filter chooses, and whether there are more.
	List(ctx context.Context, f Filter) (page []Record, more bool, err error)
	// Count tells how many the filter chooses, whichever page; above MaxCount it is MaxCount + 1.
	Count(ctx context.Context, f Filter) (int, error)
	// Change reads a record, lets apply change it, and stores it with the entries, in one transaction; the notices
	// that apply gives, templates all, leave the desk with it. apply does nothing else and may run again; its error
	// stores nothing and comes back. An entry whose ID is known: nothing changes, and the answer is the record as
	// it is.
	Change(ctx context.Context, id string, entries []Entry, apply func(*Record) ([]exchange.Notice, error)) (Record, error)
}
