package service

import (
	"errors"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func owing(d Due) *Service {
	return &Service{
		Declare: Declare{Company: "company", Period: "period", Due: d},
		city: &City{Calendars: map[string]Calendar{Workdays: {
			Weekdays: []string{"mon", "tue", "wed", "thu", "fri"}, Closed: []string{"2026-11-30", "2026-12-25", "2027-01-01"},
		}}},
	}
}

// TestPeriodsAreDueOnWorkingDays: weekends and holidays count neither for the day itself nor for its reminders.
func TestPeriodsAreDueOnWorkingDays(t *testing.T) {
	for _, c := range []struct {
		due                                    Due
		name, first, last, day, before, behind string
	}{
		{Due{Every: EveryWeek, By: "P3D"}, "2026-W47", "2026-11-16", "2026-11-22", "2026-11-25", "2026-11-23", "2026-11-26"},
		{Due{Every: EveryWeek, By: "P3D"}, "2026-W48", "2026-11-23", "2026-11-29", "2026-12-03", "2026-12-01", "2026-12-04"}, // City Day is a Monday
		{Due{Every: EveryWeek, By: "P1D"}, "2026-W48", "2026-11-23", "2026-11-29", "2026-12-01", "2026-11-26", "2026-12-02"}, // before lies in the week itself
		{Due{Every: EveryWeek, Day: 5}, "2026-W51", "2026-12-14", "2026-12-20", "2026-12-28", "2026-12-23", "2026-12-29"},    // Christmas, then a weekend
		{Due{Every: EveryWeek, By: "P3D"}, "2026-W53", "2026-12-28", "2027-01-03", "2027-01-06", "2027-01-04", "2027-01-07"},
		{Due{Every: EveryMonth, Day: 10}, "2026-12", "2026-12-01", "2026-12-31", "2027-01-11", "2027-01-07", "2027-01-12"}, // a Sunday
		{Due{Every: EveryMonth, By: "P1D"}, "2026-12", "2026-12-01", "2026-12-31", "2027-01-04", "2026-12-30", "2027-01-05"},
		{Due{Every: EveryQuarter, Day: 30}, "2026-Q4", "2026-10-01", "2026-12-31", "2027-02-01", "2027-01-28", "2027-02-02"},
	} {
		s := owing(c.due)
		p, ok := s.PeriodNamed(c.name)
		got := strings.Join([]string{p.Name, p.First.String(), p.Last.String(), p.Due.String(), p.Before.String(), p.After.String()}, " ")
		want := strings.Join([]string{c.name, c.first, c.last, c.day, c.before, c.behind}, " ")
		if !ok || got != want {
			t.Errorf("%+v:\n%s\n%s", c.due, got, want)
		}
		if end := p.Deadline(time.UTC); DayOf(end) != p.Due.Add(1) || end.Hour() != 0 {
			t.Errorf("%s ends at %s", c.name, end)
		}
	}
}

func TestPeriodsOfASpan(t *testing.T) {
	s := owing(Due{Every: EveryWeek, By: "P3D"})
	names := func(from, to string) string {
		var all []string
		for _, p := range s.Periods(day(from), day(to)) {
			all = append(all, p.Name)
		}
		return strings.Join(all, " ")
	}
	for want, span := range map[string][2]string{
		"2026-W46 2026-W47": {"2026-11-15", "2026-11-22"},
		"2026-W47":          {"2026-11-16", "2026-11-28"},
		"":                  {"2026-11-23", "2026-11-28"},
	} {
		if got := names(span[0], span[1]); got != want {
			t.Errorf("%v: %q, want %q", span, got, want)
		}
	}
	if n := len(s.Periods(day("1990-01-01"), day("2026-11-22"))); n != MaxPeriods {
		t.Errorf("%d periods", n)
	}
	if (&Service{}).Periods(day("2026-01-01"), day("2026-12-31")) != nil {
		t.Error("owed by a service that says nothing of it")
	}
	p, _ := s.PeriodNamed("2026-W47")
	for _, c := range []struct {
		from, until string
		want        bool
	}{{"", "", true}, {"2026-11-22", "", true}, {"2026-11-23", "", false}, {"", "2026-11-16", true}, {"", "2026-11-15", false}} {
		from, _ := ParseDay(c.from)
		until, _ := ParseDay(c.until)
		if p.Owed(from, until) != c.want {
			t.Errorf("owed from %q until %q is %v", c.from, c.until, !c.want)
		}
	}
	for _, name := range []string{"", "2026", "2026-47", "2026-W54", "2026-W00", "x-W47", "2026-11", "2026-Q4", "2025-W53"} {
		if _, ok := s.PeriodNamed(name); ok {
			t.Errorf("%q is a week", name)
		}
	}
}

// TestPeriodsTileTheYears: whatever the pattern, each day lies in one period, its name finds it again, and reminders lie
// around the due day on open days.
func TestPeriodsTileTheYears(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		due := Due{Every: rapid.SampledFrom([]string{EveryWeek, EveryMonth, EveryQuarter}).Draw(t, "every")}
		if rapid.Bool().Draw(t, "by") {
			due.By = "P" + rapid.StringMatching("[1-9]").Draw(t, "n") + "D"
		} else {
			due.Day = rapid.IntRange(1, 7).Draw(t, "day")
		}
		s := owing(due)
		d := day("2020-01-01").Add(rapid.IntRange(0, 5000).Draw(t, "offset"))
		p := s.periodOf(d)
		named, ok := s.PeriodNamed(p.Name)
		if !ok || named != p || d.Before(p.First) || p.Last.Before(d) {
			t.Fatalf("%s lies in %+v, %+v", d, p, named)
		}
		if next := s.periodOf(p.Last.Add(1)); next.First != p.Last.Add(1) || next.Name <= p.Name {
			t.Fatalf("%+v is followed by %+v", p, next)
		}
		work := s.workdays()
		if !p.Last.Before(p.Due) || !p.Before.Before(p.Due) || !p.Due.Before(p.After) || !work.Open(p.Due) || !work.Open(p.Before) || !work.Open(p.After) {
			t.Fatalf("reminders of %+v", p)
		}
	})
}

func TestDueIsBounded(t *testing.T) {
	for want, d := range map[string]Due{
		"":           {},
		"every":      {Every: "year", By: "P3D"},
		"needs one":  {Every: EveryWeek},
		"needs one ": {Every: EveryWeek, By: "P3D", Day: 2},
		".by":        {Every: EveryWeek, By: "P61D"},
		".by ":       {Every: EveryMonth, By: "3 days"},
		".day":       {Every: EveryWeek, Day: 8},
		".day ":      {Every: EveryMonth, Day: -1, By: ""},
	} {
		err := errors.Join(owing(d).dueFaults()...)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), strings.TrimSpace(want))) {
			t.Errorf("%+v: %v", d, err)
		}
	}
	s := owing(Due{Every: EveryWeek, By: "P3D"})
	s.Declare.Company = ""
	if len(s.dueFaults()) != 1 {
		t.Error("owed by nobody")
	}
}
