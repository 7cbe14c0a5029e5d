package storetest

import (
	"fmt"

	"gatehouse/channels"
	"gatehouse/gateway"
)

// lettersAndLog keeps letters until they are sent, makes one of what no address takes, and chains what clerks do.
func lettersAndLog(b *bench) {
	from := channels.Address{Channel: "counter", Value: "visit1"}
	m := b.message("counter:1", from, "menu")
	m.Desk = &channels.Desk{Clerk: "Counter 1", Name: "Jo", Tell: sms("9")}
	b.accept(m)
	turn := b.claimOne()
	b.equal("desk", *turn.Message.Desk, *m.Desk)
	o := answer(turn)
	mat := b.matter("PL-1", from)
	mat.Tell = gateway.Tell{Address: sms("9")}
	o.Matters = []gateway.Matter{mat}
	o.Letters = []gateway.Letter{{ID: "l1", Matter: mat.ID, Reference: "PL-1", Lang: "en", Text: "decided", At: b.clock.now()}}
	o.Deliveries = []gateway.Delivery{b.delivery(from, "hello")}
	notice := b.delivery(sms("9"), "granted")
	notice.Must, notice.Matter = true, mat.ID
	o.Deliveries = append(o.Deliveries, notice)
	b.must(b.Commit(b.Context(), o))
	if found, err := b.Tracked(b.Context(), "PL-1"); err != nil || found.Tell != mat.Tell {
		b.Errorf("tell is %+v, %v", found.Tell, err)
	}
	if lines, err := b.After(b.Context(), from, 0, 10); err != nil || len(lines) != 1 || lines[0].Seq != 1 {
		b.Errorf("the page reads %v, %v", lines, err)
	}
	for _, l := range b.lease(10) {
		s := gateway.Settlement{ID: l.ID, Fence: l.Fence, Receipt: channels.Receipt{State: channels.Delivered}}
		if l.ID == notice.ID {
			s = gateway.Settlement{ID: l.ID, Fence: l.Fence, Err: &channels.Error{Kind: channels.Rejected}}
		}
		b.must(b.Settle(b.Context(), []gateway.Settlement{s}))
	}
	letters, err := b.Letters(b.Context(), 10)
	b.must(err)
	if len(letters) != 2 || letters[0].Text+letters[1].Text != "decidedgranted" && letters[0].Text+letters[1].Text != "granteddecided" {
		b.Fatalf("letters are %+v", letters)
	}
	for range 2 {
		b.must(b.Posted(b.Context(), "l1", "ana", b.clock.now()))
	}
	if letters, err = b.Letters(b.Context(), 10); err != nil || len(letters) != 1 || letters[0].Text != "granted" {
		b.Errorf("after one was sent: %+v, %v", letters, err)
	}
	crowd(8, func(i int) {
		if err := b.Record(b.Context(), gateway.Deed{At: b.clock.now(), Clerk: "ana", Act: "lookup", Subject: fmt.Sprint("PL-", i)}); err != nil {
			b.Error(err)
		}
	})
	deeds, err := b.Deeds(b.Context(), 0, 100)
	b.must(err)
	if len(deeds) != 8 || deeds[7].N != 8 || deeds[7].Chain == deeds[6].Chain {
		b.Errorf("deeds are %+v", deeds)
	}
	if page, err := b.Deeds(b.Context(), 5, 2); err != nil || len(page) != 2 || page[0].N != 6 {
		b.Errorf("a later page is %+v, %v", page, err)
	}
}
