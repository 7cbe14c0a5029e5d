package forms

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"gatehouse/channels/text"
	"gatehouse/exchange/service"
)

// readDate reads a day and holds it against the field's calendar. A number picks what was offered; a bare weekday is
// the first one on or after the first day offered.
func (c *Clerk) readDate(s *service.Service, f *service.Field, offered []string, said string, sc Scene) ([]string, *miss) {
	today := s.Today(sc.Now)
	from := today
	cal := s.Days(f)
	if f.Calendar != "" {
		if n, ok := c.Grammar.Number(said); ok {
			if n >= 1 && n <= len(offered) {
				return []string{offered[n-1]}, nil
			}
			return nil, &miss{offer: offered}
		}
		if first := cal.Next(today, 1); len(first) > 0 {
			from = first[0]
		}
	}
	day, ok := c.parseDay(f, said, today, from)
	if !ok {
		return nil, &miss{offer: offered}
	}
	if f.Calendar != "" && !cal.Offered(day, today) {
		m := &miss{text: strings.ReplaceAll(f.Closed.In(sc.Lang), "{day}", day.In(sc.Lang))}
		if m.text == "" {
			m.text = strings.ReplaceAll(c.say(sc, "form.closed", nil), "{day}", day.In(sc.Lang))
		}
		for _, near := range cal.Nearest(day, today, 2) {
			m.offer = append(m.offer, near.String())
		}
		return nil, m
	}
	return []string{day.String()}, nil
}

// parseDay is ParseDate, looking back for a field of the past.
func (c *Clerk) parseDay(f *service.Field, said string, today, from service.Day) (service.Day, bool) {
	if !f.Past {
		return c.ParseDate(said, today, from)
	}
	for i, list := range []string{"today", "yesterday"} {
		if c.Grammar.Is(list, said) {
			return today.Add(-i), true
		}
	}
	return c.ParseDate(said, today.Add(-364), today.Add(-6))
}

// ParseDate reads a day in figures (day before month: 3/12, 3.12.2026, 2026-12-03) or in words of any of the
// languages ("3 Dec", "tomorrow", "jeudi", "9 ديسمبر", "12月9日"). Without a year it is the next such day from today; a
// bare weekday is the first one on or after from.
func (c *Clerk) ParseDate(said string, today, from service.Day) (service.Day, bool) {
	s := strings.TrimSpace(text.Digits(said))
	if len(s) > 60 {
		return service.Day{}, false
	}
	for i, list := range []string{"today", "tomorrow", "after_tomorrow"} {
		if c.Grammar.Is(list, s) {
			return today.Add(i), true
		}
	}
	if d, ok := service.ParseDay(s); ok {
		return d, true
	}
	if d, ok := inFigures(s, today); ok {
		return d, true
	}
	if d, ok := chineseDate(s, today); ok {
		return d, true
	}
	return c.inWords(s, today, from)
}

func inFigures(s string, today service.Day) (service.Day, bool) {
	if s == "" || s[0] < '0' || s[0] > '9' {
		return service.Day{}, false
	}
	parts := strings.FieldsFunc(strings.Trim(s, ". "), func(r rune) bool { return r == '/' || r == '.' || r == '-' })
	if len(parts) < 2 || len(parts) > 3 {
		return service.Day{}, false
	}
	var n [3]int
	for i, p := range parts {
		v, err := strconv.Atoi(strings.TrimSpace(p))
		if err != nil || v < 0 {
			return service.Day{}, false
		}
		n[i] = v
	}
	if n[0] > 31 { // year first
		return exactDay(n[0], n[1], n[2])
	}
	if len(parts) == 3 {
		if n[2] < 100 {
			n[2] += 2000
		}
		return exactDay(n[2], n[1], n[0])
	}
	return nextDay(n[1], n[0], today)
}

// nextDay is the first day of that month and number on or after today.
func nextDay(month, number int, today service.Day) (service.Day, bool) {
	for year := today.Year; year <= today.Year+4; year++ { // 29 February comes every four years
		if d, ok := exactDay(year, month, number); ok && !d.Before(today) {
			return d, true
		}
	}
	return service.Day{}, false
}

func exactDay(year, month, number int) (service.Day, bool) {
	return service.ParseDay(fmt.Sprintf("%04d-%02d-%02d", year, month, number))
}

// chineseDate reads 2026年12月9日, 12月9日 and 12月9号.
func chineseDate(s string, today service.Day) (service.Day, bool) {
	s = strings.NewReplacer(" ", "", "号", "", "日", "").Replace(s)
	year, rest, hasYear := strings.Cut(s, "年")
	if !hasYear {
		rest = s
	}
	m, d, ok := strings.Cut(rest, "月")
	month, err := strconv.Atoi(m)
	number, err2 := strconv.Atoi(d)
	if !ok || err != nil || err2 != nil {
		return service.Day{}, false
	}
	if !hasYear {
		return nextDay(month, number, today)
	}
	y, err := strconv.Atoi(year)
	if err != nil {
		return service.Day{}, false
	}
	return exactDay(y, month, number)
}

// inWords reads a number, a month's name and perhaps a year, in any order, or a weekday. A weekday beside a date is
// not checked: the echo shows the right one.
func (c *Clerk) inWords(s string, today, from service.Day) (service.Day, bool) {
	month, number, year, weekday := 0, 0, 0, -1
	for _, w := range strings.Fields(splitDigits(c.Grammar.Fold(s))) {
		n, err := strconv.Atoi(w)
		switch {
		case err == nil && n > 31:
			year = n
		case err == nil && number == 0:
			number = n
		case err == nil:
			return service.Day{}, false
		case month == 0 && c.monthOf(w) > 0:
			month = c.monthOf(w)
		case weekday < 0 && c.weekdayOf(w) >= 0:
			weekday = c.weekdayOf(w)
		case c.Grammar.Is("next", w) || c.Grammar.Is("date_words", w):
		default:
			return service.Day{}, false
		}
	}
	switch {
	case month > 0 && number > 0 && year > 0:
		return exactDay(year, month, number)
	case month > 0 && number > 0:
		return nextDay(month, number, today)
	case month == 0 && number == 0 && year == 0 && weekday >= 0:
		return from.Add((weekday - int(from.Weekday()) + 7) % 7), true
	}
	return service.Day{}, false
}

// splitDigits parts "3rd" into "3 rd".
func splitDigits(s string) string {
	var b strings.Builder
	was := false
	for _, r := range s {
		is := unicode.IsDigit(r)
		if b.Len() > 0 && is != was && r != ' ' {
			b.WriteByte(' ')
		}
		b.WriteRune(r)
		was = is
	}
	return b.String()
}

// monthOf finds a month by its name in any language, or by the first three or four letters of it.
func (c *Clerk) monthOf(w string) int {
	for _, lang := range []string{"en", "fr", "ar", "zh"} {
		names, _ := service.NamesIn(lang)
		for i := range names.Months {
			long, brief := c.Grammar.Fold(names.Months[i]), c.Grammar.Fold(names.Brief[i])
			if w == long || w == brief || len(w) >= 3 && len(w) < 5 && lang != "ar" && strings.HasPrefix(long, w) {
				return i + 1
			}
		}
	}
	return 0
}

// weekdayOf finds a weekday, Sunday being 0, by its name or short name in any language; -1: none.
func (c *Clerk) weekdayOf(w string) int {
	for _, lang := range []string{"en", "fr", "ar", "zh"} {
		names, _ := service.NamesIn(lang)
		for i := range names.Weekdays {
			long, short := c.Grammar.Fold(names.Weekdays[i]), c.Grammar.Fold(names.Short[i])
			if w == long || w == short || lang == "en" && len(w) >= 3 && strings.HasPrefix(long, w) {
				return i
			}
			if lang == "zh" && slices.Contains([]string{"礼拜" + lastRune(long), "周" + lastRune(long)}, w) {
				return i
			}
			if lang == "ar" && w == strings.TrimPrefix(long, "ال") {
				return i
			}
		}
	}
	if w == "礼拜天" || w == "星期天" || w == "周天" {
		return 0
	}
	return -1
}

func lastRune(s string) string {
	r := []rune(s)
	if len(r) == 0 {
		return ""
	}
	return string(r[len(r)-1])
}

// ParseMonth reads "2026-10", "10/2026", "october 2026", "2026年10月", or a month's name alone: the last such month up
// to today.
func (c *Clerk) ParseMonth(said string, today service.Day) (string, bool) {
	s := strings.NewReplacer("年", " ", "月", " ").Replace(text.Digits(strings.TrimSpace(said)))
	if len(s) > 40 {
		return "", false
	}
	month, year := 0, 0
	for _, w := range strings.Fields(c.Grammar.Fold(s)) {
		n, err := strconv.Atoi(w)
		switch {
		case err == nil && n > 31 && year == 0:
			year = n
		case err == nil && month == 0:
			month = n
		case err != nil && month == 0 && c.monthOf(w) > 0:
			month = c.monthOf(w)
		case c.Grammar.Is("date_words", w):
		default:
			return "", false
		}
	}
	if month < 1 || month > 12 || year > 2199 || year > 0 && year < 2000 {
		return "", false
	}
	if year == 0 {
		year = today.Year
		if time.Month(month) > today.Month {
			year--
		}
	}
	return fmt.Sprintf("%04d-%02d", year, month), true
}
