// Package faults decides when a stand-in carrier misbehaves, and how: by magic numbers and addresses that always do,
// and by rules that a test sets.
//
// The rule: a fault strikes by address and, where it ends after some attempts, by message. Another message to the same
// address meets it afresh, so a demonstration can be repeated.
package faults

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Kind is one way to misbehave. What each means at each carrier stands in Magic.
type Kind string

// The kinds that strike when a message is handed over.
const (
	// Throttled: "too many requests" with a time to wait, for the first attempts.
	Throttled Kind = "throttled"
	// Temporary: "service unavailable" for the first attempts.
	Temporary Kind = "temporary"
	// Garbled: a proxy's HTML page with status 502 instead of the API's answer, for the first attempt.
	Garbled Kind = "garbled"
	// Refused: the connection is closed before anything was taken, at the first attempt.
	Refused Kind = "refused"
	// Invalid: there is no such address.
	Invalid Kind = "invalid"
	// Landline: the number can't take texts.
	Landline Kind = "landline"
	// Stopped: the person opted out, or blocked the sender.
	Stopped Kind = "stopped"
	// Unauthorized: the account's credentials are refused.
	Unauthorized Kind = "unauthorized"
	// Slow: taken, but the answer comes late.
	Slow Kind = "slow"
	// Lost: taken, but the connection closes without an answer, at the first attempt.
	Lost Kind = "lost"
)

// The kinds that strike after a message was taken.
const (
	// Unreachable: taken, and a later receipt says that it could not be delivered.
	Unreachable Kind = "unreachable"
	// Filtered: taken, and a later receipt says that the carrier held it for spam.
	Filtered Kind = "filtered"
	// Late: the final receipt comes late.
	Late Kind = "late"
	// Silent: no final receipt ever comes.
	Silent Kind = "silent"
	// Disordered: the final receipt comes before the others.
	Disordered Kind = "disordered"
)

// Duplicate strikes what a person sends: the carrier hands it over twice at once.
const Duplicate Kind = "duplicate"

// Moment is when a fault strikes.
type Moment string

// The three moments.
const (
	Handover Moment = "handover"
	Receipt  Moment = "receipt"
	Inbound  Moment = "inbound"
)

// Moment tells when a fault of this kind strikes; empty when the kind is unknown.
func (k Kind) Moment() Moment {
	switch k {
	case Throttled, Temporary, Garbled, Refused, Invalid, Landline, Stopped, Unauthorized, Slow, Lost:
		return Handover
	case Unreachable, Filtered, Late, Silent, Disordered:
		return Receipt
	case Duplicate:
		return Inbound
	}
	return ""
}

// passing is how many attempts at one message meet a kind that passes; the others never pass.
func (k Kind) passing() int {
	switch k {
	case Throttled, Temporary:
		return 2
	case Garbled, Refused, Lost:
		return 1
	}
	return 0
}

// Carrier names a stand-in.
type Carrier string

// The three that can misbehave by message. Names of the DNS have their own (package names).
const (
	SMS  Carrier = "sms"
	Chat Carrier = "chat"
	Mail Carrier = "mail"
)

// Rule makes a carrier misbehave. Rules are asked before the magic addresses, the newest first.
type Rule struct {
	Carrier Carrier `json:"carrier"`
	// Address is the person's: number, chat id, mail address. Empty: every address.
	Address string `json:"address"`
	Kind    Kind   `json:"kind"`
	// Times is how many events the rule strikes before it is used up; 0: until it is cleared.
	Times int `json:"times"`
	// After is the delay of a slow answer or a late receipt, or the wait that a throttled answer names; 0: the
	// kind's own (see Fault).
	After Delay `json:"after"`
}

// Delay is a time.Duration that JSON writes as "1.5s".
type Delay time.Duration

// UnmarshalText reads a Go duration.
func (d *Delay) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	*d = Delay(v)
	return err
}

// MarshalText writes a Go duration.
func (d Delay) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// maxAfter bounds every delay: a stand-in's answer is late, not lost.
const maxAfter = 10 * time.Minute

// Validate tells whether the rule means something.
func (r Rule) Validate() error {
	switch {
	case r.Carrier != SMS && r.Carrier != Chat && r.Carrier != Mail:
		return fmt.Errorf("carrier: %q is unknown; one of sms, chat, mail", r.Carrier)
	case r.Kind.Moment() == "":
		return fmt.Errorf("kind: %q is unknown", r.Kind)
	case r.Times < 0:
		return fmt.Errorf("times: %d is negative; 0 stands for always", r.Times)
	case r.After < 0 || time.Duration(r.After) > maxAfter:
		return fmt.Errorf("after: %v is out of range; at most %v", time.Duration(r.After), maxAfter)
	}
	return nil
}

// Fault is what strikes one event. The zero Fault is none.
type Fault struct {
	Kind  Kind
	After time.Duration
}

// defaultAfter is how long a kind delays or asks to wait, unless a rule says otherwise: long enough to be seen by a
// person, shorter than a client's time-out is likely to be.
func defaultAfter(k Kind) time.Duration {
	switch k {
	case Throttled:
		return time.Second
	case Slow:
		return 5 * time.Second
	case Late:
		return 30 * time.Second
	}
	return 0
}

// maxSeen bounds how many (address, message) pairs a Book counts attempts of; past it counting starts over.
const maxSeen = 1 << 16

// maxRules bounds the rules of a Book; past it the oldest goes.
const maxRules = 1000

// Book holds the rules and counts attempts. It is safe for many goroutines.
type Book struct {
	mu    sync.Mutex
	rules []Rule
	seen  map[[32]byte]int
}

// NewBook makes a book without rules.
func NewBook() *Book { return &Book{seen: map[[32]byte]int{}} }

// Set adds a rule.
func (b *Book) Set(r Rule) error {
	if err := r.Validate(); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.rules) == maxRules {
		b.rules = b.rules[1:]
	}
	b.rules = append(b.rules, r)
	return nil
}

// Clear forgets all rules and all counts.
func (b *Book) Clear() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.rules, b.seen = nil, map[[32]byte]int{}
}

// Rules returns the rules that are left, oldest first.
func (b *Book) Rules() []Rule {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.rules)
}

// Strike tells what happens to one event: a message, named by anything that is the same for a repeated attempt, to or
// from a person's address.
func (b *Book) Strike(c Carrier, m Moment, address, message string) Fault {
	b.mu.Lock()
	defer b.mu.Unlock()
	if f, ok := b.byRule(c, m, address); ok {
		return f
	}
	k := MagicKind(c, address)
	if k.Moment() != m {
		return Fault{}
	}
	if n := k.passing(); n > 0 && b.attempt(c, address, message) > n {
		return Fault{}
	}
	return Fault{Kind: k, After: defaultAfter(k)}
}

func (b *Book) byRule(c Carrier, m Moment, address string) (Fault, bool) {
	for i := len(b.rules) - 1; i >= 0; i-- {
		r := b.rules[i]
		if r.Carrier != c || r.Kind.Moment() != m || (r.Address != "" && r.Address != address) {
			continue
		}
		if r.Times > 0 {
			if b.rules[i].Times--; b.rules[i].Times == 0 {
				b.rules = slices.Delete(b.rules, i, i+1)
			}
		}
		after := time.Duration(r.After)
		if after == 0 {
			after = defaultAfter(r.Kind)
		}
		return Fault{Kind: r.Kind, After: after}, true
	}
	return Fault{}, false
}

// attempt counts the attempts at one message, from 1.
func (b *Book) attempt(c Carrier, address, message string) int {
	if len(b.seen) >= maxSeen {
		b.seen = map[[32]byte]int{}
	}
	id := sha256.Sum256([]byte(string(c) + "\x00" + address + "\x00" + message))
	b.seen[id]++
	return b.seen[id]
}
