package adapters

import (
	"context"
	"errors"
	"slices"
	"time"

	"gatehouse/exchange"
)

// Undo is how long something public can be taken back before it leaves.
const Undo = time.Minute

// Held is something public on its way out. It waits for a second person where the policy says so, then for its undo
// time to run out; until then whoever wrote or released it can take it back.
type Held struct {
	ID      string
	Notice  *exchange.Notice    // to one case; its Release is unsigned and complete
	Message *exchange.Broadcast // or to a list
	Erase   *Erasing            // or a person is to be forgotten
	Steer   *exchange.Control   // or a message on its way is paused, goes on or is cancelled
	Case    string              // record id of Notice, or from which Erase was asked for
	By      string              // staff id of the author
	Second  string              // staff id of who released it
	At      time.Time
	Due     time.Time // leaves then; zero while it waits for a second person
	State   HeldState
	Why     []Why           // why another person must look at it
	Leaks   []exchange.Leak // where, if a leak rule fired; never what
	Said    string          // the second person's reason when they returned it
	Review  *Review         // of what left without a second person
	// Quota is how much of the author's may leave in a day without a second person; above it, Hold makes h wait for
	// one. Zero: no bound. It is not kept.
	Quota int `json:"-"`
}

// Why says what made something wait for another person.
type Why string

// The reasons.
const (
	WhyRight Why = "right" // its author may not release it
	WhyRule  Why = "rule"  // the policy asks for two persons here
	WhyLeak  Why = "leak"  // a leak rule fired
	WhyQuota Why = "quota" // its author let more leave today than one person may
	WhyGate  Why = "gate"  // what was in order when it was written is not any more
)

// Stops tells whether h holds what may not leave, whoever releases it: a mark or a canary.
func (h *Held) Stops() bool { return slices.ContainsFunc(h.Leaks, exchange.Leak.Stops) }

// Review is a look at what left, by another person, afterwards.
type Review struct {
	Kind ReviewKind
	Due  time.Time
	By   string // staff id; empty: not looked at yet
	At   time.Time
	Fine bool
	Note string // required when it is not fine
}

// ReviewKind says why something is looked at again.
type ReviewKind string

// The kinds of reviews.
const (
	Sampled     ReviewKind = "sample"    // one of the few in a hundred
	OfEmergency ReviewKind = "emergency" // each
)

// Erasing asks that everything of a person is deleted: outside at once, inside what no law keeps.
type Erasing struct {
	Forget    exchange.Forget // all that leaves
	Reference string          // of the case from which it was asked for
	Because   string          // stays inside
}

// Document is what h holds.
func (h *Held) Document() exchange.Document {
	switch {
	case h.Message != nil:
		return *h.Message
	case h.Erase != nil:
		return h.Erase.Forget
	case h.Steer != nil:
		return *h.Steer
	}
	return *h.Notice
}

// Reference is the number of the case that h is about; empty: it is about none.
func (h Held) Reference() string {
	switch {
	case h.Erase != nil:
		return h.Erase.Reference
	case h.Notice != nil:
		return h.Notice.Reference
	}
	return ""
}

// Release is where it is written who lets h leave.
func (h *Held) Release() *exchange.Released {
	switch {
	case h.Message != nil:
		return &h.Message.Release
	case h.Erase != nil:
		return &h.Erase.Forget.Release
	case h.Steer != nil:
		return &h.Steer.Release
	}
	return &h.Notice.Release
}

// HeldState says where something held is.
type HeldState string

// The states of something held.
const (
	AwaitsSecond HeldState = "second"  // another person must release it
	Leaving      HeldState = "leaving" // the undo time runs
	Left         HeldState = "left"
	TakenBack    HeldState = "undone" // by its author
	Declined     HeldState = "declined"
	Lapsed       HeldState = "lapsed" // nobody decided in time
)

// Policies of release (a release names one).
const (
	PolicyAuto      = exchange.PolicyAuto
	PolicyClean     = exchange.PolicyClean
	PolicySecond    = exchange.PolicySecond
	PolicyEmergency = exchange.PolicyEmergency
)

// Template names of notices without free text (policy auto). Their words, if any, are in configs/texts under
// console.template.
const (
	TemplateReceived  = "received"
	TemplateInOA      = "in_oa"
	TemplateWithdrawn = "withdrawn"
	TemplateReopened  = "reopened"
	// TemplatePost heads the task to tell a decision by post; it leaves nowhere.
	TemplatePost = "post"
)

// Gate is the last look inside before something goes to the border.
type Gate interface {
	// Release checks that the policy named in d's release allows it, signs it and gives it in canonical form. d is an
	// exchange.Notice, Broadcast or Publication. ErrForbidden when the people named may not let it leave.
	Release(ctx context.Context, d exchange.Document) (exchange.Parcel, error)
	// Approve signs the second person's word, who is named in d's release, and gives d with it. ErrForbidden,
	// ErrSamePerson.
	Approve(ctx context.Context, d exchange.Document) (exchange.Document, error)
}

// Holds keeps what is on its way out.
type Holds interface {
	// Hold stores h with the entry; for a notice the record is marked and apply may change it (a lock renewed).
	// ErrPending when something else waits about that case. An id that is known changes nothing. What would leave
	// over its author's Quota waits for a second person instead. Of one person one erasure waits at a time: ErrPending.
	Hold(ctx context.Context, h Held, e Entry, apply func(*Record) error) error
	// HoldBack stores what the gate did not let out, replacing what has its id.
	HoldBack(ctx context.Context, h Held) error
	// Spend counts one more of a template in the day of now, and tells whether that is within limit.
	Spend(ctx context.Context, template string, limit int, now time.Time) (within bool, err error)
	// Held gives one. ErrNotFound.
	Held(ctx context.Context, id string) (Held, error)
	// Pending lists what has not left: awaiting a second person or leaving, oldest first. What steers a message is not
	// listed: it waits for nobody.
	Pending(ctx context.Context, n int) ([]Held, error)
	// Release is the second person's word: it leaves at due, and its release becomes by, which names them and holds
	// their approval. ErrGone, ErrSamePerson.
	Release(ctx context.Context, id string, by exchange.Released, due time.Time) error
	// TakeBack ends h as TakenBack or Declined, if it has not left at now; the entry's text is the reason. ErrGone.
	TakeBack(ctx context.Context, id, staff string, as HeldState, e Entry, now time.Time) error
	// Lapse ends what waits for a second person since before then: as Lapsed, and the case can be worked on again. It
	// gives how many.
	Lapse(ctx context.Context, then, now time.Time, newID func() string) (int, error)
	// ToReview lists what left and is to be looked at again, the earliest due first.
	ToReview(ctx context.Context, n int) ([]Held, error)
	// Reviewed stores the second look; its By must not be the author (ErrSamePerson). ErrGone when it was looked at.
	Reviewed(ctx context.Context, id string, r Review, e Entry) error
	// Todo counts what waits for who.
	Todo(ctx context.Context, who Staff) (Todo, error)
	// Depart lets notices whose time has come leave the desk: their records change state, the story tells it, and
	// they get the next serials of Decided, all in one transaction. It gives how many.
	Depart(ctx context.Context, now time.Time, newID func() string) (int, error)
	// Decided gives at most n notices with a serial above after, in order, and the last serial given.
	Decided(ctx context.Context, after int64, n int) ([]exchange.Notice, int64, error)
	// Messages gives the broadcasts whose time has come, and before them what steers one; Sent puts one into the down lane and marks it left, in one
	// transaction. ErrGone when it has left or was taken back.
	Messages(ctx context.Context, now time.Time, n int) ([]Held, error)
	Sent(ctx context.Context, id string, p exchange.Parcel) error
	// Forgets gives the erasures whose time has come; Sent lets them go too, and notes that the outside has to confirm.
	Forgets(ctx context.Context, now time.Time, n int) ([]Held, error)
	// TurnBack ends a broadcast or an erasure that the gate did not let out, as Declined. ErrGone when it has left.
	TurnBack(ctx context.Context, id string) error
	// Bulletins lists broadcasts, newest first.
	Bulletins(ctx context.Context, n int) ([]Held, error)
}

// Todo is how much waits for one person.
type Todo struct {
	Second  int64 // to release or return
	Reviews int64 // to look at again
}

// Copy is the record of a document that left.
type Copy struct {
	ID         string // of the parcel
	Kind       exchange.Kind
	Case       string // empty: not about one
	Policy     string
	By, Second string
	At         time.Time
}

// ErrForgotten means that the person was forgotten: what was sealed under their key is gone.
var ErrForgotten = errors.New("the person was forgotten")

// Copies keeps what left, byte for byte, the content sealed under the key of the person it was for. The store makes a
// copy of each document with a release, and of the Parts of its files, in the transaction that puts it into the lane.
type Copies interface {
	// Copies lists what left about a case, newest first; an empty case: everything. Content is not among it.
	Copies(ctx context.Context, caseID string, n int) ([]Copy, error)
	// Copy gives the bytes of one, after the log has who looked. ErrForgotten, ErrNotFound.
	Copy(ctx context.Context, id string, look Read) ([]byte, error)
}

// Factor is a person's second factor: the secret of a time-based code (RFC 6238).
type Factor struct {
	Secret    []byte
	Confirmed bool  // its owner showed that they have it
	Last      int64 // the last time step used
}

// Factors keeps them, sealed.
type Factors interface {
	// Factor gives a person's. ErrNotFound.
	Factor(ctx context.Context, staff string) (Factor, error)
	// SaveFactor stores it, replacing what was there.
	SaveFactor(ctx context.Context, staff string, f Factor) error
	// UseFactor marks a time step used. ErrGone when it or a later one was used before.
	UseFactor(ctx context.Context, staff string, step int64) error
}
