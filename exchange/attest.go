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

// ErrNoReceiptKey: this ring has no key of its own that signs receipts at that time.
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
