// Package text measures, cuts and cleans the words that go through a carrier: SMS segments, plain typography,
// digits of all scripts, words for a search, masks over numbers that must not be shown.
//
// The rule: functions here are pure, take any bytes, and use the standard library alone.
package text

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Encoding is how an SMS carries its characters.
type Encoding string

// The two encodings of 3GPP TS 23.038: seven bits a character, or sixteen.
const (
	GSM7 Encoding = "gsm7"
	UCS2 Encoding = "ucs2"
)

// What one segment holds, alone or as a part of several, where the user data header takes its share
// (3GPP TS 23.040 §9.2.3.24.1): septets for GSM-7, UTF-16 units for UCS-2.
const (
	gsmAlone, gsmPart = 160, 153
	ucsAlone, ucsPart = 70, 67
)

// Size is what a text costs as SMS.
type Size struct {
	Encoding Encoding
	// Units are septets (GSM-7; € ^ { } [ ] ~ | \ count two) or UTF-16 units (UCS-2).
	Units int
	// Segments is the number of messages billed; 0 for an empty text.
	Segments int
}

// Measure tells in how many segments s travels. One character outside GSM-7 turns the whole text to UCS-2.
func Measure(s string) Size {
	gsm, ucs := packer{encoding: GSM7}, packer{encoding: UCS2}
	plain := true
	for _, r := range s {
		plain = gsm.add(r) && plain
		ucs.add(r)
	}
	if plain {
		return gsm.size()
	}
	return ucs.size()
}

// Split gives the parts in which s travels, in order; joined they are s again (with U+FFFD for bytes that are not
// UTF-8). No part cuts a surrogate pair or an escape and its character in two.
func Split(s string) []string {
	s = valid(s)
	size := Measure(s)
	if size.Segments <= 1 {
		return slices.DeleteFunc([]string{s}, func(p string) bool { return p == "" })
	}
	p := packer{encoding: size.Encoding}
	parts, from := make([]string, 0, size.Segments), 0
	for i, r := range s {
		if before := p.parts; p.add(r) && p.parts > before && i > 0 {
			parts, from = append(parts, s[from:i]), i
		}
	}
	return append(parts, s[from:])
}

// Cut takes from the front of s what fits into at most segments, ending at a line or word where there is one, and
// gives the rest. Both come without white space at the cut. With segments below 1 nothing fits.
func Cut(s string, segments int) (head, rest string) {
	s = valid(s)
	end := longest(s, segments)
	if end == len(s) {
		return s, ""
	}
	if at := lastBreak(s, end); at > 0 {
		end = at
	}
	return strings.TrimRightFunc(s[:end], unicode.IsSpace), strings.TrimLeftFunc(s[end:], unicode.IsSpace)
}

// longest is the length of the longest prefix of s that travels in n segments: GSM-7 as long as it can.
func longest(s string, n int) int {
	gsm, ucs := packer{encoding: GSM7}, packer{encoding: UCS2}
	plain := true
	for i, r := range s {
		plain = gsm.add(r) && plain
		ucs.add(r)
		if !(plain && gsm.size().Segments <= n) && ucs.size().Segments > n {
			return i
		}
	}
	return len(s)
}

// lastBreak is where the last white space at or before end begins, or 0.
func lastBreak(s string, end int) int {
	if r, _ := utf8.DecodeRuneInString(s[end:]); unicode.IsSpace(r) {
		return end
	}
	return max(0, strings.LastIndexFunc(s[:end], unicode.IsSpace))
}

// valid puts U+FFFD for each byte that is not UTF-8, as ranging over s does.
func valid(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return string([]rune(s))
}

// packer fills the parts of a split text one character at a time.
type packer struct {
	encoding Encoding
	units    int
	parts    int // were the text to be split
	used     int // of the last part
}

// add packs r; false: the encoding does not have it.
func (p *packer) add(r rune) bool {
	width, part := p.encoding.width(r), p.encoding.part()
	if p.parts == 0 || p.used+width > part {
		p.parts, p.used = p.parts+1, 0
	}
	p.units, p.used = p.units+width, p.used+width
	return width > 0
}

func (p *packer) size() Size {
	segments := p.parts
	if p.units > 0 && p.units <= p.encoding.alone() {
		segments = 1
	}
	return Size{Encoding: p.encoding, Units: p.units, Segments: segments}
}

func (e Encoding) width(r rune) int {
	if e == GSM7 {
		return gsmWidth(r)
	}
	if r > 0xFFFF {
		return 2
	}
	return 1
}

func (e Encoding) alone() int {
	if e == GSM7 {
		return gsmAlone
	}
	return ucsAlone
}

func (e Encoding) part() int {
	if e == GSM7 {
		return gsmPart
	}
	return ucsPart
}
