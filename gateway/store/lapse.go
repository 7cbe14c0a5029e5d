package store

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"gatehouse/configs/database"
	"gatehouse/gateway"
)

// The steps of the round beside cases: each page reads at most retainPage rows and deletes in one transaction those whose
// time is over, under the conditions that made them due.

// after writes where a step goes on; empty when nothing follows.
func after(more bool, at int64, id string) string {
	if !more {
		return ""
	}
	return fmt.Sprintf("%d %s", at, id)
}

// cursor2 reads it; of the beginning: 0 and "".
func cursor2(s string) (int64, string) {
	at, id, _ := strings.Cut(s, " ")
	n, _ := strconv.ParseInt(at, 10, 64)
	return n, id
}

// old is a row that may be due.
type old struct {
	number int64
	id     string
	mark   []byte
}

// heard takes answered messages away, and the files that no form and no case took over from them; not those of somebody
// with a declaration to correct, whose file waits there. Rows lie in the order of their commits, so a page without an old
// one ends the step.
func (r *retention) heard(ctx context.Context) (int, string, error) {
	from, _ := cursor2(r.after)
	var due []old
	var seen, last int64
	var aged bool
	const query = `SELECT number, mark, at, state > 0 AND NOT EXISTS (SELECT 1 FROM matter m JOIN correction c ON c.matter = m.id WHERE m.contact = inbound.contact)
		FROM inbound WHERE number > $1 ORDER BY number LIMIT $2`
	err := each(r.db.Read().Query(ctx, query, from, retainPage))(func(scan scanner) error {
		var o old
		var at int64
		var free bool
		err := scan(&o.number, &o.mark, &at, &free)
		if seen, last = seen+1, o.number; at < r.ago(gateway.TalkKept) {
			aged = true
			if free {
				due = append(due, o)
			}
		}
		return err
	})
	if err != nil {
		return 0, "", err
	}
	err = r.write(ctx, len(due), func(ctx context.Context, tx *database.Tx) error {
		for _, o := range due {
			err := errors.Join(dropHolder(ctx, tx, inboundOwner(o.mark)), tx.Send(ctx, "DELETE FROM inbound WHERE number = $1 AND state > 0", o.number))
			if err != nil {
				return err
			}
		}
		return nil
	})
	return len(due), after(seen == retainPage && aged, last, ""), err
}

// write runs a job unless nothing is due.
func (r *retention) write(ctx context.Context, n int, job func(ctx context.Context, tx *database.Tx) error) error {
	if n == 0 {
		return nil
	}
	return r.db.WriteWait(ctx, job)
}

// sent takes away what was sent and is of no case, with the carrier's receipts. Of a web session the last row stays, empty,
// as long as its contact: from it the lines go on being numbered.
func (r *retention) sent(ctx context.Context) (int, string, error) {
	from, _ := cursor2(r.after)
	var due []old
	var seen, young, last int64
	const query = `SELECT d.number, d.id, d.due, d.state > 0 AND NOT EXISTS (SELECT 1 FROM matter m WHERE m.id = d.matter)
		AND (d.line = 0 OR length(d.body) > 0 OR NOT EXISTS (SELECT 1 FROM contact c WHERE c.id = d.contact)
		OR EXISTS (SELECT 1 FROM delivery n WHERE n.address = d.address AND n.line > 0 AND n.line > d.line)) FROM delivery d WHERE d.number > $1 ORDER BY d.number LIMIT $2`
	err := each(r.db.Read().Query(ctx, query, from, retainPage))(func(scan scanner) error {
		var o old
		var at int64
		var free bool
		err := scan(&o.number, &o.id, &at, &free)
		seen, last = seen+1, o.number
		switch {
		case at >= r.ago(gateway.TalkKept):
			young++
		case free:
			due = append(due, o)
		}
		return err
	})
	if err != nil {
		return 0, "", err
	}
	err = r.write(ctx, len(due), func(ctx context.Context, tx *database.Tx) error {
		for _, o := range due {
			err := errors.Join(dropHolder(ctx, tx, deliveryOwner(o.id)),
				tx.Send(ctx, `DELETE FROM delivery WHERE number = $1 AND state > 0 AND (line = 0 OR NOT EXISTS (SELECT 1 FROM contact c WHERE c.id = delivery.contact)
					OR EXISTS (SELECT 1 FROM delivery n WHERE n.address = delivery.address AND n.line > 0 AND n.line > delivery.line))`, o.number),
				tx.Send(ctx, "UPDATE delivery SET body = $2 WHERE number = $1 AND state > 0", o.number, []byte{}))
			if err != nil {
				return err
			}
		}
		return nil
	})
	return len(due), after(seen == retainPage && young < seen, last, ""), err
}

// talks ends conversations that rest. While a case of the person is open they stay: the office may have asked something.
func (r *retention) talks(ctx context.Context) (int, string, error) {
	_, at := cursor2(r.after)
	from, err := hex.DecodeString(at)
	if err != nil {
		return 0, "", fmt.Errorf("read where the round stands: %w", err)
	}
	var due [][]byte
	var seen int
	var last []byte
	const query = "SELECT address, heard FROM reach WHERE address > $1 ORDER BY address LIMIT $2"
	err = each(r.db.Read().Query(ctx, query, from, retainPage))(func(scan scanner) error {
		var address []byte
		var heard int64
		err := scan(&address, &heard)
		if seen, last = seen+1, address; heard > 0 && heard < r.ago(gateway.TalkKept) {
			due = append(due, address)
		}
		return err
	})
	if err != nil {
		return 0, "", err
	}
	n := 0
	err = r.write(ctx, len(due), func(ctx context.Context, tx *database.Tx) error {
		n = 0
		for _, address := range due {
			gone, err := tx.Exec(ctx, `DELETE FROM conversation WHERE address = $1
				AND EXISTS (SELECT 1 FROM reach r WHERE r.address = conversation.address AND r.heard < $2)
				AND NOT EXISTS (SELECT 1 FROM matter m WHERE m.contact = conversation.contact AND m.ended = 0)
				AND NOT EXISTS (SELECT 1 FROM turn t WHERE t.contact = conversation.contact)`, address, r.ago(gateway.TalkKept))
			if err != nil {
				return err
			}
			n += int(gone)
		}
		return nil
	})
	return n, after(seen == retainPage, 0, hex.EncodeToString(last)), err
}

// drafts ends forms that their wakes did not end.
func (r *retention) drafts(ctx context.Context) (int, string, error) {
	return r.forms(ctx, "SELECT contact, id, touched, contact FROM draft WHERE contact > $1 ORDER BY contact LIMIT $2", "draft")
}

// shelf ends forms that wait too long for their turn.
func (r *retention) shelf(ctx context.Context) (int, string, error) {
	return r.forms(ctx, "SELECT id, id, touched, contact FROM shelf WHERE id > $1 ORDER BY id LIMIT $2", "shelf")
}

func (r *retention) forms(ctx context.Context, query, table string) (int, string, error) {
	type form struct{ id, contact string }
	_, from := cursor2(r.after)
	var due []form
	var seen int
	var last string
	err := each(r.db.Read().Query(ctx, query, from, retainPage))(func(scan scanner) error {
		var f form
		var touched int64
		err := scan(&last, &f.id, &touched, &f.contact)
		if seen++; touched < r.ago(gateway.FormKept) {
			due = append(due, f)
		}
		return err
	})
	if err != nil {
		return 0, "", err
	}
	n := 0
	err = r.write(ctx, len(due), func(ctx context.Context, tx *database.Tx) error {
		n = 0
		for _, f := range due {
			gone, err := tx.Exec(ctx, "DELETE FROM "+table+" WHERE contact = $1 AND id = $2 AND touched < $3", f.contact, f.id, r.ago(gateway.FormKept))
			if err != nil {
				return err
			}
			if gone == 0 { // it was touched a moment ago
				continue
			}
			n++
			err = errors.Join(destroyKeys(ctx, tx, draftOwner(f.id)), dropHolder(ctx, tx, draftOwner(f.id)),
				tx.Send(ctx, "DELETE FROM wake WHERE contact = $1 AND subject = $2", f.contact, f.id),
				tx.Send(ctx, "UPDATE contact SET version = version + 1 WHERE id = $1", f.contact))
			if err != nil {
				return err
			}
		}
		return nil
	})
	return n, after(seen == retainPage, 0, last), err
}
