package gateway

import (
	"context"
	"time"

	"gatehouse/exchange/receipt"
)

// Issued is a receipt that a commit gives out. The store sets its number, its place in the chain and the time of signing,
// and signs it, all in the transaction: what is not committed was never given out.
type Issued struct {
	// Matter is the case whose content the receipt is sealed with.
	Matter string
	// Receipt is what it states; ID is set, unguessable.
	Receipt receipt.Receipt
	// Signed is a receipt that came signed from inside, kept as it is; nil: Receipt is to be signed.
	Signed []byte
}

// Receipted is a receipt as the store has it.
type Receipted struct {
	receipt.Link
	At time.Time
	// Body is the signed receipt; nil: its content ended with the person's data, and its place in the chain stays.
	Body []byte
	// Superseded is the id of the receipt that took its place, Followed those of registration or refusal; empty: none did.
	Superseded string
	Followed   []string
}

// Receipts reads receipts that were given out.
type Receipts interface {
	// Receipt finds one by its id. ErrNotFound.
	Receipt(ctx context.Context, id string) (Receipted, error)
	// Chain gives at most n receipts of the chain after a number, in their order.
	Chain(ctx context.Context, after uint64, n int) ([]Receipted, error)
}
