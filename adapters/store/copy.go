package store

import (
	"context"
	"errors"

	"gatehouse/adapters"
	"gatehouse/configs/database"
	"gatehouse/configs/vault"
	"gatehouse/exchange"
)

// copiesTable binds a sealed copy to its row.
const copiesTable = "copies"

// keepCopy keeps a document that was released, and the Parts of its files, sealed under the key of whom it is for.
func (s *Store) keepCopy(ctx context.Context, tx *database.Tx, p exchange.Parcel) error {
	switch p.Kind {
	case exchange.KindAck, exchange.KindHeartbeat, exchange.KindHistory:
		return nil
	}
	c := adapters.Copy{ID: p.ID, Kind: p.Kind, At: p.Created}
	var person string
	d, err := exchange.Decode(p.Kind, p.Content)
	if err == nil { // what can't be decoded never passes the guard; its copy shows what was tried
		r, _ := exchange.ReleaseOf(d)
		c.Policy, c.By, c.Second = r.Policy, r.By, r.Second
		if c.Case, person, err = s.personOf(ctx, tx, d); err != nil {
			return err
		}
	}
	key, err := s.keyOf(ctx, tx, person)
	if err != nil {
		return err
	}
	return tx.Send(ctx, `INSERT INTO copies (id, kind, case_id, policy, author, second, at, sealed) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (id) DO NOTHING`, c.ID, string(c.Kind), c.Case, c.Policy, c.By, c.Second, micros(c.At), key.Seal(copiesTable, p.ID, p.Content))
}

// personOf tells which case a document is about, and whose key seals it: the party's; without one the case's own. What
// is about nobody has no person.
func (s *Store) personOf(ctx context.Context, q database.Querier, d exchange.Document) (caseID, person string, err error) {
	switch x := d.(type) {
	case exchange.Notice:
		caseID = x.Case
	case exchange.Part:
		caseID, err = one(ctx, q, word, `SELECT case_id FROM copies WHERE id = $1`, x.Of)
	case exchange.Send:
		return "", "address " + x.To, nil
	}
	if caseID == "" || err != nil {
		return "", "", ignoreMissing(err)
	}
	e, err := one(ctx, q, content[adapters.Errand], `SELECT content FROM errands WHERE id = $1`, caseID)
	if err == nil && e.Case != nil && e.Case.Party != "" {
		return caseID, partyName(e.Case.Party), nil
	}
	if err := ignoreMissing(err); err != nil {
		return "", "", err
	}
	r, err := record(ctx, q, caseID) // a case that did not come over the border
	if err == nil && r.Case.Party != "" {
		return caseID, partyName(r.Case.Party), nil
	}
	return caseID, "case " + caseID, ignoreMissing(err)
}

func partyName(party string) string { return "party " + party }

func ignoreMissing(err error) error {
	if errors.Is(err, adapters.ErrNotFound) {
		return nil
	}
	return err
}

// keyOf gives the data key of a person, made at their first copy; nobody's is the root.
func (s *Store) keyOf(ctx context.Context, tx *database.Tx, person string) (vault.Key, error) {
	if person == "" {
		return s.vault.Root(), nil
	}
	mark := s.vault.Mark("person", person)
	id, err := one(ctx, tx, number, `SELECT id FROM data_keys WHERE owner = $1`, mark)
	if err == nil {
		return s.key(ctx, tx, id)
	}
	if !errors.Is(err, adapters.ErrNotFound) {
		return vault.Key{}, err
	}
	k, err := s.vault.NewKey(s.now())
	if err != nil {
		return k, err
	}
	_, err = tx.Exec(ctx, `INSERT INTO data_keys (id, owner, wrapped) VALUES ($1, $2, $3)`, k.ID, mark, k.Wrapped)
	return k, err
}

// key gives a data key. It always asks for the row: a key that was destroyed opens nothing, though it be in memory.
func (s *Store) key(ctx context.Context, q database.Querier, id int64) (vault.Key, error) {
	if id == 0 {
		return s.vault.Root(), nil
	}
	wrapped, err := one(ctx, q, raw, `SELECT wrapped FROM data_keys WHERE id = $1`, id)
	if errors.Is(err, adapters.ErrNotFound) {
		return vault.Key{}, adapters.ErrForgotten
	}
	if err != nil {
		return vault.Key{}, err
	}
	return s.vault.Unwrap(id, wrapped)
}

// Copies lists what left about a case, newest first.
func (s *Store) Copies(ctx context.Context, caseID string, n int) ([]adapters.Copy, error) {
	var c clause
	if caseID != "" {
		c.and("case_id = ?", caseID)
	}
	c.args = append(c.args, n)
	list, err := list(ctx, s.db.Read(), func(r row) (k adapters.Copy, err error) {
		var at int64
		err = r.Scan(&k.ID, &k.Kind, &k.Case, &k.Policy, &k.By, &k.Second, &at)
		k.At = fromMicros(at)
		return k, err
	}, `SELECT id, kind, case_id, policy, author, second, at FROM copies`+c.where()+` ORDER BY at DESC, id DESC LIMIT `+placeholder(len(c.args)), c.args...)
	return list, wrap("list copies", err)
}

// Copy gives the bytes of one, after the log has who looked.
func (s *Store) Copy(ctx context.Context, id string, look adapters.Read) ([]byte, error) {
	if _, err := one(ctx, s.db.Read(), raw, `SELECT sealed FROM copies WHERE id = $1`, id); err != nil {
		return nil, wrap("read copy", err)
	}
	if err := s.Looked(ctx, look); err != nil {
		return nil, err
	}
	b, err := s.openCopy(ctx, s.db.Read(), id)
	return b, wrap("read copy", err)
}

func (s *Store) openCopy(ctx context.Context, q database.Querier, id string) ([]byte, error) {
	sealed, err := one(ctx, q, raw, `SELECT sealed FROM copies WHERE id = $1`, id)
	if err != nil {
		return nil, err
	}
	keyID, err := vault.KeyOf(sealed)
	if err != nil {
		return nil, err
	}
	k, err := s.key(ctx, q, keyID)
	if err != nil {
		return nil, err
	}
	return k.Open(copiesTable, id, sealed)
}

// factorsTable binds a sealed second factor to its row.
const factorsTable = "factors"

// Factor gives a person's second factor.
func (s *Store) Factor(ctx context.Context, staff string) (adapters.Factor, error) {
	var sealed []byte
	f, err := one(ctx, s.db.Read(), func(r row) (f adapters.Factor, err error) {
		var confirmed int64
		err = r.Scan(&sealed, &confirmed, &f.Last)
		f.Confirmed = confirmed == 1
		return f, err
	}, `SELECT sealed, confirmed, last FROM factors WHERE staff = $1`, staff)
	if err == nil {
		f.Secret, err = s.vault.Root().Open(factorsTable, staff, sealed)
	}
	return f, wrap("read second factor", err)
}

// SaveFactor stores it, replacing what was there.
func (s *Store) SaveFactor(ctx context.Context, staff string, f adapters.Factor) error {
	return s.write(ctx, "save second factor", func(ctx context.Context, tx *database.Tx) error {
		return tx.Send(ctx, `INSERT INTO factors (staff, sealed, confirmed, last) VALUES ($1, $2, $3, $4) ON CONFLICT (staff) DO UPDATE
			SET sealed = excluded.sealed, confirmed = excluded.confirmed, last = excluded.last`,
			staff, s.vault.Root().Seal(factorsTable, staff, f.Secret), bit(f.Confirmed), f.Last)
	})
}

// UseFactor marks a time step used.
func (s *Store) UseFactor(ctx context.Context, staff string, step int64) error {
	return s.write(ctx, "use second factor", func(ctx context.Context, tx *database.Tx) error {
		n, err := tx.Exec(ctx, `UPDATE factors SET last = $1 WHERE staff = $2 AND last < $1`, step, staff)
		if err == nil && n == 0 {
			return adapters.ErrGone
		}
		return err
	})
}
