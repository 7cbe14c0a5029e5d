package exchangetest

import (
	"path/filepath"
	"testing"
	"time"

	"gatehouse/exchange"
)

// Rings makes the keys of all four parties in a directory of the test, valid from now on, and loads their rings.
// dir holds one directory for each party.
func Rings(t testing.TB, now time.Time) (rings map[exchange.Party]*exchange.Ring, dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := exchange.MakeKeys(dir, exchange.Parties(), now); err != nil {
		t.Fatal(err)
	}
	rings = map[exchange.Party]*exchange.Ring{}
	for _, p := range exchange.Parties() {
		r, err := exchange.LoadRing(filepath.Join(dir, string(p)), p)
		if err != nil {
			t.Fatal(err)
		}
		rings[p] = r
	}
	return rings, dir
}

// ParcelOf makes the parcel of a document.
func ParcelOf(t testing.TB, id string, d exchange.Document, now time.Time) exchange.Parcel {
	t.Helper()
	b, err := exchange.Encode(d)
	if err != nil {
		t.Fatal(err)
	}
	return exchange.Parcel{ID: id, Kind: d.Kind(), Content: b, Created: now}
}

// Chain seals documents in a lane one after the other, as its origin does.
type Chain struct {
	Lane exchange.Lane
	Ring *exchange.Ring
	Head exchange.Head
	Now  func() time.Time
}

// NewChain begins the lane of the ring's party at number 1.
func NewChain(r *exchange.Ring, l exchange.Lane, now func() time.Time) *Chain {
	return &Chain{Lane: l, Ring: r, Head: exchange.Head{Epoch: 1}, Now: now}
}

// Seal gives the next envelope.
func (c *Chain) Seal(t testing.TB, p exchange.Parcel) exchange.Envelope {
	t.Helper()
	n, err := c.Ring.Seal(c.Lane, c.Head, p, c.Now())
	if err != nil {
		t.Fatal(err)
	}
	e, err := exchange.ParseEnvelope(n.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	c.Head = n.Head
	return e
}
