package store

import (
	"context"

	"gatehouse/configs/database"
	"gatehouse/exchange"
	"gatehouse/gateway"
)

// parkedForm is what a parked mail holds beyond its columns; the mail itself stays where it was accepted.
type parkedForm struct {
	Company string `json:"c"`
	Service string `json:"s"`
	Until   int64  `json:"u"`
}

// park keeps that the claimed mail waits, or ends that.
func (s *Store) park(ctx context.Context, tx *database.Tx, c *commitment) error {
	if c.Unpark != "" {
		if err := tx.Send(ctx, "DELETE FROM parked WHERE id = $1", c.Unpark); err != nil {
			return err
		}
	}
	if c.Park == nil {
		return nil
	}
	body, err := seal(c.key, "parked", c.Park.ID, parkedForm{c.Park.Company, c.Park.Service, micros(c.Park.Until)})
	if err != nil {
		return err
	}
	return tx.Send(ctx, "INSERT INTO parked(id, contact, inbound, company, at, body) VALUES ($1, $2, $3, $4, $5, $6)",
		c.Park.ID, c.contact, c.mark, s.vault.Mark("company", c.Park.Company), micros(s.cfg.Now()), body)
}

// recordOfParked reads a mail that waits, who may say that it is the company's, and how many of the company's came today.
func (s *Store) recordOfParked(ctx context.Context, r *gateway.Record) error {
	var mark, company, body, mail []byte
	q := s.db.Read()
	err := each(q.Query(ctx, `SELECT p.inbound, p.company, p.body, i.body FROM parked p JOIN inbound i ON i.mark = p.inbound WHERE p.id = $1`, r.Wanted.Parked))(
		func(scan scanner) error { return scan(&mark, &company, &body, &mail) })
	if err != nil || mail == nil {
		return err
	}
	var w parkedForm
	if err := s.read(ctx, q, "parked", r.Wanted.Parked, body, &w); err != nil {
		return err
	}
	var l letter
	if err := s.read(ctx, q, "inbound", name(mark), mail, &l); err != nil {
		return err
	}
	r.Parked = &gateway.Parked{ID: r.Wanted.Parked, Company: w.Company, Service: w.Service, Until: moment(w.Until), Message: s.message(l)}
	if r.Clerks, err = s.Clerks(ctx, w.Company); err != nil {
		return err
	}
	return q.QueryRow(ctx, "SELECT count(*) FROM parked WHERE company = $1 AND at > $2", company, micros(s.cfg.Now().Add(-codeMemory))).Scan(&r.ParkedToday)
}

// Waiting counts what waits outside for companies: parked mails, and declarations of which nothing has crossed. A company
// that the inside did not publish is not named.
func (s *Store) Waiting(ctx context.Context) (w exchange.Waiting, err error) {
	w = exchange.Waiting{Parked: map[string]int64{}, Held: map[string]int64{}}
	q := s.db.Read()
	type count struct {
		company []byte
		n       int64
	}
	var parked, held []count
	err = each(q.Query(ctx, "SELECT company, count(*), min(at) FROM parked GROUP BY company"))(func(scan scanner) error {
		var c count
		var at int64
		err := scan(&c.company, &c.n, &at)
		if parked = append(parked, c); w.Oldest.IsZero() || moment(at).Before(w.Oldest) {
			w.Oldest = moment(at)
		}
		return err
	})
	if err != nil {
		return w, wrap("count parked mails", err)
	}
	err = each(q.Query(ctx, `SELECT m.company, count(*) FROM correction c JOIN matter m ON m.id = c.matter
		WHERE m.company IS NOT NULL AND m.state = 'queued' AND NOT EXISTS (SELECT 1 FROM parcel p WHERE p.matter = m.id) GROUP BY m.company`))(func(scan scanner) error {
		var c count
		err := scan(&c.company, &c.n)
		held = append(held, c)
		return err
	})
	if err != nil || len(parked)+len(held) == 0 {
		return w, wrap("count held declarations", err)
	}
	known := map[string]string{}
	err = each(q.Query(ctx, "SELECT number FROM company"))(func(scan scanner) error {
		var number string
		err := scan(&number)
		known[string(s.vault.Mark("company", number))] = number
		return err
	})
	for _, c := range parked {
		w.Parked[known[string(c.company)]] += c.n
	}
	for _, c := range held {
		w.Held[known[string(c.company)]] += c.n
	}
	return w, wrap("read companies", err)
}
