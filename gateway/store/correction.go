package store

import (
	"context"
	"time"

	"gatehouse/channels"
	"gatehouse/configs/database"
	"gatehouse/gateway"
	"gatehouse/gateway/forms"
)

// remedy is what a gateway.Correction holds.
type remedy struct {
	Until    time.Time           `json:"u"`
	Files    []paper             `json:"p,omitempty"`
	File     string              `json:"f,omitempty"`
	Workbook string              `json:"b,omitempty"`
	Copy     []paper             `json:"c,omitempty"` // one, or none
	Whole    bool                `json:"w,omitempty"`
	Answers  map[string][]string `json:"a,omitempty"`
	In       int                 `json:"i"`
	Filed    []int               `json:"g,omitempty"`
	Kept     []int               `json:"k,omitempty"`
	Open     []forms.BadRow      `json:"o"`
	Salt     string              `json:"s"`
	Seen     map[string][]string `json:"e,omitempty"`
	Sums     map[string]string   `json:"m,omitempty"`
	Reminded bool                `json:"r,omitempty"`
}

// corrections reads those of cases, by contact.
func (s *Store) corrections(ctx context.Context, q database.Querier, matters map[string][]gateway.Matter) (map[string][]gateway.Correction, error) {
	owner, ids := map[string]string{}, []string{}
	for contact, all := range matters {
		for _, m := range all {
			if !m.CorrectBy.IsZero() {
				owner[m.ID], ids = contact, append(ids, m.ID)
			}
		}
	}
	out := map[string][]gateway.Correction{}
	if len(ids) == 0 {
		return out, nil
	}
	sealed := map[string][]byte{}
	err := eachIn(ctx, q, "SELECT matter, body FROM correction WHERE matter IN %", ids, func(scan scanner) error {
		var id string
		var b []byte
		err := scan(&id, &b)
		sealed[id] = b
		return err
	})
	if err != nil {
		return nil, wrap("read corrections", err)
	}
	for _, id := range ids {
		b, ok := sealed[id]
		if !ok {
			continue
		}
		var r remedy
		if err := s.read(ctx, q, "correction", id, b, &r); err != nil {
			return nil, err
		}
		c := gateway.Correction{
			Matter: id, Until: r.Until, Files: s.files(r.Files), File: r.File, Workbook: r.Workbook, Whole: r.Whole, Answers: r.Answers, In: r.In, Filed: r.Filed, Kept: r.Kept,
			Open: r.Open, Salt: r.Salt, Seen: r.Seen, Sums: r.Sums, Reminded: r.Reminded,
		}
		for _, f := range s.files(r.Copy) {
			c.Copy = f
		}
		out[owner[id]] = append(out[owner[id]], c)
	}
	return out, nil
}

// madeFor is the copy that was made of a sender's file, if there is one.
func madeFor(c gateway.Correction) []channels.File {
	if c.Copy.SHA256 == "" {
		return nil
	}
	return []channels.File{c.Copy}
}

// Correcting implements gateway.Passes.
func (s *Store) Correcting(ctx context.Context, p gateway.Pass) (gateway.Correction, gateway.Matter, error) {
	m, err := s.matterBy(ctx, s.db.Read(), "reference", p.Subject)
	if err != nil {
		return gateway.Correction{}, m, wrap("read case of a pass", err)
	}
	found, err := s.corrections(ctx, s.db.Read(), map[string][]gateway.Matter{m.Contact: {m}})
	if err == nil && (m.Contact != p.Contact || len(found[m.Contact]) == 0) {
		err = gateway.ErrNotFound
	}
	if err != nil {
		return gateway.Correction{}, m, wrap("read open rows", err)
	}
	return found[m.Contact][0], m, nil
}

// putCorrections keeps what is open of declarations, and lets go of what is not.
func putCorrections(ctx context.Context, tx *database.Tx, c *commitment) error {
	for _, x := range c.Corrections {
		if x.Done {
			if err := tx.Send(ctx, "DELETE FROM correction WHERE matter = $1", x.Matter); err != nil {
				return err
			}
			continue
		}
		body, err := seal(c.keyFor(x.Matter), "correction", x.Matter, remedy{
			Until: x.Until.UTC(), Files: toPapers(x.Files), File: x.File, Workbook: x.Workbook, Copy: toPapers(madeFor(x)), Whole: x.Whole, Answers: x.Answers, In: x.In, Filed: x.Filed, Kept: x.Kept,
			Open: x.Open, Salt: x.Salt, Seen: x.Seen, Sums: x.Sums, Reminded: x.Reminded,
		})
		if err != nil {
			return err
		}
		err = tx.Send(ctx, "INSERT INTO correction(matter, body) VALUES ($1, $2) ON CONFLICT (matter) DO UPDATE SET body = excluded.body", x.Matter, body)
		if err != nil {
			return err
		}
	}
	return nil
}
