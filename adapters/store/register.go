package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"gatehouse/adapters"
	"gatehouse/configs/database"
	"gatehouse/exchange"
)

// Names that bind sealed values to their rows, and the sort of the keyed mark of a clerk's address.
const (
	companiesTable  = "companies"
	enrolmentsTable = "enrolments"
	clerkMark       = "clerk"
)

func (s *Store) sealRow(table, row string, v any) []byte {
	return s.vault.Root().Seal(table, row, []byte(encode(v)))
}

// unseal scans a row's name and its sealed value.
func unseal[T any](s *Store, table string) func(row) (T, error) {
	return func(r row) (v T, err error) {
		var name string
		var sealed []byte
		if err := r.Scan(&name, &sealed); err != nil {
			return v, err
		}
		plain, err := s.vault.Root().Open(table, name, sealed)
		if err != nil {
			return v, fmt.Errorf("open %s: %w", table, err)
		}
		if err := json.Unmarshal(plain, &v); err != nil {
			return v, fmt.Errorf("decode %s: %w", table, err)
		}
		return v, nil
	}
}

// Company gives one by its number.
func (s *Store) Company(ctx context.Context, number string) (adapters.Company, error) {
	c, err := s.company(ctx, s.db.Read(), number)
	return c, wrap("read company", err)
}

func (s *Store) company(ctx context.Context, q database.Querier, number string) (adapters.Company, error) {
	return one(ctx, q, unseal[adapters.Company](s, companiesTable), `SELECT number, sealed FROM companies WHERE number = $1`, number)
}

// Companies lists by name those that have all the words, or one whose clerk has words as address.
func (s *Store) Companies(ctx context.Context, words string, limit, skip int) ([]adapters.Company, bool, error) {
	var c clause
	if strings.Contains(words, "@") {
		c.and("number IN (SELECT number FROM clerks WHERE mark = ?)", s.clerkMark(words))
	} else {
		c.found(companies, "number", words)
	}
	c.args = append(c.args, limit+1, max(skip, 0))
	page, err := list(ctx, s.db.Read(), unseal[adapters.Company](s, companiesTable), `SELECT number, sealed FROM companies`+c.where()+
		` ORDER BY name, number LIMIT `+placeholder(len(c.args)-1)+` OFFSET `+placeholder(len(c.args)), c.args...)
	more := len(page) > limit
	return page[:min(len(page), limit)], more, wrap("list companies", err)
}

func (s *Store) clerkMark(address string) []byte {
	return s.vault.Mark(clerkMark, strings.ToLower(strings.TrimSpace(address)))
}

// Enrol stores a change that waits.
func (s *Store) Enrol(ctx context.Context, e adapters.Enrolment) error {
	return s.write(ctx, "enrol", func(ctx context.Context, tx *database.Tx) error { return s.saveEnrolment(ctx, tx, e) })
}

func (s *Store) saveEnrolment(ctx context.Context, tx *database.Tx, e adapters.Enrolment) error {
	return tx.Send(ctx, `INSERT INTO enrolments (id, state, at, sealed) VALUES ($1, $2, $3, $4)
		ON CONFLICT (id) DO UPDATE SET state = excluded.state, sealed = excluded.sealed`,
		e.ID, string(e.State), micros(e.At), s.sealRow(enrolmentsTable, e.ID, e))
}

// Enrolments lists those that wait, oldest first.
func (s *Store) Enrolments(ctx context.Context, n int) ([]adapters.Enrolment, error) {
	all, err := list(ctx, s.db.Read(), unseal[adapters.Enrolment](s, enrolmentsTable),
		`SELECT id, sealed FROM enrolments WHERE state = 'proposed' ORDER BY at, id LIMIT $1`, n)
	return all, wrap("list enrolments", err)
}

// Enrolment gives one.
func (s *Store) Enrolment(ctx context.Context, id string) (adapters.Enrolment, error) {
	e, err := s.enrolment(ctx, s.db.Read(), id)
	return e, wrap("read enrolment", err)
}

func (s *Store) enrolment(ctx context.Context, q database.Querier, id string) (adapters.Enrolment, error) {
	return one(ctx, q, unseal[adapters.Enrolment](s, enrolmentsTable), `SELECT id, sealed FROM enrolments WHERE id = $1`, id)
}

// settleEnrolment ends one that waits. What it asked for goes with it: the register has what was taken.
func (s *Store) settleEnrolment(ctx context.Context, tx *database.Tx, id, second, why string, as adapters.DraftState) error {
	e, err := s.enrolment(ctx, tx, id)
	switch {
	case err != nil:
		return err
	case e.State != adapters.Proposed:
		return adapters.ErrGone
	case e.By == second && as == adapters.Published:
		return adapters.ErrSamePerson
	}
	e.State, e.Second, e.Why, e.Companies = as, second, why, nil
	return s.saveEnrolment(ctx, tx, e)
}

// Enter stores companies as they are from now on, and what crosses of it.
func (s *Store) Enter(ctx context.Context, id, second string, all []adapters.Company, say []exchange.Parcel) error {
	return s.write(ctx, "enter companies", func(ctx context.Context, tx *database.Tx) error {
		if id != "" {
			if err := s.settleEnrolment(ctx, tx, id, second, "", adapters.Published); err != nil {
				return err
			}
		}
		for _, c := range all {
			if err := s.enter(ctx, tx, c); err != nil {
				return err
			}
		}
		return s.post(ctx, tx, say...)
	})
}

func (s *Store) enter(ctx context.Context, tx *database.Tx, c adapters.Company) error {
	old, err := s.company(ctx, tx, c.Number)
	if err != nil && !errors.Is(err, adapters.ErrNotFound) {
		return err
	}
	if old.Version != c.Version {
		return adapters.ErrMoved
	}
	c.Version++
	err = tx.Send(ctx, `INSERT INTO companies (number, name, version, sealed) VALUES ($1, $2, $3, $4)
		ON CONFLICT (number) DO UPDATE SET name = excluded.name, version = excluded.version, sealed = excluded.sealed`,
		c.Number, c.Name, int64(c.Version), s.sealRow(companiesTable, c.Number, c))
	if err != nil {
		return err
	}
	if err := tx.Send(ctx, `DELETE FROM clerks WHERE number = $1`, c.Number); err != nil {
		return err
	}
	for _, k := range c.Clerks {
		if err := tx.Send(ctx, `INSERT INTO clerks (mark, number) VALUES ($1, $2) ON CONFLICT DO NOTHING`, s.clerkMark(k.Address), c.Number); err != nil {
			return err
		}
	}
	return index(ctx, tx, companies, c.Number, c.Number+"\n"+strings.ReplaceAll(c.Number, "-", "")+"\n"+c.Name)
}

// Unenrol ends an enrolment without a change.
func (s *Store) Unenrol(ctx context.Context, id, second, why string) error {
	return s.write(ctx, "decline enrolment", func(ctx context.Context, tx *database.Tx) error {
		return s.settleEnrolment(ctx, tx, id, second, why, adapters.Rejected)
	})
}
