package service

import (
	"fmt"
	"strings"
	"time"
)

// Day is a day of the calendar, without a time zone.
type Day struct {
	Year   int
	Month  time.Month
	Number int
}

// DayOf gives t's day in t's own location.
func DayOf(t time.Time) Day {
	y, m, d := t.Date()
	return Day{y, m, d}
}

// ParseDay reads the canonical form, "2026-12-03".
func ParseDay(s string) (Day, bool) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return Day{}, false
	}
	return DayOf(t), true
}

// Days reads two days in the canonical form; an empty one is the zero day. False: they are no days, or in the wrong order.
func Days(from, until string) (first, last Day, ok bool) {
	first, good := ParseDay(from)
	last, right := ParseDay(until)
	return first, last, (good || from == "") && (right || until == "") && (until == "" || !last.Before(first))
}

func (d Day) time() time.Time { return time.Date(d.Year, d.Month, d.Number, 12, 0, 0, 0, time.UTC) }

// Add gives the day n days later.
func (d Day) Add(n int) Day { return DayOf(d.time().AddDate(0, 0, n)) }

// Before tells whether d comes before o.
func (d Day) Before(o Day) bool { return d.time().Before(o.time()) }

// Until gives the number of days from d to o.
func (d Day) Until(o Day) int { return int(o.time().Sub(d.time()).Hours() / 24) }

// Weekday of the day.
func (d Day) Weekday() time.Weekday { return d.time().Weekday() }

// String is the canonical form, "2026-12-03".
func (d Day) String() string { return fmt.Sprintf("%04d-%02d-%02d", d.Year, d.Month, d.Number) }

// In writes the day with its weekday as people of lang read it: "Thu 3 Dec". Other languages get the canonical form.
func (d Day) In(lang string) string {
	n, ok := NamesIn(lang)
	if !ok {
		return d.String()
	}
	return strings.NewReplacer("{w}", n.Short[d.Weekday()], "{d}", fmt.Sprint(d.Number), "{m}", n.Brief[d.Month-1],
		"{n}", fmt.Sprint(int(d.Month))).Replace(n.form)
}

// FullIn writes the day as it stands in a letter: "4 December 2026".
func (d Day) FullIn(lang string) string {
	n, ok := NamesIn(lang)
	if !ok {
		return d.String()
	}
	return strings.NewReplacer("{d}", fmt.Sprint(d.Number), "{m}", n.Months[d.Month-1], "{n}", fmt.Sprint(int(d.Month)),
		"{y}", fmt.Sprint(d.Year)).Replace(n.full)
}

// MonthIn writes "2026-10" as people of lang read it: "October 2026".
func MonthIn(month, lang string) string {
	t, err := time.Parse("2006-01", month)
	n, ok := NamesIn(lang)
	if err != nil || !ok {
		return month
	}
	return strings.NewReplacer("{m}", n.Months[t.Month()-1], "{n}", fmt.Sprint(int(t.Month())),
		"{y}", fmt.Sprint(t.Year())).Replace(n.month)
}

// Names are a language's words for days and months. Weekdays count from Sunday.
type Names struct {
	Weekdays, Short [7]string
	Months, Brief   [12]string
	form, month     string
	full            string
}

// NamesIn gives the words for days and months; false for a language that has none here.
func NamesIn(lang string) (Names, bool) {
	switch lang {
	case "en":
		return english(), true
	case "fr":
		return french(), true
	case "ar":
		return arabic(), true
	case "zh":
		return chinese(), true
	}
	return Names{}, false
}

func english() Names {
	return Names{
		Weekdays: [7]string{"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"},
		Short:    [7]string{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"},
		Months: [12]string{"January", "February", "March", "April", "May", "June", "July", "August", "September",
			"October", "November", "December"},
		Brief: [12]string{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"},
		form:  "{w} {d} {m}", month: "{m} {y}", full: "{d} {m} {y}",
	}
}

// french keeps to letters of GSM-7 in its short forms: é is in the alphabet, û is not.
func french() Names {
	return Names{
		Weekdays: [7]string{"dimanche", "lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi"},
		Short:    [7]string{"dim", "lun", "mar", "mer", "jeu", "ven", "sam"},
		Months: [12]string{"janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre",
			"octobre", "novembre", "décembre"},
		Brief: [12]string{"janv", "févr", "mars", "avril", "mai", "juin", "juil", "aout", "sept", "oct", "nov", "déc"},
		form:  "{w} {d} {m}", month: "{m} {y}", full: "{d} {m} {y}",
	}
}

func arabic() Names {
	months := [12]string{"يناير", "فبراير", "مارس", "أبريل", "مايو", "يونيو", "يوليو", "أغسطس", "سبتمبر", "أكتوبر",
		"نوفمبر", "ديسمبر"}
	days := [7]string{"الأحد", "الاثنين", "الثلاثاء", "الأربعاء", "الخميس", "الجمعة", "السبت"}
	return Names{Weekdays: days, Short: days, Months: months, Brief: months, form: "{w} {d} {m}", month: "{m} {y}", full: "{d} {m} {y}"}
}

func chinese() Names {
	months := [12]string{"一月", "二月", "三月", "四月", "五月", "六月", "七月", "八月", "九月", "十月", "十一月", "十二月"}
	return Names{
		Weekdays: [7]string{"星期日", "星期一", "星期二", "星期三", "星期四", "星期五", "星期六"},
		Short:    [7]string{"周日", "周一", "周二", "周三", "周四", "周五", "周六"},
		Months:   months, Brief: months, form: "{n}月{d}日{w}", month: "{y}年{n}月", full: "{y}年{n}月{d}日",
	}
}
