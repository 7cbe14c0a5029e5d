package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gatehouse/adapters"
	"gatehouse/configs/database"
	"gatehouse/exchange"
)

// Kinds of what is held.
const (
	heldNotice  = "notice"
	heldMessage = "broadcast"
	heldErase   = "erase"
	heldSteer   = "control"
)

// Hold stores h with the entry; for a notice the record is marked and apply may change it.
func (s *Store) Hold(ctx context.Context, h adapters.Held, e adapters.Entry, apply func(*adapters.Record) error) error {
	return s.write(ctx, "hold", func(ctx context.Context, tx *database.Tx) error {
		known, err := one(ctx, tx, number, `SELECT COUNT(*) FROM held WHERE id = $1`, h.ID)
		if err != nil || known > 0 {
			return err
		}
		if h, err = withinQuota(ctx, tx, h); err != nil {
			return err
		}
		if h.Erase != nil {
			return holdErasure(ctx, tx, h, e)
		}
		if h.Notice == nil {
			return saveHeld(ctx, tx, h)
		}
		r, err := record(ctx, tx, h.Case)
		if err != nil {
			return err
		}
		if r.Held != "" {
			return adapters.ErrPending
		}
		if err := apply(&r); err != nil {
			return err
		}
		r.Held = h.ID
		if err := saveRecord(ctx, tx, r); err != nil {
			return err
		}
		if err := tell(ctx, tx, h.Case, e); err != nil {
			return err
		}
		return saveHeld(ctx, tx, h)
	})
}

// holdErasure keeps one erasure of a person at a time: until the outside has confirmed it there is no other.
func holdErasure(ctx context.Context, tx *database.Tx, h adapters.Held, e adapters.Entry) error {
	party := h.Erase.Forget.Party
	waiting, err := one(ctx, tx, number, `SELECT (SELECT COUNT(*) FROM held WHERE kind = $1 AND state IN ('second', 'leaving') AND content LIKE $2 ESCAPE '\')
		+ (SELECT COUNT(*) FROM erasures WHERE party = $3 AND state = 'asked')`, heldErase, likeParty(party), party)
	if err != nil {
		return err
	}
	if waiting > 0 {
		return adapters.ErrPending
	}
	if err := tell(ctx, tx, h.Case, e); err != nil {
		return err
	}
	return saveHeld(ctx, tx, h)
}

func saveHeld(ctx context.Context, tx *database.Tx, h adapters.Held) error {
	kind := heldNotice
	switch {
	case h.Message != nil:
		kind = heldMessage
	case h.Erase != nil:
		kind = heldErase
	case h.Steer != nil:
		kind = heldSteer
	}
	review, due := reviewState(h)
	return tx.Send(ctx, `INSERT INTO held (id, kind, case_id, state, at, due, author, review, review_due, content)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (id) DO UPDATE SET state = excluded.state, due = excluded.due,
		review = excluded.review, review_due = excluded.review_due, content = excluded.content`,
		h.ID, kind, h.Case, string(h.State), micros(h.At), micros(h.Due), h.By, review, micros(due), encode(h))
}

func held(ctx context.Context, q database.Querier, id string) (adapters.Held, error) {
	return one(ctx, q, content[adapters.Held], `SELECT content FROM held WHERE id = $1`, id)
}

// Held gives one.
func (s *Store) Held(ctx context.Context, id string) (adapters.Held, error) {
	h, err := held(ctx, s.db.Read(), id)
	return h, wrap("read held", err)
}

// Pending lists what has not left, oldest first.
func (s *Store) Pending(ctx context.Context, n int) ([]adapters.Held, error) {
	h, err := list(ctx, s.db.Read(), content[adapters.Held],
		`SELECT content FROM held WHERE state IN ('second', 'leaving') AND kind <> 'control' ORDER BY at, id LIMIT $1`, n)
	return h, wrap("list held", err)
}

// Release is the second person's word: it leaves at due, and its release becomes by.
func (s *Store) Release(ctx context.Context, id string, by exchange.Released, due time.Time) error {
	return s.write(ctx, "release", func(ctx context.Context, tx *database.Tx) error {
		h, err := held(ctx, tx, id)
		switch {
		case err != nil:
			return err
		case h.State != adapters.AwaitsSecond:
			return adapters.ErrGone
		case h.By == by.Second || by.Second == "":
			return adapters.ErrSamePerson
		}
		h.State, h.Second, h.Due = adapters.Leaving, by.Second, due
		*h.Release() = by
		return saveHeld(ctx, tx, h)
	})
}

// TakeBack ends h as TakenBack or Declined, if it has not left at now.
func (s *Store) TakeBack(ctx context.Context, id, staff string, as adapters.HeldState, e adapters.Entry, now time.Time) error {
	return s.write(ctx, "take back", func(ctx context.Context, tx *database.Tx) error {
		h, err := held(ctx, tx, id)
		if err != nil {
			return err
		}
		waits := h.State == adapters.AwaitsSecond || h.State == adapters.Leaving && now.Before(h.Due)
		if !waits {
			return adapters.ErrGone
		}
		if as == adapters.Declined {
			h.Second, h.Said = staff, e.Text
		}
		h.State = as
		return settleHeld(ctx, tx, h, e)
	})
}

// settleHeld stores how h ended, and lets its case be worked on again.
func settleHeld(ctx context.Context, tx *database.Tx, h adapters.Held, e adapters.Entry) error {
	if err := saveHeld(ctx, tx, h); err != nil || h.Message != nil {
		return err
	}
	r, err := record(ctx, tx, h.Case)
	if errors.Is(err, adapters.ErrNotFound) { // another system's case
		return nil
	}
	if err != nil {
		return err
	}
	if r.Held == h.ID {
		r.Held = ""
	}
	r.Return.Unjudge(h.ID)
	if err := saveRecord(ctx, tx, r); err != nil {
		return err
	}
	return tell(ctx, tx, h.Case, e)
}

// holdBack stores what the gate did not let out, and marks its record if the desk has one and nothing else waits.
func holdBack(ctx context.Context, tx *database.Tx, h adapters.Held) error {
	r, err := record(ctx, tx, h.Case)
	if err == nil && r.Held == "" {
		r.Held = h.ID
		err = saveRecord(ctx, tx, r)
	}
	if err := ignoreMissing(err); err != nil {
		return err
	}
	return saveHeld(ctx, tx, h)
}

// Forgets gives the erasures whose time has come.
func (s *Store) Forgets(ctx context.Context, now time.Time, n int) ([]adapters.Held, error) {
	h, err := s.due(ctx, s.db.Read(), heldErase, now, n)
	return h, wrap("look for erasures that leave", err)
}

// TurnBack ends a broadcast or an erasure that the gate did not let out.
func (s *Store) TurnBack(ctx context.Context, id string) error {
	return s.write(ctx, "turn message back", func(ctx context.Context, tx *database.Tx) error {
		h, err := held(ctx, tx, id)
		if err != nil {
			return err
		}
		if h.Notice != nil || h.State != adapters.Leaving {
			return adapters.ErrGone
		}
		h.State = adapters.Declined
		return saveHeld(ctx, tx, h)
	})
}

// maxDepart bounds how many notices leave in one transaction.
const maxDepart = 100

// Depart lets notices whose time has come leave the desk.
func (s *Store) Depart(ctx context.Context, now time.Time, newID func() string) (n int, err error) {
	due, err := s.due(ctx, s.db.Read(), heldNotice, now, maxDepart)
	if err != nil || len(due) == 0 {
		return 0, wrap("look for what leaves", err)
	}
	err = s.write(ctx, "let leave", func(ctx context.Context, tx *database.Tx) error {
		if due, err = s.due(ctx, tx, heldNotice, now, maxDepart); err != nil {
			return err
		}
		for _, h := range due {
			if err := depart(ctx, tx, h, now, newID()); err != nil {
				return fmt.Errorf("%s: %w", h.ID, err)
			}
		}
		n = len(due)
		return nil
	})
	return n, err
}

func (s *Store) due(ctx context.Context, q database.Querier, kind string, now time.Time, n int) ([]adapters.Held, error) {
	return list(ctx, q, content[adapters.Held], `SELECT content FROM held
		WHERE state = 'leaving' AND kind = $1 AND due <= $2 ORDER BY due, id LIMIT $3`, kind, micros(now), n)
}

// depart gives one notice its serial and its record the new state.
func depart(ctx context.Context, tx *database.Tx, h adapters.Held, now time.Time, entry string) error {
	h.Notice.At, h.State = now, adapters.Left
	if err := say(ctx, tx, *h.Notice); err != nil {
		return err
	}
	if err := saveHeld(ctx, tx, h); err != nil {
		return err
	}
	r, err := record(ctx, tx, h.Case)
	if errors.Is(err, adapters.ErrNotFound) { // another system's case, held back at the gate
		return nil
	}
	if err != nil {
		return err
	}
	if h.Notice.State != exchange.Received { // a receipt that was held back comes late; the case has gone on
		r.Follow(*h.Notice)
	}
	if r.Held == h.ID {
		r.Held = ""
	}
	if err := saveRecord(ctx, tx, r); err != nil {
		return err
	}
	return tell(ctx, tx, h.Case, adapters.Entry{ID: entry, At: now, By: h.By, Kind: adapters.Told, Public: true,
		Text: h.Notice.Words + h.Notice.Text + h.Notice.Reason, Notice: h.Notice})
}

// say gives a notice the next serial.
func say(ctx context.Context, tx *database.Tx, n exchange.Notice) error {
	_, err := tx.Exec(ctx, `INSERT INTO decided (serial, id, content)
		VALUES ((SELECT COALESCE(MAX(serial), 0) + 1 FROM decided), $1, $2)`, n.ID, encode(n))
	return err
}

// Decided gives at most n notices with a serial above after, in order, and the last serial given.
func (s *Store) Decided(ctx context.Context, after int64, n int) ([]exchange.Notice, int64, error) {
	type line struct {
		serial int64
		notice exchange.Notice
	}
	lines, err := list(ctx, s.db.Read(), func(r row) (l line, err error) {
		var s string
		if err := r.Scan(&l.serial, &s); err != nil {
			return l, err
		}
		l.notice, err = decode[exchange.Notice](s)
		return l, err
	}, `SELECT serial, content FROM decided WHERE serial > $1 ORDER BY serial LIMIT $2`, after, n)
	notices := make([]exchange.Notice, 0, len(lines))
	for _, l := range lines {
		after = l.serial
		notices = append(notices, l.notice)
	}
	return notices, after, wrap("read decisions", err)
}

// Messages gives the broadcasts whose time has come, and before them what steers one.
func (s *Store) Messages(ctx context.Context, now time.Time, n int) ([]adapters.Held, error) {
	first, err := s.due(ctx, s.db.Read(), heldSteer, now, n)
	if err != nil {
		return nil, wrap("look for messages", err)
	}
	h, err := s.due(ctx, s.db.Read(), heldMessage, now, n)
	return append(first, h...), wrap("look for messages", err)
}

// Sent puts a broadcast, what steers one, or an erasure into the down lane and marks it left.
func (s *Store) Sent(ctx context.Context, id string, p exchange.Parcel) error {
	return s.write(ctx, "send message", func(ctx context.Context, tx *database.Tx) error {
		h, err := held(ctx, tx, id)
		if err != nil {
			return err
		}
		if h.State != adapters.Leaving {
			return adapters.ErrGone
		}
		h.State = adapters.Left
		if err := saveHeld(ctx, tx, h); err != nil {
			return err
		}
		if h.Erase != nil {
			f := adapters.Forgetting{ID: h.ID, Party: h.Erase.Forget.Party, State: adapters.ErasureAsked, At: p.Created, By: h.By, Second: h.Second}
			if err := saveErasure(ctx, tx, f, p.Created); err != nil {
				return err
			}
		}
		return s.post(ctx, tx, p)
	})
}

// Bulletins lists broadcasts, newest first.
func (s *Store) Bulletins(ctx context.Context, n int) ([]adapters.Held, error) {
	h, err := list(ctx, s.db.Read(), content[adapters.Held],
		`SELECT content FROM held WHERE kind = $1 ORDER BY at DESC, id DESC LIMIT $2`, heldMessage, n)
	return h, wrap("list messages", err)
}
