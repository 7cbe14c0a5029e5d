package storetest

import (
	"fmt"
	"time"

	"gatehouse/channels"
	"gatehouse/exchange"
	"gatehouse/gateway"
	"gatehouse/gateway/consent"
)

// known makes a person of whom the store holds something in every table.
func (b *bench) known(from channels.Address) (gateway.Contact, gateway.Matter) {
	b.Helper()
	t := b.heard(from, "hello")
	o := answer(t)
	o.Contact.Lang = "fr"
	o.Contact.Reaches[0].Stopped = true
	o.Conversation = &gateway.Conversation{Address: from, Lang: "fr", Heard: b.clock.now()}
	o.Draft = b.draft()
	m := b.matter("PL-"+b.id(), from)
	m.Contact = t.Contact.ID
	o.Matters = []gateway.Matter{m}
	o.Consents = []gateway.Consent{{Address: from, List: "alerts", Act: consent.Granted, At: b.clock.now()}}
	o.Deliveries = []gateway.Delivery{b.delivery(from, "owed and never sent")}
	b.must(b.Commit(b.Context(), o))
	return t.Contact, m
}

// forgets has the person say the word.
func (b *bench) forgets(from channels.Address) gateway.Outcome {
	b.Helper()
	t := b.heard(from, "forget me")
	o := gateway.Outcome{Claim: t.Claim, Contact: t.Contact, Forget: true, Deliveries: []gateway.Delivery{b.delivery(from, "farewell")},
		Crossings: []gateway.Crossing{{Document: exchange.Erasure{ID: b.id(), Party: t.Contact.ID, At: b.clock.now()}}}}
	b.must(b.Commit(b.Context(), o))
	return o
}

func forget(b *bench) {
	phone := sms("1")
	c, m := b.known(phone)
	other, _ := b.known(sms("2"))
	b.settle(b.leaseOf(sms("2")), nil)
	o := b.forgets(phone)
	b.is("a second time", b.Commit(b.Context(), o), gateway.ErrLost)
	_, _, err := b.Matter(b.Context(), m.ID)
	b.is("the case", err, gateway.ErrNotFound)
	_, err = b.Tracked(b.Context(), m.Reference)
	b.is("the reference", err, gateway.ErrNotFound)
	members, _ := b.members("alerts", "", 10)
	b.equal("members", len(members), 1)
	b.equal("the other stays", members[0].ID, other.ID)
	late := gateway.Outcome{Contact: c, Matters: []gateway.Matter{m}, Deliveries: []gateway.Delivery{b.delivery(phone, "a notice that was under way")}}
	b.is("what was under way", b.Commit(b.Context(), late), gateway.ErrLost)
	last := b.leaseOne()
	b.equal("the last word", last.Message.Text, "farewell")
	b.settle(last, nil)
	n, err := b.Tend(b.Context(), b.clock.now())
	b.must(err)
	b.equal("tended", n, 1)
	again := b.heard(phone, "hello again")
	b.equal("nothing is known", fmt.Sprintf("%d %d %q %v", len(again.Matters), len(again.Standing), again.Contact.Lang, again.Draft == nil), `0 0 "" true`)
	b.equal("what was said of STOP stays", again.Contact.Reaches[0].Stopped, true)
	if again.Contact.ID == c.ID {
		b.Error("the same contact came back")
	}
	b.equal("counted", b.counts().Forgotten, 1)
}

// leaseOf leases what an address is owed first.
func (b *bench) leaseOf(a channels.Address) gateway.Leased {
	b.Helper()
	for _, l := range b.lease(10) {
		if l.Message.To == a {
			return l
		}
	}
	b.Fatal("nothing is owed")
	return gateway.Leased{}
}

// forgetMerged sends an Erasure for each id under which the inside knows the person.
func forgetMerged(b *bench) {
	phone, chat := sms("1"), channels.Address{Channel: "chat", Value: "77"}
	old, _ := b.known(chat)
	t := b.heard(phone, "my chat is that one")
	o := answer(t)
	o.Contact.Reaches = append(o.Contact.Reaches, gateway.Reach{Address: chat})
	b.must(b.Commit(b.Context(), o))
	b.forgets(phone)
	waiting, err := b.Outgoing().Waiting(b.Context(), 10)
	b.must(err)
	parties := map[string]bool{}
	for _, p := range waiting {
		d, err := exchange.Decode(p.Kind, p.Content)
		b.must(err)
		parties[d.(exchange.Erasure).Party] = true
	}
	b.equal("parties", parties, map[string]bool{old.ID: true, t.Contact.ID: true})
}

// forgetWeb lets a page read the last word for a while, and goes on numbering its lines after it.
func forgetWeb(b *bench) {
	tab := channels.Address{Channel: "web", Value: "s1"}
	b.known(tab)
	b.settle(b.leaseOne(), nil)
	b.forgets(tab)
	b.settle(b.leaseOne(), nil)
	lines, err := b.After(b.Context(), tab, 1, 10)
	b.must(err)
	if len(lines) != 1 || lines[0].Message.Text != "farewell" || lines[0].Seq != 2 {
		b.Errorf("the page reads %+v", lines)
	}
	b.clock.forward(time.Hour)
	n, err := b.Tend(b.Context(), b.clock.now())
	b.must(err)
	b.equal("tended", n, 1)
	lines, err = b.After(b.Context(), tab, 0, 10)
	b.must(err)
	b.equal("an hour later", len(lines), 0)
	b.owe(tab, nil, "who are you")
	lines, err = b.After(b.Context(), tab, 2, 10)
	b.must(err)
	b.equal("the next line is seen", len(lines), 1)
}

// orphaned counts what comes back for nobody.
func orphaned(b *bench) {
	b.arrive(1)
	b.must(b.Orphaned(b.Context(), 1))
	b.must(b.Orphaned(b.Context(), 1))
	b.equal("counted once", b.counts().Orphaned, 1)
	next, err := b.Incoming().Next(b.Context(), 10)
	b.must(err)
	b.equal("left to do", len(next), 0)
}

// forgottenInside ends a person on the word of the inside, once, with the arrival that brought it; who is known no more is
// confirmed all the same.
func forgottenInside(b *bench) {
	phone := sms("1")
	c, _ := b.known(phone)
	b.arrive(1)
	o := gateway.Outcome{Arrival: 1, Contact: c, Forget: true, Crossings: []gateway.Crossing{{Document: exchange.Erasure{ID: b.id(), Party: c.ID, At: b.clock.now()}}}}
	d, err := b.Dossier(b.Context(), c.ID)
	b.must(err)
	o.Contact = d.Contact
	b.must(b.Commit(b.Context(), o))
	b.is("a second time", b.Commit(b.Context(), o), gateway.ErrLost)
	_, err = b.Dossier(b.Context(), c.ID)
	b.is("the person", err, gateway.ErrNotFound)
	next, err := b.Incoming().Next(b.Context(), 10)
	b.must(err)
	b.equal("left to do", len(next), 0)
	b.arrive(2)
	again := exchange.Erasure{ID: b.id(), Party: c.ID, At: b.clock.now()}
	b.must(b.Gone(b.Context(), 2, again))
	b.must(b.Gone(b.Context(), 2, again))
	waiting, err := b.Outgoing().Waiting(b.Context(), 10)
	b.must(err)
	b.equal("confirmed", len(waiting), 2)
	b.equal("forgotten", b.counts().Forgotten, 1)
}
