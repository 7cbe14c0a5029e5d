package forms

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"gatehouse/channels/text"
)

// ParseTime reads a time of day: "14:30", "14h30", "14.30", "2 pm", "9", "下午2点半", "2 مساء".
func ParseTime(said string) (string, bool) {
	s := strings.ToLower(strings.TrimSpace(text.Digits(said)))
	if len(s) > 40 {
		return "", false
	}
	s = strings.NewReplacer("点半", ":30", "a.m.", "am", "p.m.", "pm").Replace(s)
	half, s := afternoon(s)
	var parts []int
	for _, p := range strings.FieldsFunc(s, func(r rune) bool { return !unicode.IsDigit(r) }) {
		n, err := strconv.Atoi(p)
		if err != nil || len(p) > 2 {
			return "", false
		}
		parts = append(parts, n)
	}
	if strings.Trim(s, "0123456789:. h点时分\u00a0") != "" || len(parts) < 1 || len(parts) > 2 {
		return "", false
	}
	parts = append(parts, 0)
	hour, minute := parts[0], parts[1]
	switch {
	case half != 0 && (hour < 1 || hour > 12):
		return "", false
	case half == 'p' && hour < 12:
		hour += 12
	case half == 'a' && hour == 12:
		hour = 0
	}
	return fmt.Sprintf("%02d:%02d", hour, minute), hour < 24 && minute < 60
}

// afternoon takes the word for the half of the day out: 'a' before noon, 'p' after, 0 for none.
func afternoon(s string) (rune, string) {
	for half, words := range map[rune][]string{
		'a': {"am", "上午", "早上", "صباحا", "صباحًا", "du matin"},
		'p': {"pm", "下午", "晚上", "مساء", "مساءً", "ظهرا", "du soir"},
	} {
		for _, w := range words {
			if strings.Contains(s, w) {
				return half, strings.TrimSpace(strings.Replace(s, w, "", 1))
			}
		}
	}
	return 0, s
}
