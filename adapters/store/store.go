// Package store keeps everything of the inside in one SQL database, SQLite or PostgreSQL, with the same statements.
//
// The rule: a method that changes something is one job of the one writer, and what it says to the border is in the
// same transaction as what it changed. Rows that are only ever read whole are JSON beside the columns that are asked
// for.
package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"
	"time"

	"gatehouse/adapters"
	"gatehouse/adapters/store/postgres"
	"gatehouse/adapters/store/sqlite"
	"gatehouse/configs/database"
	"gatehouse/configs/vault"
)

// Store implements adapters.Store. It is safe for concurrent use.
type Store struct {
	db    *database.DB
	now   func() time.Time
	vault *vault.Vault
}

var _ adapters.Store = (*Store)(nil)

// Options of a store. Now is required.
type Options struct {
	Log *slog.Logger
	Now func() time.Time
	// KeyFile wraps the keys of what is sealed: copies of what left, second factors. It lies outside the database and
	// is made at the first start. Empty: beside a SQLite file, with .key after its name.
	KeyFile string
}

// Open opens the database that url names and brings its tables up to date.
func Open(ctx context.Context, url string, o Options) (*Store, error) {
	files, err := migrations(url)
	if err != nil {
		return nil, fmt.Errorf("migrations: %w", err)
	}
	db, err := database.Open(ctx, url, files, database.Options{Log: o.Log})
	if err != nil {
		return nil, err
	}
	s := &Store{db: db, now: o.Now}
	if err := s.unlock(ctx, url, o); err != nil {
		return nil, errors.Join(fmt.Errorf("open store: %w", err), db.Close())
	}
	return s, nil
}

// unlock opens the vault and proves its key file against the store.
func (s *Store) unlock(ctx context.Context, url string, o Options) error {
	path, isFile := strings.CutPrefix(url, "sqlite:")
	if o.KeyFile == "" && !isFile {
		return errors.New("key_file: is empty; name a file outside the database, the same for every office")
	}
	if o.KeyFile == "" {
		o.KeyFile = path + ".key"
	}
	proof, err := s.proof(ctx)
	if err != nil {
		return err
	}
	v, fresh, made, err := vault.Unlock(o.KeyFile, proof)
	if err != nil {
		return err
	}
	if made && o.Log != nil {
		o.Log.InfoContext(ctx, "key file made: back it up apart from the store, what is sealed can't be read without it", "key_file", o.KeyFile)
	}
	s.vault = v
	if fresh == nil {
		return nil
	}
	err = s.write(ctx, "store proof of key", func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO proof (id, sealed) VALUES (1, $1) ON CONFLICT DO NOTHING`, fresh)
		return err
	})
	if err != nil {
		return err
	}
	if proof, err = s.proof(ctx); err != nil {
		return err
	}
	return v.Prove(o.KeyFile, proof) // when another office was first, its proof counts
}

func (s *Store) proof(ctx context.Context) ([]byte, error) {
	b, err := one(ctx, s.db.Read(), raw, `SELECT sealed FROM proof WHERE id = 1`)
	if errors.Is(err, adapters.ErrNotFound) {
		return nil, nil
	}
	return b, wrap("read proof of key", err)
}

func migrations(url string) (fs.FS, error) {
	if strings.HasPrefix(url, "sqlite:") {
		return sqlite.Migrations()
	}
	return postgres.Migrations()
}

// Close answers what is queued, then closes.
func (s *Store) Close() error { return s.db.Close() }

// Ping tells whether the store can be written.
func (s *Store) Ping(ctx context.Context) error {
	return s.write(ctx, "ping", func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.Exec(ctx, `DELETE FROM sessions WHERE expires < $1`, micros(s.now()))
		return err
	})
}

// write is one job of the writer; what names it in errors.
func (s *Store) write(ctx context.Context, what string, job func(ctx context.Context, tx *database.Tx) error) error {
	if err := s.db.Write(ctx, job); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// list runs a query and reads every row of it.
func list[T any](ctx context.Context, q database.Querier, scan func(row) (T, error), query string, args ...any) ([]T, error) {
	rows, err := q.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, rows.Err()
}

// one reads the row of a query that gives at most one; adapters.ErrNotFound when there is none.
func one[T any](ctx context.Context, q database.Querier, scan func(row) (T, error), query string, args ...any) (T, error) {
	v, err := scan(q.QueryRow(ctx, query, args...))
	if errors.Is(err, sql.ErrNoRows) {
		err = adapters.ErrNotFound
	}
	return v, err
}

// row is what both a row and rows can do.
type row interface{ Scan(into ...any) error }

// content scans one column of JSON.
func content[T any](r row) (v T, err error) {
	var s string
	if err := r.Scan(&s); err != nil {
		return v, err
	}
	return decode[T](s)
}

func decode[T any](s string) (v T, err error) {
	if err := json.Unmarshal([]byte(s), &v); err != nil {
		return v, fmt.Errorf("decode row: %w", err)
	}
	return v, nil
}

func number(r row) (n int64, err error) { return n, r.Scan(&n) }

func word(r row) (s string, err error) { return s, r.Scan(&s) }

// encode writes a value of our own types, which always can be.
func encode(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("encode %T: %v", v, err))
	}
	return string(b)
}

// micros is how times are stored: microseconds since 1970, zero for the zero time.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func fromMicros(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.UnixMicro(n).UTC()
}

func bit(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
