package store

import (
	"context"
	"encoding/json"
	"time"

	"gatehouse/channels"
	"gatehouse/configs/database"
)

// keepEarly is how long a receipt waits for the record of its sending.
const keepEarly = 24 * time.Hour

func (s *Store) carrierMark(r channels.Receipt) []byte {
	if r.CarrierID == "" {
		return nil
	}
	return s.vault.Mark("carrier", r.CarrierID)
}

// Report implements gateway.Intake.
func (s *Store) Report(ctx context.Context, r channels.Receipt) error {
	if r.MessageID == "" && r.CarrierID == "" {
		return nil // names nothing of ours, and would not if it came again
	}
	a := advice{State: r.State, At: micros(later(r.At, time.UnixMicro(1))), Segments: r.Segments}
	if r.Err != nil {
		a.Kind, a.Code = r.Err.Kind, r.Err.Code
	}
	err := s.db.Write(ctx, func(ctx context.Context, tx *database.Tx) error { return s.report(ctx, tx, r, a) })
	return wrap("record receipt", busy(err))
}

func (s *Store) report(ctx context.Context, tx *database.Tx, r channels.Receipt, a advice) error {
	mark := s.carrierMark(r)
	d, err := s.meant(ctx, tx, r.MessageID, mark)
	if err != nil {
		return err
	}
	if d != nil {
		return s.advise(ctx, tx, d, a, mark)
	}
	if mark == nil {
		mark = s.vault.Mark("message", r.MessageID)
	}
	return s.keepReceipt(ctx, tx, mark, a)
}

// meant finds the delivery that a receipt speaks of, by our id or by the carrier's.
func (s *Store) meant(ctx context.Context, tx *database.Tx, id string, carrier []byte) (*sending, error) {
	where, arg := "d.id = $1", any(id)
	if id == "" {
		where, arg = "d.carrier = $1", carrier
	}
	found, err := s.sendings(ctx, tx, where, arg)
	for _, d := range found {
		return d, err
	}
	return nil, err
}

// keepReceipt keeps a word on what is not known yet; of several the final one.
func (s *Store) keepReceipt(ctx context.Context, tx *database.Tx, mark []byte, a advice) error {
	now := s.cfg.Now()
	if err := tx.Send(ctx, "DELETE FROM receipt WHERE at < $1", micros(now.Add(-keepEarly))); err != nil {
		return err
	}
	known, err := s.early(ctx, tx, [][]byte{mark})
	if err != nil {
		return err
	}
	if old, ok := known[string(mark)]; ok && old.State != channels.Accepted {
		return nil
	}
	body, err := seal(s.vault.Root(), "receipt", name(mark), a)
	if err != nil {
		return err
	}
	return tx.Send(ctx, "INSERT INTO receipt(mark, at, body) VALUES ($1, $2, $3) ON CONFLICT (mark) DO UPDATE SET body = excluded.body",
		mark, micros(now), body)
}

// early gives the receipts that came before the records of their sendings.
func (s *Store) early(ctx context.Context, tx *database.Tx, marks [][]byte) (map[string]advice, error) {
	out := map[string]advice{}
	err := eachIn(ctx, tx, "SELECT mark, body FROM receipt WHERE mark IN %", marks, func(scan scanner) error {
		var mark, body []byte
		if err := scan(&mark, &body); err != nil {
			return err
		}
		plain, err := s.vault.Root().Open("receipt", name(mark), body)
		if err != nil {
			return err
		}
		var a advice
		err = json.Unmarshal(plain, &a)
		out[string(mark)] = a
		return err
	})
	return out, wrap("read early receipts", err)
}
