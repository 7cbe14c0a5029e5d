// Package channels is the ground on which every way to reach a citizen stands: what is said (Message), how it
// enters (Inbox) and leaves (Channel), and what a carrier may answer (Receipt, Error).
//
// The rule: store, then acknowledge. A channel tells its carrier "taken" only after Inbox.Accept returned nil.
// This package and channels/text use the standard library alone; a channel never imports its sibling.
package channels

import (
	"context"
	"errors"
	"net/http"
	"time"
)

// Channel hands messages to one carrier family. Two methods are required; what only some channels can do is an
// optional interface named by the ability: Listener, Webhook, Finder.
type Channel interface {
	// Name is the Address.Channel this channel serves: "sms", "email", "chat" or "web".
	Name() string
	// Send hands m to the carrier once and returns its word on it. It is safe to call from many goroutines, obeys
	// ctx's deadline, and every error it returns is an *Error, whose Kind alone decides what happens next.
	// A nil error means that the carrier took responsibility for m.
	Send(ctx context.Context, m Message) (Receipt, error)
}

// Listener is a channel that owns a socket or polls: SMTP, Telegram's long poll. Listen returns nil when ctx ends,
// after the sessions under way have finished or 3 s have passed.
type Listener interface {
	Listen(ctx context.Context, in Inbox) error
}

// Webhook is a channel that shares the gateway's HTTP server: Twilio, Telegram's webhook, WebSocket.
// Mount only registers; handlers must bound the body they read.
type Webhook interface {
	Mount(mux *http.ServeMux, in Inbox)
}

// Finder asks the carrier what became of m, after a crash between Send and the record of its answer. since is the
// time of the lease under which m may have been sent. False and nil: the carrier does not know m, so it may be sent.
type Finder interface {
	Find(ctx context.Context, m Message, since time.Time) (Receipt, bool, error)
}

// Addresser names where a Listener really listens, for ports given as 0.
type Addresser interface {
	Addresses() map[string]string
}

// TakeIn has in accept m. Where a file of m is too large, the words go in without the files, for a carrier that can't
// tell the sender: what was said is answered, and the person learns what became of the files.
func TakeIn(ctx context.Context, in Inbox, m Message) error {
	err := in.Accept(ctx, m)
	if len(m.Files) == 0 || !errors.Is(err, ErrTooLarge) {
		return err
	}
	m.Files, m.LeftOut = nil, len(m.Files)
	return in.Accept(ctx, m)
}

// Inbox takes what channels hear. The gateway implements it.
type Inbox interface {
	// Accept returns nil only once m and its files are durable. The same Message.ID again is nil and changes nothing;
	// its files are not opened then, since the carrier may have let go of them.
	// ErrBusy asks the carrier to come again later (503, 451); ErrTooLarge and ErrNotForUs will not get better.
	Accept(ctx context.Context, m Message) error
	// Report records a carrier's later word on a message of ours: delivered, bounced. Safe to repeat, in any order.
	Report(ctx context.Context, r Receipt) error
}
