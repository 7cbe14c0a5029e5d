package storetest

import (
	"time"

	"gatehouse/channels"
	"gatehouse/exchange"
	"gatehouse/gateway"
)

// helped makes a contact with a case of its own and one of somebody whom it helps, each with a notice that is owed.
func (b *bench) helped(from channels.Address) (c gateway.Contact, own, other gateway.Matter) {
	b.Helper()
	t := b.heard(from, "for my mother Ana")
	o := answer(t)
	o.Contact.Persons = []gateway.Person{{ID: "P-" + b.id(), Name: "Ana"}}
	own, other = b.matter("PL-"+b.id(), from), b.matter("PL-"+b.id(), from)
	own.Contact, other.Contact, other.For = t.Contact.ID, t.Contact.ID, o.Contact.Persons[0].ID
	o.Matters = []gateway.Matter{own, other}
	o.Wakes = []gateway.Wake{{Contact: t.Contact.ID, Kind: "promise", Subject: other.ID, At: b.clock.now().Add(time.Millisecond)}}
	notice := func(m gateway.Matter, said string) gateway.Delivery {
		d := b.delivery(from, said)
		d.Queue, d.Matter, d.Must = channels.Notice, m.ID, true
		return d
	}
	o.Deliveries = []gateway.Delivery{notice(own, "word on mine"), notice(other, "word on hers")}
	b.must(b.Commit(b.Context(), o))
	return t.Contact, own, other
}

// owedNotices are the texts that are owed in the queue of notices, in order.
func (b *bench) owedNotices() (said []string) {
	b.Helper()
	for range 9 {
		all, err := b.Lease(b.Context(), channels.Notice, b.clock.now(), 9, time.Minute)
		b.must(err)
		for _, l := range all {
			said = append(said, l.Message.Text)
			b.settle(l, nil)
		}
	}
	return said
}

// helpedForgotten ends a person who is helped: their case and key go, the helper's stay.
func helpedForgotten(b *bench) {
	phone := sms("1")
	c, own, other := b.helped(phone)
	t := b.heard(phone, "forget Ana")
	b.equal("persons", t.Contact.Persons, []gateway.Person{{ID: other.For, Name: "Ana"}})
	b.equal("cases", len(t.Matters), 2)
	o := answer(t)
	o.Contact.Persons, o.Gone = nil, []string{other.For}
	o.Crossings = []gateway.Crossing{{Document: exchange.Erasure{ID: b.id(), Party: other.For, At: b.clock.now()}}}
	b.must(b.Commit(b.Context(), o))
	_, _, err := b.Matter(b.Context(), other.ID)
	b.is("their case", err, gateway.ErrNotFound)
	_, m, err := b.Matter(b.Context(), own.ID)
	b.must(err)
	b.equal("whose the other is", m.For, "")
	b.equal("what is owed", b.owedNotices(), []string{"word on mine"})
	t = b.heard(phone, "hello")
	if t.Contact.ID != c.ID || len(t.Contact.Persons) != 0 || len(t.Matters) != 1 {
		b.Errorf("left are %+v with %d cases", t.Contact, len(t.Matters))
	}
	b.clock.forward(time.Second)
	woken, err := b.Woken(b.Context(), b.clock.now(), 9, time.Minute)
	b.must(err)
	b.equal("wakes", len(woken), 0)
}

// helperForgotten ends the helper alone: who was helped goes on at the same address, under keys of their own.
func helperForgotten(b *bench) {
	phone := sms("1")
	c, own, other := b.helped(phone)
	t := b.heard(phone, "forget me")
	after := gateway.Contact{ID: "C-" + b.id(), Persons: t.Contact.Persons, Created: b.clock.now(), Reaches: t.Contact.Reaches}
	b.must(b.Commit(b.Context(), gateway.Outcome{Claim: t.Claim, Contact: t.Contact, Forget: true, Remains: &after,
		Deliveries: []gateway.Delivery{b.delivery(phone, "farewell")},
		Crossings:  []gateway.Crossing{{Document: exchange.Erasure{ID: b.id(), Party: c.ID, At: b.clock.now()}}}}))
	_, _, err := b.Matter(b.Context(), own.ID)
	b.is("the helper's case", err, gateway.ErrNotFound)
	owner, m, err := b.Matter(b.Context(), other.ID)
	b.must(err)
	b.equal("who has the other", owner.ID, after.ID)
	b.equal("whose it is", m.For, other.For)
	b.equal("what is owed", b.owedNotices(), []string{"word on hers"})
	b.equal("the last word", b.leaseOne().Message.Text, "farewell")
	b.clock.forward(time.Second)
	woken, err := b.Woken(b.Context(), b.clock.now(), 9, time.Minute)
	b.must(err)
	if len(woken) != 1 || woken[0].Contact.ID != after.ID || len(woken[0].Matters) != 1 {
		b.Fatalf("woken: %+v", woken)
	}
	b.must(b.Commit(b.Context(), gateway.Outcome{Claim: woken[0].Claim, Contact: woken[0].Contact}))
	t = b.heard(phone, "hello")
	if t.Contact.ID != after.ID || len(t.Contact.Persons) != 1 || len(t.Matters) != 1 || len(t.Contact.Reaches) != 1 {
		b.Errorf("left are %+v with %d cases", t.Contact, len(t.Matters))
	}
	b.must(b.Commit(b.Context(), answer(t)))
	owner, m, err = b.Matter(b.Context(), other.ID)
	b.must(err)
	m.Events = append(m.Events, gateway.Event{At: b.clock.now(), State: m.State, Text: "received"})
	b.must(b.Commit(b.Context(), gateway.Outcome{Contact: owner, Matters: []gateway.Matter{m}}))
}
