package answers

import (
	"math"
	"slices"
)

// BM25 (Robertson, Zaragoza: The Probabilistic Relevance Framework, 2009). Each field has its own lengths and
// its own idf; a concatenated field would drown a short title in a long body.
const (
	k1 = 1.2
	// impactSteps is how fine a term's saturated frequency is kept: one byte a posting.
	impactSteps = 255 / (k1 + 1)
)

// field holds the postings of one field: of every term the documents, rising, each with its impact.
type field struct {
	start []uint32 // of term t the postings start[t] to start[t+1]
	docs  []uint32
	hits  []uint8   // saturated term frequency, in impactSteps
	idf   []float32 // of term t
}

// gather collects a field's terms document by document.
type gather struct {
	terms []uint32
	freqs []uint8
	ends  []uint32 // of document d the end of its terms
	sizes []uint32 // of document d its length in tokens
}

// add appends the next document, whose terms c has counted.
func (g *gather) add(c *counter) {
	for _, t := range c.terms {
		g.terms = append(g.terms, t)
		g.freqs = append(g.freqs, uint8(min(c.counts[t], math.MaxUint8)))
	}
	g.ends = append(g.ends, uint32(len(g.terms)))
	g.sizes = append(g.sizes, c.length)
}

// expect makes room for n documents like those so far, which saves copying again and again.
func (g *gather) expect(n int) {
	more := len(g.terms) / max(len(g.ends), 1) * (n - len(g.ends))
	g.terms, g.freqs = slices.Grow(g.terms, more), slices.Grow(g.freqs, more)
}

// field turns what was gathered into postings; vocab is the number of terms, b how much length counts.
func (g *gather) field(vocab uint32, b float64) field {
	f := field{start: make([]uint32, vocab+1), idf: make([]float32, vocab),
		docs: make([]uint32, len(g.terms)), hits: make([]uint8, len(g.terms))}
	for _, t := range g.terms {
		f.start[t+1]++
	}
	for t := range vocab {
		f.idf[t] = rarity(int(f.start[t+1]), len(g.ends))
		f.start[t+1] += f.start[t]
	}
	mean := g.mean()
	next := slices.Clone(f.start)
	from := uint32(0)
	for d, end := range g.ends {
		long := k1 * (1 - b + b*float64(g.sizes[d])/mean)
		for i := from; i < end; i++ {
			t, tf := g.terms[i], float64(g.freqs[i])
			f.docs[next[t]] = uint32(d)
			f.hits[next[t]] = uint8(max(1, math.Round(tf*(k1+1)/(tf+long)*impactSteps)))
			next[t]++
		}
		from = end
	}
	return f
}

// mean is the mean length of a document, at least 1.
func (g *gather) mean() float64 {
	sum := 0.0
	for _, n := range g.sizes {
		sum += float64(n)
	}
	return max(sum/max(float64(len(g.sizes)), 1), 1)
}

// rarity is the idf of a term that stands in df of n documents, never negative.
func rarity(df, n int) float32 {
	return float32(math.Log(1 + (float64(n-df)+0.5)/(float64(df)+0.5)))
}

// add adds the weighted scores of one term to sums, by document.
func (f *field) add(sums []float32, term uint32, weight float32) {
	w := weight * f.idf[term] / impactSteps
	docs, hits := f.docs[f.start[term]:f.start[term+1]], f.hits[f.start[term]:f.start[term+1]]
	for i, d := range docs {
		sums[d] += w * float32(hits[i])
	}
}

// of gives the score of one term in one document; 0 when it is not there.
func (f *field) of(doc, term uint32) float32 {
	from, to := f.start[term], f.start[term+1]
	i, ok := slices.BinarySearch(f.docs[from:to], doc)
	if !ok {
		return 0
	}
	return f.idf[term] * float32(f.hits[int(from)+i]) / impactSteps
}

// count gives the number of documents that hold the term.
func (f *field) count(term uint32) int { return int(f.start[term+1] - f.start[term]) }

// has tells whether the document holds the term.
func (f *field) has(doc, term uint32) bool {
	_, ok := slices.BinarySearch(f.docs[f.start[term]:f.start[term+1]], doc)
	return ok
}
