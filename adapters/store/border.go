package store

import (
	"context"

	"gatehouse/adapters"
	"gatehouse/configs/database"
)

// Border tells how the lanes stand.
func (s *Store) Border(ctx context.Context) (b adapters.Border, err error) {
	if b.Heard, err = s.Incoming().Heard(ctx); err != nil {
		return b, err
	}
	err = s.db.View(ctx, func(ctx context.Context, q database.Querier) error {
		e, err := lane(ctx, q, downLane)
		if err != nil {
			return err
		}
		b.Head, b.Acked = e.head, fromMicros(e.acked)
		if b.Waiting, err = one(ctx, q, number, `SELECT COUNT(*) FROM outgoing WHERE seq = 0`); err != nil {
			return err
		}
		var oldest int64
		err = q.QueryRow(ctx, `SELECT COUNT(*), COALESCE(MIN(created), 0) FROM outgoing WHERE seq > 0 AND done = 0`).Scan(&b.Unacked, &oldest)
		if err != nil {
			return err
		}
		b.Oldest = fromMicros(oldest)
		b.Refused, err = list(ctx, q, scanRefused,
			`SELECT id, kind, refused, created FROM outgoing WHERE refused > 0 ORDER BY ord DESC LIMIT 50`)
		return err
	})
	return b, wrap("read border", err)
}

func scanRefused(r row) (p adapters.RefusedParcel, err error) {
	var at int64
	err = r.Scan(&p.Parcel, &p.Kind, &p.Reason, &at)
	p.At = fromMicros(at)
	return p, err
}

// Counts are the sums that metrics and tests read.
func (s *Store) Counts(ctx context.Context) (c adapters.Counts, err error) {
	now := micros(s.now())
	for _, v := range []struct {
		into  *int64
		query string
		args  []any
	}{
		{&c.Errands, `SELECT COUNT(*) FROM errands WHERE state IN ('parts', 'ready')`, nil},
		{&c.Stuck, `SELECT COUNT(*) FROM errands WHERE state = 'ready' AND attempts > 1`, nil},
		{&c.Open, `SELECT COUNT(*) FROM records WHERE state <> 'decided'`, nil},
		{&c.Late, `SELECT COUNT(*) FROM records WHERE state <> 'decided' AND due < $1`, []any{now}},
		{&c.Unclaimed, `SELECT COUNT(*) FROM records WHERE state <> 'decided' AND assignee = ''`, nil},
		{&c.Holding, `SELECT COUNT(*) FROM held WHERE state IN ('second', 'leaving')`, nil},
		{&c.ToReview, `SELECT COUNT(*) FROM held WHERE review = 'due' AND state = 'left'`, nil},
		{&c.Overdue, `SELECT COUNT(*) FROM held WHERE review = 'due' AND state = 'left' AND review_due < $1`, []any{now}},
		{&c.DownWaiting, `SELECT COUNT(*) FROM outgoing WHERE seq = 0`, nil},
		{&c.DownUnacked, `SELECT COUNT(*) FROM outgoing WHERE seq > 0 AND done = 0`, nil},
		{&c.Proposed, `SELECT COUNT(*) FROM drafts WHERE state = 'proposed'`, nil},
		{&c.Reads, `SELECT COUNT(*) FROM looks`, nil},
		{&c.Backdated, `SELECT COUNT(*) FROM stamps WHERE alarm > 0`, nil},
	} {
		if *v.into, err = one(ctx, s.db.Read(), number, v.query, v.args...); err != nil {
			return c, wrap("count", err)
		}
	}
	return c, nil
}
