package answers

import (
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func FuzzFind(f *testing.F) {
	x := small()
	for _, s := range []string{"", "old sofa", "\xff\xfe", "ＳＯＦＡ", "旧沙发", "متى آخر ترام؟", "한국어", "ก็", "\u0301\u0301", "a\u0000b", "sofaaaaaaaaaa", "## x ```"} {
		f.Add(s, "en", s)
	}
	f.Fuzz(func(t *testing.T, text, lang, before string) {
		r := x.Find(Query{Text: text, Lang: lang, History: []string{before}, Limit: len(text), Now: noon})
		if len(r.Hits) > MaxHits || r.Confident && len(r.Hits) == 0 || math.IsNaN(r.Probability) || r.Probability < 0 || r.Probability > 1 {
			t.Fatalf("%q: %+v", text, r)
		}
		if !utf8.ValidString(r.Understood) {
			t.Fatalf("%q: understood %q", text, r.Understood)
		}
	})
}

func TestAnyPageCanBeIndexedAndIsFoundByItsTitle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var pages []Page
		for i := range rapid.IntRange(1, 8).Draw(t, "pages") {
			pages = append(pages, Page{ID: fmt.Sprint(i), Lang: "en", Title: rapid.String().Draw(t, "title"), Body: rapid.String().Draw(t, "body"),
				Asks: rapid.SliceOfN(rapid.String(), 0, 3).Draw(t, "asks")})
		}
		x := New(pages)
		p := pages[rapid.IntRange(0, len(pages)-1).Draw(t, "which")]
		terms := 0
		analyse(cut(p.Title, MaxText), func(token) { terms++ })
		r := x.Find(Query{Text: p.Title, Limit: MaxHits, Now: noon})
		found := false
		for _, h := range r.Hits {
			found = found || h.ID == p.ID
			sum := 0.0
			for _, part := range h.Explain {
				sum += part.Score
			}
			if math.Abs(sum-h.Score) > 1e-3*max(1, h.Score) {
				t.Fatalf("parts add to %v, score %v", sum, h.Score)
			}
		}
		if terms > 0 && terms < maxTerms && !found {
			t.Fatalf("%q is not found: %+v", p.Title, r.Hits)
		}
	})
}

func TestAnalysisIsTheSameForEverySpelling(t *testing.T) {
	terms := func(s string) string {
		var all []string
		analyse(s, func(t token) { all = append(all, t.text()) })
		return strings.Join(all, " ")
	}
	for _, c := range [][2]string{
		{"Straße", "STRASSE"}, {"Œuvre cœur", "oeuvre coeur"}, {"déchèterie", "decheterie"}, {"ＴＲＡＭ　１２", "tram 12"},
		{"٣ أيام", "3 ايام"}, {"الإنارة", "انارة"}, {"مَدْرَسَة", "مدرسه"}, {"ｶﾞｽ", "ガス"}, {"covid19", "COVID-19"}, {"pickups", "pickup"},
		{"한국어", "한국어"}, {"l'élection", "l élection"}, {"Ёлка", "елка"},
	} {
		if a, b := terms(c[0]), terms(c[1]); a != b || a == "" {
			t.Errorf("%s is %q, %s is %q", c[0], a, c[1], b)
		}
	}
	if got := terms("电车"); got != "电 电车 车" {
		t.Errorf("got %q", got)
	}
}

func TestSlips(t *testing.T) {
	for _, c := range []struct {
		a, b  string
		limit int
		want  int
	}{
		{"tram", "tram", 1, 0}, {"tram", "tarm", 1, 1}, {"tram", "tam", 1, 1}, {"tram", "tramm", 1, 1}, {"tram", "trim", 1, 1},
		{"tram", "bus", 2, 3}, {"certificate", "certifcaet", 2, 2}, {"ترام", "تارم", 1, 1},
	} {
		if got := slips([]rune(c.a), []rune(c.b), c.limit); got != c.want {
			t.Errorf("%s, %s: %d, want %d", c.a, c.b, got, c.want)
		}
	}
}

// A question is cut, so that its cost does not grow with what somebody sends.
func TestHugeQuestionsCostNoMoreThanLongOnes(t *testing.T) {
	x := small()
	word := strings.Repeat("sofa tarm ", MaxText/10+1)
	for _, text := range []string{strings.Repeat("a", 1<<20), strings.Repeat("旧沙发", 1<<18), strings.Repeat("sofa tarm ", 1<<17)} {
		huge := x.Find(Query{Text: text, History: []string{text, text}, Now: noon})
		long := x.Find(Query{Text: cut(text, MaxText), History: []string{cut(text, MaxText)}, Now: noon})
		if len(huge.Hits) != len(long.Hits) || huge.Probability != long.Probability || len(huge.Understood) > len(word)*2 {
			t.Errorf("%.10s: more than the first %d bytes were read", text, MaxText)
		}
	}
	a := x.shelves[0].ask(strings.Repeat("x1 y2 z3 ", 400))
	if len(a.terms) > maxTerms {
		t.Errorf("%d terms", len(a.terms))
	}
}

func TestSwapWhileReading(t *testing.T) {
	var live Live
	if r := live.Find(Query{Text: "tram"}); len(r.Hits) != 0 {
		t.Fatal("found something in nothing")
	}
	live.Swap(small())
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for range 200 {
				if r := live.Find(Query{Text: "last tram", Lang: "en", Now: noon}); len(r.Hits) == 0 || r.Hits[0].ID != "tram" {
					t.Error("a reader saw half an index")
					return
				}
			}
		})
	}
	for range 20 {
		live.Swap(small())
	}
	readers.Wait()
}

func TestSections(t *testing.T) {
	got := sections("intro\n\n# A\nx\n## B ##\ny\n```\n# no heading\n```\n# C\n\n#no\nz")
	want := []unit{{0, "", "intro"}, {0, "A", "x"}, {0, "A › B", "y\n```\n# no heading\n```"}, {0, "C", "#no\nz"}}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %+v", got)
	}
}

func TestTheLastPageOfAnIDCounts(t *testing.T) {
	x := New([]Page{{ID: "a", Lang: "en", Title: "Old title"}, {ID: "a", Lang: "en", Title: "New title"}})
	if p, ok := x.Page("a", "en"); !ok || p.Title != "New title" || x.Len() != 1 {
		t.Errorf("got %+v", p)
	}
	if r := x.Find(Query{Text: "old", Now: time.Time{}}); len(r.Hits) != 0 {
		t.Error("the replaced page is still found")
	}
}
