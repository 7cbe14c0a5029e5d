package store

import (
	"context"
	"slices"
	"time"

	"gatehouse/channels"
	"gatehouse/configs/database"
	"gatehouse/configs/vault"
	"gatehouse/exchange"
	"gatehouse/gateway"
	"gatehouse/gateway/broadcast"
)

var _ broadcast.Ledger = (*Store)(nil)

// Numbers of states in tables: their places in broadcast.States.
const (
	rowQueued    = 0
	rowAccepted  = 2
	rowDelivered = 3
	rowFailed    = 5
	rowSkipped   = 6
)

func rowState(s broadcast.State) int { return slices.Index(broadcast.States(), s) }

func phaseNumber(p broadcast.Phase) int { return slices.Index(broadcast.Phases(), p) }

func castOwner(id string) string { return "broadcast:" + id }

// runs keeps what belongs to a paused or cancelled broadcast from being leased.
func runs(q channels.Queue) string {
	if q != channels.Broadcast {
		return ""
	}
	return "AND NOT EXISTS (SELECT 1 FROM campaign c WHERE c.id = d.broadcast AND c.phase IN (1, 2, 3))"
}

// Open implements broadcast.Ledger. The words are sealed under a key of the broadcast's own.
func (s *Store) Open(ctx context.Context, b exchange.Broadcast, arrival uint64) error {
	k, _, err := s.ownerKey(ctx, s.db.Read(), castOwner(b.ID))
	if err != nil {
		return wrap("open broadcast", err)
	}
	words, err := seal(k, "campaign", b.ID, b)
	if err != nil {
		return wrap("open broadcast", err)
	}
	return wrap("open broadcast", s.db.WriteWait(ctx, func(ctx context.Context, tx *database.Tx) error {
		if arrival != 0 {
			if open, err := openArrival(ctx, tx, arrival); err != nil || !open {
				return err
			}
		}
		known := 0
		if err := tx.QueryRow(ctx, "SELECT count(*) FROM campaign WHERE id = $1", b.ID).Scan(&known); err != nil {
			return err
		}
		if known == 0 {
			if err := s.putCampaign(ctx, tx, b, k, words); err != nil {
				return err
			}
		}
		return s.handled(ctx, tx, arrival)
	}))
}

func (s *Store) putCampaign(ctx context.Context, tx *database.Tx, b exchange.Broadcast, k vault.Key, words []byte) error {
	n, err := numbers(ctx, tx, 1)
	if err != nil {
		return err
	}
	if err := putKey(ctx, tx, castOwner(b.ID), k); err != nil {
		return err
	}
	return tx.Send(ctx, "INSERT INTO campaign(number, id, phase, urgent, arrived, pages, after, expanded, told, insisted, body) VALUES ($1, $2, 0, $3, $4, 0, '', 0, 0, 0, $5)",
		n, b.ID, bit(b.Priority == exchange.PriorityEmergency), micros(s.cfg.Now()), words)
}

// Steer implements broadcast.Ledger.
func (s *Store) Steer(ctx context.Context, c exchange.Control, arrival uint64) error {
	query := map[string]string{
		"pause":  "UPDATE campaign SET phase = 1 WHERE id = $1 AND phase IN (0, 2)",
		"resume": "UPDATE campaign SET insisted = CASE WHEN phase = 2 THEN 1 ELSE insisted END, phase = 0 WHERE id = $1 AND phase IN (1, 2)",
		"cancel": "UPDATE campaign SET phase = 3 WHERE id = $1 AND phase < 3",
	}[c.Act]
	return wrap("steer broadcast", s.db.WriteWait(ctx, func(ctx context.Context, tx *database.Tx) error {
		if arrival != 0 {
			if open, err := openArrival(ctx, tx, arrival); err != nil || !open {
				return err
			}
		}
		if query != "" {
			if err := tx.Send(ctx, query, c.Broadcast); err != nil {
				return err
			}
		}
		return s.handled(ctx, tx, arrival)
	}))
}

// Campaigns implements broadcast.Ledger.
func (s *Store) Campaigns(ctx context.Context, since time.Time) ([]broadcast.Campaign, error) {
	var out []broadcast.Campaign
	var ids []string
	var words [][]byte
	const query = `SELECT number, id, phase, arrived, pages, after, expanded, told, insisted, body FROM campaign
		WHERE phase < 4 OR told > $1 ORDER BY urgent DESC, number LIMIT 1000`
	err := each(s.db.Read().Query(ctx, query, micros(since)))(func(scan scanner) error {
		var c broadcast.Campaign
		var id string
		var phase int
		var arrived, expanded, told, insisted int64
		var body []byte
		err := scan(&c.Number, &id, &phase, &arrived, &c.Pages, &c.Cursor, &expanded, &told, &insisted, &body)
		if err != nil {
			return err
		}
		c.Phase, c.Arrived, c.Expanded, c.Told = broadcast.Phases()[phase], moment(arrived), expanded != 0, moment(told)
		c.Insisted = insisted != 0
		out, ids, words = append(out, c), append(ids, id), append(words, body)
		return nil
	})
	for i := range out {
		if err == nil {
			err = s.read(ctx, s.db.Read(), "campaign", ids[i], words[i], &out[i].Broadcast)
		}
	}
	return out, wrap("read broadcasts", err)
}

var recipientBulk = bulk{"INSERT INTO recipient(campaign, contact, page, channel, state, reason, attempt, due, at)", "ON CONFLICT DO NOTHING", 9}

// Expand implements broadcast.Ledger.
func (s *Store) Expand(ctx context.Context, c broadcast.Campaign, page []broadcast.Verdict, next string) error {
	now := micros(s.cfg.Now())
	rows := make([][]any, 0, len(page))
	for _, v := range page {
		rows = append(rows, []any{c.Number, v.Contact, c.Pages + 1, v.Channel, rowState(v.State), string(v.Reason), 0, micros(v.Again), now})
	}
	return wrap("expand broadcast", s.db.WriteWait(ctx, func(ctx context.Context, tx *database.Tx) error {
		n, err := tx.Exec(ctx, "UPDATE campaign SET pages = pages + 1, after = $1, expanded = $2 WHERE number = $3 AND pages = $4 AND expanded = 0 AND phase = $5",
			next, bit(next == ""), c.Number, c.Pages, phaseNumber(c.Phase))
		if err != nil {
			return err
		}
		if n == 0 {
			return broadcast.ErrMoved
		}
		return recipientBulk.send(ctx, tx, rows)
	}))
}

// Sending implements broadcast.Ledger.
func (s *Store) Sending(ctx context.Context, c broadcast.Campaign) (map[string]int, error) {
	out := map[string]int{}
	err := each(s.db.Read().Query(ctx, "SELECT channel, count(*) FROM recipient WHERE campaign = $1 AND state = 1 GROUP BY channel", c.Number))(func(scan scanner) error {
		var channel string
		var n int
		err := scan(&channel, &n)
		out[channel] = n
		return err
	})
	return out, wrap("count what is owed", err)
}

// Due implements broadcast.Ledger.
func (s *Store) Due(ctx context.Context, c broadcast.Campaign, channel string, now time.Time, n int) ([]broadcast.Recipient, error) {
	var out []broadcast.Recipient
	var ids []string
	const query = `SELECT contact, reason, attempt FROM recipient WHERE campaign = $1 AND state = 0 AND channel = $2 AND due <= $3 ORDER BY due LIMIT $4`
	err := each(s.db.Read().Query(ctx, query, c.Number, channel, micros(now), n))(func(scan scanner) error {
		r := broadcast.Recipient{State: broadcast.Queued}
		err := scan(&r.Contact.ID, &r.Reason, &r.Attempt)
		out, ids = append(out, r), append(ids, r.Contact.ID)
		return err
	})
	if err != nil {
		return nil, wrap("read ledger", err)
	}
	found, err := s.allowed(ctx, c.Broadcast, ids)
	if err != nil {
		return nil, wrap("read ledger", err)
	}
	for i := range out {
		if known, ok := found[ids[i]]; ok {
			out[i].Contact = known
		}
		if out[i].Attempt > 0 {
			if out[i].Tried, err = s.triedBy(ctx, c, out[i].Contact); err != nil {
				return nil, wrap("read ledger", err)
			}
		}
	}
	return out, nil
}

// allowed reads contacts with the addresses that the audience's rule allows: of a list those that joined it.
func (s *Store) allowed(ctx context.Context, b exchange.Broadcast, ids []string) (map[string]gateway.Contact, error) {
	found, err := s.contacts(ctx, s.db.Read(), ids)
	if err != nil || b.List == "" {
		return found, err
	}
	joined := map[string]bool{}
	err = eachIn(ctx, s.db.Read(), "SELECT contact, address, list FROM member WHERE contact IN %", ids, func(scan scanner) error {
		var contact, list string
		var address []byte
		err := scan(&contact, &address, &list)
		if list == b.List {
			joined[contact+string(address)] = true
		}
		return err
	})
	for id, c := range found {
		c.Reaches = slices.DeleteFunc(c.Reaches, func(r gateway.Reach) bool { return !joined[id+string(s.address(r.Address))] })
		found[id] = c
	}
	return found, err
}

// triedBy are the addresses of a contact at which a broadcast was tried.
func (s *Store) triedBy(ctx context.Context, c broadcast.Campaign, who gateway.Contact) ([]channels.Address, error) {
	tried := map[string]bool{}
	err := each(s.db.Read().Query(ctx, "SELECT address FROM delivery WHERE contact = $1 AND broadcast = $2", who.ID, c.Broadcast.ID))(func(scan scanner) error {
		var address []byte
		err := scan(&address)
		tried[string(address)] = true
		return err
	})
	var out []channels.Address
	for _, r := range who.Reaches {
		if tried[string(s.address(r.Address))] {
			out = append(out, r.Address)
		}
	}
	return out, err
}

// Withdraw implements broadcast.Ledger.
func (s *Store) Withdraw(ctx context.Context, c broadcast.Campaign, n int) (taken int, err error) {
	err = s.db.WriteWait(ctx, func(ctx context.Context, tx *database.Tx) error {
		taken = 0
		var ids []string
		const query = `SELECT d.id FROM delivery d LEFT JOIN owed o ON o.queue = d.queue AND o.address = d.address AND o.number = d.number
			WHERE d.broadcast = $1 AND d.state = 0 AND (o.owner IS NULL OR o.owner = '' OR o.due <= $2) LIMIT $3`
		err := each(tx.Query(ctx, query, c.Broadcast.ID, micros(s.cfg.Now()), n))(func(scan scanner) error {
			var id string
			err := scan(&id)
			ids = append(ids, id)
			return err
		})
		if err != nil {
			return err
		}
		all, err := s.sendings(ctx, tx, "d.id IN %", ids)
		for _, d := range all {
			if err == nil {
				err = s.fail(ctx, tx, d, channels.Rejected, string(broadcast.Cancelled), s.cfg.Now())
			}
			taken++
		}
		return err
	})
	return taken, wrap("withdraw broadcast", err)
}

const recipientOf = "campaign = (SELECT number FROM campaign WHERE id = $1) AND contact = $2"

// ledgerTook notes that a carrier took or delivered what a broadcast owed.
func (s *Store) ledgerTook(ctx context.Context, tx *database.Tx, d *sending, to int) error {
	if d.broadcast == "" {
		return nil
	}
	row := map[int]int{accepted: rowAccepted, delivered: rowDelivered}[to]
	return tx.Send(ctx, "UPDATE recipient SET state = $3, reason = '', at = $4 WHERE "+recipientOf+" AND state < $3", d.broadcast, d.contact, row, micros(s.cfg.Now()))
}

// ledgerFail notes that what a broadcast owed failed at an address. The row comes up once more for the next one, unless
// its time is over, it was taken back, or a second copy might be one too many; it then goes before those who
// were not tried yet.
func (s *Store) ledgerFail(ctx context.Context, tx *database.Tx, d *sending, k channels.Kind, code string) error {
	row, why := rowQueued, string(k)
	switch broadcast.Reason(code) {
	case broadcast.Expired, broadcast.Cancelled:
		row, why = rowSkipped, code
	case broadcast.Uncertain:
		row, why = rowFailed, code
	}
	return tx.Send(ctx, "UPDATE recipient SET state = $3, reason = $4, attempt = attempt + 1, due = -1, at = $5 WHERE "+recipientOf+" AND state IN (1, 2)",
		d.broadcast, d.contact, row, why, micros(s.cfg.Now()))
}

// Sums implements broadcast.Ledger.
func (s *Store) Sums(ctx context.Context, c broadcast.Campaign) ([]broadcast.Sum, error) {
	var out []broadcast.Sum
	const query = "SELECT state, channel, reason, count(*) FROM recipient WHERE campaign = $1 GROUP BY state, channel, reason ORDER BY state, channel, reason"
	err := each(s.db.Read().Query(ctx, query, c.Number))(func(scan scanner) error {
		var x broadcast.Sum
		var state int
		err := scan(&state, &x.Channel, &x.Reason, &x.Rows)
		x.State = broadcast.States()[state]
		out = append(out, x)
		return err
	})
	return out, wrap("count ledger", err)
}

// Tell implements broadcast.Ledger.
func (s *Store) Tell(ctx context.Context, c broadcast.Campaign, t exchange.Tally, phase broadcast.Phase) error {
	cross := &commitment{Outcome: gateway.Outcome{Crossings: []gateway.Crossing{{Document: t}}}}
	if err := s.prepareCrossings(ctx, cross); err != nil {
		return wrap("tell counts", err)
	}
	return wrap("tell counts", s.db.WriteWait(ctx, func(ctx context.Context, tx *database.Tx) error {
		n, err := tx.Exec(ctx, "UPDATE campaign SET told = $1, phase = $2 WHERE number = $3 AND phase = $4", micros(t.At), phaseNumber(phase), c.Number, phaseNumber(c.Phase))
		if err != nil {
			return err
		}
		if n == 0 {
			return broadcast.ErrMoved
		}
		next, err := numbers(ctx, tx, 1)
		if err != nil {
			return err
		}
		return s.putParcels(ctx, tx, cross, &next)
	}))
}
