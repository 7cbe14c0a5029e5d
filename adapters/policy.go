package adapters

import (
	"context"
	"errors"
	"time"

	"gatehouse/exchange"
)

// ErrLeak means that a leak rule fires on what is about to leave, and nobody who may decide has seen it.
var ErrLeak = errors.New("a leak rule fires")

// ErrQuota means that more of a template left today than may without a person who looks.
var ErrQuota = errors.New("over its share of the day")

// Outward is something public that staff wrote, before it is held.
type Outward struct {
	Doc    exchange.Document // an exchange.Notice, Broadcast or Publication
	Who    Staff             // its author
	Record *Record           // of a notice
	Story  []Entry
	// Emergency: its author asks to let it leave at once, and has shown their second factor.
	Emergency bool
}

// Verdict is how something may leave.
type Verdict struct {
	Policy string
	Why    []Why // with PolicySecond: what made it wait
	Leaks  []exchange.Leak
	Review *Review // what leaves without a second person and is looked at afterwards
	Quota  int     // of its author, a day
}

// Policy decides how what staff wrote may leave.
type Policy interface {
	Judge(o Outward, now time.Time) Verdict
}

// SecondFactor proves that the person who acts holds what only they hold.
type SecondFactor interface {
	// Check takes a code once. A Fault of the field "code" when it is wrong, used, or too many were wrong.
	Check(ctx context.Context, who Staff, code string) error
}

// OwnTexts gives what the person of a record told us: what stands there may be said back to them.
func OwnTexts(r Record, story []Entry) []string {
	c := r.Case
	all := []string{c.Name, c.Text, c.Reference}
	for _, a := range c.Answers {
		all = append(all, a.Value)
	}
	for _, s := range c.Story {
		if s.Who == "person" {
			all = append(all, s.Text)
		}
	}
	for _, e := range story {
		if e.Add == nil {
			continue
		}
		all = append(all, e.Add.Text)
		for _, a := range e.Add.Answers {
			all = append(all, a.Value)
		}
	}
	return all
}
