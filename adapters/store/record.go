package store

import (
	"context"
	"fmt"

	"gatehouse/adapters"
	"gatehouse/configs/database"
	"gatehouse/exchange"
	"gatehouse/exchange/service"
)

// Register stores a new record and its first entry. False: the case is known, nothing changed.
func (s *Store) Register(ctx context.Context, r adapters.Record, first adapters.Entry) (fresh bool, err error) {
	err = s.write(ctx, "register case", func(ctx context.Context, tx *database.Tx) error {
		known, err := one(ctx, tx, number, `SELECT COUNT(*) FROM records WHERE id = $1`, r.ID())
		if fresh = known == 0; err != nil || !fresh {
			return err
		}
		if err := saveRecord(ctx, tx, r); err != nil {
			return err
		}
		if err := index(ctx, tx, records, r.ID(), searchable(r)); err != nil {
			return err
		}
		return tell(ctx, tx, r.ID(), first)
	})
	return fresh && err == nil, err
}

func saveRecord(ctx context.Context, tx *database.Tx, r adapters.Record) error {
	said := returned(r)
	return tx.Send(ctx, `INSERT INTO records (id, reference, department, assignee, state, due, opened, company, content,
			service, period, filed, filed_rows, open_rows, open_until, review)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) ON CONFLICT (id) DO UPDATE SET department = excluded.department,
		assignee = excluded.assignee, state = excluded.state, due = excluded.due, company = excluded.company, content = excluded.content,
		service = excluded.service, period = excluded.period, filed = excluded.filed, filed_rows = excluded.filed_rows,
		open_rows = excluded.open_rows, open_until = excluded.open_until, review = excluded.review`,
		r.ID(), r.Case.Reference, r.Department, r.Assignee, string(r.State), dueOrder(r), micros(r.Opened), declarant(r), encode(r),
		said.Service, said.Period, micros(said.Filed), said.Rows, said.Open, micros(said.OpenUntil), micros(said.Review))
}

// declarant is the company that a case is from: the first number of one among its answers.
func declarant(r adapters.Record) string {
	if r.Return != nil {
		return r.Return.Company
	}
	for _, a := range r.Case.Answers {
		if service.CompanyNumber(a.Value) {
			return a.Value
		}
	}
	return ""
}

// dueOrder sorts a record without a promise behind all that have one.
func dueOrder(r adapters.Record) int64 {
	if r.Due.IsZero() {
		return 1 << 62
	}
	return micros(r.Due)
}

// tell appends entries to the story of a case.
func tell(ctx context.Context, tx *database.Tx, id string, entries ...adapters.Entry) error {
	for _, e := range entries {
		e.Case = id
		_, err := tx.Exec(ctx, `INSERT INTO entries (id, case_id, n, content)
			VALUES ($1, $2, (SELECT COALESCE(MAX(n), 0) + 1 FROM entries WHERE case_id = $2), $3)`, e.ID, id, encode(e))
		if err != nil {
			return err
		}
		if err := indexMore(ctx, tx, records, id, e.Text); err != nil {
			return err
		}
	}
	return nil
}

func record(ctx context.Context, q database.Querier, id string) (adapters.Record, error) {
	return one(ctx, q, content[adapters.Record], `SELECT content FROM records WHERE id = $1`, id)
}

// Record gives one.
func (s *Store) Record(ctx context.Context, id string) (adapters.Record, error) {
	r, err := record(ctx, s.db.Read(), id)
	return r, wrap("read record", err)
}

// ByReference gives the record with that public reference.
func (s *Store) ByReference(ctx context.Context, reference string) (adapters.Record, error) {
	r, err := one(ctx, s.db.Read(), content[adapters.Record], `SELECT content FROM records WHERE reference = $1`, reference)
	return r, wrap("find record", err)
}

// Story gives a record's entries, oldest first.
func (s *Store) Story(ctx context.Context, id string) ([]adapters.Entry, error) {
	e, err := list(ctx, s.db.Read(), content[adapters.Entry], `SELECT content FROM entries WHERE case_id = $1 ORDER BY n`, id)
	return e, wrap("read story", err)
}

// chosen are the conditions of a filter.
func chosen(f adapters.Filter) (c clause) {
	c.among("department", f.Departments)
	if f.Company != "" {
		c.and("company = ?", f.Company)
	}
	if f.Department != "" {
		c.and("department = ?", f.Department)
	}
	if f.Assignee != "" {
		c.and("assignee = ?", f.Assignee)
	}
	if f.Unassigned {
		c.and("assignee = ''")
	}
	if f.Open {
		c.and("state <> 'decided'")
	}
	if f.Kept {
		c.and("review > 0")
	}
	if f.State != "" {
		c.and("state = ?", string(f.State))
	}
	c.found(records, "id", f.Words)
	return c
}

// Count tells how many records the filter chooses. It reads no further than MaxCount.
func (s *Store) Count(ctx context.Context, f adapters.Filter) (int, error) {
	c := chosen(f)
	n, err := one(ctx, s.db.Read(), number, fmt.Sprintf(
		`SELECT COUNT(*) FROM (SELECT 1 FROM records%s LIMIT %d) AS chosen`, c.where(), adapters.MaxCount+1), c.args...)
	return int(n), wrap("count records", err)
}

// List gives the records that the filter chooses, and whether there are more.
func (s *Store) List(ctx context.Context, f adapters.Filter) ([]adapters.Record, bool, error) {
	c := chosen(f)
	order := "due, id"
	if f.Sort == adapters.ByNewest {
		order = "opened DESC, id DESC"
	}
	if f.Sort == adapters.ByReview {
		order = "review, id"
	}
	limit := f.Limit
	if limit <= 0 || limit > adapters.MaxList {
		limit = adapters.MaxList
	}
	page, err := list(ctx, s.db.Read(), content[adapters.Record], fmt.Sprintf(
		`SELECT content FROM records%s ORDER BY %s LIMIT %d OFFSET %d`, c.where(), order, limit+1, max(f.Skip, 0)), c.args...)
	if err != nil {
		return nil, false, wrap("list records", err)
	}
	more := len(page) > limit
	return page[:min(len(page), limit)], more, nil
}

// Change reads a record, lets apply change it, and stores it with the entries.
func (s *Store) Change(ctx context.Context, id string, entries []adapters.Entry, apply func(*adapters.Record) ([]exchange.Notice, error)) (r adapters.Record, err error) {
	err = s.write(ctx, "change record", func(ctx context.Context, tx *database.Tx) error {
		if r, err = record(ctx, tx, id); err != nil {
			return err
		}
		for _, e := range entries {
			n, err := one(ctx, tx, number, `SELECT COUNT(*) FROM entries WHERE id = $1`, e.ID)
			if err != nil || n > 0 {
				return err
			}
		}
		notices, err := apply(&r)
		if err != nil {
			return err
		}
		for _, n := range notices {
			if err := say(ctx, tx, n); err != nil {
				return err
			}
			r.Follow(n)
		}
		if err := saveRecord(ctx, tx, r); err != nil {
			return err
		}
		return tell(ctx, tx, id, entries...)
	})
	return r, err
}

// wrap names what was tried; nil stays nil.
func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}
