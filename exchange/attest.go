package exchange

import (
	"cmp"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"time"

	"gatehouse/exchange/receipt"
)

// ErrNoReceiptKey means that the ring has no key of its own that signs receipts at that time.
var ErrNoReceiptKey = errors.New("no valid key signs receipts; guard keys make makes one")

// ReceiptKey is a receipt.Signer: it gives the ring's own key for receipts that is in use at a time.
func (r *Ring) ReceiptKey(at time.Time) (string, func([]byte) []byte, error) {
	k, ok := r.current(r.Party, Receipt, at)
	if !ok {
		return "", nil, ErrNoReceiptKey
	}
	return k.ID.String(), func(m []byte) []byte { return ed25519.Sign(k.signer, m) }, nil
}

// ReceiptKeys gives the public parts of all keys for receipts that the ring holds, past and present, oldest first: what
// is published of issuer. A key that was revoked says from when on it does not count.
func (r *Ring) ReceiptKeys(issuer string) receipt.Keys {
	out, v := receipt.Keys{Issuer: issuer, Keys: []receipt.Key{}}, r.view()
	for _, k := range v.keys {
		if k.Use != Receipt {
			continue
		}
		by := receipt.ByGateway
		if k.Party == Intranet {
			by = receipt.ByOffice
		}
		x := receipt.Key{By: by, From: k.From, ID: k.ID.String(), Public: hex.EncodeToString(k.Public), Until: k.Until}
		if gone, ok := v.revoked[k.ID]; ok {
			at := gone.At.UTC()
			x.Revoked = &at
		}
		out.Keys = append(out.Keys, x)
	}
	slices.SortFunc(out.Keys, func(a, b receipt.Key) int { return cmp.Or(a.From.Compare(b.From), strings.Compare(a.ID, b.ID)) })
	return out
}

// AboutReceipts is what a Tally is about that tells the head of the gateway's chain of receipts: its one Count is named by
// the digest, and counts the number.
const AboutReceipts = "receipts"

// HeadTally tells the head of the chain.
func HeadTally(id string, h receipt.Head, now time.Time) Tally {
	return Tally{ID: id, About: AboutReceipts, At: now, Counts: []Count{{Name: h.Digest, Count: int64(h.Number)}}}
}

// ReceiptHead reads the head of the chain from a Tally; false: it is about something else.
func (t Tally) ReceiptHead() (receipt.Head, bool) {
	if t.About != AboutReceipts || len(t.Counts) != 1 {
		return receipt.Head{}, false
	}
	return receipt.Head{Number: uint64(t.Counts[0].Count), Digest: t.Counts[0].Name}, true
}

// Facts is what both sides know of a case that was registered, beside the Registration.
type Facts struct {
	Issuer, Case, Service string
	Filed                 time.Time
	Zone                  *time.Location // of the city
}

// Receipt gives the receipt of a registration as it is signed.
func (r Registration) Receipt(f Facts) receipt.Receipt {
	filed := f.Filed.UTC().Truncate(time.Second)
	return receipt.Receipt{Schema: receipt.Schema, Kind: receipt.Registered, ID: r.ID, Issuer: f.Issuer, At: r.Signed.UTC(), Case: f.Case, Service: f.Service,
		Filed: filed, FiledLocal: filed.In(f.Zone), Of: &receipt.Of{ID: r.Of, Digest: r.Digest},
		Register: &receipt.Register{At: r.At.UTC(), Number: r.Number}, Key: r.Key, Signature: r.Signature}
}

// Register signs the receipt of a registration: it fills in the key and the signature.
func (r Registration) Register(f Facts, s receipt.Signer) (Registration, error) {
	b, err := receipt.Sign(r.Receipt(f), s)
	if err != nil {
		return r, err
	}
	x, err := receipt.Parse(b)
	r.Key, r.Signature = x.Key, x.Signature
	return r, err
}
