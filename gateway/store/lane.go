package store

import (
	"context"
	"time"

	"gatehouse/configs/database"
	"gatehouse/exchange"
)

// Names of the lanes in the table of their ends.
const (
	upLane   = string(exchange.Up)
	downLane = string(exchange.Down)
)

// end is one end of a lane.
type end struct {
	owner string
	until int64
	fence int64
	head  exchange.Head
	whole struct{ epoch, seq int64 }
}

// lane reads an end. Of a lane that never sent, the head is number 0 of epoch 1; of one that never heard, of epoch 0.
func lane(ctx context.Context, q database.Querier, name string) (e end, err error) {
	if name == upLane {
		e.head.Epoch = 1
	}
	err = each(q.Query(ctx, "SELECT owner, until, fence, epoch, seq, digest, whole_epoch, whole_seq FROM lane WHERE name = $1", name))(
		func(scan scanner) error {
			var digest []byte
			err := scan(&e.owner, &e.until, &e.fence, &e.head.Epoch, &e.head.Seq, &digest, &e.whole.epoch, &e.whole.seq)
			copy(e.head.Digest[:], digest)
			return err
		})
	return e, wrap("read end of lane", err)
}

func putLane(ctx context.Context, tx *database.Tx, name string, e end) error {
	return tx.Send(ctx, `INSERT INTO lane(name, owner, until, fence, epoch, seq, digest, whole_epoch, whole_seq) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, until = excluded.until, fence = excluded.fence, epoch = excluded.epoch,
		seq = excluded.seq, digest = excluded.digest, whole_epoch = excluded.whole_epoch, whole_seq = excluded.whole_seq`,
		name, e.owner, e.until, e.fence, int64(e.head.Epoch), int64(e.head.Seq), e.head.Digest[:], e.whole.epoch, e.whole.seq)
}

func digest(b []byte) (d [32]byte) {
	copy(d[:], b)
	return d
}

// before tells whether a moment in a table has come.
func before(us int64, now time.Time) bool { return us <= micros(now) }
