package adapters

import (
	"context"
	"io"
	"time"

	"gatehouse/exchange"
)

// Public is what a member of staff wants a person to read.
type Public struct {
	ID         string // of the notice to be: the form's, so that sending a form twice says it once
	State      exchange.State
	Decision   exchange.Decision
	Reason     string // required with a decision
	Text       string
	Words      string      // for where the case stands, with State InOA: up to MaxWords characters
	Correct    int         // rows of a declaration to be corrected by Promise, with State WaitingYou
	Rows       []RowJudged // kept rows of a declaration that it decides on; Text says it
	Promise    time.Time   // the new date of the next step; zero: as it is
	Releasable bool        // the author read it through and labels it
	Emergency  bool        // it is to leave at once, on its author's word and second factor
	Code       string      // of the second factor
}

// MaxWords bounds Public.Words, so that they fit a text message with the rest of the status.
const MaxWords = 32

// Inquiry is an internal case before it is registered: one department writes to another.
type Inquiry struct {
	ID         string // the form's, so that sending a form twice opens one case
	Department string // that gets it
	Subject    string
	Text       string
	Due        time.Time
	Files      []exchange.FileRef
}

// Working is what staff do on the built-in desk. Every act checks the roles of who does it (ErrForbidden), that the
// case is theirs to see (ErrNotFound) and that nobody else holds it (ErrLocked); a form that can't be taken is a
// Fault.
type Working interface {
	// Claim takes the case and locks it for LockTime.
	Claim(ctx context.Context, who Staff, id string) error
	// Return gives it back to the department.
	Return(ctx context.Context, who Staff, id string) error
	// Move hands it to another department, with a word for the colleagues there.
	Move(ctx context.Context, who Staff, id, department, why string) error
	// Note adds what only staff read.
	Note(ctx context.Context, who Staff, id, text string) error
	// Tell holds a reply, a question or a decision until its undo time is over, and before that for a second person
	// when the policy does not let it go on who's word alone. In an emergency it leaves at once. An internal case is
	// settled at once.
	Tell(ctx context.Context, who Staff, id string, p Public) error
	// Undo takes back what has not left; its author and who released it may.
	Undo(ctx context.Context, who Staff, heldID string) error
	// Release is the second person's yes, Decline the no with its reason. What holds a mark or a canary can only be
	// declined.
	Release(ctx context.Context, who Staff, heldID string) error
	Decline(ctx context.Context, who Staff, heldID, why string) error
	// Open registers an internal case.
	Open(ctx context.Context, who Staff, q Inquiry) (id string, err error)
	// Send holds a message to a list for its second person, an approver. One of priority emergency leaves at once when
	// who may do that and gives the code of their second factor; empty: it is held too.
	Send(ctx context.Context, who Staff, b exchange.Broadcast, code string) error
	// Steer pauses, resumes or cancels a message that left, as act says; a publisher or an approver may, alone and at once.
	// id is the form's. ErrGone when it has not left.
	Steer(ctx context.Context, who Staff, messageID, act, id string) error
	// AskErasure asks that everything of the person of a case is deleted, outside and inside; it waits for a second person, a
	// releaser. id is the form's. A Fault when the case is nobody's outside; ErrPending when it was asked for already.
	AskErasure(ctx context.Context, who Staff, caseID, id, because string) error
	// Review is another person's look at what left without a second person; note is required when it was not fine.
	Review(ctx context.Context, who Staff, heldID string, fine bool, note string) error
}

// Upload keeps files of the inside.
type Upload interface {
	Keep(ctx context.Context, f exchange.FileRef, from io.Reader) (exchange.FileRef, error)
}
