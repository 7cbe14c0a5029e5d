package store

import (
	"context"
	"fmt"
	"strings"

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
		return tx.Send(ctx, "DELETE FROM clerk WHERE company = $1 AND id = $2", company, id)
	}
	l, err := exchange.ReadListing(p.Body)
	if err != nil {
		return fmt.Errorf("read listing: %w", err)
	}
	if id == "" {
		return tx.Send(ctx, `INSERT INTO company(number, name) VALUES ($1, $2) ON CONFLICT (number) DO UPDATE SET name = excluded.name`,
			company, s.vault.Root().Seal("company", company, []byte(l.Company)))
	}
	admin := 0
	if l.Admin {
		admin = 1
	}
	return tx.Send(ctx, `INSERT INTO clerk(company, id, mark, admin, address) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (company, id) DO UPDATE SET mark = excluded.mark, admin = excluded.admin, address = excluded.address`,
		company, id, s.clerkMark(l.Address), admin, s.vault.Root().Seal("clerk", p.Name, []byte(l.Address)))
}

const registeredQuery = `SELECT k.mark, k.company, k.id, k.admin, k.address, c.name FROM clerk k JOIN company c ON c.number = k.company WHERE `

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
	var id string
	var admin int64
	if err := scan(&m, &r.Company, &id, &admin, &address, &name); err != nil {
		return "", r, err
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
