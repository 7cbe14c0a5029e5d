package gateway

import (
	"context"
	"errors"
	"io"
	"time"

	"gatehouse/channels"
	"gatehouse/exchange"
)

// ErrLost means that a claim or lease ran out and another worker has it: drop the outcome.
var ErrLost = errors.New("claim lost")

// ErrNotFound means that the store has no such row.
var ErrNotFound = errors.New("not found")

// Intake keeps what channels hear. Both calls are durable when they return nil.
type Intake interface {
	// Accept stores m and streams its files into blobs; fresh is false when m.ID is known, and then nothing changes.
	// An address heard for the first time becomes a Contact. channels.ErrBusy when the writer's queue is full.
	Accept(ctx context.Context, m channels.Message) (fresh bool, err error)
	// Report records a carrier's word on a delivery. The first final state stays. Unknown ids are kept for a day, so
	// that a receipt that overtakes the record of its sending is not lost. A Stopped, Unreachable or Failed report has
	// the same effect on the address as the same error of Send.
	Report(ctx context.Context, r channels.Receipt) error
}

// Work hands out messages to be answered: of each contact the oldest alone, so that one person's messages are
// answered strictly in order, whichever gateway hears them.
type Work interface {
	// Claim gives at most n turns, whole, and hides their contacts for ttl. Nothing due: empty, nil.
	Claim(ctx context.Context, now time.Time, n int, ttl time.Duration) ([]Turn, error)
	// Commit stores an outcome in one transaction. ErrLost when its claim is no longer held.
	Commit(ctx context.Context, o Outcome) error
	// Defer gives a claimed message back until later, because its turn failed; after MaxAttempts it is set aside for
	// the operator and the contact's next message goes on.
	Defer(ctx context.Context, c Claim, later time.Time, cause string) error
	// Contact loads what a notice from inside needs: the case's contact, its matter and conversation of address.
	Matter(ctx context.Context, id string) (Contact, Matter, error)
	// Tracked finds a matter by its public reference. ErrNotFound.
	Tracked(ctx context.Context, reference string) (Matter, error)
	// Refusals gives at most n parcels that the border refused and whose person was not told yet; one who was forgotten
	// is not.
	Refusals(ctx context.Context, n int) ([]RefusedParcel, error)
	// Gone answers a Forget of somebody who is not known here, or no longer: e goes up all the same, and the arrival is
	// handled, in one transaction.
	Gone(ctx context.Context, arrival uint64, e exchange.Erasure) error
	// Orphaned counts word from inside about a case that nobody has any more, because its person was forgotten, and marks
	// the arrival handled.
	Orphaned(ctx context.Context, arrival uint64) error
}

// Registry reads what a Step wants to know of others.
type Registry interface {
	// Learn answers w for somebody who writes from by. What is not known is left zero, which is no error.
	Learn(ctx context.Context, w Wanted, by channels.Address) (Record, error)
}

// MaxAttempts is how often a turn may fail before it is set aside.
const MaxAttempts = 5

// RefusedParcel is a document of ours that did not pass the border.
type RefusedParcel struct {
	Parcel string
	Kind   exchange.Kind
	Matter string
	Reason exchange.Reason
}

// Outbox hands out what is owed.
type Outbox interface {
	// Lease hands out at most n due deliveries of a queue and hides them for ttl, of each address the oldest alone. A
	// delivery neither settled nor put off by then is handed out again with Leased set, so Send may happen twice.
	Lease(ctx context.Context, q channels.Queue, now time.Time, n int, ttl time.Duration) ([]Leased, error)
	// Settle records how each sending ended; on Accepted with the carrier's id. The results stand alone: one that was
	// lost to another worker is skipped.
	Settle(ctx context.Context, s []Settlement) error
	// Automatic counts an automatic mail to an address, once however often it is asked, and says how long it has to wait;
	// 0: it may go. At most AutomaticMails go in an hour. One that has to wait goes when the hour allows, and from then on
	// one an hour until nothing waits: nothing is lost, and two robots that answer each other come to rest.
	Automatic(ctx context.Context, id string, to channels.Address, now time.Time) (wait time.Duration, err error)
}

// AutomaticMails is how many automatic mails go to one address in any hour.
const AutomaticMails = 5

// Leased is a delivery handed out for sending.
type Leased struct {
	Delivery
	Fence   uint64
	Attempt int // from 1
	// Since is when it was first leased, if a lease ran out without a word: ask the carrier before sending. Zero: never.
	Since time.Time
}

// Settlement is how one sending ended.
type Settlement struct {
	ID      string
	Fence   uint64
	Receipt channels.Receipt
	// Err is nil when the carrier took it. Its Kind decides: Stopped and Unreachable mark the address (and a Must
	// delivery moves to the contact's next address), Rejected ends it.
	Err *channels.Error
	// Again is when to try once more; zero with an Err: give up.
	Again time.Time
	// Untried: its channel had no room for it, or rests. It counts as no attempt.
	Untried bool
}

// Files reads stored files.
type Files interface {
	// File opens the stored bytes with that SHA-256. ErrNotFound.
	File(ctx context.Context, sha256 string) (io.ReadCloser, error)
}

// Pages keeps what was published from inside, newer than the directory's revision 0.
type Pages interface {
	// Publish stores p unless a higher revision is known; Arrival marks the down lane's number handled in the same
	// transaction.
	Publish(ctx context.Context, p exchange.Publication, arrival uint64) error
	// Published gives the highest revisions of one sort that are newer than the mark, and the new mark.
	Published(ctx context.Context, sort string, mark uint64) ([]exchange.Publication, uint64, error)
}

// ErrBroken means that a chain of digests does not hold: a line was changed or taken out.
var ErrBroken = errors.New("the log was changed")

// Counts are the sums that the metrics page and tests read.
type Counts struct {
	Inbound, InboundOpen, InboundAside    int64
	Owed, Accepted, Delivered, Failed     int64
	CrossingsOpen, CrossingsDone, Blocked int64
	WakesSet, WakesAside                  int64
	Forgotten, Orphaned                   int64
	Nods                                  int64 // bare words in answer to broadcasts
	Parked                                int64 // mails that wait for the word of a registered address
	Clerks                                int64 // addresses that the inside registered for companies
	MailsHeld                             int64 // automatic mails that wait because their address had its share of the hour
}

// Store is everything that the gateway keeps. One struct implements all of it.
type Store interface {
	Intake
	Work
	Wakes
	Outbox
	Files
	Pages
	Desk
	Sessions
	Registry
	Register
	Passes
	Receipts
	Retainer
	channels.History
	// Outgoing is the up lane's sending end, Incoming the down lane's receiving end.
	Outgoing() exchange.Outgoing
	Incoming() exchange.Incoming
	Counts(ctx context.Context) (Counts, error)
	// Ping tells whether the store can be written.
	Ping(ctx context.Context) error
	Close() error
}
