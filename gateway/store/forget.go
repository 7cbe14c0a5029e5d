package store

import (
	"context"
	"errors"
	"time"

	"gatehouse/configs/database"
	"gatehouse/exchange"
	"gatehouse/gateway"
)

// farewellStays is how long the last word to a web session can still be read there: a page asks for it.
const farewellStays = 10 * time.Minute

func farewellOwner(id string) string { return "farewell:" + id }

// prepareForget seals the last words under keys of their own, and makes an Erasure for each id under which the inside
// may know the person.
func (s *Store) prepareForget(ctx context.Context, c *commitment) error {
	for _, d := range c.Deliveries {
		k, err := s.vault.NewKey(s.cfg.Now())
		if err != nil {
			return err
		}
		d.Contact, d.Matter, d.Must, d.Legal = "", "", false, false
		row, err := s.deliveryRow(k, d, "")
		if err != nil {
			return err
		}
		row.key = k
		c.letters = append(c.letters, row)
	}
	if err := s.prepareRemains(c); err != nil {
		return err
	}
	var former []string
	err := each(s.db.Read().Query(ctx, "SELECT id FROM former WHERE contact = $1 ORDER BY id", c.contact))(func(scan scanner) error {
		var id string
		err := scan(&id)
		former = append(former, id)
		return err
	})
	if err != nil {
		return wrap("read former ids", err)
	}
	for _, id := range former {
		c.Crossings = append(c.Crossings, gateway.Crossing{Document: exchange.Erasure{ID: s.cfg.NewID(), Party: id, At: s.cfg.Now().UTC()}})
	}
	return s.prepareCrossings(ctx, c)
}

// forget takes everything of a contact out of the store, in one transaction: first its keys, then the rows that are
// noise without them. What waits at the border has keys of its own, which end with its Ack.
func (s *Store) forget(ctx context.Context, tx *database.Tx, c *commitment, next *int64) error {
	if err := s.putParcels(ctx, tx, c, next); err != nil {
		return err
	}
	if err := s.moveRemains(ctx, tx, c); err != nil {
		return err
	}
	if err := s.dropHeld(ctx, tx, c.contact); err != nil {
		return err
	}
	err := tx.Send(ctx, `INSERT INTO suppressed(address, stopped, blocked, at) SELECT address, stopped, blocked, CAST($2 AS BIGINT) FROM reach WHERE contact = $1
		ON CONFLICT (address) DO UPDATE SET stopped = excluded.stopped, blocked = excluded.blocked, at = excluded.at`, c.contact, micros(s.cfg.Now()))
	if err != nil {
		return err
	}
	err = tx.Send(ctx, "DELETE FROM owed WHERE number IN (SELECT number FROM delivery WHERE contact = $1)", c.contact)
	if err = errors.Join(err, s.putFarewells(ctx, tx, c, next)); err != nil { // before the rows go that number a web session's lines
		return err
	}
	for _, query := range []string{
		"UPDATE parcel SET told = 1 WHERE matter IN (SELECT id FROM matter WHERE contact = $1)",
		"DELETE FROM key WHERE owner = 'contact:' || $1",
		"DELETE FROM automatic WHERE delivery IN (SELECT id FROM delivery WHERE contact = $1)",
		"UPDATE recipient SET state = 6, reason = 'gone' WHERE contact = $1 AND state IN (0, 1)",
		"DELETE FROM delivery WHERE contact = $1",
		"DELETE FROM turn WHERE contact = $1",
		"DELETE FROM inbound WHERE contact = $1",
		"DELETE FROM post WHERE contact = $1",
		"DELETE FROM wake WHERE contact = $1",
		"DELETE FROM conversation WHERE contact = $1",
		"DELETE FROM pass WHERE contact = $1",
		"DELETE FROM parked WHERE contact = $1",
		"DELETE FROM nod WHERE contact = $1",
		"DELETE FROM member WHERE contact = $1",
		"DELETE FROM consent WHERE contact = $1",
		"UPDATE attestation SET body = NULL, matter = '' WHERE matter IN (SELECT id FROM matter WHERE contact = $1)",
		"DELETE FROM correction WHERE matter IN (SELECT id FROM matter WHERE contact = $1)",
		"DELETE FROM matter WHERE contact = $1",
		"DELETE FROM reach WHERE contact = $1",
		"DELETE FROM former WHERE contact = $1",
		"DELETE FROM contact WHERE id = $1",
		"UPDATE counter SET value = value + 1 WHERE name IN ('merge', 'forgotten') AND $1 <> ''",
	} {
		if _, err := tx.Exec(ctx, query, c.contact); err != nil {
			return wrap("forget contact", err)
		}
	}
	return s.putRemains(ctx, tx, c)
}

// dropHeld lets a contact's draft and files go: those of its messages, of what it is owed, and of its cases.
func (s *Store) dropHeld(ctx context.Context, tx *database.Tx, contact string) error {
	waiting, err := shelved(ctx, tx, contact)
	if err = errors.Join(err, s.dropShelf(ctx, tx, waiting), s.dropDraft(ctx, tx, contact)); err != nil {
		return err
	}
	var owners []string
	const query = `SELECT h.owner FROM holder h WHERE h.owner IN (SELECT 'delivery:' || id FROM delivery WHERE contact = $1
		UNION SELECT 'matter:' || id FROM matter WHERE contact = $1)`
	take := func(scan scanner) error {
		var o string
		err := scan(&o)
		owners = append(owners, o)
		return err
	}
	if err := each(tx.Query(ctx, query, contact))(take); err != nil {
		return wrap("read files of a contact", err)
	}
	err = each(tx.Query(ctx, "SELECT mark FROM inbound WHERE contact = $1", contact))(func(scan scanner) error {
		var mark []byte
		err := scan(&mark)
		owners = append(owners, inboundOwner(mark))
		return err
	})
	for _, o := range owners {
		err = errors.Join(err, dropHolder(ctx, tx, o))
	}
	return wrap("let files go", err)
}

func (s *Store) putFarewells(ctx context.Context, tx *database.Tx, c *commitment, next *int64) error {
	for _, d := range c.letters {
		err := errors.Join(putKey(ctx, tx, farewellOwner(d.ID), d.key), s.putDelivery(ctx, tx, d, *next),
			tx.Send(ctx, "INSERT INTO farewell(id, gone) VALUES ($1, 0) ON CONFLICT DO NOTHING", d.ID))
		if err != nil {
			return err
		}
		*next++
	}
	return nil
}

// parted ends the key of a last word that is no longer owed; where a page reads it, in a while.
func (s *Store) parted(ctx context.Context, tx *database.Tx, d *sending) error {
	gone := s.cfg.Now()
	if d.line {
		gone = gone.Add(farewellStays)
	} else if err := destroyKeys(ctx, tx, farewellOwner(d.id)); err != nil {
		return err
	}
	return tx.Send(ctx, "UPDATE farewell SET gone = $1 WHERE id = $2 AND gone = 0", micros(gone), d.id)
}

// endFarewell deletes what is left of a last word. In a web session an empty row stays, from which its lines go on
// being numbered.
func endFarewell(ctx context.Context, tx *database.Tx, id string) error {
	return errors.Join(destroyKeys(ctx, tx, farewellOwner(id)), tx.Send(ctx, "DELETE FROM farewell WHERE id = $1", id),
		tx.Send(ctx, "UPDATE delivery SET body = $1 WHERE id = $2", []byte{}, id), tx.Send(ctx, "DELETE FROM delivery WHERE id = $1 AND line = 0", id))
}

// Tend ends the keys of last words that a page had time to read. It gives how many.
func (s *Store) Tend(ctx context.Context, now time.Time) (n int, err error) {
	var ids []string
	err = each(s.db.Read().Query(ctx, "SELECT id FROM farewell WHERE gone > 0 AND gone <= $1 ORDER BY gone LIMIT 100", micros(now)))(func(scan scanner) error {
		var id string
		err := scan(&id)
		ids = append(ids, id)
		return err
	})
	if err != nil || len(ids) == 0 {
		return 0, wrap("look for last words", err)
	}
	err = s.db.WriteWait(ctx, func(ctx context.Context, tx *database.Tx) error {
		var err error
		for _, id := range ids {
			err = errors.Join(err, endFarewell(ctx, tx, id))
		}
		return err
	})
	return len(ids), wrap("end last words", err)
}

// Orphaned implements gateway.Work.
func (s *Store) Orphaned(ctx context.Context, arrival uint64) error {
	err := s.db.WriteWait(ctx, func(ctx context.Context, tx *database.Tx) error {
		open, err := openArrival(ctx, tx, arrival)
		if err != nil || !open {
			return err
		}
		if err := tx.Send(ctx, "UPDATE counter SET value = value + 1 WHERE name = 'orphan'"); err != nil {
			return err
		}
		return s.handled(ctx, tx, arrival)
	})
	return wrap("count an orphan", err)
}

// Gone implements gateway.Work.
func (s *Store) Gone(ctx context.Context, arrival uint64, e exchange.Erasure) error {
	c := &commitment{Outcome: gateway.Outcome{Crossings: []gateway.Crossing{{Document: e}}}}
	if err := s.prepareCrossings(ctx, c); err != nil {
		return wrap("confirm an erasure", err)
	}
	err := s.db.WriteWait(ctx, func(ctx context.Context, tx *database.Tx) error {
		open, err := openArrival(ctx, tx, arrival)
		if err != nil || !open {
			return err
		}
		next, err := numbers(ctx, tx, 1)
		if err != nil {
			return err
		}
		if err := s.putParcels(ctx, tx, c, &next); err != nil {
			return err
		}
		return s.handled(ctx, tx, arrival)
	})
	return wrap("confirm an erasure", err)
}

// suppressed gives what was said of STOP on an address whose owner was forgotten.
func suppressed(ctx context.Context, q database.Querier, address []byte) (stopped, blocked int64, err error) {
	err = each(q.Query(ctx, "SELECT stopped, blocked FROM suppressed WHERE address = $1", address))(func(scan scanner) error {
		return scan(&stopped, &blocked)
	})
	return stopped, blocked, wrap("look for a forgotten address", err)
}
