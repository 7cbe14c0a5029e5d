package storetest

import (
	"gatehouse/channels"
	"gatehouse/gateway"
)

// legalComesBack wakes the dispatcher once for what is owed in writing and came back, instead of moving it, and moves a
// decision that is not.
func legalComesBack(b *bench) {
	mail := channels.Address{Channel: "email", Value: "jo@northdock.example"}
	c := b.person(sms("2"), mail)
	c.Version = 0
	mat := b.matter("PL-1", mail)
	d := b.delivery(mail, "decision")
	d.Must, d.Legal, d.Matter = true, true, mat.ID
	b.must(b.Commit(b.Context(), gateway.Outcome{Contact: c, Matters: []gateway.Matter{mat}, Deliveries: []gateway.Delivery{d}}))
	b.settle(b.leaseOne(), nil)
	b.equal("sent", len(b.woken(9)), 0)
	bounce := channels.Receipt{MessageID: d.ID, State: channels.Failed, Err: &channels.Error{Kind: channels.Unreachable}}
	b.must(b.Report(b.Context(), bounce))
	b.must(b.Report(b.Context(), bounce))
	b.equal("moved", len(b.lease(10)), 0)
	turn := b.wokenOne()
	b.equal("woken for", []any{turn.Claim.Wake.Kind, turn.Claim.Wake.Subject}, []any{gateway.WakePost, mat.ID})
	b.must(b.Commit(b.Context(), gateway.Outcome{Claim: turn.Claim, Contact: turn.Contact}))
	b.equal("woken again", len(b.woken(9)), 0)
}

// blockedIsToldInside wakes the dispatcher once for a text of a case that the carrier of a person blocks, which moves
// nowhere.
func blockedIsToldInside(b *bench) {
	mail := channels.Address{Channel: "email", Value: "jo@northdock.example"}
	c := b.person(sms("2"), mail)
	c.Version = 0
	mat := b.matter("PL-1", sms("2"))
	d := b.delivery(sms("2"), "there is news")
	d.Matter = mat.ID
	b.must(b.Commit(b.Context(), gateway.Outcome{Contact: c, Matters: []gateway.Matter{mat}, Deliveries: []gateway.Delivery{d}}))
	b.settle(b.leaseOne(), func(s *gateway.Settlement) { s.Err = &channels.Error{Kind: channels.Stopped, Code: "21610"} })
	b.equal("moved or tried again", len(b.lease(10)), 0)
	turn := b.wokenOne()
	b.equal("woken for", []any{turn.Claim.Wake.Kind, turn.Claim.Wake.Subject}, []any{gateway.WakeBlocked, mat.ID})
	b.must(b.Commit(b.Context(), gateway.Outcome{Claim: turn.Claim, Contact: turn.Contact}))
	b.equal("woken again", len(b.woken(9)), 0)
}
