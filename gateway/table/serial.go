package table

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// epoch is where a workbook begins to count days: the end of 1899, or 1904 as the first Macintosh did.
type epoch struct{ mac bool }

const (
	day = 24 * time.Hour
	// lastSerial is 9999-12-31.
	lastSerial = 2958465
	isoDate    = "2006-01-02"
	isoTime    = "15:04:05"
)

// number writes a stored number: as a date where the format of its cell shows one, else in full. What is no number
// stays as it is.
func (e epoch) number(raw string, date bool) Cell {
	f, err := strconv.ParseFloat(raw, 64)
	switch {
	case err != nil || math.IsInf(f, 0) || math.IsNaN(f):
		return Cell{Text: raw}
	case date && f >= 0 && f < lastSerial+1:
		return e.date(f)
	}
	return Cell{full(raw, f), Number}
}

// date reads a serial number (ECMA-376 part 1, §18.17.4.1). Day 60 of the count from 1900 is 29 February 1900, which
// was never: it stays the words that the spreadsheet shows, for a person to put right.
func (e epoch) date(f float64) Cell {
	days := math.Floor(f)
	clock := time.Duration(math.Round((f-days)*86400)) * time.Second
	if clock == day {
		days, clock = days+1, 0
	}
	start := time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)
	switch {
	case e.mac:
		start = time.Date(1904, 1, 1, 0, 0, 0, 0, time.UTC)
	case days == 0:
		return Cell{start.Add(clock).Format(isoTime), Date}
	case days == 60:
		return Cell{Text: "1900-02-29"}
	case days < 60:
		start = start.AddDate(0, 0, 1)
	}
	t := start.AddDate(0, 0, int(days)).Add(clock)
	if clock == 0 {
		return Cell{t.Format(isoDate), Date}
	}
	return Cell{t.Format(isoDate + "T" + isoTime), Date}
}

// serial is the number of a date as a workbook of ours stores it, and the format that shows it.
func serial(text string) (value float64, format string, ok bool) {
	if t, err := time.Parse(isoTime, text); err == nil {
		return clockOf(t), "hh:mm:ss", true
	}
	format = "yyyy-mm-dd"
	t, err := time.Parse(isoDate, text)
	if err != nil {
		format = "yyyy-mm-dd hh:mm:ss"
		if t, err = time.Parse(isoDate+"T"+isoTime, text); err != nil {
			return 0, "", false
		}
	}
	days := int(t.Truncate(day).Sub(time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)) / day)
	return float64(days) + clockOf(t), format, days > 60 && days <= lastSerial
}

func clockOf(t time.Time) float64 {
	return (t.Sub(t.Truncate(day)).Seconds()) / 86400
}

// full writes a number without an exponent and as a spreadsheet shows it: whole numbers with all digits that were
// stored, others with the 15 that are kept.
func full(raw string, f float64) string {
	sign, digits := cutSign(raw)
	if digits != "" && strings.Trim(digits, "0123456789") == "" {
		return sign + digits
	}
	whole, part, split := strings.Cut(digits, ".")
	if split && whole != "" && part != "" && strings.Trim(whole+part, "0123456789") == "" && len(whole)+len(part) <= 15 {
		return sign + digits
	}
	short, err := strconv.ParseFloat(strconv.FormatFloat(f, 'e', 14, 64), 64)
	if err != nil || math.IsInf(short, 0) {
		short = f
	}
	if short == 0 {
		return "0"
	}
	return strconv.FormatFloat(short, 'f', -1, 64)
}
