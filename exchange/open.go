package exchange

import (
	"encoding/hex"
	"fmt"
	"reflect"
	"time"
)

// Unsealed is an envelope that the guard opened and whose origin is certain. Nothing is known yet of the content.
type Unsealed struct {
	Head    Head
	Prev    [32]byte
	Header  Header
	Content []byte
	// raw are the bytes under the origin's signature, passed on as they are.
	raw, signature []byte
}

// Unseal opens an envelope on its way to the guard of lane l and verifies its origin: key, signature, lane, number,
// recipient, digest of the content. An error is ErrAside: the bytes are not the origin's, and its number still waits
// for the true envelope.
func (r *Ring) Unseal(l Lane, e Envelope, now time.Time) (Unsealed, error) {
	rt := routeOf(l)
	if r.Party != rt.guard {
		return Unsealed{}, fmt.Errorf("unseal: %s guards nothing %s", r.Party, l)
	}
	o, s, from, err := r.unlock(e, l, toGuard, rt.origin, now)
	if err != nil {
		return Unsealed{}, err
	}
	if len(s.verdict) != 0 || len(s.endorsement) != 0 {
		return Unsealed{}, fault(ReasonForged, "has a verdict before the guard")
	}
	h, err := verifyHeader(s, l, from)
	if err != nil {
		return Unsealed{}, err
	}
	if h.Epoch != o.epoch || h.Seq != o.seq || h.Prev != hex.EncodeToString(o.prev[:]) {
		return Unsealed{}, fault(ReasonForged, "has another number outside than under its signature")
	}
	if h.Content != hexDigest(s.content) {
		return Unsealed{}, fault(ReasonForged, "has another content than the one signed")
	}
	return Unsealed{Head: o.head(), Prev: o.prev, Header: h, Content: s.content, raw: s.header, signature: s.signature}, nil
}

// verifyHeader reads the origin header and verifies the origin's signature with key.
func verifyHeader(s sections, l Lane, key Key) (Header, error) {
	if !verify(key, l, "origin", s.header, s.signature) {
		return Header{}, fault(ReasonForged, "has no valid signature of its origin")
	}
	return readHeader(s.header, l, key)
}

func readHeader(b []byte, l Lane, key Key) (Header, error) {
	var h Header
	v := reflect.ValueOf(&h).Elem()
	if err := unmarshal(b, v); err != nil {
		return h, fault(ReasonForged, "has an origin header that can't be read: %v", err)
	}
	if err := checkFields(v, ""); err != nil {
		return h, fault(ReasonForged, "has an origin header that is wrong: %v", err)
	}
	rt := routeOf(l)
	if h.Version != version || h.Lane != l || h.Origin != rt.origin || h.Recipient != rt.end || h.Key != key.ID.String() {
		return h, fault(ReasonForged, "was not meant for this lane and recipient")
	}
	return h, nil
}

// Endorse seals what the guard opened for the end of the lane, under the next number after from, with the guard's
// verdict. Of v the caller sets Rules, Filters, Replaced, Refused, Of, Instead; content is what travels on. A refusal
// carries nothing of the origin but its number and digest.
func (r *Ring) Endorse(l Lane, from Head, u Unsealed, content []byte, v Verdict, now time.Time) (Numbered, error) {
	rt := routeOf(l)
	signer, ok := r.current(r.Party, Sign, now)
	if !ok || r.Party != rt.guard {
		return Numbered{}, fmt.Errorf("endorse: no valid signing key of the guard %s", l)
	}
	v.Version, v.Lane, v.Guard, v.Recipient, v.At = version, l, rt.guard, rt.end, now
	v.Epoch, v.Seq, v.Prev = from.Epoch, from.Seq+1, hex.EncodeToString(from.Digest[:])
	v.Origin = Origin{Epoch: u.Head.Epoch, Seq: u.Head.Seq, Digest: hex.EncodeToString(u.Head.Digest[:])}
	var s sections
	if v.Refused == ReasonNone {
		s = sections{header: u.raw, content: content, signature: u.signature}
		v.Header, v.Content = hexDigest(u.raw), hexDigest(content)
	}
	if err := checkFields(reflect.ValueOf(v), ""); err != nil {
		return Numbered{}, fmt.Errorf("endorse: verdict: %w", err)
	}
	s.verdict = marshal(v)
	s.endorsement = sign(signer, l, "verdict", s.verdict)
	n, err := r.lock(s, outer{lane: l, hop: fromGuard, sender: signer.ID, epoch: v.Epoch, seq: v.Seq, prev: from.Digest}, rt.end, now)
	n.Parcel = u.Header.Parcel
	return n, err
}

// Open opens an envelope at the end of lane l: the guard's verdict, its signature, and under it the origin's; lane,
// recipient, numbers and digests; the document's kind and canonical form once more. An error is ErrAside.
func (r *Ring) Open(l Lane, e Envelope, now time.Time) (Arrival, Verdict, error) {
	rt := routeOf(l)
	if r.Party != rt.end {
		return Arrival{}, Verdict{}, fmt.Errorf("open: %s is not the end of the lane %s", r.Party, l)
	}
	o, s, guard, err := r.unlock(e, l, fromGuard, rt.guard, now)
	if err != nil {
		return Arrival{}, Verdict{}, err
	}
	v, err := verifyVerdict(s, o, guard)
	if err != nil {
		return Arrival{}, v, err
	}
	a := Arrival{Head: o.head(), Prev: o.prev, Refused: v.Refused, Of: v.Of}
	a.Origin = Head{Epoch: v.Origin.Epoch, Seq: v.Origin.Seq, Digest: unhex(v.Origin.Digest)}
	if v.Instead != "" {
		a.Head.Digest = unhex(v.Instead)
	}
	if v.Refused == ReasonNone {
		a.Parcel, err = r.openContent(s, l, v, now)
		if len(v.Replaced) > 0 {
			a.Replaced = v.Replaced[0]
		}
	}
	return a, v, err
}

func verifyVerdict(s sections, o outer, guard Key) (Verdict, error) {
	var v Verdict
	if !verify(guard, o.lane, "verdict", s.verdict, s.endorsement) {
		return v, fault(ReasonForged, "has no verdict under a valid signature of the guard")
	}
	at := reflect.ValueOf(&v).Elem()
	if err := unmarshal(s.verdict, at); err != nil {
		return v, fault(ReasonForged, "has a verdict that can't be read: %v", err)
	}
	if err := checkFields(at, ""); err != nil {
		return v, fault(ReasonForged, "has a verdict that is wrong: %v", err)
	}
	rt := routeOf(o.lane)
	if v.Version != version || v.Lane != o.lane || v.Guard != rt.guard || v.Recipient != rt.end ||
		v.Epoch != o.epoch || v.Seq != o.seq || v.Prev != hex.EncodeToString(o.prev[:]) ||
		v.Origin.Epoch == 0 || v.Origin.Seq == 0 {
		return v, fault(ReasonForged, "has the verdict on another envelope")
	}
	if v.Refused > LastReason {
		return v, fault(ReasonForged, "is refused for an unknown reason")
	}
	if v.Refused != ReasonNone && len(s.header)+len(s.content)+len(s.signature) != 0 {
		return v, fault(ReasonForged, "was refused and has content")
	}
	return v, nil
}

func (r *Ring) openContent(s sections, l Lane, v Verdict, now time.Time) (Parcel, error) {
	if v.Header != hexDigest(s.header) || v.Content != hexDigest(s.content) {
		return Parcel{}, fault(ReasonForged, "has another content than the guard let through")
	}
	h, err := r.originHeader(s, l, now)
	if err != nil {
		return Parcel{}, err
	}
	if h.Epoch != v.Origin.Epoch || h.Seq != v.Origin.Seq {
		return Parcel{}, fault(ReasonForged, "has another number than the guard names")
	}
	if h.Content != v.Content && (h.Kind != KindPart || len(v.Replaced) == 0) {
		return Parcel{}, fault(ReasonForged, "was changed by the guard, which may rebuild a file and nothing else, and says so")
	}
	if len(v.Replaced) > 1 || len(v.Replaced) == 1 && h.Kind != KindPart {
		return Parcel{}, fault(ReasonForged, "has a verdict on several files, or on a file without being a part of it")
	}
	if h.Schema != SchemaVersion || !Crosses(h.Kind, l) {
		return Parcel{}, fault(ReasonSchema, "is of a kind or version that does not go %s", l)
	}
	if _, err := Decode(h.Kind, s.content); err != nil {
		return Parcel{}, fault(ReasonSchema, "has a content that can't be read: %v", err)
	}
	return Parcel{ID: h.Parcel, Kind: h.Kind, Content: s.content, Created: h.Created}, nil
}

// originHeader reads the header under the origin's signature. On this hop the outer header names the guard's key, so
// each valid key of the origin is tried; there are two at most while one is replaced.
func (r *Ring) originHeader(s sections, l Lane, now time.Time) (Header, error) {
	origin := routeOf(l).origin
	v := r.view()
	for _, k := range v.keys {
		if _, why := v.known(origin, Sign, k.ID, now); why == "" && verify(k, l, "origin", s.header, s.signature) {
			return readHeader(s.header, l, k)
		}
	}
	return Header{}, fault(ReasonForged, "has no valid signature of its origin")
}

// unhex reads a digest that was checked to be 64 hex digits.
func unhex(s string) (d [32]byte) {
	_, _ = hex.Decode(d[:], []byte(s))
	return d
}
