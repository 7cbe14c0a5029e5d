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
	b.equal("proved", b.heard(phone, "status").Contact.Reaches[0].Unsure, false)
}
