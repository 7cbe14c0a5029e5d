package answers

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// Index is an immutable set of pages, ready to be searched by any number of goroutines.
type Index struct {
	shelves []*shelf // one a language, so that a word's rarity is measured among its own
	pages   map[key]*Page
}

type key struct{ id, lang string }

// New builds the index. Pages with the same ID and Lang: the last one counts. The pages are not changed, and must
// not be changed afterwards.
func New(pages []Page) *Index {
	x := &Index{pages: make(map[key]*Page, len(pages))}
	byLang := map[string][]*Page{}
	for i := range pages {
		p := &pages[i]
		x.pages[key{p.ID, p.Lang}] = p
	}
	for i := range pages {
		if p := &pages[i]; x.pages[key{p.ID, p.Lang}] == p {
			byLang[p.Lang] = append(byLang[p.Lang], p)
		}
	}
	for _, list := range byLang {
		x.shelves = append(x.shelves, stack(list))
	}
	slices.SortFunc(x.shelves, func(a, b *shelf) int { return strings.Compare(a.pages[0].Lang, b.pages[0].Lang) })
	return x
}

// Len is the number of pages, each language counted.
func (x *Index) Len() int { return len(x.pages) }

// Page gives the page with that id in that language. It is not looked at whether it is in force.
func (x *Index) Page(id, lang string) (Page, bool) {
	p, ok := x.pages[key{id, lang}]
	if !ok {
		return Page{}, false
	}
	return *p, true
}

// Live is the index in use: read by everybody, replaced as a whole.
type Live struct{ now atomic.Pointer[Index] }

// Swap puts x in place; searches under way end on the old one.
func (l *Live) Swap(x *Index) { l.now.Store(x) }

// Index gives the index in use; an empty one before the first Swap.
func (l *Live) Index() *Index {
	if x := l.now.Load(); x != nil {
		return x
	}
	return &Index{}
}

// Find searches the index in use.
func (l *Live) Find(q Query) Result { return l.Index().Find(q) }

// shelf holds the pages of one language.
type shelf struct {
	pages []*Page
	units []unit
	vocab vocab
	spell speller
	heads heads
	// weight of each term in a comparison of texts: its rarity among pages, less for common words.
	weight []float32
	light  []bool  // common words
	rarest float32 // the weight of a word that no page has
	sums   sync.Pool

	title, asks, body field // by page
	heading, section  field // by unit
}

// unit is one section of a page that has several.
type unit struct {
	page          uint32
	heading, text string
}

// How much a document's length counts in each field (BM25's b).
const (
	titleLength = 0.6
	asksLength  = 0.3
	bodyLength  = 0.85
)

// lightShare is the part of its weight that a common word keeps where two texts are compared.
const lightShare = 0.8

// stack builds a shelf.
func stack(pages []*Page) *shelf {
	s := &shelf{pages: pages}
	r := &reader{shelf: s, counter: newCounter()}
	for i := range pages {
		r.page(uint32(i))
		if i == len(pages)/16 {
			r.body.expect(len(pages))
		}
	}
	s.vocab, s.light, s.spell = r.vocab, r.light, newSpeller(r.surfaces)
	r.fields()
	s.weigh()
	return s
}

// reader reads the pages of a shelf one by one.
type reader struct {
	*counter
	shelf                               *shelf
	title, asks, body, heading, section gather
}

func (r *reader) page(i uint32) {
	s, p := r.shelf, r.shelf.pages[i]
	r.title.add(r.count(p.Title))
	s.heads.add(r.counter)
	for _, q := range p.Asks[:min(len(p.Asks), maxHeads-1)] {
		s.heads.add(r.count(q))
	}
	s.heads.page()
	r.asks.add(r.count(p.Asks...))
	r.body.add(r.count(p.SMS, p.Chat, p.Body))
	parts := sections(p.Body)
	if len(parts) < 2 {
		return
	}
	for _, u := range parts {
		r.heading.add(r.count(u.heading))
		r.section.add(r.count(u.text))
		s.units = append(s.units, unit{i, u.heading, u.text})
	}
}

// fields makes the postings, the five fields side by side.
func (r *reader) fields() {
	s, n := r.shelf, r.size
	var all sync.WaitGroup
	all.Go(func() { s.title = r.title.field(n, titleLength) })
	all.Go(func() { s.asks = r.asks.field(n, asksLength) })
	all.Go(func() { s.body = r.body.field(n, bodyLength) })
	all.Go(func() { s.heading = r.heading.field(n, titleLength) })
	all.Go(func() { s.section = r.section.field(n, bodyLength) })
	all.Wait()
}

// weigh gives every term its weight: its rarity in bodies, or where no body has it in titles or asks.
func (s *shelf) weigh() {
	s.rarest = rarity(0, len(s.pages))
	s.weight = make([]float32, s.vocab.size)
	for t := range s.weight {
		id := uint32(t)
		df := max(s.body.count(id), s.title.count(id), s.asks.count(id))
		s.weight[t] = max(rarity(df, len(s.pages)), leastWeight)
		if s.light[t] {
			s.weight[t] *= lightShare
		}
	}
}

// leastWeight keeps a word that is on every page from weighing nothing.
const leastWeight = 0.1

// sections cuts Markdown at its headings (CommonMark §4.2, outside of fences); each part knows the path of
// headings that leads to it. Empty parts are left out.
func sections(body string) []unit {
	var out []unit
	var path [7]string
	var text strings.Builder
	heading, fenced := "", false
	flush := func() {
		if t := strings.TrimSpace(text.String()); t != "" {
			out = append(out, unit{heading: heading, text: t})
		}
		text.Reset()
	}
	for line := range strings.Lines(body) {
		if strings.HasPrefix(line, "```") {
			fenced = !fenced
		}
		level := len(line) - len(strings.TrimLeft(line, "#"))
		if fenced || level == 0 || level > 6 || !strings.HasPrefix(line[level:], " ") {
			text.WriteString(line)
			continue
		}
		flush()
		path[level] = strings.TrimSpace(strings.Trim(strings.TrimSpace(line[level:]), "#"))
		clear(path[level+1:])
		heading = strings.Join(slices.DeleteFunc(slices.Clone(path[1:]), func(s string) bool { return s == "" }), " › ")
	}
	flush()
	return out
}
