package store

import (
	"context"
	"errors"
	"strings"
	"time"

	"gatehouse/adapters"
	"gatehouse/configs/database"
	"gatehouse/exchange"
)

// likeParty finds a party in a row's JSON: an errand's case or a record's. Erasures are rare and a party's id is a
// word of ours, so no column is kept for it.
func likeParty(party string) string {
	quoted := strings.Trim(encode(party), `"`)
	return `%"party":"` + strings.NewReplacer(`%`, `\%`, `_`, `\_`, `\`, `\\`).Replace(quoted) + `"%`
}

const ofParty = `kind = 'case' AND content LIKE $1 ESCAPE '\'`

// Forget destroys the key of a party and notes the erasure for each connector that has cases of it.
func (s *Store) Forget(ctx context.Context, seq uint64, e exchange.Erasure, now time.Time) error {
	return s.write(ctx, "forget a person", func(ctx context.Context, tx *database.Tx) error {
		if err := tx.Send(ctx, `DELETE FROM data_keys WHERE owner = $1`, s.vault.Mark("person", partyName(e.Party))); err != nil {
			return err
		}
		names, err := list(ctx, tx, word, `SELECT DISTINCT connector FROM errands WHERE `+ofParty+` ORDER BY connector`, likeParty(e.Party))
		if err != nil {
			return err
		}
		f := adapters.Forgetting{ID: e.ID, Party: e.Party, State: adapters.ErasureDue, Next: now, At: e.At}
		asked, err := one(ctx, tx, content[adapters.Forgetting], `SELECT content FROM erasures WHERE id = $1 AND state = 'asked'`, e.ID)
		if err := ignoreMissing(err); err != nil {
			return err
		}
		f.By, f.Second = asked.By, asked.Second
		if err := tx.Send(ctx, `DELETE FROM erasures WHERE id = $1 AND state = 'asked'`, e.ID); err != nil {
			return err
		}
		if len(names) == 0 {
			names, f.State = []string{""}, adapters.ErasureDone
		}
		for _, f.Connector = range names {
			if err := saveErasure(ctx, tx, f, now); err != nil {
				return err
			}
		}
		return handled(ctx, tx, seq)
	})
}

// saveErasure notes an erasure at a connector; one that is known stays as it is.
func saveErasure(ctx context.Context, tx *database.Tx, f adapters.Forgetting, again time.Time) error {
	return tx.Send(ctx, `INSERT INTO erasures (id, connector, party, state, again, at, content) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (id, connector) DO NOTHING`, f.ID, f.Connector, f.Party, string(f.State), micros(again), micros(f.At), encode(f))
}

// DueErasures leases erasures whose party has no case on its way any more.
func (s *Store) DueErasures(ctx context.Context, now time.Time, n int, ttl time.Duration) ([]adapters.Forgetting, error) {
	some, err := list(ctx, s.db.Read(), content[adapters.Forgetting],
		`SELECT content FROM erasures WHERE state = 'due' AND again <= $1 ORDER BY again, id, connector LIMIT $2`, micros(now), n)
	if err != nil || len(some) == 0 {
		return nil, wrap("look for erasures", err)
	}
	var out []adapters.Forgetting
	err = s.write(ctx, "lease erasures", func(ctx context.Context, tx *database.Tx) error {
		out = nil
		for _, f := range some {
			open, err := one(ctx, tx, number, `SELECT COUNT(*) FROM errands WHERE state IN ('parts', 'ready') AND case_id IN
				(SELECT id FROM errands WHERE `+ofParty+`)`, likeParty(f.Party))
			if err != nil {
				return err
			}
			again := now.Add(ttl)
			if open > 0 {
				again = now.Add(erasureWaits)
			}
			changed, err := tx.Exec(ctx, `UPDATE erasures SET again = $1 WHERE id = $2 AND connector = $3 AND state = 'due' AND again <= $4`,
				micros(again), f.ID, f.Connector, micros(now))
			if err != nil {
				return err
			}
			if changed > 0 && open == 0 {
				out = append(out, f)
			}
		}
		return nil
	})
	return out, err
}

// erasureWaits is the rest of an erasure while a case of its party is on its way.
const erasureWaits = 5 * time.Second

// PartyCases gives the ids of a party's cases at a connector.
func (s *Store) PartyCases(ctx context.Context, party, connector string) ([]string, error) {
	ids, err := list(ctx, s.db.Read(), word, `SELECT id FROM errands WHERE `+ofParty+` AND connector = $2 ORDER BY ord`, likeParty(party), connector)
	return ids, wrap("read cases of a party", err)
}

// Erasing records how an attempt ended.
func (s *Store) Erasing(ctx context.Context, f adapters.Forgetting) error {
	return s.write(ctx, "record erasure", func(ctx context.Context, tx *database.Tx) error {
		return tx.Send(ctx, `UPDATE erasures SET state = $1, again = $2, content = $3 WHERE id = $4 AND connector = $5`,
			string(f.State), micros(f.Next), encode(f), f.ID, f.Connector)
	})
}

// Erasures lists them, newest first.
func (s *Store) Erasures(ctx context.Context, n int) ([]adapters.Forgetting, error) {
	f, err := list(ctx, s.db.Read(), content[adapters.Forgetting], `SELECT content FROM erasures ORDER BY at DESC, id DESC, connector LIMIT $1`, n)
	return f, wrap("list erasures", err)
}

// Party gives the records of a party.
func (s *Store) Party(ctx context.Context, party string) ([]adapters.Record, error) {
	r, err := list(ctx, s.db.Read(), content[adapters.Record], `SELECT content FROM records WHERE content LIKE $1 ESCAPE '\' ORDER BY id`, likeParty(party))
	return r, wrap("read records of a party", err)
}

// Ended gives decided records in order of id.
func (s *Store) Ended(ctx context.Context, after string, n int) ([]adapters.Record, error) {
	r, err := list(ctx, s.db.Read(), content[adapters.Record], `SELECT content FROM records WHERE state = 'decided' AND id > $1 ORDER BY id LIMIT $2`, after, n)
	return r, wrap("read ended records", err)
}

// Strip stores what is left of a record.
func (s *Store) Strip(ctx context.Context, r adapters.Record, e adapters.Entry) error {
	return s.write(ctx, "strip record", func(ctx context.Context, tx *database.Tx) error {
		known, err := one(ctx, tx, number, `SELECT COUNT(*) FROM entries WHERE id = $1`, e.ID)
		if err != nil || known > 0 {
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE held SET state = $1 WHERE case_id = $2 AND state IN ('second', 'leaving')`, string(adapters.TakenBack), r.ID()); err != nil {
			return err
		}
		r.Held = ""
		if err := saveRecord(ctx, tx, r); err != nil {
			return err
		}
		if err := index(ctx, tx, records, r.ID(), searchable(r)); err != nil {
			return err
		}
		errand, err := one(ctx, tx, content[adapters.Errand], `SELECT content FROM errands WHERE id = $1`, r.ID())
		if err == nil {
			errand.Case = &r.Case
			err = tx.Send(ctx, `UPDATE errands SET content = $1 WHERE id = $2`, encode(errand), r.ID())
		}
		if err := ignoreMissing(err); err != nil {
			return err
		}
		return tell(ctx, tx, r.ID(), e)
	})
}

// EraseRecord deletes a record and all that was written about it.
func (s *Store) EraseRecord(ctx context.Context, id string) error {
	return s.write(ctx, "erase record", func(ctx context.Context, tx *database.Tx) error {
		err := errors.Join(
			tx.Send(ctx, `DELETE FROM records WHERE id = $1`, id),
			tx.Send(ctx, `DELETE FROM entries WHERE case_id = $1`, id),
			tx.Send(ctx, `DELETE FROM held WHERE case_id = $1`, id),
			tx.Send(ctx, `DELETE FROM words WHERE kind = $1 AND id = $2`, records, id),
			tx.Send(ctx, `DELETE FROM decided WHERE content LIKE $1`, `%"case":"`+id+`"%`))
		if err != nil {
			return err
		}
		return scrub(ctx, tx, s, id)
	})
}

// Scrub takes the content out of what the office kept of a case.
func (s *Store) Scrub(ctx context.Context, caseID string) error {
	return s.write(ctx, "scrub case", func(ctx context.Context, tx *database.Tx) error { return scrub(ctx, tx, s, caseID) })
}

// scrub leaves of each errand its id, so that one which comes again is known.
func scrub(ctx context.Context, tx *database.Tx, s *Store, caseID string) error {
	all, err := list(ctx, tx, content[adapters.Errand], `SELECT content FROM errands WHERE case_id = $1`, caseID)
	if err != nil {
		return err
	}
	for _, e := range all {
		bare := adapters.Errand{ID: e.ID, CaseID: e.CaseID, Connector: e.Connector, Ref: e.Ref}
		err = errors.Join(err, tx.Send(ctx, `UPDATE errands SET content = $1 WHERE id = $2`, encode(bare), e.ID),
			tx.Send(ctx, `DELETE FROM parts WHERE file IN (SELECT id FROM files WHERE doc = $1)`, e.ID),
			tx.Send(ctx, `DELETE FROM files WHERE doc = $1`, e.ID))
	}
	return errors.Join(err, tx.Send(ctx, `DELETE FROM copies WHERE case_id = $1`, caseID),
		tx.Send(ctx, `DELETE FROM data_keys WHERE owner = $1`, s.vault.Mark("person", "case "+caseID)))
}
