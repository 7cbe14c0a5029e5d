package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"slices"
	"strings"
	"time"

	"gatehouse/channels"
	"gatehouse/configs/database"
	"gatehouse/configs/vault"
	"gatehouse/exchange/service"
	"gatehouse/gateway"
)

// States of a delivery.
const (
	owing     = 0
	accepted  = 1
	delivered = 2
	failed    = 3
)

// Lease implements gateway.Outbox.
func (s *Store) Lease(ctx context.Context, q channels.Queue, now time.Time, n int, ttl time.Duration) ([]gateway.Leased, error) {
	var out []gateway.Leased
	var sealed [][]byte
	err := s.db.WriteWait(ctx, func(ctx context.Context, tx *database.Tx) (err error) {
		out, sealed, err = s.lease(ctx, tx, q, now, n, ttl)
		return err
	})
	if err != nil {
		return nil, wrap("lease outbox", err)
	}
	if err := s.preload(ctx, s.db.Read(), sealed); err != nil {
		return nil, wrap("lease outbox", err)
	}
	readable := out[:0]
	for i, l := range out {
		var body letter
		err := s.read(ctx, s.db.Read(), "delivery", l.ID, sealed[i], &body)
		if gone(err) {
			err = s.bury(ctx, l)
		} else if err == nil {
			l.Message, l.Receipts, l.Once = s.message(body), body.Receipts, body.Once
			readable = append(readable, l)
		}
		if err != nil {
			return nil, wrap("lease outbox", err)
		}
	}
	return readable, nil
}

// gone tells whether a value will never be read again: its key was destroyed, or it was changed.
func gone(err error) bool {
	return errors.Is(err, vault.ErrDestroyed) || errors.Is(err, vault.ErrSealed)
}

// bury ends a delivery that can't be read, so that it does not hold up its queue.
func (s *Store) bury(ctx context.Context, l gateway.Leased) error {
	s.cfg.Log.ErrorContext(ctx, "delivery given up: its content can't be read", "message_id", l.ID)
	return s.Settle(ctx, []gateway.Settlement{{ID: l.ID, Fence: l.Fence, Err: &channels.Error{Kind: channels.Rejected}}})
}

func (s *Store) lease(ctx context.Context, tx *database.Tx, q channels.Queue, now time.Time, n int, ttl time.Duration) ([]gateway.Leased, [][]byte, error) {
	var out []gateway.Leased
	var sealed, addresses [][]byte
	query := `SELECT d.id, d.contact, d.matter, d.broadcast, d.must <> 0, d.due, o.fence + 1, o.attempt + 1, o.since, o.address, d.body
		FROM owed o JOIN delivery d ON d.number = o.number WHERE o.queue = $1 AND o.due <= $2 ` + runs(q) + ` ORDER BY o.due, o.number LIMIT $3`
	err := each(tx.Query(ctx, query, string(q), micros(now), n))(func(scan scanner) error {
		l := gateway.Leased{Delivery: gateway.Delivery{Queue: q}}
		var due, since int64
		var address, body []byte
		if err := scan(&l.ID, &l.Contact, &l.Matter, &l.Broadcast, &l.Must, &due, &l.Fence, &l.Attempt, &since, &address, &body); err != nil {
			return err
		}
		l.Due, l.Since = moment(due), moment(since)
		out, sealed, addresses = append(out, l), append(sealed, body), append(addresses, address)
		return nil
	})
	for i, l := range out {
		since := l.Since
		if since.IsZero() {
			since = now
		}
		err = errors.Join(err, tx.Send(ctx, "UPDATE owed SET due = $1, owner = $2, fence = $3, attempt = $4, since = $5 WHERE queue = $6 AND address = $7",
			micros(now.Add(ttl)), s.cfg.Owner, int64(l.Fence), l.Attempt, micros(since), string(q), addresses[i]))
	}
	return out, sealed, err
}

// settling is one call of Settle.
type settling struct{ list []gateway.Settlement }

// Settle implements gateway.Outbox.
func (s *Store) Settle(ctx context.Context, list []gateway.Settlement) error {
	if len(list) == 0 {
		return nil
	}
	return wrap("settle outbox", s.settles.WriteWait(ctx, &settling{list}))
}

func (s *Store) settleAll(ctx context.Context, tx *database.Tx, all []*settling) error {
	var list []gateway.Settlement
	for _, x := range all {
		list = append(list, x.list...)
	}
	ids, marks := make([]string, len(list)), make([][]byte, 0, len(list))
	for i, x := range list {
		ids[i] = x.ID
		if x.Receipt.CarrierID != "" {
			marks = append(marks, s.carrierMark(x.Receipt))
		}
	}
	sent, err := s.sendings(ctx, tx, "d.id IN %", ids)
	if err != nil {
		return err
	}
	early, err := s.early(ctx, tx, marks)
	if err != nil {
		return err
	}
	for _, x := range list {
		if d := sent[x.ID]; d != nil {
			if err := s.settleOne(ctx, tx, d, x, early); err != nil {
				return err
			}
		}
	}
	return nil
}

// sending is a delivery as the writer finds it.
type sending struct {
	id, queue, contact, origin string
	matter, broadcast          string
	number                     int64
	address                    []byte
	must, legal                bool
	state                      int
	line                       bool
	due                        int64
	body                       []byte
	// head: it is the one that may be leased of its address and queue; fence and owner are then the lease's.
	head  bool
	fence int64
	owner string
	since int64
	files bool
	// next is what its address is owed after it, as of the query; moved tells that something was moved since.
	next  *int64
	moved *bool
}

func (s *Store) sendings(ctx context.Context, tx *database.Tx, where string, args any) (map[string]*sending, error) {
	out, moved := map[string]*sending{}, false
	query := `SELECT d.id, d.queue, d.contact, d.matter, d.broadcast, d.origin, d.number, d.address, d.must <> 0, d.must = 2, d.state, d.line > 0, d.due, d.body, o.number IS NOT NULL,
		coalesce(o.fence, 0), coalesce(o.owner, ''), coalesce(o.since, 0), EXISTS (SELECT 1 FROM holder h WHERE h.owner = 'delivery:' || d.id),
		(SELECT min(n.number) FROM delivery n WHERE n.queue = d.queue AND n.address = d.address AND n.state = 0 AND n.number > d.number)
		FROM delivery d LEFT JOIN owed o ON o.queue = d.queue AND o.address = d.address AND o.number = d.number WHERE ` + where
	take := func(scan scanner) error {
		d := &sending{moved: &moved}
		err := scan(&d.id, &d.queue, &d.contact, &d.matter, &d.broadcast, &d.origin, &d.number, &d.address, &d.must, &d.legal, &d.state, &d.line, &d.due, &d.body, &d.head, &d.fence, &d.owner, &d.since, &d.files, &d.next)
		out[d.id] = d
		return err
	}
	if ids, ok := args.([]string); ok {
		return out, wrap("read deliveries", eachIn(ctx, tx, query, ids, take))
	}
	return out, wrap("read deliveries", each(tx.Query(ctx, query, args))(take))
}

func (s *Store) settleOne(ctx context.Context, tx *database.Tx, d *sending, x gateway.Settlement, early map[string]advice) error {
	mark := s.carrierMark(x.Receipt)
	held := d.state == owing && d.head && d.owner != "" && uint64(d.fence) == x.Fence
	switch {
	case !held && x.Err == nil && x.Receipt.CarrierID != "" && d.state != owing:
		// The carrier's report came first; what it calls the message is still worth knowing.
		return tx.Send(ctx, "UPDATE delivery SET carrier = coalesce(carrier, $1) WHERE id = $2", mark, d.id)
	case !held:
		return nil
	case x.Err != nil && !x.Again.IsZero():
		return s.again(ctx, tx, d, x)
	case x.Err != nil:
		return s.fail(ctx, tx, d, x.Err.Kind, x.Err.Code, later(x.Receipt.At, s.cfg.Now()))
	}
	if err := s.advise(ctx, tx, d, advice{State: cmpState(x.Receipt.State), At: micros(x.Receipt.At)}, mark); err != nil {
		return err
	}
	if a, ok := early[string(mark)]; ok && x.Receipt.CarrierID != "" {
		if err := s.advise(ctx, tx, d, a, mark); err != nil {
			return err
		}
		return tx.Send(ctx, "DELETE FROM receipt WHERE mark = $1", mark)
	}
	return nil
}

// cmpState reads the word of a Send that named none as accepted.
func cmpState(s channels.State) channels.State {
	if s == "" {
		return channels.Accepted
	}
	return s
}

// again puts a delivery off. When the carrier may have it, the time of the lease stays, so that it is asked first.
func (s *Store) again(ctx context.Context, tx *database.Tx, d *sending, x gateway.Settlement) error {
	since := int64(0)
	if x.Err.Uncertain {
		since = d.since
	}
	if err := s.mark(ctx, tx, d.address, x.Err.Kind, s.cfg.Now()); err != nil {
		return err
	}
	return tx.Send(ctx, "UPDATE owed SET due = $1, owner = '', since = $2, attempt = attempt - $3 WHERE queue = $4 AND address = $5",
		micros(x.Again), since, bit(x.Untried), d.queue, d.address)
}

// advise takes a carrier's word on a delivery: the first final state stays.
func (s *Store) advise(ctx context.Context, tx *database.Tx, d *sending, a advice, carrier []byte) error {
	switch a.State {
	case channels.Delayed:
		return s.delayed(ctx, tx, d, a)
	case channels.Complained:
		return s.complained(ctx, tx, d, a)
	}
	to := map[channels.State]int{channels.Accepted: accepted, channels.Delivered: delivered, channels.Failed: failed}[a.State]
	if to == failed {
		if d.state == failed || d.state == delivered {
			return s.mark(ctx, tx, d.address, a.Kind, moment(a.At))
		}
		return s.fail(ctx, tx, d, a.Kind, a.Code, moment(a.At))
	}
	if to <= d.state || d.state == failed {
		return nil
	}
	if err := tx.Send(ctx, "UPDATE delivery SET state = $1, carrier = coalesce(carrier, $2) WHERE id = $3", to, nullable(carrier), d.id); err != nil {
		return err
	}
	if err := s.ledgerTook(ctx, tx, d, to); err != nil {
		return err
	}
	return s.closeSending(ctx, tx, d, to)
}

func nullable(b []byte) any {
	if len(b) == 0 {
		return nil
	}
	return b
}

// closeSending lets the next delivery of the address go on, the first time that this one is no longer owed.
func (s *Store) closeSending(ctx context.Context, tx *database.Tx, d *sending, to int) error {
	was := d.state
	d.state = to
	if was != owing {
		return nil
	}
	if d.contact == "" {
		if err := s.parted(ctx, tx, d); err != nil {
			return err
		}
	}
	if d.files {
		if err := dropHolder(ctx, tx, deliveryOwner(d.id)); err != nil {
			return err
		}
	}
	if !d.head {
		return nil
	}
	d.head = false
	if *d.moved {
		const query = "SELECT min(number) FROM delivery WHERE queue = $1 AND address = $2 AND state = 0 AND number <> $3"
		if err := tx.QueryRow(ctx, query, d.queue, d.address, d.number).Scan(&d.next); err != nil {
			return wrap("look for next delivery", err)
		}
	}
	if d.next == nil {
		return tx.Send(ctx, "DELETE FROM owed WHERE queue = $1 AND address = $2", d.queue, d.address)
	}
	return tx.Send(ctx, `UPDATE owed SET number = $1, due = (SELECT due FROM delivery WHERE number = $1), owner = '', attempt = 0, since = 0
		WHERE queue = $2 AND address = $3`, *d.next, d.queue, d.address)
}

// fail ends a delivery and moves what must be told to the contact's next address; that of a broadcast, its ledger moves.
func (s *Store) fail(ctx context.Context, tx *database.Tx, d *sending, k channels.Kind, code string, at time.Time) error {
	if err := s.mark(ctx, tx, d.address, k, at); err != nil {
		return err
	}
	if err := tx.Send(ctx, "UPDATE delivery SET state = 3, cause = $1 WHERE id = $2", string(k), d.id); err != nil {
		return err
	}
	switch {
	case d.broadcast != "":
		if err := s.ledgerFail(ctx, tx, d, k, code); err != nil {
			return err
		}
	case d.legal && d.matter != "":
		if err := s.wakeFor(ctx, tx, d, gateway.WakePost, d.matter); err != nil {
			return wrap("wake for post", err)
		}
	case k == channels.Stopped && d.matter != "" && !d.must:
		if err := s.wakeFor(ctx, tx, d, gateway.WakeBlocked, d.matter); err != nil {
			return wrap("wake for a block", err)
		}
	default:
		if err := s.elsewhere(ctx, tx, d, code); err != nil {
			return err
		}
	}
	return s.closeSending(ctx, tx, d, failed)
}

// elsewhere moves a failed delivery that must be told, and has the office told what became of it. Of what may be missed the
// office hears only where it was a mail: its person waits for it.
func (s *Store) elsewhere(ctx context.Context, tx *database.Tx, d *sending, code string) error {
	var next channels.Address
	if d.must {
		var err error
		if next, err = s.move(ctx, tx, d); err != nil {
			return wrap("move delivery", err)
		}
	}
	return s.cameBack(ctx, tx, d, gateway.Returned{What: channels.Failed, Next: next.Channel, Code: code})
}

// move owes a failed delivery to the contact's next usable address, and gives that; zero: there is none. Its new id is made from the first one's and the
// address, so each address gets it once at most.
func (s *Store) move(ctx context.Context, tx *database.Tx, d *sending) (channels.Address, error) {
	origin := d.origin
	if origin == "" {
		origin = d.id
	}
	to, err := s.nextAddress(ctx, tx, d.contact, origin)
	if err != nil {
		return to, err
	}
	if to.IsZero() {
		return to, s.byPost(ctx, tx, d)
	}
	var l letter
	if err := s.read(ctx, tx, "delivery", d.id, d.body, &l); gone(err) {
		return channels.Address{}, nil
	} else if err != nil {
		return to, err
	}
	m := s.message(l)
	if m.To.Channel != to.Channel {
		m.From, m.Thread = channels.Address{}, channels.Thread{}
	}
	m.To = to
	k, err := s.keyAbout(ctx, tx, d.contact, d.matter)
	if err != nil {
		return to, err
	}
	moved := gateway.Delivery{ID: movedID(origin, to), Contact: d.contact, Queue: channels.Queue(d.queue), Matter: d.matter, Message: m, Must: true, Due: s.cfg.Now(), Receipts: l.Receipts}
	row, err := s.deliveryRow(k, moved, origin)
	if err != nil {
		return to, err
	}
	n, err := numbers(ctx, tx, 1)
	if err != nil {
		return to, err
	}
	if err := s.putDelivery(ctx, tx, row, n); err != nil {
		return to, err
	}
	*d.moved = true
	for _, f := range m.Files {
		got, err := s.find(ctx, tx, f.SHA256)
		if err != nil {
			return to, err
		}
		if err := putHolder(ctx, tx, deliveryOwner(moved.ID), got.id, sealFile(k, deliveryOwner(moved.ID), got.id, got.raw)); err != nil {
			return to, err
		}
	}
	return to, nil
}

// nextAddress is the address last heard from, among those that can be reached and did not get it yet; a web session
// comes last, because nobody may look at it again.
func (s *Store) nextAddress(ctx context.Context, tx *database.Tx, contact, origin string) (channels.Address, error) {
	tried := map[string]bool{}
	err := each(tx.Query(ctx, "SELECT address FROM delivery WHERE origin = $1 OR id = $1", origin))(func(scan scanner) error {
		var address []byte
		err := scan(&address)
		tried[string(address)] = true
		return err
	})
	if err != nil {
		return channels.Address{}, err
	}
	known := map[string]gateway.Contact{}
	if err := s.reaches(ctx, tx, []string{contact}, known); err != nil {
		return channels.Address{}, err
	}
	usable := slices.DeleteFunc(known[contact].Reaches, func(r gateway.Reach) bool {
		return r.Blocked || r.Dead || r.Address.Channel == service.AtCounter || tried[string(s.address(r.Address))]
	})
	slices.SortStableFunc(usable, func(a, b gateway.Reach) int {
		return int(bit(lined(a.Address.Channel)) - bit(lined(b.Address.Channel)))
	})
	if len(usable) == 0 {
		return channels.Address{}, nil
	}
	return usable[0].Address, nil
}

// movedID keeps the time of a time-ordered id and takes the rest from a digest.
func movedID(origin string, to channels.Address) string {
	const letters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	sum := sha256.Sum256([]byte(origin + "\x00" + to.String()))
	var b strings.Builder
	b.WriteString(origin[:min(10, len(origin))])
	for _, c := range sum[:16] {
		b.WriteByte(letters[c&31])
	}
	return b.String()
}

// After implements channels.History.
func (s *Store) After(ctx context.Context, to channels.Address, seq uint64, limit int) ([]channels.Line, error) {
	type row struct {
		line int64
		id   string
		body []byte
	}
	var rows []row
	// An empty row only numbers: as part of a page it would end a reader's look before the lines after it.
	err := each(s.db.Read().Query(ctx, "SELECT line, id, body FROM delivery WHERE address = $1 AND line > $2 AND line > 0 AND length(body) > 0 ORDER BY line LIMIT $3",
		s.address(to), int64(seq), limit))(func(scan scanner) error {
		var r row
		err := scan(&r.line, &r.id, &r.body)
		rows = append(rows, r)
		return err
	})
	if err != nil {
		return nil, wrap("read history", err)
	}
	out := make([]channels.Line, 0, len(rows))
	for _, r := range rows {
		var l letter
		err := s.read(ctx, s.db.Read(), "delivery", r.id, r.body, &l)
		if gone(err) { // a last word, deleted a moment ago
			continue
		}
		if err != nil {
			return nil, wrap("read history", err)
		}
		out = append(out, channels.Line{Seq: uint64(r.line), Message: s.message(l)})
	}
	return out, nil
}

// noRow tells whether a Scan found nothing.
func noRow(err error) bool { return errors.Is(err, sql.ErrNoRows) }
