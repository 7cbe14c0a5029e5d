package storetest

import (
	"time"

	"gatehouse/channels"
	"gatehouse/gateway"
)

// leaves: an address that is taken apart has a contact of its own from then on, with what was said of STOP there; the
// cases stay where they were, and can be linked anew. Links that nobody opened end.
func leaves(b *bench) {
	o := answer(b.heard(sms("1"), "hello"))
	o.Contact.Reaches = append(o.Contact.Reaches, gateway.Reach{Address: mailbox("jo"), Stopped: true})
	o.Matters = []gateway.Matter{b.matter("PL-1", sms("1"))}
	o.Passes = []gateway.Pass{{Token: "one-of-sixty-bits", Kind: gateway.ToPhoto, Address: mailbox("jo"), Subject: "PL-1", Until: b.clock.now().Add(time.Hour)}}
	b.must(b.Commit(b.Context(), o))
	o = answer(b.heard(sms("1"), "unlink jo"))
	b.equal("addresses", len(o.Contact.Reaches), 2)
	o.Leaves = []channels.Address{mailbox("jo")}
	for _, r := range o.Contact.Reaches {
		if r.Address == sms("1") {
			o.Contact.Reaches = []gateway.Reach{r}
		}
	}
	b.must(b.Commit(b.Context(), o))
	_, err := b.Pass(b.Context(), "one-of-sixty-bits")
	b.is("a link that was asked for there", err, gateway.ErrNotFound)
	t := b.heard(mailbox("jo"), "status")
	if t.Contact.ID == o.Contact.ID || len(t.Matters) != 0 || len(t.Contact.Reaches) != 1 || !t.Contact.Reaches[0].Stopped {
		b.Errorf("the address is %+v with %d cases", t.Contact, len(t.Matters))
	}
	b.must(b.Commit(b.Context(), answer(t)))
	t = b.heard(sms("1"), "status")
	b.equal("cases", len(t.Matters), 1)
	b.equal("addresses", len(t.Contact.Reaches), 1)
}
