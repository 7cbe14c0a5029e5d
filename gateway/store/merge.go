package store

import (
	"context"

	"gatehouse/configs/database"
)

// merge takes over the contacts whose addresses this one names now: rows change hands, and so do the keys that sealed
// them. A message of theirs that is being answered is claimed again, in its place among this contact's; an outcome of
// theirs later in the same group is lost, since they are no more.
func (s *Store) merge(ctx context.Context, tx *database.Tx, c *commitment, g *scene) error {
	c.merged = false
	owners := g.owners
	for _, r := range c.reaches {
		other, ok := owners[string(r.address)]
		if !ok || other == c.contact {
			owners[string(r.address)] = c.contact
			continue
		}
		if err := s.takeOver(ctx, tx, c.contact, other); err != nil {
			return err
		}
		c.merged = true
		delete(g.contacts, other)
		for address, owner := range owners {
			if owner == other {
				owners[address] = c.contact
			}
		}
	}
	return nil
}

func (s *Store) takeOver(ctx context.Context, tx *database.Tx, contact, other string) error {
	for _, query := range []string{
		"DELETE FROM turn WHERE contact = $2 AND $1 <> ''",
		"INSERT INTO member(list, contact, address) SELECT list, $1, address FROM member WHERE contact = $2 ON CONFLICT DO NOTHING",
		"DELETE FROM member WHERE contact = $2 AND $1 <> ''",
		"UPDATE draft SET contact = $1 WHERE contact = $2 AND NOT EXISTS (SELECT 1 FROM draft WHERE contact = $1)",
		"INSERT INTO shelf(id, contact, touched, body) SELECT id, $1, touched, body FROM draft WHERE contact = $2",
		"DELETE FROM draft WHERE contact = $2 AND $1 <> ''",
		"UPDATE shelf SET contact = $1 WHERE contact = $2",
		"DELETE FROM wake WHERE contact = $2 AND EXISTS (SELECT 1 FROM wake w WHERE w.contact = $1 AND w.kind = wake.kind AND w.subject = wake.subject)",
		"UPDATE wake SET contact = $1, due = at, owner = '' WHERE contact = $2",
		"UPDATE reach SET contact = $1 WHERE contact = $2",
		"UPDATE conversation SET contact = $1 WHERE contact = $2",
		"UPDATE matter SET contact = $1 WHERE contact = $2",
		"UPDATE inbound SET contact = $1 WHERE contact = $2",
		"UPDATE delivery SET contact = $1 WHERE contact = $2",
		"UPDATE recipient SET state = 6, reason = 'merged' WHERE contact = $2 AND state = 0 AND EXISTS (SELECT 1 FROM recipient r WHERE r.campaign = recipient.campaign AND r.contact = $1)",
		"UPDATE recipient SET contact = $1 WHERE contact = $2 AND NOT EXISTS (SELECT 1 FROM recipient r WHERE r.campaign = recipient.campaign AND r.contact = $1)",
		"UPDATE post SET contact = $1 WHERE contact = $2",
		"UPDATE consent SET contact = $1 WHERE contact = $2",
		"UPDATE pass SET contact = $1 WHERE contact = $2",
		"UPDATE parked SET contact = $1 WHERE contact = $2",
		"INSERT INTO nod(broadcast, contact, said, at) SELECT broadcast, $1, said, at FROM nod WHERE contact = $2 ON CONFLICT (broadcast, contact) DO UPDATE SET said = nod.said + excluded.said",
		"DELETE FROM nod WHERE contact = $2 AND $1 <> ''",
		"UPDATE key SET owner = 'contact:' || $1 WHERE owner = 'contact:' || $2",
		"UPDATE former SET contact = $1 WHERE contact = $2",
		"INSERT INTO former(id, contact) VALUES ($2, $1) ON CONFLICT (id) DO UPDATE SET contact = excluded.contact",
		"DELETE FROM contact WHERE id = $2 AND $1 <> ''",
		"UPDATE counter SET value = value + 1 WHERE name = 'merge' AND $1 <> $2",
	} {
		if _, err := tx.Exec(ctx, query, contact, other); err != nil {
			return wrap("merge contacts", err)
		}
	}
	return tx.Send(ctx, `INSERT INTO turn(contact, number, due, owner, fence, attempt, failed)
		SELECT $1, min(number), CAST($2 AS BIGINT), '', 0, 0, 0 FROM inbound WHERE contact = $1 AND state = 0 HAVING count(*) > 0 ON CONFLICT DO NOTHING`,
		contact, micros(s.cfg.Now()))
}
