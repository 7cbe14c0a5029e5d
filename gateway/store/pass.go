package store

import (
	"context"
	"fmt"
	"time"

	"gatehouse/channels"
	"gatehouse/configs/database"
	"gatehouse/configs/vault"
	"gatehouse/gateway"
)

// ticket is what a pass holds beyond its columns.
type ticket struct {
	Address channels.Address `json:"a"`
	Lang    string           `json:"l,omitempty"`
}

func (s *Store) passMark(token string) []byte { return s.vault.Mark("pass", token) }

// putPasses keeps the links of an outcome. A newer one for the same thing ends those that nobody opened.
func (s *Store) putPasses(ctx context.Context, tx *database.Tx, k vault.Key, contact string, passes []gateway.Pass) error {
	for _, p := range passes {
		if len(p.Token) < 12 { // 60 bits in base 32
			return fmt.Errorf("a pass has a token of %d letters", len(p.Token))
		}
		// A new link takes the place of one that was not used, but for those in mails about rows: all of them open the same page.
		err := tx.Send(ctx, "DELETE FROM pass WHERE until <= $1 OR contact = $2 AND kind = $3 AND subject = $4 AND used = 0 AND kind <> $5",
			micros(s.cfg.Now()), contact, string(p.Kind), p.Subject, string(gateway.ToCorrect))
		if err != nil {
			return err
		}
		mark := s.passMark(p.Token)
		body, err := seal(k, "pass", name(mark), ticket{p.Address, p.Lang})
		if err != nil {
			return err
		}
		err = tx.Send(ctx, "INSERT INTO pass(mark, contact, kind, subject, until, used, body) VALUES ($1, $2, $3, $4, $5, 0, $6)",
			mark, contact, string(p.Kind), p.Subject, micros(p.Until), body)
		if err != nil {
			return err
		}
	}
	return nil
}

// Pass implements gateway.Passes.
func (s *Store) Pass(ctx context.Context, token string) (gateway.Pass, error) {
	p, err := s.pass(ctx, s.db.Read(), token)
	if err == nil && !s.cfg.Now().Before(p.Until) {
		err = gateway.ErrNotFound
	}
	if err != nil {
		return gateway.Pass{}, wrap("read pass", err)
	}
	return p, nil
}

func (s *Store) pass(ctx context.Context, q database.Querier, token string) (gateway.Pass, error) {
	mark := s.passMark(token)
	var p gateway.Pass
	var until, used int64
	var sealed []byte
	err := each(q.Query(ctx, "SELECT contact, kind, subject, until, used, body FROM pass WHERE mark = $1", mark))(func(scan scanner) error {
		return scan(&p.Contact, &p.Kind, &p.Subject, &until, &used, &sealed)
	})
	if err == nil && sealed == nil {
		err = gateway.ErrNotFound
	}
	if err != nil {
		return gateway.Pass{}, err
	}
	var t ticket
	if err := s.read(ctx, q, "pass", name(mark), sealed, &t); err != nil {
		return gateway.Pass{}, err
	}
	p.Address, p.Lang, p.Until, p.Used = t.Address, t.Lang, moment(until), used != 0
	return p, nil
}

// UsePass implements gateway.Passes.
func (s *Store) UsePass(ctx context.Context, token string, now, until time.Time) (p gateway.Pass, err error) {
	err = s.db.WriteWait(ctx, func(ctx context.Context, tx *database.Tx) error {
		n, err := tx.Exec(ctx, "UPDATE pass SET used = 1, until = $1 WHERE mark = $2 AND used = 0 AND until > $3", micros(until), s.passMark(token), micros(now))
		if err == nil && n == 0 {
			err = gateway.ErrNotFound
		}
		if err == nil {
			p, err = s.pass(ctx, tx, token)
		}
		return err
	})
	return p, wrap("use pass", err)
}

// ReturnPass implements gateway.Passes.
func (s *Store) ReturnPass(ctx context.Context, token string, until time.Time) error {
	return wrap("return pass", s.db.WriteWait(ctx, func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.Exec(ctx, "UPDATE pass SET used = 0, until = $1 WHERE mark = $2", micros(until), s.passMark(token))
		return err
	}))
}

// Drafted implements gateway.Passes.
func (s *Store) Drafted(ctx context.Context, p gateway.Pass) (gateway.Draft, error) {
	found := map[string]*gateway.Draft{}
	if err := s.drafts(ctx, s.db.Read(), []string{p.Contact}, found); err != nil {
		return gateway.Draft{}, wrap("read draft", err)
	}
	d := found[p.Contact]
	if d == nil || d.ID != p.Subject {
		return gateway.Draft{}, fmt.Errorf("read draft: %w", gateway.ErrNotFound)
	}
	return *d, nil
}
