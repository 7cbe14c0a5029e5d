package text

import "unicode"

// maxWord bounds one word in runes: longer ones are noise (a pasted key, a file in base64) and are cut there.
const maxWord = 64

// Words breaks s into what a full-text search looks up: lower case, without accents, vowel signs or the spelling
// variants of Arabic, digits as 0 to 9. Scripts written without spaces (Han, kana, Thai, Lao, Khmer, Burmese) give
// each character and each pair of neighbours, so that a query finds any part of a run. The same function must make
// the index and the query.
func Words(s string) []string {
	var out []string
	var word, run []rune
	flush := func() {
		if len(word) > 0 {
			out = append(out, string(word))
		}
		out = append(out, grams(run)...)
		word, run = word[:0], run[:0]
	}
	for _, r := range s {
		r, use := fold(r)
		switch {
		case !use:
		case unspaced(r):
			if len(word) > 0 {
				flush()
			}
			run = append(run, r)
		case unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r):
			if len(run) > 0 || len(word) >= maxWord {
				flush()
			}
			word = appendBare(word, r)
		default:
			flush()
		}
	}
	flush()
	return out
}

// grams gives each character of a run and each pair of neighbours.
func grams(run []rune) []string {
	var out []string
	for i, r := range run {
		if !unicode.IsMark(r) {
			out = append(out, string(r))
		}
		if i > 0 {
			out = append(out, string(run[i-1:i+1]))
		}
	}
	return out
}

func appendBare(word []rune, r rune) []rune {
	if r < 0x80 {
		return append(word, r)
	}
	if b, ok := bare(r); ok {
		return append(word, []rune(b)...)
	}
	return append(word, r)
}

// fold brings a character to the form that is compared; false: it does not count, like a vowel sign.
func fold(r rune) (rune, bool) {
	if r >= 0xFF01 && r <= 0xFF5E { // full-width forms
		r -= 0xFEE0
	}
	if d, ok := Digit(r); ok {
		return rune('0' + d), true
	}
	switch r {
	case 'أ', 'إ', 'آ', 'ٱ':
		return 'ا', true
	case 'ى', 'ی':
		return 'ي', true
	case 'ک':
		return 'ك', true
	case 'ة':
		return 'ه', true
	case 'ـ', '\u00AD', '\u200B', '\u200C', '\u200D', '\u200E', '\u200F', '\u0670':
		return 0, false
	}
	if isMark(r) || r >= 0x064B && r <= 0x065F { // accents; Arabic vowel signs
		return 0, false
	}
	return unicode.ToLower(r), true
}

func unspaced(r rune) bool {
	return r >= 0x0E00 && (unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao,
		unicode.Khmer, unicode.Myanmar))
}
