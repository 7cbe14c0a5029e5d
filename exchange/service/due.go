package service

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Due says for which periods a declaration is owed, and by when each is to be here. The period's name is what the
// service's period field holds.
type Due struct {
	// Every is "week" (named "2026-W47", ISO 8601), "month" ("2026-10") or "quarter" ("2026-Q4"); empty: nothing is owed
	// by the calendar.
	Every string `yaml:"every"`
	// By is an ISO 8601 duration of working days after the period's end, "P3D": the last of them is the day.
	By string `yaml:"by"`
	// Day is the day of the period after, 1 for its first, in place of By; on a day that is closed, the next open one.
	Day int `yaml:"day"`
}

// The spans of Due.Every.
const (
	EveryWeek    = "week"
	EveryMonth   = "month"
	EveryQuarter = "quarter"
)

const (
	// MaxPeriods bounds what Periods gives: five years of weeks.
	MaxPeriods = 260
	// maxDueDays bounds Due.By, so that the day lies within a quarter after the period.
	maxDueDays = 60
	// remindBefore and remindAfter are how many working days before and after the due day it is reminded.
	remindBefore = 2
	remindAfter  = 1
)

// Period is one span of time for which a declaration is owed.
type Period struct {
	Name        string
	First, Last Day
	// Due is the last day on which it is in time, up to 24:00 where the city is.
	Due Day
	// Before and After are the days on which who has not declared is reminded.
	Before, After Day
}

// Deadline is the moment from which a declaration of the period is late.
func (p Period) Deadline(loc *time.Location) time.Time {
	d := p.Due.Add(1)
	return time.Date(d.Year, d.Month, d.Number, 0, 0, 0, 0, loc)
}

// Owed tells whether a period is owed by who declares from the day from up to the day until, both with them: when it
// overlaps that span. A zero day sets no bound.
func (p Period) Owed(from, until Day) bool {
	return (from == Day{} || !p.Last.Before(from)) && (until == Day{} || !until.Before(p.First))
}

// Periods gives those whose last day lies from from up to to, both with them, the oldest first and at most MaxPeriods,
// the newest; a service without Due has none.
func (s *Service) Periods(from, to Day) []Period {
	if s.Declare.Due.Every == "" || to.Before(from) {
		return nil
	}
	var all []Period
	for p := s.periodOf(to); len(all) < MaxPeriods; p = s.periodOf(p.First.Add(-1)) {
		if p.Last.Before(from) {
			break
		}
		if !to.Before(p.Last) {
			all = append(all, p)
		}
	}
	slices.Reverse(all)
	return all
}

// PeriodNamed gives the period of that name; false: it names none of the service's.
func (s *Service) PeriodNamed(name string) (Period, bool) {
	var d Day
	year, rest, ok := strings.Cut(name, "-")
	n, err := strconv.Atoi(strings.TrimLeft(rest, "WQ"))
	y, yearErr := strconv.Atoi(year)
	if !ok || err != nil || yearErr != nil || n < 1 || n > 53 {
		return Period{}, false
	}
	switch s.Declare.Due.Every {
	case EveryWeek:
		d = monday(Day{y, time.January, 4}).Add(7 * (n - 1)) // ISO 8601: 4 January is in week 1
	case EveryMonth:
		d = Day{y, time.Month(n), 1}
	case EveryQuarter:
		d = Day{y, time.Month(3*n - 2), 1}
	default:
		return Period{}, false
	}
	p := s.periodOf(DayOf(d.time()))
	return p, p.Name == name
}

func monday(d Day) Day { return d.Add(-int(d.Weekday()+6) % 7) }

// periodOf gives the period that d lies in.
func (s *Service) periodOf(d Day) Period {
	var p Period
	var next Day
	switch s.Declare.Due.Every {
	case EveryMonth:
		p.Name, p.First = fmt.Sprintf("%04d-%02d", d.Year, d.Month), Day{d.Year, d.Month, 1}
		next = DayOf(time.Date(d.Year, d.Month+1, 1, 12, 0, 0, 0, time.UTC))
	case EveryQuarter:
		q := (int(d.Month) + 2) / 3
		p.Name, p.First = fmt.Sprintf("%04d-Q%d", d.Year, q), Day{d.Year, time.Month(3*q - 2), 1}
		next = DayOf(time.Date(d.Year, time.Month(3*q+1), 1, 12, 0, 0, 0, time.UTC))
	default:
		p.First = monday(d)
		year, week := p.First.time().ISOWeek()
		p.Name, next = fmt.Sprintf("%04d-W%02d", year, week), p.First.Add(7)
	}
	p.Last = next.Add(-1)
	work := s.workdays()
	if n := s.Declare.Due.Day; n > 0 {
		p.Due = work.next(next.Add(n - 1))
	} else {
		n, _ := WorkingDays(s.Declare.Due.By)
		p.Due = work.step(p.Last, n)
	}
	p.Before, p.After = work.step(p.Due, -remindBefore), work.step(p.Due, remindAfter)
	return p
}

// step goes n open days forward from d, or back; d itself does not count. A calendar that is never open gives d.
func (c Calendar) step(d Day, n int) Day {
	by := 1
	if n < 0 {
		by, n = -1, -n
	}
	at := d
	for i := 0; n > 0 && i < 2*horizon; i++ {
		if at = at.Add(by); c.Open(at) {
			n--
		}
	}
	if n > 0 {
		return d
	}
	return at
}

// dueFaults names what is wrong in declare.due.
func (s *Service) dueFaults() []error {
	d := s.Declare.Due
	if d == (Due{}) {
		return nil
	}
	var all []error
	add := func(key, format string, a ...any) { all = append(all, fmt.Errorf("declare.due"+key+": "+format, a...)) }
	if s.Declare.Company == "" || s.Declare.Period == "" {
		add("", "needs declare.company and declare.period")
	}
	most := map[string]int{EveryWeek: 7, EveryMonth: 28, EveryQuarter: 90}[d.Every]
	if most == 0 {
		add(".every", "is %q; week, month or quarter", d.Every)
	}
	if (d.By == "") == (d.Day == 0) {
		add("", "needs one of by (P3D) and day (10)")
	}
	if n, err := WorkingDays(d.By); d.By != "" && (err != nil || n < 1 || n > maxDueDays) {
		add(".by", "is %q; 1 to %d working days, such as P3D", d.By, maxDueDays)
	}
	if d.Day < 0 || d.Day > most {
		add(".day", "is %d; the first day of the period after is 1, the last that may be named %d", d.Day, most)
	}
	return all
}
