package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
)

// Keys of the advisory locks, which are one space in each database.
const (
	migrateLock = 0x67617465_01
	writeLock   = 0x67617465_02
)

func checkPostgres(url string) error {
	if _, err := pgx.ParseConfig(url); err != nil {
		return errors.New("is not a PostgreSQL URL; write postgres://user@host:5432/database")
	}
	return nil
}

// openPostgres opens url. Its writer holds one advisory lock for each transaction, so that in one database a single
// transaction writes at a time, whichever gateway it comes from: no deadlocks, and the order of commits is the order
// of numbers given out. Once commits are grouped, a second writer would gain a tenth.
func openPostgres(ctx context.Context, url string, migrations fs.FS, o Options) (*DB, error) {
	c, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, errors.New("not a PostgreSQL URL") // the library's error quotes the URL, which may hold a password
	}
	if c.ConnectTimeout == 0 {
		c.ConnectTimeout = 10 * time.Second
	}
	c.RuntimeParams["application_name"] = "gatehouse"
	write := c.Copy()
	// A gateway that stands still in the middle of a transaction must not hold up the others for ever.
	write.RuntimeParams["idle_in_transaction_session_timeout"] = millis(o.Patience)
	write.RuntimeParams["lock_timeout"] = millis(o.Patience)
	write.RuntimeParams["synchronous_commit"] = "on"
	w := stdlib.OpenDB(*write)
	if err := migratePostgres(ctx, w, migrations); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	w.SetMaxOpenConns(1)
	c.RuntimeParams["default_transaction_read_only"] = "on"
	r := stdlib.OpenDB(*c)
	r.SetMaxOpenConns(o.Readers)
	r.SetMaxIdleConns(o.Readers)
	return &DB{engine: Postgres, write: w, read: r}, nil
}

func millis(d time.Duration) string { return fmt.Sprint(d.Milliseconds()) }

func migratePostgres(ctx context.Context, db *sql.DB, migrations fs.FS) (err error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	if _, err := conn.ExecContext(ctx, "SELECT pg_advisory_lock($1)", int64(migrateLock)); err != nil {
		return fmt.Errorf("lock migrations: %w", err)
	}
	err = migrate(ctx, goose.DialectPostgres, db, migrations)
	_, unlock := conn.ExecContext(ctx, "SELECT pg_advisory_unlock($1)", int64(migrateLock))
	return errors.Join(err, unlock)
}

// aborted tells whether a statement failed and PostgreSQL waits for a rollback. COMMIT would then roll back and still
// report success (postgresql.org/docs/current/sql-commit.html), so it is asked first.
func aborted(conn *sql.Conn) bool {
	status := byte('E')
	_ = conn.Raw(func(dc any) error {
		if c, ok := dc.(*stdlib.Conn); ok {
			status = c.Conn().PgConn().TxStatus()
		}
		return nil
	})
	return status == 'E'
}

// undone tells whether a COMMIT that ended with err surely stored nothing: the server said so, or the
// driver could not write a statement before it and sent none.
func (l *link) undone(err error) bool {
	if l.engine != Postgres {
		return false
	}
	var refusal *pgconn.PgError
	var unsent pgx.ErrPreprocessingBatch
	return errors.As(err, &refusal) || errors.As(err, &unsent)
}

// pipeline runs statements, then asks, in one round trip. After the first that fails none runs.
func pipeline(ctx context.Context, conn *sql.Conn, later []statement, asks []Ask) error {
	return conn.Raw(func(dc any) (err error) {
		b := &pgx.Batch{}
		for _, s := range later {
			b.Queue(s.query, s.args...)
		}
		for _, a := range asks {
			b.Queue(a.Query, a.Args...)
		}
		r := dc.(*stdlib.Conn).Conn().SendBatch(ctx, b)
		defer func() { err = errors.Join(err, r.Close()) }()
		for _, s := range later {
			if _, err := r.Exec(); err != nil {
				return fmt.Errorf("%s: %w", verb(s.query), err)
			}
		}
		for _, a := range asks {
			if err := a.take(r.Query()); err != nil {
				return fmt.Errorf("%s: %w", verb(a.Query), err)
			}
		}
		return nil
	})
}

func (a Ask) take(rows pgx.Rows, err error) error {
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := a.Row(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// verb names a statement in an error by its first words.
func verb(query string) string {
	f := strings.Fields(query)
	return strings.ToLower(strings.Join(f[:min(3, len(f))], " "))
}
