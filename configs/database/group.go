package database

import "context"

// Group gathers rows of one kind, so that those which wait for the writer at the same time are written by a few
// statements together.
type Group[T any] struct {
	db   *DB
	kind *kind
}

// NewGroup makes a Group whose rows write stores. Its rows come in the order of their calls. It must leave what it
// finds out about a row in the row itself (T is a pointer then), by assignment: when the transaction fails, write is
// called again with each row alone, and the error counts for that row.
func NewGroup[T any](db *DB, write func(ctx context.Context, tx *Tx, rows []T) error) *Group[T] {
	k := &kind{write: func(ctx context.Context, tx *Tx, jobs []*job) error {
		rows := make([]T, len(jobs))
		for i, j := range jobs {
			rows[i] = j.row.(T)
		}
		return write(ctx, tx, rows)
	}}
	return &Group[T]{db, k}
}

// Write hands row to the writer, like DB.Write.
func (g *Group[T]) Write(ctx context.Context, row T) error {
	return g.db.writer.submit(ctx, g.job(row), false)
}

// WriteWait hands row to the writer, like DB.WriteWait.
func (g *Group[T]) WriteWait(ctx context.Context, row T) error {
	return g.db.writer.submit(ctx, g.job(row), true)
}

func (g *Group[T]) job(row T) *job {
	return &job{kind: g.kind, row: row, done: make(chan struct{})}
}
