package adapters

import (
	"context"
	"time"

	"gatehouse/exchange"
)

// Errand is one case or addition on its way from the border to its connector. Case or Addition is set.
type Errand struct {
	ID        string // of the case or the addition
	CaseID    string
	Connector string
	Ref       string // the system's number of the case, once it is registered
	Attempt   int    // from 1; above 1 the system may have it already
	Case      *exchange.Case
	Addition  *exchange.Addition
}

// Crossing keeps what came over the border until a connector has it. Each Take stores the document and marks the
// arrival seq handled in one transaction; a document that is known changes nothing but that mark.
type Crossing interface {
	TakeCase(ctx context.Context, seq uint64, c exchange.Case, connector string, now time.Time) error
	TakeAddition(ctx context.Context, seq uint64, a exchange.Addition, now time.Time) error
	// TakePart stores a piece of a file. The case or addition it belongs to is ready when all its files are complete.
	// r is not zero when the guard rebuilt the file: the document then names the rebuilt one, with its SHA-256 and size.
	// One that does not replace the file that the document named is ErrAltered.
	TakePart(ctx context.Context, seq uint64, p exchange.Part, r exchange.Replaced) error
	// Rebuilt gives, of those files, the ones that the guard rebuilt, by id.
	Rebuilt(ctx context.Context, files []string) (map[string]exchange.Replaced, error)
	// Drop ends a case or addition that fell at the border because one of its files did not pass; the Ack tells its
	// sender.
	Drop(ctx context.Context, seq uint64, doc string) error
	TakeTally(ctx context.Context, seq uint64, t exchange.Tally) error
	// Ready leases at most n errands whose files are in: cases first registered, then what was added to them, in the
	// order of arrival. A lease that runs out is handed out again with a higher Attempt.
	Ready(ctx context.Context, now time.Time, n int, ttl time.Duration) ([]Errand, error)
	// Done ends an errand: the system knows it as ref, and say is put into the down lane in the same transaction,
	// unless Tell said something about the case before: then "received" would come after its decision.
	Done(ctx context.Context, id, ref string, say []exchange.Parcel, now time.Time) error
	// Unlease gives every lease back at once: for an office that is alone on its store, when it starts.
	Unlease(ctx context.Context, now time.Time) error
	// Later gives an errand back until then because of cause, which must not hold anything personal.
	Later(ctx context.Context, id string, then time.Time, cause string) error
	// Stuck gives the errands that were put off more than once, oldest first, for the operator.
	Stuck(ctx context.Context, n int) ([]Trouble, error)
	// Cursor of a connector; empty: the beginning.
	Cursor(ctx context.Context, connector string) (string, error)
	// Tell puts parcels about cases into the down lane, holds back what the gate did not let out, and moves the
	// connector's cursor, in one transaction. ErrMoved when the cursor is not from any more.
	Tell(ctx context.Context, connector, from, to string, say []exchange.Parcel, cases []string, back []Held) error
	// Case gives a case as it came over the border. ErrNotFound, ErrForgotten.
	Case(ctx context.Context, id string) (exchange.Case, error)
	// Document gives the document that left with a notice, and its bytes as they left. ErrNotFound.
	Document(ctx context.Context, notice string) (exchange.FileRef, []byte, error)
	// Stamp keeps what is told of the gateway's chain of receipts, and gives the numbers that do not fit to what was told
	// before: another digest for the same number, or, when the receipts cross in their order, one that is new and not
	// above all that are known. Such a number stays an alarm. Telling the same again changes nothing.
	Stamp(ctx context.Context, told []exchange.Stamp, ordered bool, now time.Time) (wrong []uint64, err error)
	// Tallies gives the newest counts of each thing.
	Tallies(ctx context.Context) ([]exchange.Tally, error)
}

// Trouble is an errand that does not get through.
type Trouble struct {
	ID, CaseID, Connector string
	Attempts              int
	Next                  time.Time
	Cause                 string
}

// Border is what the status page shows of the lanes.
type Border struct {
	Waiting int64 // parcels without a number
	Unacked int64 // sealed and sent, no Ack yet
	Head    exchange.Head
	Oldest  time.Time // of what is not acknowledged; zero: all is
	Acked   time.Time // when the last Ack came
	Heard   exchange.Heard
	Refused []RefusedParcel // newest first
}

// RefusedParcel is a document of ours that the border did not let through.
type RefusedParcel struct {
	Parcel string
	Kind   exchange.Kind
	Reason exchange.Reason
	At     time.Time
}
