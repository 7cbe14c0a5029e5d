package exchange

import (
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// letter is one letter, digit or star of a text as the leak rules read it: compatibility forms taken apart (NFKD), so
// that full-width and circled ones are plain; marks and accents dropped; digits of all scripts as 0 to 9; lower case;
// Cyrillic and Greek letters that look like Latin ones as those.
type letter struct {
	r        rune
	from, to int  // bytes of the text it stands for
	upper    bool // was upper case
	cut      bool // a word may begin here
	gap      int  // runes between it and the letter before
	join     bool // those are separators that people write within a number
}

// fold gives the letters of a normal text, in order.
func fold(s string) []letter {
	f := folder{out: make([]letter, 0, len(s))}
	for i, r := range s {
		f.add(r, i, i+utf8.RuneLen(r))
	}
	return f.out
}

type folder struct {
	out     []letter
	gap     int
	foreign bool // the gap holds what no number is written with
}

func (f *folder) add(r rune, from, to int) {
	if r < utf8.RuneSelf {
		f.one(r, from, to)
		return
	}
	var buf [utf8.UTFMax]byte
	parts := norm.NFKD.Properties(buf[:utf8.EncodeRune(buf[:], r)]).Decomposition()
	if parts == nil {
		f.one(r, from, to)
	}
	for _, p := range string(parts) {
		f.one(p, from, to)
	}
}

func (f *folder) one(r rune, from, to int) {
	d, isDigit := digit(r)
	switch {
	case isDigit:
		r = d
	case unicode.IsLetter(r), r == star:
	case unicode.IsMark(r):
		return
	default:
		f.gap++
		f.foreign = f.foreign || !separates(r)
		return
	}
	l := letter{r: alike(unicode.ToLower(r)), from: from, to: to, upper: unicode.IsUpper(r), gap: f.gap, join: f.gap <= maxGap && !f.foreign}
	l.cut = f.gap > 0 || len(f.out) == 0 || apart(f.out[len(f.out)-1].r, l.r)
	f.out = append(f.out, l)
	f.gap, f.foreign = 0, false
}

// star stands behind a Chinese level of secrecy and before its years (GB/T 9704-2012 §7.2.2); it makes 机密 a mark.
const star = '★'

// maxGap is how many runes may stand between two letters of one mark, word or number.
const maxGap = 3

// separates tells whether people write r within a number.
func separates(r rune) bool {
	switch r {
	case ' ', '-', '.', '/', '_', '·', '‐', '‑', '‒', '–', '—', '−', '・':
		return true
	}
	return false
}

// digit gives the digit 0 to 9 that r is in its script. The ranges of Nd hold whole tens, each from its zero on.
func digit(r rune) (rune, bool) {
	if r < utf8.RuneSelf {
		return r, '0' <= r && r <= '9'
	}
	for _, x := range unicode.Nd.R16 {
		if rune(x.Lo) <= r && r <= rune(x.Hi) {
			return '0' + (r-rune(x.Lo))%10, true
		}
	}
	for _, x := range unicode.Nd.R32 {
		if rune(x.Lo) <= r && r <= rune(x.Hi) {
			return '0' + (r-rune(x.Lo))%10, true
		}
	}
	return r, false
}

// apart tells whether a word may end between two letters without a gap: in scripts without spaces, around a star, and
// where a digit follows a letter that is not Latin, or the other way round.
func apart(a, b rune) bool {
	return unspaced(a) || unspaced(b) || isDigit(a) != isDigit(b) && (foreign(a) || foreign(b))
}

func isDigit(r rune) bool { return '0' <= r && r <= '9' }

func foreign(r rune) bool { return r >= utf8.RuneSelf && !unicode.Is(unicode.Latin, r) }

func unspaced(r rune) bool {
	return r == star || r > 0x0E00 && unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar)
}

// alike gives the Latin letter that a lower-case Cyrillic or Greek one can't be told from.
func alike(r rune) rune {
	if r < 0x370 || r > 0x4FF {
		return r
	}
	const from, to = "авсԁеһіјкмнорԛѕтухγαοιρτυνκ", "abcdehijkmhopqstuxyaoiptuvk"
	n := 0
	for _, x := range from {
		if x == r {
			return rune(to[n])
		}
		n++
	}
	return r
}
