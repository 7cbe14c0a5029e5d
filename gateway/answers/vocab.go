package answers

import "strings"

// vocab numbers the terms of a shelf.
type vocab struct {
	words map[string]uint32
	grams table
	size  uint32
}

// id gives a token's number.
func (v *vocab) id(t token) (uint32, bool) {
	if t.gram != 0 {
		return v.grams.get(t.gram)
	}
	id, ok := v.words[t.term]
	return id, ok
}

// table maps grams to numbers: a hash table of open addresses without deletion, because there are a million of them
// and Go's map takes three times the room. The zero table is empty.
type table struct {
	keys []uint64 // 0: free
	ids  []uint32
	used int
}

// slot gives the place of k, or the free one where it belongs. The table is never full.
func (t *table) slot(k uint64) int {
	mask := len(t.keys) - 1
	i := int(k*0x9E3779B97F4A7C15>>32) & mask
	for t.keys[i] != k && t.keys[i] != 0 {
		i = (i + 1) & mask
	}
	return i
}

func (t *table) get(k uint64) (uint32, bool) {
	if t.used == 0 {
		return 0, false
	}
	i := t.slot(k)
	return t.ids[i], t.keys[i] == k
}

// put gives the number of k, which is next when k is new.
func (t *table) put(k uint64, next uint32) uint32 {
	if t.used >= len(t.keys)/4*3 {
		t.grow()
	}
	i := t.slot(k)
	if t.keys[i] == 0 {
		t.keys[i], t.ids[i] = k, next
		t.used++
	}
	return t.ids[i]
}

func (t *table) grow() {
	old := *t
	n := max(64, 2*len(old.keys))
	t.keys, t.ids = make([]uint64, n), make([]uint32, n)
	for j, k := range old.keys {
		if k != 0 {
			i := t.slot(k)
			t.keys[i], t.ids[i] = k, old.ids[j]
		}
	}
}

// counter reads texts and counts their terms, giving new terms a number.
type counter struct {
	vocab
	surfaces map[string]int // how often each word stands in the pages as it is written
	light    []bool         // of each term: a common word

	counts []uint32 // by term; zero but for those in terms
	terms  []uint32 // of the texts read last
	length uint32   // of the texts read last, in tokens
}

func newCounter() *counter {
	return &counter{vocab: vocab{words: map[string]uint32{}}, surfaces: map[string]int{}}
}

// count reads texts as one document.
func (c *counter) count(texts ...string) *counter {
	for _, t := range c.terms {
		c.counts[t] = 0
	}
	c.terms, c.length = c.terms[:0], 0
	for _, t := range texts {
		analyse(t, c.token)
	}
	return c
}

func (c *counter) token(t token) {
	id := c.number(t)
	if id == c.size {
		c.size++
		c.counts = append(c.counts, 0)
		c.light = append(c.light, common(t.text()))
	}
	if c.counts[id] == 0 {
		c.terms = append(c.terms, id)
	}
	c.counts[id]++
	c.length++
}

// number gives a token's number, the next free one when it is new.
func (c *counter) number(t token) uint32 {
	if t.gram != 0 {
		return c.grams.put(t.gram, c.size)
	}
	c.surfaces[t.word]++
	id, ok := c.words[t.term]
	if !ok {
		id = c.size
		c.words[strings.Clone(t.term)] = id
	}
	return id
}
