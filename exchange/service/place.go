package service

import (
	"strconv"
	"strings"
	"unicode"
)

// MaxPlaces bounds what Places proposes.
const MaxPlaces = 5

// Proposal is a place of the gazetteer that a text may mean.
type Proposal struct {
	Street Street
	House  int    // 0: none was said
	Suffix string // "b" of 14b
}

// String is the canonical form, "14 Quay St, PL2 4AB".
func (p Proposal) String() string {
	s := p.Street.Name + ", " + p.Street.Postcode
	if p.House > 0 {
		return strconv.Itoa(p.House) + p.Suffix + " " + s
	}
	return s
}

// Places proposes the places that text may mean, the surest first: by street, whole or the beginning of each word, or
// by postcode. A house number outside the street's range is no match.
func (c *City) Places(text string) []Proposal {
	words, house, suffix := addressWords(text)
	code := strings.Join(words, "")
	var exact, near []Proposal
	for _, s := range c.Streets {
		p := Proposal{Street: s, House: house, Suffix: suffix}
		if house > 0 && (house < s.From || house > s.To) {
			continue
		}
		switch rank := s.match(words, code, text); {
		case rank == 2:
			exact = append(exact, p)
		case rank == 1:
			near = append(near, p)
		}
	}
	if len(exact) == 0 {
		exact = near
	}
	return exact[:min(len(exact), MaxPlaces)]
}

// match ranks how well words name the street: 2 whole, 1 by the beginnings of its words, 0 not.
func (s Street) match(words []string, code, text string) int {
	post := strings.ToLower(strings.ReplaceAll(s.Postcode, " ", ""))
	if strings.HasSuffix(code, post) {
		return 2
	}
	for _, other := range s.Also {
		if strings.Contains(strings.ToLower(text), strings.ToLower(other)) {
			return 2
		}
	}
	if len(words) == 0 {
		return 0
	}
	name, _, _ := addressWords(s.Name)
	if strings.Join(name, " ") == strings.Join(words, " ") {
		return 2
	}
	whole := len(words) >= min(len(name), 2)
	for i, w := range words {
		if i >= len(name) || !strings.HasPrefix(name[i], w) || len(w) < 3 && w != name[i] {
			return 0
		}
		whole = whole && w == name[i]
	}
	if whole {
		return 2
	}
	return 1
}

// addressWords splits an address into folded words without its house number; kinds of street get one short form.
func addressWords(text string) (words []string, house int, suffix string) {
	fields := strings.FieldsFunc(strings.ToLower(parted(text)), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
	for i, f := range fields {
		n, tail := leadingNumber(f)
		switch {
		case house == 0 && n > 0 && len(tail) <= 1 && !followsOutward(fields, i):
			house, suffix = n, tail
		default:
			words = append(words, shortKind(f))
		}
	}
	return words, house, suffix
}

// parted puts a space between Han characters and digits, which are written together: 码头街14号.
func parted(text string) string {
	var b strings.Builder
	last := ' '
	for _, r := range text {
		if unicode.IsDigit(r) && unicode.Is(unicode.Han, last) || unicode.Is(unicode.Han, r) && unicode.IsDigit(last) {
			b.WriteByte(' ')
		}
		b.WriteRune(r)
		last = r
	}
	return b.String()
}

// followsOutward tells whether fields[i] is the inward half of a postcode, "4AB" after "PL2".
func followsOutward(fields []string, i int) bool {
	if i == 0 {
		return false
	}
	out, in := fields[i-1], fields[i]
	return len(in) == 3 && len(out) >= 3 && unicode.IsLetter(rune(out[0])) && unicode.IsDigit(rune(out[len(out)-1]))
}

// leadingNumber reads the digits of any script that f begins with.
func leadingNumber(f string) (n int, tail string) {
	for i, r := range f {
		d := digit(r)
		if d < 0 || n > 99999 {
			return n, f[i:]
		}
		n = n*10 + d
	}
	return n, ""
}

// digit gives the value of a decimal digit of any script, or -1. Unicode keeps each set of ten together, from zero.
func digit(r rune) int {
	if !unicode.IsDigit(r) {
		return -1
	}
	n := 0
	for n < 9 && unicode.IsDigit(r-rune(n)-1) {
		n++
	}
	return n
}

func shortKind(w string) string {
	switch w {
	case "street", "str":
		return "st"
	case "road":
		return "rd"
	case "avenue", "av":
		return "ave"
	case "lane":
		return "ln"
	case "square":
		return "sq"
	case "place":
		return "pl"
	}
	return w
}
