package exchange

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"strings"
	"time"
)

// crockford is Crockford's base 32: no I, L, O or U.
const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// NewID makes a time-ordered 128-bit id: 48 bits of milliseconds, 80 random bits, as 26 letters of Crockford's
// base 32. Ids sort by time as text.
func NewID(now time.Time) string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], uint64(now.UnixMilli())<<16)
	rand.Read(b[6:])
	var out [26]byte
	hi, lo := binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])
	for i := 25; i >= 0; i-- {
		out[i] = crockford[lo&31]
		lo = lo>>5 | hi<<59
		hi >>= 5
	}
	return string(out[:])
}

// NewReference makes a public case number PL-XXXX-XXXX-NN: 40 random bits in Crockford's base 32 and two check
// digits, 98 - (n·100 mod 97). It is a number to find a case by, never a secret.
func NewReference() string {
	var b [8]byte
	rand.Read(b[3:])
	return Reference(binary.BigEndian.Uint64(b[:]))
}

// Reference writes a number of at most 40 bits as NewReference does.
func Reference(n uint64) string {
	var s [8]byte
	for i, v := 7, n; i >= 0; i-- {
		s[i] = crockford[v&31]
		v >>= 5
	}
	return fmt.Sprintf("PL-%s-%s-%02d", s[:4], s[4:], 98-n*100%97)
}

// ParseReference reads a reference as people type it: lower case, spaces or no hyphens, O for 0, I or L for 1.
// False: it is not one, or a digit is wrong.
func ParseReference(s string) (string, bool) {
	if len(s) > 32 {
		return "", false
	}
	s = strings.ToUpper(strings.NewReplacer("-", "", " ", "", ".", "").Replace(s))
	s, ok := strings.CutPrefix(s, "PL")
	if !ok || len(s) != 10 {
		return "", false
	}
	var n uint64
	for _, c := range []byte(strings.NewReplacer("O", "0", "I", "1", "L", "1").Replace(s[:8])) {
		i := strings.IndexByte(crockford, c)
		if i < 0 {
			return "", false
		}
		n = n<<5 | uint64(i)
	}
	ref := Reference(n)
	return ref, ref[len(ref)-2:] == strings.NewReplacer("O", "0", "I", "1", "L", "1").Replace(s[8:])
}
