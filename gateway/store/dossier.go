package store

import (
	"context"
	"fmt"

	"gatehouse/channels"
	"gatehouse/configs/database"
	"gatehouse/gateway"
)

// Dossier implements gateway.Dossiers. It reads row by row: what is written meanwhile may be in one part and not in
// another.
func (s *Store) Dossier(ctx context.Context, contact string) (gateway.Dossier, error) {
	d, err := s.dossier(ctx, s.db.Read(), contact)
	return d, wrap("read all of a person", err)
}

func (s *Store) dossier(ctx context.Context, q database.Querier, contact string) (d gateway.Dossier, err error) {
	const query = "SELECT contact FROM former WHERE id = $1 UNION SELECT contact FROM matter WHERE person = $1 AND $1 <> ''"
	if err := each(q.Query(ctx, query, contact))(func(scan scanner) error { return scan(&contact) }); err != nil {
		return d, err
	}
	known, err := s.contacts(ctx, q, []string{contact})
	if err != nil {
		return d, err
	}
	var ok bool
	if d.Contact, ok = known[contact]; !ok {
		return d, gateway.ErrNotFound
	}
	addresses := make([][]byte, len(d.Contact.Reaches))
	for i, r := range d.Contact.Reaches {
		addresses[i] = s.address(r.Address)
	}
	l, err := s.lore(ctx, q, []string{contact}, addresses)
	if err != nil {
		return d, err
	}
	d.Draft, d.Shelf, d.Matters = l.drafts[contact], l.shelf[contact], l.matters[contact]
	for i, r := range d.Contact.Reaches {
		if talk, ok := l.talks[string(addresses[i])]; ok {
			talk.Address = r.Address
			d.Talks = append(d.Talks, talk)
		}
	}
	if d.Ledger, err = s.ledger(ctx, q, d.Contact); err != nil {
		return d, err
	}
	if d.Sent, err = s.letters(ctx, q, contact); err != nil {
		return d, err
	}
	return d, s.more(ctx, q, &d)
}

// ledger reads the newest lines of a contact with their words.
func (s *Store) ledger(ctx context.Context, q database.Querier, c gateway.Contact) ([]gateway.Consent, error) {
	type line struct {
		gateway.Consent
		mark, sealed []byte
		number       int64
	}
	var lines []line
	err := each(q.Query(ctx, "SELECT number, address, purpose, list, granted, source, at, body FROM consent WHERE contact = $1 ORDER BY number DESC LIMIT $2",
		c.ID, gateway.MaxLedger))(func(scan scanner) error {
		var l line
		var at int64
		err := scan(&l.number, &l.mark, &l.Purpose, &l.List, &l.Act, &l.Source, &at, &l.sealed)
		l.At, l.Contact = moment(at), c.ID
		lines = append(lines, l)
		return err
	})
	if err != nil {
		return nil, err
	}
	known := map[string]channels.Address{}
	for _, r := range c.Reaches {
		known[string(s.address(r.Address))] = r.Address
	}
	var out []gateway.Consent
	for _, l := range lines {
		var w words
		if err := s.read(ctx, q, "consent", consentRow(l.number), l.sealed, &w); err != nil {
			return nil, err
		}
		l.Address, l.Shown, l.Said = known[string(l.mark)], w.Shown, w.Said
		out = append(out, l.Consent)
	}
	return out, nil
}

// letters reads the newest messages to a contact.
func (s *Store) letters(ctx context.Context, q database.Querier, contact string) ([]gateway.Sent, error) {
	type row struct {
		gateway.Sent
		id     string
		sealed []byte
	}
	var rows []row
	err := each(q.Query(ctx, "SELECT id, queue, matter, state, body FROM delivery WHERE contact = $1 ORDER BY number DESC LIMIT $2",
		contact, gateway.MaxSent))(func(scan scanner) error {
		var r row
		var state int
		err := scan(&r.id, &r.Queue, &r.Matter, &state, &r.sealed)
		r.State = map[int]channels.State{accepted: channels.Accepted, delivered: channels.Delivered, failed: channels.Failed}[state]
		rows = append(rows, r)
		return err
	})
	if err != nil {
		return nil, err
	}
	var out []gateway.Sent
	for _, r := range rows {
		var l letter
		if err := s.read(ctx, q, "delivery", r.id, r.sealed, &l); gone(err) {
			continue
		} else if err != nil {
			return nil, err
		}
		r.At, r.To, r.Text = moment(l.At), l.To, l.Text
		out = append(out, r.Sent)
	}
	return out, nil
}

// more counts what is held beyond the bounds.
func (s *Store) more(ctx context.Context, q database.Querier, d *gateway.Dossier) error {
	var ledger, matters, told int
	err := q.QueryRow(ctx, `SELECT (SELECT count(*) FROM consent WHERE contact = $1), (SELECT count(*) FROM matter WHERE contact = $1),
		(SELECT count(*) FROM delivery WHERE contact = $1)`, d.Contact.ID).Scan(&ledger, &matters, &told)
	if err != nil {
		return fmt.Errorf("count what is held: %w", err)
	}
	d.More = gateway.More{Ledger: max(ledger-gateway.MaxLedger, 0), Matters: max(matters-gateway.MaxMatters, 0), Sent: max(told-gateway.MaxSent, 0)}
	return nil
}

var _ gateway.Dossiers = (*Store)(nil)
