package store

import (
	"context"
	"errors"
	"time"

	"gatehouse/configs/database"
	"gatehouse/gateway"
)

// several deletes one page of what a query picks by its rows' key.
func (r *retention) several(ctx context.Context, table, key, where string, args ...any) (n int, rest string, err error) {
	query := "DELETE FROM " + table + " WHERE " + key + " IN (SELECT " + key + " FROM " + table + " WHERE " + where + " LIMIT 300)"
	err = r.db.WriteWait(ctx, func(ctx context.Context, tx *database.Tx) error {
		gone, err := tx.Exec(ctx, query, args...)
		n = int(gone)
		return err
	})
	return n, after(n >= retainPage, 0, ""), err
}

// posts takes letters away that staff sent and that are of no case any more.
func (r *retention) posts(ctx context.Context) (int, string, error) {
	return r.several(ctx, "post", "id", "done > 0 AND done < $1 AND NOT EXISTS (SELECT 1 FROM matter m WHERE m.id = post.matter)", r.ago(gateway.TalkKept))
}

// passes takes links away that lapsed.
func (r *retention) passes(ctx context.Context) (int, string, error) {
	return r.several(ctx, "pass", "mark", "until <= $1", micros(r.now))
}

// codes takes away what was counted of one-time codes. FORGET leaves it until then: it holds keyed marks alone, and a
// limit that a word resets is none.
func (r *retention) codes(ctx context.Context) (int, string, error) {
	return r.several(ctx, "code", "number", "at < $1", r.ago(codeMemory))
}

// receipts takes carriers' words away that no record of a sending followed.
func (r *retention) receipts(ctx context.Context) (int, string, error) {
	return r.several(ctx, "receipt", "mark", "at < $1", r.ago(keepEarly))
}

// wakes takes away what was set aside for the operator; what it was about is long over.
func (r *retention) wakes(ctx context.Context) (int, string, error) {
	n := 0
	err := r.db.WriteWait(ctx, func(ctx context.Context, tx *database.Tx) error {
		gone, err := tx.Exec(ctx, "DELETE FROM wake WHERE aside <> 0 AND at < $1", r.ago(gateway.TalkKept))
		n = int(gone)
		return err
	})
	return n, "", err
}

// files sweeps uploads that broke off.
func (r *retention) files(ctx context.Context) (int, string, error) {
	return 0, "", r.sweep(ctx)
}

// sessions ends clerks' pages whose time is over, with their keys.
func (r *retention) sessions(ctx context.Context) (int, string, error) {
	var over [][]byte
	err := each(r.db.Read().Query(ctx, "SELECT mark FROM session WHERE until <= $1 LIMIT $2", micros(r.now), retainPage))(func(scan scanner) error {
		var mark []byte
		err := scan(&mark)
		over = append(over, mark)
		return err
	})
	if err != nil {
		return 0, "", err
	}
	err = r.write(ctx, len(over), func(ctx context.Context, tx *database.Tx) error {
		var err error
		for _, mark := range over {
			err = errors.Join(err, endSession(ctx, tx, mark))
		}
		return err
	})
	return len(over), after(len(over) == retainPage, 0, ""), err
}

// nods forgets who answered a broadcast with a bare word. How many did stays.
func (r *retention) nods(ctx context.Context) (n int, rest string, err error) {
	const old = "(SELECT broadcast, contact FROM nod WHERE at < $1 ORDER BY broadcast, contact LIMIT 300)"
	err = r.db.WriteWait(ctx, func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE counter SET value = value + (SELECT CAST(coalesce(sum(said), 0) AS BIGINT) FROM nod WHERE (broadcast, contact) IN `+old+`)
			WHERE name = 'nod'`, r.ago(gateway.NodKept))
		if err != nil {
			return err
		}
		gone, err := tx.Exec(ctx, "DELETE FROM nod WHERE (broadcast, contact) IN "+old, r.ago(gateway.NodKept))
		n = int(gone)
		return err
	})
	return n, after(n >= retainPage, 0, ""), err
}

// nothingLeft holds of a contact that may end: nothing of theirs is here or under way, their last word is as old as
// talk is kept, and their last word on lists or texts as old as its proof.
const nothingLeft = ` NOT EXISTS (SELECT 1 FROM matter x WHERE x.contact = contact.id)
	AND NOT EXISTS (SELECT 1 FROM draft x WHERE x.contact = contact.id) AND NOT EXISTS (SELECT 1 FROM shelf x WHERE x.contact = contact.id)
	AND NOT EXISTS (SELECT 1 FROM member x WHERE x.contact = contact.id) AND NOT EXISTS (SELECT 1 FROM turn x WHERE x.contact = contact.id)
	AND NOT EXISTS (SELECT 1 FROM wake x WHERE x.contact = contact.id) AND NOT EXISTS (SELECT 1 FROM pass x WHERE x.contact = contact.id)
	AND NOT EXISTS (SELECT 1 FROM post x WHERE x.contact = contact.id)
	AND NOT EXISTS (SELECT 1 FROM reach x WHERE x.contact = contact.id AND x.heard >= $2)
	AND NOT EXISTS (SELECT 1 FROM delivery x WHERE x.contact = contact.id AND (x.state = 0 OR x.due >= $2))
	AND NOT EXISTS (SELECT 1 FROM consent x WHERE x.contact = contact.id AND x.at >= $3 AND x.purpose IN ('list', 'service'))`

// people ends contacts that have nothing left, and with their keys all that is still sealed of them. Of an address a keyed
// mark stays where STOP was said. The inside is not told: what it keeps has a time of its own.
func (r *retention) people(ctx context.Context) (int, string, error) {
	_, from := cursor2(r.after)
	var page []string
	err := each(r.db.Read().Query(ctx, "SELECT id FROM contact WHERE id > $1 ORDER BY id LIMIT $2", from, retainPage))(func(scan scanner) error {
		var id string
		err := scan(&id)
		page = append(page, id)
		return err
	})
	if err != nil || len(page) == 0 {
		return 0, "", err
	}
	var due []string
	for _, id := range page {
		bare, err := r.bare(ctx, r.db.Read(), id)
		if err != nil {
			return 0, "", err
		}
		if bare {
			due = append(due, id)
		}
	}
	n, err := r.endPeople(ctx, due)
	return n, after(len(page) == retainPage, 0, page[len(page)-1]), err
}

func (r *retention) bare(ctx context.Context, q database.Querier, id string) (yes bool, err error) {
	err = q.QueryRow(ctx, "SELECT EXISTS (SELECT 1 FROM contact WHERE id = $1 AND "+nothingLeft+")", id, r.ago(gateway.TalkKept), r.ago(gateway.ProofKept)).Scan(&yes)
	return yes, wrap("look for what keeps a contact", err)
}

func (r *retention) endPeople(ctx context.Context, ids []string) (n int, err error) {
	var keys []int64
	err = r.write(ctx, len(ids), func(ctx context.Context, tx *database.Tx) error {
		n, keys = 0, nil
		for _, id := range ids {
			bare, err := r.bare(ctx, tx, id)
			if err != nil {
				return err
			}
			if !bare {
				continue
			}
			k, err := endContact(ctx, tx, id, r.now)
			if err != nil {
				return err
			}
			n, keys = n+1, append(keys, k...)
		}
		return nil
	})
	for _, id := range ids {
		r.keys.drop(id)
	}
	for _, k := range keys {
		r.vault.Forget(k)
	}
	return n, err
}

// endContact takes a contact out of the store that has no case, form, list, link or letter. It gives the keys that ended.
func endContact(ctx context.Context, tx *database.Tx, id string, now time.Time) (keys []int64, err error) {
	err = each(tx.Query(ctx, "SELECT id FROM key WHERE owner = 'contact:' || $1", id))(func(scan scanner) error {
		var k int64
		err := scan(&k)
		keys = append(keys, k)
		return err
	})
	if err != nil {
		return nil, wrap("read keys of a contact", err)
	}
	err = tx.Send(ctx, `INSERT INTO suppressed(address, stopped, blocked, at) SELECT address, stopped, blocked, CAST($2 AS BIGINT) FROM reach
		WHERE contact = $1 AND (stopped <> 0 OR blocked <> 0)
		ON CONFLICT (address) DO UPDATE SET stopped = excluded.stopped, blocked = excluded.blocked, at = excluded.at`, id, micros(now))
	if err != nil {
		return nil, err
	}
	for _, query := range []string{
		"DELETE FROM key WHERE owner = 'contact:' || $1",
		"UPDATE recipient SET state = 6, reason = 'gone' WHERE contact = $1 AND state IN (0, 1)",
		"DELETE FROM delivery WHERE contact = $1",
		"DELETE FROM conversation WHERE contact = $1",
		"DELETE FROM nod WHERE contact = $1",
		"DELETE FROM consent WHERE contact = $1",
		"DELETE FROM reach WHERE contact = $1",
		"DELETE FROM former WHERE contact = $1",
		"DELETE FROM contact WHERE id = $1",
		"UPDATE counter SET value = value + 1 WHERE name = 'merge' AND $1 <> ''",
	} {
		if _, err := tx.Exec(ctx, query, id); err != nil {
			return nil, wrap("end a contact", err)
		}
	}
	return keys, nil
}
