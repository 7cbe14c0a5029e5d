package store

import (
	"context"
	"errors"
	"time"

	"gatehouse/configs/database"
	"gatehouse/exchange"
)

// Held implements exchange.Outgoing.
func (o outgoing) Held(ctx context.Context) (time.Time, error) {
	e, err := lane(ctx, o.s.db.Read(), upLane)
	if err != nil || e.until == 0 {
		return time.Time{}, wrap("read end of lane", err)
	}
	return moment(e.until), nil
}

// Begin implements exchange.Outgoing. A crossing that is not done goes again with all its parts, because the guard may
// have taken some of them already: it takes the document anew, and the end knows what it has.
func (o outgoing) Begin(ctx context.Context, epoch uint32) (head exchange.Head, err error) {
	err = o.write(ctx, "begin epoch", func(ctx context.Context, tx *database.Tx) error {
		e, err := lane(ctx, tx, upLane)
		if head = e.head; err != nil || epoch <= head.Epoch {
			return err
		}
		if err := o.s.unnumber(ctx, tx); err != nil {
			return err
		}
		head = exchange.Head{Epoch: epoch}
		e.head = head
		e.whole.epoch, e.whole.seq = int64(epoch), 0
		e.fence++
		return putLane(ctx, tx, upLane, e)
	})
	return head, err
}

// unnumber lets what was numbered and is not done wait again.
func (s *Store) unnumber(ctx context.Context, tx *database.Tx) error {
	err := errors.Join(
		// Numbered by a release that kept the content in the envelope alone: its person is told, as of a refusal.
		tx.Send(ctx, "UPDATE parcel SET state = 3, reason = $1 WHERE state = 1 AND root <> '' AND file = '' AND body IS NULL", int64(exchange.ReasonFailed)),
		tx.Send(ctx, "UPDATE parcel SET state = 4, body = NULL WHERE state = 1 AND root = ''"),
		tx.Send(ctx, "DELETE FROM envelope"))
	if err != nil {
		return err
	}
	var fallen []string
	err = each(tx.Query(ctx, "SELECT DISTINCT root FROM parcel WHERE state IN (0, 1) AND root IN (SELECT root FROM parcel WHERE state = 3)"))(
		func(scan scanner) error {
			var root string
			err := scan(&root)
			fallen = append(fallen, root)
			return err
		})
	if err != nil {
		return wrap("read fallen crossings", err)
	}
	for _, root := range fallen {
		if err := tx.Send(ctx, "UPDATE parcel SET state = 4, body = NULL WHERE root = $1 AND state IN (0, 1)", root); err != nil {
			return err
		}
		if err := s.finish(ctx, tx, root, s.cfg.Now()); err != nil {
			return err
		}
	}
	return tx.Send(ctx, `UPDATE parcel SET state = 0, epoch = 0, seq = 0 WHERE state IN (1, 2)
		AND root IN (SELECT root FROM parcel WHERE state IN (0, 1) AND root <> '')`)
}

// repeated tells whether a parcel came before, in an older epoch of its origin: it is there, or was handled.
func repeated(ctx context.Context, tx *database.Tx, a exchange.Arrival) (bool, error) {
	if a.Origin.Epoch <= 1 || a.Parcel.ID == "" {
		return false, nil
	}
	var n int
	err := tx.QueryRow(ctx, "SELECT count(*) FROM arrival WHERE id = $1 AND origin_epoch < $2 AND state > 0 AND reason = 0",
		a.Parcel.ID, int64(a.Origin.Epoch)).Scan(&n)
	return n > 0, wrap("look for arrival", err)
}
