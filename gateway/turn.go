package gateway

import (
	"time"

	"gatehouse/channels"
	"gatehouse/exchange"
)

// Claim is the right to settle one message, or one wake. Fence rises each time it is claimed, so that a claim which ran
// out can't commit any more.
type Claim struct {
	Message string // channels.Message.ID; empty: the claim is of Wake
	Wake    Wake
	Contact string
	Fence   uint64
}

// Turn is everything that one Step may know.
type Turn struct {
	Now time.Time
	// NewID and NewReference give the ids that Step needs; in tests they count.
	NewID        func() string
	NewReference func() string
	// NewCode draws six random digits; nil: no code can be sent.
	NewCode func() string
	// NewToken draws at least 60 random bits as lower-case letters and digits; nil: no link can be sent.
	NewToken func() string

	Claim        Claim
	Message      channels.Message // its files are stored
	Contact      Contact
	Conversation Conversation // of Message.From
	// Talks are all conversations of the contact, in the order of its addresses; a turn of a wake alone has them.
	Talks   []Conversation
	Draft   *Draft   // the contact's, or nil
	Shelf   []Draft  // its other forms, which wait, in the order of their ids
	Matters []Matter // the contact's, newest first, at most MaxMatters
	// Corrections are the declarations among Matters of which rows are open.
	Corrections []Correction
	// Standing is what the contact's ledger adds up to: the last line of each purpose, list and address, without the
	// words.
	Standing []Consent
	// Register is what the register of companies says of a mail's sender; of any other turn's nothing is read.
	Register []Registered
	// parked is the mail that the turn confirms, see Confirmed.
	parked *Parked
	// Record is what was read for Dispatcher.Wants; nil: nothing was wanted.
	Record *Record
	// Attempt counts from 1: a message whose turn failed comes again.
	Attempt int
}

// MaxMatters bounds Turn.Matters.
const MaxMatters = 50

// Outcome is all that a Step, a Filing or a Notice changes. The store commits it whole or not at all.
type Outcome struct {
	// Claim is settled by the commit; empty when a notice from inside caused the outcome.
	Claim Claim
	// Arrival is the sequence number of the down lane that the commit marks handled; 0: none.
	Arrival uint64
	// Parts are further numbers of the down lane that are handled with Arrival: the pieces of its document.
	Parts []uint64
	// Told is the parcel whose refusal by the border this outcome tells the person; empty: none.
	Told string

	Contact      Contact
	Conversation *Conversation // nil: unchanged
	// Draft replaces the contact's draft; DropDraft deletes it and destroys its key. Neither: unchanged.
	Draft     *Draft
	DropDraft bool
	// Shelve keeps the draft that Draft replaces on the shelf instead of deleting it. A Draft that waits there leaves it.
	Shelve bool
	// DropShelf deletes forms that wait, by their ids, and destroys their keys.
	DropShelf  []string
	Matters    []Matter // new and changed ones, whole
	Deliveries []Delivery
	Crossings  []Crossing
	Consents   []Consent
	// Letters are for people who can't be reached otherwise: staff send them by post.
	Letters []Letter
	// Wakes are set, or moved when there is one of the same kind and subject; a zero At clears it. The one that is
	// claimed is cleared by the commit, unless it stands here again.
	Wakes []Wake
	// Forget ends the contact with this commit: its data keys are destroyed, and all that they sealed goes. Of its
	// addresses a keyed mark stays, with what was said of STOP there. The outcome's deliveries are the last word, each
	// under a key of its own that ends when it was sent; what already waits at the border crosses, ahead of the Erasure.
	Forget bool
	// Remains is the contact that goes on after Forget for the persons who were helped from there: their cases become its.
	Remains *Contact
	// Gone are the contact's Persons who end with this commit: their keys are destroyed, and their cases, what was told of
	// them, and all that was said and answered from the contact's addresses till now go.
	Gone []string
	// Codes are the one-time codes among Deliveries. The commit is ErrLost when one would be too many.
	Codes []CodeSent
	// Passes are the links among Deliveries that serve once.
	Passes []Pass
	// Leaves are the addresses that are the contact's no longer: their conversation and lists go, and what was said of STOP
	// there stays. Who writes from one becomes a new contact.
	Leaves []channels.Address
	// Joins are the addresses that were proved to be this contact's: the commit takes over whoever has them.
	Joins []Join
	// Nod is the broadcast that the message answers with a bare word; empty: none. The store counts it there.
	Nod string
	// Receipts are given out with the commit, in this order; deliveries name them by their ids.
	Receipts []Issued
	// Corrections are set, or ended where they are Done.
	Corrections []Correction
	// Park keeps the claimed mail until a registered address says that it is its company's; Unpark ends that of the mail
	// with this id.
	Park   *Parked
	Unpark string
	// Papers are documents that the store keeps from now on, each as long as its matter.
	Papers []Kept
}

// Join is an address that becomes the contact's. Contact and Version are those of the one that has it, as the outcome was
// built on them; empty: nobody had it. The commit is ErrLost when that is no longer so.
type Join struct {
	Address channels.Address
	Contact string
	Version uint64
}

// Kept is a document and the matter that it is kept with.
type Kept struct {
	Matter string
	File   channels.File
}

// Crossing is a document that goes up, with the stored files whose Parts follow it.
type Crossing struct {
	Document exchange.Document
	Files    []channels.File // SHA256 names the stored bytes; FileRef.ID in the document is File i's exchange id
	FileIDs  []string        // FileRef.ID of each of Files
	// Matter is the case whose key seals it until the Ack is in.
	Matter string
}
