package store

import (
	"context"
	"time"

	"gatehouse/adapters"
	"gatehouse/configs/database"
)

// States of a review.
const (
	reviewDue  = "due"
	reviewDone = "done"
)

// reviewState is how a review stands in its columns.
func reviewState(h adapters.Held) (state string, due time.Time) {
	switch {
	case h.Review == nil:
		return "", time.Time{}
	case h.Review.By != "":
		return reviewDone, h.Review.Due
	}
	return reviewDue, h.Review.Due
}

// withinQuota counts what would leave without a second person; over its author's share it waits for one.
func withinQuota(ctx context.Context, tx *database.Tx, h adapters.Held) (adapters.Held, error) {
	if h.Quota == 0 || h.State != adapters.Leaving {
		return h, nil
	}
	n, err := spend(ctx, tx, h.By, h.At)
	if err == nil && n > int64(h.Quota) {
		h.State, h.Due, h.Review = adapters.AwaitsSecond, time.Time{}, nil
		h.Why = append(h.Why, adapters.WhyQuota)
		h.Release().Policy = adapters.PolicySecond
	}
	return h, err
}

// spend counts one more of who's share of a day, and gives how many there are.
func spend(ctx context.Context, tx *database.Tx, who string, at time.Time) (int64, error) {
	day := at.UTC().Format(time.DateOnly)
	if err := tx.Send(ctx, `DELETE FROM quotas WHERE day < $1`, day); err != nil {
		return 0, err
	}
	_, err := tx.Exec(ctx, `INSERT INTO quotas (day, who, n) VALUES ($1, $2, 1) ON CONFLICT (day, who) DO UPDATE SET n = quotas.n + 1`, day, who)
	if err != nil {
		return 0, err
	}
	return one(ctx, tx, number, `SELECT n FROM quotas WHERE day = $1 AND who = $2`, day, who)
}

// Spend counts one more of a template. A step that is repeated counts again.
func (s *Store) Spend(ctx context.Context, template string, limit int, now time.Time) (within bool, err error) {
	err = s.write(ctx, "count template", func(ctx context.Context, tx *database.Tx) error {
		n, err := spend(ctx, tx, "template "+template, now)
		within = n <= int64(limit)
		return err
	})
	return within && err == nil, err
}

// HoldBack stores what the gate did not let out.
func (s *Store) HoldBack(ctx context.Context, h adapters.Held) error {
	return s.write(ctx, "hold back", func(ctx context.Context, tx *database.Tx) error { return holdBack(ctx, tx, h) })
}

// maxLapse bounds how much lapses in one transaction.
const maxLapse = 100

// Lapse ends what waits for a second person since before then.
func (s *Store) Lapse(ctx context.Context, then, now time.Time, newID func() string) (n int, err error) {
	const query = `SELECT content FROM held WHERE state = 'second' AND at < $1 ORDER BY at, id LIMIT $2`
	old, err := list(ctx, s.db.Read(), content[adapters.Held], query, micros(then), maxLapse)
	if err != nil || len(old) == 0 {
		return 0, wrap("look for what lapses", err)
	}
	err = s.write(ctx, "let lapse", func(ctx context.Context, tx *database.Tx) error {
		if old, err = list(ctx, tx, content[adapters.Held], query, micros(then), maxLapse); err != nil {
			return err
		}
		for _, h := range old {
			h.State = adapters.Lapsed
			if err := settleHeld(ctx, tx, h, adapters.Entry{ID: newID(), At: now, By: adapters.ByOffice, Kind: adapters.Lapse}); err != nil {
				return err
			}
		}
		n = len(old)
		return nil
	})
	return n, err
}

// ToReview lists what left and is to be looked at again.
func (s *Store) ToReview(ctx context.Context, n int) ([]adapters.Held, error) {
	h, err := list(ctx, s.db.Read(), content[adapters.Held],
		`SELECT content FROM held WHERE review = 'due' AND state = 'left' ORDER BY review_due, id LIMIT $1`, n)
	return h, wrap("list reviews", err)
}

// Reviewed stores the second look.
func (s *Store) Reviewed(ctx context.Context, id string, r adapters.Review, e adapters.Entry) error {
	return s.write(ctx, "review", func(ctx context.Context, tx *database.Tx) error {
		h, err := held(ctx, tx, id)
		switch {
		case err != nil:
			return err
		case h.Review == nil || h.Review.By != "" || h.State != adapters.Left:
			return adapters.ErrGone
		case r.By == "" || r.By == h.By:
			return adapters.ErrSamePerson
		}
		r.Kind, r.Due = h.Review.Kind, h.Review.Due
		h.Review = &r
		if err := saveHeld(ctx, tx, h); err != nil || h.Notice == nil {
			return err
		}
		return tell(ctx, tx, h.Case, e)
	})
}

// Todo counts what waits for who: what others wrote about cases that they see, and to lists.
func (s *Store) Todo(ctx context.Context, who adapters.Staff) (t adapters.Todo, err error) {
	if t.Second, err = s.todo(ctx, who, "h.state = 'second'"); err != nil {
		return t, err
	}
	t.Reviews, err = s.todo(ctx, who, "h.state = 'left' AND h.review = 'due'")
	return t, err
}

func (s *Store) todo(ctx context.Context, who adapters.Staff, state string) (sum int64, err error) {
	if who.Has(adapters.Releaser) {
		var c clause
		c.and(state)
		c.and("h.kind <> ?", heldMessage)
		c.and("h.author <> ?", who.ID)
		c.among("r.department", who.Departments())
		if sum, err = one(ctx, s.db.Read(), number, `SELECT COUNT(*) FROM held h JOIN records r ON r.id = h.case_id`+c.where(), c.args...); err != nil {
			return 0, wrap("count what waits", err)
		}
	}
	if who.Has(adapters.Approver) {
		n, err := one(ctx, s.db.Read(), number, `SELECT COUNT(*) FROM held h WHERE `+state+` AND h.kind = $1 AND h.author <> $2`, heldMessage, who.ID)
		if err != nil {
			return 0, wrap("count what waits", err)
		}
		sum += n
	}
	return sum, nil
}
