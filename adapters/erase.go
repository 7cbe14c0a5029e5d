package adapters

import (
	"context"
	"time"

	"gatehouse/exchange"
)

// Eraser is a connector that can forget a party. Cases are the ids of the party's cases that it registered. What is
// open is closed, what the law does not keep is erased, and until when the rest stays is told. Erase twice is as once.
type Eraser interface {
	Erase(ctx context.Context, party string, cases []string) (Erased, error)
}

// Erased is what became of a party's cases in one system.
type Erased struct {
	Gone  int       // cases of which nothing is left
	Kept  int       // cases that the law keeps
	Until time.Time // the last day of the last of them; zero: none is kept
}

// Retirer is a connector that erases by itself what the law keeps no longer. It gives how many cases went.
type Retirer interface {
	Retire(ctx context.Context) (int, error)
}

// ErasureState says how far a connector is with an erasure.
type ErasureState string

// The states.
const (
	ErasureAsked  ErasureState = "asked"  // by staff: the outside has not confirmed yet
	ErasureDue    ErasureState = "due"    // to be tried at Next
	ErasureDone   ErasureState = "done"   // nothing is left
	ErasureKept   ErasureState = "kept"   // the law keeps some until Until
	ErasureByHand ErasureState = "byhand" // the connector can't erase: somebody has to
)

// Forgetting is one erasure at one connector.
type Forgetting struct {
	ID        string // of the exchange.Erasure
	Party     string
	Connector string // empty: no system has a case of the party
	State     ErasureState
	Result    Erased
	Attempts  int
	Next      time.Time
	Cause     string // why the last attempt failed; nothing personal
	At        time.Time
	By        string // staff id of who asked for it, and Second of who released it; empty: the person did
	Second    string
}

// Erasures keeps what has to be forgotten until every connector has done it.
type Erasures interface {
	// Forget destroys the key of a party and with it the content of every copy, notes the erasure for each connector that
	// has cases of the party, and marks the arrival handled, in one transaction. A second time changes nothing.
	Forget(ctx context.Context, seq uint64, e exchange.Erasure, now time.Time) error
	// DueErasures gives at most n that are to be tried now, none while a case of the party is still on its way to its
	// connector, and hides them for ttl.
	DueErasures(ctx context.Context, now time.Time, n int, ttl time.Duration) ([]Forgetting, error)
	// PartyCases gives the ids of a party's cases at a connector.
	PartyCases(ctx context.Context, party, connector string) ([]string, error)
	// Erasing records how an attempt ended.
	Erasing(ctx context.Context, f Forgetting) error
	// Erasures lists them, newest first.
	Erasures(ctx context.Context, n int) ([]Forgetting, error)
	// Scrub takes the content out of what the office itself kept of a case: errand, additions, files, copies.
	Scrub(ctx context.Context, caseID string) error
}

// Eraseable is what the built-in desk needs to forget.
type Eraseable interface {
	// Party gives the records of a party.
	Party(ctx context.Context, party string) ([]Record, error)
	// Ended gives at most n decided records with ids above after, in order of id.
	Ended(ctx context.Context, after string, n int) ([]Record, error)
	// Strip stores r, of which only what the law keeps is left, with the entry, and ends what is held about it. The same
	// goes for what the office kept of the case.
	Strip(ctx context.Context, r Record, e Entry) error
	// EraseRecord deletes a record with its story, its files and all that was written about it.
	EraseRecord(ctx context.Context, id string) error
}
