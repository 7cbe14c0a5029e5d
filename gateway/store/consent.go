package store

import (
	"context"
	"fmt"
	"time"

	"gatehouse/channels"
	"gatehouse/configs/database"
	"gatehouse/gateway"
	"gatehouse/gateway/consent"
)

var consentBulk = bulk{"INSERT INTO consent(number, contact, address, list, granted, source, at, body, purpose)", "", 9}

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
		row := []any{*next, contact, address, v.List, int64(v.Act), string(v.Source), micros(v.At), body, string(purpose(v))}
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

func purpose(v gateway.Consent) consent.Purpose {
	if v.Purpose == "" {
		return consent.List
	}
	return v.Purpose
}

// standing gives what the ledgers of contacts add up to, without the words. Addresses are those of the contact: a line
// on one that is not theirs any more says nothing now.
func (s *Store) standing(ctx context.Context, q database.Querier, contacts []string) (map[string][]standingLine, error) {
	out := map[string][]standingLine{}
	const query = `SELECT c.contact, c.address, c.purpose, c.list, c.granted, c.source, c.at FROM consent c WHERE c.contact IN % AND NOT EXISTS
		(SELECT 1 FROM consent n WHERE n.contact = c.contact AND n.purpose = c.purpose AND n.list = c.list AND n.address = c.address AND n.number > c.number)
		ORDER BY c.contact, c.number`
	err := eachIn(ctx, q, query, contacts, func(scan scanner) error {
		var l standingLine
		var contact string
		var at int64
		err := scan(&contact, &l.mark, &l.Purpose, &l.List, &l.Act, &l.Source, &at)
		l.At, l.Contact = moment(at), contact
		out[contact] = append(out[contact], l)
		return err
	})
	return out, wrap("read ledger", err)
}

// standingLine is a line whose address is still a mark.
type standingLine struct {
	gateway.Consent
	mark []byte
}

// addressed puts the addresses of a contact into its lines.
func (s *Store) addressed(c gateway.Contact, lines []standingLine) []gateway.Consent {
	if len(lines) == 0 {
		return nil
	}
	known := map[string]channels.Address{}
	for _, r := range c.Reaches {
		known[string(s.address(r.Address))] = r.Address
	}
	out := make([]gateway.Consent, 0, len(lines))
	for _, l := range lines {
		if a, ok := known[string(l.mark)]; ok {
			l.Address = a
			out = append(out, l.Consent)
		}
	}
	return out
}

// withdraw notes in the ledger that a carrier refuses what we send there: it heard a STOP that we did not.
func (s *Store) withdraw(ctx context.Context, tx *database.Tx, contact string, key int64, address []byte, at time.Time) error {
	n, err := numbers(ctx, tx, 2)
	if err != nil {
		return err
	}
	sealer, err := s.key(ctx, tx, key)
	if err != nil {
		return err
	}
	for i, p := range []consent.Purpose{consent.List, consent.Service} {
		number := n + int64(i)
		w, err := seal(sealer, "consent", consentRow(number), words{})
		if err != nil {
			return err
		}
		row := []any{number, contact, address, consent.Everything, int64(consent.Withdrawn), string(consent.Carrier), micros(at), w, string(p)}
		if err := consentBulk.send(ctx, tx, [][]any{row}); err != nil {
			return err
		}
	}
	return nil
}

// putMember joins or leaves a list. A word on everything leaves the lists as they are: the address is silent while it
// is stopped, and START brings back what there was.
func putMember(ctx context.Context, tx *database.Tx, contact string, address []byte, v gateway.Consent) error {
	switch {
	case v.List == consent.Everything || purpose(v) != consent.List:
		return nil
	case v.Act == consent.Granted:
		return tx.Send(ctx, "INSERT INTO member(list, contact, address) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", v.List, contact, address)
	case v.Address.IsZero():
		return tx.Send(ctx, "DELETE FROM member WHERE list = $1 AND contact = $2", v.List, contact)
	}
	return tx.Send(ctx, "DELETE FROM member WHERE list = $1 AND contact = $2 AND address = $3", v.List, contact, address)
}
