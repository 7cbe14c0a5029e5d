package adapters

import (
	"context"
	"slices"
	"time"
)

// Staff is a person who works inside.
type Staff struct {
	ID         string // the log-in name, lower case
	Name       string
	Department string   // code
	Sees       []string // departments beyond their own whose cases they may read; "*": all
	Roles      []Role
	Hash       string // of the password, as password.Hash writes it
	Disabled   bool
}

// Role is what a person may do. A person may have several.
type Role string

// The roles.
const (
	Officer   Role = "officer"   // works on cases
	Publisher Role = "publisher" // writes answers and notifications
	Releaser  Role = "releaser"  // may let free text leave, their own at once
	Approver  Role = "approver"  // is the second person for what others wrote to be published or sent
	Emergency Role = "emergency" // may let something leave alone and at once, with a second factor; it is reviewed
	Auditor   Role = "auditor"   // reads everything and the log of reads, changes nothing
)

// Roles lists every role, in the order shown.
func Roles() []Role { return []Role{Officer, Publisher, Releaser, Approver, Emergency, Auditor} }

// Has tells whether s has one of the roles.
func (s Staff) Has(roles ...Role) bool {
	return slices.ContainsFunc(roles, func(r Role) bool { return slices.Contains(s.Roles, r) })
}

// Departments lists those whose cases s may read; "*" is all.
func (s Staff) Departments() []string {
	switch {
	case s.Has(Auditor):
		return []string{"*"}
	case !s.Has(Officer, Releaser):
		return nil
	case slices.Contains(s.Sees, "*"):
		return []string{"*"}
	}
	return append([]string{s.Department}, s.Sees...)
}

// MaySee tells whether s may read a record of that department.
func (s Staff) MaySee(department string) bool {
	d := s.Departments()
	return slices.Contains(d, "*") || slices.Contains(d, department)
}

// MayWork tells whether s may act on a record of that department: an officer, in a department that they see.
func (s Staff) MayWork(department string) bool {
	return s.Has(Officer) && s.MaySee(department)
}

// People keeps the staff.
type People interface {
	// Person gives a member of staff. ErrNotFound.
	Person(ctx context.Context, id string) (Staff, error)
	// Everybody lists the staff by department and name.
	Everybody(ctx context.Context) ([]Staff, error)
	// Employ stores s, replacing who had that id.
	Employ(ctx context.Context, s Staff) error
}

// Sessions keeps who is logged in, by the hash of their token.
type Sessions interface {
	FindSession(ctx context.Context, token string, now time.Time) (b []byte, found bool, err error)
	SaveSession(ctx context.Context, token string, b []byte, expires time.Time) error
	EndSession(ctx context.Context, token string) error
}

// Read is one look at a case, or at one of its files.
type Read struct {
	At    time.Time
	Staff string
	Case  string // record id
	What  string // "case", "file", "search"
	About string // the file's name; the public reference
}

// Audit keeps who read what. It is only ever added to.
type Audit interface {
	// Looked stores a read; the page is shown only after it returned nil.
	Looked(ctx context.Context, r Read) error
	// Reads lists reads, newest first; empty staff or caseID: of all.
	Reads(ctx context.Context, staff, caseID string, limit, skip int) (page []Read, more bool, err error)
}
