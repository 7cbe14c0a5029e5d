package storetest

import (
	"errors"
	"fmt"
	"time"

	"gatehouse/channels"
	"gatehouse/exchange"
	"gatehouse/gateway"
)

// owes follows the wakes of a company's clerks from what the register says, and what is known when they come.
func owes(b *bench) {
	const number = "12-345678-C"
	revision := uint64(0)
	publish := func(name string, l exchange.Listing) {
		b.Helper()
		revision++
		p := exchange.Publication{ID: b.id(), Sort: exchange.SortRegister, Name: name, Revision: revision, At: b.clock.now()}
		if p.Removed = l.Company == "" && l.Address == ""; !p.Removed {
			p.Body = l.Body()
		}
		b.must(b.Publish(b.Context(), p, 0))
	}
	duty := []exchange.Duty{{Service: "DEC-GOODS", From: "2026-11-16"}}
	publish(number+"/1", exchange.Listing{Address: "customs@northdock.example"})
	publish(number, exchange.Listing{Company: "Northdock Goods"})
	b.equal("wakes of who owes nothing", b.counts().WakesSet, 0)
	publish(number, exchange.Listing{Company: "Northdock Goods", Duties: duty})
	b.equal("wakes", b.counts().WakesSet, 1)
	t := b.wokenOne()
	b.equal("the other gateway gets it too", len(b.woken(10)), 0)
	b.equal("wake", t.Claim.Wake, gateway.Wake{Contact: t.Contact.ID, Kind: gateway.WakeDue, Subject: number, At: b.clock.now()})
	b.equal("address", t.Contact.Reaches[0].Address, channels.Address{Channel: "email", Value: "customs@northdock.example"})

	next := b.clock.now().Add(48 * time.Hour)
	o := gateway.Outcome{Claim: t.Claim, Contact: t.Contact, Wakes: []gateway.Wake{{Contact: t.Contact.ID, Kind: gateway.WakeDue, Subject: number, At: next}}}
	b.must(b.Commit(b.Context(), o))
	b.clock.forward(time.Hour)
	publish(number+"/2", exchange.Listing{Address: "second@northdock.example"})
	b.equal("both are woken for a change", len(b.woken(10)), 2)
	b.clock.forward(time.Hour)
	publish(number, exchange.Listing{Company: "Northdock Goods", Duties: duty})
	turns := b.woken(10)
	b.equal("again", len(turns), 2)
	for _, t := range turns { // a look that was due before stays as it was
		b.equal("at", t.Claim.Wake.At, b.clock.now().Add(-time.Hour))
	}
	b.equal("not lost", b.Commit(b.Context(), gateway.Outcome{Claim: turns[0].Claim, Contact: turns[0].Contact}), nil)

	filed := b.heard(channels.Address{Channel: "email", Value: "third@northdock.example"}, "rows")
	out := answer(filed)
	for i, m := range []gateway.Matter{{Period: number + " 2026-W47"}, {Period: number + " 2026-W46", Decision: exchange.Withdrawn}, {Period: "10-000001-Y 2026-W45"}, {}} {
		x := b.matter(fmt.Sprint("PL-", i), filed.Message.From)
		x.Service, x.Period, x.Decision = "DEC-GOODS", m.Period, m.Decision
		out.Matters = append(out.Matters, x)
	}
	b.must(b.Commit(b.Context(), out))
	r, err := b.Learn(b.Context(), gateway.Wanted{Owing: number}, channels.Address{})
	b.must(err)
	b.equal("declared", r.Declared, []string{"DEC-GOODS 2026-W47"})
	b.equal("clerks", len(r.Clerks), 2)
	b.equal("duties", r.Clerks[0].Duties, duty)
	publish(number, exchange.Listing{})
	r, err = b.Learn(b.Context(), gateway.Wanted{Owing: number}, channels.Address{})
	b.must(err)
	b.equal("clerks of who is suspended", len(r.Clerks), 0)
}

// leavers lose their links with the publication that they have left, and nobody else does.
func leavers(b *bench) {
	const number = "12-345678-C"
	publish := func(name string, revision uint64, l exchange.Listing) {
		b.Helper()
		p := exchange.Publication{ID: b.id(), Sort: exchange.SortRegister, Name: name, Revision: revision, At: b.clock.now()}
		if p.Removed = l.Company == "" && l.Address == ""; !p.Removed {
			p.Body = l.Body()
		}
		b.must(b.Publish(b.Context(), p, 0))
	}
	mail := func(local string) channels.Address {
		return channels.Address{Channel: "email", Value: local + "@northdock.example"}
	}
	publish(number, 1, exchange.Listing{Company: "Northdock Goods"})
	publish(number+"/1", 1, exchange.Listing{Address: mail("leaver").Value})
	publish(number+"/2", 1, exchange.Listing{Address: mail("stays").Value})
	until := b.clock.now().Add(96 * time.Hour)
	var tokens []string
	give := func(o *gateway.Outcome, kind gateway.PassKind, subject string) {
		tokens = append(tokens, fmt.Sprintf("TOKEN%020d", len(tokens)))
		o.Passes = append(o.Passes, gateway.Pass{Token: tokens[len(tokens)-1], Kind: kind, Contact: o.Contact.ID, Address: mail("x"), Subject: subject, Lang: "en", Until: until})
	}
	for i, local := range []string{"leaver", "stays"} {
		o := answer(b.heard(mail(local), "rows"))
		ours, theirs := b.matter(fmt.Sprint("PL-OURS-", i), mail(local)), b.matter(fmt.Sprint("PL-OTHER-", i), mail(local))
		ours.Service, ours.Period = "DEC-GOODS", number+" 2026-W47"
		theirs.Service, theirs.Period = "DEC-GOODS", "10-000001-Y 2026-W47"
		o.Matters = append(o.Matters, ours, theirs)
		give(&o, gateway.ToCorrect, ours.Reference)
		give(&o, gateway.ToCorrect, theirs.Reference)
		b.must(b.Commit(b.Context(), o))
	}
	m := b.message("email:p", mail("stranger"), "rows")
	b.accept(m)
	o := answer(b.claimOne())
	o.Park = &gateway.Parked{ID: "p1", Company: number, Service: "DEC-GOODS", Until: until}
	o.Wakes = []gateway.Wake{{Contact: o.Contact.ID, Kind: gateway.WakeParked, Subject: "p1", At: until}}
	give(&o, gateway.ToConfirm, "p1")
	b.must(b.Commit(b.Context(), o))
	b.equal("before", len(b.woken(10)), 0)

	publish(number+"/1", 2, exchange.Listing{})
	for i, want := range []error{gateway.ErrNotFound, nil, nil, nil, gateway.ErrNotFound} {
		if _, err := b.Pass(b.Context(), tokens[i]); !errors.Is(err, want) {
			b.Errorf("link %d: %v, want %v", i, err, want)
		}
	}
	if w := b.wokenOne(); w.Claim.Wake.Kind != gateway.WakeParked {
		b.Errorf("who is left is not asked anew: %+v", w.Claim.Wake)
	}
}
