package service

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// DefaultRetention is how long a case is kept after its end where the service's file says nothing.
const DefaultRetention = "P2Y"

// Span is a length of calendar time: the date part of an ISO 8601 duration.
type Span struct{ Years, Months, Days int }

// errSpan names what is right.
var errSpan = errors.New("must be an ISO 8601 duration of years, months, weeks or days, such as P2Y or P6M")

// ParseSpan reads "P2Y", "P1Y6M", "P6W", "P0D". Each number is at most 999.
func ParseSpan(s string) (Span, error) {
	rest, ok := strings.CutPrefix(s, "P")
	if !ok || rest == "" {
		return Span{}, errSpan
	}
	var out Span
	order := "YMWD"
	for rest != "" {
		i := strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' })
		if i < 1 || i > 3 {
			return Span{}, errSpan
		}
		n, err := strconv.Atoi(rest[:i])
		at := strings.IndexByte(order, rest[i])
		if err != nil || at < 0 {
			return Span{}, errSpan
		}
		switch rest[i] {
		case 'Y':
			out.Years = n
		case 'M':
			out.Months = n
		case 'W':
			out.Days = 7 * n
		case 'D':
			out.Days += n
		}
		order, rest = order[at+1:], rest[i+1:]
	}
	return out, nil
}

// After gives the moment that lies the span after t.
func (s Span) After(t time.Time) time.Time { return t.AddDate(s.Years, s.Months, s.Days) }

// Until tells how long a case that ended at end is kept by law.
func (s *Service) Until(end time.Time) time.Time {
	span, err := ParseSpan(s.Retention)
	if err != nil { // empty: Validate lets nothing else through
		span, _ = ParseSpan(DefaultRetention)
	}
	return span.After(end)
}

// Until tells how long a case of the service of that code is kept; one that is not in the catalogue any more by the
// default.
func (c *Catalog) Until(code string, end time.Time) time.Time {
	s, ok := c.ByCode(code)
	if !ok {
		s = &Service{}
	}
	return s.Until(end)
}
