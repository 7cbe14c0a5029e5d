package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"time"

	"gatehouse/configs/database"
	"gatehouse/configs/vault"
	"gatehouse/exchange"
	"gatehouse/gateway"
)

// States of a parcel.
const (
	waiting  = 0
	numbered = 1
	taken    = 2
	refused  = 3
	dropped  = 4
)

// maxHanded bounds the bytes that one call of Waiting or Due reads, the first parcel aside.
const maxHanded = 8 << 20

// Outgoing is the up lane's sending end.
func (s *Store) Outgoing() exchange.Outgoing { return outgoing{s} }

type outgoing struct{ s *Store }

func (o outgoing) write(ctx context.Context, tried string, job func(ctx context.Context, tx *database.Tx) error) error {
	return wrap(tried, o.s.db.WriteWait(ctx, job))
}

// Seize implements exchange.Outgoing.
func (o outgoing) Seize(ctx context.Context, owner string, ttl time.Duration) (fence uint64, head exchange.Head, ok bool, err error) {
	err = o.write(ctx, "seize lane", func(ctx context.Context, tx *database.Tx) error {
		e, err := lane(ctx, tx, upLane)
		if err != nil {
			return err
		}
		now := o.s.cfg.Now()
		if ok = e.owner == owner || before(e.until, now); !ok {
			return nil
		}
		if e.owner != owner {
			e.owner = owner
			e.fence++
		}
		e.until = micros(now.Add(ttl))
		fence, head = uint64(e.fence), e.head
		return putLane(ctx, tx, upLane, e)
	})
	return fence, head, ok && err == nil, err
}

// waitingRow is a parcel without a number.
type waitingRow struct {
	exchange.Parcel
	root, file, ref string
	part, parts     int
	body            []byte
}

// Waiting implements exchange.Outgoing. A part whose file was destroyed meanwhile is dropped: it must not hold up the
// lane.
func (o outgoing) Waiting(ctx context.Context, n int) ([]exchange.Parcel, error) {
	rows, err := o.waitingRows(ctx, n)
	if err != nil {
		return nil, wrap("read waiting parcels", err)
	}
	var out []exchange.Parcel
	size := 0
	for _, r := range rows {
		err := o.load(ctx, &r)
		if errors.Is(err, gateway.ErrNotFound) || errors.Is(err, vault.ErrDestroyed) {
			o.s.cfg.Log.ErrorContext(ctx, "parcel dropped: its content is gone", "parcel_id", r.ID, "kind", r.Kind)
			err = o.drop(ctx, r.ID)
		}
		if err != nil {
			return nil, wrap("read waiting parcels", err)
		}
		if size += len(r.Content); size > maxHanded && len(out) > 0 {
			break
		}
		if r.Content != nil {
			out = append(out, r.Parcel)
		}
	}
	return out, nil
}

func (o outgoing) waitingRows(ctx context.Context, n int) ([]waitingRow, error) {
	var rows []waitingRow
	err := each(o.s.db.Read().Query(ctx, `SELECT id, kind, root, file, ref, part, parts, at, body FROM parcel WHERE state = 0 ORDER BY number LIMIT $1`, n))(
		func(scan scanner) error {
			var r waitingRow
			var at int64
			err := scan(&r.ID, &r.Kind, &r.root, &r.file, &r.ref, &r.part, &r.parts, &at, &r.body)
			r.Created = moment(at)
			rows = append(rows, r)
			return err
		})
	return rows, err
}

func (o outgoing) load(ctx context.Context, r *waitingRow) (err error) {
	if r.file == "" {
		r.Content, err = o.s.open(ctx, o.s.db.Read(), "parcel", r.ID, r.body)
		return err
	}
	f, err := o.s.findBy(ctx, o.s.db.Read(), "f.id = $1", r.file)
	if err != nil {
		return err
	}
	b, err := o.s.section(ctx, f, int64(r.part-1)*exchange.PartSize, exchange.PartSize)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(b)
	r.Content, err = exchange.Encode(exchange.Part{File: r.ref, Of: r.root, Number: r.part, Count: r.parts, SHA256: hex.EncodeToString(sum[:]), Bytes: b})
	return err
}

func (o outgoing) drop(ctx context.Context, id string) error {
	return o.write(ctx, "drop parcel", func(ctx context.Context, tx *database.Tx) error {
		return tx.Send(ctx, "UPDATE parcel SET state = 4, body = NULL WHERE id = $1 AND state = 0", id)
	})
}

// Enqueue implements exchange.Outgoing.
func (o outgoing) Enqueue(ctx context.Context, p exchange.Parcel) error {
	body := o.s.vault.Root().Seal("parcel", p.ID, p.Content)
	return o.write(ctx, "enqueue parcel", func(ctx context.Context, tx *database.Tx) error {
		if err := tx.Send(ctx, "DELETE FROM parcel WHERE state = 0 AND root = '' AND kind = $1", string(p.Kind)); err != nil {
			return err
		}
		n, err := numbers(ctx, tx, 1)
		if err != nil {
			return err
		}
		return parcelBulk.send(ctx, tx, [][]any{{n, p.ID, string(p.Kind), "", "", "", "", 0, 0, waiting, 0, 0, 0, 0, micros(p.Created), body}})
	})
}

var parcelBulk = bulk{"INSERT INTO parcel(number, id, kind, root, matter, file, ref, part, parts, state, epoch, seq, reason, told, at, body)", "", 16}

// Number implements exchange.Outgoing. The content of a document stays until its Ack, because a new epoch needs it to
// be sealed anew; that of the lane's own goes.
func (o outgoing) Number(ctx context.Context, fence uint64, from exchange.Head, batch []exchange.Numbered) error {
	return o.write(ctx, "number envelopes", func(ctx context.Context, tx *database.Tx) error {
		e, err := lane(ctx, tx, upLane)
		if err != nil {
			return err
		}
		if uint64(e.fence) != fence || e.head != from {
			return exchange.ErrFenced
		}
		for _, b := range batch {
			// A parcel of the lane itself may have been replaced since it was sealed: its envelope goes all the same.
			err := tx.Send(ctx, "UPDATE parcel SET state = 1, epoch = $1, seq = $2, body = CASE WHEN root = '' THEN NULL ELSE body END WHERE id = $3 AND state = 0",
				int64(b.Head.Epoch), int64(b.Head.Seq), b.Parcel)
			if err != nil {
				return err
			}
			err = tx.Send(ctx, "INSERT INTO envelope(epoch, seq, parcel, digest, due, body) VALUES ($1, $2, $3, $4, 0, $5)",
				int64(b.Head.Epoch), int64(b.Head.Seq), b.Parcel, b.Head.Digest[:], b.Bytes)
			if err != nil {
				return err
			}
			e.head = b.Head
		}
		return putLane(ctx, tx, upLane, e)
	})
}

// Due implements exchange.Outgoing.
func (o outgoing) Due(ctx context.Context, now time.Time, n int) ([]exchange.Numbered, error) {
	var out []exchange.Numbered
	size := 0
	err := each(o.s.db.Read().Query(ctx, "SELECT parcel, epoch, seq, digest, body FROM envelope WHERE due <= $1 ORDER BY epoch, seq LIMIT $2", micros(now), n))(
		func(scan scanner) error {
			if size > maxHanded {
				return nil
			}
			var b exchange.Numbered
			var d []byte
			err := scan(&b.Parcel, &b.Head.Epoch, &b.Head.Seq, &d, &b.Bytes)
			b.Head.Digest = digest(d)
			size += len(b.Bytes)
			out = append(out, b)
			return err
		})
	return out, wrap("read due envelopes", err)
}

// Sent implements exchange.Outgoing.
func (o outgoing) Sent(ctx context.Context, seqs []uint64, again time.Time) error {
	if len(seqs) == 0 {
		return nil
	}
	return o.write(ctx, "put envelopes off", func(ctx context.Context, tx *database.Tx) error {
		for _, seq := range seqs {
			err := tx.Send(ctx, "UPDATE envelope SET due = $1 WHERE seq = $2 AND epoch = (SELECT epoch FROM lane WHERE name = 'up')", micros(again), int64(seq))
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// Settle implements exchange.Outgoing. When all of a crossing is done, its key is destroyed and its files are let go.
func (o outgoing) Settle(ctx context.Context, a exchange.Ack) error {
	return o.write(ctx, "settle ack", func(ctx context.Context, tx *database.Tx) error {
		e, err := lane(ctx, tx, upLane)
		if err != nil {
			return err
		}
		if a.Epoch > e.head.Epoch || a.Epoch == e.head.Epoch && a.Contiguous > e.head.Seq {
			return exchange.ErrAhead
		}
		epoch, upTo := int64(a.Epoch), int64(a.Contiguous)
		if a.Epoch < e.head.Epoch || epoch == e.whole.epoch && upTo < e.whole.seq {
			return nil
		}
		roots, err := o.roots(ctx, tx, a)
		if err != nil {
			return err
		}
		if err := o.acknowledge(ctx, tx, a); err != nil {
			return err
		}
		for _, root := range roots {
			if err := o.s.finish(ctx, tx, root, a.At); err != nil {
				return err
			}
		}
		e.whole.epoch, e.whole.seq = epoch, upTo
		return putLane(ctx, tx, upLane, e)
	})
}

// roots gives the documents to which the Ack's news belong.
func (o outgoing) roots(ctx context.Context, tx *database.Tx, a exchange.Ack) ([]string, error) {
	var out []string
	seen := map[string]bool{}
	take := func(scan scanner) error {
		var root string
		err := scan(&root)
		if root != "" && !seen[root] {
			seen[root] = true
			out = append(out, root)
		}
		return err
	}
	err := each(tx.Query(ctx, "SELECT DISTINCT p.root FROM envelope e JOIN parcel p ON p.id = e.parcel WHERE e.epoch = $1 AND e.seq <= $2",
		int64(a.Epoch), int64(a.Contiguous)))(take)
	for _, r := range a.Refused {
		err = errors.Join(err, each(tx.Query(ctx, "SELECT root FROM parcel WHERE epoch = $1 AND seq = $2 AND state IN (1, 2)", int64(a.Epoch), int64(r.Seq)))(take))
	}
	return out, wrap("read acknowledged parcels", err)
}

func (o outgoing) acknowledge(ctx context.Context, tx *database.Tx, a exchange.Ack) error {
	epoch, upTo := int64(a.Epoch), int64(a.Contiguous)
	for _, r := range a.Refused {
		err := errors.Join(
			tx.Send(ctx, "UPDATE parcel SET state = 3, reason = $1 WHERE epoch = $2 AND seq = $3 AND state IN (1, 2)", int64(r.Reason), epoch, int64(r.Seq)),
			tx.Send(ctx, "DELETE FROM envelope WHERE epoch = $1 AND seq = $2", epoch, int64(r.Seq)))
		if err != nil {
			return err
		}
	}
	err := errors.Join(
		tx.Send(ctx, `UPDATE parcel SET state = 2 WHERE state = 1 AND id IN (SELECT parcel FROM envelope WHERE epoch = $1 AND seq <= $2)`, epoch, upTo),
		tx.Send(ctx, "DELETE FROM envelope WHERE epoch = $1 AND seq <= $2", epoch, upTo))
	for _, m := range a.Missing {
		err = errors.Join(err, tx.Send(ctx, "UPDATE envelope SET due = 0 WHERE epoch = $1 AND seq >= $2 AND seq <= $3", epoch, int64(m.From), int64(m.To)))
	}
	return err
}

// finish looks at a crossing after news of it: refused in any piece it can't be whole, so the rest need not go; done
// in all pieces its content is destroyed, and the person's view says that it crossed.
func (s *Store) finish(ctx context.Context, tx *database.Tx, root string, at time.Time) error {
	var open, bad int
	var matter string
	err := tx.QueryRow(ctx, `SELECT coalesce(sum(CASE WHEN state < 2 THEN 1 ELSE 0 END), 0), coalesce(sum(CASE WHEN state = 3 THEN 1 ELSE 0 END), 0),
		coalesce(max(CASE WHEN kind = 'case' THEN matter ELSE '' END), '') FROM parcel WHERE root = $1`, root).Scan(&open, &bad, &matter)
	if err != nil {
		return wrap("read crossing", err)
	}
	if bad > 0 {
		if err := tx.Send(ctx, "UPDATE parcel SET state = 4, body = NULL WHERE root = $1 AND state = 0", root); err != nil {
			return err
		}
		if err := tx.QueryRow(ctx, "SELECT count(*) FROM parcel WHERE root = $1 AND state < 2", root).Scan(&open); err != nil {
			return wrap("read crossing", err)
		}
	}
	if open > 0 {
		return nil
	}
	if err := destroyKeys(ctx, tx, crossingOwner(root)); err != nil {
		return err
	}
	if err := dropHolder(ctx, tx, crossingOwner(root)); err != nil {
		return err
	}
	if err := tx.Send(ctx, "UPDATE parcel SET body = NULL WHERE root = $1 AND body IS NOT NULL", root); err != nil {
		return err
	}
	if bad > 0 || matter == "" {
		return nil
	}
	return s.progress(ctx, tx, matter, exchange.Queued, exchange.Crossed, at)
}

// Depth implements exchange.Outgoing.
func (o outgoing) Depth(ctx context.Context) (d exchange.Depth, err error) {
	err = o.s.db.View(ctx, func(ctx context.Context, q database.Querier) error {
		var waits, sent int64
		err := errors.Join(
			q.QueryRow(ctx, "SELECT count(*), coalesce(min(at), 0) FROM parcel WHERE state = 0").Scan(&d.Waiting, &waits),
			q.QueryRow(ctx, "SELECT count(*) FROM envelope").Scan(&d.Unacked),
			q.QueryRow(ctx, `SELECT coalesce(min(at), 0) FROM parcel WHERE id =
				(SELECT parcel FROM envelope ORDER BY epoch, seq LIMIT 1)`).Scan(&sent))
		if waits == 0 || sent > 0 && sent < waits {
			waits = sent
		}
		if waits > 0 {
			d.Oldest = moment(waits)
		}
		return err
	})
	return d, wrap("read depth of lane", err)
}
