package answers_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"gatehouse/gateway/answers"
)

// articles makes n pages of some 60 words or 120 characters, drawn as rank-frequency has it (Zipf).
func articles(n int, lang string) []answers.Page {
	r := rand.New(rand.NewPCG(7, 7))
	z := rand.NewZipf(r, 1.1, 8, 30_000)
	word := func() string {
		k := z.Uint64()
		if lang == "zh" {
			return string([]rune{rune(0x4E00 + k%6000), rune(0x4E00 + k*7%6000)})
		}
		return fmt.Sprintf("%c%c%c%d ", 'a'+k%26, 'a'+k/26%26, 'a'+k/676%26, k)
	}
	text := func(n int) string {
		var b strings.Builder
		for range n {
			b.WriteString(word())
		}
		return b.String()
	}
	pages := make([]answers.Page, n)
	for i := range pages {
		pages[i] = answers.Page{ID: fmt.Sprint(i), Lang: lang, Title: text(8), Body: text(60)}
	}
	return pages
}

func BenchmarkBuild60000(b *testing.B) {
	pages := articles(60_000, "zh")
	for b.Loop() {
		answers.New(pages)
	}
}

func BenchmarkFind60000(b *testing.B) {
	for _, lang := range []string{"en", "zh"} {
		b.Run(lang, func(b *testing.B) {
			pages := articles(60_000, lang)
			x := answers.New(pages)
			var took []time.Duration
			for i := 0; b.Loop(); i++ {
				q := pages[i*31%len(pages)].Title
				from := time.Now()
				x.Find(answers.Query{Text: q, Lang: lang, Now: noon})
				took = append(took, time.Since(from))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
		})
	}
}

func BenchmarkFindCity(b *testing.B) {
	x := answers.New(append(inventedPages(), cityPages(b)...))
	list := paraphrases(b, "paraphrases.tsv")
	for i := 0; b.Loop(); i++ {
		q := list[i%len(list)]
		x.Find(answers.Query{Text: q.text, Lang: q.lang, Now: noon})
	}
}
