package store

import (
	"context"
	"database/sql"
	"errors"

	"gatehouse/channels"
	"gatehouse/configs/database"
	"gatehouse/configs/vault"
)

// draftRow is a draft as it is stored, under a key of its own.
type draftRow struct {
	id   string
	key  vault.Key
	body []byte
	keep map[string]bool // the files that go with it
}

func draftOwner(id string) string { return "draft:" + id }

func (s *Store) prepareDraft(ctx context.Context, c *commitment) error {
	if c.Draft == nil {
		return nil
	}
	d := *c.Draft
	if d.ID == "" {
		return errors.New("draft has no id")
	}
	k, _, err := s.ownerKey(ctx, s.db.Read(), draftOwner(d.ID))
	if err != nil {
		return err
	}
	files, in, err := s.takeIn(ctx, unstored(d.Files))
	c.files = append(c.files, in...)
	if err != nil {
		return err
	}
	row := &draftRow{id: d.ID, key: k, keep: map[string]bool{}}
	if row.body, err = seal(k, "draft", d.ID, sheet{Address: d.Address, Form: d.Form, Files: toPapers(files), Paused: d.Paused, For: d.For, Whom: d.Whom}); err != nil {
		return err
	}
	before := len(c.adopted)
	if err := s.adopt(ctx, c, draftOwner(d.ID), k, files); err != nil {
		return err
	}
	for _, a := range c.adopted[before:] {
		row.keep[a.file] = true
	}
	c.draft = row
	return nil
}

// adopt makes owner hold the files from now on, each by its own key sealed under k.
func (s *Store) adopt(ctx context.Context, c *commitment, owner string, k vault.Key, files []channels.File) error {
	for _, f := range files {
		got, err := s.locate(ctx, c, f.SHA256)
		if err != nil {
			return wrap("take over file", err)
		}
		c.adopted = append(c.adopted, adoption{owner, got.id, sealFile(k, owner, got.id, got.raw)})
	}
	return nil
}

// locate finds a file among those that the outcome brings, then in the store.
func (s *Store) locate(ctx context.Context, c *commitment, sha string) (stored, error) {
	mark := string(s.vault.Mark("file", sha))
	for _, in := range c.files {
		if string(in.mark) == mark {
			return stored{id: in.id, size: in.size, raw: in.raw}, nil
		}
	}
	return s.find(ctx, s.db.Read(), sha)
}

// putDraft replaces or drops the contact's draft. Another draft in its place ends with its key and files, or waits on
// the shelf.
func (s *Store) putDraft(ctx context.Context, tx *database.Tx, c *commitment) error {
	if err := s.dropShelf(ctx, tx, c.DropShelf); err != nil {
		return err
	}
	if c.draft == nil {
		if c.DropDraft {
			return s.dropDraft(ctx, tx, c.contact)
		}
		return nil
	}
	var old string
	err := tx.QueryRow(ctx, "SELECT id FROM draft WHERE contact = $1", c.contact).Scan(&old)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return wrap("read draft", err)
	}
	if old != "" && old != c.draft.id {
		if err := s.giveWay(ctx, tx, c); err != nil {
			return err
		}
	}
	if err := tx.Send(ctx, "DELETE FROM shelf WHERE id = $1", c.draft.id); err != nil {
		return err
	}
	if err := putKey(ctx, tx, draftOwner(c.draft.id), c.draft.key); err != nil {
		return err
	}
	err = tx.Send(ctx, `INSERT INTO draft(contact, id, touched, body) VALUES ($1, $2, $3, $4)
		ON CONFLICT (contact) DO UPDATE SET id = excluded.id, touched = excluded.touched, body = excluded.body`,
		c.contact, c.draft.id, micros(c.Draft.Touched), c.draft.body)
	if err != nil {
		return err
	}
	return s.prune(ctx, tx, c.draft)
}

// giveWay makes room for another draft.
func (s *Store) giveWay(ctx context.Context, tx *database.Tx, c *commitment) error {
	if !c.Shelve {
		return s.dropDraft(ctx, tx, c.contact)
	}
	return errors.Join(tx.Send(ctx, "INSERT INTO shelf(id, contact, touched, body) SELECT id, contact, touched, body FROM draft WHERE contact = $1", c.contact),
		tx.Send(ctx, "DELETE FROM draft WHERE contact = $1", c.contact))
}

// dropShelf ends forms that wait.
func (s *Store) dropShelf(ctx context.Context, tx *database.Tx, ids []string) error {
	var err error
	for _, id := range ids {
		err = errors.Join(err, tx.Send(ctx, "DELETE FROM shelf WHERE id = $1", id), destroyKeys(ctx, tx, draftOwner(id)), dropHolder(ctx, tx, draftOwner(id)))
	}
	return wrap("end forms", err)
}

// shelved are the ids of a contact's forms that wait.
func shelved(ctx context.Context, tx *database.Tx, contact string) (ids []string, err error) {
	err = each(tx.Query(ctx, "SELECT id FROM shelf WHERE contact = $1", contact))(func(scan scanner) error {
		var id string
		err := scan(&id)
		ids = append(ids, id)
		return err
	})
	return ids, wrap("read shelf", err)
}

// prune lets go the files that a draft no longer names.
func (s *Store) prune(ctx context.Context, tx *database.Tx, d *draftRow) error {
	var gone []string
	err := each(tx.Query(ctx, "SELECT file FROM holder WHERE owner = $1", draftOwner(d.id)))(func(scan scanner) error {
		var id string
		err := scan(&id)
		if !d.keep[id] {
			gone = append(gone, id)
		}
		return err
	})
	for _, id := range gone {
		err = errors.Join(err, tx.Send(ctx, "DELETE FROM holder WHERE owner = $1 AND file = $2", draftOwner(d.id), id), collect(ctx, tx, id))
	}
	return err
}

func (s *Store) dropDraft(ctx context.Context, tx *database.Tx, contact string) error {
	var id string
	err := tx.QueryRow(ctx, "SELECT id FROM draft WHERE contact = $1", contact).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return wrap("read draft", err)
	}
	if err := tx.Send(ctx, "DELETE FROM draft WHERE contact = $1", contact); err != nil {
		return err
	}
	if err := destroyKeys(ctx, tx, draftOwner(id)); err != nil {
		return err
	}
	return dropHolder(ctx, tx, draftOwner(id))
}
