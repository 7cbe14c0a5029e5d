package channels

import (
	"errors"
	"fmt"
	"time"
)

// Kind is what the sender can do about an error. The set is closed.
type Kind string

// The six kinds.
const (
	// Stopped: the person opted out at the carrier. Recorded, never retried; what must be told goes by the next channel.
	Stopped Kind = "stopped"
	// Temporary: retried with back-off.
	Temporary Kind = "temporary"
	// Throttled: retried after Error.After; slows that carrier alone.
	Throttled Kind = "throttled"
	// Rejected: this message will never be taken. Given up, and whoever caused it is told.
	Rejected Kind = "rejected"
	// Unreachable: the address is dead. It is marked, and the contact's next channel is tried.
	Unreachable Kind = "unreachable"
	// Misconfigured: our account or settings are wrong. The channel stops and an alarm is raised; the message waits.
	Misconfigured Kind = "misconfigured"
)

// Error is what Channel.Send returns. It holds no secret, no text body and no whole address.
type Error struct {
	Kind Kind
	// Code is the carrier's own: "21610", "429", "550 5.1.1".
	Code string
	// After is how long to wait, when Kind is Throttled; zero when the carrier did not say.
	After time.Duration
	// Err is the cause; it must not contain a token or a body.
	Err error
	// Uncertain is true when the carrier may have taken the message although no answer came (a time-out after the
	// request was written): ask Finder before sending again.
	Uncertain bool
}

// Error names the kind, the carrier's code and the cause.
func (e *Error) Error() string {
	switch {
	case e.Code != "" && e.Err != nil:
		return fmt.Sprintf("%s (%s): %v", e.Kind, e.Code, e.Err)
	case e.Err != nil:
		return fmt.Sprintf("%s: %v", e.Kind, e.Err)
	case e.Code != "":
		return fmt.Sprintf("%s (%s)", e.Kind, e.Code)
	}
	return string(e.Kind)
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// AsError finds the *Error in err; what is not one counts as Temporary, so that nothing is lost by a bug.
func AsError(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return &Error{Kind: Temporary, Err: err}
}

// Errors that an Inbox returns and every channel maps to its carrier's own words.
var (
	// ErrBusy: the queue is full or the store is away; the carrier shall come again (HTTP 503, SMTP 451).
	ErrBusy = errors.New("busy, try again later")
	// ErrTooLarge: a body or a file is over its limit (HTTP 413, SMTP 552).
	ErrTooLarge = errors.New("too large")
	// ErrNotForUs: no such recipient here (HTTP 404, SMTP 550).
	ErrNotForUs = errors.New("not for us")
)
