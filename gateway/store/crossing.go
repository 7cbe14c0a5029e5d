package store

import (
	"context"
	"errors"
	"fmt"

	"gatehouse/configs/database"
	"gatehouse/configs/vault"
	"gatehouse/exchange"
	"gatehouse/gateway"
)

// parcelRow is one piece of a crossing: the document, or a part of one of its files.
type parcelRow struct {
	id, root, matter string
	kind             exchange.Kind
	file, ref        string
	part, parts      int
	key              vault.Key
	body             []byte
	doc              exchange.Document // of an outcome that gives out receipts: sealed again with them
}

func crossingOwner(root string) string { return "crossing:" + root }

// prepareCrossings seals each document and takes over its files, under a key of the crossing that is destroyed when
// its Ack is in.
func (s *Store) prepareCrossings(ctx context.Context, c *commitment) error {
	for _, x := range c.Crossings {
		if len(x.Files) != len(x.FileIDs) {
			return errors.New("a crossing has files without ids")
		}
		content, err := exchange.Encode(x.Document)
		if err != nil {
			return wrap("write crossing", err)
		}
		root, err := documentID(x.Document)
		if err != nil {
			return err
		}
		k, err := s.vault.NewKey(s.cfg.Now())
		if err != nil {
			return err
		}
		row := &parcelRow{id: root, root: root, matter: x.Matter, kind: x.Document.Kind(), key: k, body: k.Seal("parcel", root, content)}
		if len(c.Receipts) > 0 {
			row.doc = x.Document
		}
		c.parcels = append(c.parcels, row)
		if err := s.prepareParts(ctx, c, x, root, k); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) prepareParts(ctx context.Context, c *commitment, x gateway.Crossing, root string, k vault.Key) error {
	files, in, err := s.takeIn(ctx, unstored(x.Files))
	c.files = append(c.files, in...)
	if err != nil {
		return err
	}
	for i, f := range files {
		got, err := s.locate(ctx, c, f.SHA256)
		if err != nil {
			return wrap("take over file", err)
		}
		parts := int((got.size + exchange.PartSize - 1) / exchange.PartSize)
		for n := range parts {
			c.parcels = append(c.parcels, &parcelRow{id: s.cfg.NewID(), root: root, matter: x.Matter, kind: exchange.KindPart,
				file: got.id, ref: x.FileIDs[i], part: n + 1, parts: parts})
		}
		c.adopted = append(c.adopted, adoption{crossingOwner(root), got.id, sealFile(k, crossingOwner(root), got.id, got.raw)})
	}
	return nil
}

// documentID gives the id of a document that goes up.
func documentID(d exchange.Document) (string, error) {
	switch x := d.(type) {
	case exchange.Case:
		return x.ID, nil
	case *exchange.Case:
		return x.ID, nil
	case exchange.Addition:
		return x.ID, nil
	case *exchange.Addition:
		return x.ID, nil
	case exchange.Question:
		return x.ID, nil
	case exchange.Tally:
		return x.ID, nil
	case exchange.Erasure:
		return x.ID, nil
	case exchange.Result:
		return x.ID, nil
	}
	return "", fmt.Errorf("a %s does not go up by an outcome", d.Kind())
}

// putParcels puts crossings into the lane. A document that is there already is not put in twice.
func (s *Store) putParcels(ctx context.Context, tx *database.Tx, c *commitment, next *int64) error {
	known := map[string]bool{}
	var rows [][]any
	now := micros(s.cfg.Now())
	for _, p := range c.parcels {
		n := *next
		*next++
		if p.id == p.root {
			var count int
			if err := tx.QueryRow(ctx, "SELECT count(*) FROM parcel WHERE id = $1", p.id).Scan(&count); err != nil {
				return wrap("look for parcel", err)
			}
			if known[p.root] = count > 0; !known[p.root] {
				if err := putKey(ctx, tx, crossingOwner(p.root), p.key); err != nil {
					return err
				}
			}
		}
		if known[p.root] {
			continue
		}
		rows = append(rows, []any{n, p.id, string(p.kind), p.root, p.matter, p.file, p.ref, p.part, p.parts, waiting, 0, 0, 0, 0, now, nullable(p.body)})
	}
	return parcelBulk.send(ctx, tx, rows)
}
