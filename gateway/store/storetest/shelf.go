package storetest

import (
	"fmt"

	"gatehouse/channels"
	"gatehouse/gateway"
)

// shelf keeps both forms of two contacts that become one, lets them change places, and deletes what is dropped.
func shelf(b *bench) {
	phone, inbox := sms("1"), mailbox("jane")
	other := b.draft()
	t := b.heard(inbox, "a form here")
	o := answer(t)
	o.Draft = other
	b.must(b.Commit(b.Context(), o))
	own := b.draft()
	t = b.heard(phone, "and one there")
	o = answer(t)
	o.Draft = own
	b.must(b.Commit(b.Context(), o))
	t = b.heard(phone, "both are mine")
	o = answer(t)
	o.Contact.Reaches = append(o.Contact.Reaches, gateway.Reach{Address: inbox})
	b.must(b.Commit(b.Context(), o))
	t = b.heard(phone, "the other")
	if t.Draft == nil || t.Draft.ID != own.ID || len(t.Shelf) != 1 || t.Shelf[0].ID != other.ID {
		b.Fatalf("form %+v, shelf %+v", t.Draft, t.Shelf)
	}
	b.equal("its answers", t.Shelf[0].Form.Answers, other.Form.Answers)
	d, err := b.Dossier(b.Context(), t.Contact.ID)
	b.must(err)
	b.equal("handed out", fmt.Sprint(d.Draft.ID, len(d.Shelf), d.Shelf[0].ID), fmt.Sprint(own.ID, 1, other.ID))
	o = answer(t)
	o.Draft, o.Shelve = &t.Shelf[0], true
	b.must(b.Commit(b.Context(), o))
	t = b.heard(phone, "done")
	if t.Draft == nil || t.Draft.ID != other.ID || len(t.Shelf) != 1 || t.Shelf[0].ID != own.ID {
		b.Fatalf("form %+v, shelf %+v", t.Draft, t.Shelf)
	}
	b.equal("its answers", t.Shelf[0].Form.Answers, own.Form.Answers)
	o = answer(t)
	o.Draft = &t.Shelf[0]
	b.must(b.Commit(b.Context(), o))
	t = b.heard(phone, "last")
	b.equal("the form", t.Draft.ID, own.ID)
	b.equal("on the shelf", len(t.Shelf), 0)
}

// shelfForgotten deletes what waits with its contact.
func shelfForgotten(b *bench) {
	phone, inbox := sms("1"), mailbox("jane")
	b.known(inbox)
	t := b.heard(phone, "a form here")
	o := answer(t)
	o.Draft = b.draft()
	b.must(b.Commit(b.Context(), o))
	t = b.heard(phone, "both are mine")
	o = answer(t)
	o.Contact.Reaches = append(o.Contact.Reaches, gateway.Reach{Address: inbox})
	b.must(b.Commit(b.Context(), o))
	b.equal("on the shelf", len(b.heardLast(phone).Shelf), 1)
	b.forgets(phone)
	t = b.heard(phone, "hello")
	b.equal("form and shelf", []bool{t.Draft == nil, len(t.Shelf) == 0}, []bool{true, true})
}

// heardLast answers a message with nothing, and gives its turn.
func (b *bench) heardLast(from channels.Address) gateway.Turn {
	b.Helper()
	t := b.heard(from, "and")
	b.must(b.Commit(b.Context(), answer(t)))
	return t
}
