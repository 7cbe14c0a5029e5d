package store

import (
	"context"
	"errors"
	"time"

	"gatehouse/adapters"
	"gatehouse/configs/database"
	"gatehouse/exchange"
)

// States of an errand.
const (
	needsParts = "parts"
	ready      = "ready"
	done       = "done"
	fallen     = "fallen" // a file of it was refused at the border: it will never be whole
)

// Kinds of errands.
const (
	errandCase     = "case"
	errandAddition = "addition"
)

// TakeCase stores a case that crossed and marks the arrival handled.
func (s *Store) TakeCase(ctx context.Context, seq uint64, c exchange.Case, connector string, now time.Time) error {
	return s.write(ctx, "take case", func(ctx context.Context, tx *database.Tx) error {
		e := adapters.Errand{ID: c.ID, CaseID: c.ID, Connector: connector, Case: &c}
		if err := takeErrand(ctx, tx, e, errandCase, c.Files, now); err != nil {
			return err
		}
		return handled(ctx, tx, seq)
	})
}

// TakeAddition stores an addition and marks the arrival handled.
func (s *Store) TakeAddition(ctx context.Context, seq uint64, a exchange.Addition, now time.Time) error {
	return s.write(ctx, "take addition", func(ctx context.Context, tx *database.Tx) error {
		e := adapters.Errand{ID: a.ID, CaseID: a.Case, Addition: &a}
		if err := takeErrand(ctx, tx, e, errandAddition, a.Files, now); err != nil {
			return err
		}
		return handled(ctx, tx, seq)
	})
}

// takeErrand stores an errand, unless it is known, with the files it waits for.
func takeErrand(ctx context.Context, tx *database.Tx, e adapters.Errand, kind string, files []exchange.FileRef, now time.Time) error {
	n, err := one(ctx, tx, number, `SELECT COUNT(*) FROM errands WHERE id = $1`, e.ID)
	if err != nil || n > 0 {
		return err
	}
	for _, f := range files {
		if err := expect(ctx, tx, e.ID, f); err != nil {
			return err
		}
	}
	state, err := readiness(ctx, tx, e.ID)
	if err == nil && state == ready {
		err = renameRebuilt(ctx, tx, &e)
	}
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO errands (id, ord, case_id, kind, connector, state, again, content, at)
		VALUES ($1, (SELECT COALESCE(MAX(ord), 0) + 1 FROM errands), $2, $3, $4, $5, $6, $7, $8)`,
		e.ID, e.CaseID, kind, e.Connector, state, micros(now), encode(e), micros(now))
	return err
}

// TakePart stores a piece of a file and marks the arrival handled.
func (s *Store) TakePart(ctx context.Context, seq uint64, p exchange.Part, r exchange.Replaced) error {
	return s.write(ctx, "take part", func(ctx context.Context, tx *database.Tx) error {
		if err := errors.Join(keepPart(ctx, tx, p), keepRebuilt(ctx, tx, p.File, r)); err != nil {
			return err
		}
		state, err := readiness(ctx, tx, p.Of)
		if err != nil {
			return err
		}
		if state == ready {
			if err := complete(ctx, tx, p.Of); err != nil {
				return err
			}
		}
		return handled(ctx, tx, seq)
	})
}

// Drop ends what fell at the border because one of its files did not pass, and marks the arrival handled.
func (s *Store) Drop(ctx context.Context, seq uint64, doc string) error {
	return s.write(ctx, "drop what fell", func(ctx context.Context, tx *database.Tx) error {
		if _, err := tx.Exec(ctx, `UPDATE errands SET state = $1 WHERE id = $2 AND state = $3`, fallen, doc, needsParts); err != nil {
			return err
		}
		return handled(ctx, tx, seq)
	})
}

// TakeTally stores counts, unless newer ones of the same thing are known.
func (s *Store) TakeTally(ctx context.Context, seq uint64, t exchange.Tally) error {
	return s.write(ctx, "take tally", func(ctx context.Context, tx *database.Tx) error {
		err := tx.Send(ctx, `INSERT INTO tallies (about, at, content) VALUES ($1, $2, $3) ON CONFLICT (about) DO UPDATE
			SET at = excluded.at, content = excluded.content WHERE tallies.at <= excluded.at`, t.About, micros(t.At), encode(t))
		if err != nil {
			return err
		}
		return handled(ctx, tx, seq)
	})
}

// Ready leases at most n errands whose files are in.
func (s *Store) Ready(ctx context.Context, now time.Time, n int, ttl time.Duration) (out []adapters.Errand, err error) {
	some, err := list(ctx, s.db.Read(), word, `SELECT id FROM errands WHERE state = 'ready' AND again <= $1 LIMIT 1`, micros(now))
	if err != nil || len(some) == 0 {
		return nil, wrap("look for errands", err)
	}
	err = s.write(ctx, "lease errands", func(ctx context.Context, tx *database.Tx) error {
		out, err = list(ctx, tx, scanErrand, readyErrands, micros(now), n)
		if err != nil {
			return err
		}
		for i := range out {
			out[i].Attempt++
			err := tx.Send(ctx, `UPDATE errands SET attempts = attempts + 1, again = $1 WHERE id = $2`, micros(now.Add(ttl)), out[i].ID)
			if err != nil {
				return err
			}
		}
		return nil
	})
	return out, err
}

// readyErrands are cases, and of what was added to a registered case the oldest that is not done.
const readyErrands = `SELECT e.content, COALESCE(c.connector, ''), COALESCE(c.ref, ''), e.attempts FROM errands e
	LEFT JOIN errands c ON c.id = e.case_id AND c.kind = 'case'
	WHERE e.state = 'ready' AND e.again <= $1 AND (e.kind = 'case' OR c.state = 'done' AND NOT EXISTS (
		SELECT 1 FROM errands b WHERE b.case_id = e.case_id AND b.kind <> 'case' AND b.state IN ('parts', 'ready') AND b.ord < e.ord))
	ORDER BY e.ord LIMIT $2`

func scanErrand(r row) (e adapters.Errand, err error) {
	var s, connector, ref string
	var attempts int
	if err := r.Scan(&s, &connector, &ref, &attempts); err != nil {
		return e, err
	}
	e, err = decode[adapters.Errand](s)
	e.Connector, e.Ref, e.Attempt = connector, ref, attempts
	return e, err
}

// Done ends an errand, and puts what is said about it into the down lane.
func (s *Store) Done(ctx context.Context, id, ref string, say []exchange.Parcel, now time.Time) error {
	return s.write(ctx, "end errand", func(ctx context.Context, tx *database.Tx) error {
		n, err := tx.Exec(ctx, `UPDATE errands SET state = 'done', ref = $1, cause = '' WHERE id = $2 AND state <> 'done'`, ref, id)
		if err != nil || n == 0 {
			return err
		}
		spoken, err := one(ctx, tx, number, `SELECT spoken FROM errands WHERE id = $1`, id)
		if err != nil || spoken == 1 {
			return err
		}
		return s.post(ctx, tx, say...)
	})
}

// Unlease gives every lease back at once.
func (s *Store) Unlease(ctx context.Context, now time.Time) error {
	return s.write(ctx, "give leases back", func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE errands SET again = $1 WHERE state = 'ready' AND again > $1`, micros(now))
		return err
	})
}

// Later gives an errand back until then.
func (s *Store) Later(ctx context.Context, id string, then time.Time, cause string) error {
	return s.write(ctx, "put errand off", func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE errands SET again = $1, cause = $2 WHERE id = $3 AND state <> 'done'`, micros(then), cause, id)
		return err
	})
}

// Stuck gives the errands that were put off more than once, oldest first.
func (s *Store) Stuck(ctx context.Context, n int) ([]adapters.Trouble, error) {
	t, err := list(ctx, s.db.Read(), func(r row) (t adapters.Trouble, err error) {
		var again int64
		err = r.Scan(&t.ID, &t.CaseID, &t.Connector, &t.Attempts, &again, &t.Cause)
		t.Next = fromMicros(again)
		return t, err
	}, `SELECT id, case_id, connector, attempts, again, cause FROM errands
		WHERE state = 'ready' AND attempts > 1 ORDER BY ord LIMIT $1`, n)
	return t, wrap("list stuck errands", err)
}

// Cursor of a connector.
func (s *Store) Cursor(ctx context.Context, connector string) (string, error) {
	c, err := cursor(ctx, s.db.Read(), connector)
	return c, wrap("read cursor", err)
}

func cursor(ctx context.Context, q database.Querier, connector string) (string, error) {
	c, err := one(ctx, q, word, `SELECT cursor FROM cursors WHERE connector = $1`, connector)
	if errors.Is(err, adapters.ErrNotFound) {
		return "", nil
	}
	return c, err
}

// Tell puts parcels into the down lane, holds back what the gate did not let out, and moves the connector's cursor.
func (s *Store) Tell(ctx context.Context, connector, from, to string, say []exchange.Parcel, cases []string, back []adapters.Held) error {
	return s.write(ctx, "tell", func(ctx context.Context, tx *database.Tx) error {
		at, err := cursor(ctx, tx, connector)
		if err != nil {
			return err
		}
		if at != from {
			return adapters.ErrMoved
		}
		err = tx.Send(ctx, `INSERT INTO cursors (connector, cursor) VALUES ($1, $2)
			ON CONFLICT (connector) DO UPDATE SET cursor = excluded.cursor`, connector, to)
		if err != nil {
			return err
		}
		for _, id := range cases {
			if err := tx.Send(ctx, `UPDATE errands SET spoken = 1 WHERE id = $1`, id); err != nil {
				return err
			}
		}
		for _, h := range back {
			if err := holdBack(ctx, tx, h); err != nil {
				return err
			}
		}
		return s.post(ctx, tx, say...)
	})
}

// Tallies gives the newest counts of each thing.
func (s *Store) Tallies(ctx context.Context) ([]exchange.Tally, error) {
	t, err := list(ctx, s.db.Read(), content[exchange.Tally], `SELECT content FROM tallies ORDER BY at DESC, about LIMIT 200`)
	return t, wrap("read tallies", err)
}

// Case gives a case as it came over the border.
func (s *Store) Case(ctx context.Context, id string) (exchange.Case, error) {
	e, err := one(ctx, s.db.Read(), content[adapters.Errand], `SELECT content FROM errands WHERE id = $1 AND kind = 'case'`, id)
	if err != nil {
		return exchange.Case{}, wrap("read case", err)
	}
	if e.Case == nil {
		return exchange.Case{}, wrap("read case", adapters.ErrForgotten)
	}
	return *e.Case, nil
}
