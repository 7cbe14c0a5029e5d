package text

import (
	"strings"
	"unicode"
)

// Digits writes the decimal digits of every script (٣, ۳, ３, ३ …) as 0 to 9 and leaves the rest alone.
func Digits(s string) string {
	return strings.Map(func(r rune) rune {
		if d, ok := Digit(r); ok {
			return rune('0' + d)
		}
		return r
	}, s)
}

// Digit is the value of a decimal digit of any script.
func Digit(r rune) (int, bool) {
	if r < 0x80 {
		return int(r - '0'), r >= '0' && r <= '9'
	}
	// Unicode keeps the ten digits of a script together and in order (Unicode Standard §4.6), so that a digit's
	// place in its range is its value.
	for _, t := range unicode.Nd.R16 {
		if r >= rune(t.Lo) && r <= rune(t.Hi) {
			return int(r-rune(t.Lo)) % 10, true
		}
	}
	for _, t := range unicode.Nd.R32 {
		if r >= rune(t.Lo) && r <= rune(t.Hi) {
			return int(r-rune(t.Lo)) % 10, true
		}
	}
	return 0, false
}
