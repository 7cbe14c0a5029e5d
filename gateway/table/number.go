package table

import (
	"strings"
	"unicode"
)

// Separator tells which sign stands before the decimals in a column: '.', ',' or '٫'. It is settled by the numbers that
// can be read but one way: 1.234,5 and 0,5 and 1,234,567; a column of 1,240 and 1,190 settles nothing. ok is false when
// the column does not settle it, or says both. Cells that are no numbers are passed over; a column without any sign
// gives a point.
func Separator(column []string) (decimal rune, ok bool) {
	votes := map[rune]bool{}
	unsettled := false
	for _, text := range column {
		n, valid := digits(text)
		if !valid {
			continue
		}
		switch d, sure := vote(n); {
		case sure:
			votes[d] = true
		case d != 0:
			unsettled = true
		}
	}
	switch {
	case len(votes) == 1:
		for d := range votes {
			return d, true
		}
	case len(votes) == 0 && !unsettled:
		return '.', true
	}
	return 0, false
}

// Decimal writes a number in one way: without signs between thousands, with a point before the decimals. false: it
// is no number with this decimal sign.
func Decimal(text string, decimal rune) (string, bool) {
	n, ok := digits(text)
	if !ok {
		return "", false
	}
	sign, n := cutSign(n)
	whole, part, split := strings.Cut(n, string(decimal))
	groups := strings.FieldsFunc(whole, func(r rune) bool { return !unicode.IsDigit(r) })
	for i, g := range groups {
		if len(groups) > 1 && (i > 0 && len(g) != 3 || i == 0 && len(g) > 3) {
			return "", false
		}
	}
	whole = strings.Join(groups, "")
	if whole == "" || split && (part == "" || strings.IndexFunc(part, func(r rune) bool { return !unicode.IsDigit(r) }) >= 0) {
		return "", false
	}
	if split {
		whole += "." + part
	}
	return sign + whole, true
}

func cutSign(n string) (sign, rest string) {
	switch {
	case strings.HasPrefix(n, "-"):
		return "-", n[1:]
	case strings.HasPrefix(n, "+"):
		return "", n[1:]
	}
	return "", n
}

// digits gives a text that is a number, with Latin digits and plain spaces, and whether it is one.
func digits(text string) (string, bool) {
	text = strings.TrimSpace(text)
	var b strings.Builder
	found := false
	for i, r := range text {
		switch {
		case r >= '0' && r <= '9':
			found = true
			b.WriteRune(r)
		case r >= '٠' && r <= '٩':
			found = true
			b.WriteRune('0' + r - '٠')
		case r >= '۰' && r <= '۹':
			found = true
			b.WriteRune('0' + r - '۰')
		case r >= '０' && r <= '９':
			found = true
			b.WriteRune('0' + r - '０')
		case unicode.IsSpace(r), r == '\'', r == '’', r == '٬':
			b.WriteRune(' ')
		case r == '.', r == ',', r == '٫':
			b.WriteRune(r)
		case r == '，':
			b.WriteRune(',')
		case r == '．':
			b.WriteRune('.')
		case i == 0 && (r == '-' || r == '+'):
			b.WriteRune(r)
		case i == 0 && r == '−':
			b.WriteRune('-')
		default:
			return "", false
		}
	}
	return b.String(), found
}

// vote tells the decimal sign of one number and whether it can be no other; 0: it has no sign at all.
func vote(n string) (decimal rune, sure bool) {
	_, n = cutSign(n)
	points, commas := strings.Count(n, "."), strings.Count(n, ",")
	switch {
	case strings.ContainsRune(n, '٫'):
		return '٫', true
	case points == 0 && commas == 0:
		return 0, false
	case points > 0 && commas > 0:
		if strings.LastIndex(n, ".") > strings.LastIndex(n, ",") {
			return '.', true
		}
		return ',', true
	case points > 1:
		return ',', true
	case commas > 1:
		return '.', true
	}
	d := '.'
	if commas == 1 {
		d = ','
	}
	before, after, _ := strings.Cut(n, string(d))
	sure = len(after) != 3 || len(before) == 0 || len(before) > 3 || strings.HasPrefix(before, "0") || strings.Contains(n, " ")
	return d, sure
}
