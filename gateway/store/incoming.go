package store

import (
	"context"
	"errors"
	"fmt"

	"gatehouse/configs/database"
	"gatehouse/exchange"
)

// maxLook is how many arrivals past the first gap are looked at for more gaps.
const maxLook = 4096

// Incoming is the down lane's receiving end.
func (s *Store) Incoming() exchange.Incoming { return incoming{s} }

type incoming struct{ s *Store }

func (i incoming) write(ctx context.Context, tried string, job func(ctx context.Context, tx *database.Tx) error) error {
	return wrap(tried, i.s.db.WriteWait(ctx, job))
}

// Keep implements exchange.Incoming.
func (i incoming) Keep(ctx context.Context, a exchange.Arrival) (fresh bool, err error) {
	body := i.s.vault.Root().Seal("arrival", arrivalRow(a.Origin), a.Parcel.Content)
	err = i.write(ctx, "keep arrival", func(ctx context.Context, tx *database.Tx) error {
		e, err := lane(ctx, tx, downLane)
		if err != nil {
			return err
		}
		if int64(a.Origin.Epoch) < e.whole.epoch {
			return exchange.ErrReplay
		}
		if fresh, err = unknown(ctx, tx, a.Origin); err != nil || !fresh {
			return err
		}
		if err := follows(ctx, tx, a); err != nil {
			return err
		}
		if err := keepArrival(ctx, tx, a, body); err != nil {
			return err
		}
		return extend(ctx, tx, e, a)
	})
	return fresh && err == nil, err
}

func arrivalRow(origin exchange.Head) string { return fmt.Sprintf("%d/%d", origin.Epoch, origin.Seq) }

// unknown tells whether the origin's number is new. exchange.ErrReplay when it is known with another digest.
func unknown(ctx context.Context, tx *database.Tx, origin exchange.Head) (fresh bool, err error) {
	fresh = true
	err = each(tx.Query(ctx, "SELECT origin_digest FROM arrival WHERE origin_epoch = $1 AND origin_seq = $2", int64(origin.Epoch), int64(origin.Seq)))(
		func(scan scanner) error {
			var d []byte
			fresh = false
			if err := scan(&d); err != nil {
				return err
			}
			if digest(d) != origin.Digest {
				return exchange.ErrReplay
			}
			return nil
		})
	return fresh, err
}

// follows holds an arrival against its neighbours on this hop.
func follows(ctx context.Context, tx *database.Tx, a exchange.Arrival) error {
	if a.Head.Seq == 1 && a.Prev != [32]byte{} {
		return exchange.ErrChain
	}
	return each(tx.Query(ctx, "SELECT seq, digest, prev FROM arrival WHERE epoch = $1 AND seq BETWEEN $2 AND $3",
		int64(a.Head.Epoch), int64(a.Head.Seq)-1, int64(a.Head.Seq)+1))(func(scan scanner) error {
		var seq uint64
		var own, prev []byte
		if err := scan(&seq, &own, &prev); err != nil {
			return err
		}
		switch {
		case seq == a.Head.Seq:
			return exchange.ErrReplay
		case seq < a.Head.Seq && digest(own) != a.Prev, seq > a.Head.Seq && digest(prev) != a.Head.Digest:
			return exchange.ErrChain
		}
		return nil
	})
}

func keepArrival(ctx context.Context, tx *database.Tx, a exchange.Arrival, body []byte) error {
	state := 0
	again, err := repeated(ctx, tx, a)
	if err != nil {
		return err
	}
	if again {
		state, body = 2, nil
	}
	return tx.Send(ctx, `INSERT INTO arrival(epoch, seq, digest, prev, origin_epoch, origin_seq, origin_digest, id, kind, reason, falls, told, at, state, body)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0, $12, $13, $14)`,
		int64(a.Head.Epoch), int64(a.Head.Seq), a.Head.Digest[:], a.Prev[:], int64(a.Origin.Epoch), int64(a.Origin.Seq), a.Origin.Digest[:],
		a.Parcel.ID, string(a.Parcel.Kind), int64(a.Refused), a.Of, micros(a.Parcel.Created), state, nullable(body))
}

// extend moves the ends up to the first gap: on this hop, and in the origin's numbers. A later epoch begins anew.
func extend(ctx context.Context, tx *database.Tx, e end, a exchange.Arrival) error {
	if a.Head.Epoch > e.head.Epoch {
		e.head = exchange.Head{Epoch: a.Head.Epoch}
	}
	if a.Origin.Seq == 1 && a.Head.Seq-1 > e.head.Seq {
		// An epoch of the origin begins: what is missing before it on this hop is of the one before, and never comes.
		e.head.Seq, e.head.Digest = a.Head.Seq-1, a.Prev
	}
	if int64(a.Origin.Epoch) > e.whole.epoch {
		e.whole.epoch, e.whole.seq = int64(a.Origin.Epoch), 0
	}
	err := walk(ctx, tx, "SELECT seq, digest FROM arrival WHERE epoch = $1 AND seq > $2 ORDER BY seq LIMIT $3", int64(e.head.Epoch), int64(e.head.Seq),
		func(seq int64, d []byte) { e.head.Seq, e.head.Digest = uint64(seq), digest(d) })
	if err != nil {
		return err
	}
	from := e.whole.seq
	err = walk(ctx, tx, "SELECT origin_seq, origin_digest FROM arrival WHERE origin_epoch = $1 AND origin_seq > $2 ORDER BY origin_seq LIMIT $3",
		e.whole.epoch, e.whole.seq, func(seq int64, _ []byte) { e.whole.seq = seq })
	if err != nil {
		return err
	}
	err = tx.Send(ctx, "UPDATE arrival SET state = 1 WHERE origin_epoch = $1 AND origin_seq > $2 AND origin_seq <= $3 AND state = 0",
		e.whole.epoch, from, e.whole.seq)
	if err != nil {
		return err
	}
	return putLane(ctx, tx, downLane, e)
}

// walk calls step for each number that follows from without a gap.
func walk(ctx context.Context, tx *database.Tx, query string, epoch, from int64, step func(seq int64, digest []byte)) error {
	const page = 64
	for n := page; n == page; {
		n = 0
		err := each(tx.Query(ctx, query, epoch, from, page))(func(scan scanner) error {
			var seq int64
			var d []byte
			if err := scan(&seq, &d); err != nil {
				return err
			}
			if seq == from+1 {
				from = seq
				n++
				step(seq, d)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Heard implements exchange.Incoming.
func (i incoming) Heard(ctx context.Context) (h exchange.Heard, err error) {
	err = i.s.db.View(ctx, func(ctx context.Context, q database.Querier) error {
		e, err := lane(ctx, q, downLane)
		if err != nil {
			return err
		}
		h = exchange.Heard{Epoch: uint32(e.whole.epoch), Contiguous: uint64(e.whole.seq), Last: e.head}
		mark := h.Contiguous
		h.Highest = mark
		err = each(q.Query(ctx, "SELECT origin_seq FROM arrival WHERE origin_epoch = $1 AND origin_seq > $2 ORDER BY origin_seq LIMIT $3",
			e.whole.epoch, e.whole.seq, maxLook))(func(scan scanner) error {
			var seq uint64
			err := scan(&seq)
			if seq > mark+1 && len(h.Missing) < exchange.MaxMissing {
				h.Missing = append(h.Missing, exchange.Range{From: mark + 1, To: seq - 1})
			}
			mark, h.Highest = seq, seq
			return err
		})
		if err != nil {
			return err
		}
		return each(q.Query(ctx, "SELECT origin_seq, reason FROM arrival WHERE origin_epoch = $1 AND reason > 0 AND told = 0 ORDER BY origin_seq LIMIT $2",
			e.whole.epoch, exchange.MaxRefused+1))(func(scan scanner) error {
			var r exchange.Refusal
			err := scan(&r.Seq, &r.Reason)
			h.Refused = append(h.Refused, r)
			return err
		})
	})
	return h, wrap("read what arrived", err)
}

// Told implements exchange.Incoming.
func (i incoming) Told(ctx context.Context, a exchange.Ack) error {
	if len(a.Refused) == 0 {
		return nil
	}
	return i.write(ctx, "mark refusals told", func(ctx context.Context, tx *database.Tx) error {
		for _, r := range a.Refused {
			if err := tx.Send(ctx, "UPDATE arrival SET told = 1 WHERE origin_epoch = $1 AND origin_seq = $2", int64(a.Epoch), int64(r.Seq)); err != nil {
				return err
			}
		}
		return nil
	})
}

// Next implements exchange.Incoming.
func (i incoming) Next(ctx context.Context, n int) ([]exchange.Arrival, error) {
	var out []exchange.Arrival
	var sealed [][]byte
	size := 0
	err := each(i.s.db.Read().Query(ctx, `SELECT epoch, seq, digest, prev, origin_epoch, origin_seq, origin_digest, id, kind, reason, falls, at, body
		FROM arrival WHERE state = 1 ORDER BY origin_epoch, origin_seq LIMIT $1`, n))(func(scan scanner) error {
		if size > maxHanded {
			return nil
		}
		var a exchange.Arrival
		var own, prev, origin, body []byte
		var at int64
		err := scan(&a.Head.Epoch, &a.Head.Seq, &own, &prev, &a.Origin.Epoch, &a.Origin.Seq, &origin, &a.Parcel.ID, &a.Parcel.Kind,
			&a.Refused, &a.Of, &at, &body)
		a.Head.Digest, a.Prev, a.Origin.Digest, a.Parcel.Created = digest(own), digest(prev), digest(origin), moment(at)
		size += len(body)
		out, sealed = append(out, a), append(sealed, body)
		return err
	})
	for n := range out {
		content, open := i.s.vault.Root().Open("arrival", arrivalRow(out[n].Origin), sealed[n])
		if err = errors.Join(err, open); len(content) > 0 {
			out[n].Parcel.Content = content
		}
	}
	if err != nil {
		return nil, wrap("read arrivals", err)
	}
	return out, nil
}

// Kept implements exchange.Incoming.
func (i incoming) Kept(ctx context.Context, epoch uint32, seq uint64, n int) ([]exchange.Arrival, error) {
	var out []exchange.Arrival
	err := each(i.s.db.Read().Query(ctx, `SELECT epoch, seq, digest, prev, origin_epoch, origin_seq, origin_digest, id, kind, reason, falls, at
		FROM arrival WHERE (origin_epoch, origin_seq) > ($1, $2) AND state > 0 ORDER BY origin_epoch, origin_seq LIMIT $3`, int64(epoch), int64(seq), n))(
		func(scan scanner) error {
			var a exchange.Arrival
			var own, prev, origin []byte
			var at int64
			err := scan(&a.Head.Epoch, &a.Head.Seq, &own, &prev, &a.Origin.Epoch, &a.Origin.Seq, &origin, &a.Parcel.ID, &a.Parcel.Kind,
				&a.Refused, &a.Of, &at)
			a.Head.Digest, a.Prev, a.Origin.Digest, a.Parcel.Created = digest(own), digest(prev), digest(origin), moment(at)
			out = append(out, a)
			return err
		})
	return out, wrap("read what was kept", err)
}

// Handled implements exchange.Incoming.
func (i incoming) Handled(ctx context.Context, seqs []uint64) error {
	return i.write(ctx, "mark arrivals", func(ctx context.Context, tx *database.Tx) error {
		for _, seq := range seqs {
			if err := i.s.handled(ctx, tx, seq); err != nil {
				return err
			}
		}
		return nil
	})
}

// openArrival tells whether an arrival with that number of this hop is still to be handled.
func openArrival(ctx context.Context, tx *database.Tx, seq uint64) (open bool, err error) {
	var n int
	err = tx.QueryRow(ctx, "SELECT count(*) FROM arrival WHERE seq = $1 AND state = 1", int64(seq)).Scan(&n)
	return n > 0, wrap("read arrival", err)
}

// handled marks the oldest open arrival with that number of this hop. Its content goes; numbers and digests stay.
func (s *Store) handled(ctx context.Context, tx *database.Tx, seq uint64) error {
	return tx.Send(ctx, `UPDATE arrival SET state = 2, body = NULL WHERE seq = $1 AND state < 2
		AND epoch = (SELECT min(epoch) FROM arrival WHERE seq = $1 AND state < 2)`, int64(seq))
}

// untold tells whether a refused parcel was not told of yet.
func untold(ctx context.Context, tx *database.Tx, parcel string) (open bool, err error) {
	var n int
	err = tx.QueryRow(ctx, "SELECT count(*) FROM parcel WHERE id = $1 AND state = 3 AND told = 0", parcel).Scan(&n)
	return n > 0, wrap("read refusal", err)
}
