package receipt

import (
	"errors"
	"fmt"
)

// Head is the end of a chain: the highest number given out, and the digest of that receipt. The zero Head is that of a chain
// without a receipt.
type Head struct {
	Number uint64
	Digest string
}

// Link is what the chain knows of a receipt, whatever became of its content.
type Link struct {
	Number   uint64
	ID       string
	Digest   string
	Previous string
}

// ErrChain means that a receipt of the chain was changed, taken out or put in.
var ErrChain = errors.New("the chain of receipts is broken")

// Link gives r's place in the chain; b are its signed bytes.
func (r Receipt) Link(b []byte) Link {
	return Link{Number: r.Number, ID: r.ID, Digest: Digest(b), Previous: r.Previous}
}

// Follow gives the head after l. ErrChain when l is not what comes next.
func (h Head) Follow(l Link) (Head, error) {
	switch {
	case l.Number != h.Number+1:
		return h, fmt.Errorf("%w: number %d follows %d", ErrChain, l.Number, h.Number)
	case l.Previous != h.Digest:
		return h, fmt.Errorf("%w: number %d does not bear the digest of the one before", ErrChain, l.Number)
	case l.Digest == "":
		return h, fmt.Errorf("%w: number %d has no digest", ErrChain, l.Number)
	}
	return Head{Number: l.Number, Digest: l.Digest}, nil
}

// Extends tells whether a chain that once ended in old may end in h: it never gets shorter, and one number has one digest.
func (h Head) Extends(old Head) bool {
	return h.Number > old.Number && h.Digest != "" || h == old
}

// VerifyChain checks whole receipts that follow each other from the first on: form, signature and place of each.
func VerifyChain(all [][]byte, keys Keys) (Head, error) {
	var h Head
	for _, b := range all {
		r, _, err := keys.Verify(b)
		if err != nil {
			return h, fmt.Errorf("receipt after number %d: %w", h.Number, err)
		}
		if h, err = h.Follow(r.Link(b)); err != nil {
			return h, err
		}
	}
	return h, nil
}
