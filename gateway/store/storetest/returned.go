package storetest

import (
	"slices"
	"strings"

	"gatehouse/channels"
	"gatehouse/gateway"
)

// tellsByMail owes a mail of a case to a contact who has a phone too, and sends it.
func (b *bench) tellsByMail(must bool) (gateway.Matter, gateway.Delivery, channels.Address) {
	b.Helper()
	mail := channels.Address{Channel: "email", Value: "jo@northdock.example"}
	c := b.person(sms("2"), mail)
	c.Version = 0
	mat := b.matter("PL-1", mail)
	d := b.delivery(mail, "there is news")
	d.Matter, d.Must = mat.ID, must
	b.must(b.Commit(b.Context(), gateway.Outcome{Contact: c, Matters: []gateway.Matter{mat}, Deliveries: []gateway.Delivery{d}}))
	b.settle(b.leaseOne(), nil)
	return mat, d, mail
}

// wokenFor gives the subject of the one wake that is due, and ends it.
func (b *bench) wokenFor() string {
	b.Helper()
	turn := b.wokenOne()
	b.must(b.Commit(b.Context(), gateway.Outcome{Claim: turn.Claim, Contact: turn.Contact}))
	b.equal("kind", turn.Claim.Wake.Kind, gateway.WakeReturned)
	return turn.Claim.Wake.Subject
}

func (b *bench) bounce(id, code string, k channels.Kind) {
	b.Helper()
	r := channels.Receipt{MessageID: id, Channel: "email", State: channels.Failed, Err: &channels.Error{Kind: k, Code: code}}
	b.must(b.Report(b.Context(), r))
	b.must(b.Report(b.Context(), r)) // a second report changes nothing
}

// bounceMovesOn marks the address, moves what must be told to the next one, once, and has the office told how.
func bounceMovesOn(b *bench) {
	mat, d, mail := b.tellsByMail(true)
	b.bounce(d.ID, "5.1.1", channels.Unreachable)
	l := b.leaseOne()
	b.equal("goes on as", []any{l.Message.To, l.Message.Text}, []any{sms("2"), "there is news"})
	b.equal("woken for", b.wokenFor(), gateway.Returned{Matter: mat.ID, What: channels.Failed, Channel: "email", Next: "sms", Code: "5.1.1"}.Subject())
	b.settle(l, nil)
	b.bounce(d.ID, "5.1.1", channels.Unreachable)
	b.equal("moved again", len(b.lease(10)), 0)
	b.equal("woken again", len(b.woken(9)), 0)
	t := b.heard(sms("2"), "hello")
	i := slices.IndexFunc(t.Contact.Reaches, func(r gateway.Reach) bool { return r.Address == mail })
	b.equal("the address is dead", t.Contact.Reaches[i].Dead, true)
}

// bounceOfAReply moves nothing, and the office hears of it; a text that fails is not told.
func bounceOfAReply(b *bench) {
	mat, d, mail := b.tellsByMail(false)
	b.bounce(d.ID, "5.2.2 full@mailbox", channels.Rejected)
	b.equal("moved", len(b.lease(10)), 0)
	b.equal("woken for", b.wokenFor(), mat.ID+"/failed/email//5.2.2.full.mailbox")
	t := b.heard(mail, "hello")
	i := slices.IndexFunc(t.Contact.Reaches, func(r gateway.Reach) bool { return r.Address == mail })
	b.equal("the address is dead", t.Contact.Reaches[i].Dead, false)
	o := answer(t)
	text := b.delivery(sms("2"), "there is news")
	text.Matter = mat.ID
	o.Deliveries = []gateway.Delivery{text}
	b.must(b.Commit(b.Context(), o))
	b.settle(b.leaseOne(), failure(channels.Rejected))
	b.equal("woken for a text", len(b.woken(9)), 0)
}

// delaysAreNoted once a delivery, and the final word still counts.
func delaysAreNoted(b *bench) {
	mat, d, _ := b.tellsByMail(true)
	late := channels.Receipt{MessageID: d.ID, State: channels.Delayed, Err: &channels.Error{Kind: channels.Temporary, Code: "4.4.1"}}
	b.must(b.Report(b.Context(), late))
	b.must(b.Report(b.Context(), late))
	b.equal("moved", len(b.lease(10)), 0)
	b.equal("woken for", b.wokenFor(), mat.ID+"/delayed/email//4.4.1")
	b.must(b.Report(b.Context(), late))
	b.equal("woken again", len(b.woken(9)), 0)
	b.must(b.Report(b.Context(), channels.Receipt{MessageID: d.ID, State: channels.Delivered}))
	b.must(b.Report(b.Context(), late))
	b.equal("delivered", b.counts().Delivered, 1)
	b.equal("woken for what has arrived", len(b.woken(9)), 0)
}

// complaintsStopLists: the address is silent for lists, and stays reachable for what must be told.
func complaintsStopLists(b *bench) {
	mat, d, mail := b.tellsByMail(true)
	complaint := channels.Receipt{MessageID: d.ID, State: channels.Complained}
	b.must(b.Report(b.Context(), complaint))
	b.must(b.Report(b.Context(), complaint))
	b.equal("moved", len(b.lease(10)), 0)
	b.equal("woken for", strings.Split(b.wokenFor(), "/")[:3], []string{mat.ID, "complained", "email"})
	b.must(b.Report(b.Context(), complaint))
	b.equal("woken again", len(b.woken(9)), 0)
	t := b.heard(sms("2"), "hello")
	i := slices.IndexFunc(t.Contact.Reaches, func(r gateway.Reach) bool { return r.Address == mail })
	r := t.Contact.Reaches[i]
	b.equal("stopped, blocked, dead", []bool{r.Stopped, r.Blocked, r.Dead}, []bool{true, false, false})
	b.equal("in the ledger", len(t.Standing), 2)
	b.equal("it counts as sent", b.counts().Failed, 0)
}
