package exchange

import (
	"encoding/binary"
	"slices"
	"time"
)

// The sealed body is five sections, each with its length before it (u32, big-endian), then zeros up to a bucket:
// origin header, content, origin's signature, verdict, guard's signature. Before the guard the last two are empty; in
// a refusal the first three are.
type sections struct {
	header, content, signature, verdict, endorsement []byte
}

// Header is what the origin says of its document, under its signature: canonical JSON. It holds the digest of the
// content, so that a signature over the header stands for both.
type Header struct {
	Version   int       `json:"version"`
	Lane      Lane      `json:"lane" is:"one,up|down"`
	Origin    Party     `json:"origin" is:"id"`
	Recipient Party     `json:"recipient" is:"id"` // the end of the lane, not the guard
	Key       string    `json:"key" is:"id"`       // the origin's signing key
	Epoch     uint32    `json:"epoch"`
	Seq       uint64    `json:"seq"`
	Prev      string    `json:"prev" is:"hex"` // digest of the envelope before on this hop
	Parcel    string    `json:"parcel" is:"id"`
	Kind      Kind      `json:"kind" is:"id"`
	Schema    int       `json:"schema"`
	Label     string    `json:"label" is:"id?"`
	Created   time.Time `json:"created"`
	Expires   time.Time `json:"expires"` // empty: never
	Content   string    `json:"content" is:"hex"`
}

// Verdict is what the guard says of an envelope that it opened, under its signature: canonical JSON.
type Verdict struct {
	Version   int     `json:"version"`
	Lane      Lane    `json:"lane" is:"one,up|down"`
	Guard     Party   `json:"guard" is:"id"`
	Recipient Party   `json:"recipient" is:"id"`
	Rules     string  `json:"rules" is:"id"` // version of the rule set
	Epoch     uint32  `json:"epoch"`         // its own number on the next hop
	Seq       uint64  `json:"seq"`
	Prev      string  `json:"prev" is:"hex"`
	Instead   string  `json:"instead" is:"hex?"` // digest first sealed under this number, when it is sealed anew
	Origin    Origin  `json:"origin"`
	Header    string  `json:"header" is:"hex?"`  // SHA-256 of the origin header; empty in a refusal
	Content   string  `json:"content" is:"hex?"` // SHA-256 of the content as it travels on
	Filters   []Trial `json:"filters" max:"32"`
	// Replaced are the files that the guard rebuilt. Only then, and only in a Part, may the content differ from what
	// the origin signed.
	Replaced []Replaced `json:"replaced" max:"20"`
	Refused  Reason     `json:"refused"`
	Of       string     `json:"of" is:"id?"`   // Arrival.Of
	Log      string     `json:"log" is:"hex?"` // head of the guard's log before this: kept elsewhere, it shows a log that was cut
	At       time.Time  `json:"at"`
}

// Origin is the number and digest of an envelope as its origin sealed it.
type Origin struct {
	Epoch  uint32 `json:"epoch"`
	Seq    uint64 `json:"seq"`
	Digest string `json:"digest" is:"hex"`
}

// Trial is one filter's result: "pass", or the word for what it found. Never a value out of the content.
type Trial struct {
	Filter string `json:"filter" is:"id"`
	Result string `json:"result" is:"id"`
}

// Replaced is a file that the guard rebuilt, before and after.
type Replaced struct {
	From   string `json:"from" is:"hex"`
	To     string `json:"to" is:"hex"`
	Filter string `json:"filter" is:"id"`
}

// smallest is the least that is ever sealed, so that an Ack, a Heartbeat, a refusal and a short document look alike
// on the wire.
const smallest = 8 << 10

// bucket gives the size to which n bytes are padded: few sizes, so that a length says little. The largest is room, all
// that an envelope of the suite holds.
func bucket(n, room int) (int, bool) {
	for b := smallest; b <= 512<<10; b *= 2 {
		if n <= b {
			return b, true
		}
	}
	if n <= 768<<10 {
		return 768 << 10, true
	}
	return room, n <= room
}

func (s sections) all() [][]byte {
	return [][]byte{s.header, s.content, s.signature, s.verdict, s.endorsement}
}

func (s sections) encode(room int) ([]byte, error) {
	n := 0
	for _, p := range s.all() {
		n += 4 + len(p)
	}
	size, ok := bucket(n, room)
	if !ok {
		return nil, fault(ReasonSize, "is over %d bytes", MaxEnvelope)
	}
	b := make([]byte, 0, size)
	for _, p := range s.all() {
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(p))), p...)
	}
	return b[:size], nil
}

func parseSections(b []byte, room int) (sections, error) {
	var s sections
	size, rest := len(b), b
	for _, p := range []*[]byte{&s.header, &s.content, &s.signature, &s.verdict, &s.endorsement} {
		if len(rest) < 4 {
			return s, fault(ReasonForged, "has a section without a length")
		}
		n := binary.BigEndian.Uint32(rest)
		if uint64(n) > uint64(len(rest)-4) {
			return s, fault(ReasonForged, "has a section longer than the body")
		}
		*p, rest = rest[4:4+n], rest[4+n:]
	}
	if want, ok := bucket(size-len(rest), room); !ok || want != size || slices.ContainsFunc(rest, func(c byte) bool { return c != 0 }) {
		return s, fault(ReasonForged, "is padded in another way")
	}
	return s, nil
}
