package store

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"strings"
	"time"

	"gatehouse/configs/database"
)

// micros is how moments stand in tables; zero stands for the zero time.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func moment(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

// later is the greater of two moments.
func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func bit(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

type scanner = func(dest ...any) error

// each calls f for every row of a query, and closes it.
func each(rows *sql.Rows, err error) func(f func(scan scanner) error) error {
	return func(f func(scan scanner) error) error {
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			if err := f(rows.Scan); err != nil {
				return err
			}
		}
		return errors.Join(rows.Err(), rows.Close())
	}
}

// inList bounds the values in one IN (…): one statement each for 1, 4, 16 … of them, padded with the last, so that
// few statements are ever prepared.
const inList = 256

// eachIn runs a query with its last placeholder list "IN %" filled from values, as often as they need.
func eachIn[T any](ctx context.Context, q database.Querier, query string, values []T, f func(scan scanner) error) error {
	for _, a := range asksIn(query, values, nil) {
		if err := each(q.Query(ctx, a.Query, a.Args...))(f); err != nil {
			return err
		}
	}
	return nil
}

// asksIn are the questions that eachIn puts.
func asksIn[T any](query string, values []T, row func(scan scanner) error) []database.Ask {
	var out []database.Ask
	for len(values) > 0 {
		n := min(len(values), inList)
		args, size := make([]any, 0, inList), 1
		for _, v := range values[:n] {
			args = append(args, v)
		}
		for size < n {
			size *= 4
		}
		for len(args) < size {
			args = append(args, args[n-1])
		}
		out = append(out, database.Ask{Query: strings.Replace(query, "IN %", "IN "+tuple(1, size), 1), Args: args, Row: row})
		values = values[n:]
	}
	return out
}

// tuple is "($from,$from+1,…)" with n places.
func tuple(from, n int) string { return string(appendTuple(make([]byte, 0, 6*n+2), from, n)) }

func appendTuple(b []byte, from, n int) []byte {
	b = append(b, '(')
	for i := range n {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '$')
		b = strconv.AppendInt(b, int64(from+i), 10)
	}
	return append(b, ')')
}

// bulk is an INSERT of many rows: head up to VALUES, tail after it.
type bulk struct {
	head, tail string
	columns    int
}

// maxRows bounds the rows of one statement. Each number of rows is one statement to prepare.
const maxRows = 64

func (b bulk) statements(rows [][]any, run func(query string, args []any) error) error {
	for len(rows) > 0 {
		n := min(len(rows), maxRows)
		args := make([]any, 0, n*b.columns)
		for _, r := range rows[:n] {
			args = append(args, r...)
		}
		if err := run(b.query(n), args); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

func (b bulk) query(rows int) string {
	q := make([]byte, 0, len(b.head)+len(b.tail)+rows*(5*b.columns+2)+16)
	q = append(q, b.head...)
	q = append(q, " VALUES "...)
	for i := range rows {
		if i > 0 {
			q = append(q, ',')
		}
		q = appendTuple(q, i*b.columns+1, b.columns)
	}
	q = append(q, ' ')
	return string(append(q, b.tail...))
}

func (b bulk) send(ctx context.Context, tx *database.Tx, rows [][]any) error {
	return b.statements(rows, func(query string, args []any) error { return tx.Send(ctx, query, args...) })
}

func (b bulk) asks(rows [][]any, row func(scan scanner) error) []database.Ask {
	var out []database.Ask
	_ = b.statements(rows, func(query string, args []any) error {
		out = append(out, database.Ask{Query: query, Args: args, Row: row})
		return nil
	})
	return out
}

// numbers takes the next n numbers and gives the first.
func numbers(ctx context.Context, tx *database.Tx, n int) (first int64, err error) {
	rows, err := tx.Changes(ctx, "UPDATE counter SET value = value + $1 WHERE name = 'number' RETURNING value", n)
	err = each(rows, err)(func(scan scanner) error { return scan(&first) })
	return first - int64(n) + 1, err
}
