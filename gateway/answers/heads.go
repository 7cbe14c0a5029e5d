package answers

// heads holds the terms of every title and every ask, so that a question can be laid beside each of them.
type heads struct {
	terms []uint32
	ends  []uint32 // of head h the end of its terms
	pages []uint32 // of page p the end of its heads
}

// maxHeads bounds the heads of one page that a question is compared with.
const maxHeads = 64

// add appends a head of the page that is being read.
func (h *heads) add(c *counter) {
	h.terms = append(h.terms, c.terms...)
	h.ends = append(h.ends, uint32(len(h.terms)))
}

// page ends the page that is being read.
func (h *heads) page() { h.pages = append(h.pages, uint32(len(h.ends))) }

// each hands out the terms of every head of a page.
func (h *heads) each(page uint32, f func(terms []uint32)) {
	first, from := uint32(0), uint32(0)
	if page > 0 {
		first = h.pages[page-1]
	}
	if first > 0 {
		from = h.ends[first-1]
	}
	for _, end := range h.ends[first:h.pages[page]] {
		f(h.terms[from:end])
		from = end
	}
}

// likeness says how much a question and the heads of a page have in common, each 0 to 1: Dice is twice the weight
// both share by the sum of both weights, Cover the share of the question's weight.
type likeness struct{ dice, cover float32 }

// like compares a question with the heads of a page and gives the best of each measure.
func (s *shelf) like(a *asked, page uint32) likeness {
	var best likeness
	s.heads.each(page, func(terms []uint32) {
		var own, both float32
		for _, t := range terms {
			own += s.weight[t]
			both += s.weight[t] * a.at[t]
		}
		best.dice = max(best.dice, 2*both/(own+a.mass))
		best.cover = max(best.cover, both/a.mass)
	})
	return best
}
