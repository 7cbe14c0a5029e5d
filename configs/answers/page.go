// Package answers reads the answers directory, <lang>/<id>.md with YAML front matter, for gateway and office alike.
//
// The rule: strict and bounded; every fault is named with file and line, all at once. A page for staff never leaves
// the inside and a page that is not in force never answers: ask Public and InForce before giving one out.
package answers

import (
	"fmt"
	"time"
)

// Date is a day as 2006-01-02; empty: none. Dates compare as strings.
type Date string

// ParseDate reads a day.
func ParseDate(s string) (Date, error) {
	if _, err := time.Parse(time.DateOnly, s); err != nil {
		return "", fmt.Errorf("must be a day such as 2026-11-24, not %q", s)
	}
	return Date(s), nil
}

// On gives the day of t in t's own time zone.
func On(t time.Time) Date { return Date(t.Format(time.DateOnly)) }

// Kind says what sort of page it is.
type Kind string

// The kinds of page. A page without a kind is an answer.
const (
	Answer     Kind = "answer"
	Policy     Kind = "policy"
	Regulation Kind = "regulation"
	Rule       Kind = "rule"
	Procedure  Kind = "procedure"
)

// Audience says who may read a page.
type Audience string

// The audiences. A page without one is for the public.
const (
	Public Audience = "public"
	Staff  Audience = "staff"
)

// Page is one file of the directory.
type Page struct {
	Lang          string // the folder's name, BCP 47
	ID            string // the file's name without .md, the same in every language
	Title         string
	Kind          Kind
	Number        string
	IssuedBy      string
	EffectiveFrom Date // first day in force; empty: always was
	EffectiveTo   Date // last day in force; empty: open
	Replaces      string
	Asks          []string // questions people put
	Source        string   // URL
	Owner         string   // the department that answers for it
	ReviewBy      Date
	Audience      Audience
	Service       string // code of the service it speaks of

	SMS  string // plain text, for one text message
	Chat string
	Page string // Markdown
}

// Public tells whether p may leave the inside.
func (p Page) Public() bool { return p.Audience == Public }

// InForce tells whether p is in force on the day of now, in now's time zone.
func (p Page) InForce(now time.Time) bool {
	d := On(now)
	return p.EffectiveFrom <= d && (p.EffectiveTo == "" || d <= p.EffectiveTo)
}

// Bounds gives the first and the last moment in force, in the given zone; zero: no bound.
func (p Page) Bounds(zone *time.Location) (from, to time.Time) {
	if t, err := time.ParseInLocation(time.DateOnly, string(p.EffectiveFrom), zone); err == nil {
		from = t
	}
	if t, err := time.ParseInLocation(time.DateOnly, string(p.EffectiveTo), zone); err == nil {
		to = t.AddDate(0, 0, 1).Add(-time.Nanosecond)
	}
	return from, to
}

// Overdue tells whether p should have been reviewed before the day of now.
func (p Page) Overdue(now time.Time) bool { return p.ReviewBy != "" && p.ReviewBy < On(now) }
