package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"gatehouse/channels"
	"gatehouse/configs/database"
	"gatehouse/exchange"
	"gatehouse/gateway"
)

// contacts loads contacts with their addresses, most lately heard first.
func (s *Store) contacts(ctx context.Context, q database.Querier, ids []string) (map[string]gateway.Contact, error) {
	bodies, versions := map[string][]byte{}, map[string]int64{}
	err := eachIn(ctx, q, "SELECT id, version, body FROM contact WHERE id IN %", ids, func(scan scanner) error {
		var id string
		var version int64
		var body []byte
		if err := scan(&id, &version, &body); err != nil {
			return err
		}
		bodies[id], versions[id] = body, version
		return nil
	})
	if err != nil {
		return nil, wrap("read contacts", err)
	}
	out := make(map[string]gateway.Contact, len(bodies))
	for id, body := range bodies {
		var p person
		if err := s.read(ctx, q, "contact", id, body, &p); err != nil {
			return nil, err
		}
		out[id] = gateway.Contact{ID: id, Lang: p.Lang, Created: p.Created, Quiet: p.Quiet, Persons: p.Persons, Version: uint64(versions[id])}
	}
	return out, wrap("read addresses", s.reaches(ctx, q, ids, out))
}

func (s *Store) reaches(ctx context.Context, q database.Querier, ids []string, into map[string]gateway.Contact) error {
	type row struct {
		contact       string
		address, body []byte
		reach         gateway.Reach
	}
	var rows []row
	const query = "SELECT contact, address, heard, stopped, blocked, dead, introduced, unsure, body FROM reach WHERE contact IN % ORDER BY contact, heard DESC, address"
	err := eachIn(ctx, q, query, ids, func(scan scanner) error {
		var r row
		var heard, stopped, blocked, dead, introduced, unsure int64
		if err := scan(&r.contact, &r.address, &heard, &stopped, &blocked, &dead, &introduced, &unsure, &r.body); err != nil {
			return err
		}
		r.reach = gateway.Reach{Heard: moment(heard), Stopped: stopped != 0, Blocked: blocked != 0, Dead: dead != 0, Introduced: introduced != 0, Unsure: unsure != 0}
		rows = append(rows, r)
		return nil
	})
	for _, r := range rows {
		if err := s.read(ctx, q, "reach", name(r.address), r.body, &r.reach.Address); err != nil {
			return err
		}
		c := into[r.contact]
		c.Reaches = append(c.Reaches, r.reach)
		into[r.contact] = c
	}
	return err
}

// lore is what belongs to several contacts, by contact or by address.
type lore struct {
	talks    map[string]gateway.Conversation
	drafts   map[string]*gateway.Draft
	shelf    map[string][]gateway.Draft
	matters  map[string][]gateway.Matter
	open     map[string][]gateway.Correction
	standing map[string][]standingLine
}

func (s *Store) lore(ctx context.Context, q database.Querier, contacts []string, addresses [][]byte) (*lore, error) {
	l := &lore{drafts: map[string]*gateway.Draft{}, matters: map[string][]gateway.Matter{}}
	var err error
	if l.talks, err = s.talks(ctx, q, addresses); err != nil {
		return nil, wrap("read conversations", err)
	}
	if err := s.drafts(ctx, q, contacts, l.drafts); err != nil {
		return nil, wrap("read drafts", err)
	}
	if l.shelf, err = s.shelf(ctx, q, contacts); err != nil {
		return nil, wrap("read shelf", err)
	}
	if err := s.contactMatters(ctx, q, contacts, l.matters); err != nil {
		return nil, wrap("read matters", err)
	}
	if l.open, err = s.corrections(ctx, q, l.matters); err != nil {
		return nil, err
	}
	l.standing, err = s.standing(ctx, q, contacts)
	return l, err
}

// body is a sealed value with the row that it belongs to.
type body struct {
	row, contact string
	at           int64
	sealed       []byte
}

func (s *Store) bodies(ctx context.Context, q database.Querier, query string, ids []string) ([]body, error) {
	var out []body
	err := eachIn(ctx, q, query, ids, func(scan scanner) error {
		var b body
		err := scan(&b.row, &b.contact, &b.at, &b.sealed)
		out = append(out, b)
		return err
	})
	if err != nil {
		return nil, err
	}
	sealed := make([][]byte, len(out))
	for i, b := range out {
		sealed[i] = b.sealed
	}
	return out, s.preload(ctx, q, sealed)
}

func (s *Store) talks(ctx context.Context, q database.Querier, addresses [][]byte) (map[string]gateway.Conversation, error) {
	found := map[string][]byte{}
	err := eachIn(ctx, q, "SELECT address, body FROM conversation WHERE address IN %", addresses, func(scan scanner) error {
		var address, sealed []byte
		if err := scan(&address, &sealed); err != nil {
			return err
		}
		found[string(address)] = sealed
		return nil
	})
	if err != nil {
		return nil, err
	}
	out := map[string]gateway.Conversation{}
	for address, sealed := range found {
		var t talk
		if err := s.read(ctx, q, "conversation", name([]byte(address)), sealed, &t); err != nil {
			return nil, err
		}
		out[address] = gateway.Conversation{Lang: t.Lang, Pending: t.Pending, Lines: t.Lines, More: t.More, Heard: t.Heard,
			Challenge: t.Challenge, Grants: t.Grants, Lookups: t.Lookups, Joining: t.Joining}
	}
	return out, nil
}

func (s *Store) drafts(ctx context.Context, q database.Querier, contacts []string, into map[string]*gateway.Draft) error {
	found, err := s.bodies(ctx, q, "SELECT id, contact, touched, body FROM draft WHERE contact IN %", contacts)
	for _, b := range found {
		var d sheet
		if err := s.read(ctx, q, "draft", b.row, b.sealed, &d); err != nil {
			return err
		}
		into[b.contact] = s.draft(b.row, b.at, d)
	}
	return err
}

// shelf reads the forms that wait.
func (s *Store) shelf(ctx context.Context, q database.Querier, contacts []string) (map[string][]gateway.Draft, error) {
	found, err := s.bodies(ctx, q, "SELECT id, contact, touched, body FROM shelf WHERE contact IN % ORDER BY id", contacts)
	out := map[string][]gateway.Draft{}
	for _, b := range found {
		var d sheet
		if err := s.read(ctx, q, "draft", b.row, b.sealed, &d); err != nil {
			return nil, err
		}
		out[b.contact] = append(out[b.contact], *s.draft(b.row, b.at, d))
	}
	return out, err
}

const matterColumns = "id, reference, contact, person, state, filed, body"

func (s *Store) matters(ctx context.Context, q database.Querier, rows *sql.Rows, err error) ([]gateway.Matter, error) {
	var out []gateway.Matter
	var sealed [][]byte
	err = each(rows, err)(func(scan scanner) error {
		var m gateway.Matter
		var filed int64
		var b []byte
		if err := scan(&m.ID, &m.Reference, &m.Contact, &m.For, &m.State, &filed, &b); err != nil {
			return err
		}
		m.FiledAt = moment(filed)
		out, sealed = append(out, m), append(sealed, b)
		return nil
	})
	if err != nil {
		return nil, err
	}
	for i := range out {
		var a affair
		if err := s.read(ctx, q, "matter", out[i].ID, sealed[i], &a); err != nil {
			return nil, err
		}
		m := &out[i]
		m.Service, m.Name, m.Lang, m.Address, m.Thread, m.Subject, m.Decision, m.Promise, m.Events, m.Booked, m.Words, m.Rows, m.Correct, m.CorrectBy, m.Period, m.Digest, m.Owed =
			a.Service, a.Name, a.Lang, a.Address, a.Thread, a.Subject, a.Decision, a.Promise, a.Events, a.Booked, a.Words, a.Rows, a.Correct, a.By, a.Period, a.Digest, a.Owed
		if a.Tell != nil {
			m.Tell = *a.Tell
		}
	}
	return out, nil
}

// contactMatters reads the newest matters of contacts. Most have few, so those with too many are cut here.
func (s *Store) contactMatters(ctx context.Context, q database.Querier, contacts []string, into map[string][]gateway.Matter) error {
	has := map[string]bool{}
	err := eachIn(ctx, q, "SELECT DISTINCT contact FROM matter WHERE contact IN %", contacts, func(scan scanner) error {
		var id string
		err := scan(&id)
		has[id] = true
		return err
	})
	if err != nil {
		return err
	}
	for id := range has {
		rows, err := q.Query(ctx, "SELECT "+matterColumns+" FROM matter WHERE contact = $1 ORDER BY filed DESC, id DESC LIMIT $2", id, gateway.MaxMatters)
		if into[id], err = s.matters(ctx, q, rows, err); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) matterBy(ctx context.Context, q database.Querier, column, value string) (gateway.Matter, error) {
	rows, err := q.Query(ctx, "SELECT "+matterColumns+" FROM matter WHERE "+column+" = $1", value)
	found, err := s.matters(ctx, q, rows, err)
	if err == nil && len(found) == 0 {
		err = gateway.ErrNotFound
	}
	if err != nil {
		return gateway.Matter{}, err
	}
	return found[0], nil
}

// Matter implements gateway.Work.
func (s *Store) Matter(ctx context.Context, id string) (gateway.Contact, gateway.Matter, error) {
	m, err := s.matterBy(ctx, s.db.Read(), "id", id)
	if err != nil {
		return gateway.Contact{}, gateway.Matter{}, wrap("read matter", err)
	}
	found, err := s.contacts(ctx, s.db.Read(), []string{m.Contact})
	if err != nil {
		return gateway.Contact{}, gateway.Matter{}, wrap("read matter", err)
	}
	return found[m.Contact], m, nil
}

// Tracked implements gateway.Work.
func (s *Store) Tracked(ctx context.Context, reference string) (gateway.Matter, error) {
	m, err := s.matterBy(ctx, s.db.Read(), "reference", reference)
	return m, wrap("read matter", err)
}

const refusalQuery = `SELECT id, kind, matter, reason FROM parcel WHERE state = 3 AND told = 0 AND matter IN (SELECT id FROM matter)
	ORDER BY number LIMIT $1`

// Refusals implements gateway.Work.
func (s *Store) Refusals(ctx context.Context, n int) ([]gateway.RefusedParcel, error) {
	var out []gateway.RefusedParcel
	err := each(s.db.Read().Query(ctx, refusalQuery, n))(
		func(scan scanner) error {
			var r gateway.RefusedParcel
			err := scan(&r.Parcel, &r.Kind, &r.Matter, &r.Reason)
			out = append(out, r)
			return err
		})
	return out, wrap("read refusals", err)
}

// mark notes on an address what a carrier said of it, and in the ledger that it was a STOP.
func (s *Store) mark(ctx context.Context, tx *database.Tx, address []byte, k channels.Kind, at time.Time) error {
	switch k {
	case channels.Stopped:
		_, err := s.markAs(ctx, tx, address, "stopped = 1, blocked = 1", true, at)
		return err
	case channels.Unreachable:
		_, err := s.markAs(ctx, tx, address, "dead = 1", false, at)
		return err
	}
	return nil
}

// markAs sets marks on an address, and notes a STOP in the ledger, once; it tells whether it did. The contact's version
// rises, so that a turn which began before can't write the old state back.
func (s *Store) markAs(ctx context.Context, tx *database.Tx, address []byte, set string, stop bool, at time.Time) (noted bool, err error) {
	var contact string
	var key int64
	var stopped bool
	err = tx.QueryRow(ctx, "SELECT c.id, c.key, r.stopped <> 0 FROM reach r JOIN contact c ON c.id = r.contact WHERE r.address = $1", address).
		Scan(&contact, &key, &stopped)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, wrap("read address", err)
	}
	if err := tx.Send(ctx, "UPDATE reach SET "+set+" WHERE address = $1", address); err != nil {
		return false, err
	}
	if err := tx.Send(ctx, "UPDATE contact SET version = version + 1 WHERE id = $1", contact); err != nil {
		return false, err
	}
	if !stop || stopped {
		return false, nil
	}
	return true, s.withdraw(ctx, tx, contact, key, address, at)
}

// progress notes on a matter's time line that it crossed.
func (s *Store) progress(ctx context.Context, tx *database.Tx, id string, from, to exchange.State, at time.Time) error {
	m, err := s.matterBy(ctx, tx, "id", id)
	if errors.Is(err, gateway.ErrNotFound) || err == nil && m.State != from {
		return nil
	}
	if err != nil {
		return err
	}
	k, ok, err := s.matterKey(ctx, tx, m)
	if err != nil || !ok {
		return err
	}
	m.State, m.Events = to, append(m.Events, gateway.Event{At: at.UTC(), State: to})
	if err := s.putMatter(ctx, tx, k, m); err != nil {
		return err
	}
	return tx.Send(ctx, "UPDATE contact SET version = version + 1 WHERE id = $1", m.Contact)
}
