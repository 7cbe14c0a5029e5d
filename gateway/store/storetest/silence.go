package storetest

import "gatehouse/gateway"

// unsureAddress keeps that an address may be somebody else's, until it is proved.
func unsureAddress(b *bench) {
	phone := sms("1")
	t := b.heard(phone, "hello")
	o := answer(t)
	o.Contact.Reaches = []gateway.Reach{{Address: phone, Heard: b.clock.now(), Unsure: true}}
	b.must(b.Commit(b.Context(), o))
	t = b.heard(phone, "status")
	b.equal("unsure", t.Contact.Reaches[0].Unsure, true)
	o = answer(t)
	o.Contact.Reaches[0].Unsure = false
	b.must(b.Commit(b.Context(), o))
	t = b.heard(phone, "status")
	b.equal("proved", t.Contact.Reaches[0].Unsure, false)
	known, err := b.Doubt(b.Context(), phone, true)
	b.must(err)
	b.equal("somebody has it", known, true)
	b.is("a turn that began before", b.Commit(b.Context(), answer(t)), gateway.ErrLost)
	t = b.claimOne()
	b.equal("by a clerk's word", t.Contact.Reaches[0].Unsure, true)
	b.must(b.Commit(b.Context(), answer(t)))
	_, err = b.Doubt(b.Context(), phone, false)
	b.must(err)
	b.equal("and back", b.heard(phone, "status").Contact.Reaches[0].Unsure, false)
	known, err = b.Doubt(b.Context(), sms("9"), true)
	b.must(err)
	b.equal("nobody has it", known, false)
}
