package exchange

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Normalize gives s as a text may cross: valid UTF-8 in form NFC, lines ended by \n alone, and without control,
// bidi, zero-width or private characters and noncharacters; \n and \t stay. The gateway calls it before it builds a
// document, so that the origin's signature stands over the very bytes that the guard accepts.
func Normalize(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	s = lineEnds.Replace(s)
	s = strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || plain(r) {
			return r
		}
		return -1
	}, s)
	return norm.NFC.String(s)
}

// NormalizeLine is Normalize for a field of one line: breaks and tabs become spaces, and the ends are trimmed.
func NormalizeLine(s string) string {
	return strings.TrimSpace(strings.NewReplacer("\n", " ", "\t", " ").Replace(Normalize(s)))
}

// lineEnds are the ways to end a line that Unicode knows (UAX #14: BK, CR, NL), but for vertical tab and form feed.
var lineEnds = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u0085", "\n", "\u2028", "\n", "\u2029", "\n")

// Normal tells whether s may cross as it is: Normalize would change nothing.
func Normal(s string) bool {
	if !utf8.ValidString(s) || !norm.NFC.IsNormalString(s) {
		return false
	}
	for _, r := range s {
		if r != '\n' && r != '\t' && !plain(r) {
			return false
		}
	}
	return true
}

// plain refuses the general categories Cc (control), Cf (format: bidi, zero-width, soft hyphen, tags), Zl, Zp
// (separators), Co (private use), and the noncharacters (Unicode 15.0, §23.7).
func plain(r rune) bool {
	if r < utf8.RuneSelf {
		return r >= ' ' && r != 0x7F
	}
	return !unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co) &&
		r&0xFFFE != 0xFFFE && (r < 0xFDD0 || r > 0xFDEF)
}
