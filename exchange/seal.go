package exchange

import (
	"crypto/ed25519"
	"crypto/hpke"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"reflect"
	"time"
)

// Seal makes the envelope of p that follows from in lane l, for the lane's guard. The ring is the origin's.
func (r *Ring) Seal(l Lane, from Head, p Parcel, now time.Time) (Numbered, error) {
	rt := routeOf(l)
	if r.Party != rt.origin {
		return Numbered{}, fmt.Errorf("seal: %s sends nothing %s", r.Party, l)
	}
	if !Crosses(p.Kind, l) {
		return Numbered{}, fmt.Errorf("seal: a document of kind %q does not go %s", p.Kind, l)
	}
	if len(p.Content) == 0 || len(p.Content) > MaxContent {
		return Numbered{}, fmt.Errorf("seal: content is empty or over %d bytes", MaxContent)
	}
	signer, ok := r.current(r.Party, Sign, now)
	if !ok {
		return Numbered{}, fmt.Errorf("seal: no valid signing key")
	}
	id := p.ID
	p = unnamed(p)
	label, expires := stated(p)
	h := Header{
		Version: version, Lane: l, Origin: rt.origin, Recipient: rt.end, Key: signer.ID.String(),
		Epoch: from.Epoch, Seq: from.Seq + 1, Prev: hex.EncodeToString(from.Digest[:]),
		Parcel: p.ID, Kind: p.Kind, Schema: SchemaVersion, Label: label, Created: p.Created, Expires: expires, Content: hexDigest(p.Content),
	}
	if err := checkFields(reflect.ValueOf(h), ""); err != nil {
		return Numbered{}, fmt.Errorf("seal: header: %w", err)
	}
	s := sections{header: marshal(h), content: p.Content}
	s.signature = sign(signer, l, "origin", s.header)
	n, err := r.lock(s, outer{lane: l, hop: toGuard, sender: signer.ID, epoch: h.Epoch, seq: h.Seq, prev: from.Digest}, rt.guard, now)
	n.Parcel = id
	return n, err
}

// unnamed takes id and moment from the lane's own documents: what is counted needs no name, and a name would be room to
// write in. The caller's parcel keeps them.
func unnamed(p Parcel) Parcel {
	if ownKind(p.Kind) {
		p.ID, p.Created = string(p.Kind), time.Time{}
	}
	return p
}

// stated takes label and expiry out of a document that has them. One that can't be read has none, and the guard
// refuses it.
func stated(p Parcel) (label string, expires time.Time) {
	d, err := Decode(p.Kind, p.Content)
	if err != nil {
		return "", time.Time{}
	}
	rel, _ := ReleaseOf(d)
	switch x := d.(type) {
	case Broadcast:
		expires = x.Expires
	case Send:
		expires = x.Expires
	}
	return rel.Label, expires
}

// lock encrypts s to the current key of the recipient and writes the outer header.
func (r *Ring) lock(s sections, o outer, to Party, now time.Time) (Numbered, error) {
	key, ok := r.current(to, Seal, now)
	if !ok {
		return Numbered{}, fmt.Errorf("seal: no valid key to seal to %s", to)
	}
	su, ok := algorithmsOf(key.Suite)
	if !ok {
		return Numbered{}, fmt.Errorf("seal: key %s is of no known suite", key.ID)
	}
	plain, err := s.encode(su.room())
	if err != nil {
		return Numbered{}, fmt.Errorf("seal: %w", err)
	}
	public, err := su.kem.NewPublicKey(key.Public)
	if err != nil {
		return Numbered{}, fmt.Errorf("seal: %w", err)
	}
	o.suite, o.recipient = key.Suite, key.ID
	enc, sender, err := hpke.NewSender(public, su.kdf, su.aead, o.info())
	if err != nil {
		return Numbered{}, fmt.Errorf("seal: %w", err)
	}
	o.body = uint32(len(enc) + len(plain) + tag)
	head := o.encode()
	ct, err := sender.Seal(head[:outerBound], plain)
	if err != nil {
		return Numbered{}, fmt.Errorf("seal: %w", err)
	}
	b := make([]byte, outerSize, outerSize+int(o.body))
	b = append(append(b, enc...), ct...)
	o.digest = sha256.Sum256(b[outerSize:])
	head = o.encode()
	copy(b, head[:])
	return Numbered{Head: Head{Epoch: o.epoch, Seq: o.seq, Digest: sha256.Sum256(head[:])}, Bytes: b}, nil
}

// info binds the key schedule of the encryption to lane, hop and keys (RFC 9180 §5.1).
func (o outer) info() []byte {
	b := append([]byte("gatehouse envelope\x00"), version, laneByte(o.lane), byte(o.hop))
	return append(append(b, o.sender[:]...), o.recipient[:]...)
}

// unlock decrypts an envelope of lane l and hop h that sender made for this ring's party.
func (r *Ring) unlock(e Envelope, l Lane, h hop, sender Party, now time.Time) (outer, sections, Key, error) {
	var s sections
	o, err := parseOuter(e.Bytes)
	if err != nil {
		return o, s, Key{}, err
	}
	if o.lane != l || o.hop != h {
		return o, s, Key{}, fault(ReasonForged, "is of another lane or hop")
	}
	from, why := r.known(sender, Sign, o.sender, now)
	if why != "" {
		return o, s, Key{}, fault(ReasonForged, "names the sender's key %s, which %s", o.sender, why)
	}
	to, why := r.known(r.Party, Seal, o.recipient, now)
	if why != "" {
		return o, s, Key{}, fault(ReasonForged, "is sealed to key %s, which %s", o.recipient, why)
	}
	if to.opener == nil {
		return o, s, Key{}, fault(ReasonForged, "is sealed to key %s, whose private part is not here", o.recipient)
	}
	if to.Suite != o.suite {
		return o, s, Key{}, fault(ReasonForged, "names suite %d, which is not the one of key %s", o.suite, o.recipient)
	}
	plain, err := to.decrypt(o, e.Bytes)
	if err != nil {
		return o, s, Key{}, err
	}
	su, _ := algorithmsOf(o.suite)
	s, err = parseSections(plain, su.room())
	return o, s, from, err
}

// decrypt opens the body of an envelope with the key that its header names.
func (k Key) decrypt(o outer, b []byte) ([]byte, error) {
	su, ok := algorithmsOf(o.suite)
	body := b[outerSize:]
	if !ok || len(body) < su.enc {
		return nil, fault(ReasonForged, "is too short")
	}
	rec, err := hpke.NewRecipient(body[:su.enc], k.opener, su.kdf, su.aead, o.info())
	if err != nil {
		return nil, fault(ReasonForged, "can't be decrypted")
	}
	plain, err := rec.Open(b[:outerBound], body[su.enc:])
	if err != nil {
		return nil, fault(ReasonForged, "can't be decrypted")
	}
	return plain, nil
}

// signatureContext keeps a signature from being taken for another's: lane, version and role (RFC 8032 §8.3).
func signatureContext(l Lane, role string) *ed25519.Options {
	return &ed25519.Options{Context: fmt.Sprintf("gatehouse/%d/%s/%s", version, l, role)}
}

func sign(k Key, l Lane, role string, what []byte) []byte {
	sum := sha256.Sum256(what)
	sig, err := k.signer.Sign(nil, sum[:], signatureContext(l, role))
	if err != nil {
		panic("exchange: Ed25519 with a short context can't fail: " + err.Error())
	}
	return sig
}

func verify(k Key, l Lane, role string, what, sig []byte) bool {
	sum := sha256.Sum256(what)
	return ed25519.VerifyWithOptions(ed25519.PublicKey(k.Public), sum[:], sig, signatureContext(l, role)) == nil
}

func hexDigest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
