package store

import (
	"context"
	"fmt"

	"gatehouse/adapters"
	"gatehouse/configs/database"
	"gatehouse/exchange"
)

// keepRebuilt notes that the guard rebuilt a file; the first word on it stays.
func keepRebuilt(ctx context.Context, tx *database.Tx, file string, r exchange.Replaced) error {
	if r == (exchange.Replaced{}) {
		return nil
	}
	return tx.Send(ctx, `INSERT INTO rebuilt (file, was, now, filter) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`, file, r.From, r.To, r.Filter)
}

// complete makes an errand ready whose files are all in.
func complete(ctx context.Context, tx *database.Tx, doc string) error {
	found, err := list(ctx, tx, content[adapters.Errand], `SELECT content FROM errands WHERE id = $1 AND state = $2`, doc, needsParts)
	if err != nil || len(found) == 0 {
		return err
	}
	if err := renameRebuilt(ctx, tx, &found[0]); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `UPDATE errands SET state = $1, content = $2 WHERE id = $3`, ready, encode(found[0]), doc)
	return err
}

// renameRebuilt lets the document name the files that the guard rebuilt by what they are now, so that everybody who
// reads them later checks the bytes that came.
func renameRebuilt(ctx context.Context, tx *database.Tx, e *adapters.Errand) error {
	files := filesOf(e)
	for i := range files {
		r, err := rebuiltFile(ctx, tx, files[i].ID)
		if err != nil || r == (exchange.Replaced{}) || r.To == files[i].SHA256 {
			if err != nil {
				return err
			}
			continue
		}
		if r.From != files[i].SHA256 {
			return fmt.Errorf("file %s: %w", files[i].ID, adapters.ErrAltered)
		}
		size, err := one(ctx, tx, number, `SELECT COALESCE(SUM(LENGTH(bytes)), 0) FROM parts WHERE file = $1`, files[i].ID)
		if err != nil {
			return err
		}
		files[i].SHA256, files[i].Size = r.To, size
	}
	return nil
}

func filesOf(e *adapters.Errand) []exchange.FileRef {
	switch {
	case e.Case != nil:
		return e.Case.Files
	case e.Addition != nil:
		return e.Addition.Files
	}
	return nil
}

func rebuiltFile(ctx context.Context, q database.Querier, file string) (exchange.Replaced, error) {
	found, err := list(ctx, q, func(w row) (r exchange.Replaced, err error) { return r, w.Scan(&r.From, &r.To, &r.Filter) },
		`SELECT was, now, filter FROM rebuilt WHERE file = $1`, file)
	if err != nil || len(found) == 0 {
		return exchange.Replaced{}, err
	}
	return found[0], nil
}

// Rebuilt gives, of those files, the ones that the guard rebuilt.
func (s *Store) Rebuilt(ctx context.Context, files []string) (map[string]exchange.Replaced, error) {
	all := map[string]exchange.Replaced{}
	for _, id := range files {
		r, err := rebuiltFile(ctx, s.db.Read(), id)
		if err != nil {
			return nil, wrap("read rebuilt files", err)
		}
		if r != (exchange.Replaced{}) {
			all[id] = r
		}
	}
	return all, nil
}
