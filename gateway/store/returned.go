package store

import (
	"context"

	"gatehouse/channels"
	"gatehouse/configs/database"
	"gatehouse/gateway"
)

// late stands in a delivery's cause once its carrier said that it still tries.
const late = "delayed"

// delayed notes that a carrier still tries, once for a delivery: it says so every few hours.
func (s *Store) delayed(ctx context.Context, tx *database.Tx, d *sending, a advice) error {
	if d.state > accepted {
		return nil
	}
	n, err := tx.Exec(ctx, "UPDATE delivery SET cause = $1 WHERE id = $2 AND cause = ''", late, d.id)
	if err != nil || n == 0 {
		return wrap("note a delay", err)
	}
	return s.cameBack(ctx, tx, d, gateway.Returned{What: channels.Delayed, Code: a.Code})
}

// complained takes a complaint for the person's word: lists are silent on the address from now on. What it has to be told
// by law still goes there, and so does the answer to what it asks.
func (s *Store) complained(ctx context.Context, tx *database.Tx, d *sending, a advice) error {
	first, err := s.markAs(ctx, tx, d.address, "stopped = 1", true, moment(a.At))
	if err != nil || !first {
		return err
	}
	return s.cameBack(ctx, tx, d, gateway.Returned{What: channels.Complained, Code: a.Code})
}

// cameBack has the dispatcher tell the office what became of a message of a case: of every mail, and of what must be told.
func (s *Store) cameBack(ctx context.Context, tx *database.Tx, d *sending, r gateway.Returned) error {
	if d.matter == "" || d.contact == "" {
		return nil
	}
	var l letter
	if err := s.read(ctx, tx, "delivery", d.id, d.body, &l); gone(err) {
		return nil
	} else if err != nil {
		return err
	}
	if !d.must && l.To.Channel != "email" {
		return nil
	}
	r.Matter, r.Channel = d.matter, l.To.Channel
	return wrap("wake for what came back", s.wakeFor(ctx, tx, d, gateway.WakeReturned, r.Subject()))
}
