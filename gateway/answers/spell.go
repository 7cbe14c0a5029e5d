package answers

import (
	"math/bits"
	"slices"
	"strings"
	"unicode/utf8"
)

// speller knows the words of the pages and finds the one that a misspelt word meant.
type speller struct {
	byLen [maxWord + 1][]entry // by number of letters
}

type entry struct {
	word   string
	count  int
	letter uint64 // which letters it has, hashed: a cheap bound on the distance
}

// Words shorter than shortest are never corrected, and those shorter than wrongLetter not by another letter in one's
// place: "late" is no misspelt "date".
const (
	shortest    = 4
	wrongLetter = 5
	longTwo     = 8 // from so many letters on, two slips are allowed
)

func newSpeller(words map[string]int) speller {
	var s speller
	for w, n := range words {
		if l := letters(w); l >= shortest-1 && l <= maxWord && !numeric(w) {
			s.byLen[l] = append(s.byLen[l], entry{w, n, signature(w)})
		}
	}
	for _, list := range s.byLen {
		slices.SortFunc(list, func(a, b entry) int { return strings.Compare(a.word, b.word) })
	}
	return s
}

// count tells how often a word stands in the pages; 0 for a word that is not kept because it is short.
func (s *speller) count(w string) int {
	n := letters(w)
	if n > maxWord {
		return 0
	}
	i, ok := slices.BinarySearchFunc(s.byLen[n], w, func(e entry, w string) int { return strings.Compare(e.word, w) })
	if !ok {
		return 0
	}
	return s.byLen[n][i].count
}

func numeric(w string) bool { return w[0] >= '0' && w[0] <= '9' }

func signature(w string) uint64 {
	var m uint64
	for _, r := range w {
		m |= 1 << (uint32(r) * 2654435761 >> 26)
	}
	return m
}

// correct gives the word of the pages that w most likely meant: the nearest by slips (a letter wrong, missing, too
// many, or two swapped), the same first letter before others, then the most frequent.
func (s *speller) correct(w string) (string, bool) {
	n := letters(w)
	if n < shortest || n > maxWord-2 || numeric(w) {
		return "", false
	}
	limit := 1
	if n >= longTwo {
		limit = 2
	}
	sig, best, cost := signature(w), entry{}, 100
	a := []rune(w)
	var b []rune
	for l := n - limit; l <= n+limit; l++ {
		for _, e := range s.byLen[l] {
			if bits.OnesCount64(e.letter&^sig) > limit || bits.OnesCount64(sig&^e.letter) > limit ||
				n < wrongLetter && l == n && e.letter != sig {
				continue
			}
			b = append(b[:0], []rune(e.word)...)
			c := slips(a, b, limit) * 2
			if c > limit*2 {
				continue
			}
			if a[0] != b[0] {
				c++
			}
			if c < cost || c == cost && e.count > best.count {
				best, cost = e, c
			}
		}
	}
	return best.word, best.word != ""
}

// slips is the Damerau-Levenshtein distance (optimal string alignment) of a and b, or more than limit.
func slips(a, b []rune, limit int) int {
	var rows [3][maxWord + 2]int
	before, last, row := &rows[0], &rows[1], &rows[2]
	for j := 0; j <= len(b); j++ {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		least := i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			v := min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				v = min(v, before[j-2]+1)
			}
			row[j] = v
			least = min(least, v)
		}
		if least > limit {
			return limit + 1
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}

// spelled is text with words replaced, each at its place.
type spelled struct {
	from, to int
	word     string
}

func respell(text string, changes []spelled) string {
	if len(changes) == 0 {
		return ""
	}
	var b strings.Builder
	at := 0
	for _, c := range changes {
		if c.from < at || c.to > len(text) {
			continue
		}
		b.WriteString(text[at:c.from])
		b.WriteString(c.word)
		at = c.to
	}
	b.WriteString(text[at:])
	return strings.ToValidUTF8(b.String(), string(utf8.RuneError))
}
