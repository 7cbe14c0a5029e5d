package service

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Booking names the answer that is an appointment: the day on which somebody comes, or is to come.
type Booking struct {
	Field string `yaml:"field"` // of kind date, with a calendar; empty: the service books nothing
	// From and To are the hours of that day, "07:00" and "15:00"; empty: none are promised.
	From string `yaml:"from"`
	To   string `yaml:"to"`
}

// Act is what a person can do with a case of theirs that is open.
type Act string

// The acts. Change gives a booked case another day; it is offered while that day has not come.
const (
	ActAdd      Act = "add"      // a message to the case
	ActChange   Act = "change"   // another day
	ActWithdraw Act = "withdraw" // it is called off
	ActPerson   Act = "person"   // a question to the department
)

// maxShort bounds a short name, in characters, so that a case's status fits one text message.
const maxShort = 24

// Acts are what can be done with an open case, in the order shown; without a list in the file: add, withdraw, person.
func (s *Service) Acts() []Act {
	if len(s.Choices) > 0 {
		return slices.Clone(s.Choices)
	}
	return []Act{ActAdd, ActWithdraw, ActPerson}
}

// Booked gives the day that these answers book; false: none.
func (s *Service) Booked(answers map[string][]string) (Day, bool) {
	if s.Booking.Field == "" || len(answers[s.Booking.Field]) == 0 {
		return Day{}, false
	}
	return ParseDay(answers[s.Booking.Field][0])
}

// RowCount is how many rows these answers have, over all fields of rows.
func (s *Service) RowCount(answers map[string][]string) int {
	n := 0
	for _, f := range s.Fields() {
		if f.Kind == Rows {
			n += len(answers[f.Name])
		}
	}
	return n
}

// Hours writes the booked hours as they are read: "7:00-15:00"; empty: none are promised.
func (s *Service) Hours() string {
	if s.Booking.From == "" {
		return ""
	}
	return strings.TrimPrefix(s.Booking.From, "0") + "-" + strings.TrimPrefix(s.Booking.To, "0")
}

// bookingFaults names what is wrong with the short name, the booking and the choices.
func (s *Service) bookingFaults() []error {
	var all []error
	add := func(key, format string, a ...any) { all = append(all, fmt.Errorf(key+": "+format, a...)) }
	if len(s.Short) > 0 {
		all = append(all, s.missing("short", s.Short)...)
	}
	for _, lang := range sortedKeys(s.Short) {
		if utf8.RuneCountInString(s.Short[lang]) > maxShort {
			add("short."+lang, "is longer than %d letters", maxShort)
		}
	}
	b := s.Booking
	if f, ok := s.Field(b.Field); b.Field != "" && (!ok || f.Kind != Date || f.Calendar == "" || f.Past) {
		add("booking.field", "is %q; a date field with a calendar of days to come", b.Field)
	}
	hours := IsTime(b.From) && IsTime(b.To) && b.From < b.To
	if !hours && b.From+b.To != "" || b.Field == "" && b.From != "" {
		add("booking", "has the hours %q to %q; such as 07:00 to 15:00, of a field", b.From, b.To)
	}
	for i, c := range s.Choices {
		key := fmt.Sprintf("choices.%d", i)
		switch {
		case !slices.Contains([]Act{ActAdd, ActChange, ActWithdraw, ActPerson}, c) || slices.Contains(s.Choices[:i], c):
			add(key, "is %q; each of add, change, withdraw and person once at most", c)
		case c == ActChange && b.Field == "":
			add(key, "is change; without a booking there is no day to change")
		}
	}
	return all
}
