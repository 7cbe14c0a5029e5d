package store

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"gatehouse/channels"
	"gatehouse/configs/database"
	"gatehouse/configs/vault"
)

const (
	maxID   = 1 << 10 // bytes of a message's id
	maxBody = 4 << 20 // bytes of a message without its files; channels bound far below
)

// party is whose an address is, and what seals for them.
type party struct {
	contact string
	key     int64
}

// acceptance is a message on its way into the store.
type acceptance struct {
	mark    []byte
	from    channels.Address
	address []byte
	at      int64
	plain   []byte
	files   []*intake

	// guess is whose the address was at the merge of that count; body is sealed for it. Zero when it is not known.
	guess  party
	merges int64
	body   []byte
	// newcomer is what the contact becomes when nobody has the address.
	newcomer *newcomer

	// What the writer found: nothing above is changed by it, for it may have to begin again.
	fresh bool
	party known
}

type newcomer struct {
	contact     string
	key         vault.Key
	body, reach []byte
}

// Accept implements gateway.Intake.
func (s *Store) Accept(ctx context.Context, m channels.Message) (fresh bool, err error) {
	if m.ID == "" || len(m.ID) > maxID || m.From.IsZero() {
		return false, errors.New("accept message: no id, one over 1024 bytes, or no sender")
	}
	m.ID, m.From, m.To = strings.ToValidUTF8(m.ID, "?"), clean(m.From), clean(m.To)
	a := &acceptance{mark: s.vault.Mark("inbound", m.ID), from: m.From, address: s.address(m.From), at: micros(m.At)}
	if len(m.Files) > 0 {
		if known, err := s.heard(ctx, a.mark); err != nil || known {
			return false, err
		}
	}
	if err := s.accept(ctx, m, a); err != nil {
		return false, fmt.Errorf("accept message: %w", busy(err))
	}
	return a.fresh, nil
}

// clean makes an address one that comes back from its sealed form as it went in.
func clean(a channels.Address) channels.Address {
	return channels.Address{Channel: strings.ToValidUTF8(a.Channel, "?"), Value: strings.ToValidUTF8(a.Value, "?")}
}

func (s *Store) accept(ctx context.Context, m channels.Message, a *acceptance) (err error) {
	defer func() {
		if err != nil {
			s.discard(ctx, a.files)
		}
	}()
	if m.Files, a.files, err = s.takeIn(ctx, m.Files); err != nil {
		return err
	}
	if a.plain, err = json.Marshal(toLetter(m)); err != nil {
		return fmt.Errorf("encode message: %w", err)
	}
	if len(a.plain) > maxBody {
		return channels.ErrTooLarge
	}
	if err := s.presume(ctx, a); err != nil {
		return err
	}
	if err := s.accepts.Write(ctx, a); err != nil {
		return err
	}
	if !a.fresh {
		s.discard(ctx, a.files)
		return nil
	}
	s.known.put(m.From, a.party)
	return nil
}

func (s *Store) heard(ctx context.Context, mark []byte) (known bool, err error) {
	err = each(s.db.Read().Query(ctx, "SELECT 1 FROM heard WHERE mark = $1", mark))(func(scanner) error {
		known = true
		return nil
	})
	if err != nil {
		return false, fmt.Errorf("look for message: %w", err)
	}
	return known, nil
}

// Mark is the keyed hash under which another room may keep a name that speaks of a person, such as the key of a rate in
// Redis. It is the same on all gateways of a store, 16 bytes; sort keeps equal names of two uses apart.
func (s *Store) Mark(sort, name string) []byte { return s.vault.Mark("mark-"+sort, name) }

func (s *Store) address(a channels.Address) []byte { return s.vault.Mark("address", a.String()) }

// presume seals for the contact that had the address when last seen, before the writer's turn; the writer checks.
func (s *Store) presume(ctx context.Context, a *acceptance) error {
	k, ok := s.known.get(a.from)
	a.guess, a.merges = k.party, k.merges
	if !ok {
		a.merges = -1 // to be looked up again
		err := eachIn(ctx, s.db.Read(), partyQuery, [][]byte{a.address}, func(scan scanner) error {
			var address []byte
			return scan(&address, &a.guess.contact, &a.guess.key)
		})
		if err != nil {
			return fmt.Errorf("look for sender: %w", err)
		}
	}
	if a.guess == (party{}) {
		return s.introduce(a)
	}
	sealer, err := s.key(ctx, s.db.Read(), a.guess.key)
	if errors.Is(err, vault.ErrDestroyed) {
		a.guess = party{}
		return s.introduce(a)
	}
	if err != nil {
		return err
	}
	a.body = sealer.Seal("inbound", name(a.mark), a.plain)
	return nil
}

const partyQuery = "SELECT r.address, c.id, c.key FROM reach r JOIN contact c ON c.id = r.contact WHERE r.address IN %"

// introduce prepares the contact that a new address becomes.
func (s *Store) introduce(a *acceptance) error {
	now := s.cfg.Now()
	k, err := s.vault.NewKey(now)
	if err != nil {
		return err
	}
	n := &newcomer{contact: s.cfg.NewID(), key: k}
	if n.body, err = seal(k, "contact", n.contact, person{Created: now.UTC()}); err != nil {
		return err
	}
	if n.reach, err = seal(k, "reach", name(a.address), a.from); err != nil {
		return err
	}
	a.newcomer = n
	return nil
}

// known is whose an address was, at the merge of that count: since none came after it, it still is.
type known struct {
	party
	merges int64
}

// name is how a mark stands in what binds a sealed value to its row.
func name(mark []byte) string { return hex.EncodeToString(mark) }

// acceptAll stores the messages that gathered.
func (s *Store) acceptAll(ctx context.Context, tx *database.Tx, all []*acceptance) error {
	v, err := s.survey(ctx, tx, all)
	if err != nil {
		return fmt.Errorf("look for messages: %w", err)
	}
	fresh := v.fresh(all)
	if err := s.parties(ctx, tx, fresh, v); err != nil {
		return err
	}
	now := micros(s.cfg.Now())
	inbound, turns := make([][]any, 0, len(fresh)), make([][]any, 0, len(fresh))
	for i, a := range fresh {
		body, err := s.sealed(ctx, tx, a)
		if err != nil {
			return err
		}
		number := v.first + int64(i)
		inbound = append(inbound, []any{number, a.mark, a.party.contact, a.at, int64(0), body})
		turns = append(turns, []any{a.party.contact, number, now, "", int64(0), int64(0), int64(0)})
		if err := s.hold(ctx, tx, a); err != nil {
			return err
		}
	}
	if err := inboundBulk.send(ctx, tx, inbound); err != nil {
		return err
	}
	return turnBulk.send(ctx, tx, turns)
}

var (
	heardBulk   = bulk{"INSERT INTO heard(mark)", "ON CONFLICT DO NOTHING RETURNING mark", 1}
	inboundBulk = bulk{"INSERT INTO inbound(number, mark, contact, at, state, body)", "", 6}
	// The row of a contact with an older open message stays as it is.
	turnBulk = bulk{"INSERT INTO turn(contact, number, due, owner, fence, attempt, failed)", "ON CONFLICT DO NOTHING", 7}
)

// survey is what a group of messages meets.
type survey struct {
	first   int64            // the first number that is theirs
	merges  int64            // how often addresses changed hands so far
	entered map[string]bool  // the marks that were not known
	found   map[string]party // whose the addresses are that were asked for
}

// survey enters the marks, and looks up the addresses of which nothing was known before, in one round trip.
func (s *Store) survey(ctx context.Context, tx *database.Tx, all []*acceptance) (*survey, error) {
	v := &survey{entered: make(map[string]bool, len(all)), found: map[string]party{}}
	marks := make([][]any, len(all))
	var addresses [][]byte
	for i, a := range all {
		marks[i] = []any{a.mark}
		if a.merges < 0 {
			addresses = append(addresses, a.address)
		}
	}
	asks := []database.Ask{{
		Query: "UPDATE counter SET value = value + $1 WHERE name = 'number' RETURNING value, (SELECT value FROM counter WHERE name = 'merge')",
		Args:  []any{len(all)},
		Row:   func(scan scanner) error { return scan(&v.first, &v.merges) },
	}}
	asks = append(asks, heardBulk.asks(marks, func(scan scanner) error {
		var mark []byte
		err := scan(&mark)
		v.entered[string(mark)] = true
		return err
	})...)
	asks = append(asks, asksIn(partyQuery, addresses, v.party)...)
	err := tx.Several(ctx, asks...)
	v.first -= int64(len(all)) - 1
	return v, err
}

func (v *survey) party(scan scanner) error {
	var address []byte
	var p party
	err := scan(&address, &p.contact, &p.key)
	v.found[string(address)] = p
	return err
}

// fresh gives the messages that were not known, one for each mark, in order.
func (v *survey) fresh(all []*acceptance) []*acceptance {
	out := make([]*acceptance, 0, len(v.entered))
	for _, a := range all {
		a.fresh = v.entered[string(a.mark)]
		if a.fresh {
			delete(v.entered, string(a.mark))
			out = append(out, a)
		}
	}
	return out
}

// parties settles whose the addresses are: as remembered while none changed hands, else as found, else newcomers'.
func (s *Store) parties(ctx context.Context, tx *database.Tx, all []*acceptance, v *survey) error {
	var stale [][]byte
	for _, a := range all {
		if a.merges >= 0 && a.merges != v.merges {
			stale = append(stale, a.address)
		}
	}
	if err := eachIn(ctx, tx, partyQuery, stale, v.party); err != nil {
		return fmt.Errorf("look for senders: %w", err)
	}
	for _, a := range all {
		p, ok := v.found[string(a.address)]
		if !ok && a.merges >= 0 && a.merges == v.merges {
			p, ok = a.guess, true
		}
		if !ok {
			var err error
			if p, err = s.welcome(ctx, tx, a); err != nil {
				return err
			}
			v.found[string(a.address)] = p
		}
		a.party = known{p, v.merges}
	}
	return nil
}

// welcome stores the newcomer. Without one the address was somebody's a moment ago and was forgotten since.
func (s *Store) welcome(ctx context.Context, tx *database.Tx, a *acceptance) (party, error) {
	if a.newcomer == nil {
		if err := s.introduce(a); err != nil {
			return party{}, err
		}
	}
	n := a.newcomer
	if err := putKey(ctx, tx, "contact:"+n.contact, n.key); err != nil {
		return party{}, err
	}
	if err := tx.Send(ctx, "INSERT INTO contact(id, key, version, body) VALUES ($1, $2, 1, $3)", n.contact, n.key.ID, n.body); err != nil {
		return party{}, err
	}
	stopped, blocked, err := suppressed(ctx, tx, a.address)
	if err != nil {
		return party{}, err
	}
	err = tx.Send(ctx, "INSERT INTO reach(address, contact, heard, stopped, blocked, dead, introduced, body) VALUES ($1, $2, $3, $4, $5, 0, 0, $6)",
		a.address, n.contact, a.at, stopped, blocked, n.reach)
	return party{n.contact, n.key.ID}, err
}

// sealed gives the message's body under its contact's key: as presumed, or sealed anew.
func (s *Store) sealed(ctx context.Context, tx *database.Tx, a *acceptance) ([]byte, error) {
	if a.body != nil && a.guess == a.party.party {
		return a.body, nil
	}
	k, err := s.partyKey(ctx, tx, a)
	if err != nil {
		return nil, err
	}
	return k.Seal("inbound", name(a.mark), a.plain), nil
}

func (s *Store) partyKey(ctx context.Context, tx *database.Tx, a *acceptance) (vault.Key, error) {
	if n := a.newcomer; n != nil && n.key.ID == a.party.key {
		return n.key, nil
	}
	return s.key(ctx, tx, a.party.key)
}
