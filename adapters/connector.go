// Package adapters is the intranet side: the words of the inside, and the contracts between the office, the systems
// it hands cases to, the people who work on them, and the store.
//
// The rule: nothing here knows the extranet. What comes in came over the border as a document of package exchange,
// and what goes out is one, with a release that names who let it leave. No address of a citizen exists on this side.
package adapters

import (
	"context"
	"errors"
	"io"

	"gatehouse/exchange"
)

// Errors that callers branch on.
var (
	// ErrNotFound: there is no such row, or this person may not see it.
	ErrNotFound = errors.New("not found")
	// ErrAltered: bytes are not those that the document names, nor what the guard says that it made of them.
	ErrAltered = errors.New("bytes do not have the stated SHA-256")
	// ErrLocked: another member of staff holds the case.
	ErrLocked = errors.New("held by another")
	// ErrGone: too late, it has left or was settled already.
	ErrGone = errors.New("already settled")
	// ErrPending: something public about this case still waits to leave.
	ErrPending = errors.New("something still waits to leave")
	// ErrMoved: the cursor, revision or version is no longer current; nothing was stored.
	ErrMoved = errors.New("changed by another in between")
	// ErrForbidden: this person's roles do not allow it.
	ErrForbidden = errors.New("not allowed")
	// ErrSamePerson: the second person must not be the first.
	ErrSamePerson = errors.New("the second person must be another person")
)

// Fault is what a person has to put right in a form.
type Fault struct {
	Field string // of the form
	Key   string // of the sentence in configs/texts that says so
}

// Error names field and sentence, for the log.
func (f Fault) Error() string { return f.Field + ": " + f.Key }

// Connector brings cases to one system of the inside and decisions back. Submit twice with one Case.ID registers
// once: a connector to a system without such a key first looks for the case there (Finder).
type Connector interface {
	Name() string
	// Submit registers a case whose files are all in and gives the system's own number for it.
	Submit(ctx context.Context, c exchange.Case, files Files) (ref string, err error)
	// Decisions gives what the system has to say after the cursor ("" is the beginning), oldest first, and the cursor
	// that follows the last of them. The same cursor gives the same notices with the same ids, or more. Nothing new:
	// empty, and the cursor as it was. A notice carries in Release who wrote it and by which policy, unsigned.
	Decisions(ctx context.Context, cursor string) (notices []exchange.Notice, next string, err error)
}

// Finder is a connector that can ask its system for a case: asked before every Submit that is not the first attempt.
type Finder interface {
	Find(ctx context.Context, caseID string) (ref string, found bool, err error)
}

// Adder is a connector that takes what people add to their cases. Add twice with one Addition.ID adds once.
type Adder interface {
	Add(ctx context.Context, ref string, a exchange.Addition, files Files) error
}

// Files reads the files of cases. Bytes stream; a file is never held whole.
type Files interface {
	// Open gives the bytes of a file that is complete. Reading to the end fails when they do not have the SHA-256
	// that f names. ErrNotFound while parts are missing.
	Open(ctx context.Context, f exchange.FileRef) (io.ReadCloser, error)
}
