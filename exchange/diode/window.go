package diode

// windowSize is how far a packet may come after a later one and still be known as new or not: 1.5 s of a full link.
const windowSize = 1 << 16

// window tells packets of a stream that came before from new ones, as RFC 4303 §3.4.3 does.
type window struct {
	first, top uint64 // 0: nothing came yet
	came       uint64 // different packets since first
	seen       [windowSize / 64]uint64
}

// fresh takes a packet's number; false: it came before, or it is too old to tell.
func (w *window) fresh(n uint64) bool {
	switch {
	case w.top == 0:
		w.first, w.top = n, n
	case n > w.top:
		w.forget(w.top+1, n)
		w.top = n
	case w.top-n >= windowSize:
		return false
	}
	word, bit := n/64%uint64(len(w.seen)), uint64(1)<<(n%64)
	if w.seen[word]&bit != 0 {
		return false
	}
	w.seen[word] |= bit
	w.first = min(w.first, n)
	w.came++
	return true
}

// forget makes room for the numbers from..to.
func (w *window) forget(from, to uint64) {
	if to-from >= windowSize {
		clear(w.seen[:])
		return
	}
	for n := from; n <= to; n++ {
		w.seen[n/64%uint64(len(w.seen))] &^= 1 << (n % 64)
	}
}

// missing is how many packets of the stream did not come, so far.
func (w *window) missing() uint64 {
	if w.top == 0 {
		return 0
	}
	return w.top - w.first + 1 - w.came
}
