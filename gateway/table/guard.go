package table

import (
	"strconv"
	"strings"
	"unicode"
)

// The columns that a marked copy of ours has beside the sender's own. Each header ends with such a sign after the words
// in the reader's language, so that it is found again whatever they are.
const (
	rowSign     = "(row#)"
	problemSign = "(problem#)"
)

// unmark takes the columns of a marked copy out, and puts the numbers that they hold to the rows.
func (t *Table) unmark() {
	for at := len(t.Header) - 1; at >= 0; at-- {
		switch h := t.Header[at]; {
		case strings.HasSuffix(h, rowSign):
			for i := range t.Rows {
				t.Rows[i].Of, _ = strconv.Atoi(t.Rows[i].Cell(at).Text)
			}
		case !strings.HasSuffix(h, problemSign):
			continue
		}
		if len(t.Dialect.Paths) == len(t.Header) {
			t.Dialect.Paths = append(t.Dialect.Paths[:at:at], t.Dialect.Paths[at+1:]...)
		}
		t.Header = append(t.Header[:at:at], t.Header[at+1:]...)
		for i := range t.Rows {
			if c := t.Rows[i].Cells; at < len(c) {
				t.Rows[i].Cells = append(c[:at:at], c[at+1:]...)
			}
		}
	}
}

// guard makes a text harmless for a program that takes it for a formula (OWASP, "CSV Injection"): an apostrophe before
// it. Numbers stay.
func guard(text string) string {
	if risky(text) {
		return "'" + text
	}
	return text
}

// unguard undoes guard, so that a marked copy that comes back says what was said at first.
func unguard(text string) string {
	if after, ok := strings.CutPrefix(text, "'"); ok && risky(after) {
		return after
	}
	return text
}

func risky(text string) bool {
	if text == "" || !strings.ContainsRune("=+-@\t\r\n＝＋－＠", firstRune(text)) {
		return false
	}
	return !plain(text)
}

func firstRune(s string) rune {
	for _, r := range s {
		return r
	}
	return 0
}

// plain tells a signed number: digits, with points, commas and spaces between them.
func plain(text string) bool {
	rest := strings.TrimLeft(text, "+-")
	if len(text)-len(rest) != 1 || rest == "" || !unicode.IsDigit(firstRune(rest)) {
		return false
	}
	return strings.IndexFunc(rest, func(r rune) bool {
		return !unicode.IsDigit(r) && !strings.ContainsRune(". ,'\u00A0\u202F٫٬", r)
	}) < 0
}
