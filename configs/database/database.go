// Package database opens the two engines a side may keep its memory in, sqlite: and postgres:, brings their tables up
// to date, and writes through one goroutine that commits in groups; readers stand beside it.
//
// The rule: every change goes through Write or a Group. A job may run more than once before its answer comes, so it
// assigns to what it captured, never adds to it, and touches nothing but its Tx.
package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// Errors that callers branch on.
var (
	// ErrBusy: the writer's queue is full. Nothing was written; come again.
	ErrBusy = errors.New("store is busy")
	// ErrClosed: the database was closed.
	ErrClosed = errors.New("store is closed")
)

// Engine names the kind of database behind a DB.
type Engine string

// The two engines.
const (
	SQLite   Engine = "sqlite"
	Postgres Engine = "postgres"
)

// Limits that hold when Options leave them out.
const (
	// DefaultQueue is how many jobs may wait for the writer: about a fifth of a second of work.
	DefaultQueue = 4096
	// DefaultBatch bounds one transaction. Larger groups gain little: at 256 the flush is already shared enough.
	DefaultBatch = 512
	// DefaultReaders is how many reads run at a time.
	DefaultReaders = 8
	// DefaultPatience bounds one transaction of the writer, waiting for another gateway's included.
	DefaultPatience = 30 * time.Second
)

// Options are the settings of Open; zero values take the defaults above.
type Options struct {
	Log      *slog.Logger
	Queue    int
	Batch    int
	Readers  int
	Patience time.Duration
	// Owner names the program among those on one SQLite file. While it runs, another of that name does not start.
	// Empty: nobody minds.
	Owner string
}

func (o Options) withDefaults() Options {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	for _, v := range []struct {
		at  *int
		def int
	}{{&o.Queue, DefaultQueue}, {&o.Batch, DefaultBatch}, {&o.Readers, DefaultReaders}} {
		if *v.at <= 0 {
			*v.at = v.def
		}
	}
	if o.Patience <= 0 {
		o.Patience = DefaultPatience
	}
	return o
}

// Querier reads: a Tx, the readers beside the writer and a View are one. Placeholders are $1, $2 … on both engines.
type Querier interface {
	Query(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRow(ctx context.Context, query string, args ...any) *sql.Row
}

// DB is an open database: one writer, some readers. It is safe for concurrent use.
type DB struct {
	engine Engine
	write  *sql.DB
	read   *sql.DB
	reader *reader
	writer *writer
	unlock func() // lets go of the owner's name
	once   sync.Once
	closed error
}

// Check tells what is wrong with a store's URL, without opening it.
func Check(url string) error {
	scheme, rest, _ := strings.Cut(url, ":")
	switch {
	case scheme == "sqlite" && rest == "":
		return errors.New("names no file; write sqlite:PATH, for example sqlite:./data/gateway.db")
	case scheme == "sqlite" && strings.Contains(rest, ":memory:"):
		return errors.New("keeps nothing; write sqlite:PATH with the path of a file")
	case scheme == "sqlite":
		return nil
	case scheme == "postgres" || scheme == "postgresql":
		return checkPostgres(url)
	}
	return errors.New("is not a store; write sqlite:PATH or postgres://user@host/database")
}

// Open connects to url and applies the migrations of its engine that are missing, under a lock, so that several
// programs may start at once. The file of a sqlite: URL and its folder are made when they are missing, for the owner
// alone. migrations holds goose files at its root.
func Open(ctx context.Context, url string, migrations fs.FS, o Options) (*DB, error) {
	if err := Check(url); err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	o = o.withDefaults()
	open := openPostgres
	if path, ok := strings.CutPrefix(url, "sqlite:"); ok {
		open, url = openSQLite, path
	}
	db, err := open(ctx, url, migrations, o)
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	db.reader = newReader(db.engine, db.read)
	db.writer = startWriter(db, o)
	return db, nil
}

// Engine tells which engine it is, for the few statements that differ.
func (db *DB) Engine() Engine { return db.engine }

// Read gives the readers beside the writer. They see what was committed before the query began.
func (db *DB) Read() Querier { return db.reader }

// View runs f on one snapshot that no commit changes meanwhile.
func (db *DB) View(ctx context.Context, f func(ctx context.Context, q Querier) error) error {
	o := &sql.TxOptions{ReadOnly: true, Isolation: sql.LevelRepeatableRead}
	if db.engine == SQLite {
		o = nil // a deferred transaction in WAL mode is a snapshot
	}
	tx, err := db.read.BeginTx(ctx, o)
	if err != nil {
		return fmt.Errorf("begin view: %w", err)
	}
	defer func() { _ = tx.Rollback() }()
	return f(ctx, view{tx})
}

type view struct{ tx *sql.Tx }

func (v view) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return v.tx.QueryContext(ctx, query, args...)
}

func (v view) QueryRow(ctx context.Context, query string, args ...any) *sql.Row {
	return v.tx.QueryRowContext(ctx, query, args...)
}

// Write hands job to the writer and returns its answer once the transaction that holds it is committed; nil means
// durable. An error of the job undoes the job alone. ErrBusy at once when the queue is full. When ctx ends before the
// job was begun, it is not run; once begun, Write waits for the answer, so that nobody has to guess.
func (db *DB) Write(ctx context.Context, job func(ctx context.Context, tx *Tx) error) error {
	return db.writer.submit(ctx, newJob(job), false)
}

// WriteWait is Write that waits for room in the queue: for work that is half done and can't be refused, such as the
// record of a message that the carrier took.
func (db *DB) WriteWait(ctx context.Context, job func(ctx context.Context, tx *Tx) error) error {
	return db.writer.submit(ctx, newJob(job), true)
}

// Waiting tells how many jobs wait for the writer.
func (db *DB) Waiting() int { return len(db.writer.queue) }

// Close answers what is queued, then closes. Later calls of Write are ErrClosed.
func (db *DB) Close() error {
	db.once.Do(func() {
		db.writer.stop()
		db.closed = errors.Join(db.reader.close(), db.read.Close(), db.write.Close())
		if db.unlock != nil {
			db.unlock()
		}
	})
	return db.closed
}
