package database

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Tx is the writer's transaction as one job sees it. It must not be used after the job returned, nor by two
// goroutines. Its context is the writer's: a caller who went away does not break the others' transaction.
type Tx struct {
	link  *link
	later []statement
	// dirty: the job changed something, so an error of it has to be undone.
	dirty bool
	// broken is what failed when gathered statements were sent, for a QueryRow that could not say so.
	broken error
}

type statement struct {
	query string
	args  []any
}

// Exec runs a statement now and tells how many rows it changed.
func (t *Tx) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	t.dirty = true
	if err := t.flush(ctx); err != nil {
		return 0, err
	}
	r, err := t.link.exec(ctx, query, args...)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", verb(query), err)
	}
	return r.RowsAffected()
}

// Send runs a statement whose result nobody needs: before the next Exec or Query of the transaction, or at its end.
// On PostgreSQL all that gathered goes in one round trip.
func (t *Tx) Send(ctx context.Context, query string, args ...any) error {
	t.dirty = true
	if t.link.engine == Postgres {
		t.later = append(t.later, statement{query, args})
		return nil
	}
	if _, err := t.link.exec(ctx, query, args...); err != nil {
		return fmt.Errorf("%s: %w", verb(query), err)
	}
	return nil
}

// Query reads, seeing what this transaction changed. A statement with RETURNING counts as a change: call Changes.
func (t *Tx) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if err := t.flush(ctx); err != nil {
		return nil, err
	}
	return t.link.query(ctx, query, args...)
}

// QueryRow reads one row; its errors come from Scan. A failure of what was gathered before fails the job, whatever Scan
// says.
func (t *Tx) QueryRow(ctx context.Context, query string, args ...any) *sql.Row {
	_ = t.flush(ctx) // kept in broken
	return t.link.row(ctx, query, args...)
}

// Changes is Query for a statement that changes rows and returns them.
func (t *Tx) Changes(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	t.dirty = true
	return t.Query(ctx, query, args...)
}

// Ask is one question of several that are put at once.
type Ask struct {
	Query string
	Args  []any
	// Row takes one row of the answer.
	Row func(scan func(dest ...any) error) error
}

// Several puts questions, in order, seeing what this transaction changed. On PostgreSQL all go in one round trip, with
// what Send gathered. They may change rows.
func (t *Tx) Several(ctx context.Context, asks ...Ask) error {
	t.dirty = true
	if t.link.engine == Postgres {
		later := t.later
		t.later = nil
		return pipeline(ctx, t.link.conn, later, asks)
	}
	for _, a := range asks {
		if err := a.each(t.link.query(ctx, a.Query, a.Args...)); err != nil {
			return fmt.Errorf("%s: %w", verb(a.Query), err)
		}
	}
	return nil
}

func (a Ask) each(rows *sql.Rows, err error) error {
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if err := a.Row(rows.Scan); err != nil {
			return err
		}
	}
	return errors.Join(rows.Err(), rows.Close())
}

// Engine tells which engine it is.
func (t *Tx) Engine() Engine { return t.link.engine }

func (t *Tx) flush(ctx context.Context) error {
	if len(t.later) == 0 {
		return nil
	}
	later := t.later
	t.later = nil
	err := pipeline(ctx, t.link.conn, later, nil)
	if err != nil {
		t.broken = err
	}
	return err
}

// link is the writer's one connection with its prepared statements.
type link struct {
	engine Engine
	conn   *sql.Conn
	stmts  map[string]*sql.Stmt
}

func (l *link) exec(ctx context.Context, query string, args ...any) (sql.Result, error) {
	s, err := l.prepared(ctx, query, len(args))
	switch {
	case err != nil:
		return nil, err
	case s != nil:
		return s.ExecContext(ctx, args...)
	}
	return l.conn.ExecContext(ctx, query, args...)
}

func (l *link) query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	s, err := l.prepared(ctx, query, len(args))
	switch {
	case err != nil:
		return nil, err
	case s != nil:
		return s.QueryContext(ctx, args...)
	}
	return l.conn.QueryContext(ctx, query, args...)
}

func (l *link) row(ctx context.Context, query string, args ...any) *sql.Row {
	if s, err := l.prepared(ctx, query, len(args)); err == nil && s != nil {
		return s.QueryRowContext(ctx, args...)
	}
	return l.conn.QueryRowContext(ctx, query, args...)
}

// prepared keeps SQLite's statements; those without arguments may be several in one text and are not kept.
func (l *link) prepared(ctx context.Context, query string, args int) (*sql.Stmt, error) {
	if l.engine != SQLite || args == 0 {
		return nil, nil
	}
	if s := l.stmts[query]; s != nil || len(l.stmts) >= maxStatements {
		return s, nil
	}
	s, err := l.conn.PrepareContext(ctx, anonymous(query))
	if err == nil {
		l.stmts[query] = s
	}
	return s, err
}

// commit ends the transaction, on PostgreSQL in one round trip with what was left to be sent. When one of those fails,
// the COMMIT behind it does not run.
func (l *link) commit(ctx context.Context, later []statement) error {
	if len(later) > 0 {
		return pipeline(ctx, l.conn, append(later, statement{query: "COMMIT"}), nil)
	}
	_, err := l.conn.ExecContext(ctx, "COMMIT")
	return err
}

// close ends the connection itself, not only our hold of it, so that no half transaction is handed out again.
func (l *link) close() {
	for _, s := range l.stmts {
		_ = s.Close()
	}
	_ = l.conn.Raw(func(any) error { return driver.ErrBadConn })
	_ = l.conn.Close()
}

// anonymous writes placeholders that stand in their own order, $1 $2 $3 …, as ?: SQLite takes $1 for a name, and looking
// the names of a long statement up takes longer than binding it (sqlite.org/c3ref/bind_parameter_name.html). A query
// with any other order, or with a text literal, stays as it is.
func anonymous(query string) string {
	if strings.ContainsAny(query, "'?") {
		return query
	}
	b := make([]byte, 0, len(query))
	next := 1
	for rest := query; ; next++ {
		before, after, found := strings.Cut(rest, "$")
		b = append(b, before...)
		if !found {
			return string(b)
		}
		digits := len(after) - len(strings.TrimLeft(after, "0123456789"))
		if after[:digits] != strconv.Itoa(next) {
			return query
		}
		b = append(b, '?')
		rest = after[digits:]
	}
}
