package storetest

import (
	"slices"
	"time"

	"gatehouse/channels"
	"gatehouse/gateway"
)

// sendAll leases, and sends what may go or puts it off, as the sender does; it gives the texts that went.
func (b *bench) sendAll() []string {
	b.Helper()
	var went []string
	for range 100 {
		leased := b.lease(10)
		if len(leased) == 0 {
			return went
		}
		for _, l := range leased {
			wait, err := b.Automatic(b.Context(), l.ID, l.Message.To, b.clock.now())
			b.must(err)
			if wait > 0 {
				b.settle(l, func(s *gateway.Settlement) {
					s.Err, s.Again, s.Untried = &channels.Error{Kind: channels.Throttled}, b.clock.now().Add(wait), true
				})
				continue
			}
			went = append(went, l.Message.Text)
			b.settle(l, nil)
		}
	}
	b.Fatal("the outbox never rests")
	return nil
}

// automaticMails: five an hour to one address, then one an hour until nothing waits; none is lost, and others go on.
func automaticMails(b *bench) {
	clerk, other := channels.Address{Channel: "email", Value: "jo@northdock.example"}, channels.Address{Channel: "email", Value: "ann@example.net"}
	texts := []string{"1", "2", "3", "4", "5", "6", "7", "8"}
	b.owe(clerk, nil, texts...)
	b.equal("at once", b.sendAll(), texts[:5])
	b.equal("one waits", b.counts().MailsHeld, 1)
	b.owe(other, nil, "a")
	b.equal("another address", b.sendAll(), []string{"a"})
	var sent []time.Time
	for range 16 { // four hours, by quarters
		b.clock.forward(15 * time.Minute)
		for range b.sendAll() {
			sent = append(sent, b.clock.now())
		}
	}
	b.equal("the others", len(sent), 3)
	for i := 1; i < len(sent); i++ {
		b.equal("an hour apart", sent[i].Sub(sent[i-1]) >= time.Hour, true)
	}
	b.equal("waits", b.counts().MailsHeld, 0)
	b.equal("owed", b.counts().Owed, 0)
	b.clock.forward(time.Hour)
	b.owe(clerk, nil, texts[:6]...)
	b.equal("after an hour of rest", b.sendAll(), texts[:5])
}

// automaticMailsSlide: whenever one looks, an hour had no more than five, and what was let go is not counted twice.
func automaticMailsSlide(b *bench) {
	clerk := channels.Address{Channel: "email", Value: "jo@northdock.example"}
	var sent []time.Time
	for i := range 40 {
		b.clock.forward(7 * time.Minute)
		id := "d" + string(rune('A'+i))
		wait, err := b.Automatic(b.Context(), id, clerk, b.clock.now())
		b.must(err)
		if wait < 0 || wait > time.Hour {
			b.Errorf("waits %s", wait)
		}
		if wait > 0 {
			continue
		}
		sent = append(sent, b.clock.now())
		for range 3 { // its lease ran out, and it is tried again
			again, err := b.Automatic(b.Context(), id, clerk, b.clock.now())
			b.must(err)
			b.equal("asked again", again, time.Duration(0))
		}
		within := slices.DeleteFunc(slices.Clone(sent), func(t time.Time) bool { return b.clock.now().Sub(t) >= time.Hour })
		if len(within) > gateway.AutomaticMails {
			b.Fatalf("%d within an hour", len(within))
		}
	}
	if len(sent) < 20 {
		b.Errorf("%d of 40 went in %s", len(sent), 40*7*time.Minute)
	}
}
