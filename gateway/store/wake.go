package store

import (
	"context"
	"errors"
	"time"

	"gatehouse/configs/database"
	"gatehouse/gateway"
)

// Woken implements gateway.Wakes. A wake is hidden by moving the time at which its row is due; the promised time
// stays beside it.
func (s *Store) Woken(ctx context.Context, now time.Time, n int, ttl time.Duration) ([]gateway.Turn, error) {
	due, err := s.wakesDue(ctx, now)
	if err != nil || !due {
		return nil, wrap("look for wakes", err)
	}
	var got []gateway.Claim
	err = s.db.WriteWait(ctx, func(ctx context.Context, tx *database.Tx) (err error) {
		got, err = s.takeWakes(ctx, tx, now, n, ttl)
		return err
	})
	if err != nil || len(got) == 0 {
		return nil, wrap("claim wakes", err)
	}
	var turns []gateway.Turn
	for _, c := range got {
		t, err := s.wakeTurn(ctx, c)
		if errors.Is(err, gateway.ErrNotFound) { // the person was forgotten
			if err := s.forgetWakes(ctx, c.Contact); err != nil {
				return turns, wrap("forget wakes", err)
			}
			continue
		}
		if err != nil { // it holds up its own contact alone
			s.cfg.Log.ErrorContext(ctx, "claimed wake can't be loaded", "contact_id", c.Contact, "kind", c.Wake.Kind, "err", err)
			err = s.deferWake(ctx, c, now.Add(unreadablePause), "can't be loaded")
			if err != nil && !errors.Is(err, gateway.ErrLost) {
				return turns, err
			}
			continue
		}
		turns = append(turns, t)
	}
	return turns, nil
}

// wakeFor has the dispatcher look at what became of a delivery, at once.
func (s *Store) wakeFor(ctx context.Context, tx *database.Tx, d *sending, k gateway.WakeKind, subject string) error {
	now := micros(s.cfg.Now())
	return tx.Send(ctx, `INSERT INTO wake(contact, kind, subject, at, due, owner, fence, attempt, failed, aside) VALUES ($1, $2, $3, $4, $4, '', 0, 0, 0, 0)
		ON CONFLICT (contact, kind, subject) DO NOTHING`, d.contact, string(k), subject, now)
}

// wakesDue asks before the writer is troubled: most of the time nothing is due.
func (s *Store) wakesDue(ctx context.Context, now time.Time) (due bool, err error) {
	err = each(s.db.Read().Query(ctx, "SELECT 1 FROM wake WHERE due <= $1 AND aside = 0 LIMIT 1", micros(now)))(func(func(...any) error) error {
		due = true
		return nil
	})
	return due, err
}

func (s *Store) takeWakes(ctx context.Context, tx *database.Tx, now time.Time, n int, ttl time.Duration) ([]gateway.Claim, error) {
	var got []gateway.Claim
	taken := map[string]bool{}
	const query = `SELECT w.contact, w.kind, w.subject, w.at, w.fence + 1 FROM wake w WHERE w.due <= $1 AND w.aside = 0
		AND NOT EXISTS (SELECT 1 FROM turn t WHERE t.contact = w.contact)
		AND NOT EXISTS (SELECT 1 FROM wake h WHERE h.contact = w.contact AND h.owner <> '' AND h.due > $1)
		ORDER BY w.due, w.contact, w.kind, w.subject LIMIT $2`
	err := each(tx.Query(ctx, query, micros(now), n))(func(scan scanner) error {
		var w gateway.Wake
		var at int64
		var fence uint64
		if err := scan(&w.Contact, &w.Kind, &w.Subject, &at, &fence); err != nil {
			return err
		}
		w.At = moment(at)
		if !taken[w.Contact] {
			taken[w.Contact] = true
			got = append(got, gateway.Claim{Wake: w, Contact: w.Contact, Fence: fence})
		}
		return nil
	})
	for _, c := range got {
		err = errors.Join(err, tx.Send(ctx, "UPDATE wake SET due = $1, owner = $2, fence = $3, attempt = attempt + 1 WHERE contact = $4 AND kind = $5 AND subject = $6",
			micros(now.Add(ttl)), s.cfg.Owner, int64(c.Fence), c.Contact, string(c.Wake.Kind), c.Wake.Subject))
	}
	return got, err
}

func (s *Store) forgetWakes(ctx context.Context, contact string) error {
	return s.db.WriteWait(ctx, func(ctx context.Context, tx *database.Tx) error {
		return tx.Send(ctx, "DELETE FROM wake WHERE contact = $1", contact)
	})
}

// wakeTurn loads what the turn of a wake may know.
func (s *Store) wakeTurn(ctx context.Context, c gateway.Claim) (gateway.Turn, error) {
	q := s.db.Read()
	known, err := s.contacts(ctx, q, []string{c.Contact})
	if err != nil {
		return gateway.Turn{}, err
	}
	person, ok := known[c.Contact]
	if !ok {
		return gateway.Turn{}, gateway.ErrNotFound
	}
	addresses := make([][]byte, len(person.Reaches))
	for i, r := range person.Reaches {
		addresses[i] = s.address(r.Address)
	}
	l, err := s.lore(ctx, q, []string{c.Contact}, addresses)
	if err != nil {
		return gateway.Turn{}, err
	}
	t := gateway.Turn{Claim: c, Contact: person, Draft: l.drafts[c.Contact], Shelf: l.shelf[c.Contact], Matters: l.matters[c.Contact], Corrections: l.open[c.Contact], Standing: s.addressed(person, l.standing[c.Contact])}
	for i, r := range person.Reaches {
		if talk, ok := l.talks[string(addresses[i])]; ok {
			talk.Address = r.Address
			t.Talks = append(t.Talks, talk)
		}
	}
	err = q.QueryRow(ctx, "SELECT attempt FROM wake WHERE contact = $1 AND kind = $2 AND subject = $3", c.Contact, string(c.Wake.Kind), c.Wake.Subject).Scan(&t.Attempt)
	return t, err
}

const wakeOfClaim = "contact = $1 AND kind = $2 AND subject = $3 AND at = $4 AND fence = $5 AND owner <> ''"

func wakeArgs(c gateway.Claim) []any {
	return []any{c.Contact, string(c.Wake.Kind), c.Wake.Subject, micros(c.Wake.At), int64(c.Fence)}
}

// wakeHeld tells whether a claim may still be settled: it did not run out, and no message came that goes first.
func wakeHeld(ctx context.Context, tx *database.Tx, c gateway.Claim) (held bool, err error) {
	const query = "SELECT 1 FROM wake WHERE " + wakeOfClaim + " AND NOT EXISTS (SELECT 1 FROM turn t WHERE t.contact = wake.contact)"
	err = each(tx.Query(ctx, query, wakeArgs(c)...))(func(func(...any) error) error {
		held = true
		return nil
	})
	return held, wrap("look for wake", err)
}

// releaseWake lets a wake be claimed at once whose outcome was built on an old state.
func releaseWake(ctx context.Context, tx *database.Tx, c gateway.Claim) error {
	return tx.Send(ctx, "UPDATE wake SET due = at, owner = '', attempt = attempt - 1 WHERE "+wakeOfClaim, wakeArgs(c)...)
}

// putWakes clears the wake that is settled and keeps what the outcome sets.
func putWakes(ctx context.Context, tx *database.Tx, c *commitment) error {
	gone := func(w gateway.Wake) error {
		return tx.Send(ctx, "DELETE FROM wake WHERE contact = $1 AND kind = $2 AND subject = $3", c.contact, string(w.Kind), w.Subject)
	}
	if c.Claim.Wake.Kind != "" {
		if err := gone(c.Claim.Wake); err != nil {
			return err
		}
	}
	for _, w := range c.Wakes {
		if w.At.IsZero() {
			if err := gone(w); err != nil {
				return err
			}
			continue
		}
		err := tx.Send(ctx, `INSERT INTO wake(contact, kind, subject, at, due, owner, fence, attempt, failed, aside) VALUES ($1, $2, $3, $4, $5, '', 0, 0, 0, 0)
			ON CONFLICT (contact, kind, subject) DO UPDATE SET at = excluded.at, due = excluded.due, owner = '', attempt = 0, failed = 0, aside = 0`,
			c.contact, string(w.Kind), w.Subject, micros(w.At), micros(w.At))
		if err != nil {
			return err
		}
	}
	return nil
}

// deferWake gives a claimed wake back until later; after gateway.MaxAttempts it is set aside for the operator.
func (s *Store) deferWake(ctx context.Context, c gateway.Claim, later time.Time, cause string) error {
	err := s.db.WriteWait(ctx, func(ctx context.Context, tx *database.Tx) error {
		var failed int
		found := gateway.ErrLost
		err := each(tx.Query(ctx, "SELECT failed FROM wake WHERE "+wakeOfClaim, wakeArgs(c)...))(func(scan scanner) error {
			found = nil
			return scan(&failed)
		})
		if err := errors.Join(err, found); err != nil {
			return err
		}
		return tx.Send(ctx, "UPDATE wake SET due = $6, owner = '', failed = failed + 1, aside = $7 WHERE "+wakeOfClaim,
			append(wakeArgs(c), micros(later), bit(failed+1 >= gateway.MaxAttempts))...)
	})
	if err != nil {
		return wrap("defer wake", err)
	}
	s.cfg.Log.WarnContext(ctx, "wake deferred", "contact_id", c.Contact, "kind", c.Wake.Kind, "cause", cause)
	return nil
}
