package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"gatehouse/channels"
	"gatehouse/configs/database"
	"gatehouse/exchange"
	"gatehouse/gateway"
)

// clerkMark is how a mail address is found in the register: clerks write the same box in many ways.
func (s *Store) clerkMark(address string) []byte {
	return s.vault.Mark("clerk", strings.ToLower(address))
}

// enlist brings the register in step with a publication that is newer than what was known. A company that is removed
// leaves its clerks where they are: without it they count for nothing, and it may come back.
func (s *Store) enlist(ctx context.Context, tx *database.Tx, p exchange.Publication) error {
	company, id := exchange.SplitListing(p.Name)
	switch {
	case p.Removed && id == "":
		return tx.Send(ctx, "DELETE FROM company WHERE number = $1", company)
	case p.Removed:
		return s.delist(ctx, tx, company, id)
	}
	l, err := exchange.ReadListing(p.Body)
	if err != nil {
		return fmt.Errorf("read listing: %w", err)
	}
	if id == "" {
		return s.enlistCompany(ctx, tx, company, l)
	}
	admin := 0
	if l.Admin {
		admin = 1
	}
	err = tx.Send(ctx, `INSERT INTO clerk(company, id, mark, admin, address) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (company, id) DO UPDATE SET mark = excluded.mark, admin = excluded.admin, address = excluded.address`,
		company, id, s.clerkMark(l.Address), admin, s.vault.Root().Seal("clerk", p.Name, []byte(l.Address)))
	if err != nil {
		return err
	}
	return s.wakeClerks(ctx, tx, company)
}

// delist ends what a clerk may do for a company, at once: the links to its open rows that were mailed to the clerk, and those
// that say that a parked mail is the company's. Who is left is asked anew about the mail.
func (s *Store) delist(ctx context.Context, tx *database.Tx, company, id string) error {
	var sealed []byte
	err := each(tx.Query(ctx, "SELECT address FROM clerk WHERE company = $1 AND id = $2", company, id))(func(scan scanner) error { return scan(&sealed) })
	if err != nil || sealed == nil {
		return wrap("read clerk", err)
	}
	address, err := s.vault.Root().Open("clerk", company+"/"+id, sealed)
	if err != nil {
		return fmt.Errorf("open clerk: %w", err)
	}
	mark, now := s.vault.Mark("company", company), micros(s.cfg.Now())
	for _, step := range []struct {
		query string
		args  []any
	}{
		{"DELETE FROM clerk WHERE company = $1 AND id = $2", []any{company, id}},
		{`DELETE FROM pass WHERE kind = $1 AND contact IN (SELECT contact FROM reach WHERE address = $2) AND subject IN (SELECT reference FROM matter WHERE company = $3)`,
			[]any{string(gateway.ToCorrect), s.address(channels.Address{Channel: "email", Value: string(address)}), mark}},
		{"DELETE FROM pass WHERE kind = $1 AND subject IN (SELECT id FROM parked WHERE company = $2)", []any{string(gateway.ToConfirm), mark}},
		{"UPDATE wake SET at = $1, due = $1, owner = '' WHERE kind = $2 AND subject IN (SELECT id FROM parked WHERE company = $3)", []any{now, string(gateway.WakeParked), mark}},
	} {
		if err := tx.Send(ctx, step.query, step.args...); err != nil {
			return wrap("take a clerk's links", err)
		}
	}
	return nil
}

// enlistCompany stores a company with what it owes, and wakes its clerks for that.
func (s *Store) enlistCompany(ctx context.Context, tx *database.Tx, company string, l exchange.Listing) error {
	duties := ""
	if len(l.Duties) > 0 {
		b, err := json.Marshal(l.Duties)
		if err != nil {
			return fmt.Errorf("encode duties: %w", err)
		}
		duties = string(b)
	}
	err := tx.Send(ctx, `INSERT INTO company(number, name, duties) VALUES ($1, $2, $3) ON CONFLICT (number) DO UPDATE SET name = excluded.name, duties = excluded.duties`,
		company, s.vault.Root().Seal("company", company, []byte(l.Company)), duties)
	if err != nil {
		return err
	}
	return s.wakeClerks(ctx, tx, company)
}

// wakeClerks has the dispatcher look at what is to be reminded of, for each clerk of a company that owes something. A look
// that is due already stays so: what has come since the last one is not lost.
func (s *Store) wakeClerks(ctx context.Context, tx *database.Tx, company string) error {
	var clerks []gateway.Registered
	err := each(tx.Query(ctx, registeredQuery+"k.company = $1 AND c.duties <> ''", company))(func(scan scanner) error {
		_, r, err := s.listing(scan)
		clerks = append(clerks, r)
		return err
	})
	now := micros(s.cfg.Now())
	for _, c := range clerks {
		var p party
		if err == nil {
			p, err = s.contactAt(ctx, tx, channels.Address{Channel: "email", Value: c.Address})
		}
		if err != nil {
			break
		}
		err = tx.Send(ctx, `INSERT INTO wake(contact, kind, subject, at, due, owner, fence, attempt, failed, aside) VALUES ($1, $2, $3, $4, $4, '', 0, 0, 0, 0)
			ON CONFLICT (contact, kind, subject) DO UPDATE SET at = CASE WHEN wake.at < excluded.at THEN wake.at ELSE excluded.at END,
			due = excluded.due, owner = '', aside = 0`, p.contact, string(gateway.WakeDue), company, now)
	}
	return wrap("wake clerks", err)
}

// contactAt gives whose a mail address is, a newcomer's if nobody has written from it.
func (s *Store) contactAt(ctx context.Context, tx *database.Tx, at channels.Address) (p party, err error) {
	a := &acceptance{from: at, address: s.address(at)}
	err = eachIn(ctx, tx, partyQuery, [][]byte{a.address}, func(scan scanner) error {
		var address []byte
		return scan(&address, &p.contact, &p.key)
	})
	if err != nil || p.contact != "" {
		return p, err
	}
	return s.welcome(ctx, tx, a)
}

// maxDeclared bounds what is read of a company's declarations.
const maxDeclared = 1000

// recordOfOwing reads who the clerks of a company are, and what it declared.
func (s *Store) recordOfOwing(ctx context.Context, r *gateway.Record) (err error) {
	if r.Clerks, err = s.Clerks(ctx, r.Wanted.Owing); err != nil {
		return err
	}
	return each(s.db.Read().Query(ctx, "SELECT declared FROM matter WHERE company = $1 ORDER BY filed DESC LIMIT $2",
		s.vault.Mark("company", r.Wanted.Owing), maxDeclared))(func(scan scanner) error {
		var what string
		err := scan(&what)
		r.Declared = append(r.Declared, what)
		return err
	})
}

const registeredQuery = `SELECT k.mark, k.company, k.id, k.admin, k.address, c.name, c.duties FROM clerk k JOIN company c ON c.number = k.company WHERE `

// registered gives what the register says of addresses, by their marks.
func (s *Store) registered(ctx context.Context, q database.Querier, marks [][]byte) (map[string][]gateway.Registered, error) {
	found := map[string][]gateway.Registered{}
	err := eachIn(ctx, q, registeredQuery+"k.mark IN %", marks, func(scan scanner) error {
		mark, r, err := s.listing(scan)
		found[mark] = append(found[mark], r)
		return err
	})
	return found, wrap("read register", err)
}

func (s *Store) listing(scan scanner) (mark string, r gateway.Registered, err error) {
	var m, address, name []byte
	var id, duties string
	var admin int64
	if err := scan(&m, &r.Company, &id, &admin, &address, &name, &duties); err != nil {
		return "", r, err
	}
	if duties != "" {
		if err := json.Unmarshal([]byte(duties), &r.Duties); err != nil {
			return "", r, fmt.Errorf("decode duties: %w", err)
		}
	}
	plain, err := s.vault.Root().Open("clerk", r.Company+"/"+id, address)
	if err != nil {
		return "", r, fmt.Errorf("open clerk: %w", err)
	}
	title, err := s.vault.Root().Open("company", r.Company, name)
	if err != nil {
		return "", r, fmt.Errorf("open company: %w", err)
	}
	r.Address, r.Name, r.Admin = string(plain), string(title), admin == 1
	return string(m), r, nil
}

// enrolled gives each mail's turn the register's lines of its sender, and no other turn any.
func (s *Store) enrolled(ctx context.Context, q database.Querier, turns []gateway.Turn) error {
	var marks [][]byte
	for _, t := range turns {
		if t.Message.From.Channel == "email" {
			marks = append(marks, s.clerkMark(t.Message.From.Value))
		}
	}
	found, err := s.registered(ctx, q, marks)
	for i := range turns {
		if m := &turns[i].Message; m.From.Channel == "email" {
			turns[i].Register = found[string(s.clerkMark(m.From.Value))]
		}
	}
	return err
}

// Clerks implements gateway.Register.
func (s *Store) Clerks(ctx context.Context, company string) ([]gateway.Registered, error) {
	var all []gateway.Registered
	err := each(s.db.Read().Query(ctx, registeredQuery+"k.company = $1", company))(func(scan scanner) error {
		_, r, err := s.listing(scan)
		all = append(all, r)
		return err
	})
	return all, wrap("read clerks", err)
}

var _ gateway.Register = (*Store)(nil)
