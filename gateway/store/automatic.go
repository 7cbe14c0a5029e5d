package store

import (
	"context"
	"time"

	"gatehouse/channels"
	"gatehouse/configs/database"
	"gatehouse/gateway"
)

// States of an automatic mail.
const (
	sentFreely  = 0
	waits       = 1
	sentWaiting = 2 // after it waited: the next one waits, too
)

// keepWaiting bounds how long it is remembered that a mail waits: it asks again within the hour, or is gone.
const keepWaiting = 24 * time.Hour

// Automatic implements gateway.Outbox.
func (s *Store) Automatic(ctx context.Context, id string, to channels.Address, now time.Time) (wait time.Duration, err error) {
	err = s.db.WriteWait(ctx, func(ctx context.Context, tx *database.Tx) error {
		wait, err = s.automatic(ctx, tx, id, s.address(to), now)
		return err
	})
	return wait, wrap("count automatic mails", err)
}

func (s *Store) automatic(ctx context.Context, tx *database.Tx, id string, address []byte, now time.Time) (time.Duration, error) {
	if err := tx.Send(ctx, "DELETE FROM automatic WHERE at <= $1 AND (state <> $2 OR at <= $3)",
		micros(now.Add(-time.Hour)), waits, micros(now.Add(-keepWaiting))); err != nil {
		return 0, err
	}
	h := hour{id: id}
	err := each(tx.Query(ctx, "SELECT delivery, at, state FROM automatic WHERE address = $1 ORDER BY at DESC", address))(h.add)
	if err != nil || h.counted {
		return 0, err
	}
	wait, state := h.wait(now), sentFreely
	switch {
	case wait > 0:
		return wait, tx.Send(ctx, "INSERT INTO automatic(delivery, address, at, state) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING", id, address, micros(now), waits)
	case h.waited:
		state = sentWaiting
	}
	return 0, tx.Send(ctx, `INSERT INTO automatic(delivery, address, at, state) VALUES ($1, $2, $3, $4)
		ON CONFLICT (delivery) DO UPDATE SET at = excluded.at, state = excluded.state`, id, address, micros(now), state)
}

// hour is what went to an address in the last one, the newest first.
type hour struct {
	id      string
	counted bool // id is among them: it was let go before
	waited  bool // id waits
	parked  bool // the newest went after it had waited
	at      []time.Time
}

func (h *hour) add(scan scanner) error {
	var id string
	var at int64
	var state int
	if err := scan(&id, &at, &state); err != nil {
		return err
	}
	if state == waits {
		h.waited = h.waited || id == h.id
		return nil
	}
	h.counted = h.counted || id == h.id
	h.parked = h.parked || len(h.at) == 0 && state == sentWaiting
	h.at = append(h.at, moment(at))
	return nil
}

// wait is how long the next one has to: until fewer than the most went in an hour, and while those go that waited, an hour
// after the last.
func (h *hour) wait(now time.Time) time.Duration {
	switch {
	case h.parked:
		return h.at[0].Add(time.Hour).Sub(now)
	case len(h.at) >= gateway.AutomaticMails:
		return h.at[gateway.AutomaticMails-1].Add(time.Hour).Sub(now)
	}
	return 0
}
