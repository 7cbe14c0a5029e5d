package storetest

import (
	"time"

	"gatehouse/channels"
	"gatehouse/exchange"
	"gatehouse/gateway"
)

// parked follows mails that wait: found with who may confirm them, counted, ended, and moved with their contact.
func parked(b *bench) {
	const number = "12-345678-C"
	from := channels.Address{Channel: "email", Value: "jo@northdock.example"}
	for name, l := range map[string]exchange.Listing{number: {Company: "Northdock"}, number + "/1": {Address: "admin@northdock.example", Admin: true}} {
		b.must(b.Publish(b.Context(), exchange.Publication{ID: b.id(), Sort: exchange.SortRegister, Name: name, Revision: 1, Body: l.Body()}, 0))
	}
	park := func(id, text string) {
		m := b.message("email:"+id, from, text)
		m.Subject, m.Files = "Week 47", []channels.File{fileOf("goods.csv", []byte("rows of "+id))}
		b.accept(m)
		o := answer(b.claimOne())
		o.Park = &gateway.Parked{ID: id, Company: number, Service: "DEC-GOODS", Until: b.clock.now().Add(96 * time.Hour)}
		b.must(b.Commit(b.Context(), o))
	}
	learn := func(id string) gateway.Record {
		b.Helper()
		r, err := b.Learn(b.Context(), gateway.Wanted{Parked: id}, from)
		b.must(err)
		return r
	}
	came := b.clock.now()
	park("p1", "first")
	b.clock.forward(25 * time.Hour)
	park("p2", "second")
	r := learn("p1")
	if p := r.Parked; p == nil || p.Company != number || p.Service != "DEC-GOODS" || p.Message.Text != "first" || p.Message.Subject != "Week 47" ||
		!p.Message.At.Equal(came) || !p.Until.Equal(came.Add(96*time.Hour)) || len(p.Message.Files) != 1 || p.Message.From != from {
		b.Errorf("what waits is %+v", r.Parked)
	}
	b.equal("who may confirm", r.Clerks, []gateway.Registered{{Company: number, Name: "Northdock", Address: "admin@northdock.example", Admin: true}})
	b.equal("of a day", r.ParkedToday, 1)
	b.equal("counted", []int64{b.counts().Parked, b.counts().Clerks}, []int64{2, 1})
	w, err := b.Waiting(b.Context())
	b.must(err)
	b.equal("what crosses of it", w, exchange.Waiting{Parked: map[string]int64{number: 2}, Held: map[string]int64{}, Oldest: came})
	o := answer(b.heard(from, "confirmed"))
	o.Unpark = "p1"
	b.must(b.Commit(b.Context(), o))
	if learn("p1").Parked != nil || learn("p2").Parked == nil || learn("p3").Parked != nil {
		b.Error("another mail waits than should")
	}
	o = answer(b.heard(from, "forget me"))
	o.Forget = true
	b.must(b.Commit(b.Context(), o))
	b.equal("after FORGET ME", b.counts().Parked, int64(0))
	b.heldOutside(number)
}

// heldOutside: a declaration with open rows of which nothing has crossed is counted, by no name that the inside does not know.
func (b *bench) heldOutside(number string) {
	b.Helper()
	from := channels.Address{Channel: "email", Value: "rows@northdock.example"}
	o := answer(b.heard(from, "rows"))
	for i, company := range []string{number, "10-000001-Y"} {
		m := b.matter([]string{"PL-1", "PL-2"}[i], from)
		m.Period = company
		o.Matters = append(o.Matters, m)
		o.Corrections = append(o.Corrections, gateway.Correction{Matter: m.ID, Whole: true, Until: b.clock.now().Add(time.Hour)})
	}
	b.must(b.Commit(b.Context(), o))
	w, err := b.Waiting(b.Context())
	b.must(err)
	b.equal("held", w, exchange.Waiting{Parked: map[string]int64{}, Held: map[string]int64{number: 1, "": 1}})
}
