package store

import (
	"context"
	"encoding/hex"
	"errors"
	"time"

	"gatehouse/configs/database"
)

func (s *Store) sessionMark(token string) []byte { return s.vault.Mark("session", token) }

func sessionOwner(mark []byte) string { return "session:" + hex.EncodeToString(mark) }

// Session implements gateway.Sessions.
func (s *Store) Session(ctx context.Context, token string, now time.Time) (b []byte, found bool, err error) {
	mark := s.sessionMark(token)
	var sealed []byte
	err = each(s.db.Read().Query(ctx, "SELECT body FROM session WHERE mark = $1 AND until > $2", mark, micros(now)))(func(scan scanner) error {
		return scan(&sealed)
	})
	if err != nil || sealed == nil {
		return nil, false, wrap("read session", err)
	}
	b, err = s.open(ctx, s.db.Read(), "session", name(mark), sealed)
	if gone(err) {
		return nil, false, nil
	}
	return b, err == nil, wrap("read session", err)
}

// PutSession implements gateway.Sessions. What ended goes on the way.
func (s *Store) PutSession(ctx context.Context, token string, b []byte, now, until time.Time) error {
	mark := s.sessionMark(token)
	k, _, err := s.ownerKey(ctx, s.db.Read(), sessionOwner(mark))
	if err != nil {
		return wrap("keep session", err)
	}
	sealed := k.Seal("session", name(mark), b)
	return wrap("keep session", s.db.WriteWait(ctx, func(ctx context.Context, tx *database.Tx) error {
		if err := endSessions(ctx, tx, now); err != nil {
			return err
		}
		return errors.Join(putKey(ctx, tx, sessionOwner(mark), k),
			tx.Send(ctx, `INSERT INTO session(mark, until, body) VALUES ($1, $2, $3)
				ON CONFLICT (mark) DO UPDATE SET until = excluded.until, body = excluded.body`, mark, micros(until), sealed))
	}))
}

// EndSession implements gateway.Sessions.
func (s *Store) EndSession(ctx context.Context, token string) error {
	return wrap("end session", s.db.WriteWait(ctx, func(ctx context.Context, tx *database.Tx) error {
		return endSession(ctx, tx, s.sessionMark(token))
	}))
}

func endSession(ctx context.Context, tx *database.Tx, mark []byte) error {
	return errors.Join(destroyKeys(ctx, tx, sessionOwner(mark)), tx.Send(ctx, "DELETE FROM session WHERE mark = $1", mark))
}

func endSessions(ctx context.Context, tx *database.Tx, now time.Time) error {
	var over [][]byte
	err := each(tx.Query(ctx, "SELECT mark FROM session WHERE until <= $1", micros(now)))(func(scan scanner) error {
		var mark []byte
		err := scan(&mark)
		over = append(over, mark)
		return err
	})
	for _, mark := range over {
		err = errors.Join(err, endSession(ctx, tx, mark))
	}
	return err
}
