package store

import (
	"context"

	"gatehouse/configs/database"
)

// BareInsert writes rows by the statements of acceptAll alone, for the benchmark to hold Accept against.
func BareInsert(ctx context.Context, tx *database.Tx, heard, inbound, turns [][]any) error {
	if err := (bulk{heardBulk.head, "", 1}).send(ctx, tx, heard); err != nil {
		return err
	}
	if err := inboundBulk.send(ctx, tx, inbound); err != nil {
		return err
	}
	return turnBulk.send(ctx, tx, turns)
}
