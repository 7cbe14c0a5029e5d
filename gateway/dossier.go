package gateway

import (
	"context"
	"time"

	"gatehouse/channels"
)

// What a Dossier holds at most of each sort, newest first; of cases it is MaxMatters. What a person has in a lifetime of
// letters to the city is far less, and a page or a mail has to end somewhere.
const (
	MaxLedger = 500
	MaxSent   = 200
)

// Dossier is what the store holds of one person, as it is read for MY DATA.
type Dossier struct {
	Contact Contact
	Ledger  []Consent // newest first, with the words; a zero Address is one that is the person's no longer
	Draft   *Draft    // nil: none
	Shelf   []Draft   // the forms that wait for it, in the order of their ids
	Matters []Matter  // newest first
	Talks   []Conversation
	Sent    []Sent // newest first
	// More counts what is held beyond the bounds.
	More More
}

// More counts what a Dossier leaves out because it is older than what it holds.
type More struct {
	Ledger  int `json:"consents"`
	Matters int `json:"cases"`
	Sent    int `json:"messages"`
}

// Sent is one message that was sent to a person, or is owed to them.
type Sent struct {
	At     time.Time
	To     channels.Address
	Queue  channels.Queue
	Matter string         // the id of the case it speaks of; empty: none
	State  channels.State // empty: it is still owed
	Text   string
}

// Dossiers reads all that is held of a person.
type Dossiers interface {
	// Dossier reads what is held of a contact, within its bounds, by its id, that of one which it took over, or that of a
	// person who is helped from there. ErrNotFound when nobody is known by that id.
	Dossier(ctx context.Context, contact string) (Dossier, error)
}
