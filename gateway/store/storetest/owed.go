package storetest

import (
	"context"
	"fmt"
	"slices"
	"time"

	"gatehouse/channels"
	"gatehouse/gateway"
)

func (b *bench) settle(l gateway.Leased, change func(*gateway.Settlement)) {
	b.Helper()
	s := gateway.Settlement{ID: l.ID, Fence: l.Fence, Receipt: channels.Receipt{MessageID: l.ID, State: channels.Accepted, At: b.clock.now()}}
	if change != nil {
		change(&s)
	}
	b.must(b.Settle(b.Context(), []gateway.Settlement{s}))
}

func failure(k channels.Kind) func(*gateway.Settlement) {
	return func(s *gateway.Settlement) { s.Receipt, s.Err = channels.Receipt{}, &channels.Error{Kind: k} }
}

func lease(b *bench) {
	c := b.owe(sms("1"), func(d *gateway.Delivery) {
		d.Matter, d.Must, d.Message.Watched = "matter", true, true
		d.Message.Options = []channels.Option{{Label: "l", Value: "v"}}
		d.Message.Source = &channels.Source{Title: "t", URL: "u"}
	}, "hello")
	l := b.leaseOne()
	b.equal("queue", l.Message.Queue, channels.Reply)
	b.equal("fields", fmt.Sprint(l.Contact, l.Matter, l.Must, l.Attempt, l.Since, l.Message.ID), fmt.Sprint(c.ID, "matter", true, 1, time.Time{}, l.ID))
	b.equal("message", fmt.Sprint(l.Message.To, l.Message.Text, l.Message.Lang, l.Message.Watched, l.Message.Options, *l.Message.Source), fmt.Sprint(sms("1"), "hello", "en", true, []channels.Option{{Label: "l", Value: "v"}}, channels.Source{Title: "t", URL: "u"}))
	b.equal("leased again", len(b.lease(10)), 0)
	b.settle(l, nil)
	n := b.counts()
	b.equal("owed and accepted", fmt.Sprint(n.Owed, n.Accepted), "0 1")
	b.owe(sms("1"), func(d *gateway.Delivery) { d.Due = b.clock.now().Add(time.Hour) }, "later")
	b.equal("before its time", len(b.lease(10)), 0)
	b.owe(sms("2"), func(d *gateway.Delivery) { d.Queue = channels.Notice }, "notice")
	b.equal("another queue", len(b.lease(10)), 0)
	b.clock.forward(time.Hour)
	b.equal("in time", b.leaseOne().Message.Text, "later")
}

func leaseRunsOut(b *bench) {
	b.owe(sms("1"), nil, "hello")
	first := b.leaseOne()
	at := b.clock.now()
	b.clock.forward(time.Minute)
	second := b.leaseOne()
	b.equal("since", second.Since, at)
	b.equal("attempt", second.Attempt, 2)
	b.settle(first, nil)
	b.equal("a lease that ran out settles nothing", b.counts().Owed, 1)
	b.clock.forward(time.Minute)
	third := b.leaseOne()
	b.equal("since the first", third.Since, at)
	b.settle(third, func(s *gateway.Settlement) {
		failure(channels.Temporary)(s)
		s.Again = b.clock.now()
	})
	b.equal("after a word", b.leaseOne().Since, time.Time{})
}

func leaseOrder(b *bench) {
	b.owe(sms("1"), nil, "a1", "a2", "a3")
	b.owe(sms("2"), nil, "b1", "b2")
	for _, want := range [][]string{{"a1", "b1"}, {"a2", "b2"}, {"a3"}, nil} {
		var texts []string
		got := b.lease(10)
		for _, l := range got {
			texts = append(texts, l.Message.Text)
		}
		b.equal("leased", texts, want)
		for _, l := range got {
			b.settle(l, nil)
		}
	}
}

func retry(b *bench) {
	b.owe(sms("1"), nil, "one", "two")
	l := b.leaseOne()
	b.settle(l, func(s *gateway.Settlement) {
		failure(channels.Throttled)(s)
		s.Again = b.clock.now().Add(time.Minute)
	})
	b.equal("put off, and what follows waits", len(b.lease(10)), 0)
	b.clock.forward(time.Minute)
	l = b.leaseOne()
	b.equal("text", l.Message.Text, "one")
	b.equal("attempt", l.Attempt, 2)
	at := b.clock.now()
	b.settle(l, func(s *gateway.Settlement) {
		failure(channels.Temporary)(s)
		s.Err.Uncertain = true
		s.Again = b.clock.now().Add(time.Minute)
	})
	b.clock.forward(time.Minute)
	l = b.leaseOne()
	b.equal("the carrier is asked first", l.Since, at)
	b.settle(l, failure(channels.Rejected))
	b.equal("failed", b.counts().Failed, 1)
	b.equal("the next goes on", b.leaseOne().Message.Text, "two")
}

func receipts(b *bench) {
	b.owe(sms("1"), nil, "one", "two", "three")
	report := func(r channels.Receipt) {
		b.Helper()
		b.must(b.Report(b.Context(), r))
	}
	l := b.leaseOne()
	b.settle(l, func(s *gateway.Settlement) { s.Receipt.CarrierID = "SM1" })
	report(channels.Receipt{CarrierID: "SM1", State: channels.Delivered})
	report(channels.Receipt{MessageID: l.ID, State: channels.Failed})
	report(channels.Receipt{MessageID: l.ID, State: channels.Accepted})
	n := b.counts()
	b.equal("the first final word stays", fmt.Sprint(n.Accepted, n.Delivered, n.Failed), "0 1 0")
	l = b.leaseOne()
	report(channels.Receipt{MessageID: l.ID, State: channels.Accepted}) // before the settle: it is with the carrier
	n = b.counts()
	b.equal("accepted by report", fmt.Sprint(n.Owed, n.Accepted), "1 1")
	next := b.leaseOne()
	b.equal("the next goes on", next.Message.Text, "three")
	b.settle(l, func(s *gateway.Settlement) { s.Receipt.CarrierID = "SM2" })
	report(channels.Receipt{CarrierID: "SM2", State: channels.Failed})
	b.equal("by the carrier's id", b.counts().Failed, 1)
	b.settle(next, func(s *gateway.Settlement) { s.Receipt.State = channels.Delivered })
	b.equal("delivered at once", b.counts().Delivered, 2)
	report(channels.Receipt{})
}

func earlyReceipts(b *bench) {
	b.owe(sms("1"), nil, "one", "two")
	l := b.leaseOne()
	for _, s := range []channels.State{channels.Accepted, channels.Delivered, channels.Failed} {
		b.must(b.Report(b.Context(), channels.Receipt{CarrierID: "SM1", State: s, At: b.clock.now()}))
	}
	b.settle(l, func(s *gateway.Settlement) { s.Receipt.CarrierID = "SM1" })
	b.equal("delivered", b.counts().Delivered, 1)
	b.must(b.Report(b.Context(), channels.Receipt{CarrierID: "SM2", State: channels.Delivered}))
	b.clock.forward(25 * time.Hour)
	b.must(b.Report(b.Context(), channels.Receipt{CarrierID: "SM3", State: channels.Delivered})) // clears what is over a day old
	b.settle(b.leaseOne(), func(s *gateway.Settlement) { s.Receipt.CarrierID = "SM2" })
	b.equal("after a day", fmt.Sprint(b.counts().Accepted, b.counts().Delivered), "1 1")
}

// person makes one contact with several addresses, the last one heard most lately.
func (b *bench) person(addresses ...channels.Address) gateway.Contact {
	b.Helper()
	t := b.heard(addresses[0], "hello")
	o := answer(t)
	for _, a := range addresses[1:] {
		b.clock.forward(time.Second)
		o.Contact.Reaches = append(o.Contact.Reaches, gateway.Reach{Address: a, Heard: b.clock.now()})
	}
	b.must(b.Commit(b.Context(), o))
	return o.Contact
}

func mustMoves(b *bench) {
	phone, mail, web, chat := sms("1"), channels.Address{Channel: "email", Value: "a@b.example"}, channels.Address{Channel: "web", Value: "s"}, channels.Address{Channel: "chat", Value: "7"}
	c := b.person(mail, chat, web, phone)
	d := b.delivery(phone, "decision")
	d.Must, d.Message.From = true, channels.Address{Channel: "sms", Value: "+1"}
	d.Message.Files = []channels.File{fileOf("receipt.pdf", lump(90_000))}
	b.must(b.Commit(b.Context(), gateway.Outcome{Contact: c, Deliveries: []gateway.Delivery{d}}))
	var ids []string
	for i, want := range []channels.Address{phone, chat, mail, web} {
		l := b.leaseOne()
		ids = append(ids, l.ID)
		b.equal("goes to", l.Message.To, want)
		b.equal("text", l.Message.Text, "decision")
		b.equal("file", len(b.readFile(l.Message.Files[0])), 90_000)
		if i > 0 && !l.Message.From.IsZero() {
			b.Errorf("a message from %v goes out on %s", l.Message.From, want.Channel)
		}
		kind := []channels.Kind{channels.Stopped, channels.Rejected, channels.Unreachable, channels.Temporary}[i]
		b.settle(l, failure(kind))
		b.must(b.Report(b.Context(), channels.Receipt{MessageID: l.ID, State: channels.Failed})) // a late word changes nothing
	}
	b.equal("nowhere left", len(b.lease(10)), 0)
	b.equal("failed", b.counts().Failed, 4)
	if len(ids[1]) != 26 || ids[0] == ids[1] {
		b.Errorf("ids %v", ids)
	}
	_, err := b.File(b.Context(), shaOf(lump(90_000)))
	b.is("the file when nobody is owed it", err, gateway.ErrNotFound)
	// A plain delivery ends where it failed.
	b.must(b.Commit(b.Context(), gateway.Outcome{Contact: c, Deliveries: []gateway.Delivery{b.delivery(chat, "chat")}}))
	b.settle(b.leaseOne(), failure(channels.Rejected))
	b.equal("moved", len(b.lease(10)), 0)
}

// movedInCompany settles together what fails at one address and what ends at the one it moves to.
func movedInCompany(b *bench) {
	c := b.person(sms("2"), sms("1"))
	d := b.delivery(sms("1"), "decision")
	d.Must = true
	b.must(b.Commit(b.Context(), gateway.Outcome{Contact: c, Deliveries: []gateway.Delivery{d, b.delivery(sms("2"), "other")}}))
	var list []gateway.Settlement
	for _, l := range b.lease(10) {
		s := gateway.Settlement{ID: l.ID, Fence: l.Fence}
		if l.ID == d.ID {
			s.Err = &channels.Error{Kind: channels.Unreachable}
		}
		list = append(list, s)
	}
	slices.SortFunc(list, func(x, _ gateway.Settlement) int { return map[bool]int{true: -1, false: 1}[x.Err != nil] })
	b.must(b.Settle(b.Context(), list))
	l := b.leaseOne()
	b.equal("moved", []any{l.Message.To, l.Message.Text}, []any{sms("2"), "decision"})
	b.settle(l, nil)
	b.equal("nothing left", len(b.lease(10)), 0)
}

func stoppedAndDead(b *bench) {
	c := b.owe(sms("1"), nil, "one", "two")
	b.settle(b.leaseOne(), failure(channels.Stopped))
	t := b.heard(sms("1"), "hello?")
	b.equal("stopped and blocked", fmt.Sprint(t.Contact.Reaches[0].Stopped, t.Contact.Reaches[0].Blocked, t.Contact.Reaches[0].Dead), "true true false")
	if t.Contact.Version <= c.Version {
		b.Errorf("version %d after %d", t.Contact.Version, c.Version)
	}
	o := answer(t)
	o.Contact.Reaches[0].Stopped, o.Contact.Reaches[0].Blocked = false, false
	b.must(b.Commit(b.Context(), o))
	l := b.leaseOne()
	b.settle(l, nil)
	b.must(b.Report(b.Context(), channels.Receipt{MessageID: l.ID, State: channels.Failed, Err: &channels.Error{Kind: channels.Unreachable}}))
	t = b.heard(sms("1"), "again")
	b.equal("dead", fmt.Sprint(t.Contact.Reaches[0].Stopped, t.Contact.Reaches[0].Dead), "false true")
}

func history(b *bench) {
	web := channels.Address{Channel: "web", Value: "session"}
	c := b.owe(web, nil, "one", "two", "three")
	b.must(b.Commit(b.Context(), gateway.Outcome{Contact: c, Deliveries: []gateway.Delivery{b.delivery(web, "four"), b.delivery(sms("1"), "aside")}}))
	lines, err := b.After(b.Context(), web, 0, 10)
	b.must(err)
	for i, text := range []string{"one", "two", "three", "four"} {
		b.equal("line", fmt.Sprint(lines[i].Seq, lines[i].Message.Text), fmt.Sprint(i+1, text))
	}
	lines, err = b.After(b.Context(), web, 1, 2)
	b.must(err)
	b.equal("two after one", fmt.Sprint(len(lines), lines[0].Seq, lines[1].Seq), "2 2 3")
	lines, err = b.After(b.Context(), sms("1"), 0, 10)
	b.must(err)
	b.equal("of an address without history", len(lines), 0)
}

func historyCrowd(b *bench) {
	web := channels.Address{Channel: "web", Value: "session"}
	c := b.owe(web, nil, "first")
	crowd(16, func(int) {
		for range 5 {
			d := b.delivery(web, "x")
			for range 2 { // and the same once more: no gap
				if err := b.Commit(context.Background(), gateway.Outcome{Contact: c, Deliveries: []gateway.Delivery{d}}); err != nil {
					b.Error(err)
				}
			}
		}
	})
	lines, err := b.After(b.Context(), web, 0, 1000)
	b.must(err)
	b.equal("lines", len(lines), 81)
	for i, l := range lines {
		if l.Seq != uint64(i+1) {
			b.Fatalf("line %d has number %d", i+1, l.Seq)
		}
	}
}
