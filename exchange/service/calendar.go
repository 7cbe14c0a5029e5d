package service

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Workdays is the calendar that promises are counted on.
const Workdays = "work"

// horizon is how many days ahead a calendar is searched when it sets no limit of its own.
const horizon = 366

// Calendar says which days may be chosen.
type Calendar struct {
	// Weekdays offered: mon, tue, wed, thu, fri, sat, sun; empty: all.
	Weekdays []string `yaml:"weekdays"`
	// Closed days, "2026-12-25".
	Closed []string `yaml:"closed"`
	// Lead is the number of whole days between asking and the first day offered.
	Lead int `yaml:"lead"`
	// Ahead is the last day that may be chosen, counted from today; 0: a year.
	Ahead int `yaml:"ahead"`
}

// Open tells whether the day is one of the calendar's, whatever the notice.
func (c Calendar) Open(d Day) bool {
	week := [7]string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}
	return (len(c.Weekdays) == 0 || slices.Contains(c.Weekdays, week[d.Weekday()])) &&
		!slices.Contains(c.Closed, d.String())
}

// Offered tells whether the day may be chosen today.
func (c Calendar) Offered(d, today Day) bool {
	n := today.Until(d)
	return n > c.Lead && n <= c.ahead() && c.Open(d)
}

func (c Calendar) ahead() int {
	if c.Ahead > 0 {
		return c.Ahead
	}
	return horizon
}

// Next gives the first n days that may be chosen today.
func (c Calendar) Next(today Day, n int) []Day {
	var days []Day
	for i := c.Lead + 1; i <= c.ahead() && len(days) < n; i++ {
		if d := today.Add(i); c.Open(d) {
			days = append(days, d)
		}
	}
	return days
}

// Nearest gives the last day that may be chosen before d and the first ones after it, n in all.
func (c Calendar) Nearest(d, today Day, n int) []Day {
	var before, after []Day
	for _, o := range c.Next(today, horizon) {
		switch {
		case o.Before(d):
			before = []Day{o}
		case len(before)+len(after) < n:
			after = append(after, o)
		}
	}
	if len(before)+len(after) > n {
		after = after[:n-1]
	}
	return append(before, after...)
}

// next gives the first open day from d on; d itself when the calendar is never open.
func (c Calendar) next(d Day) Day {
	for i := range horizon {
		if o := d.Add(i); c.Open(o) {
			return o
		}
	}
	return d
}

func (c Calendar) faults(key string) []error {
	var all []error
	for i, w := range c.Weekdays {
		if !slices.Contains([]string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}, w) {
			all = append(all, fmt.Errorf("%s.weekdays.%d: is %q; one of mon, tue, wed, thu, fri, sat, sun", key, i, w))
		}
	}
	for i, d := range c.Closed {
		if _, ok := ParseDay(d); !ok {
			all = append(all, fmt.Errorf("%s.closed.%d: is %q; a day such as 2026-12-25", key, i, d))
		}
	}
	if c.Lead < 0 || c.Ahead < 0 {
		all = append(all, fmt.Errorf("%s.lead: and ahead count days; 0 or more", key))
	}
	return all
}

// WorkingDays reads an ISO 8601 duration of whole days or weeks, "P3D" or "P2W" (a week has five working days).
func WorkingDays(promise string) (int, error) {
	s, ok := strings.CutPrefix(promise, "P")
	if !ok || len(s) < 2 {
		return 0, errors.New("must be an ISO 8601 duration of days, such as P3D")
	}
	n, err := strconv.Atoi(s[:len(s)-1])
	switch unit := s[len(s)-1]; {
	case err != nil || n < 0 || n > 1000:
		return 0, errors.New("must be an ISO 8601 duration of days, such as P3D")
	case unit == 'D':
		return n, nil
	case unit == 'W':
		return 5 * n, nil
	}
	return 0, errors.New("must be counted in days or weeks, such as P3D or P2W")
}
