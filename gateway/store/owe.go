package store

import (
	"context"

	"gatehouse/configs/database"
	"gatehouse/gateway/broadcast"
)

// Apply implements broadcast.Ledger.
func (s *Store) Apply(ctx context.Context, c broadcast.Campaign, all []broadcast.Verdict) error {
	a := &applying{Store: s, c: c, all: all, letters: map[string]*deliveryRow{}}
	if err := a.prepare(ctx); err != nil {
		return wrap("owe broadcast", err)
	}
	return wrap("owe broadcast", s.db.WriteWait(ctx, a.write))
}

// applying is one call of Apply.
type applying struct {
	*Store
	c       broadcast.Campaign
	all     []broadcast.Verdict
	ids     []string
	keys    map[string]int64 // by contact
	letters map[string]*deliveryRow
}

// contactKeys are the data keys of contacts, by id.
func contactKeys(ctx context.Context, q database.Querier, ids []string) (map[string]int64, error) {
	out := map[string]int64{}
	err := eachIn(ctx, q, "SELECT id, key FROM contact WHERE id IN %", ids, func(scan scanner) error {
		var id string
		var key int64
		err := scan(&id, &key)
		out[id] = key
		return err
	})
	return out, wrap("read data keys", err)
}

// prepare seals what is owed, before the writer's turn.
func (a *applying) prepare(ctx context.Context) (err error) {
	for _, v := range a.all {
		a.ids = append(a.ids, v.Contact)
	}
	if a.keys, err = contactKeys(ctx, a.db.Read(), a.ids); err != nil {
		return err
	}
	for _, v := range a.all {
		id, ok := a.keys[v.Contact]
		if v.Delivery == nil || !ok {
			continue
		}
		k, err := a.key(ctx, a.db.Read(), id)
		if gone(err) {
			continue
		}
		if err != nil {
			return err
		}
		if a.letters[v.Contact], err = a.deliveryRow(k, *v.Delivery, ""); err != nil {
			return err
		}
	}
	return nil
}

func (a *applying) write(ctx context.Context, tx *database.Tx) error {
	// The row of the campaign is locked from here to the end, so that gateways owe one after the other.
	n, err := tx.Exec(ctx, "UPDATE campaign SET phase = phase WHERE number = $1 AND phase = $2", a.c.Number, phaseNumber(a.c.Phase))
	if err != nil {
		return err
	}
	if n == 0 {
		return broadcast.ErrMoved
	}
	open, err := a.open(ctx, tx)
	if err != nil {
		return err
	}
	keys, err := contactKeys(ctx, tx, a.ids)
	if err != nil {
		return err
	}
	number, err := numbers(ctx, tx, len(a.all))
	if err != nil {
		return err
	}
	for i, v := range a.all {
		letter := a.letters[v.Contact]
		if !open[v.Contact] || v.Delivery != nil && (letter == nil || keys[v.Contact] != a.keys[v.Contact]) {
			continue // another has it, or the contact changed hands: it comes up again as it is by then
		}
		if err := a.one(ctx, tx, v, letter, number+int64(i)); err != nil {
			return err
		}
	}
	return nil
}

// open tells which rows are queued still.
func (a *applying) open(ctx context.Context, tx *database.Tx) (map[string]bool, error) {
	out := map[string]bool{}
	err := eachIn(ctx, tx, "SELECT contact, campaign FROM recipient WHERE state = 0 AND contact IN %", a.ids, func(scan scanner) error {
		var contact string
		var campaign int64
		err := scan(&contact, &campaign)
		out[contact] = out[contact] || campaign == a.c.Number
		return err
	})
	return out, wrap("read ledger", err)
}

func (a *applying) one(ctx context.Context, tx *database.Tx, v broadcast.Verdict, letter *deliveryRow, number int64) error {
	err := tx.Send(ctx, "UPDATE recipient SET channel = $1, state = $2, reason = $3, due = $4, at = $5 WHERE campaign = $6 AND contact = $7 AND state = 0",
		v.Channel, rowState(v.State), string(v.Reason), micros(v.Again), micros(a.cfg.Now()), a.c.Number, v.Contact)
	if err != nil || letter == nil {
		return err
	}
	return a.putDelivery(ctx, tx, letter, number)
}
