package store

import (
	"context"
	"errors"
	"time"

	"gatehouse/channels"
	"gatehouse/configs/database"
	"gatehouse/gateway"
)

// Learn implements gateway.Registry.
func (s *Store) Learn(ctx context.Context, w gateway.Wanted, by channels.Address) (gateway.Record, error) {
	r := gateway.Record{Wanted: w}
	var err error
	to := w.Address
	switch {
	case w.Told:
		r.Told, err = s.told(ctx, by)
		return r, wrap("read last broadcast", err)
	case w.Parked != "":
		return r, wrap("read parked mail", s.recordOfParked(ctx, &r))
	case w.Owing != "":
		return r, wrap("read what a company owes", s.recordOfOwing(ctx, &r))
	case w.Dossier != "":
		d, err := s.Dossier(ctx, w.Dossier)
		if errors.Is(err, gateway.ErrNotFound) {
			return r, nil
		}
		r.Dossier = &d
		return r, err
	}
	if w.Reference != "" {
		to, err = s.recordOfCase(ctx, &r, by)
	} else {
		err = s.recordOfAddress(ctx, &r)
	}
	if err != nil {
		return gateway.Record{}, wrap("read record", err)
	}
	if !to.IsZero() {
		r.Codes, err = s.codes(ctx, s.db.Read(), to, by, s.cfg.Now())
	}
	return r, wrap("count codes", err)
}

func (s *Store) recordOfCase(ctx context.Context, r *gateway.Record, by channels.Address) (to channels.Address, err error) {
	r.Matter, err = s.matterBy(ctx, s.db.Read(), "reference", r.Wanted.Reference)
	if errors.Is(err, gateway.ErrNotFound) {
		return to, nil
	}
	if err != nil {
		return to, err
	}
	found, err := s.contacts(ctx, s.db.Read(), []string{r.Matter.Contact})
	r.Contact = found[r.Matter.Contact]
	to, _ = gateway.OnRecord(*r, by, s.cfg.Now())
	return to, err
}

func (s *Store) recordOfAddress(ctx context.Context, r *gateway.Record) error {
	var p party
	err := eachIn(ctx, s.db.Read(), partyQuery, [][]byte{s.address(clean(r.Wanted.Address))}, func(scan scanner) error {
		var address []byte
		return scan(&address, &p.contact, &p.key)
	})
	if err != nil || p.contact == "" {
		return err
	}
	found, err := s.contacts(ctx, s.db.Read(), []string{p.contact})
	if err != nil {
		return err
	}
	r.Contact = found[p.contact]
	drafts := map[string]*gateway.Draft{}
	if err := s.drafts(ctx, s.db.Read(), []string{p.contact}, drafts); err != nil {
		return err
	}
	r.Draft = drafts[p.contact]
	all := map[string][]gateway.Matter{}
	err = s.contactMatters(ctx, s.db.Read(), []string{p.contact}, all)
	r.Matters = all[p.contact]
	return err
}

// codes counts what was sent to an address and asked for from another in the last hour and day.
func (s *Store) codes(ctx context.Context, q database.Querier, to, by channels.Address, now time.Time) (gateway.CodeCount, error) {
	var c gateway.CodeCount
	const query = `SELECT
		(SELECT count(*) FROM code WHERE target = $1 AND at > $3), (SELECT count(*) FROM code WHERE target = $1 AND at > $4),
		(SELECT count(*) FROM code WHERE asker = $2 AND at > $3), (SELECT count(*) FROM code WHERE asker = $2 AND at > $4),
		(SELECT count(*) FROM code WHERE channel = 'sms' AND at > $3)`
	err := q.QueryRow(ctx, query, s.address(to), s.address(by), micros(now.Add(-time.Hour)), micros(now.Add(-codeMemory))).
		Scan(&c.ToHour, &c.ToDay, &c.ByHour, &c.ByDay, &c.SMSHour)
	return c, err
}

// codeMemory is how long it is known that a code was sent.
const codeMemory = 24 * time.Hour

// spent tells whether one of the codes would be too many: counted by the writer, so that askers who come at once can't
// get more between them.
func (s *Store) spent(ctx context.Context, tx *database.Tx, codes []gateway.CodeSent) (bool, error) {
	for _, c := range codes {
		n, err := s.codes(ctx, tx, c.To, c.By, c.At)
		if err != nil || n.Spent(c.To.Channel) {
			return true, wrap("count codes", err)
		}
	}
	return false, nil
}

// putCodes counts the codes of an outcome, and forgets what is too old to count.
func (s *Store) putCodes(ctx context.Context, tx *database.Tx, codes []gateway.CodeSent) error {
	for _, c := range codes {
		if err := tx.Send(ctx, "DELETE FROM code WHERE at < $1", micros(c.At.Add(-codeMemory))); err != nil {
			return err
		}
		number, err := numbers(ctx, tx, 1)
		if err != nil {
			return err
		}
		err = tx.Send(ctx, "INSERT INTO code(number, target, asker, channel, at) VALUES ($1, $2, $3, $4, $5)",
			number, s.address(c.To), s.address(c.By), c.To.Channel, micros(c.At))
		if err != nil {
			return err
		}
	}
	return nil
}

// joinable tells whether the addresses that a contact is about to get are still whose the outcome took them for.
func (s *Store) joinable(c *commitment, g *scene) bool {
	for _, j := range c.Joins {
		owner := g.owners[string(s.address(clean(j.Address)))]
		st := g.contacts[owner]
		if owner != j.Contact || owner != "" && (st == nil || uint64(st.version) != j.Version) {
			return false
		}
	}
	return true
}
