package store

import (
	"context"
	"errors"
	"time"

	"gatehouse/adapters"
	"gatehouse/configs/database"
	"gatehouse/exchange"
)

// Held tells until when the sealing was held last.
func (o outgoing) Held(ctx context.Context) (time.Time, error) {
	e, err := lane(ctx, o.s.db.Read(), downLane)
	if err != nil || e.until == 0 {
		return time.Time{}, wrap("read end of lane", err)
	}
	return fromMicros(e.until), nil
}

// Begin starts a new epoch. Everything from the first document on that is not done goes again, the done after it too:
// a document and its parts must not be torn apart, and the end knows what it has.
func (o outgoing) Begin(ctx context.Context, epoch uint32) (head exchange.Head, err error) {
	err = o.s.write(ctx, "begin epoch", func(ctx context.Context, tx *database.Tx) error {
		e, err := lane(ctx, tx, downLane)
		if head = e.head; err != nil || epoch <= head.Epoch {
			return err
		}
		head = exchange.Head{Epoch: epoch}
		err = tx.Send(ctx, `UPDATE outgoing SET done = 1, sealed = NULL WHERE seq > 0 AND done = 0 AND kind IN ('ack', 'heartbeat', 'history')`)
		if err != nil {
			return err
		}
		from, err := firstOpen(ctx, tx)
		if err != nil && !errors.Is(err, adapters.ErrNotFound) {
			return err
		}
		if err == nil {
			if _, err := o.s.again(ctx, tx, "ord >= $1", from); err != nil {
				return err
			}
		}
		return tx.Send(ctx, `UPDATE lanes SET epoch = $1, seq = 0, digest = $2, fence = fence + 1 WHERE name = $3`,
			int64(epoch), make([]byte, 32), downLane)
	})
	return head, err
}

// firstOpen gives the place of the first document that is not done, or of which a part is not.
func firstOpen(ctx context.Context, q database.Querier) (int64, error) {
	at, err := one(ctx, q, number, `SELECT ord FROM outgoing WHERE seq > 0 AND done = 0 OR seq = 0 AND kind = 'part' ORDER BY ord LIMIT 1`)
	if err != nil {
		return 0, err
	}
	return one(ctx, q, number, `SELECT ord FROM outgoing WHERE ord <= $1 AND kind <> 'part' AND kind NOT IN ('ack', 'heartbeat', 'history')
		ORDER BY ord DESC LIMIT 1`, at)
}

// repeated tells whether a parcel came before, in an older epoch of its origin: it is there, or was handled.
func repeated(ctx context.Context, q database.Querier, a exchange.Arrival) (bool, error) {
	if a.Origin.Epoch <= 1 || a.Parcel.ID == "" {
		return false, nil
	}
	n, err := one(ctx, q, number, `SELECT COUNT(*) FROM incoming WHERE parcel = $1 AND origin_epoch < $2 AND whole = 1 AND refused = 0`,
		a.Parcel.ID, int64(a.Origin.Epoch))
	return n > 0, err
}

func truth(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// Resend lets what was acknowledged wait again if it was put into the lane since then, and counts it: its receiver was
// restored from a copy of that time. What it still has it knows, once a new epoch begins.
func (s *Store) Resend(ctx context.Context, since time.Time) (n int64, err error) {
	err = s.write(ctx, "send again", func(ctx context.Context, tx *database.Tx) error {
		n, err = s.again(ctx, tx, "done = 1 AND created >= $1", micros(since))
		return err
	})
	return n, err
}

// again lets what was numbered wait again, with its content out of the copy where only that is left. What was refused
// stays so, and so does what is for a person who is forgotten.
func (s *Store) again(ctx context.Context, tx *database.Tx, which string, arg any) (n int64, err error) {
	ids, err := list(ctx, tx, word, `SELECT id FROM outgoing WHERE `+which+` AND seq > 0 AND refused = 0
		AND kind NOT IN ('ack', 'heartbeat', 'history') ORDER BY ord`, arg)
	for _, id := range ids {
		content, err := s.leftContent(ctx, tx, id)
		if errors.Is(err, adapters.ErrForgotten) || errors.Is(err, adapters.ErrNotFound) {
			continue
		}
		if err != nil {
			return n, err
		}
		err = tx.Send(ctx, `UPDATE outgoing SET epoch = 0, seq = 0, digest = NULL, sealed = NULL, again = 0, done = 0, content = $1
			WHERE id = $2`, content, id)
		if err != nil {
			return n, err
		}
		n++
	}
	return n, err
}

// leftContent gives what was put into the lane: out of the lane, or once it is settled, out of its copy.
func (s *Store) leftContent(ctx context.Context, q database.Querier, id string) ([]byte, error) {
	b, err := one(ctx, q, raw, `SELECT content FROM outgoing WHERE id = $1`, id)
	if err != nil || len(b) > 0 {
		return b, err
	}
	return s.openCopy(ctx, q, id)
}
