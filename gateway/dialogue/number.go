package dialogue

import (
	"strconv"
	"strings"
	"unicode"

	"gatehouse/channels/text"
)

// maxNumber bounds a menu number; what is longer is no choice.
const maxNumber = 999

// Number reads exactly one menu number, in the digits or words of any language: "3", "3.", "#3", "(3)", "٣", "３",
// "three", "3️⃣". A number within other words is none, so that 10 never picks 1.
func (g *Grammar) Number(s string) (int, bool) {
	s = strings.TrimSpace(text.Digits(strings.Map(keep, s)))
	s = strings.Trim(s, " #.()!,،。、:-")
	if n, ok := g.number[Fold(s)]; ok && s != "" {
		return n, true
	}
	if s == "" || len(s) > 3 || strings.ContainsFunc(s, func(r rune) bool { return r < '0' || r > '9' }) {
		return 0, false
	}
	n, err := strconv.Atoi(s)
	return n, err == nil && n <= maxNumber
}

// keep drops emoji and the marks of keycaps.
func keep(r rune) rune {
	if unicode.Is(unicode.So, r) || unicode.Is(unicode.Sk, r) && r > 0xFF || r == '\uFE0F' || r == '\u20E3' || r == '\u200D' {
		return -1
	}
	return r
}

// Numbers reads a list of menu numbers: "1,3", "1 and 3", "1 3", "١ و ٣". False: something else stands in it.
func (g *Grammar) Numbers(s string) ([]int, bool) {
	if len(s) > MaxRead {
		return nil, false
	}
	parts := strings.FieldsFunc(s, func(r rune) bool {
		return unicode.IsSpace(r) || strings.ContainsRune(",;+&/،、，；", r)
	})
	var all []int
	for _, p := range parts {
		if _, and := g.exact["and"][Fold(p)]; and {
			continue
		}
		n, ok := g.Number(p)
		if !ok {
			// Arabic writes "and" together with what follows it, Chinese with both sides.
			if more, ok := g.glued(p); ok {
				all = append(all, more...)
				continue
			}
			return nil, false
		}
		all = append(all, n)
	}
	return all, len(all) > 0
}

func (g *Grammar) glued(p string) ([]int, bool) {
	split := strings.FieldsFunc(p, func(r rune) bool { return r == 'و' || r == '和' || r == '与' || r == '及' })
	if len(split) == 0 || len(split) == 1 && split[0] == p {
		return nil, false
	}
	var all []int
	for _, s := range split {
		n, ok := g.Number(s)
		if !ok {
			return nil, false
		}
		all = append(all, n)
	}
	return all, true
}
