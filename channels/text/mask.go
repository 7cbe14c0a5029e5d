package text

import (
	"strings"
	"unicode"
)

// How long a number must be to be masked, in digits.
const (
	longNumber  = 9  // identity, tax and telephone numbers
	gluedNumber = 7  // the same when a letter touches it: X1234567, 12345678Z
	shortCard   = 13 // ISO/IEC 7812: card numbers have 13 to 19 digits here, the last a check digit
	longCard    = 19
)

// Mask hides card numbers and long identity or telephone numbers in s, in any script's digits, grouped by single
// spaces, dots, slashes or hyphens. A card keeps its last four digits, any other number its last three. A date or a
// case reference is too short to be hidden.
func Mask(s string) string {
	r := []rune(s)
	var b strings.Builder
	for i := 0; i < len(r); {
		n := numberAt(r, i)
		if n.digits == 0 {
			b.WriteRune(r[i])
			i++
			continue
		}
		b.WriteString(n.masked(string(r[i:n.end])))
		i = n.end
	}
	return b.String()
}

// number is a run of digits with single separators that begins where it was looked for.
type number struct {
	end    int // in runes, after the last digit
	digits int
	glued  bool // a letter touches it
	card   bool
	tail   string // the last digits, in ASCII
}

// numberAt reads the longest number at i that has to be masked, or, when none has, one group of digits.
func numberAt(r []rune, i int) number {
	if _, ok := Digit(r[i]); !ok {
		return number{}
	}
	glued := i > 0 && unicode.IsLetter(r[i-1])
	var first, best number
	var digits []byte
	sep, mixed := rune(0), false
	for j := i; j < len(r); j++ {
		d, ok := Digit(r[j])
		if !ok {
			if !separator(r, j) {
				break
			}
			mixed = mixed || sep != 0 && sep != r[j]
			sep = r[j]
			continue
		}
		digits = append(digits, byte('0'+d))
		if j+1 < len(r) && isDigit(r[j+1]) {
			continue
		}
		n := number{end: j + 1, digits: len(digits), tail: string(digits)}
		n.glued = glued || j+1 < len(r) && unicode.IsLetter(r[j+1])
		n.card = len(digits) >= shortCard && len(digits) <= longCard && luhn(digits)
		if first.digits == 0 {
			first = n
		}
		if n.hidden() && (n.card || !mixed) {
			best = n
		}
		if len(digits) > 2*longCard {
			break
		}
	}
	if best.digits > 0 {
		return best
	}
	return first
}

func (n number) hidden() bool {
	return n.card || n.digits >= longNumber || n.glued && n.digits >= gluedNumber
}

func (n number) masked(as string) string {
	switch {
	case n.card:
		return "****" + n.tail[len(n.tail)-4:]
	case n.hidden():
		return "***" + n.tail[len(n.tail)-3:]
	}
	return as
}

func isDigit(r rune) bool {
	_, ok := Digit(r)
	return ok
}

// separator tells whether r[j] joins the digits on both sides of it.
func separator(r []rune, j int) bool {
	return strings.ContainsRune(" -./\u00A0\u2011\u2013", r[j]) && j+1 < len(r) && isDigit(r[j+1])
}

// luhn checks the check digit of ISO/IEC 7812-1 annex B.
func luhn(digits []byte) bool {
	sum := 0
	for i := range digits {
		d := int(digits[len(digits)-1-i] - '0')
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}
