package store

import (
	"context"
	"time"

	"gatehouse/channels"
	"gatehouse/configs/database"
	"gatehouse/gateway"
)

// nodding is how far back a broadcast is looked for.
const nodding = 24 * time.Hour

// told gives the last broadcast of a day that the carrier took for an address; nil: none.
func (s *Store) told(ctx context.Context, by channels.Address) (*gateway.Told, error) {
	const query = `SELECT d.id, d.broadcast, d.due, d.body, coalesce(n.said, 0) FROM reach r
		JOIN delivery d ON d.contact = r.contact AND d.address = r.address AND d.broadcast <> '' AND d.state IN (1, 2) AND d.due > $2
		LEFT JOIN nod n ON n.broadcast = d.broadcast AND n.contact = d.contact
		WHERE r.address = $1 ORDER BY d.due DESC, d.number DESC LIMIT 1`
	var t gateway.Told
	var id string
	var due, said int64
	var sealed []byte
	err := each(s.db.Read().Query(ctx, query, s.address(clean(by)), micros(s.cfg.Now().Add(-nodding))))(func(scan scanner) error {
		return scan(&id, &t.Broadcast, &due, &sealed, &said)
	})
	if err != nil || sealed == nil {
		return nil, err
	}
	var body letter
	if err := s.read(ctx, s.db.Read(), "delivery", id, sealed, &body); gone(err) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	t.Text, t.At, t.Answered = s.message(body).Text, moment(due), said > 0
	return &t, nil
}

// putNod counts a bare word on its broadcast.
func (s *Store) putNod(ctx context.Context, tx *database.Tx, contact, broadcast string) error {
	if broadcast == "" {
		return nil
	}
	return tx.Send(ctx, `INSERT INTO nod(broadcast, contact, said, at) VALUES ($1, $2, 1, $3)
		ON CONFLICT (broadcast, contact) DO UPDATE SET said = nod.said + 1, at = excluded.at`, broadcast, contact, micros(s.cfg.Now()))
}
