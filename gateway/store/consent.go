package store

import (
	"context"
	"fmt"

	"gatehouse/configs/database"
	"gatehouse/gateway"
)

var consentBulk = bulk{"INSERT INTO consent(number, contact, address, list, granted, source, at, body)", "", 8}

func consentRow(number int64) string { return fmt.Sprint(number) }

// putConsents writes the ledger and keeps the lists in step with it.
func (s *Store) putConsents(ctx context.Context, tx *database.Tx, c *commitment, next *int64) error {
	for _, v := range c.Consents {
		contact := c.contact
		body, err := seal(c.key, "consent", consentRow(*next), words{v.Shown, v.Said})
		if err != nil {
			return err
		}
		address := s.address(v.Address)
		row := []any{*next, contact, address, v.List, bit(v.Granted), v.Source, micros(v.At), body}
		*next++
		if err := consentBulk.send(ctx, tx, [][]any{row}); err != nil {
			return err
		}
		if err := putMember(ctx, tx, contact, address, v); err != nil {
			return err
		}
	}
	return nil
}

// putMember joins or leaves a list. A word on everything leaves the lists as they are: the address is silent while it
// is stopped, and START brings back what there was.
func putMember(ctx context.Context, tx *database.Tx, contact string, address []byte, v gateway.Consent) error {
	switch {
	case v.List == everything:
		return nil
	case v.Granted:
		return tx.Send(ctx, "INSERT INTO member(list, contact, address) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", v.List, contact, address)
	case v.Address.IsZero():
		return tx.Send(ctx, "DELETE FROM member WHERE list = $1 AND contact = $2", v.List, contact)
	}
	return tx.Send(ctx, "DELETE FROM member WHERE list = $1 AND contact = $2 AND address = $3", v.List, contact, address)
}
