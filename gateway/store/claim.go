package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gatehouse/configs/database"
	"gatehouse/gateway"
)

// claimed is one row of turn that was taken.
type claimed struct {
	contact string
	number  int64
	fence   int64
	attempt int
	mark    []byte
	body    []byte
	letter  letter
}

// Claim implements gateway.Work. A contact is hidden by moving the time at which its row is due.
func (s *Store) Claim(ctx context.Context, now time.Time, n int, ttl time.Duration) ([]gateway.Turn, error) {
	var got []*claimed
	err := s.db.WriteWait(ctx, func(ctx context.Context, tx *database.Tx) (err error) {
		got, err = s.take(ctx, tx, now, n, ttl)
		return err
	})
	if err != nil || len(got) == 0 {
		return nil, wrap("claim messages", err)
	}
	turns, err := s.turns(ctx, got)
	if err == nil || ctx.Err() != nil {
		return turns, wrap("load claimed messages", err)
	}
	return s.readable(ctx, got), nil
}

// readable loads turns one by one, so that what can't be read holds up its own contact alone: it is deferred, and in
// the end set aside.
func (s *Store) readable(ctx context.Context, got []*claimed) []gateway.Turn {
	var out []gateway.Turn
	for _, c := range got {
		turns, err := s.turns(ctx, []*claimed{c})
		if err != nil {
			s.cfg.Log.ErrorContext(ctx, "claimed message can't be loaded", "message_mark", name(c.mark), "contact_id", c.contact, "err", err)
			claim := gateway.Claim{Contact: c.contact, Fence: uint64(c.fence)}
			err = s.putOff(ctx, claim, c.mark, s.cfg.Now().Add(unreadablePause))
		}
		if err != nil {
			s.cfg.Log.ErrorContext(ctx, "message not put off", "message_mark", name(c.mark), "err", err)
		}
		out = append(out, turns...)
	}
	return out
}

// unreadablePause is the rest between two tries to load a turn: the fault may be the disk's.
const unreadablePause = time.Minute

func wrap(tried string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", tried, err)
}

func (s *Store) take(ctx context.Context, tx *database.Tx, now time.Time, n int, ttl time.Duration) ([]*claimed, error) {
	var got []*claimed
	const query = `SELECT t.contact, t.number, t.fence + 1, t.attempt + 1, i.mark, i.body FROM turn t JOIN inbound i ON i.number = t.number
		WHERE t.due <= $1 AND NOT EXISTS (SELECT 1 FROM wake w WHERE w.contact = t.contact AND w.owner <> '' AND w.due > $1) ORDER BY t.due, t.number LIMIT $2`
	err := each(tx.Query(ctx, query, micros(now), n))(func(scan scanner) error {
		c := &claimed{}
		got = append(got, c)
		return scan(&c.contact, &c.number, &c.fence, &c.attempt, &c.mark, &c.body)
	})
	for _, c := range got {
		err = errors.Join(err, tx.Send(ctx, "UPDATE turn SET due = $1, owner = $2, fence = $3, attempt = $4 WHERE contact = $5",
			micros(now.Add(ttl)), s.cfg.Owner, c.fence, c.attempt, c.contact))
	}
	return got, err
}

// turns loads all that the turns may know, a few queries for all of them.
func (s *Store) turns(ctx context.Context, got []*claimed) ([]gateway.Turn, error) {
	q := s.db.Read()
	contacts, talks, bodies := make([]string, len(got)), make([][]byte, len(got)), make([][]byte, len(got))
	for i, c := range got {
		contacts[i], bodies[i] = c.contact, c.body
	}
	if err := s.preload(ctx, q, bodies); err != nil {
		return nil, err
	}
	for i, c := range got {
		if err := s.read(ctx, q, "inbound", name(c.mark), c.body, &c.letter); err != nil {
			return nil, err
		}
		talks[i] = s.address(c.letter.From)
	}
	known, err := s.contacts(ctx, q, contacts)
	if err != nil {
		return nil, err
	}
	l, err := s.lore(ctx, q, contacts, talks)
	if err != nil {
		return nil, err
	}
	turns := make([]gateway.Turn, len(got))
	for i, c := range got {
		turns[i] = s.turn(c, known[c.contact], l, talks[i])
	}
	return turns, s.enrolled(ctx, q, turns)
}

func (s *Store) turn(c *claimed, person gateway.Contact, l *lore, address []byte) gateway.Turn {
	m := s.message(c.letter)
	for i := range person.Reaches {
		if r := &person.Reaches[i]; r.Address == m.From && r.Heard.Before(m.At) {
			r.Heard = m.At
		}
	}
	t := gateway.Turn{
		Claim:   gateway.Claim{Message: m.ID, Contact: c.contact, Fence: uint64(c.fence)},
		Message: m, Contact: person, Conversation: l.talks[string(address)], Draft: l.drafts[c.contact], Shelf: l.shelf[c.contact], Matters: l.matters[c.contact], Corrections: l.open[c.contact],
		Standing: s.addressed(person, l.standing[c.contact]), Attempt: c.attempt,
	}
	t.Conversation.Address = m.From
	return t
}

// Defer implements gateway.Work.
func (s *Store) Defer(ctx context.Context, c gateway.Claim, later time.Time, cause string) error {
	if c.Message == "" {
		return s.deferWake(ctx, c, later, cause)
	}
	mark := s.vault.Mark("inbound", c.Message)
	if err := s.putOff(ctx, c, mark, later); err != nil {
		return wrap("defer message", err)
	}
	s.cfg.Log.WarnContext(ctx, "message deferred", "message_mark", name(mark), "contact_id", c.Contact, "cause", cause)
	return nil
}

func (s *Store) putOff(ctx context.Context, c gateway.Claim, mark []byte, later time.Time) error {
	return s.db.WriteWait(ctx, func(ctx context.Context, tx *database.Tx) error {
		number, failed, err := held(ctx, tx, c, mark)
		if err != nil {
			return err
		}
		if failed+1 < gateway.MaxAttempts {
			return tx.Send(ctx, "UPDATE turn SET due = $1, owner = '', failed = failed + 1 WHERE contact = $2", micros(later), c.Contact)
		}
		return s.settle(ctx, tx, c.Contact, number, aside)
	})
}

// held gives the number of a claim's message and how often its turn failed. gateway.ErrLost when it is not held.
func held(ctx context.Context, tx *database.Tx, c gateway.Claim, mark []byte) (number int64, failed int, err error) {
	err = gateway.ErrLost
	const query = `SELECT t.number, t.failed FROM turn t JOIN inbound i ON i.number = t.number
		WHERE t.contact = $1 AND t.fence = $2 AND t.owner <> '' AND i.mark = $3`
	read := each(tx.Query(ctx, query, c.Contact, int64(c.Fence), mark))(func(scan scanner) error {
		err = nil
		return scan(&number, &failed)
	})
	return number, failed, errors.Join(read, err)
}

// What becomes of a message.
const (
	answered = 1
	aside    = 2
)

// settle closes a message and moves its contact's row to the next one.
func (s *Store) settle(ctx context.Context, tx *database.Tx, contact string, number int64, state int) error {
	var next *int64
	err := tx.QueryRow(ctx, "SELECT min(number) FROM inbound WHERE contact = $1 AND state = 0 AND number > $2", contact, number).Scan(&next)
	if err != nil {
		return wrap("look for next message", err)
	}
	return s.advance(ctx, tx, contact, number, state, next)
}

func (s *Store) advance(ctx context.Context, tx *database.Tx, contact string, number int64, state int, next *int64) error {
	if err := tx.Send(ctx, "UPDATE inbound SET state = $1 WHERE number = $2", state, number); err != nil {
		return err
	}
	if next == nil {
		return tx.Send(ctx, "DELETE FROM turn WHERE contact = $1", contact)
	}
	return tx.Send(ctx, "UPDATE turn SET number = $1, due = $2, owner = '', attempt = 0, failed = 0 WHERE contact = $3",
		*next, micros(s.cfg.Now()), contact)
}
