package answers

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"
)

// What a match in each field is worth. These, the lengths above and the shares below were searched on development
// questions of four public collections (English rules, two of English FAQs, Korean programmes), one set held out
// at a time; all lie on broad plateaus.
const (
	titleWeight   = 2.5
	asksWeight    = 3
	bodyWeight    = 1
	headingWeight = 1
	sectionWeight = 0.5
	lightWeight   = 0.3 // of a common word in running text
)

// What likeness adds, as shares of the best score.
const (
	diceShare  = 0.6
	coverShare = 0.4
	anyShare   = 0.4
)

// fullTitle is the number of words up to which title and asks count in full. A title can't match a long story as
// it matches a question.
const fullTitle = 7

// candidates are looked at again for likeness.
const candidates = 40

// found is one page of a shelf with its score and its best unit (-1: the whole page).
type found struct {
	page  uint32
	unit  int
	sum   float32 // of the fields' scores
	score float32 // with likeness
	top   float32 // the best sum of the search
	like  likeness
	any   float32 // share of the question's weight that stands anywhere on the page
}

// sums is room for one search.
type sums struct {
	pages, body, units []float32
}

func (s *shelf) borrow() *sums {
	if b, ok := s.sums.Get().(*sums); ok {
		clear(b.pages)
		clear(b.body)
		clear(b.units)
		return b
	}
	return &sums{make([]float32, len(s.pages)), make([]float32, len(s.pages)), make([]float32, len(s.units))}
}

// worth is what one term is worth in each field.
type worth struct{ title, asks, body, heading, section float32 }

func (s *shelf) worth(a *asked, w wanted) worth {
	head := w.weight * min(1, fullTitle/a.size)
	text := w.weight
	if w.light {
		text *= lightWeight
	}
	// Half way, on the logarithm, between the rarity of the word in titles and on pages.
	level := float32(math.Sqrt(float64(s.body.idf[w.id] / s.title.idf[w.id])))
	return worth{titleWeight * head * level, asksWeight * head, bodyWeight * text, headingWeight * text, sectionWeight * text}
}

// rank scores every page in force and gives the best, best first.
func (s *shelf) rank(a *asked, now time.Time) []found {
	b := s.borrow()
	defer s.sums.Put(b)
	for _, w := range a.terms {
		if !w.known {
			continue
		}
		v := s.worth(a, w)
		s.title.add(b.pages, w.id, v.title)
		s.asks.add(b.pages, w.id, v.asks)
		s.body.add(b.body, w.id, v.body)
		s.heading.add(b.units, w.id, v.heading)
		s.section.add(b.units, w.id, v.section)
	}
	list := s.best(b, now)
	s.compare(a, list)
	return list
}

// best gives the pages with the highest sums.
func (s *shelf) best(b *sums, now time.Time) []found {
	units := s.bestUnits(b.units)
	list := make([]found, 0, candidates+1)
	for p := range b.pages {
		f := found{page: uint32(p), sum: b.pages[p] + b.body[p], unit: -1}
		if u, ok := units[f.page]; ok {
			f.unit = u
			f.sum += b.units[u]
		} else {
			f.sum += sectionWeight / bodyWeight * b.body[p]
		}
		if f.sum <= 0 || len(list) == candidates && f.sum <= list[candidates-1].sum || !s.pages[p].inForce(now) {
			continue
		}
		i, _ := slices.BinarySearchFunc(list, f, func(a, b found) int { return s.before(a, b, a.sum, b.sum) })
		list = slices.Insert(list, i, f)[:min(len(list)+1, candidates)]
	}
	return list
}

// before orders by score, and equal scores by id, so that an answer never depends on chance.
func (s *shelf) before(a, b found, x, y float32) int {
	if c := cmp.Compare(y, x); c != 0 {
		return c
	}
	return strings.Compare(s.pages[a.page].ID, s.pages[b.page].ID)
}

// bestUnits gives the best section of each page that has sections.
func (s *shelf) bestUnits(units []float32) map[uint32]int {
	best := map[uint32]int{}
	for i, v := range units {
		p := s.units[i].page
		if u, ok := best[p]; !ok || v > units[u] {
			best[p] = i
		}
	}
	return best
}

// compare adds to each candidate what its likeness to the question is worth, and sorts again.
func (s *shelf) compare(a *asked, list []found) {
	for i := range list {
		f := &list[i]
		f.top = list[0].sum
		f.like, f.any = s.like(a, f.page), s.anywhere(a, f.page)
	}
	for i := range list {
		f := &list[i]
		f.score = f.sum + f.top*(diceShare*f.like.dice+coverShare*f.like.cover+anyShare*f.any)
	}
	slices.SortFunc(list, func(a, b found) int { return s.before(a, b, a.score, b.score) })
}

// anywhere is the share of the question's weight that stands somewhere on the page.
func (s *shelf) anywhere(a *asked, page uint32) float32 {
	var sum float32
	for _, w := range a.terms {
		if w.known && (s.body.has(page, w.id) || s.title.has(page, w.id) || s.asks.has(page, w.id)) {
			sum += w.mass * w.weight
		}
	}
	return sum / a.mass
}

// explain takes a score apart again.
func (s *shelf) explain(a *asked, f found) []Part {
	var out []Part
	add := func(name, term string, v float32) {
		if v > 0 {
			out = append(out, Part{name, term, float64(v)})
		}
	}
	for _, w := range a.terms {
		if !w.known {
			continue
		}
		v := s.worth(a, w)
		add("title", w.term, v.title*s.title.of(f.page, w.id))
		add("asks", w.term, v.asks*s.asks.of(f.page, w.id))
		if f.unit < 0 {
			add("body", w.term, (v.body+v.section)*s.body.of(f.page, w.id))
			continue
		}
		add("body", w.term, v.body*s.body.of(f.page, w.id))
		add("section", w.term, v.heading*s.heading.of(uint32(f.unit), w.id)+v.section*s.section.of(uint32(f.unit), w.id))
	}
	add("likeness", "", f.top*(diceShare*f.like.dice+coverShare*f.like.cover))
	add("coverage", "", f.top*anyShare*f.any)
	return out
}
