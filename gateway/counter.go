package gateway

import (
	"context"
	"time"

	"gatehouse/channels"
	"gatehouse/channels/text"
	"gatehouse/configs/texts"
	"gatehouse/exchange"
)

// Tell is an address that a clerk wrote down for a person. It is no address of their contact: it opens nothing, and
// unless it was proven only that there is news is said there.
type Tell struct {
	Address channels.Address
	Proven  bool
}

// Letter is a notice for a person who can be reached on no channel; staff send it by post.
type Letter struct {
	ID        string
	Contact   string
	Matter    string
	Reference string
	Lang      string
	Text      string
	At        time.Time
}

// Deed is one line of the counter's log: what a clerk did. It names no citizen.
type Deed struct {
	N     int64 // from 1, set by the store
	At    time.Time
	Clerk string
	// Act is "login", "visit", "code", "lookup", "letter" or DeedDoubt.
	Act string
	// Subject is the case's reference; empty where there is none.
	Subject string
	// Chain is the digest over this line and the one before, in hex, set by the store.
	Chain string
}

// DeedDoubt is the Act of a clerk who said whether an address is still its person's.
const DeedDoubt = "doubt"

// Desk is what the people at a counter work with.
type Desk interface {
	// Letters gives at most n letters that nobody sent yet, oldest first. Those whose person was forgotten are left out.
	Letters(ctx context.Context, n int) ([]Letter, error)
	// Posted marks a letter as sent; again changes nothing.
	Posted(ctx context.Context, id, clerk string, at time.Time) error
	// Doubt marks an address as one that may be somebody else's than whose it is here, or lifts that mark. It tells
	// whether anybody has the address.
	Doubt(ctx context.Context, a channels.Address, unsure bool) (known bool, err error)
	// Record adds a line to the log, which is chained by digests and never changed.
	Record(ctx context.Context, d Deed) error
	// Deeds gives at most n lines after a number, oldest first. ErrBroken when the chain does not hold.
	Deeds(ctx context.Context, after int64, n int) ([]Deed, error)
}

// Sessions keep what a clerk's page remembers between two clicks, under a key that ends with the session.
type Sessions interface {
	// Session gives what was kept under a token, unless it ended by now.
	Session(ctx context.Context, token string, now time.Time) (b []byte, found bool, err error)
	// PutSession keeps b until then, and lets go of what ended by now.
	PutSession(ctx context.Context, token string, b []byte, now, until time.Time) error
	// EndSession lets go of what is kept under a token.
	EndSession(ctx context.Context, token string) error
}

// attend notes in a case that a clerk took it, for the inside alone.
func (k *talk) attend(c *exchange.Case) {
	desk := k.t.Message.Desk
	if desk == nil {
		return
	}
	if c.Name == "" {
		c.Name = clipBytes(exchange.NormalizeLine(desk.Name), 200)
	}
	key := "counter.taken"
	if !desk.Tell.IsZero() && !k.tellProven() {
		key = "counter.taken.unproven"
	}
	said := k.text(key, texts.Args{"clerk": clip(exchange.NormalizeLine(desk.Clerk), 80)})
	c.Story = append(c.Story, exchange.Said{At: k.t.Now, Who: whoOffice, Text: text.Mask(said)})
}

func (k *talk) tellAt() Tell {
	if d := k.t.Message.Desk; d != nil {
		return Tell{Address: d.Tell, Proven: k.tellProven()}
	}
	return Tell{}
}
