package store

import (
	"context"
	"errors"
	"time"

	"gatehouse/configs/database"
	"gatehouse/exchange/service"
	"gatehouse/gateway"
)

const (
	// retainPage is how many rows one page of the round looks at, retainCases how many cases, which are opened to be judged:
	// few enough that no answer to a citizen waits for them.
	retainPage  = 300
	retainCases = 100
	// retainLease is how long a gateway has the round after each page.
	retainLease = time.Minute
)

// retention is one page of the round.
type retention struct {
	*Store
	services *service.Catalog
	now      time.Time
	after    string // where the step stands; empty: at its beginning
}

// ago is a moment in tables.
func (r *retention) ago(d time.Duration) int64 { return micros(r.now.Add(-d)) }

// step is one sort of rows. page takes away what is due after r.after, and says where to go on; empty: the sort is done.
type step struct {
	sort string
	page func(r *retention, ctx context.Context) (removed int, after string, err error)
}

// steps are the round, in order: people come last, for what keeps them has gone by then.
func steps() []step {
	return []step{
		{"cases", (*retention).cases}, {"heard", (*retention).heard}, {"sent", (*retention).sent}, {"talks", (*retention).talks},
		{"forms", (*retention).drafts}, {"forms", (*retention).shelf}, {"letters", (*retention).posts}, {"passes", (*retention).passes},
		{"sessions", (*retention).sessions}, {"codes", (*retention).codes}, {"receipts", (*retention).receipts}, {"nods", (*retention).nods},
		{"wakes", (*retention).wakes}, {"files", (*retention).files}, {"people", (*retention).people},
	}
}

// Retain implements gateway.Retainer.
func (s *Store) Retain(ctx context.Context, c *service.Catalog, now time.Time) (gateway.Removed, error) {
	today := now.In(c.City.Location()).Format(time.DateOnly)
	at, ok, err := s.takeRound(ctx, today, now)
	if err != nil || !ok {
		return gateway.Removed{}, wrap("take the round of deletion", err)
	}
	all := steps()
	if at.step >= len(all) { // a newer gateway knows more of them
		return gateway.Removed{}, wrap("end the round of deletion", s.moveRound(ctx, len(all), ""))
	}
	r := &retention{Store: s, services: c, now: now, after: at.after}
	n, after, err := all[at.step].page(r, ctx)
	out := gateway.Removed{Sort: all[at.step].sort, Rows: n, More: true}
	if err != nil {
		return out, wrap("delete old "+out.Sort, err)
	}
	if after == "" {
		at.step++
		out.More = at.step < len(all)
	}
	return out, wrap("go on with the round of deletion", s.moveRound(ctx, at.step, after))
}

// round is where the deletion of a day stands.
type round struct {
	owner, day, after string
	until             int64
	step              int
}

func readRound(ctx context.Context, q database.Querier) (r round, err error) {
	err = q.QueryRow(ctx, "SELECT owner, until, day, step, after FROM tending WHERE name = 'retain'").Scan(&r.owner, &r.until, &r.day, &r.step, &r.after)
	return r, err
}

// free tells whether the gateway may go on with the round.
func (r round) free(owner, today string, now time.Time, steps int) bool {
	return (r.step < steps || r.day < today) && (r.owner == owner || r.until <= micros(now))
}

// takeRound takes the round for a while; ok is false when the day's is over, or another gateway has it.
func (s *Store) takeRound(ctx context.Context, today string, now time.Time) (r round, ok bool, err error) {
	n := len(steps())
	if r, err = readRound(ctx, s.db.Read()); err != nil || !r.free(s.cfg.Owner, today, now, n) {
		return r, false, err
	}
	err = s.db.WriteWait(ctx, func(ctx context.Context, tx *database.Tx) (err error) {
		if r, err = readRound(ctx, tx); err != nil {
			return err
		}
		if ok = r.free(s.cfg.Owner, today, now, n); !ok {
			return nil
		}
		if r.step >= n {
			r.step, r.after, r.day = 0, "", today
		}
		return tx.Send(ctx, "UPDATE tending SET owner = $1, until = $2, day = $3, step = $4, after = $5 WHERE name = 'retain'",
			s.cfg.Owner, micros(now.Add(retainLease)), r.day, r.step, r.after)
	})
	return r, ok && err == nil, err
}

// moveRound notes where the round stands, unless another gateway took it meanwhile: then a page is done twice.
func (s *Store) moveRound(ctx context.Context, step int, after string) error {
	return s.db.WriteWait(ctx, func(ctx context.Context, tx *database.Tx) error {
		return tx.Send(ctx, "UPDATE tending SET step = $1, after = $2 WHERE name = 'retain' AND owner = $3", step, after, s.cfg.Owner)
	})
}

// ended is a case that is over.
type ended struct {
	id string
	at int64
}

// cases takes the cases away whose time is over, with all that was told of them.
func (r *retention) cases(ctx context.Context) (int, string, error) {
	from, fromID := cursor2(r.after)
	var page []ended
	const query = "SELECT id, ended FROM matter WHERE ended > 0 AND ended >= $1 AND (ended > $1 OR id > $2) AND ended <= $3 ORDER BY ended, id LIMIT $4"
	err := each(r.db.Read().Query(ctx, query, from, fromID, micros(r.now), retainCases))(func(scan scanner) error {
		var e ended
		err := scan(&e.id, &e.at)
		page = append(page, e)
		return err
	})
	if err != nil || len(page) == 0 {
		return 0, "", err
	}
	var gone []gateway.Matter
	for _, e := range page {
		m, due, err := r.overdue(ctx, e)
		if err != nil {
			return 0, "", err
		}
		if due {
			gone = append(gone, m)
		}
	}
	n, err := r.endCases(ctx, gone)
	last := page[len(page)-1]
	return n, after(len(page) == retainCases, last.at, last.id), err
}

// overdue judges one case by its service. Where its end was not known in clear yet, it is put right.
func (r *retention) overdue(ctx context.Context, e ended) (gateway.Matter, bool, error) {
	m, err := r.matterBy(ctx, r.db.Read(), "id", e.id)
	if errors.Is(err, gateway.ErrNotFound) || gone(err) {
		return m, false, nil
	}
	if err != nil {
		return m, false, err
	}
	if at := micros(m.End(time.Time{})); at != e.at {
		return m, false, r.db.WriteWait(ctx, func(ctx context.Context, tx *database.Tx) error {
			return tx.Send(ctx, "UPDATE matter SET ended = $1 WHERE id = $2 AND ended = $3", at, e.id, e.at)
		})
	}
	return m, !r.now.Before(gateway.KeptUntil(r.services, m, r.now)), nil
}

func (r *retention) endCases(ctx context.Context, all []gateway.Matter) (n int, err error) {
	if len(all) == 0 {
		return 0, nil
	}
	var keys []int64
	err = r.db.WriteWait(ctx, func(ctx context.Context, tx *database.Tx) error {
		n, keys = 0, nil
		for _, m := range all {
			held, err := heldBack(ctx, tx, m)
			if err != nil {
				return err
			}
			if held {
				continue
			}
			k, err := r.endCase(ctx, tx, m)
			if err != nil {
				return err
			}
			n, keys = n+1, append(keys, k...)
		}
		return nil
	})
	for _, k := range keys {
		r.vault.Forget(k)
	}
	return n, err
}

// heldBack tells whether a case has to stay all the same: it was opened again meanwhile, a document of it is under way or
// its refusal is still to be told, or something of it is owed to the person, by a channel or by post.
func heldBack(ctx context.Context, tx *database.Tx, m gateway.Matter) (held bool, err error) {
	// Written as "state = 0" it would walk the index of all that is owed to anybody.
	const query = `SELECT NOT EXISTS (SELECT 1 FROM matter WHERE id = $1 AND ended = $2)
		OR EXISTS (SELECT 1 FROM parcel WHERE state = 0 AND matter = $1)
		OR EXISTS (SELECT 1 FROM envelope e JOIN parcel p ON p.id = e.parcel WHERE p.matter = $1)
		OR EXISTS (SELECT 1 FROM parcel WHERE state = 3 AND told = 0 AND matter = $1)
		OR EXISTS (SELECT 1 FROM delivery WHERE contact = $3 AND matter = $1 AND +state = 0)
		OR EXISTS (SELECT 1 FROM post WHERE contact = $3 AND matter = $1 AND done = 0)
		OR EXISTS (SELECT 1 FROM wake WHERE contact = $3 AND subject = $1 AND aside = 0)`
	err = tx.QueryRow(ctx, query, m.ID, micros(m.End(time.Time{})), m.Contact).Scan(&held)
	return held, wrap("look for what holds a case", err)
}

// endCase deletes a case, its documents and what was told of it. The key of somebody who was helped ends with their last
// case; the contact's own ends with the contact.
func (r *retention) endCase(ctx context.Context, tx *database.Tx, m gateway.Matter) (keys []int64, err error) {
	owners := []string{matterOwner(m.ID)}
	err = each(tx.Query(ctx, "SELECT id FROM delivery WHERE contact = $1 AND matter = $2", m.Contact, m.ID))(func(scan scanner) error {
		var id string
		err := scan(&id)
		owners = append(owners, deliveryOwner(id))
		return err
	})
	if err != nil {
		return nil, wrap("read what was told", err)
	}
	for _, o := range owners {
		if err := dropHolder(ctx, tx, o); err != nil {
			return nil, wrap("let files go", err)
		}
	}
	for _, query := range []string{
		"DELETE FROM delivery WHERE contact = $1 AND matter = $2 AND line = 0",
		"DELETE FROM post WHERE contact = $1 AND matter = $2",
		"DELETE FROM wake WHERE contact = $1 AND subject = $2",
		"DELETE FROM pass WHERE contact = $1 AND subject = $2",
		"DELETE FROM correction WHERE matter = $2 AND $1 <> ''",
		"UPDATE attestation SET body = NULL, matter = '' WHERE matter = $2 AND $1 <> ''", // the chain's digests stay
		"DELETE FROM matter WHERE contact = $1 AND id = $2",
	} {
		if _, err := tx.Exec(ctx, query, m.Contact, m.ID); err != nil {
			return nil, wrap("end a case", err)
		}
	}
	// A web session goes on numbering its lines from its last row.
	err = tx.Send(ctx, "UPDATE delivery SET body = $3, matter = '' WHERE contact = $1 AND matter = $2", m.Contact, m.ID, []byte{})
	if err == nil { // a turn that knows the case would write it back
		err = tx.Send(ctx, "UPDATE contact SET version = version + 1 WHERE id = $1", m.Contact)
	}
	if err != nil || m.For == "" {
		return nil, err
	}
	return r.endHelped(ctx, tx, m.Contact, m.For)
}

// endHelped destroys the key of a person who has no case any more.
func (r *retention) endHelped(ctx context.Context, tx *database.Tx, contact, person string) (keys []int64, err error) {
	const query = "SELECT id FROM key WHERE owner = $1 AND NOT EXISTS (SELECT 1 FROM matter WHERE contact = $3 AND person = $2)"
	err = each(tx.Query(ctx, query, personOwner(person), person, contact))(func(scan scanner) error {
		var id int64
		err := scan(&id)
		keys = append(keys, id)
		return err
	})
	if err != nil || len(keys) == 0 {
		return nil, wrap("look for a person's key", err)
	}
	return keys, destroyKeys(ctx, tx, personOwner(person))
}
