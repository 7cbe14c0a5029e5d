// Package broadcast is the recipients' ledger of what staff send to many: who is told, where, in which words, when, and
// what became of it.
//
// A broadcast from inside becomes a Campaign. Its audience is written into the ledger page by page, one row a Recipient,
// before anything is sent; rows are then owed to a channel in small portions, so that memory does not grow with the
// audience, and a pause, a cancellation or a STOP reaches everybody who was not told yet.
//
// The rule: the ledger alone is the truth. Every number that anybody sees is a sum over its rows; every change of a row is
// one transaction with what caused it, and safe to repeat.
package broadcast

import (
	"context"
	"errors"
	"time"

	"gatehouse/channels"
	"gatehouse/exchange"
	"gatehouse/gateway"
)

// State is where one recipient stands.
type State string

// The states. The first final one stays.
const (
	Queued    State = "queued"    // in the ledger; owed to no address, or to the next one
	Sending   State = "sending"   // owed to an address: it waits for its turn, is being sent or tried again
	Accepted  State = "accepted"  // a carrier took it; many say nothing more
	Delivered State = "delivered" // final: the carrier says that it arrived
	Bounced   State = "bounced"   // final: nobody is at any of the addresses
	Failed    State = "failed"    // final: given up, for the Reason
	Skipped   State = "skipped"   // final: never sent, for the Reason
)

// Final tells whether nothing more will happen.
func (s State) Final() bool { return s == Delivered || s == Bounced || s == Failed || s == Skipped }

// States are all of them, in the order of a recipient's way. Their numbers are stored.
func States() []State {
	return []State{Queued, Sending, Accepted, Delivered, Bounced, Failed, Skipped}
}

// Reason is why a recipient was skipped, or failed: one of these, or a channels.Kind.
type Reason string

// The reasons of our own.
const (
	OptedOut  Reason = "opted_out"  // said STOP on every address
	NoConsent Reason = "no_consent" // left the list meanwhile
	NoAddress Reason = "no_address" // no channel that carries it reaches them
	NoText    Reason = "no_text"    // there is no body for their channel
	Expired   Reason = "expired"    // its time was over before their turn
	Cancelled Reason = "cancelled"  // taken back before their turn
	Merged    Reason = "merged"     // the person got it under another contact, which is theirs too
	Unknown   Reason = "gone"       // was forgotten meanwhile
	// Uncertain: a crash lost the carrier's answer, and the policy is rather none than two.
	Uncertain Reason = "uncertain"
)

// Phase is where a whole broadcast stands.
type Phase string

// The phases.
const (
	Running Phase = "running" // written into the ledger and sent, as far as its time has come
	Paused  Phase = "paused"  // nothing new is sent until it goes on
	Halted  Phase = "halted"  // paused by the gateway itself: too many bounce
	Stopped Phase = "stopped" // cancelled; what was sent stays
	Ended   Phase = "ended"   // every recipient is told, or never will be
)

// Phases are all of them. Their numbers are stored.
func Phases() []Phase { return []Phase{Running, Paused, Halted, Stopped, Ended} }

// Policies of a broadcast for a message whose carrier's answer was lost.
const (
	Once  = "once"  // rather "uncertain" than twice
	Reach = "reach" // rather twice than never
)

// Campaign is a broadcast that is being carried out.
type Campaign struct {
	Number    int64 // of the store's
	Broadcast exchange.Broadcast
	Phase     Phase
	Arrived   time.Time
	// Pages is how many pages of the ledger are written; Cursor is where the audience goes on; Expanded: all of it is.
	Pages    int
	Cursor   string
	Expanded bool
	// Told is when counts last crossed.
	Told time.Time
	// Insisted: somebody let it go on although it was Halted; it is not halted again.
	Insisted bool
}

// Urgent tells whether it is an emergency.
func (c Campaign) Urgent() bool { return c.Broadcast.Priority == exchange.PriorityEmergency }

// Policy is Once or Reach: its own, or reach for an emergency and once for all else.
func (c Campaign) Policy() string {
	switch {
	case c.Broadcast.Policy != "":
		return c.Broadcast.Policy
	case c.Urgent():
		return Reach
	}
	return Once
}

// Recipient is a row of the ledger as it comes up to be sent.
type Recipient struct {
	Contact gateway.Contact // its Reaches are those that the audience's rule allows
	State   State
	Reason  Reason // of the last address that failed
	Attempt int    // how many addresses were tried
	Tried   []channels.Address
}

// Verdict is what becomes of a row.
type Verdict struct {
	Contact string
	Channel string // where it is going; empty: nowhere
	State   State
	Reason  Reason
	// Again is when the row comes up once more, if it stays Queued.
	Again time.Time
	// Delivery is what is owed; nil unless State is Sending.
	Delivery *gateway.Delivery
}

// Sum is how many rows of a ledger are alike.
type Sum struct {
	State   State
	Channel string
	Reason  Reason
	Rows    int64
}

// Portion bounds the rows of one page, and of one step that owes them.
const Portion = 200

// ErrMoved means that another gateway wrote the page, or the phase changed: look again.
var ErrMoved = errors.New("the ledger moved on")

// Ledger keeps campaigns and recipients. Every call is one transaction.
type Ledger interface {
	// Open stores a broadcast and marks its arrival handled. One that is known changes nothing.
	Open(ctx context.Context, b exchange.Broadcast, arrival uint64) error
	// Steer pauses, resumes or cancels, and marks the arrival handled. What has ended is not steered any more.
	Steer(ctx context.Context, c exchange.Control, arrival uint64) error
	// Campaigns gives those that are not Ended, or were told of since, emergencies first, then by age.
	Campaigns(ctx context.Context, since time.Time) ([]Campaign, error)
	// Audience gives at most n of those whom the audience's rule names, after a cursor, and the cursor after them; empty:
	// that was all.
	Audience(ctx context.Context, b exchange.Broadcast, after string, n int) (page []gateway.Contact, next string, err error)
	// Expand writes a page. It goes on at next; empty: the audience is whole. ErrMoved when c's page was written already.
	Expand(ctx context.Context, c Campaign, rows []Verdict, next string) error
	// Sending is how many rows are owed to each channel now.
	Sending(ctx context.Context, c Campaign) (map[string]int, error)
	// Due gives at most n queued rows for a channel whose time has come.
	Due(ctx context.Context, c Campaign, channel string, now time.Time, n int) ([]Recipient, error)
	// Apply carries verdicts out: rows that are Queued still take them, with what they owe. ErrMoved when the phase is
	// another than c's; only of a Running one is anything owed.
	Apply(ctx context.Context, c Campaign, all []Verdict) error
	// Withdraw takes back at most n messages of a Stopped campaign that are owed and not being sent now.
	Withdraw(ctx context.Context, c Campaign, n int) (taken int, err error)
	// Sums counts the ledger.
	Sums(ctx context.Context, c Campaign) ([]Sum, error)
	// Tell puts counts into the up lane. With phase they also set it, if it is another now.
	Tell(ctx context.Context, c Campaign, t exchange.Tally, phase Phase) error
}
