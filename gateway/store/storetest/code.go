package storetest

import (
	"errors"
	"sync/atomic"
	"time"

	"gatehouse/channels"
	"gatehouse/exchange/service"
	"gatehouse/gateway"
)

func mailbox(n string) channels.Address {
	return channels.Address{Channel: "email", Value: n + "@example.org"}
}

// record: what a Step may know of others' cases and addresses, by reference and by address.
func record(b *bench) {
	t := b.heard(mailbox("jane"), "file")
	o := answer(t)
	o.Matters = []gateway.Matter{b.matter("PL-1", mailbox("jane"))}
	b.must(b.Commit(b.Context(), o))
	r, err := b.Learn(b.Context(), gateway.Wanted{Reference: "PL-1"}, sms("1"))
	b.must(err)
	b.equal("matter", r.Matter.ID, o.Matters[0].ID)
	b.equal("whose it is", r.Contact.ID, t.Contact.ID)
	r, err = b.Learn(b.Context(), gateway.Wanted{Address: mailbox("jane")}, sms("1"))
	b.must(err)
	b.equal("whose the address is", r.Contact.ID, t.Contact.ID)
	b.equal("matters", len(r.Matters), 1)
	b.equal("a form", r.Draft == nil, true)
	o = answer(b.heard(mailbox("jane"), "book"))
	o.Draft = &gateway.Draft{ID: b.id(), Address: mailbox("jane"), Form: service.Draft{Service: "bulky"}, Touched: b.clock.now()}
	b.must(b.Commit(b.Context(), o))
	r, err = b.Learn(b.Context(), gateway.Wanted{Address: mailbox("jane")}, sms("1"))
	b.must(err)
	b.equal("a form", r.Draft != nil, true)
	for _, w := range []gateway.Wanted{{Reference: "PL-2"}, {Address: mailbox("nobody")}} {
		r, err = b.Learn(b.Context(), w, sms("1"))
		b.must(err)
		b.equal("nothing known", r, gateway.Record{Wanted: w})
	}
}

// challenge: it is kept with its conversation, sealed.
func challenge(b *bench) {
	t := b.heard(sms("1"), "status")
	o := answer(t)
	want := gateway.Challenge{ID: "c", Purpose: gateway.ToSee, Reference: "PL-1", Target: mailbox("jane"), Digest: []byte("digest"),
		Asked: b.clock.now(), Until: b.clock.now().Add(10 * time.Minute), Misses: 2}
	o.Conversation = &gateway.Conversation{Address: sms("1"), Challenge: &want, Lookups: gateway.Lookups{Count: 3, Since: b.clock.now()},
		Grants: []gateway.Grant{{Reference: "PL-2", Until: b.clock.now()}}}
	o.Contact.Quiet = true
	o.Conversation.Joining = &gateway.Joining{Lists: []string{"alerts-quayside"}, Asked: b.clock.now(), Lang: "fr", Word: "AB12CD34"}
	b.must(b.Commit(b.Context(), o))
	t = b.heard(sms("1"), "481920")
	b.equal("challenge", *t.Conversation.Challenge, want)
	b.equal("lookups", t.Conversation.Lookups, o.Conversation.Lookups)
	b.equal("grants", t.Conversation.Grants, o.Conversation.Grants)
	b.equal("quiet", t.Contact.Quiet, true)
	b.equal("joining", *t.Conversation.Joining, *o.Conversation.Joining)
}

// codeBudget: whoever asks, and however many at once, an address gets no more codes than its budget.
func codeBudget(b *bench) {
	const askers = 8
	for i := range askers {
		b.accept(b.message("sms:"+b.id(), sms(string(rune('a'+i))), "status"))
	}
	turns := b.claim(askers)
	var sent, lost atomic.Int64
	crowd(len(turns), func(i int) {
		o := answer(turns[i])
		o.Codes = []gateway.CodeSent{{To: mailbox("jane"), By: turns[i].Message.From, At: b.clock.now()}}
		switch err := b.Commit(b.Context(), o); {
		case err == nil:
			sent.Add(1)
		case errors.Is(err, gateway.ErrLost):
			lost.Add(1)
		default:
			b.Error(err)
		}
	})
	b.equal("sent", sent.Load(), gateway.CodesPerHour)
	b.equal("lost", lost.Load(), askers-gateway.CodesPerHour)
	again := b.claim(askers)
	b.equal("come again", len(again), askers-gateway.CodesPerHour)
	r, err := b.Learn(b.Context(), gateway.Wanted{Address: mailbox("jane")}, sms("1"))
	b.must(err)
	b.equal("count", r.Codes, gateway.CodeCount{ToHour: 3, ToDay: 3})
	b.clock.forward(2 * time.Hour)
	r, err = b.Learn(b.Context(), gateway.Wanted{Address: mailbox("jane")}, sms("1"))
	b.must(err)
	b.equal("later", r.Codes, gateway.CodeCount{ToDay: 3})
}

// joinMoved: an address is joined only while it is still whose the outcome took it for, with nothing changed.
func joinMoved(b *bench) {
	mail := mailbox("jane")
	o := answer(b.heard(mail, "hello"))
	b.must(b.Commit(b.Context(), o))
	r, err := b.Learn(b.Context(), gateway.Wanted{Address: mail}, sms("1"))
	b.must(err)
	join := func(t gateway.Turn, j gateway.Join) error {
		o := answer(t)
		o.Contact.Reaches = append(o.Contact.Reaches, gateway.Reach{Address: mail})
		o.Joins = []gateway.Join{j}
		return b.Commit(b.Context(), o)
	}
	seen := gateway.Join{Address: mail, Contact: r.Contact.ID, Version: r.Contact.Version}
	t := b.heard(mail, "STOP") // something changes in between
	o = answer(t)
	o.Contact.Reaches[0].Stopped = true
	b.must(b.Commit(b.Context(), o))
	b.is("an old version", join(b.heard(sms("1"), "code"), seen), gateway.ErrLost)
	b.is("nobody's", join(b.claimOne(), gateway.Join{Address: mail}), gateway.ErrLost)
	r, err = b.Learn(b.Context(), gateway.Wanted{Address: mail}, sms("1"))
	b.must(err)
	t = b.claimOne()
	b.must(join(t, gateway.Join{Address: mail, Contact: r.Contact.ID, Version: r.Contact.Version}))
	b.equal("joined", b.heard(mail, "me").Contact.ID, t.Contact.ID)
}

// mergeInCompany: while one contact takes over another, outcomes of that other are lost whichever group they are in,
// and its messages are answered once each.
func mergeInCompany(b *bench) {
	for round := range 6 {
		phone, chat := sms(string(rune('a'+round))), channels.Address{Channel: "chat", Value: string(rune('a' + round))}
		b.accept(b.message("chat:"+b.id(), chat, "waits"))
		held := b.claimOne()
		b.accept(b.message("sms:"+b.id(), phone, "mine"))
		mine := b.claimOne()
		o := answer(mine)
		o.Contact.Reaches = append(o.Contact.Reaches, gateway.Reach{Address: chat})
		o.Joins = []gateway.Join{{Address: chat, Contact: held.Contact.ID, Version: held.Contact.Version}}
		errs := make([]error, 2)
		crowd(2, func(i int) { errs[i] = b.Commit(b.Context(), []gateway.Outcome{o, answer(held)}[i]) })
		switch {
		case errs[0] == nil:
			b.is("the other's outcome", errs[1], gateway.ErrLost)
			again := b.claimOne()
			b.equal("as this contact", again.Contact.ID, mine.Contact.ID)
			b.must(b.Commit(b.Context(), answer(again)))
		default: // the other was first, so that its version rose
			b.is("the join", errs[0], gateway.ErrLost)
			b.must(errs[1])
			b.must(b.Commit(b.Context(), answer(b.claimOne())))
		}
		b.equal("open", b.counts().InboundOpen, 0)
	}
}
