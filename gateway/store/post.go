package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"gatehouse/channels"
	"gatehouse/configs/database"
	"gatehouse/configs/vault"
	"gatehouse/gateway"
)

// post is what a letter says, as it lies sealed.
type post struct {
	Reference string `json:"r"`
	Lang      string `json:"l"`
	Text      string `json:"x"`
}

// putPost owes a letter, sealed for the person whom it is for. An id that is known changes nothing.
func putPost(ctx context.Context, tx *database.Tx, k vault.Key, contact string, l gateway.Letter) error {
	body, err := seal(k, "post", l.ID, post{l.Reference, l.Lang, l.Text})
	if err != nil {
		return err
	}
	return tx.Send(ctx, "INSERT INTO post(id, contact, matter, at, done, clerk, body) VALUES ($1, $2, $3, $4, 0, '', $5) ON CONFLICT DO NOTHING",
		l.ID, contact, l.Matter, micros(l.At), body)
}

// byPost makes a letter of a delivery that every address of its contact refused.
func (s *Store) byPost(ctx context.Context, tx *database.Tx, d *sending) error {
	var m letter
	if err := s.read(ctx, tx, "delivery", d.id, d.body, &m); gone(err) {
		return nil
	} else if err != nil {
		return err
	}
	k, err := s.keyAbout(ctx, tx, d.contact, d.matter)
	if err != nil {
		return err
	}
	origin := d.origin
	if origin == "" {
		origin = d.id
	}
	return putPost(ctx, tx, k, d.contact, gateway.Letter{ID: origin, Matter: d.matter, Reference: m.Reference, Lang: m.Lang, Text: m.Text, At: s.cfg.Now()})
}

// Doubt implements gateway.Desk. The contact's version rises, so that a turn which began before can't write the old mark
// back.
func (s *Store) Doubt(ctx context.Context, a channels.Address, unsure bool) (known bool, err error) {
	address := s.address(clean(a))
	err = s.db.WriteWait(ctx, func(ctx context.Context, tx *database.Tx) error {
		n, err := tx.Exec(ctx, "UPDATE reach SET unsure = $1 WHERE address = $2", bit(unsure), address)
		if known = n > 0; err != nil || !known {
			return err
		}
		return tx.Send(ctx, "UPDATE contact SET version = version + 1 WHERE id = (SELECT contact FROM reach WHERE address = $1)", address)
	})
	return known, wrap("mark an address", err)
}

// Letters implements gateway.Desk.
func (s *Store) Letters(ctx context.Context, n int) ([]gateway.Letter, error) {
	var found []gateway.Letter
	var sealed [][]byte
	err := each(s.db.Read().Query(ctx, "SELECT id, contact, matter, at, body FROM post WHERE done = 0 ORDER BY at, id LIMIT $1", n))(func(scan scanner) error {
		var l gateway.Letter
		var at int64
		var body []byte
		err := scan(&l.ID, &l.Contact, &l.Matter, &at, &body)
		l.At = moment(at)
		found, sealed = append(found, l), append(sealed, body)
		return err
	})
	if err != nil {
		return nil, wrap("read letters", err)
	}
	var out []gateway.Letter
	for i, l := range found {
		var p post
		if err := s.read(ctx, s.db.Read(), "post", l.ID, sealed[i], &p); gone(err) {
			continue
		} else if err != nil {
			return nil, wrap("read letters", err)
		}
		l.Reference, l.Lang, l.Text = p.Reference, p.Lang, p.Text
		out = append(out, l)
	}
	return out, nil
}

// Posted implements gateway.Desk.
func (s *Store) Posted(ctx context.Context, id, clerk string, at time.Time) error {
	err := s.db.WriteWait(ctx, func(ctx context.Context, tx *database.Tx) error {
		return tx.Send(ctx, "UPDATE post SET done = $1, clerk = $2 WHERE id = $3 AND done = 0", micros(at), clerk, id)
	})
	return wrap("mark letter", err)
}

// Record implements gateway.Desk.
func (s *Store) Record(ctx context.Context, d gateway.Deed) error {
	err := s.db.WriteWait(ctx, func(ctx context.Context, tx *database.Tx) error {
		// Taking a number holds the counter's row until the end, so that two gateways can't go on from the same line.
		if _, err := numbers(ctx, tx, 1); err != nil {
			return err
		}
		var last gateway.Deed
		err := each(tx.Query(ctx, "SELECT number, chain FROM deed ORDER BY number DESC LIMIT 1"))(func(scan scanner) error {
			var chain []byte
			err := scan(&last.N, &chain)
			last.Chain = hex.EncodeToString(chain)
			return err
		})
		if err != nil {
			return err
		}
		d.N = last.N + 1
		return tx.Send(ctx, "INSERT INTO deed(number, at, clerk, act, subject, chain) VALUES ($1, $2, $3, $4, $5, $6)",
			d.N, micros(d.At), d.Clerk, d.Act, d.Subject, link(last.Chain, d))
	})
	return wrap("log a deed", err)
}

// link is the digest that binds a line to the one before.
func link(before string, d gateway.Deed) []byte {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%d\n%d\n%q\n%q\n%q", before, d.N, micros(d.At), d.Clerk, d.Act, d.Subject))
	return sum[:]
}

// Deeds implements gateway.Desk.
func (s *Store) Deeds(ctx context.Context, after int64, n int) ([]gateway.Deed, error) {
	var out []gateway.Deed
	last := gateway.Deed{}
	const query = "SELECT number, at, clerk, act, subject, chain FROM deed WHERE number >= $1 ORDER BY number LIMIT $2"
	err := each(s.db.Read().Query(ctx, query, after, n+1))(func(scan scanner) error {
		var d gateway.Deed
		var at int64
		var chain []byte
		if err := scan(&d.N, &at, &d.Clerk, &d.Act, &d.Subject, &chain); err != nil {
			return err
		}
		d.At, d.Chain = moment(at), hex.EncodeToString(chain)
		if d.N > after && (d.N != last.N+1 || hex.EncodeToString(link(last.Chain, d)) != d.Chain) {
			return gateway.ErrBroken
		}
		if last = d; d.N > after && len(out) < n {
			out = append(out, d)
		}
		return nil
	})
	return out, wrap("read the log", err)
}
