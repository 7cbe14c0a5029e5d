package storetest

import (
	"bytes"
	"fmt"

	"gatehouse/channels"
	"gatehouse/exchange"
	"gatehouse/gateway"
)

// register follows a company and its clerks from publication to publication, as mails see them.
func register(b *bench) {
	publish := func(name string, revision uint64, l exchange.Listing) {
		b.Helper()
		p := exchange.Publication{ID: b.id(), Sort: exchange.SortRegister, Name: name, Revision: revision, At: b.clock.now()}
		if p.Removed = l.Company == "" && l.Address == ""; !p.Removed {
			p.Body = l.Body()
		}
		b.must(b.Publish(b.Context(), p, 0))
	}
	n := 0
	seen := func(from channels.Address) []gateway.Registered {
		b.Helper()
		n++
		b.accept(b.message(fmt.Sprint("email:", n), from, "rows"))
		t := b.claimOne()
		b.must(b.Commit(b.Context(), answer(t)))
		return t.Register
	}
	mail := func(local string) channels.Address {
		return channels.Address{Channel: "email", Value: local + "@northdock.example"}
	}
	const number = "12-345678-C"
	publish(number+"/1", 1, exchange.Listing{Address: "customs@northdock.example", Admin: true})
	b.equal("a clerk of no company", len(seen(mail("customs"))), 0)
	publish(number, 1, exchange.Listing{Company: "Northdock Goods"})
	publish(number+"/2", 1, exchange.Listing{Address: "second@northdock.example"})
	b.equal("an admin", seen(mail("Customs")), []gateway.Registered{{Company: number, Name: "Northdock Goods", Address: "customs@northdock.example", Admin: true}})
	b.equal("somebody else", len(seen(mail("nobody"))), 0)
	b.equal("another channel", len(seen(channels.Address{Channel: "sms", Value: "customs@northdock.example"})), 0)
	all, err := b.Clerks(b.Context(), number)
	b.must(err)
	b.equal("clerks", len(all), 2)

	publish(number+"/1", 3, exchange.Listing{})
	publish(number+"/1", 2, exchange.Listing{Address: "customs@northdock.example"})
	b.equal("a leaver, whatever comes late", len(seen(mail("customs"))), 0)
	publish(number, 2, exchange.Listing{})
	b.equal("suspended", len(seen(mail("second"))), 0)
	publish(number, 3, exchange.Listing{Company: "Northdock"})
	b.equal("back again", seen(mail("second")), []gateway.Registered{{Company: number, Name: "Northdock", Address: "second@northdock.example"}})

	for name, raw := range b.place.Raw(b.T) {
		for _, secret := range []string{"second@northdock", "Northdock"} {
			if bytes.Contains(raw, []byte(secret)) {
				b.Errorf("%s holds %q", name, secret)
			}
		}
	}
}
