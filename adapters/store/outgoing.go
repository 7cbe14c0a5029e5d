package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"gatehouse/adapters"
	"gatehouse/configs/database"
	"gatehouse/exchange"
)

// Names of the lanes in the table of their ends.
const (
	downLane = "down"
	upLane   = "up"
)

// post puts parcels into the down lane, in order, and keeps a copy of what was released; one that is known is there
// already.
func (s *Store) post(ctx context.Context, tx *database.Tx, parcels ...exchange.Parcel) error {
	for _, p := range parcels {
		_, err := tx.Exec(ctx, `INSERT INTO outgoing (ord, id, kind, content, created)
			VALUES ((SELECT COALESCE(MAX(ord), 0) + 1 FROM outgoing), $1, $2, $3, $4) ON CONFLICT (id) DO NOTHING`,
			p.ID, string(p.Kind), p.Content, micros(p.Created))
		if err != nil {
			return fmt.Errorf("post %s: %w", p.Kind, err)
		}
		if err := s.keepCopy(ctx, tx, p); err != nil {
			return fmt.Errorf("copy %s: %w", p.Kind, err)
		}
	}
	return nil
}

// clearSettled takes the content of what is settled up to a number out of the lane: its copy is sealed elsewhere.
func clearSettled(ctx context.Context, tx *database.Tx, epoch, from, upTo int64) error {
	return tx.Send(ctx, `UPDATE outgoing SET content = $1 WHERE epoch = $2 AND seq > $3 AND seq <= $4 AND done = 1`, []byte{}, epoch, from, upTo)
}

// Outgoing is the down lane's sending end.
func (s *Store) Outgoing() exchange.Outgoing { return outgoing{s} }

type outgoing struct{ s *Store }

// end is one end of a lane.
type end struct {
	owner  string
	until  int64
	fence  int64
	head   exchange.Head
	origin struct{ epoch, seq int64 }
	acked  int64
}

func lane(ctx context.Context, q database.Querier, name string) (end, error) {
	return one(ctx, q, scanEnd, `SELECT owner, until, fence, epoch, seq, digest, origin_epoch, origin_seq, acked
		FROM lanes WHERE name = $1`, name)
}

func scanEnd(r row) (e end, err error) {
	var digest []byte
	err = r.Scan(&e.owner, &e.until, &e.fence, &e.head.Epoch, &e.head.Seq, &digest, &e.origin.epoch, &e.origin.seq, &e.acked)
	copy(e.head.Digest[:], digest)
	return e, err
}

// Seize takes the sealing of the lane, or renews it.
func (o outgoing) Seize(ctx context.Context, owner string, ttl time.Duration) (fence uint64, head exchange.Head, ok bool, err error) {
	err = o.s.write(ctx, "seize lane", func(ctx context.Context, tx *database.Tx) error {
		e, err := lane(ctx, tx, downLane)
		if err != nil {
			return err
		}
		now := o.s.now()
		if ok = e.owner == owner || e.until <= micros(now); !ok {
			return nil
		}
		if e.owner != owner {
			e.fence++
		}
		fence, head = uint64(e.fence), e.head
		return tx.Send(ctx, `UPDATE lanes SET owner = $1, until = $2, fence = $3 WHERE name = $4`,
			owner, micros(now.Add(ttl)), e.fence, downLane)
	})
	return fence, head, ok && err == nil, err
}

// Waiting gives parcels without a number, in the order in which they were committed.
func (o outgoing) Waiting(ctx context.Context, n int) ([]exchange.Parcel, error) {
	p, err := list(ctx, o.s.db.Read(), func(r row) (p exchange.Parcel, err error) {
		var created int64
		err = r.Scan(&p.ID, &p.Kind, &p.Content, &created)
		p.Created = fromMicros(created)
		return p, err
	}, `SELECT id, kind, content, created FROM outgoing WHERE seq = 0 ORDER BY ord LIMIT $1`, n)
	return p, wrap("read waiting parcels", err)
}

// Enqueue adds a parcel of the lane itself, replacing a waiting one of the same kind.
func (o outgoing) Enqueue(ctx context.Context, p exchange.Parcel) error {
	return o.s.write(ctx, "enqueue", func(ctx context.Context, tx *database.Tx) error {
		if err := tx.Send(ctx, `DELETE FROM outgoing WHERE kind = $1 AND seq = 0`, string(p.Kind)); err != nil {
			return err
		}
		return o.s.post(ctx, tx, p)
	})
}

// Number stores sealed envelopes that follow from, and moves the head.
func (o outgoing) Number(ctx context.Context, fence uint64, from exchange.Head, batch []exchange.Numbered) error {
	return o.s.write(ctx, "number envelopes", func(ctx context.Context, tx *database.Tx) error {
		e, err := lane(ctx, tx, downLane)
		if err != nil {
			return err
		}
		if uint64(e.fence) != fence || e.head != from {
			return exchange.ErrFenced
		}
		for _, b := range batch {
			n, err := tx.Exec(ctx, `UPDATE outgoing SET epoch = $1, seq = $2, digest = $3, sealed = $4, again = 0
				WHERE id = $5 AND seq = 0`, int64(b.Head.Epoch), int64(b.Head.Seq), b.Head.Digest[:], b.Bytes, b.Parcel)
			if err != nil {
				return err
			}
			if n != 1 { // replaced or numbered meanwhile
				return exchange.ErrFenced
			}
			from = b.Head
		}
		return tx.Send(ctx, `UPDATE lanes SET epoch = $1, seq = $2, digest = $3 WHERE name = $4`,
			int64(from.Epoch), int64(from.Seq), from.Digest[:], downLane)
	})
}

// Due gives numbered envelopes that are to be sent now, lowest number first.
func (o outgoing) Due(ctx context.Context, now time.Time, n int) ([]exchange.Numbered, error) {
	b, err := list(ctx, o.s.db.Read(), func(r row) (b exchange.Numbered, err error) {
		var digest []byte
		err = r.Scan(&b.Parcel, &b.Head.Epoch, &b.Head.Seq, &digest, &b.Bytes)
		copy(b.Head.Digest[:], digest)
		return b, err
	}, `SELECT id, epoch, seq, digest, sealed FROM outgoing
		WHERE seq > 0 AND done = 0 AND again <= $1 ORDER BY epoch, seq LIMIT $2`, micros(now), n)
	return b, wrap("read due envelopes", err)
}

// Sent puts the next attempt of each sequence number off.
func (o outgoing) Sent(ctx context.Context, seqs []uint64, again time.Time) error {
	return o.s.write(ctx, "put envelopes off", func(ctx context.Context, tx *database.Tx) error {
		for _, seq := range seqs {
			err := tx.Send(ctx, `UPDATE outgoing SET again = $1 WHERE seq = $2 AND done = 0
				AND epoch = (SELECT epoch FROM lanes WHERE name = 'down')`, micros(again), int64(seq))
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// Settle applies an Ack. What left stays in its sealed copy; here only number and digest remain.
func (o outgoing) Settle(ctx context.Context, a exchange.Ack) error {
	return o.s.write(ctx, "settle ack", func(ctx context.Context, tx *database.Tx) error {
		e, err := lane(ctx, tx, downLane)
		if err != nil {
			return err
		}
		if a.Epoch > e.head.Epoch || a.Epoch == e.head.Epoch && a.Contiguous > e.head.Seq {
			return exchange.ErrAhead
		}
		epoch, upTo := int64(a.Epoch), int64(a.Contiguous)
		if a.Epoch < e.head.Epoch || epoch < e.origin.epoch || epoch == e.origin.epoch && upTo < e.origin.seq {
			return nil
		}
		for _, r := range a.Refused {
			err := tx.Send(ctx, `UPDATE outgoing SET refused = $1, done = 1, sealed = NULL
				WHERE epoch = $2 AND seq = $3 AND done = 0`, int64(r.Reason), epoch, int64(r.Seq))
			if err != nil {
				return err
			}
		}
		err = tx.Send(ctx, `UPDATE outgoing SET done = 1, sealed = NULL
			WHERE epoch = $1 AND seq > $2 AND seq <= $3 AND done = 0`, epoch, floor(e, epoch), upTo)
		if err != nil {
			return err
		}
		if err := clearSettled(ctx, tx, epoch, floor(e, epoch), upTo); err != nil {
			return err
		}
		for _, m := range a.Missing {
			err := tx.Send(ctx, `UPDATE outgoing SET again = 0 WHERE epoch = $1 AND seq >= $2 AND seq <= $3 AND done = 0`,
				epoch, int64(m.From), int64(m.To))
			if err != nil {
				return err
			}
		}
		return tx.Send(ctx, `UPDATE lanes SET origin_epoch = $1, origin_seq = $2, acked = $3 WHERE name = 'down'`,
			epoch, upTo, micros(o.s.now()))
	})
}

// floor is up to where everything of the epoch is settled already.
func floor(e end, epoch int64) int64 {
	if e.origin.epoch == epoch {
		return e.origin.seq
	}
	return 0
}

// Document gives the document that left with a notice, put together from the very parts that left.
func (s *Store) Document(ctx context.Context, notice string) (exchange.FileRef, []byte, error) {
	n, err := left[exchange.Notice](ctx, s, exchange.KindNotice, notice)
	if err == nil && len(n.Document) == 0 {
		err = adapters.ErrNotFound
	}
	if err != nil {
		return exchange.FileRef{}, nil, wrap("read document", err)
	}
	f := n.Document[0]
	var b []byte
	for i := 1; int64(len(b)) < f.Size; i++ {
		p, err := left[exchange.Part](ctx, s, exchange.KindPart, fmt.Sprintf("%s.%d", notice, i))
		if err != nil {
			return f, nil, wrap("read document", err)
		}
		b = append(b, p.Bytes...)
	}
	if sum := sha256.Sum256(b); hex.EncodeToString(sum[:]) != f.SHA256 {
		return f, nil, fmt.Errorf("read document of %s: %w", notice, adapters.ErrAltered)
	}
	return f, b, nil
}

// left decodes what was put into the down lane under an id, also after it was settled.
func left[D exchange.Document](ctx context.Context, s *Store, kind exchange.Kind, id string) (d D, err error) {
	b, err := s.leftContent(ctx, s.db.Read(), id)
	if err != nil {
		return d, err
	}
	doc, err := exchange.Decode(kind, b)
	if err != nil {
		return d, err
	}
	return doc.(D), nil
}

// Depth tells how much has not crossed yet.
func (o outgoing) Depth(ctx context.Context) (d exchange.Depth, err error) {
	err = o.s.db.View(ctx, func(ctx context.Context, q database.Querier) error {
		var waits, sent int64
		err := errors.Join(
			q.QueryRow(ctx, `SELECT COUNT(*), COALESCE(MIN(created), 0) FROM outgoing WHERE seq = 0`).Scan(&d.Waiting, &waits),
			q.QueryRow(ctx, `SELECT COUNT(*), COALESCE(MIN(created), 0) FROM outgoing WHERE seq > 0 AND done = 0`).Scan(&d.Unacked, &sent))
		if waits == 0 || sent > 0 && sent < waits {
			waits = sent
		}
		d.Oldest = fromMicros(waits)
		return err
	})
	return d, wrap("read depth of lane", err)
}
