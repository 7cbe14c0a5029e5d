package answers

import (
	"math"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// token is one unit of analysis: a word, or a gram of a script that is written without spaces.
type token struct {
	word string // folded surface form; empty for a gram
	term string // the word's stem; empty for a gram
	// gram is one character, or two neighbours with the first in the upper half; 0 for a word.
	gram       uint64
	start, end int // bytes in the text
}

// text is the term as a person reads it.
func (t token) text() string {
	switch {
	case t.gram == 0:
		return t.term
	case t.gram>>32 == 0:
		return string(rune(t.gram))
	}
	return string([]rune{rune(t.gram >> 32), rune(t.gram & math.MaxUint32)})
}

// maxWord bounds a word, in bytes of its folded form; a longer run is no word of any language.
const maxWord = 64

// analyse cuts text into tokens and hands out each.
func analyse(text string, emit func(token)) {
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRuneInString(text[i:])
		switch {
		case dense(r):
			end := i + span(text[i:], dense)
			grams(text[i:end], i, emit)
			i = end
		case wordly(r):
			end := i + span(text[i:], wordly)
			words(text[i:end], i, emit)
			i = end
		default:
			i += n
		}
	}
}

func span(s string, in func(rune) bool) int {
	for i, r := range s {
		if !in(r) {
			return i
		}
	}
	return len(s)
}

// dense tells the scripts that don't part words by spaces, and Hangul, whose words carry their particles.
func dense(r rune) bool {
	if r < 0x0E00 {
		return false
	}
	return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul, unicode.Thai, unicode.Lao,
		unicode.Khmer, unicode.Myanmar) || r == 'ー' || r == 'ｰ' || r == 'ﾞ' || r == 'ﾟ'
}

func wordly(r rune) bool {
	if r < utf8.RuneSelf {
		return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
	}
	return !dense(r) && (unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.Is(unicode.M, r) || r == 'ـ')
}

// grams gives every character and every pair of neighbours.
func grams(s string, at int, emit func(token)) {
	if !norm.NFKC.IsNormalString(s) {
		s = norm.NFKC.String(s)
	}
	var last uint64
	for _, r := range s {
		if last != 0 {
			emit(token{gram: last<<32 | uint64(r), start: at, end: at})
		}
		emit(token{gram: uint64(r), start: at, end: at})
		last = uint64(r)
	}
}

// words folds a run of letters and digits and parts letters from digits, so that "covid19" is "covid 19".
func words(s string, at int, emit func(token)) {
	w := fold(s)
	for w != "" {
		n := span(w, unicode.IsDigit)
		if n == 0 {
			n = span(w, func(r rune) bool { return !unicode.IsDigit(r) })
		}
		if n <= maxWord {
			emit(token{word: w[:n], term: stem(w[:n]), start: at, end: at + len(s)})
		}
		w = w[n:]
	}
}

// fold takes away width, case, diacritics and the spellings that differ only by habit.
func fold(s string) string {
	if plain(s) {
		return lower(s)
	}
	out := make([]rune, 0, len(s))
	for _, r := range norm.NFKD.String(s) {
		r = unicode.ToLower(r)
		if mark(r) {
			continue
		}
		if two, ok := ligature(r); ok {
			out = append(out, two...)
			continue
		}
		out = append(out, digit(letter(r)))
	}
	return norm.NFC.String(string(out))
}

func plain(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func lower(s string) string {
	for i := 0; i < len(s); i++ {
		if 'A' <= s[i] && s[i] <= 'Z' {
			b := []byte(s)
			for ; i < len(b); i++ {
				if 'A' <= b[i] && b[i] <= 'Z' {
					b[i] += 'a' - 'A'
				}
			}
			return string(b)
		}
	}
	return s
}

// mark tells the diacritics that people leave out: of Latin, Greek and Cyrillic, Hebrew points, Arabic vowels and
// the Arabic stretcher. Marks that make another letter (Indic, kana) stay.
func mark(r rune) bool {
	switch {
	case 0x0300 <= r && r <= 0x036F, 0x0591 <= r && r <= 0x05C7, 0x0610 <= r && r <= 0x061A,
		0x064B <= r && r <= 0x065F, r == 0x0670, 0x06D6 <= r && r <= 0x06ED, r == 0x0640:
		return true
	}
	return false
}

func ligature(r rune) ([]rune, bool) {
	switch r {
	case 'ß':
		return []rune("ss"), true
	case 'æ':
		return []rune("ae"), true
	case 'œ':
		return []rune("oe"), true
	case 'þ':
		return []rune("th"), true
	}
	return nil, false
}

// letter folds letters that have no decomposition. Arabic: alef wasla, Persian kaf and yeh, alef maqsura, teh
// marbuta; hamza forms are already taken apart by NFKD.
func letter(r rune) rune {
	switch r {
	case 'ø':
		return 'o'
	case 'ł':
		return 'l'
	case 'đ', 'ð':
		return 'd'
	case 'ı':
		return 'i'
	case 'ħ':
		return 'h'
	case 'ٱ':
		return 'ا'
	case 'ى', 'ی':
		return 'ي'
	case 'ة':
		return 'ه'
	case 'ک':
		return 'ك'
	case 'ς':
		return 'σ'
	}
	return r
}

// digit gives the ASCII form of a digit of any script. Digits of a script stand in tens (Unicode §4.6).
func digit(r rune) rune {
	if r < utf8.RuneSelf || !unicode.IsDigit(r) {
		return r
	}
	zero := r
	for unicode.IsDigit(zero-1) && r-zero < 9 {
		zero--
	}
	return '0' + (r-zero)%10
}
