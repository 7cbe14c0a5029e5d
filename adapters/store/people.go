package store

import (
	"context"
	"errors"
	"time"

	"gatehouse/adapters"
	"gatehouse/configs/database"
)

// Person gives a member of staff.
func (s *Store) Person(ctx context.Context, id string) (adapters.Staff, error) {
	p, err := one(ctx, s.db.Read(), content[adapters.Staff], `SELECT content FROM staff WHERE id = $1`, id)
	return p, wrap("read staff", err)
}

// Everybody lists the staff by department and name.
func (s *Store) Everybody(ctx context.Context) ([]adapters.Staff, error) {
	p, err := list(ctx, s.db.Read(), content[adapters.Staff], `SELECT content FROM staff ORDER BY department, name, id`)
	return p, wrap("list staff", err)
}

// Employ stores p, replacing who had that id.
func (s *Store) Employ(ctx context.Context, p adapters.Staff) error {
	return s.write(ctx, "employ", func(ctx context.Context, tx *database.Tx) error {
		return tx.Send(ctx, `INSERT INTO staff (id, department, name, content) VALUES ($1, $2, $3, $4) ON CONFLICT (id)
			DO UPDATE SET department = excluded.department, name = excluded.name, content = excluded.content`,
			p.ID, p.Department, p.Name, encode(p))
	})
}

// FindSession gives a session that has not expired.
func (s *Store) FindSession(ctx context.Context, token string, now time.Time) ([]byte, bool, error) {
	b, err := one(ctx, s.db.Read(), func(r row) (b []byte, err error) { return b, r.Scan(&b) },
		`SELECT content FROM sessions WHERE token = $1 AND expires > $2`, token, micros(now))
	if errors.Is(err, adapters.ErrNotFound) {
		return nil, false, nil
	}
	return b, err == nil, wrap("read session", err)
}

// SaveSession stores a session.
func (s *Store) SaveSession(ctx context.Context, token string, b []byte, expires time.Time) error {
	return s.write(ctx, "save session", func(ctx context.Context, tx *database.Tx) error {
		return tx.Send(ctx, `INSERT INTO sessions (token, content, expires) VALUES ($1, $2, $3)
			ON CONFLICT (token) DO UPDATE SET content = excluded.content, expires = excluded.expires`, token, b, micros(expires))
	})
}

// EndSession forgets a session.
func (s *Store) EndSession(ctx context.Context, token string) error {
	return s.write(ctx, "end session", func(ctx context.Context, tx *database.Tx) error {
		return tx.Send(ctx, `DELETE FROM sessions WHERE token = $1`, token)
	})
}

// Looked stores a read of a case.
func (s *Store) Looked(ctx context.Context, r adapters.Read) error {
	return s.write(ctx, "log a read", func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO looks (n, at, staff, case_id, what, about)
			VALUES ((SELECT COALESCE(MAX(n), 0) + 1 FROM looks), $1, $2, $3, $4, $5)`,
			micros(r.At), r.Staff, r.Case, r.What, r.About)
		return err
	})
}

// Reads lists reads, newest first.
func (s *Store) Reads(ctx context.Context, staff, caseID string, limit, skip int) ([]adapters.Read, bool, error) {
	var c clause
	if staff != "" {
		c.and("staff = ?", staff)
	}
	if caseID != "" {
		c.and("case_id = ?", caseID)
	}
	c.args = append(c.args, limit+1, max(skip, 0))
	page, err := list(ctx, s.db.Read(), scanRead, `SELECT at, staff, case_id, what, about FROM looks`+c.where()+
		` ORDER BY n DESC LIMIT `+placeholder(len(c.args)-1)+` OFFSET `+placeholder(len(c.args)), c.args...)
	more := len(page) > limit
	return page[:min(len(page), limit)], more, wrap("read the log", err)
}

func scanRead(r row) (l adapters.Read, err error) {
	var at int64
	err = r.Scan(&at, &l.Staff, &l.Case, &l.What, &l.About)
	l.At = fromMicros(at)
	return l, err
}
