package storetest

import (
	"time"

	"gatehouse/channels"
	"gatehouse/gateway"
)

// broadcasts owes one delivery of a broadcast, and says whether the carrier took it.
func (b *bench) broadcasts(to channels.Address, broadcast, text string, taken bool) gateway.Contact {
	c := b.owe(to, func(d *gateway.Delivery) { d.Broadcast, d.Queue, d.Due = broadcast, channels.Broadcast, b.clock.now() }, text)
	if taken {
		list, err := b.Lease(b.Context(), channels.Broadcast, b.clock.now(), 10, time.Minute)
		b.must(err)
		for _, l := range list {
			b.must(b.Settle(b.Context(), []gateway.Settlement{{ID: l.ID, Fence: l.Fence, Receipt: channels.Receipt{CarrierID: "C-" + l.ID, State: channels.Accepted, At: b.clock.now()}}}))
		}
	}
	return c
}

func (b *bench) told(by channels.Address) *gateway.Told {
	r, err := b.Learn(b.Context(), gateway.Wanted{Told: true}, by)
	b.must(err)
	return r.Told
}

func (b *bench) nods(from channels.Address, broadcast string) gateway.Outcome {
	o := answer(b.heard(from, "ok"))
	o.Nod = broadcast
	b.must(b.Commit(b.Context(), o))
	return o
}

// nods: the last broadcast that reached an address is known for a day, with whether it was answered, and each bare word
// is counted on it.
func nods(b *bench) {
	b.broadcasts(sms("1"), "B1", "storm", true)
	b.clock.forward(time.Minute)
	b.broadcasts(sms("1"), "B2", "flood", true)
	b.clock.forward(time.Minute)
	if got := b.told(sms("2")); got != nil {
		b.Errorf("a stranger was told %+v", got)
	}
	got := b.told(sms("1"))
	b.equal("told", *got, gateway.Told{Broadcast: "B2", Text: "flood", At: b.clock.now().Add(-time.Minute)})
	b.nods(sms("1"), "B2")
	b.nods(sms("1"), "B2")
	b.equal("answered", b.told(sms("1")).Answered, true)
	b.equal("counted", b.counts().Nods, 2)
	b.broadcasts(sms("3"), "B2", "flood", false)
	if got := b.told(sms("3")); got != nil {
		b.Errorf("what did not leave yet was told: %+v", got)
	}
	b.clock.forward(24 * time.Hour)
	if got := b.told(sms("1")); got != nil {
		b.Errorf("a day later %+v", got)
	}
}

// nodsMove: what was said goes along when contacts merge, and goes when its person is forgotten.
func nodsMove(b *bench) {
	b.broadcasts(sms("1"), "B1", "storm", true)
	b.broadcasts(sms("2"), "B1", "storm", true)
	b.clock.forward(time.Minute)
	b.nods(sms("1"), "B1")
	b.nods(sms("2"), "B1")
	o := answer(b.heard(sms("2"), "link"))
	o.Contact.Reaches = append(o.Contact.Reaches, gateway.Reach{Address: sms("1")})
	b.must(b.Commit(b.Context(), o))
	b.equal("counted", b.counts().Nods, 2)
	b.equal("answered", b.told(sms("1")).Answered, true)
	o = answer(b.heard(sms("2"), "forget me"))
	o.Forget = true
	b.must(b.Commit(b.Context(), o))
	b.equal("of a forgotten person", b.counts().Nods, 0)
}
