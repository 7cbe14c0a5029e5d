package store

import (
	"context"
	"errors"
	"slices"

	"gatehouse/adapters"
	"gatehouse/configs/database"
	"gatehouse/exchange"
)

// Shelve stores the directory's files as revision 0.
func (s *Store) Shelve(ctx context.Context, all []adapters.Page) error {
	for chunk := range slices.Chunk(all, shelfBatch) {
		err := s.write(ctx, "shelve answers", func(ctx context.Context, tx *database.Tx) error {
			for _, p := range chunk {
				p.Revision = 0
				if err := shelve(ctx, tx, p); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// shelfBatch bounds the answers of one transaction, so that others get their turn while thousands are read.
const shelfBatch = 100

func shelve(ctx context.Context, tx *database.Tx, p adapters.Page) error {
	old, err := one(ctx, tx, content[adapters.Page],
		`SELECT content FROM pages WHERE name = $1 AND lang = $2 AND revision = 0`, p.Name, p.Lang)
	if err == nil && old.Body == p.Body && old.Staff == p.Staff || err != nil && !errors.Is(err, adapters.ErrNotFound) {
		return err
	}
	newer, err := one(ctx, tx, number, `SELECT COUNT(*) FROM pages WHERE name = $1 AND lang = $2 AND revision > 0`, p.Name, p.Lang)
	if err != nil {
		return err
	}
	return savePage(ctx, tx, p, newer == 0)
}

// savePage stores a page; the latest revision is the one that is found.
func savePage(ctx context.Context, tx *database.Tx, p adapters.Page, latest bool) error {
	if latest {
		if err := tx.Send(ctx, `UPDATE pages SET latest = 0 WHERE name = $1 AND lang = $2`, p.Name, p.Lang); err != nil {
			return err
		}
		if err := index(ctx, tx, pages, pageID(p.Name, p.Lang), p.Name+"\n"+p.Body); err != nil {
			return err
		}
	}
	return tx.Send(ctx, `INSERT INTO pages (name, lang, revision, latest, title, content) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (name, lang, revision) DO UPDATE SET latest = excluded.latest, title = excluded.title, content = excluded.content`,
		p.Name, p.Lang, int64(p.Revision), bit(latest), p.Title, encode(p))
}

func pageID(name, lang string) string { return lang + "/" + name }

// Page gives the highest revision of an answer.
func (s *Store) Page(ctx context.Context, name, lang string) (adapters.Page, error) {
	p, err := one(ctx, s.db.Read(), content[adapters.Page],
		`SELECT content FROM pages WHERE name = $1 AND lang = $2 AND latest = 1`, name, lang)
	return p, wrap("read answer", err)
}

// Shelf lists the highest revision of every answer in lang whose text has all the words.
func (s *Store) Shelf(ctx context.Context, lang, words string, limit int) ([]adapters.Page, error) {
	var c clause
	c.and("latest = 1")
	c.and("lang = ?", lang)
	c.found(pages, "lang || '/' || name", words)
	c.args = append(c.args, limit)
	p, err := list(ctx, s.db.Read(), content[adapters.Page],
		`SELECT content FROM pages`+c.where()+` ORDER BY title, name LIMIT `+placeholder(len(c.args)), c.args...)
	return p, wrap("list answers", err)
}

// Propose stores a draft.
func (s *Store) Propose(ctx context.Context, d adapters.Draft) error {
	return s.write(ctx, "propose", func(ctx context.Context, tx *database.Tx) error { return saveDraft(ctx, tx, d) })
}

func saveDraft(ctx context.Context, tx *database.Tx, d adapters.Draft) error {
	return tx.Send(ctx, `INSERT INTO drafts (id, state, at, content) VALUES ($1, $2, $3, $4)
		ON CONFLICT (id) DO UPDATE SET state = excluded.state, content = excluded.content`,
		d.ID, string(d.State), micros(d.At), encode(d))
}

// Drafts lists drafts, newest first.
func (s *Store) Drafts(ctx context.Context, proposed bool, n int) ([]adapters.Draft, error) {
	var c clause
	if proposed {
		c.and("state = ?", string(adapters.Proposed))
	}
	c.args = append(c.args, n)
	d, err := list(ctx, s.db.Read(), content[adapters.Draft],
		`SELECT content FROM drafts`+c.where()+` ORDER BY at DESC, id DESC LIMIT `+placeholder(len(c.args)), c.args...)
	return d, wrap("list drafts", err)
}

// Draft gives one.
func (s *Store) Draft(ctx context.Context, id string) (adapters.Draft, error) {
	d, err := draft(ctx, s.db.Read(), id)
	return d, wrap("read draft", err)
}

func draft(ctx context.Context, q database.Querier, id string) (adapters.Draft, error) {
	return one(ctx, q, content[adapters.Draft], `SELECT content FROM drafts WHERE id = $1`, id)
}

// settleDraft ends a draft that is still proposed, by another person than its author.
func settleDraft(ctx context.Context, tx *database.Tx, id, second, why string, as adapters.DraftState) error {
	d, err := draft(ctx, tx, id)
	switch {
	case err != nil:
		return err
	case d.State != adapters.Proposed:
		return adapters.ErrGone
	case d.By == second && as == adapters.Published:
		return adapters.ErrSamePerson
	}
	d.State, d.Second = as, second
	if why != "" {
		d.Why = why
	}
	return saveDraft(ctx, tx, d)
}

// Publish ends a draft: its pages become the next revisions and the parcels go into the down lane.
func (s *Store) Publish(ctx context.Context, id, second string, next []adapters.Page, say []exchange.Parcel) error {
	return s.write(ctx, "publish", func(ctx context.Context, tx *database.Tx) error {
		if err := settleDraft(ctx, tx, id, second, "", adapters.Published); err != nil {
			return err
		}
		for _, p := range next {
			last, err := one(ctx, tx, number, `SELECT COALESCE(MAX(revision), 0) FROM pages WHERE name = $1 AND lang = $2`, p.Name, p.Lang)
			if err != nil {
				return err
			}
			if uint64(last)+1 != p.Revision {
				return adapters.ErrMoved
			}
			if err := savePage(ctx, tx, p, true); err != nil {
				return err
			}
		}
		return s.post(ctx, tx, say...)
	})
}

// Reject ends a draft.
func (s *Store) Reject(ctx context.Context, id, second, why string) error {
	return s.write(ctx, "reject", func(ctx context.Context, tx *database.Tx) error {
		return settleDraft(ctx, tx, id, second, why, adapters.Rejected)
	})
}
