package program

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"slices"

	"gatehouse/channels"
	"gatehouse/exchange"
)

// A document from inside comes as pieces behind its notice. The pieces stay in the lane, not handled, until the notice
// is: they are read and marked in the transaction that keeps the document, so that a crash in between changes nothing.
// A notice whose pieces are not all in waits with its case; the lane keeps the order, so they are on their way. Where
// the border refused a piece, the notice goes as text alone.

// pieces is what is in of one notice's document.
type pieces struct {
	parts   []exchange.Part
	seqs    []uint64
	refused bool
}

// batch is a look at the lane: its arrivals, decoded, and the pieces among them by notice.
type batch struct {
	docs   []exchange.Document
	faults []error
	of     map[string]*pieces
}

// gather decodes what is next, and gives each piece to the notice before it that awaits a document.
func gather(next []exchange.Arrival) batch {
	b := batch{of: map[string]*pieces{}}
	for _, x := range next {
		d, err := decoded(x)
		b.docs, b.faults = append(b.docs, d), append(b.faults, err)
		if n, ok := d.(exchange.Notice); ok && len(n.Document) > 0 {
			b.of[n.ID] = &pieces{}
		}
		if p := b.owner(x, d); p != nil {
			p.seqs = append(p.seqs, x.Head.Seq)
			p.refused = p.refused || x.Refused != exchange.ReasonNone
			if part, ok := d.(exchange.Part); ok {
				p.parts = append(p.parts, part)
			}
		}
	}
	return b
}

// owner gives the pieces that an arrival belongs to; nil: to none that is open.
func (b batch) owner(x exchange.Arrival, d exchange.Document) *pieces {
	if part, ok := d.(exchange.Part); ok {
		return b.of[part.Of]
	}
	if x.Refused != exchange.ReasonNone && x.Of != "" {
		return b.of[x.Of]
	}
	return nil
}

// complete tells whether d may be handled now: a notice with a document waits for the whole of it.
func (b batch) complete(d exchange.Document) bool {
	n, ok := d.(exchange.Notice)
	return !ok || len(n.Document) == 0 || b.of[n.ID].whole(n)
}

// whole tells whether all that is to come of n's document is in.
func (p *pieces) whole(n exchange.Notice) bool {
	if p.refused {
		return true
	}
	size := int64(0)
	for _, part := range p.parts {
		size += int64(len(part.Bytes))
	}
	return size >= n.Document[0].Size
}

// file gives the document of n; nil: it has none, or not the one that it names.
func (p *pieces) file(n exchange.Notice) *channels.File {
	if p == nil || p.refused {
		return nil
	}
	slices.SortStableFunc(p.parts, func(a, b exchange.Part) int { return a.Number - b.Number })
	var b []byte
	for _, part := range p.parts {
		b = append(b, part.Bytes...)
	}
	ref := n.Document[0]
	if sum := sha256.Sum256(b); int64(len(b)) != ref.Size || hex.EncodeToString(sum[:]) != ref.SHA256 {
		return nil
	}
	return &channels.File{Name: ref.Name, Type: ref.Type, Size: ref.Size, SHA256: ref.SHA256,
		Open: func(context.Context) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil }}
}
