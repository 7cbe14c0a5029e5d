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

// leavesABrowser: what a web session was told is not shown there after its address left, however much it was; what is said
// from then on is, under the numbers that follow.
func leavesABrowser(b *bench) {
	tab := channels.Address{Channel: "web", Value: "s1"}
	o := answer(b.heard(tab, "hello"))
	o.Contact.Reaches = append(o.Contact.Reaches, gateway.Reach{Address: sms("1")})
	const many = 40 // more than a browser reads at a time
	for range many {
		o.Deliveries = append(o.Deliveries, b.delivery(tab, "about your case"))
	}
	b.must(b.Commit(b.Context(), o))
	for range many {
		b.settle(b.leaseOne(), nil)
	}
	o = answer(b.heard(tab, "log out"))
	o.Leaves = []channels.Address{tab}
	for _, r := range o.Contact.Reaches {
		if r.Address != tab {
			o.Contact.Reaches = []gateway.Reach{r}
		}
	}
	o.Deliveries = []gateway.Delivery{b.delivery(tab, "logged out")}
	b.must(b.Commit(b.Context(), o))
	b.settle(b.leaseOne(), nil)
	lines, err := b.After(b.Context(), tab, 0, 32)
	b.must(err)
	if len(lines) != 1 || lines[0].Message.Text != "logged out" || lines[0].Seq != many+1 {
		b.Errorf("after it the page reads %+v", lines)
	}
	b.owe(tab, nil, "who are you")
	lines, err = b.After(b.Context(), tab, many+1, 32)
	b.must(err)
	if len(lines) != 1 || lines[0].Message.Text != "who are you" {
		b.Errorf("then it reads %+v", lines)
	}
}
