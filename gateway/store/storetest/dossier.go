package storetest

import (
	"time"

	"gatehouse/channels"
	"gatehouse/gateway"
	"gatehouse/gateway/consent"
)

// dossier reads all of a person and nothing of another, newest first and within its bounds.
func dossier(b *bench) {
	phone := sms("1")
	b.known(sms("2"))
	c, m := b.known(phone)
	b.settle(b.leaseOf(phone), nil)
	b.clock.forward(time.Minute)
	o := answer(b.heard(phone, "stop alerts"))
	o.Consents = []gateway.Consent{{Address: phone, Purpose: consent.Service, List: consent.Everything, Act: consent.Withdrawn, Shown: "words shown", Said: "stop alerts",
		Source: consent.Person, At: b.clock.now()}}
	for range gateway.MaxSent {
		o.Deliveries = append(o.Deliveries, b.delivery(phone, "a notice"))
	}
	b.must(b.Commit(b.Context(), o))
	d, err := b.Dossier(b.Context(), c.ID)
	b.must(err)
	b.equal("lines", len(d.Ledger), 2)
	b.equal("the newest line", d.Ledger[0], gateway.Consent{Contact: c.ID, Address: phone, Purpose: consent.Service, List: consent.Everything, Act: consent.Withdrawn,
		Shown: "words shown", Said: "stop alerts", Source: consent.Person, At: b.clock.now()})
	b.equal("case", d.Matters[0].ID, m.ID)
	b.equal("conversation", d.Talks[0].Address, phone)
	b.equal("form", d.Draft.Form.Service, "bulky")
	b.equal("messages", len(d.Sent), gateway.MaxSent)
	b.equal("the last message", d.Sent[0].Text, "a notice")
	b.equal("left out", d.More, gateway.More{Sent: 1})
	for _, t := range d.Sent {
		b.equal("to", t.To, phone)
		b.equal("state", t.State, channels.State(""))
	}
	b.forgets(phone)
	_, err = b.Dossier(b.Context(), c.ID)
	b.is("of a forgotten person", err, gateway.ErrNotFound)
}
