package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"gatehouse/configs/database"
	"gatehouse/configs/vault"
)

// key gives a data key by its id. vault.ErrDestroyed when it is gone.
func (s *Store) key(ctx context.Context, q database.Querier, id int64) (vault.Key, error) {
	if k, ok := s.vault.Cached(id); ok {
		return k, nil
	}
	var wrapped []byte
	err := q.QueryRow(ctx, "SELECT wrapped FROM key WHERE id = $1", id).Scan(&wrapped)
	if errors.Is(err, sql.ErrNoRows) {
		return vault.Key{}, vault.ErrDestroyed
	}
	if err != nil {
		return vault.Key{}, fmt.Errorf("read data key: %w", err)
	}
	return s.vault.Unwrap(id, wrapped)
}

// contactKey gives the data key that seals for a contact, or a new one that is not stored yet. A contact that took
// over others has theirs as well, for what they sealed.
func (s *Store) contactKey(ctx context.Context, q database.Querier, contact string) (k vault.Key, stored bool, err error) {
	if id, ok := s.keys.get(contact); ok {
		k, err = s.key(ctx, q, id)
		if !errors.Is(err, vault.ErrDestroyed) {
			return k, err == nil, err
		}
	}
	k, stored, err = s.keyBy(ctx, q, "SELECT key FROM contact WHERE id = $1", contact)
	if stored && err == nil {
		s.keys.put(contact, k.ID)
	}
	return k, stored, err
}

// ownerKey gives the data key of a draft or a crossing, or a new one that is not stored yet.
func (s *Store) ownerKey(ctx context.Context, q database.Querier, owner string) (k vault.Key, stored bool, err error) {
	return s.keyBy(ctx, q, "SELECT id FROM key WHERE owner = $1", owner)
}

func (s *Store) keyBy(ctx context.Context, q database.Querier, query, arg string) (k vault.Key, stored bool, err error) {
	var id int64
	err = q.QueryRow(ctx, query, arg).Scan(&id)
	switch {
	case noRow(err):
		k, err = s.vault.NewKey(s.cfg.Now())
		return k, false, err
	case err != nil:
		return vault.Key{}, false, fmt.Errorf("read data key: %w", err)
	}
	k, err = s.key(ctx, q, id)
	return k, true, err
}

// preload reads the keys of sealed values in one go.
func (s *Store) preload(ctx context.Context, q database.Querier, values [][]byte) error {
	var ids []int64
	asked := map[int64]bool{}
	for _, v := range values {
		id, err := vault.KeyOf(v)
		if err != nil || asked[id] {
			continue
		}
		if _, ok := s.vault.Cached(id); !ok {
			asked[id] = true
			ids = append(ids, id)
		}
	}
	return eachIn(ctx, q, "SELECT id, wrapped FROM key WHERE id IN %", ids, func(scan scanner) error {
		var id int64
		var wrapped []byte
		if err := scan(&id, &wrapped); err != nil {
			return err
		}
		_, err := s.vault.Unwrap(id, wrapped)
		return err
	})
}

// open decrypts a value of a row with whichever key sealed it.
func (s *Store) open(ctx context.Context, q database.Querier, table, row string, sealed []byte) ([]byte, error) {
	id, err := vault.KeyOf(sealed)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", table, err)
	}
	k, err := s.key(ctx, q, id)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", table, err)
	}
	plain, err := k.Open(table, row, sealed)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", table, err)
	}
	return plain, nil
}

// read opens a value and decodes it.
func (s *Store) read(ctx context.Context, q database.Querier, table, row string, sealed []byte, into any) error {
	plain, err := s.open(ctx, q, table, row, sealed)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(plain, into); err != nil {
		return fmt.Errorf("decode %s: %w", table, err)
	}
	return nil
}

// seal encodes a value and seals it for its row. What can't be encoded is a fault of the value, such as a location
// that is not a number.
func seal(k vault.Key, table, row string, v any) ([]byte, error) {
	plain, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", table, err)
	}
	return k.Seal(table, row, plain), nil
}

// putKey stores a data key for its owner; the same key again changes nothing.
func putKey(ctx context.Context, tx *database.Tx, owner string, k vault.Key) error {
	return tx.Send(ctx, "INSERT INTO key(id, owner, wrapped) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING", k.ID, owner, k.Wrapped)
}

// destroyKeys deletes an owner's data keys, and with them all that they sealed.
func destroyKeys(ctx context.Context, tx *database.Tx, owner string) error {
	return tx.Send(ctx, "DELETE FROM key WHERE owner = $1", owner)
}
