package answers

import (
	"cmp"
	"slices"
)

// wanted is one term of a question.
type wanted struct {
	id      uint32
	term    string
	weight  float32 // 1, less when guessed or recalled
	mass    float32 // how much it says of the subject
	known   bool
	guessed bool // with corrected spelling
	light   bool
}

// asked is a question as one shelf understands it.
type asked struct {
	terms      []wanted
	at         map[uint32]float32 // weight by term
	mass       float32            // of all terms
	size       float32            // number of words, or of characters where words are not parted
	understood string
	recalled   bool // holds terms of earlier turns
}

const (
	guessWeight = 0.7 // of a word whose spelling was corrected
	maxGuesses  = 8   // words of one question that are corrected
	// shortestHalf is the least number of letters of a word that is parted from another, or joined to it.
	shortestHalf = 3
)

// questioner reads a question word by word.
type questioner struct {
	shelf   *shelf
	asked   *asked
	seen    map[string]bool
	changes []spelled
	last    token
}

// ask looks up the terms of a text, correcting the words that no page has.
func (s *shelf) ask(text string) *asked {
	q := &questioner{shelf: s, asked: &asked{at: map[uint32]float32{}}, seen: map[string]bool{}}
	analyse(text, q.token)
	q.asked.understood = respell(text, q.changes)
	s.settle(q.asked)
	return q.asked
}

func (q *questioner) token(t token) {
	q.join(t)
	w := wanted{term: t.text(), weight: 1, mass: q.shelf.rarest, light: common(t.text())}
	w.id, w.known = q.shelf.vocab.id(t)
	if !w.known && t.gram == 0 && !w.light {
		if q.split(t) {
			return
		}
		w = q.respell(t, w)
	}
	q.add(w)
}

func (q *questioner) add(w wanted) {
	if !q.seen[w.term] {
		q.seen[w.term] = true
		q.asked.terms = append(q.asked.terms, w)
	}
}

// join tries two neighbours as one word: "street light" also finds "streetlight", which is added to the two.
func (q *questioner) join(t token) {
	before := q.last
	q.last = t
	if t.gram != 0 || len(before.word) < shortestHalf || len(t.word) < shortestHalf || t.start-before.end != 1 {
		return
	}
	term := stem(before.word + t.word)
	if id, ok := q.shelf.vocab.words[term]; ok {
		q.add(wanted{term: term, weight: 1, mass: q.shelf.rarest, id: id, known: true})
	}
}

// split tries an unknown word as two known ones, the pair whose rarer word is the most frequent.
func (q *questioner) split(t token) bool {
	best, count := 0, 0
	for i := range t.word {
		if i < shortestHalf || len(t.word)-i < shortestHalf {
			continue
		}
		if n := min(q.shelf.spell.count(t.word[:i]), q.shelf.spell.count(t.word[i:])); n > count {
			best, count = i, n
		}
	}
	if best == 0 {
		return false
	}
	for _, half := range []string{t.word[:best], t.word[best:]} {
		term := stem(half)
		w := wanted{term: term, weight: guessWeight, mass: q.shelf.rarest, guessed: true, light: common(term)}
		w.id, w.known = q.shelf.vocab.words[term]
		q.add(w)
	}
	return true
}

func (q *questioner) respell(t token, w wanted) wanted {
	if len(q.changes) >= maxGuesses {
		return w
	}
	better, ok := q.shelf.spell.correct(t.word)
	if !ok {
		return w
	}
	w.term, w.weight, w.guessed = stem(better), guessWeight, true
	w.id, w.known = q.shelf.vocab.words[w.term]
	q.changes = append(q.changes, spelled{t.start, t.end, better})
	return w
}

// settle keeps the terms that say most and sums them up.
func (s *shelf) settle(a *asked) {
	for i := range a.terms {
		w := &a.terms[i]
		switch {
		case w.known:
			w.mass = s.weight[w.id]
		case w.light:
			w.mass = s.rarest * lightShare / 2
		}
	}
	if len(a.terms) > maxTerms {
		slices.SortStableFunc(a.terms, func(v, w wanted) int { return cmp.Compare(w.mass*w.weight, v.mass*v.weight) })
		a.terms = a.terms[:maxTerms]
	}
	a.mass, a.size = 0, 0
	clear(a.at)
	for _, w := range a.terms {
		a.mass += w.mass * min(1, w.weight/guessWeight)
		if w.known {
			a.at[w.id] = w.weight
		}
		if r := []rune(w.term); len(r) != 2 || !dense(r[0]) {
			a.size++
		}
	}
}

const (
	recallWeight = 0.3 // of a word said before
	// shiftCover is the share of a question's weight that one page's title or asks must hold for the question to
	// stand on its own: then it is a new subject, or it names the old one itself.
	shiftCover = 0.5
	// shiftGap is the lead that this page must have then: "how much does it cost" stands in the asks of many pages.
	shiftGap = 0.1
)

// recall adds what was said before, at a small weight, unless the question stands on its own.
func (s *shelf) recall(a *asked, alone Signals, history []string) (*asked, bool) {
	if len(history) == 0 || alone.Cover >= shiftCover && alone.Gap >= shiftGap || alone.Probability() >= Confidence {
		return nil, false
	}
	with := &asked{at: map[uint32]float32{}, understood: a.understood, recalled: true, terms: slices.Clone(a.terms)}
	seen := map[string]bool{}
	for _, w := range a.terms {
		seen[w.term] = true
	}
	for _, h := range slices.Backward(history) {
		analyse(cut(h, MaxText), func(t token) {
			w := wanted{term: t.text(), weight: recallWeight, light: common(t.text())}
			w.id, w.known = s.vocab.id(t)
			if w.known && !w.light && !seen[w.term] {
				seen[w.term] = true
				with.terms = append(with.terms, w)
			}
		})
	}
	if len(with.terms) == len(a.terms) {
		return nil, false
	}
	s.settle(with)
	return with, true
}
