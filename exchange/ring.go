package exchange

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"
)

// KeyGrace is how long a key is accepted after its end, for what is in flight or sent again.
const KeyGrace = 7 * 24 * time.Hour

// KeyOverlap is how long a key is accepted beside the next one of its owner and use, before KeyGrace: the time to
// carry the new public part to every neighbour.
const KeyOverlap = 30 * 24 * time.Hour

// clockSkew is how far two hosts' clocks may differ.
const clockSkew = 10 * time.Minute

// Ring is the keys that one party needs: its own with their private parts, and the public parts of those it deals
// with, and which of all these are revoked. It is safe for concurrent use; Follow lets it follow its folder.
type Ring struct {
	Party Party

	mu      sync.RWMutex
	keys    []Key
	revoked map[KeyID]Revocation
	suites  []Suite // nil: all
}

// NewRing makes a ring for p of those keys that p needs; private parts of other parties are an error.
func NewRing(p Party, keys ...Key) (*Ring, error) {
	r := &Ring{Party: p}
	for _, k := range keys {
		if k.Private() && k.Party != p {
			return nil, fmt.Errorf("ring of %s: holds the private part of key %s of %s; no party holds another's", p, k.ID, k.Party)
		}
		if need(p, k.Party, k.Use) {
			r.keys = append(r.keys, k)
		}
	}
	return r, nil
}

// need is the table of who holds whose keys: its own, and those of its neighbours in either lane. The end of a lane
// needs the origin's signing key too, because the origin's signature travels through the guard. Releases are made
// inside and verified by the down guard. Receipts are made on both sides; each verifies the other's, and the gateway
// publishes both keys.
func need(holder, owner Party, u Use) bool {
	if u == Receipt {
		side := func(p Party) bool { return p == Extranet || p == Intranet }
		return side(owner) && side(holder)
	}
	if u == Release {
		return owner == Intranet && (holder == Intranet || holder == DownGuard)
	}
	if holder == owner {
		return true
	}
	for _, l := range []Lane{Up, Down} {
		r := routeOf(l)
		switch {
		case holder == r.origin && owner == r.guard && u == Seal,
			holder == r.guard && owner == r.origin && u == Sign,
			holder == r.guard && owner == r.end && u == Seal,
			holder == r.end && owner == r.guard && u == Sign,
			holder == r.end && owner == r.origin && u == Sign:
			return true
		}
	}
	return false
}

// Owns tells whether p has a key of its own for a use.
func Owns(p Party, u Use) bool { return need(p, p, u) }

// Holders lists who needs the public part of a key of owner, besides its owner.
func Holders(owner Party, u Use) []Party {
	return slices.DeleteFunc(Parties(), func(p Party) bool { return p == owner || !need(p, owner, u) })
}

// Allow says which suites this ring takes and seals with; none: all. What is sealed by another is refused, and a key
// of another is as good as missing.
func (r *Ring) Allow(suites ...Suite) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.suites = slices.Clone(suites)
}

// Revoke refuses a key from now on. It can't be taken back.
func (r *Ring) Revoke(all ...Revocation) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.revoked = maps.Clone(r.revoked) // readers hold the one before
	if r.revoked == nil {
		r.revoked = map[KeyID]Revocation{}
	}
	for _, v := range all {
		r.revoked[v.ID] = v
	}
}

// NamesRevoked tells whether an envelope's header names a revoked key, as its sender's or its recipient's: nobody would open
// it.
func (r *Ring) NamesRevoked(e Envelope) bool {
	o, err := parseOuter(e.Bytes)
	if err != nil {
		return false
	}
	v := r.view()
	_, sender := v.revoked[o.sender]
	_, recipient := v.revoked[o.recipient]
	return sender || recipient
}

// Keys gives the ring's keys without private parts.
func (r *Ring) Keys() []Key {
	var out []Key
	for _, k := range r.view().keys {
		k.signer, k.opener = nil, nil
		out = append(out, k)
	}
	return out
}

// view is what a ring holds at one moment; nothing in it changes.
type view struct {
	party   Party
	keys    []Key
	revoked map[KeyID]Revocation
	suites  []Suite
}

func (r *Ring) view() view {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return view{party: r.Party, keys: r.keys, revoked: r.revoked, suites: r.suites}
}

// Ready tells what is missing for work at now: each key of its own with the private part, and one of each neighbour.
func (r *Ring) Ready(now time.Time) error { return r.view().ready(now) }

func (v view) ready(now time.Time) error {
	var errs []error
	for _, n := range needs(v.party) {
		if _, ok := v.current(n.owner, n.use, now); !ok {
			errs = append(errs, fmt.Errorf("ring of %s: no valid key of %s to %s", v.party, n.owner, n.use))
		}
	}
	return errors.Join(errs...)
}

// needed is one line of what a party must hold.
type needed struct {
	owner Party
	use   Use
}

func needs(holder Party) []needed {
	var out []needed
	for _, owner := range Parties() {
		for _, u := range uses() {
			if need(holder, owner, u) {
				out = append(out, needed{owner, u})
			}
		}
	}
	return out
}

// current is the key of owner to use now: the newest that is valid.
func (r *Ring) current(owner Party, u Use, now time.Time) (Key, bool) {
	return r.view().current(owner, u, now)
}

func (v view) current(owner Party, u Use, now time.Time) (Key, bool) {
	var best Key
	for _, k := range v.keys {
		if k.Party == owner && k.Use == u && !now.Before(k.From) && now.Before(k.Until) && v.usable(k) && !k.From.Before(best.From) {
			best = k
		}
	}
	return best, best.Use == u
}

// usable tells whether a key may be used at all: not revoked, of an allowed suite, and if it is the ring's own, whole.
func (v view) usable(k Key) bool {
	_, revoked := v.revoked[k.ID]
	return !revoked && v.allows(k) && (k.Party != v.party || k.Private())
}

func (v view) allows(k Key) bool {
	return k.Use != Seal || v.suites == nil || slices.Contains(v.suites, k.Suite)
}

// end is when an owner has surely ceased to use k: at its own end, or KeyOverlap after its next key began.
func (v view) end(k Key) time.Time {
	end := k.Until
	for _, next := range v.keys {
		if next.Party == k.Party && next.Use == k.Use && next.From.After(k.From) && v.usable(next) && next.From.Add(KeyOverlap).Before(end) {
			end = next.From.Add(KeyOverlap)
		}
	}
	return end
}

// known is the key of owner with that id. A key that is not accepted at now comes with the reason.
func (r *Ring) known(owner Party, u Use, id KeyID, now time.Time) (Key, string) {
	return r.view().known(owner, u, id, now)
}

func (v view) known(owner Party, u Use, id KeyID, now time.Time) (Key, string) {
	if _, revoked := v.revoked[id]; revoked {
		return Key{}, "was revoked"
	}
	for _, k := range v.keys {
		if k.Party == owner && k.Use == u && k.ID == id {
			return k, v.fault(k, now)
		}
	}
	return Key{}, "is not known"
}

func (v view) fault(k Key, now time.Time) string {
	switch {
	case !v.allows(k):
		return fmt.Sprintf("is of suite %d, which is not allowed here", k.Suite)
	case now.Before(k.From.Add(-clockSkew)):
		return "is not valid yet"
	case !now.Before(v.end(k).Add(KeyGrace)):
		return "is valid no longer"
	}
	return ""
}
