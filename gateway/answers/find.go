package answers

import (
	"cmp"
	"slices"
	"time"
	"unicode/utf8"
)

// Find searches the pages in force. It never fails; a question without a single known word finds nothing.
func (x *Index) Find(q Query) Result {
	q.Text = cut(q.Text, MaxText)
	q.History = q.History[max(0, len(q.History)-MaxHistory):]
	if q.Limit <= 0 {
		q.Limit = 3
	}
	q.Limit = min(q.Limit, MaxHits)
	var all []Result
	for _, s := range x.shelves {
		if r := s.find(q); len(r.Hits) > 0 {
			all = append(all, r)
		}
	}
	if len(all) == 0 {
		return Result{}
	}
	slices.SortStableFunc(all, func(a, b Result) int { return cmp.Compare(b.standing(q.Lang), a.standing(q.Lang)) })
	best := all[0]
	best.Hits = x.merge(all, q)
	return best
}

// ownLanguage is how much less probable a sure answer in the asker's language may be and still go first.
const ownLanguage = 0.25

// standing orders the shelves: sure answers first, then the asker's own language.
func (r Result) standing(lang string) float64 {
	v := r.Probability
	own := lang != "" && r.Hits[0].Lang == lang
	switch {
	case r.Confident && own:
		v += 2 + ownLanguage
	case r.Confident:
		v += 2
	case own:
		v++
	}
	return v
}

// merge gives the hits of the best shelf, then the others', each page once, in the asker's language where it is
// there.
func (x *Index) merge(all []Result, q Query) []Hit {
	var out []Hit
	seen := map[string]bool{}
	for _, r := range all {
		for _, h := range r.Hits {
			if seen[h.ID] || len(out) == q.Limit {
				continue
			}
			seen[h.ID] = true
			if own, ok := x.pages[key{h.ID, q.Lang}]; ok && h.Lang != q.Lang && own.inForce(q.Now) {
				h = translated(h, own)
			}
			out = append(out, h)
		}
	}
	return out
}

func translated(h Hit, p *Page) Hit {
	t := newHit(p)
	t.Score, t.Explain = h.Score, h.Explain
	return t
}

func newHit(p *Page) Hit {
	return Hit{ID: p.ID, Lang: p.Lang, Title: p.Title, SMS: p.SMS, Chat: p.Chat, URL: p.URL, Service: p.Service,
		Owner: p.Owner, Text: p.Body}
}

func (p *Page) inForce(now time.Time) bool {
	return (p.From.IsZero() || !now.Before(p.From)) && (p.To.IsZero() || !now.After(p.To))
}

func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// find answers from one shelf: the question alone, and only when that is not sure, with what was said before.
func (s *shelf) find(q Query) Result {
	a := s.ask(q.Text)
	list := s.rank(a, q.Now)
	sure := s.signals(a, list)
	if a2, ok := s.recall(a, sure, q.History); ok {
		if with := s.rank(a2, q.Now); len(with) > 0 {
			a, list, sure = a2, with, s.signals(a2, with)
		}
	}
	if len(list) == 0 {
		return Result{}
	}
	r := Result{Understood: a.understood, Signals: sure, Probability: sure.Probability()}
	r.Confident = r.Probability >= Confidence
	for _, f := range list[:min(len(list), q.Limit)] {
		r.Hits = append(r.Hits, s.hit(a, f))
	}
	return r
}

func (s *shelf) hit(a *asked, f found) Hit {
	h := newHit(s.pages[f.page])
	h.Score = float64(f.score)
	if f.unit >= 0 {
		h.Heading, h.Text = s.units[f.unit].heading, s.units[f.unit].text
	}
	h.Explain = s.explain(a, f)
	return h
}
