package exchange

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Releasable is the label without which nothing goes down.
const Releasable = "releasable"

// Policies of release; a release names the one by which its document leaves.
const (
	PolicyAuto      = "auto"      // a registered template with typed parameters, no free text
	PolicyClean     = "clean"     // free text of an officer who has the right, and no leak rule fired
	PolicySecond    = "second"    // approved by another person
	PolicyEmergency = "emergency" // one officer with that right and a fresh second factor; reviewed afterwards
)

// ErrNotReleased means that a document may not leave the inside: its label is another, or no valid release signature
// covers it.
var ErrNotReleased = errors.New("not released")

// ReleaseOf gives the release of a document that leaves the inside; false for the kinds that need none (Part, Ack,
// Heartbeat, History) and for those that go up.
func ReleaseOf(d Document) (Released, bool) {
	switch x := d.(type) {
	case Notice:
		return x.Release, true
	case Broadcast:
		return x.Release, true
	case Audience:
		return x.Release, true
	case Control:
		return x.Release, true
	case Send:
		return x.Release, true
	case Forget:
		return x.Release, true
	case Publication:
		return x.Release, true
	}
	return Released{}, false
}

func withRelease(d Document, r Released) Document {
	switch x := d.(type) {
	case Notice:
		x.Release = r
		return x
	case Broadcast:
		x.Release = r
		return x
	case Audience:
		x.Release = r
		return x
	case Control:
		x.Release = r
		return x
	case Send:
		x.Release = r
		return x
	case Forget:
		x.Release = r
		return x
	case Publication:
		x.Release = r
		return x
	}
	return d
}

// Release signs what staff let go down. d is a plain value (Notice, not *Notice) whose Release says policy, label and
// who; it comes back with Key and Signature set. The signature covers the canonical document with the signature left
// empty, so whatever is changed afterwards needs a new one. The ring is the intranet's.
func (r *Ring) Release(d Document, now time.Time) (Document, error) {
	rel, ok := ReleaseOf(d)
	if !ok {
		return nil, fmt.Errorf("release: a %T needs no release", d)
	}
	key, ok := r.current(Intranet, Release, now)
	if !ok || r.Party != Intranet {
		return nil, fmt.Errorf("release: %s has no valid release key", r.Party)
	}
	rel.Key, rel.Signature = key.ID.String(), ""
	b, err := Encode(withRelease(d, rel))
	if err != nil {
		return nil, fmt.Errorf("release: %w", err)
	}
	rel.Signature = base64.RawURLEncoding.EncodeToString(sign(key, Down, "release", b))
	return withRelease(d, rel), nil
}

// Approve signs the second person's word for d, at the moment they give it: d's release names both persons, policy and
// label. It comes back with Approval set. What is signed is the document without the moment it leaves (At), the paper
// that is printed of it then, and what Release adds later, so that it may wait for its turn and still be what the second
// person read. Whoever changes what is held, or who released it, needs another approval.
func (r *Ring) Approve(d Document, now time.Time) (Document, error) {
	rel, ok := ReleaseOf(d)
	if !ok || rel.By == "" || rel.Second == "" || rel.By == rel.Second {
		return nil, errors.New("approve: the release does not name two persons")
	}
	key, ok := r.current(Intranet, Release, now)
	if !ok || r.Party != Intranet {
		return nil, fmt.Errorf("approve: %s has no valid release key", r.Party)
	}
	b, err := Encode(approved(d))
	if err != nil {
		return nil, fmt.Errorf("approve: %w", err)
	}
	rel.Approval = key.ID.String() + "." + base64.RawURLEncoding.EncodeToString(sign(key, Down, "approval", b))
	return withRelease(d, rel), nil
}

// approved is the form of d that an approval covers.
func approved(d Document) Document {
	rel, _ := ReleaseOf(d)
	rel.Key, rel.Signature, rel.Approval = "", "", ""
	switch x := d.(type) {
	case Notice:
		x.At, x.Document = time.Time{}, nil
		d = x
	case Broadcast:
		x.At = time.Time{}
		d = x
	case Audience:
		x.At = time.Time{}
		d = x
	case Control:
		x.At = time.Time{}
		d = x
	case Send:
		x.At = time.Time{}
		d = x
	case Forget:
		x.At = time.Time{}
		d = x
	case Publication:
		x.At = time.Time{}
		d = x
	}
	return withRelease(d, rel)
}

// verifyApproval tells whether two persons stand behind a document of policy second, and the second's word is signed.
func (r *Ring) verifyApproval(d Document, now time.Time) error {
	rel, _ := ReleaseOf(d)
	if rel.By == "" || rel.Second == "" || rel.By == rel.Second {
		return fmt.Errorf("%w: it does not name two persons", ErrNotReleased)
	}
	id, s, _ := strings.Cut(rel.Approval, ".")
	sig, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil {
		return fmt.Errorf("%w: the approval can't be read", ErrNotReleased)
	}
	key, why := r.keyNamed(Intranet, Release, id, now)
	if why != "" {
		return fmt.Errorf("%w: the approval's key %s", ErrNotReleased, why)
	}
	b, err := Encode(approved(d))
	if err != nil || !verify(key, Down, "approval", b, sig) {
		return fmt.Errorf("%w: the approval is not this document's", ErrNotReleased)
	}
	return nil
}

// VerifyRelease tells whether d may leave: its label is Releasable and a valid key of the intranet signed it as it
// is; under policy second the approval is verified too. Whether that policy is enough for d is the guard's to judge.
// Documents that need no release may. The error is ErrNotReleased.
func (r *Ring) VerifyRelease(d Document, now time.Time) error {
	rel, ok := ReleaseOf(d)
	if !ok {
		return nil
	}
	if rel.Label != Releasable {
		return fmt.Errorf("%w: the label is another", ErrNotReleased)
	}
	sig, err := base64.RawURLEncoding.Strict().DecodeString(rel.Signature)
	if err != nil {
		return fmt.Errorf("%w: the signature can't be read", ErrNotReleased)
	}
	key, why := r.keyNamed(Intranet, Release, rel.Key, now)
	if why != "" {
		return fmt.Errorf("%w: the key %s", ErrNotReleased, why)
	}
	rel.Signature = ""
	b, err := Encode(withRelease(d, rel))
	if err != nil || !verify(key, Down, "release", b, sig) {
		return fmt.Errorf("%w: the signature is not this document's", ErrNotReleased)
	}
	if rel.Policy == PolicySecond {
		return r.verifyApproval(d, now)
	}
	return nil
}

func (r *Ring) keyNamed(owner Party, u Use, id string, now time.Time) (Key, string) {
	var named KeyID
	if n, err := hex.Decode(named[:], []byte(id)); err != nil || n != len(named) || named.String() != id {
		return Key{}, "is not known"
	}
	return r.known(owner, u, named, now)
}
