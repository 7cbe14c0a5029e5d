package store

import (
	"context"
	"errors"
	"time"

	"gatehouse/adapters"
	"gatehouse/configs/database"
	"gatehouse/exchange"
)

// Stamp implements adapters.Crossing.
func (s *Store) Stamp(ctx context.Context, told []exchange.Stamp, ordered bool, now time.Time) (wrong []uint64, err error) {
	err = s.write(ctx, "keep stamps of receipts", func(ctx context.Context, tx *database.Tx) error {
		wrong = nil
		for _, x := range told {
			bad, err := stamp(ctx, tx, x, ordered, now)
			if err != nil {
				return err
			}
			if bad {
				wrong = append(wrong, x.Number)
			}
		}
		return nil
	})
	return wrong, err
}

func stamp(ctx context.Context, tx *database.Tx, x exchange.Stamp, ordered bool, now time.Time) (bad bool, err error) {
	known, err := one(ctx, tx, word, `SELECT digest FROM stamps WHERE number = $1`, int64(x.Number))
	if err == nil && known == x.Digest {
		return false, nil
	}
	if err == nil {
		return true, tx.Send(ctx, `UPDATE stamps SET alarm = alarm + 1 WHERE number = $1`, int64(x.Number))
	}
	if !errors.Is(err, adapters.ErrNotFound) {
		return false, err
	}
	highest, err := one(ctx, tx, number, `SELECT COALESCE(MAX(number), 0) FROM stamps`)
	if err != nil {
		return false, err
	}
	alarm := 0
	if bad = ordered && int64(x.Number) < highest; bad {
		alarm = 1
	}
	return bad, tx.Send(ctx, `INSERT INTO stamps (number, digest, alarm, at) VALUES ($1, $2, $3, $4)`, int64(x.Number), x.Digest, alarm, micros(now))
}
