package text

import (
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// table is the default alphabet of 3GPP TS 23.038 §6.2.1 by code, typed column by column from the standard and apart
// from the string that the package uses.
var table = map[int]rune{
	0x00: '@', 0x01: '£', 0x02: '$', 0x03: '¥', 0x04: 'è', 0x05: 'é', 0x06: 'ù', 0x07: 'ì',
	0x08: 'ò', 0x09: 'Ç', 0x0A: '\n', 0x0B: 'Ø', 0x0C: 'ø', 0x0D: '\r', 0x0E: 'Å', 0x0F: 'å',
	0x10: 0x0394, 0x11: '_', 0x12: 0x03A6, 0x13: 0x0393, 0x14: 0x039B, 0x15: 0x03A9, 0x16: 0x03A0, 0x17: 0x03A8,
	0x18: 0x03A3, 0x19: 0x0398, 0x1A: 0x039E, 0x1C: 'Æ', 0x1D: 'æ', 0x1E: 'ß', 0x1F: 'É',
	0x24: 0x00A4, 0x40: 0x00A1, 0x5B: 'Ä', 0x5C: 'Ö', 0x5D: 'Ñ', 0x5E: 'Ü', 0x5F: '§',
	0x60: 0x00BF, 0x7B: 'ä', 0x7C: 'ö', 0x7D: 'ñ', 0x7E: 'ü', 0x7F: 'à',
}

func TestAlphabet(t *testing.T) {
	want := make(map[rune]int)
	for code := range 0x80 {
		r, listed := table[code]
		if !listed {
			r = rune(code) // the rest agrees with ASCII
		}
		if code != 0x1B {
			want[r] = 1
		}
	}
	for _, r := range "\f^{}\\[~]|\u20AC" { // §6.2.1.1: 0A 14 28 29 2F 3C 3D 3E 40 65
		want[r] = 2
	}
	if len(want) != 127+10 {
		t.Fatalf("the table of the standard has %d characters", len(want))
	}
	for r := rune(0); r <= utf8.MaxRune; r++ {
		if got := gsmWidth(r); got != want[r] {
			t.Errorf("%U takes %d septets, want %d", r, got, want[r])
		}
	}
}

func TestMeasure(t *testing.T) {
	for _, c := range []struct {
		name string
		text string
		want Size
	}{
		{"nothing", "", Size{GSM7, 0, 0}},
		{"one", "a", Size{GSM7, 1, 1}},
		{"full", strings.Repeat("a", 160), Size{GSM7, 160, 1}},
		{"over by one", strings.Repeat("a", 161), Size{GSM7, 161, 2}},
		{"two full parts", strings.Repeat("a", 306), Size{GSM7, 306, 2}},
		{"three parts", strings.Repeat("a", 307), Size{GSM7, 307, 3}},
		{"extension counts two", strings.Repeat("€", 80), Size{GSM7, 160, 1}},
		{"extension over", strings.Repeat("€", 80) + "a", Size{GSM7, 161, 2}},
		{"escape kept whole at 153", strings.Repeat("€", 153), Size{GSM7, 306, 3}},
		{"unicode full", strings.Repeat("é", 69) + "ê", Size{UCS2, 70, 1}},
		{"unicode over", strings.Repeat("ê", 71), Size{UCS2, 71, 2}},
		{"unicode two parts", strings.Repeat("ê", 134), Size{UCS2, 134, 2}},
		{"unicode three parts", strings.Repeat("ê", 135), Size{UCS2, 135, 3}},
		{"emoji counts two", strings.Repeat("😀", 35), Size{UCS2, 70, 1}},
		{"emoji kept whole at 67", strings.Repeat("😀", 67), Size{UCS2, 134, 3}},
		{"one quote", strings.Repeat("a", 160) + "’", Size{UCS2, 161, 3}},
		{"arabic menu", strings.Repeat("م", 84), Size{UCS2, 84, 2}},
		{"not utf-8", "a\xff", Size{UCS2, 2, 1}},
	} {
		if got := Measure(c.text); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
		if got := len(Split(c.text)); got != c.want.Segments {
			t.Errorf("%s: split into %d parts, want %d", c.name, got, c.want.Segments)
		}
	}
}

// anyText draws from what decides about encodings: both alphabets, what is outside of them, surrogates, broken bytes.
func anyText(t *rapid.T) string {
	return strings.Join(rapid.SliceOfN(rapid.SampledFrom([]string{
		"a", " ", "\n", "é", "ê", "€", "[", "’", "م", "路", "😀", "\xff", "0123456789 0123456789 0123456789",
	}), 0, 400).Draw(t, "pieces"), "")
}

func checkSplit(t interface{ Fatalf(string, ...any) }, s string) {
	parts, size := Split(s), Measure(s)
	if joined := strings.Join(parts, ""); joined != string([]rune(s)) {
		t.Fatalf("joined %q, was %q", joined, s)
	}
	if len(parts) != size.Segments {
		t.Fatalf("%d parts, but %d segments measured", len(parts), size.Segments)
	}
	for _, p := range parts {
		limit, units := 153, 0
		if size.Encoding == UCS2 {
			limit, units = 67, len(utf16.Encode([]rune(p)))
		} else {
			for _, r := range p {
				units += gsmWidth(r)
			}
		}
		if len(parts) == 1 {
			limit = map[Encoding]int{GSM7: 160, UCS2: 70}[size.Encoding]
		}
		if p == "" || units > limit || !utf8.ValidString(p) {
			t.Fatalf("part %q has %d units of %d", p, units, limit)
		}
	}
}

func TestSplitProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { checkSplit(t, anyText(t)) })
}

func TestCutProperties(t *testing.T) {
	squeeze := func(s string) string { return strings.Join(strings.Fields(string([]rune(s))), "") }
	rapid.Check(t, func(t *rapid.T) {
		s, n := anyText(t), rapid.IntRange(0, 4).Draw(t, "segments")
		head, rest := Cut(s, n)
		if got := Measure(head).Segments; got > n {
			t.Fatalf("head takes %d segments, allowed are %d", got, n)
		}
		if squeeze(head)+squeeze(rest) != squeeze(s) {
			t.Fatalf("cut %q into %q and %q", s, head, rest)
		}
		if n > 0 && s != "" && len(rest) == len(s) {
			t.Fatalf("nothing cut from %q", s)
		}
	})
}

func TestCut(t *testing.T) {
	words := strings.TrimSpace(strings.Repeat("seven77 ", 40)) // 319 septets
	head, rest := Cut(words, 1)
	if len(head) != 159 || !strings.HasSuffix(head, "seven77") || !strings.HasPrefix(rest, "seven77") {
		t.Errorf("head %d %q, rest %q", len(head), head, rest)
	}
	if head, rest := Cut("short", 1); head != "short" || rest != "" {
		t.Errorf("short text was cut: %q %q", head, rest)
	}
	if head, _ := Cut(strings.Repeat("a", 200), 1); len(head) != 160 {
		t.Errorf("a word without a break is cut at %d", len(head))
	}
	if head, _ := Cut(strings.Repeat("路", 200), 2); utf8.RuneCountInString(head) != 134 {
		t.Errorf("Han is cut at %d", utf8.RuneCountInString(head))
	}
}

func FuzzSplit(f *testing.F) {
	for _, s := range []string{"", "a€\xff", strings.Repeat("0", 69) + "\x80\xf0", strings.Repeat("€", 153), strings.Repeat("😀", 67)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		checkSplit(t, s)
		if head, rest := Cut(s, 1); Measure(head).Segments > 1 || len(head)+len(rest) > 3*len(s) {
			t.Fatalf("cut %q into %q and %q", s, head, rest)
		}
	})
}

func BenchmarkMeasure(b *testing.B) {
	s := strings.Repeat("Bulky waste: free pickup, 2 a year per home. ", 6)
	b.ReportAllocs()
	for b.Loop() {
		Measure(s)
	}
}
