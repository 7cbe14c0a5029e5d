package smime

// Limits of the BER that a signature is written in. The library reads it by recursion, copies the content once for each depth
// and lets what is inside reach out of what is around it, so that a small file could take all memory, or years.
const (
	maxNesting = 32
	maxObjects = 100_000 // a signed mail in pieces of 1,000 bytes has some 10,000
)

// sound tells whether all of b is BER (ITU-T X.690) within the limits, each value within the one around it. What it lets
// through, the library reads in linear time.
func sound(b []byte) bool {
	open := []span{{end: len(b)}}
	at := 0
	for n := 0; n < maxObjects; n++ {
		around := open[len(open)-1].end
		v, ok := header(b[:around], at)
		if !ok {
			return false
		}
		at = v.begin
		switch {
		case v.made && len(open) > maxNesting:
			return false
		case v.made && v.endless:
			open = append(open, span{around, true})
		case v.made:
			open = append(open, span{v.end, false})
		default:
			at = v.end
		}
		if at, open, ok = shut(b, at, open); !ok {
			return false
		}
		if len(open) == 1 {
			return true // what follows the one value is not looked at by the library either
		}
	}
	return false
}

// span is a value that holds others. end is where it ends at the latest; an endless one ends with two zero bytes.
type span struct {
	end     int
	endless bool
}

// shut closes what ends at a place.
func shut(b []byte, at int, open []span) (int, []span, bool) {
	for len(open) > 1 {
		s := open[len(open)-1]
		switch {
		case !s.endless && at < s.end:
			return at, open, true
		case s.endless && at+2 > s.end:
			return at, open, false
		case s.endless && (b[at] != 0 || b[at+1] != 0):
			return at, open, true
		case s.endless:
			at += 2
		}
		open = open[:len(open)-1]
	}
	return at, open, true
}

// value is the header of one: where its content begins and ends, and whether that are values again.
type value struct {
	begin, end    int
	made, endless bool
}

// header reads the identifier and the length at a place (X.690 §8.1.2 and §8.1.3). Long tags don't occur in a signature.
func header(b []byte, at int) (v value, ok bool) {
	if at+2 > len(b) || b[at]&0x1f == 0x1f {
		return v, false
	}
	v.made = b[at]&0x20 != 0
	length := int(b[at+1])
	at += 2
	switch n := length & 0x7f; {
	case length == 0x80:
		return value{begin: at, made: v.made, endless: true}, v.made
	case length > 0x80:
		if n > 4 || at+n > len(b) {
			return v, false
		}
		length = 0
		for _, c := range b[at : at+n] {
			length = length<<8 | int(c)
		}
		at += n
	}
	v.begin, v.end = at, at+length
	return v, length >= 0 && v.end <= len(b)
}
