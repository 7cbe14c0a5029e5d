package dialogue

import (
	"strings"
	"unicode"
)

// Detect tells in which language s is written: by its script, else by its common words. False: it can't be told
// (a number, a name, a single word that several languages share).
func (g *Grammar) Detect(s string) (string, bool) {
	if len(s) > MaxRead {
		s = s[:MaxRead]
	}
	var han, kana, arabic, latin int
	for _, r := range s {
		switch {
		case unicode.Is(unicode.Han, r):
			han++
		case unicode.In(r, unicode.Hiragana, unicode.Katakana):
			kana++
		case unicode.Is(unicode.Arabic, r) && unicode.IsLetter(r):
			arabic++
		case unicode.Is(unicode.Latin, r):
			latin++
		}
	}
	switch {
	case 2*kana >= han && kana > 0: // Japanese, whose Han letters are no Chinese words
		return "", false
	case 3*han >= latin && han >= arabic && han > 0 && g.knows("zh"):
		return "zh", true
	case 2*arabic > latin && arabic > 0 && g.knows("ar"):
		return "ar", true
	case latin == 0:
		return "", false
	}
	return g.latin(Fold(s))
}

func (g *Grammar) knows(lang string) bool {
	for _, l := range g.langs {
		if l == lang {
			return true
		}
	}
	return false
}

// latin compares how many words of s are common in each language.
func (g *Grammar) latin(f string) (string, bool) {
	best, most, tie := "", 0, false
	for _, lang := range g.langs {
		n := 0
		for _, list := range []string{"common", "greeting", "question", "thanks"} {
			for _, w := range g.lists[list][lang] {
				if contains(f, w) {
					n += len(strings.Fields(w))
				}
			}
		}
		switch {
		case n > most:
			best, most, tie = lang, n, false
		case n == most:
			tie = true
		}
	}
	return best, most > 0 && !tie
}
