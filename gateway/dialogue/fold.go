package dialogue

import (
	"strings"
	"unicode"

	"gatehouse/channels/text"
)

// Fold brings a text to the form that is compared: lower case, digits as 0 to 9, without accents, signs or emoji,
// words parted by one space. Chinese runs on without spaces.
func Fold(s string) string {
	tokens := strings.FieldsFunc(s, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r)
	})
	out := make([]string, 0, len(tokens))
	for _, t := range tokens {
		t = strings.Map(func(r rune) rune {
			if r == '\uFE0F' || r == '\u20E3' { // the two marks of a keycap emoji
				return -1
			}
			return r
		}, t)
		switch {
		case t == "":
		case isHan(t):
			out = append(out, strings.ToLower(text.Digits(t)))
		default:
			out = append(out, text.Words(t)...)
		}
	}
	return strings.Join(out, " ")
}

func isHan(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return unicode.Is(unicode.Han, r) })
}

// Fold is the function Fold, for those who know the Grammar only by what it can do.
func (g *Grammar) Fold(s string) string { return Fold(s) }

// contains tells whether phrase stands in s, both folded: at word borders, but anywhere in Chinese.
func contains(s, phrase string) bool {
	if phrase == "" {
		return false
	}
	if isHan(phrase) {
		return strings.Contains(strings.ReplaceAll(s, " ", ""), strings.ReplaceAll(phrase, " ", ""))
	}
	return strings.Contains(" "+s+" ", " "+phrase+" ")
}
