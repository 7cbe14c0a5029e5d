package text

import (
	"slices"
	"strings"
	"testing"
	"unicode"
)

func TestWords(t *testing.T) {
	for in, want := range map[string]string{
		"":                             "",
		" -- !":                        "",
		"How do I get rid of a SOFA?":  "how do i get rid of a sofa",
		"Déchets: forêt, Œuvre":        "dechets foret oeuvre",
		"cafe\u0301":                   "cafe",
		"PL-7K4M-2XQ9-12":              "pl 7k4m 2xq9 12",
		"ＡＢＣ １２":                       "abc 12",
		"٣ طلبات":                      "3 طلبات",
		"الإنارةُ أُخرى، آخر":          "الاناره اخري اخر",
		"街":                            "街",
		"街灯坏了":                         "街 灯 街灯 坏 灯坏 了 坏了",
		"ID卡":                          "id 卡",
		"第3号":                          "第 3 号",
		"ขยะ":                          "ข ย ขย ะ ยะ",
		"x\u200Dy":                     "xy",
		strings.Repeat("a", maxWord+1): strings.Repeat("a", maxWord) + " a",
		"\xff\xfe":                     "",
		"Straße":                       "strasse",
		"улица Ленина":                 "улица ленина",
	} {
		if got := strings.Join(Words(in), " "); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// A query for any piece of a Han run is found in the index of the run.
func TestWordsFindPieces(t *testing.T) {
	page := []rune("垃圾分类与大件回收")
	index := Words(string(page))
	for from := range page {
		for to := from + 1; to <= len(page); to++ {
			for _, w := range Words(string(page[from:to])) {
				if !slices.Contains(index, w) {
					t.Errorf("%q is not found for %q", w, string(page[from:to]))
				}
			}
		}
	}
}

func FuzzWords(f *testing.F) {
	f.Add("街灯坏了 ok ٣ \xff")
	f.Add(strings.Repeat("a", maxWord-1) + strings.Repeat("œ", maxWord))
	f.Fuzz(func(t *testing.T, s string) {
		for _, w := range Words(s) {
			if w == "" || len([]rune(w)) > maxWord+1 || strings.ContainsFunc(w, unicode.IsSpace) {
				t.Fatalf("word %q of %q", w, s)
			}
		}
	})
}

func TestMask(t *testing.T) {
	for in, want := range map[string]string{
		"":                                "",
		"pay 4111111111111111 now":        "pay ****1111 now",
		"pay 4111 1111 1111 1111, thanks": "pay ****1111, thanks",
		"pay 4111-1111 1111.1111":         "pay ****1111",
		"amex 3782 822463 10005":          "amex ****0005",
		"٤١١١١١١١١١١١١١١١":                "****1111",
		"４１１１ １１１１ １１１１ １１１１":              "****1111",
		"not a card 4111 1111 1111 1112":   "not a card ***112",
		"my number is 123456789.":          "my number is ***789.",
		"call +33 6 12 34 56 78":           "call +***678",
		"passport X1234567":                "passport X***567",
		"dni 12345678Z":                    "dni ***678Z",
		"12345678 alone":                   "12345678 alone",
		"on 2026-11-24 at 10:30":           "on 2026-11-24 at 10:30",
		"24.11.2026 and 3/12":              "24.11.2026 and 3/12",
		"PL-7K4M-2XQ9-12":                  "PL-7K4M-2XQ9-12",
		"14 Quay St, PL2 4AB":              "14 Quay St, PL2 4AB",
		"1  2  3  4  5  6  7  8  9":        "1  2  3  4  5  6  7  8  9",
		"iban GB82 WEST 1234 5698 7654 32": "iban GB82 WEST ***432",
	} {
		if got := Mask(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func FuzzMask(f *testing.F) {
	f.Add("pay 4111-1111 1111.1111 or X1234567")
	f.Add(strings.Repeat("1 ", 50))
	f.Fuzz(func(t *testing.T, s string) {
		run := 0
		for _, r := range Mask(s) {
			if _, ok := Digit(r); !ok {
				run = 0
			} else if run++; run >= longNumber {
				t.Fatalf("%q still shows a number: %q", s, Mask(s))
			}
		}
	})
}
