package store

import (
	"context"

	"gatehouse/configs/database"
)

// part takes addresses away from a contact. A mark of each stays with what was said of STOP there, and since an address
// changed hands, nobody trusts any more what they remember of it. Links that nobody opened yet end, for some speak for it; and
// what a web session was told till now is not shown there again. Its rows stay, empty: its lines go on being numbered.
func (s *Store) part(ctx context.Context, tx *database.Tx, c *commitment) error {
	for _, gone := range c.Leaves {
		address := s.address(clean(gone))
		for _, query := range []string{
			`INSERT INTO suppressed(address, stopped, blocked, at) SELECT address, stopped, blocked, heard FROM reach WHERE address = $1 AND contact = $2
				ON CONFLICT (address) DO UPDATE SET stopped = excluded.stopped, blocked = excluded.blocked, at = excluded.at`,
			"DELETE FROM member WHERE address = $1 AND contact = $2",
			"DELETE FROM conversation WHERE address = $1 AND contact = $2",
			"DELETE FROM reach WHERE address = $1 AND contact = $2",
		} {
			if _, err := tx.Exec(ctx, query, address, c.contact); err != nil {
				return wrap("take an address apart", err)
			}
		}
		if err := tx.Send(ctx, "UPDATE delivery SET body = $3 WHERE address = $1 AND contact = $2 AND line > 0 AND state > 0", address, c.contact, []byte{}); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "DELETE FROM pass WHERE contact = $1 AND used = 0", c.contact); err != nil {
			return wrap("take an address apart", err)
		}
		if _, err := tx.Exec(ctx, "UPDATE counter SET value = value + 1 WHERE name = 'merge'"); err != nil {
			return wrap("take an address apart", err)
		}
	}
	return nil
}
