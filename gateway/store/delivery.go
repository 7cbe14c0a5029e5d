package store

import (
	"context"
	"errors"

	"gatehouse/channels"
	"gatehouse/configs/database"
	"gatehouse/configs/vault"
	"gatehouse/exchange/service"
	"gatehouse/gateway"
)

// deliveryRow is a delivery as it is stored.
type deliveryRow struct {
	gateway.Delivery
	address []byte
	origin  string
	line    bool
	key     vault.Key // of a last word alone: the key that no contact has
	body    []byte
}

func (s *Store) prepareDeliveries(ctx context.Context, c *commitment) error {
	for _, d := range c.Deliveries {
		files, in, err := s.takeIn(ctx, unstored(d.Message.Files))
		c.files = append(c.files, in...)
		if err != nil {
			return err
		}
		d.Message.Files = files
		if d.Contact == "" {
			d.Contact = c.contact
		}
		k := c.keyFor(d.Matter)
		if d.Contact != c.contact {
			if k, _, err = s.contactKey(ctx, s.db.Read(), d.Contact); err != nil {
				return err
			}
		}
		row, err := s.deliveryRow(k, d, "")
		if err != nil {
			return err
		}
		c.letters = append(c.letters, row)
		if err := s.adopt(ctx, c, deliveryOwner(d.ID), k, files); err != nil {
			return err
		}
	}
	return nil
}

// duty is how a delivery is owed: 2 when it is Legal, 1 when it is a Must, else 0.
func duty(d gateway.Delivery) int64 {
	if d.Legal {
		return 2
	}
	return bit(d.Must)
}

func deliveryOwner(id string) string { return "delivery:" + id }

// unstored keeps Open on files that the store does not have yet; a digest without one is a file that it has.
func unstored(files []channels.File) []channels.File {
	out := make([]channels.File, len(files))
	for i, f := range files {
		if f.SHA256 != "" {
			f.Open = nil
		}
		out[i] = f
	}
	return out
}

func (s *Store) deliveryRow(k vault.Key, d gateway.Delivery, origin string) (*deliveryRow, error) {
	if d.ID == "" || d.Message.To.IsZero() {
		return nil, errors.New("a delivery has no id or no address")
	}
	d.Message.ID = d.ID
	if d.Queue == "" {
		d.Queue = d.Message.Queue
	}
	d.Message.Queue = d.Queue
	row := &deliveryRow{Delivery: d, address: s.address(d.Message.To), origin: origin, line: lined(d.Message.To.Channel)}
	var err error
	l := toLetter(d.Message)
	l.Receipts, l.Once = d.Receipts, d.Once
	row.body, err = seal(k, "delivery", d.ID, l)
	return row, err
}

// lined tells the channels whose addresses read their history: each of their deliveries gets the next number there.
func lined(channel string) bool { return channel == "web" || channel == service.AtCounter }

// putDelivery stores a delivery and, when its address has nothing older owed in the queue, makes it the next there. An
// id that is known changes nothing.
func (s *Store) putDelivery(ctx context.Context, tx *database.Tx, d *deliveryRow, number int64) error {
	due := d.Due
	if due.IsZero() {
		due = s.cfg.Now()
	}
	line := "0"
	if d.line {
		line = "coalesce((SELECT max(line) FROM delivery WHERE address = $4 AND line > 0), 0) + 1"
	}
	err := tx.Send(ctx, `INSERT INTO delivery(number, id, queue, address, contact, matter, must, due, state, line, origin, broadcast, cause, body)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, `+line+`, $9, $10, '', $11) ON CONFLICT DO NOTHING`,
		number, d.ID, string(d.Queue), d.address, d.Contact, d.Matter, duty(d.Delivery), micros(due), d.origin, d.Broadcast, d.body)
	if err != nil {
		return err
	}
	// Written as "state = 0" it would let PostgreSQL walk the index of all that is owed.
	return tx.Send(ctx, `INSERT INTO owed(queue, address, number, due, owner, fence, attempt, since)
		SELECT queue, address, number, due, '', 0, 0, 0 FROM delivery WHERE id = $1 AND state < 1 ON CONFLICT DO NOTHING`, d.ID)
}
