package store

import (
	"context"
	"errors"
	"slices"

	"gatehouse/configs/database"
	"gatehouse/configs/vault"
	"gatehouse/gateway"
)

// What a helper files for somebody else is sealed under that person's key, so that it ends with it and outlives the
// helper's.

func personOwner(id string) string { return "person:" + id }

// personKeys are the keys of the persons whom an outcome speaks of.
type personKeys struct {
	byPerson map[string]vault.Key
	byMatter map[string]string // the person of a case
	gone     []int64           // keys that the outcome ends
}

// keyFor is what seals a case, and what is told of it: its person's key, else the contact's.
func (c *commitment) keyFor(matter string) vault.Key {
	if k, ok := c.persons.byPerson[c.persons.byMatter[matter]]; ok {
		return k
	}
	return c.key
}

func (s *Store) preparePersons(ctx context.Context, c *commitment) error {
	c.persons = personKeys{byPerson: map[string]vault.Key{}, byMatter: map[string]string{}}
	for _, m := range c.Matters {
		if m.For == "" {
			continue
		}
		c.persons.byMatter[m.ID] = m.For
		if _, ok := c.persons.byPerson[m.For]; ok {
			continue
		}
		k, _, err := s.ownerKey(ctx, s.db.Read(), personOwner(m.For))
		if err != nil {
			return err
		}
		c.persons.byPerson[m.For] = k
	}
	for _, id := range c.Gone {
		k, stored, err := s.ownerKey(ctx, s.db.Read(), personOwner(id))
		if err != nil {
			return err
		}
		if stored {
			c.persons.gone = append(c.persons.gone, k.ID)
		}
	}
	return nil
}

func (p personKeys) put(ctx context.Context, tx *database.Tx) error {
	for id, k := range p.byPerson {
		if err := putKey(ctx, tx, personOwner(id), k); err != nil {
			return err
		}
	}
	return nil
}

// matterKey is the stored key that seals a case.
func (s *Store) matterKey(ctx context.Context, q database.Querier, m gateway.Matter) (vault.Key, bool, error) {
	if m.For != "" {
		return s.ownerKey(ctx, q, personOwner(m.For))
	}
	return s.contactKey(ctx, q, m.Contact)
}

// keyAbout is matterKey for what is told of a case; a case that is no more, or none, gives the contact's.
func (s *Store) keyAbout(ctx context.Context, q database.Querier, contact, matter string) (vault.Key, error) {
	m := gateway.Matter{Contact: contact}
	err := each(q.Query(ctx, "SELECT person FROM matter WHERE id = $1", matter))(func(scan scanner) error { return scan(&m.For) })
	if err != nil {
		return vault.Key{}, wrap("read whose a case is", err)
	}
	k, _, err := s.matterKey(ctx, q, m)
	return k, err
}

// endPersons takes persons out of the store whom somebody helped, in the transaction of the outcome: first their keys.
// What was heard and answered on the helper's addresses till now may name them, so it goes with them; what waits at the
// border has keys of its own, which end with its Ack.
func (s *Store) endPersons(ctx context.Context, tx *database.Tx, c *commitment) error {
	if len(c.Gone) == 0 {
		return nil
	}
	for _, id := range c.Gone {
		if err := s.endPerson(ctx, tx, c.contact, id); err != nil {
			return err
		}
	}
	if err := s.dropSaid(ctx, tx, c.contact); err != nil {
		return err
	}
	for _, query := range []string{
		"DELETE FROM inbound WHERE contact = $1 AND state = 1",
		"DELETE FROM delivery WHERE contact = $1 AND state > 0 AND line = 0",
	} {
		if _, err := tx.Exec(ctx, query, c.contact); err != nil {
			return wrap("end what was said", err)
		}
	}
	_, err := tx.Exec(ctx, "UPDATE delivery SET body = $2 WHERE contact = $1 AND state > 0 AND line > 0", c.contact, []byte{})
	return wrap("end what was said", err)
}

// dropSaid lets the files go of what was heard and answered.
func (s *Store) dropSaid(ctx context.Context, tx *database.Tx, contact string) error {
	owners := []string{}
	err := each(tx.Query(ctx, "SELECT mark FROM inbound WHERE contact = $1 AND state = 1", contact))(func(scan scanner) error {
		var mark []byte
		err := scan(&mark)
		owners = append(owners, inboundOwner(mark))
		return err
	})
	err = errors.Join(err, each(tx.Query(ctx, "SELECT id FROM delivery WHERE contact = $1 AND state > 0", contact))(func(scan scanner) error {
		var id string
		err := scan(&id)
		owners = append(owners, deliveryOwner(id))
		return err
	}))
	for _, o := range owners {
		err = errors.Join(err, dropHolder(ctx, tx, o))
	}
	return wrap("let files go", err)
}

// casesOfPerson are the ids of a person's cases.
const casesOfPerson = "(SELECT id FROM matter WHERE contact = $1 AND person = $2)"

func (s *Store) endPerson(ctx context.Context, tx *database.Tx, contact, id string) error {
	if err := destroyKeys(ctx, tx, personOwner(id)); err != nil {
		return err
	}
	var owners []string
	const held = `SELECT h.owner FROM holder h WHERE h.owner IN (SELECT 'delivery:' || id FROM delivery WHERE matter IN ` + casesOfPerson + `
		UNION SELECT 'matter:' || id FROM matter WHERE contact = $1 AND person = $2)`
	err := each(tx.Query(ctx, held, contact, id))(func(scan scanner) error {
		var o string
		err := scan(&o)
		owners = append(owners, o)
		return err
	})
	for _, o := range slices.Compact(owners) {
		err = errors.Join(err, dropHolder(ctx, tx, o))
	}
	if err != nil {
		return wrap("let files of a person go", err)
	}
	for _, query := range []string{
		"UPDATE parcel SET told = 1 WHERE matter IN " + casesOfPerson,
		"DELETE FROM owed WHERE number IN (SELECT number FROM delivery WHERE matter IN " + casesOfPerson + ")",
		"DELETE FROM delivery WHERE line = 0 AND matter IN " + casesOfPerson,
		"DELETE FROM post WHERE matter IN " + casesOfPerson,
		"DELETE FROM wake WHERE subject IN " + casesOfPerson,
		"UPDATE attestation SET body = NULL, matter = '' WHERE matter IN " + casesOfPerson,
		"DELETE FROM correction WHERE matter IN " + casesOfPerson,
		"DELETE FROM matter WHERE contact = $1 AND person = $2",
	} {
		if _, err := tx.Exec(ctx, query, contact, id); err != nil {
			return wrap("end a person", err)
		}
	}
	return oweAgain(ctx, tx, contact)
}

// oweAgain lets the next delivery of an address go on where the row that stood for it went.
func oweAgain(ctx context.Context, tx *database.Tx, contact string) error {
	_, err := tx.Exec(ctx, `INSERT INTO owed(queue, address, number, due, owner, fence, attempt, since)
		SELECT queue, address, min(number), min(due), '', 0, 0, 0 FROM delivery WHERE contact = $1 AND state = 0
		GROUP BY queue, address ON CONFLICT DO NOTHING`, contact)
	return wrap("owe again", err)
}

// remains is the contact that goes on after its helper was forgotten, sealed.
type remains struct {
	key     vault.Key
	body    []byte
	reaches []reachRow
}

func (s *Store) prepareRemains(c *commitment) (err error) {
	if c.Remains == nil {
		return nil
	}
	r := &remains{}
	if r.key, err = s.vault.NewKey(s.cfg.Now()); err != nil {
		return err
	}
	if r.body, err = seal(r.key, "contact", c.Remains.ID, toPerson(*c.Remains)); err != nil {
		return err
	}
	for _, reach := range c.Remains.Reaches {
		row := reachRow{Reach: reach, address: s.address(reach.Address)}
		if row.body, err = seal(r.key, "reach", name(row.address), reach.Address); err != nil {
			return err
		}
		r.reaches = append(r.reaches, row)
	}
	c.remains = r
	return nil
}

// moveRemains gives the cases of those who were helped to the contact that goes on, with what is still to be told of
// them. All of it is sealed under their own keys.
func (s *Store) moveRemains(ctx context.Context, tx *database.Tx, c *commitment) error {
	if c.Remains == nil {
		return nil
	}
	const theirs = "(SELECT id FROM matter WHERE contact = $1 AND person <> '')"
	for _, query := range []string{
		"DELETE FROM owed WHERE number IN (SELECT number FROM delivery WHERE contact = $1 AND $2 <> '')",
		"UPDATE delivery SET contact = $2 WHERE contact = $1 AND queue = 'notice' AND matter IN " + theirs,
		"UPDATE post SET contact = $2 WHERE contact = $1 AND matter IN " + theirs,
		"UPDATE wake SET contact = $2, due = at, owner = '' WHERE contact = $1 AND subject IN " + theirs,
		"UPDATE matter SET contact = $2 WHERE contact = $1 AND person <> ''",
	} {
		if _, err := tx.Exec(ctx, query, c.contact, c.Remains.ID); err != nil {
			return wrap("move cases of persons", err)
		}
	}
	return nil
}

// putRemains stores the contact that goes on. Its addresses are somebody's again.
func (s *Store) putRemains(ctx context.Context, tx *database.Tx, c *commitment) error {
	if c.remains == nil {
		return nil
	}
	id, r := c.Remains.ID, c.remains
	err := errors.Join(putKey(ctx, tx, "contact:"+id, r.key),
		tx.Send(ctx, "INSERT INTO contact(id, key, version, body) VALUES ($1, $2, 1, $3)", id, r.key.ID, r.body))
	for _, row := range r.reaches {
		err = errors.Join(err, putReach(ctx, tx, id, row), tx.Send(ctx, "DELETE FROM suppressed WHERE address = $1", row.address))
	}
	if err != nil {
		return err
	}
	return oweAgain(ctx, tx, id)
}
