package gateway

import (
	"context"
	"time"
)

// Wake is something to be done for a contact at a time without a message from them. Contact, Kind and Subject name it:
// one that is set again moves.
type Wake struct {
	Contact string
	Kind    WakeKind
	// Subject is the id of what it is about (a draft, a case, a list): at most 200 bytes, kept in clear, never a word of
	// a person's.
	Subject string
	At      time.Time
}

// WakeKind says what is to be done.
type WakeKind string

// Wakes hands out what is due without a message.
type Wakes interface {
	// Woken gives at most n turns of wakes that are due, the oldest first and one a contact, and hides them for ttl. It
	// keeps the lock of Work.Claim: a contact with an open message waits until that is answered, and messages wait until
	// the wake is settled. Commit of an outcome with such a claim is ErrLost when a message came meanwhile, or when the
	// wake was moved or cleared; Defer gives it back. Nothing due: empty, nil.
	Woken(ctx context.Context, now time.Time, n int, ttl time.Duration) ([]Turn, error)
}
