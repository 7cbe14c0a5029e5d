package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/jackc/pgx/v5"

	"gatehouse/configs/database"
	"gatehouse/gateway/store/postgres"
	"gatehouse/gateway/store/sqlite"
)

// rawBatch is how many rows one transaction of the raw side holds at most, as the store's own writer does.
const rawBatch = database.DefaultBatch

// stored is one message as the store left it: a mark, the message itself, and a turn if it was its sender's oldest.
type stored struct {
	number  int64
	mark    []byte
	contact string
	at      int64
	body    []byte
}

// engine is a database driven by hand: nothing but statements and commits.
type engine interface {
	url(b *bench) (string, error)
	tables() fs.FS
	dial(ctx context.Context, url string) (rawConn, error)
}

// rawConn writes rows in one transaction.
type rawConn interface {
	write(ctx context.Context, rows []stored) error
	close(ctx context.Context) error
}

// rawSide is the limit: the rows that our side has just written, inserted again by as many producers into fresh
// tables of the same engine, by one writer that commits what has gathered. It looks nothing up and seals nothing.
type rawSide struct {
	b      *bench
	engine engine
	rows   []stored
}

// take reads the rows of our side's store once it is closed.
func (r *rawSide) take(ctx context.Context, url string, shut func() error) error {
	if r.rows != nil { // the rows of every round are alike
		return nil
	}
	if err := shut(); err != nil {
		return err
	}
	db, err := database.Open(ctx, url, r.engine.tables(), database.Options{Log: quiet()})
	if err != nil {
		return err
	}
	defer db.Close()
	rows, err := db.Read().Query(ctx, "SELECT number, mark, contact, at, body FROM inbound ORDER BY number")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var s stored
		if err := rows.Scan(&s.number, &s.mark, &s.contact, &s.at, &s.body); err != nil {
			return err
		}
		r.rows = append(r.rows, s)
	}
	return rows.Err()
}

// run inserts the rows; those of the first message of each person are there before, as on our side.
func (r *rawSide) run(ctx context.Context) (rate float64, err error) {
	if len(r.rows) <= people {
		return 0, errors.New("our side left no rows")
	}
	url, err := r.engine.url(r.b)
	if err != nil {
		return 0, err
	}
	db, err := database.Open(ctx, url, r.engine.tables(), database.Options{Log: quiet()})
	if err != nil {
		return 0, err
	}
	if err := db.Close(); err != nil {
		return 0, err
	}
	conn, err := r.engine.dial(ctx, url)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, conn.close(ctx)) }()
	for rest := r.rows[:people]; len(rest) > 0; {
		n := min(len(rest), rawBatch)
		if err := conn.write(ctx, rest[:n]); err != nil {
			return 0, err
		}
		rest = rest[n:]
	}
	return r.group(ctx, conn, r.rows[people:])
}

// waiting is a row whose producer waits for the commit.
type waiting struct {
	stored
	done chan error
}

// group is group commit at its plainest: the commit under way is the timer.
func (r *rawSide) group(ctx context.Context, conn rawConn, rows []stored) (float64, error) {
	queue := make(chan waiting, rawBatch)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for first := range queue {
			batch := []waiting{first}
			for len(batch) < rawBatch && len(queue) > 0 {
				batch = append(batch, <-queue)
			}
			all := make([]stored, len(batch))
			for i, w := range batch {
				all[i] = w.stored
			}
			err := conn.write(ctx, all)
			for _, w := range batch {
				w.done <- err
			}
		}
	}()
	rate, err := closed(ctx, len(rows), func(_ context.Context, _, i int) error {
		w := waiting{rows[i], make(chan error, 1)}
		queue <- w
		return <-w.done
	})
	close(queue)
	<-ended
	return rate, err
}

// sqliteEngine is modernc.org/sqlite through database/sql, with the pragmas of our own store.
type sqliteEngine struct{}

func (sqliteEngine) url(b *bench) (string, error) {
	dir, err := b.folder()
	return "sqlite:" + filepath.Join(dir, "raw.db"), err
}

func (sqliteEngine) tables() fs.FS { return sqlite.Tables() }

func (sqliteEngine) dial(ctx context.Context, url string) (rawConn, error) {
	pragmas := "?_pragma=busy_timeout(10000)&_pragma=journal_mode(wal)&_pragma=synchronous(full)&_pragma=secure_delete(1)" +
		"&_pragma=temp_store(memory)&_pragma=cache_size(-16000)&_pragma=journal_size_limit(67108864)"
	db, err := sql.Open("sqlite", "file:"+strings.TrimPrefix(url, "sqlite:")+pragmas)
	if err != nil {
		return nil, err
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &sqliteConn{db, conn, map[string]*sql.Stmt{}}, nil
}

type sqliteConn struct {
	db    *sql.DB
	conn  *sql.Conn
	stmts map[string]*sql.Stmt
}

func (c *sqliteConn) close(context.Context) error { return errors.Join(c.conn.Close(), c.db.Close()) }

// perStatement is how many rows one statement holds.
const perStatement = 64

func (c *sqliteConn) write(ctx context.Context, rows []stored) error {
	if _, err := c.conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	for len(rows) > 0 {
		part := rows[:min(len(rows), perStatement)]
		rows = rows[len(part):]
		var heard, inbound, turns []any
		for _, r := range part {
			heard = append(heard, r.mark)
			inbound = append(inbound, r.number, r.mark, r.contact, r.at, 0, r.body)
			turns = append(turns, r.contact, r.number, r.at, "", 0, 0, 0)
		}
		for _, s := range []struct {
			head, tail string
			args       []any
		}{
			{"INSERT INTO heard(mark) VALUES ", "", heard},
			{"INSERT INTO inbound(number, mark, contact, at, state, body) VALUES ", "", inbound},
			{"INSERT INTO turn(contact, number, due, owner, fence, attempt, failed) VALUES ", " ON CONFLICT DO NOTHING", turns},
		} {
			if err := c.insert(ctx, s.head, s.tail, len(part), s.args); err != nil {
				return err
			}
		}
	}
	_, err := c.conn.ExecContext(ctx, "COMMIT")
	return err
}

func (c *sqliteConn) insert(ctx context.Context, head, tail string, rows int, args []any) error {
	row := "(" + strings.TrimSuffix(strings.Repeat("?,", len(args)/rows), ",") + "),"
	query := head + strings.TrimSuffix(strings.Repeat(row, rows), ",") + tail
	s := c.stmts[query]
	if s == nil {
		var err error
		if s, err = c.conn.PrepareContext(ctx, query); err != nil {
			return err
		}
		c.stmts[query] = s
	}
	_, err := s.ExecContext(ctx, args...)
	return err
}

// postgresEngine is pgx by hand: three statements over arrays, in one round trip.
type postgresEngine struct{ server func() (string, error) }

func (e postgresEngine) url(*bench) (string, error) { return e.server() }
func (postgresEngine) tables() fs.FS                { return postgres.Tables() }

func (postgresEngine) dial(ctx context.Context, url string) (rawConn, error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return nil, err
	}
	return postgresConn{conn}, nil
}

type postgresConn struct{ *pgx.Conn }

func (c postgresConn) close(ctx context.Context) error { return c.Close(ctx) }

func (c postgresConn) write(ctx context.Context, rows []stored) error {
	var marks, bodies [][]byte
	var numbers, ats []int64
	var contacts []string
	for _, r := range rows {
		marks, bodies = append(marks, r.mark), append(bodies, r.body)
		numbers, ats, contacts = append(numbers, r.number), append(ats, r.at), append(contacts, r.contact)
	}
	var batch pgx.Batch // one implicit transaction
	batch.Queue("INSERT INTO heard(mark) SELECT unnest($1::bytea[])", marks)
	batch.Queue(`INSERT INTO inbound(number, mark, contact, at, state, body)
		SELECT n, m, c, a, 0, b FROM unnest($1::bigint[], $2::bytea[], $3::text[], $4::bigint[], $5::bytea[]) AS r(n, m, c, a, b)`,
		numbers, marks, contacts, ats, bodies)
	batch.Queue(`INSERT INTO turn(contact, number, due, owner, fence, attempt, failed)
		SELECT c, n, a, '', 0, 0, 0 FROM unnest($1::text[], $2::bigint[], $3::bigint[]) AS r(c, n, a) ON CONFLICT DO NOTHING`,
		contacts, numbers, ats)
	if err := c.SendBatch(ctx, &batch).Close(); err != nil {
		return fmt.Errorf("raw insert: %w", err)
	}
	return nil
}
