package text

import (
	"strings"
	"testing"
	"unicode"

	"pgregory.net/rapid"
)

func TestPlain(t *testing.T) {
	for _, c := range []struct{ in, keep, strip string }{
		{"plain", "plain", "plain"},
		{"it’s “fine” – really…", `it's "fine" - really...`, `it's "fine" - really...`},
		{"« Tri »\u00A0: 10\u202F%", `" Tri " : 10 %`, `" Tri " : 10 %`},
		{"soft\u00ADhyphen, zero\u200Bwidth", "softhyphen, zerowidth", "softhyphen, zerowidth"},
		{"a\tb\r\nc", "a b\nc", "a b\nc"},
		{"déjà, où, Ç", "déjà, où, Ç", "déjà, où, Ç"},
		{"cafe\u0301", "café", "café"},
		{"forêt – ça, cœur", "forêt – ça, cœur", "foret - ca, coeur"},
		{"está mañana", "está mañana", "esta mañana"},
		{"Łódź, Đà Nẵng", "Łódź, Đà Nẵng", "Lodz, Dà Nang"},
		{"e\u0302", "e\u0302", "e"},
		{"“街灯”…", "“街灯”…", "“街灯”…"},
		{"مرحبا – ٣", "مرحبا – ٣", "مرحبا – ٣"},
		{"ok 👍 – fine", "ok 👍 – fine", "ok 👍 – fine"},
	} {
		if got := Plain(c.in, KeepAccents); got != c.keep {
			t.Errorf("keep %q: %q, want %q", c.in, got, c.keep)
		}
		if got := Plain(c.in, StripAccents); got != c.strip {
			t.Errorf("strip %q: %q, want %q", c.in, got, c.strip)
		}
	}
}

func TestPlainProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.String().Draw(t, "s") + rapid.SampledFrom([]string{"", "’", "ê", "\u00A0", "😀", "\r\n"}).Draw(t, "tail")
		for _, a := range []Accents{KeepAccents, StripAccents} {
			p := Plain(s, a)
			if p != s && Measure(p).Encoding != GSM7 {
				t.Fatalf("%s %q was changed to %q for nothing", a, s, p)
			}
			if Plain(p, a) != p {
				t.Fatalf("%s %q changes again", a, p)
			}
		}
	})
}

// Every letter that bare knows loses its accent to ASCII, and keeps its case.
func TestBare(t *testing.T) {
	known := 0
	for r := rune(0x80); r < 0x2000; r++ {
		b, ok := bare(r)
		if !ok {
			continue
		}
		known++
		if b == "" || strings.ContainsFunc(b, func(r rune) bool { return r > 'z' }) {
			t.Errorf("%c becomes %q", r, b)
		}
		if unicode.IsUpper(r) != unicode.IsUpper(rune(b[0])) {
			t.Errorf("%c becomes %q of another case", r, b)
		}
	}
	if known < 200 {
		t.Errorf("only %d letters are known", known)
	}
}

func TestDigits(t *testing.T) {
	for in, want := range map[string]string{
		"":           "",
		"room 12":    "room 12",
		"٣٠":         "30",
		"۱۲۳۴۵۶۷۸۹۰": "1234567890",
		"０１２３４５６７８９": "0123456789",
		"३ और ४":     "3 और 4",
		"৫ ௫ ๕ ៥":    "5 5 5 5",
		"𝟗 mathbold": "9 mathbold",
		"三 ½ ² Ⅳ":    "三 ½ ² Ⅳ",
		"bad \xff ٣": "bad \uFFFD 3",
	} {
		if got := Digits(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// Digit relies on each range of unicode.Nd being whole scripts of ten; so does this test of every code point.
func TestDigitOfEveryScript(t *testing.T) {
	count := make(map[int]int)
	for r := rune(0); r <= unicode.MaxRune; r++ {
		d, ok := Digit(r)
		if ok != unicode.Is(unicode.Nd, r) {
			t.Fatalf("%U: digit %v", r, ok)
		}
		if ok {
			count[d]++
		}
	}
	for d := range 10 {
		if count[d] != count[0] || count[d] < 60 {
			t.Errorf("digit %d occurs in %d scripts, 0 in %d", d, count[d], count[0])
		}
	}
	for _, zero := range []rune{'0', '٠', '۰', '०', '০', '０', '๐', '𝟎', '𝟘'} {
		for d := range 10 {
			if got, _ := Digit(zero + rune(d)); got != d {
				t.Errorf("%U is %d, want %d", zero+rune(d), got, d)
			}
		}
	}
}
