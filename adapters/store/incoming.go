package store

import (
	"bytes"
	"context"
	"errors"
	"strings"

	"gatehouse/adapters"
	"gatehouse/configs/database"
	"gatehouse/exchange"
)

// maxLook is how many arrivals past the first gap are looked at for more gaps.
const maxLook = 4096

// Incoming is the up lane's receiving end.
func (s *Store) Incoming() exchange.Incoming { return incoming{s} }

type incoming struct{ s *Store }

// Keep stores an arrival; false: it was there already.
func (i incoming) Keep(ctx context.Context, a exchange.Arrival) (fresh bool, err error) {
	err = i.s.write(ctx, "keep arrival", func(ctx context.Context, tx *database.Tx) error {
		e, err := lane(ctx, tx, upLane)
		if err != nil {
			return err
		}
		if int64(a.Origin.Epoch) < e.origin.epoch {
			return exchange.ErrReplay
		}
		digest, err := one(ctx, tx, raw, `SELECT origin_digest FROM incoming WHERE origin_epoch = $1 AND origin_seq = $2`,
			int64(a.Origin.Epoch), int64(a.Origin.Seq))
		if fresh = errors.Is(err, adapters.ErrNotFound); !fresh {
			if err == nil && !bytes.Equal(digest, a.Origin.Digest[:]) {
				return exchange.ErrReplay
			}
			return err
		}
		if err := follows(ctx, tx, a); err != nil {
			return err
		}
		if err := keepArrival(ctx, tx, a); err != nil {
			return err
		}
		return advance(ctx, tx, e, a)
	})
	return fresh && err == nil, err
}

func raw(r row) (b []byte, err error) { return b, r.Scan(&b) }

// follows holds an arrival against its neighbours on this hop.
func follows(ctx context.Context, tx *database.Tx, a exchange.Arrival) error {
	if a.Head.Seq == 1 && a.Prev != [32]byte{} {
		return exchange.ErrChain
	}
	near, err := list(ctx, tx, func(r row) (n exchange.Arrival, err error) {
		var digest, prev []byte
		err = r.Scan(&n.Head.Seq, &digest, &prev)
		copy(n.Head.Digest[:], digest)
		copy(n.Prev[:], prev)
		return n, err
	}, `SELECT seq, digest, prev FROM incoming WHERE epoch = $1 AND seq BETWEEN $2 AND $3`,
		int64(a.Head.Epoch), int64(a.Head.Seq)-1, int64(a.Head.Seq)+1)
	if err != nil {
		return err
	}
	for _, n := range near {
		switch {
		case n.Head.Seq == a.Head.Seq:
			return exchange.ErrReplay
		case n.Head.Seq < a.Head.Seq && n.Head.Digest != a.Prev, n.Head.Seq > a.Head.Seq && n.Prev != a.Head.Digest:
			return exchange.ErrChain
		}
	}
	return nil
}

func keepArrival(ctx context.Context, tx *database.Tx, a exchange.Arrival) error {
	again, err := repeated(ctx, tx, a)
	if err != nil {
		return err
	}
	if again {
		a.Parcel.Content = nil
	}
	_, err = tx.Exec(ctx, `INSERT INTO incoming (epoch, seq, digest, prev, origin_epoch, origin_seq, origin_digest,
		parcel, kind, content, created, refused, falls, handled, replaced) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`,
		int64(a.Head.Epoch), int64(a.Head.Seq), a.Head.Digest[:], a.Prev[:], int64(a.Origin.Epoch), int64(a.Origin.Seq),
		a.Origin.Digest[:], a.Parcel.ID, string(a.Parcel.Kind), nonNil(a.Parcel.Content), micros(a.Parcel.Created),
		int64(a.Refused), a.Of, truth(again), replacedText(a.Replaced))
	return err
}

// replacedText is empty for what was not rebuilt.
func replacedText(r exchange.Replaced) string {
	if r == (exchange.Replaced{}) {
		return ""
	}
	return strings.Join([]string{r.From, r.To, r.Filter}, " ")
}

func nonNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// advance moves the marks up to the first gap: on this hop, and in the origin's numbers. A later epoch begins anew.
func advance(ctx context.Context, tx *database.Tx, e end, a exchange.Arrival) error {
	if a.Head.Epoch > e.head.Epoch {
		e.head = exchange.Head{Epoch: a.Head.Epoch}
	}
	if a.Origin.Seq == 1 && a.Head.Seq-1 > e.head.Seq {
		// An epoch of the origin begins: what is missing before it on this hop is of the one before, and never comes.
		e.head.Seq, e.head.Digest = a.Head.Seq-1, a.Prev
	}
	if int64(a.Origin.Epoch) > e.origin.epoch {
		e.origin.epoch, e.origin.seq = int64(a.Origin.Epoch), 0
	}
	err := walk(ctx, tx, `SELECT epoch, seq, digest FROM incoming WHERE epoch = $1 AND seq = $2`, e.head, func(h exchange.Head) error {
		e.head = h
		return nil
	})
	if err != nil {
		return err
	}
	origin := exchange.Head{Epoch: uint32(e.origin.epoch), Seq: uint64(e.origin.seq)}
	err = walk(ctx, tx, `SELECT origin_epoch, origin_seq, origin_digest FROM incoming WHERE origin_epoch = $1 AND origin_seq = $2`, origin, func(h exchange.Head) error {
		e.origin.seq = int64(h.Seq)
		return tx.Send(ctx, `UPDATE incoming SET whole = 1 WHERE origin_epoch = $1 AND origin_seq = $2`, e.origin.epoch, e.origin.seq)
	})
	if err != nil {
		return err
	}
	return tx.Send(ctx, `UPDATE lanes SET epoch = $1, seq = $2, digest = $3, origin_epoch = $4, origin_seq = $5 WHERE name = 'up'`,
		int64(e.head.Epoch), int64(e.head.Seq), e.head.Digest[:], e.origin.epoch, e.origin.seq)
}

// walk calls each for what follows from, one number after the other, up to the first that is not there.
func walk(ctx context.Context, tx *database.Tx, query string, from exchange.Head, each func(exchange.Head) error) error {
	for {
		h, err := one(ctx, tx, scanHead, query, int64(from.Epoch), int64(from.Seq)+1)
		if errors.Is(err, adapters.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := each(h); err != nil {
			return err
		}
		from = h
	}
}

func scanHead(r row) (h exchange.Head, err error) {
	var digest []byte
	err = r.Scan(&h.Epoch, &h.Seq, &digest)
	copy(h.Digest[:], digest)
	return h, err
}

// Heard tells what arrived and what is missing, in the origin's numbers.
func (i incoming) Heard(ctx context.Context) (h exchange.Heard, err error) {
	err = i.s.db.View(ctx, func(ctx context.Context, q database.Querier) error {
		e, err := lane(ctx, q, upLane)
		if err != nil {
			return err
		}
		h = exchange.Heard{Epoch: uint32(e.origin.epoch), Contiguous: uint64(e.origin.seq), Last: e.head}
		beyond, err := list(ctx, q, number, `SELECT origin_seq FROM incoming
			WHERE origin_epoch = $1 AND origin_seq > $2 ORDER BY origin_seq LIMIT $3`, e.origin.epoch, e.origin.seq, maxLook)
		if err != nil {
			return err
		}
		h.Missing, h.Highest = gaps(h.Contiguous, beyond), h.Contiguous
		if n := len(beyond); n > 0 {
			h.Highest = uint64(beyond[n-1])
		}
		h.Refused, err = list(ctx, q, func(r row) (x exchange.Refusal, err error) { return x, r.Scan(&x.Seq, &x.Reason) },
			`SELECT origin_seq, refused FROM incoming WHERE origin_epoch = $1 AND refused > 0
			AND told = 0 ORDER BY origin_seq LIMIT $2`, e.origin.epoch, exchange.MaxRefused+1)
		return err
	})
	return h, wrap("read what arrived", err)
}

// gaps gives the ranges between what arrived beyond the contiguous mark, lowest first.
func gaps(mark uint64, beyond []int64) []exchange.Range {
	var out []exchange.Range
	for _, n := range beyond {
		if uint64(n) > mark+1 && len(out) < exchange.MaxMissing {
			out = append(out, exchange.Range{From: mark + 1, To: uint64(n) - 1})
		}
		mark = uint64(n)
	}
	return out
}

// Told takes the refusals that an Ack tells out of the next ones.
func (i incoming) Told(ctx context.Context, a exchange.Ack) error {
	if len(a.Refused) == 0 {
		return nil
	}
	return i.s.write(ctx, "mark refusals told", func(ctx context.Context, tx *database.Tx) error {
		for _, r := range a.Refused {
			err := tx.Send(ctx, `UPDATE incoming SET told = 1 WHERE origin_epoch = $1 AND origin_seq = $2`, int64(a.Epoch), int64(r.Seq))
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// Next gives arrivals that are not handled yet, in the origin's order and never past a gap.
func (i incoming) Next(ctx context.Context, n int) ([]exchange.Arrival, error) {
	a, err := list(ctx, i.s.db.Read(), scanArrival, `SELECT epoch, seq, digest, prev, origin_epoch, origin_seq,
		origin_digest, parcel, kind, content, created, refused, falls, replaced FROM incoming
		WHERE whole = 1 AND handled = 0 ORDER BY origin_epoch, origin_seq LIMIT $1`, n)
	return a, wrap("read arrivals", err)
}

func scanArrival(r row) (a exchange.Arrival, err error) {
	var digest, prev, origin []byte
	var created int64
	var replaced string
	err = r.Scan(&a.Head.Epoch, &a.Head.Seq, &digest, &prev, &a.Origin.Epoch, &a.Origin.Seq, &origin,
		&a.Parcel.ID, &a.Parcel.Kind, &a.Parcel.Content, &created, &a.Refused, &a.Of, &replaced)
	copy(a.Head.Digest[:], digest)
	copy(a.Prev[:], prev)
	copy(a.Origin.Digest[:], origin)
	a.Parcel.Created = fromMicros(created)
	if words := strings.Fields(replaced); len(words) == 3 {
		a.Replaced = exchange.Replaced{From: words[0], To: words[1], Filter: words[2]}
	}
	return a, err
}

// Kept gives arrivals after a number of the origin, without their content.
func (i incoming) Kept(ctx context.Context, epoch uint32, seq uint64, n int) ([]exchange.Arrival, error) {
	all, err := list(ctx, i.s.db.Read(), scanArrival, `SELECT epoch, seq, digest, prev, origin_epoch, origin_seq,
		origin_digest, parcel, kind, $1, created, refused, falls, replaced FROM incoming
		WHERE (origin_epoch, origin_seq) > ($2, $3) AND whole = 1 ORDER BY origin_epoch, origin_seq LIMIT $4`, []byte{}, int64(epoch), int64(seq), n)
	for i := range all {
		all[i].Parcel.Content = nil
	}
	return all, wrap("read what was kept", err)
}

// Handled marks arrivals that cause nothing in the store.
func (i incoming) Handled(ctx context.Context, seqs []uint64) error {
	return i.s.write(ctx, "mark arrivals", func(ctx context.Context, tx *database.Tx) error {
		for _, seq := range seqs {
			if err := handled(ctx, tx, seq); err != nil {
				return err
			}
		}
		return nil
	})
}

// handled marks the oldest open arrival with that number. Its bytes go; number and digest stay, to know a replay.
func handled(ctx context.Context, tx *database.Tx, seq uint64) error {
	_, err := tx.Exec(ctx, `UPDATE incoming SET handled = 1, content = $1 WHERE seq = $2 AND handled = 0
		AND epoch = (SELECT MIN(epoch) FROM incoming WHERE seq = $2 AND handled = 0)`, []byte{}, int64(seq))
	return err
}
