package adapters

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"gatehouse/exchange"
)

// Company is one that declares, as the register inside has it.
type Company struct {
	Number   string // "12-345678-C", with its check letter
	Name     string
	Status   Standing // active or suspended
	Declares []Duty   // the services that it must use, in the order of their codes
	Since    time.Time
	Clerks   []Clerk // in the order in which they came
	// Revision counts what crossed of the company itself, Version every change of it or its clerks.
	Revision, Version uint64
}

// Duty is a service by which a company must declare, for the periods that overlap the days From to Until.
type Duty struct {
	Service string
	From    string // "2026-11-16"; empty: since ever
	Until   string // the last day; empty: no end is known
}

// UnmarshalJSON also reads what older registers hold: the code alone.
func (d *Duty) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		return json.Unmarshal(b, &d.Service)
	}
	type plain Duty
	return json.Unmarshal(b, (*plain)(d))
}

// String is how a register's file writes it: "DEC-GOODS/2026-11-16/2027-06-30", without what is not known at its end.
func (d Duty) String() string {
	return strings.TrimRight(d.Service+"/"+d.From+"/"+d.Until, "/")
}

// ParseDuty reads what String writes. Whether service and days are right is not looked at.
func ParseDuty(s string) Duty {
	code, rest, _ := strings.Cut(s, "/")
	from, until, _ := strings.Cut(rest, "/")
	return Duty{Service: code, From: from, Until: until}
}

// Duty gives the company's duty by a service.
func (c Company) Duty(service string) (Duty, bool) {
	i := slices.IndexFunc(c.Declares, func(d Duty) bool { return d.Service == service })
	if i < 0 {
		return Duty{}, false
	}
	return c.Declares[i], true
}

// Clerk is a mail address that may declare for a company.
type Clerk struct {
	ID       string
	Address  string // lower case
	Admin    bool   // may say who else is one
	Status   Standing
	Since    time.Time // of the status
	Revision uint64    // counts what crossed of the clerk
}

// Standing says whether a company or a clerk counts.
type Standing string

// The standings. Who left does not come back: a new clerk is one more line.
const (
	Active    Standing = "active"
	Suspended Standing = "suspended"
	Gone      Standing = "left" // of a clerk alone
)

// Clerk gives one by id.
func (c Company) Clerk(id string) (Clerk, bool) {
	i := slices.IndexFunc(c.Clerks, func(k Clerk) bool { return k.ID == id })
	if i < 0 {
		return Clerk{}, false
	}
	return c.Clerks[i], true
}

// With gives the company with k in place of the clerk with its id, or as one more.
func (c Company) With(k Clerk) Company {
	c.Clerks = slices.Clone(c.Clerks)
	if i := slices.IndexFunc(c.Clerks, func(old Clerk) bool { return old.ID == k.ID }); i >= 0 {
		c.Clerks[i] = k
		return c
	}
	c.Clerks = append(c.Clerks, k)
	return c
}

// Counting is how many clerks count.
func (c Company) Counting() (n int) {
	for _, k := range c.Clerks {
		if k.Status == Active {
			n++
		}
	}
	return n
}

// Enrolment is a change to the register that waits for a second person.
type Enrolment struct {
	ID        string
	By        string // staff id
	At        time.Time
	State     DraftState
	Second    string
	Why       string    // of the second person, when declined
	Companies []Company // as they shall be; Version is the one that each was made from
}

// Register keeps companies and their clerks. Addresses are sealed, and found by a keyed mark.
type Register interface {
	// Company gives one by its number. ErrNotFound.
	Company(ctx context.Context, number string) (Company, error)
	// Companies lists by name those that have all the words in number or name, or words as a clerk's address.
	Companies(ctx context.Context, words string, limit, skip int) (page []Company, more bool, err error)
	// Enrol stores a change that waits.
	Enrol(ctx context.Context, e Enrolment) error
	// Enrolments lists those that wait, oldest first.
	Enrolments(ctx context.Context, n int) ([]Enrolment, error)
	// Enrolment gives one. ErrNotFound.
	Enrolment(ctx context.Context, id string) (Enrolment, error)
	// Enter stores companies as they are from now on, each under its Version plus one, and puts what crosses into the
	// down lane, in one transaction; with an id it settles that enrolment. ErrMoved when a company is not at its
	// Version any more; ErrGone when the enrolment is settled; ErrSamePerson.
	Enter(ctx context.Context, id, second string, all []Company, say []exchange.Parcel) error
	// Unenrol ends an enrolment without a change. ErrGone.
	Unenrol(ctx context.Context, id, second, why string) error
}
