package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gatehouse/configs/database"
	"gatehouse/configs/vault"
	"gatehouse/exchange"
	"gatehouse/exchange/receipt"
	"gatehouse/gateway"
)

// A receipt stands in the table of attestations: number, id, digest, the digest before, time and what it supersedes or
// follows in clear, so that the chain can be verified for ever; the signed bytes sealed under the key of its case. When a
// person's keys are destroyed the content is gone, and its digest keeps the place.

// errUnsigned means that a receipt is to be given out and no key signs here.
var errUnsigned = errors.New("no key for receipts is set")

// prepareReceipts looks at receipts before the writer's turn, so that one that can't be stated fails alone.
func (s *Store) prepareReceipts(_ context.Context, c *commitment) error {
	for _, x := range c.Receipts {
		if len(x.Signed) > 0 {
			if r, err := receipt.Parse(x.Signed); err != nil || r.Number != 0 {
				return fmt.Errorf("keep receipt: %w", errors.Join(err, receipt.ErrContent))
			}
			continue
		}
		if s.cfg.Receipts == nil {
			return fmt.Errorf("give out receipt: %w", errUnsigned)
		}
		trial := s.placed(x.Receipt, receipt.Head{})
		if trial.Of != nil { // it is looked up at its turn
			trial.Of = &receipt.Of{ID: trial.Of.ID, Digest: receipt.Digest(nil)}
		}
		if _, err := receipt.Sign(trial, s.cfg.Receipts); err != nil {
			return fmt.Errorf("give out receipt: %w", err)
		}
	}
	return nil
}

// placed sets what a receipt is given at its turn: number, digest before and time.
func (s *Store) placed(r receipt.Receipt, head receipt.Head) receipt.Receipt {
	r.Schema, r.Number, r.Previous = receipt.Schema, head.Number+1, head.Digest
	r.At = later(s.cfg.Now(), r.Filed).UTC().Truncate(time.Second)
	return r
}

// putReceipts numbers, links and signs the receipts of an outcome. The row of the chain's head is locked from here to the end
// of the transaction, so that of several gateways one at a time gives out.
func (s *Store) putReceipts(ctx context.Context, tx *database.Tx, c *commitment) error {
	for _, x := range c.Receipts {
		b := x.Signed
		if len(b) == 0 {
			var err error
			if b, err = s.issue(ctx, tx, x.Receipt); err != nil {
				return err
			}
			if b == nil {
				continue
			}
		}
		if err := s.putReceipt(ctx, tx, c, x.Matter, b); err != nil {
			return err
		}
	}
	return c.stampParcels()
}

// stampParcels puts the receipts that were just given out for a case to what crosses of it.
func (c *commitment) stampParcels() error {
	for _, p := range c.parcels {
		stamps := c.stamps[p.matter]
		if p.doc == nil || len(stamps) == 0 {
			continue
		}
		switch d := p.doc.(type) {
		case exchange.Case:
			d.Receipts, p.doc = stamps, nil
			if err := p.rewrite(d); err != nil {
				return err
			}
		case exchange.Addition:
			d.Receipts, p.doc = stamps, nil
			if err := p.rewrite(d); err != nil {
				return err
			}
		}
	}
	return nil
}

// rewrite seals another text of a document.
func (p *parcelRow) rewrite(d exchange.Document) error {
	content, err := exchange.Encode(d)
	if err != nil {
		return wrap("write crossing", err)
	}
	p.body = p.key.Seal("parcel", p.root, content)
	return nil
}

func (s *Store) issue(ctx context.Context, tx *database.Tx, r receipt.Receipt) ([]byte, error) {
	if r.Of != nil {
		of := receipt.Of{ID: r.Of.ID}
		err := tx.QueryRow(ctx, "SELECT digest FROM attestation WHERE id = $1", of.ID).Scan(&of.Digest)
		if noRow(err) { // what it would follow was never given out here: it says nothing
			return nil, nil
		}
		if err != nil {
			return nil, wrap("look for the receipt before", err)
		}
		r.Of = &of
	}
	var head receipt.Head
	rows, err := tx.Changes(ctx, "UPDATE attested SET number = number + 1 WHERE one = 1 RETURNING number - 1, digest")
	if err := each(rows, err)(func(scan scanner) error { return scan(&head.Number, &head.Digest) }); err != nil {
		return nil, wrap("lock the chain of receipts", err)
	}
	b, err := receipt.Sign(s.placed(r, head), s.cfg.Receipts)
	if err != nil {
		return nil, fmt.Errorf("give out receipt: %w", err)
	}
	return b, tx.Send(ctx, "UPDATE attested SET digest = $1 WHERE one = 1", receipt.Digest(b))
}

func (s *Store) putReceipt(ctx context.Context, tx *database.Tx, c *commitment, matter string, b []byte) error {
	r, err := receipt.Parse(b)
	if err != nil {
		return fmt.Errorf("keep receipt: %w", err)
	}
	var number any // NULL: in no chain
	if r.Number > 0 {
		number = int64(r.Number)
	}
	if r.Number > 0 {
		if c.stamps == nil {
			c.stamps = map[string][]exchange.Stamp{}
		}
		c.stamps[matter] = append(c.stamps[matter], exchange.Stamp{ID: r.ID, Number: r.Number, Digest: receipt.Digest(b)})
	}
	of := ""
	if r.Of != nil {
		of = r.Of.ID
	}
	return tx.Send(ctx, `INSERT INTO attestation(id, number, digest, previous, at, matter, supersedes, follows, body) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		r.ID, number, receipt.Digest(b), r.Previous, micros(r.At), matter, r.Supersedes, of, c.keyFor(matter).Seal("attestation", r.ID, b))
}

// ReceiptHead gives the head of the chain.
func (s *Store) ReceiptHead(ctx context.Context) (h receipt.Head, err error) {
	err = s.db.Read().QueryRow(ctx, "SELECT number, digest FROM attested WHERE one = 1").Scan(&h.Number, &h.Digest)
	return h, wrap("read head of receipts", err)
}

const attestationColumns = "id, coalesce(number, 0), digest, previous, at, body"

// Receipt implements gateway.Receipts.
func (s *Store) Receipt(ctx context.Context, id string) (gateway.Receipted, error) {
	all, err := s.receipts(ctx, "SELECT "+attestationColumns+" FROM attestation WHERE id = $1", id)
	if err == nil && len(all) == 0 {
		err = gateway.ErrNotFound
	}
	if err != nil {
		return gateway.Receipted{}, wrap("read receipt", err)
	}
	r := all[0]
	err = each(s.db.Read().Query(ctx, "SELECT id, 1 FROM attestation WHERE supersedes = $1 UNION ALL SELECT id, 0 FROM attestation WHERE follows = $1 ORDER BY id", id))(func(scan scanner) error {
		var next string
		var supersedes int
		if err := scan(&next, &supersedes); err != nil {
			return err
		}
		if supersedes == 1 {
			r.Superseded = next
		} else {
			r.Followed = append(r.Followed, next)
		}
		return nil
	})
	return r, wrap("read receipts after it", err)
}

// Chain implements gateway.Receipts.
func (s *Store) Chain(ctx context.Context, after uint64, n int) ([]gateway.Receipted, error) {
	all, err := s.receipts(ctx, "SELECT "+attestationColumns+" FROM attestation WHERE number > $1 ORDER BY number LIMIT $2", int64(after), n)
	return all, wrap("read chain of receipts", err)
}

func (s *Store) receipts(ctx context.Context, query string, args ...any) ([]gateway.Receipted, error) {
	var out []gateway.Receipted
	var sealed [][]byte
	err := each(s.db.Read().Query(ctx, query, args...))(func(scan scanner) error {
		var r gateway.Receipted
		var at int64
		var body []byte
		err := scan(&r.ID, &r.Number, &r.Digest, &r.Previous, &at, &body)
		r.At = moment(at)
		out, sealed = append(out, r), append(sealed, body)
		return err
	})
	for i := range out {
		if err != nil || sealed[i] == nil {
			continue
		}
		var plain []byte
		if plain, err = s.open(ctx, s.db.Read(), "attestation", out[i].ID, sealed[i]); err == nil {
			out[i].Body = plain
		} else if errors.Is(err, vault.ErrDestroyed) {
			err = nil
		}
	}
	return out, err
}
