package adapters

import (
	"context"
	"io"
	"time"

	"gatehouse/exchange"
)

// Page is one answer in one language at one revision, as its file holds it.
type Page struct {
	Name     string // the answer's id
	Lang     string
	Revision uint64 // 0: the directory's file
	Title    string
	Staff    bool // for staff alone: never crosses
	Body     string
	By, Over string // staff ids of author and approver; empty for revision 0
	At       time.Time
}

// Draft is a change to an answer, in up to all languages, that waits for a second person.
type Draft struct {
	ID     string
	Name   string
	By     string
	At     time.Time
	State  DraftState
	Second string
	Why    string // of the author for the approver, or of the approver for the author when declined
	Staff  bool
	Pages  []Change
}

// Change is a draft's text in one language and the revision that it was written over.
type Change struct {
	Lang  string
	Title string
	Over  uint64
	Body  string
}

// DraftState says where a draft is.
type DraftState string

// The states of a draft.
const (
	Proposed  DraftState = "proposed"
	Published DraftState = "published"
	Rejected  DraftState = "rejected"
)

// Pages keeps the answers: the inside is their author.
type Pages interface {
	// Shelve stores the directory's files as revision 0, replacing what revision 0 was.
	Shelve(ctx context.Context, pages []Page) error
	// Page gives the highest revision of an answer. ErrNotFound.
	Page(ctx context.Context, name, lang string) (Page, error)
	// Shelf lists the highest revision of every answer in lang whose text has all the words; no words: all, by name.
	Shelf(ctx context.Context, lang, words string, limit int) ([]Page, error)
	// Propose stores a draft.
	Propose(ctx context.Context, d Draft) error
	// Drafts lists drafts, newest first; proposed alone, or all.
	Drafts(ctx context.Context, proposed bool, n int) ([]Draft, error)
	// Draft gives one. ErrNotFound.
	Draft(ctx context.Context, id string) (Draft, error)
	// Publish ends a draft: its pages become the next revisions and the parcels go into the down lane, in one
	// transaction. ErrGone when it is settled; ErrMoved when a page has a newer revision than pages were made for.
	Publish(ctx context.Context, id, second string, pages []Page, say []exchange.Parcel) error
	// Reject ends a draft. ErrGone.
	Reject(ctx context.Context, id, second, why string) error
}

// Store is everything that the inside keeps. One struct implements all of it.
type Store interface {
	Crossing
	Records
	Holds
	Pages
	People
	Sessions
	Audit
	Register
	Returns
	Copies
	Erasures
	Eraseable
	Factors
	Files
	// Keep stores a file of the inside (an internal case's), streaming r, and fills in size and SHA-256.
	Keep(ctx context.Context, f exchange.FileRef, r io.Reader) (exchange.FileRef, error)
	// Border tells how the lanes stand.
	Border(ctx context.Context) (Border, error)
	// Outgoing is the down lane's sending end, Incoming the up lane's receiving end.
	Outgoing() exchange.Outgoing
	Incoming() exchange.Incoming
	// Counts are the sums that metrics and tests read.
	Counts(ctx context.Context) (Counts, error)
	// Ping tells whether the store can be written.
	Ping(ctx context.Context) error
	Close() error
}

// Counts are sums over the store.
type Counts struct {
	Errands, Stuck           int64 // not with a connector yet; of these put off more than once
	Open, Late, Unclaimed    int64 // records
	Holding                  int64 // public things that have not left
	ToReview, Overdue        int64 // of what left without a second person; of these past their time
	DownWaiting, DownUnacked int64
	Proposed                 int64
	Reads                    int64
	Backdated                int64 // receipts of the gateway that do not fit to what crossed of its chain before
}
