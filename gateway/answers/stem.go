package answers

import (
	"strings"
	"unicode/utf8"

	"github.com/kljensen/snowball/english"
)

// stem takes endings from a folded word, by its script alone.
func stem(w string) string {
	switch r, _ := utf8.DecodeRuneInString(w); {
	case 'a' <= r && r <= 'z':
		return latin(w)
	case 0x0600 <= r && r <= 0x06FF:
		return arabic(w)
	}
	return w
}

// latin is Snowball's English stemmer, which also takes the plural of French, Spanish and their kin, and then the
// final vowel that marks gender there.
func latin(w string) string {
	if len(w) < 3 {
		return w
	}
	s := english.Stem(w, true)
	if n := len(s); n > 3 && s[n-1] == 'e' {
		s = s[:n-1]
	}
	return s
}

// arabic is the light stemmer "light10" (Larkey, Ballesteros, Connell, SIGIR 2002): the article with its
// prepositions goes, then the common endings, never below two letters.
func arabic(w string) string {
	if s, ok := strings.CutPrefix(w, "و"); ok && letters(s) >= 3 {
		w = s
	}
	for _, p := range []string{"ال", "وال", "بال", "كال", "فال", "لل"} {
		if s, ok := strings.CutPrefix(w, p); ok && letters(s) >= 2 {
			w = s
			break
		}
	}
	for _, e := range []string{"ها", "ان", "ات", "ون", "ين", "يه", "ه", "ي"} {
		if s, ok := strings.CutSuffix(w, e); ok && letters(s) >= 2 {
			w = s
		}
	}
	return w
}

func letters(s string) int { return utf8.RuneCountInString(s) }
