package database

import (
	"context"
	"database/sql"
	"errors"
	"sync"
)

// maxStatements bounds the statements kept prepared. Queries are constants of the programs, so it is not reached; a
// query beyond it is prepared each time.
const maxStatements = 512

// reader keeps statements prepared for SQLite, whose driver would parse each query anew. pgx keeps its own.
type reader struct {
	db    *sql.DB
	keep  bool
	mu    sync.RWMutex
	stmts map[string]*sql.Stmt
}

func newReader(e Engine, db *sql.DB) *reader {
	return &reader{db: db, keep: e == SQLite, stmts: map[string]*sql.Stmt{}}
}

func (r *reader) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if s := r.prepared(ctx, query); s != nil {
		return s.QueryContext(ctx, args...)
	}
	return r.db.QueryContext(ctx, query, args...)
}

func (r *reader) QueryRow(ctx context.Context, query string, args ...any) *sql.Row {
	if s := r.prepared(ctx, query); s != nil {
		return s.QueryRowContext(ctx, args...)
	}
	return r.db.QueryRowContext(ctx, query, args...)
}

// prepared gives nil when the plain way is to be taken, which then also reports what is wrong with the query.
func (r *reader) prepared(ctx context.Context, query string) *sql.Stmt {
	if !r.keep {
		return nil
	}
	r.mu.RLock()
	s, n := r.stmts[query], len(r.stmts)
	r.mu.RUnlock()
	if s != nil || n >= maxStatements {
		return s
	}
	s, err := r.db.PrepareContext(ctx, query)
	if err != nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if other := r.stmts[query]; other != nil {
		_ = s.Close()
		return other
	}
	r.stmts[query] = s
	return s
}

func (r *reader) close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var errs []error
	for _, s := range r.stmts {
		errs = append(errs, s.Close())
	}
	clear(r.stmts)
	return errors.Join(errs...)
}
