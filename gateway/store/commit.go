package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gatehouse/configs/database"
	"gatehouse/configs/vault"
	"gatehouse/exchange"
	"gatehouse/gateway"
)

// commitment is an outcome on its way into the store: sealed already, to be checked by the writer.
type commitment struct {
	gateway.Outcome
	mark    []byte // of the claimed message
	contact string // whom it is about
	key     vault.Key
	born    bool // the contact is made by this outcome
	body    []byte
	reaches []reachRow
	talk    *talkRow
	draft   *draftRow
	matters []gateway.Matter
	letters []*deliveryRow
	parcels []*parcelRow
	adopted []adoption
	persons personKeys
	remains *remains // after Forget
	files   []*intake
	stamps  map[string][]exchange.Stamp // receipts given out, by their cases

	// merged: it took over another contact. lost is what keeps it out of the store; the others of the group are not touched.
	merged bool
	lost   error
}

type reachRow struct {
	gateway.Reach
	address, body []byte
}

type talkRow struct{ address, body []byte }

// adoption makes owner hold a stored file; the message that brought it lets go.
type adoption struct {
	owner, file string
	sealed      []byte
}

// Commit implements gateway.Work. An outcome of a claim is also ErrLost when the contact changed since the claim, by a
// notice from inside or a carrier's word; the message then comes again at once. An outcome without a claim whose
// arrival was handled, or whose refusal was told, is ErrLost as well: somebody else did it.
//
// Without a claim the contact itself is written only beside a conversation, a draft or matters: a broadcast writes
// deliveries alone. Files of the outcome that are not stored yet are read by their Open.
func (s *Store) Commit(ctx context.Context, o gateway.Outcome) error {
	var err error
	for range 3 {
		c := &commitment{Outcome: o}
		if err = s.commit(ctx, c); !errors.Is(err, errMoved) {
			return wrap("commit outcome", err)
		}
		s.keys.drop(c.contact)
	}
	return wrap("commit outcome", err)
}

// errMoved means that the key which sealed an outcome is no longer its contact's: it is sealed anew.
var errMoved = errors.New("contact has another key now")

func (s *Store) commit(ctx context.Context, c *commitment) (err error) {
	defer func() {
		if err != nil {
			s.discard(ctx, c.files)
		}
	}()
	if err := s.prepare(ctx, c); err != nil {
		return err
	}
	if err := s.commits.WriteWait(ctx, c); err != nil {
		return err
	}
	switch {
	case c.lost != nil:
	case len(c.persons.gone) > 0:
		for _, id := range c.persons.gone {
			s.vault.Forget(id)
		}
	case c.Forget:
		s.vault.Forget(c.key.ID)
		s.keys.drop(c.contact)
	case c.born:
		s.vault.Remember(c.key)
	}
	return c.lost
}

// prepare seals everything before the writer's turn.
func (s *Store) prepare(ctx context.Context, c *commitment) error {
	if c.Claim.Message != "" {
		c.mark = s.vault.Mark("inbound", c.Claim.Message)
	}
	if c.contact = c.Contact.ID; c.contact == "" {
		c.contact = c.Claim.Contact
	}
	if c.contact == "" {
		return errors.New("outcome names no contact")
	}
	var stored bool
	var err error
	if c.key, stored, err = s.contactKey(ctx, s.db.Read(), c.contact); err != nil {
		return err
	}
	c.born = !stored
	if c.Forget {
		return s.prepareForget(ctx, c)
	}
	if err := s.preparePersons(ctx, c); err != nil {
		return err
	}
	for _, step := range []func(context.Context, *commitment) error{
		s.prepareReceipts, s.prepareContact, s.prepareTalk, s.prepareDraft, s.prepareCrossings, s.preparePapers, s.prepareDeliveries,
	} {
		if err := step(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

// claims tells whether the outcome settles a message or a wake.
func (c *commitment) claims() bool { return c.Claim.Message != "" || c.Claim.Wake.Kind != "" }

// personal tells whether the contact is written with the outcome.
func (c *commitment) personal() bool {
	return c.Contact.ID != "" && (c.born || c.claims() || c.Conversation != nil || c.Draft != nil || c.DropDraft || len(c.Matters) > 0 || len(c.Gone) > 0)
}

func (s *Store) prepareContact(_ context.Context, c *commitment) (err error) {
	for _, m := range c.Matters {
		if m.Contact == "" {
			m.Contact = c.contact
		}
		c.matters = append(c.matters, m)
	}
	if !c.personal() {
		return nil
	}
	if c.body, err = seal(c.key, "contact", c.contact, toPerson(c.Contact)); err != nil {
		return err
	}
	for _, r := range c.Contact.Reaches {
		row := reachRow{Reach: r, address: s.address(r.Address)}
		if row.body, err = seal(c.key, "reach", name(row.address), r.Address); err != nil {
			return err
		}
		c.reaches = append(c.reaches, row)
	}
	return nil
}

func (s *Store) prepareTalk(_ context.Context, c *commitment) (err error) {
	if c.Conversation == nil {
		return nil
	}
	v := c.Conversation
	lines := v.Lines[max(0, len(v.Lines)-gateway.MaxLines):]
	c.talk = &talkRow{address: s.address(v.Address)}
	c.talk.body, err = seal(c.key, "conversation", name(c.talk.address), talk{v.Lang, v.Pending, lines, v.More, v.Heard.UTC(), v.Challenge, v.Grants, v.Lookups, v.Joining})
	return err
}

// commitAll stores the outcomes that gathered.
func (s *Store) commitAll(ctx context.Context, tx *database.Tx, all []*commitment) error {
	g, err := s.scene(ctx, tx, all)
	if err != nil {
		return err
	}
	n := 0
	for _, c := range all {
		n += len(c.letters) + len(c.parcels) + len(c.Consents)
	}
	next, err := numbers(ctx, tx, n)
	if err != nil {
		return err
	}
	for _, c := range all {
		if c.lost = s.admissible(ctx, tx, c, g); c.lost != nil {
			if err := s.returned(ctx, tx, c); err != nil {
				return err
			}
			continue
		}
		if err := s.apply(ctx, tx, c, g, &next); err != nil {
			return err
		}
	}
	return nil
}

// state is what the store knows of a contact while a group is written.
type state struct {
	key, version  int64
	number, fence int64
	owner         string
	mark          []byte
	next          *int64 // the contact's message after that one
}

// scene is what a group of outcomes meets: contacts by id, and whose each address is.
type scene struct {
	contacts map[string]*state
	owners   map[string]string
}

func (s *Store) scene(ctx context.Context, tx *database.Tx, all []*commitment) (*scene, error) {
	ids := make([]string, 0, len(all))
	for _, c := range all {
		ids = append(ids, c.contact)
		for _, j := range c.Joins {
			if j.Contact != "" {
				ids = append(ids, j.Contact)
			}
		}
	}
	out := map[string]*state{}
	const query = `SELECT c.id, c.key, c.version, coalesce(t.number, 0), coalesce(t.fence, 0), coalesce(t.owner, ''), i.mark,
		(SELECT min(n.number) FROM inbound n WHERE n.contact = c.id AND n.state = 0 AND n.number > t.number)
		FROM contact c LEFT JOIN turn t ON t.contact = c.id LEFT JOIN inbound i ON i.number = t.number WHERE c.id IN %`
	err := eachIn(ctx, tx, query, ids, func(scan scanner) error {
		var id string
		st := &state{}
		if err := scan(&id, &st.key, &st.version, &st.number, &st.fence, &st.owner, &st.mark, &st.next); err != nil {
			return err
		}
		out[id] = st
		return nil
	})
	if err != nil {
		return nil, wrap("read contacts", err)
	}
	owners, err := s.owners(ctx, tx, all)
	return &scene{out, owners}, wrap("read addresses", err)
}

// owners tells whose the addresses are that outcomes name.
func (s *Store) owners(ctx context.Context, tx *database.Tx, all []*commitment) (map[string]string, error) {
	var addresses [][]byte
	for _, c := range all {
		for _, r := range c.reaches {
			addresses = append(addresses, r.address)
		}
	}
	out := map[string]string{}
	err := eachIn(ctx, tx, partyQuery, addresses, func(scan scanner) error {
		var address []byte
		var p party
		err := scan(&address, &p.contact, &p.key)
		out[string(address)] = p.contact
		return err
	})
	return out, err
}

// admissible tells why an outcome may not be stored.
func (s *Store) admissible(ctx context.Context, tx *database.Tx, c *commitment, g *scene) error {
	st := g.contacts[c.contact]
	if c.Claim.Wake.Kind != "" {
		if held, err := wakeHeld(ctx, tx, c.Claim); err != nil || !held {
			return errors.Join(err, gateway.ErrLost)
		}
	}
	if c.Claim.Message != "" && (st == nil || st.owner == "" || uint64(st.fence) != c.Claim.Fence || string(st.mark) != string(c.mark)) {
		return gateway.ErrLost
	}
	switch {
	case st == nil && c.Contact.Version != 0:
		return gateway.ErrLost
	case st == nil && !c.born || st != nil && st.key != c.key.ID:
		return errMoved
	case st != nil && (c.personal() || c.Forget) && c.Contact.Version != 0 && uint64(st.version) != c.Contact.Version:
		return fmt.Errorf("%w: contact changed meanwhile", gateway.ErrLost)
	}
	if !s.joinable(c, g) {
		return fmt.Errorf("%w: an address to be joined changed hands", gateway.ErrLost)
	}
	if spent, err := s.spent(ctx, tx, c.Codes); err != nil || spent {
		return errors.Join(err, gateway.ErrLost)
	}
	if c.Arrival != 0 {
		if open, err := openArrival(ctx, tx, c.Arrival); err != nil || !open {
			return errors.Join(err, gateway.ErrLost)
		}
	}
	if c.Told != "" {
		if open, err := untold(ctx, tx, c.Told); err != nil || !open {
			return errors.Join(err, gateway.ErrLost)
		}
	}
	return nil
}

// returned makes a message claimable at once whose outcome was built on an old state.
func (s *Store) returned(ctx context.Context, tx *database.Tx, c *commitment) error {
	switch {
	case errors.Is(c.lost, errMoved):
		return nil
	case c.Claim.Wake.Kind != "":
		return releaseWake(ctx, tx, c.Claim)
	case c.Claim.Message == "":
		return nil
	}
	_, err := tx.Exec(ctx, `UPDATE turn SET due = $1, owner = '', attempt = attempt - 1 WHERE contact = $2 AND fence = $3 AND owner <> ''
		AND EXISTS (SELECT 1 FROM inbound i WHERE i.number = turn.number AND i.mark = $4)`, micros(s.cfg.Now()), c.contact, int64(c.Claim.Fence), c.mark)
	return err
}

func (s *Store) apply(ctx context.Context, tx *database.Tx, c *commitment, g *scene, next *int64) error {
	if c.Forget {
		delete(g.contacts, c.contact) // a second outcome of the claim in this group is lost
		if err := s.forget(ctx, tx, c, next); err != nil || c.Arrival == 0 {
			return err
		}
		return s.handled(ctx, tx, c.Arrival)
	}
	if err := s.putContact(ctx, tx, c, g); err != nil {
		return err
	}
	if err := s.putFiles(ctx, tx, c); err != nil {
		return err
	}
	if err := s.putDraft(ctx, tx, c); err != nil {
		return err
	}
	if err := c.persons.put(ctx, tx); err != nil {
		return err
	}
	for _, m := range c.matters {
		if err := s.putMatter(ctx, tx, c.keyFor(m.ID), m); err != nil {
			return err
		}
	}
	if err := s.putReceipts(ctx, tx, c); err != nil {
		return err
	}
	if err := putCorrections(ctx, tx, c); err != nil {
		return err
	}
	if err := s.putParcels(ctx, tx, c, next); err != nil {
		return err
	}
	for _, d := range c.letters {
		if err := s.putDelivery(ctx, tx, d, *next); err != nil {
			return err
		}
		*next++
	}
	if err := s.putConsents(ctx, tx, c, next); err != nil {
		return err
	}
	for _, l := range c.Letters {
		if err := putPost(ctx, tx, c.keyFor(l.Matter), c.contact, l); err != nil {
			return err
		}
	}
	if err := s.putCodes(ctx, tx, c.Codes); err != nil {
		return err
	}
	if err := s.putPasses(ctx, tx, c.key, c.contact, c.Passes); err != nil {
		return err
	}
	if err := s.park(ctx, tx, c); err != nil {
		return err
	}
	if err := s.putNod(ctx, tx, c.contact, c.Nod); err != nil {
		return err
	}
	if err := putWakes(ctx, tx, c); err != nil {
		return err
	}
	if err := s.endPersons(ctx, tx, c); err != nil {
		return err
	}
	return s.conclude(ctx, tx, c, g)
}

// conclude settles what caused the outcome.
func (s *Store) conclude(ctx context.Context, tx *database.Tx, c *commitment, g *scene) error {
	if c.Claim.Message != "" {
		st := g.contacts[c.contact]
		next := st.next
		if c.merged { // the contact has other messages now
			next = nil
			err := tx.QueryRow(ctx, "SELECT min(number) FROM inbound WHERE contact = $1 AND state = 0 AND number <> $2", c.contact, st.number).Scan(&next)
			if err != nil {
				return wrap("look for next message", err)
			}
		}
		if err := s.advance(ctx, tx, c.contact, st.number, answered, next); err != nil {
			return err
		}
		st.owner = "" // a second outcome of the claim in this group is lost
	}
	if c.Arrival != 0 {
		if err := s.handled(ctx, tx, c.Arrival); err != nil {
			return err
		}
	}
	for _, seq := range c.Parts {
		if err := s.handled(ctx, tx, seq); err != nil {
			return err
		}
	}
	if c.Told != "" {
		return tx.Send(ctx, "UPDATE parcel SET told = 1 WHERE id = $1", c.Told)
	}
	return nil
}

func (s *Store) putContact(ctx context.Context, tx *database.Tx, c *commitment, g *scene) error {
	if !c.personal() {
		return nil
	}
	st := g.contacts[c.contact]
	if st == nil {
		if err := putKey(ctx, tx, "contact:"+c.contact, c.key); err != nil {
			return err
		}
		st = &state{key: c.key.ID}
		g.contacts[c.contact] = st
	}
	st.version++
	err := tx.Send(ctx, `INSERT INTO contact(id, key, version, body) VALUES ($1, $2, $3, $4)
		ON CONFLICT (id) DO UPDATE SET version = excluded.version, body = excluded.body`, c.contact, st.key, st.version, c.body)
	if err != nil {
		return err
	}
	if err := s.merge(ctx, tx, c, g); err != nil {
		return err
	}
	for _, r := range c.reaches {
		if err := putReach(ctx, tx, c.contact, r); err != nil {
			return err
		}
	}
	if err := s.part(ctx, tx, c); err != nil {
		return err
	}
	if c.talk == nil {
		return nil
	}
	return tx.Send(ctx, `INSERT INTO conversation(address, contact, body) VALUES ($1, $2, $3)
		ON CONFLICT (address) DO UPDATE SET contact = excluded.contact, body = excluded.body`, c.talk.address, c.contact, c.talk.body)
}

func putReach(ctx context.Context, tx *database.Tx, contact string, r reachRow) error {
	return tx.Send(ctx, `INSERT INTO reach(address, contact, heard, stopped, blocked, dead, introduced, unsure, body) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		ON CONFLICT (address) DO UPDATE SET heard = excluded.heard, stopped = excluded.stopped, blocked = excluded.blocked,
		dead = excluded.dead, introduced = excluded.introduced, unsure = excluded.unsure`,
		r.address, contact, micros(r.Heard), bit(r.Stopped), bit(r.Blocked), bit(r.Dead), bit(r.Introduced), bit(r.Unsure), r.body)
}

func (s *Store) putFiles(ctx context.Context, tx *database.Tx, c *commitment) error {
	for _, in := range c.files {
		if err := in.finish(ctx, tx); err != nil {
			return err
		}
	}
	for _, a := range c.adopted {
		if err := putHolder(ctx, tx, a.owner, a.file, a.sealed); err != nil {
			return err
		}
		if err := tx.Send(ctx, "DELETE FROM holder WHERE file = $1 AND owner LIKE 'inbound:%'", a.file); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) putMatter(ctx context.Context, tx *database.Tx, k vault.Key, m gateway.Matter) error {
	body, err := seal(k, "matter", m.ID, toAffair(m))
	if err != nil {
		return err
	}
	var company []byte
	number, declared, ok := m.Declared()
	if ok {
		company = s.vault.Mark("company", number)
	} else {
		declared = ""
	}
	return tx.Send(ctx, `INSERT INTO matter(id, reference, contact, person, state, filed, ended, body, company, declared) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
		ON CONFLICT (id) DO UPDATE SET state = excluded.state, ended = excluded.ended, body = excluded.body, company = excluded.company, declared = excluded.declared`,
		m.ID, m.Reference, m.Contact, m.For, string(m.State), micros(m.FiledAt), micros(m.End(time.Time{})), body, company, declared)
}
