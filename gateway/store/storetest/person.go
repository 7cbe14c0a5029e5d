package storetest

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"gatehouse/channels"
	"gatehouse/exchange"
	"gatehouse/exchange/service"
	"gatehouse/gateway"
	"gatehouse/gateway/consent"
)

func (b *bench) draft() *gateway.Draft {
	return &gateway.Draft{ID: b.id(), Address: sms("1"), Form: service.Draft{Service: "bulky"}, Touched: b.clock.now()}
}

func draft(b *bench) {
	t := b.heard(sms("1"), "begin")
	o := answer(t)
	o.Draft = b.draft()
	b.must(b.Commit(b.Context(), o))
	t = b.heard(sms("1"), "go on")
	b.equal("draft", t.Draft.ID, o.Draft.ID)
	o = answer(t)
	o.Draft = t.Draft
	o.Draft.Form.At = 3
	b.must(b.Commit(b.Context(), o))
	t = b.heard(sms("1"), "another")
	b.equal("changed", t.Draft.Form.At, 3)
	o = answer(t)
	o.Draft = b.draft()
	b.must(b.Commit(b.Context(), o))
	t = b.heard(sms("1"), "drop")
	b.equal("replaced", t.Draft.ID, o.Draft.ID)
	o = answer(t)
	o.DropDraft = true
	b.must(b.Commit(b.Context(), o))
	if t = b.heard(sms("1"), "and now"); t.Draft != nil {
		b.Errorf("draft %+v after it was dropped", t.Draft)
	}
}

func draftFiles(b *bench) {
	photo := lump(100_000)
	m := b.message("sms:1", sms("1"), "photo")
	m.Files = []channels.File{fileOf("photo", photo), fileOf("other", lump(70_000))}
	b.accept(m)
	t := b.claimOne()
	o := answer(t)
	o.Draft = b.draft()
	o.Draft.Files = t.Message.Files
	b.must(b.Commit(b.Context(), o))
	t = b.heard(sms("1"), "go on")
	b.equal("files", len(t.Draft.Files), 2)
	if !bytes.Equal(b.readFile(t.Draft.Files[0]), photo) {
		b.Error("the draft's file is another")
	}
	o = answer(t)
	o.Draft = t.Draft
	o.Draft.Files = o.Draft.Files[:1]
	b.must(b.Commit(b.Context(), o))
	_, err := b.File(b.Context(), shaOf(lump(70_000)))
	b.is("a file taken out", err, gateway.ErrNotFound)
	t = b.heard(sms("1"), "drop")
	o = answer(t)
	o.DropDraft = true
	b.must(b.Commit(b.Context(), o))
	_, err = b.File(b.Context(), shaOf(photo))
	b.is("a dropped draft's file", err, gateway.ErrNotFound)
}

func matters(b *bench) {
	var last gateway.Matter
	for i := range gateway.MaxMatters + 3 {
		b.clock.forward(time.Minute)
		t := b.heard(sms("1"), "file")
		o := answer(t)
		last = b.matter(fmt.Sprintf("PL-%03d", i), sms("1"))
		o.Matters = []gateway.Matter{last}
		b.must(b.Commit(b.Context(), o))
	}
	t := b.heard(sms("1"), "status")
	b.equal("matters", len(t.Matters), gateway.MaxMatters)
	b.equal("newest first", t.Matters[0].ID, last.ID)
	o := answer(t)
	m := t.Matters[0]
	m.State, m.Decision = exchange.Decided, exchange.Granted
	m.Events = append(m.Events, gateway.Event{At: b.clock.now(), State: exchange.Decided, Text: "granted"})
	o.Matters = []gateway.Matter{m}
	b.must(b.Commit(b.Context(), o))
	got, err := b.Tracked(b.Context(), m.Reference)
	b.must(err)
	b.equal("tracked", got, m)
	c, got, err := b.Matter(b.Context(), m.ID)
	b.must(err)
	b.equal("matter", got, m)
	b.equal("contact", c.ID, t.Contact.ID)
	_, err = b.Tracked(b.Context(), "PL-none")
	b.is("unknown reference", err, gateway.ErrNotFound)
	_, _, err = b.Matter(b.Context(), "none")
	b.is("unknown matter", err, gateway.ErrNotFound)
}

func members(b *bench) {
	var want []string
	for i := range 7 {
		t := b.heard(sms(fmt.Sprint(i)), "join")
		o := answer(t)
		note := func(list string, act consent.Act) {
			o.Consents = append(o.Consents, gateway.Consent{Address: sms(fmt.Sprint(i)), List: list, Act: act, Shown: "shown", Said: "join", Source: "person", At: b.clock.now()})
		}
		note("alerts", consent.Granted)
		note("*", consent.Granted)
		if i%3 == 0 {
			note("alerts", consent.Withdrawn)
		} else {
			want = append(want, t.Contact.ID)
		}
		if i == 6 {
			note("*", consent.Withdrawn) // says nothing about the lists
		}
		b.must(b.Commit(b.Context(), o))
	}
	var got []string
	after := ""
	for {
		page, next := b.members("alerts", after, 2)
		for _, c := range page {
			got = append(got, c.ID)
			b.equal("reaches", len(c.Reaches), 1)
		}
		if after = next; after == "" {
			break
		}
	}
	slices.Sort(want)
	b.equal("members", got, want)
	none, _ := b.members("none", "", 10)
	b.equal("of no list", len(none), 0)
}

func merge(b *bench) {
	phone, chat := sms("1"), channels.Address{Channel: "chat", Value: "77"}
	other := b.heard(chat, "from the chat")
	o := answer(other)
	o.Conversation = &gateway.Conversation{Address: chat, Lang: "fr"}
	o.Matters = []gateway.Matter{b.matter("PL-1", chat)}
	o.Draft = b.draft()
	o.Consents = []gateway.Consent{{Address: chat, List: "alerts", Act: consent.Granted, At: b.clock.now()}}
	o.Deliveries = []gateway.Delivery{b.delivery(chat, "a reply of the other")}
	b.must(b.Commit(b.Context(), o))
	b.accept(b.message("chat:2", chat, "waits"))
	held := b.claimOne() // the other contact's next message is under way
	t := b.heard(phone, "my chat is that one")
	o = answer(t)
	o.Contact.Reaches = append(o.Contact.Reaches, gateway.Reach{Address: chat, Heard: b.clock.now()})
	b.must(b.Commit(b.Context(), o))
	b.is("the other's claim", b.Commit(b.Context(), answer(held)), gateway.ErrLost)
	again := b.claimOne()
	b.equal("its message goes on", again.Message.Text, "waits")
	b.equal("as this contact", again.Contact.ID, t.Contact.ID)
	b.equal("reaches", len(again.Contact.Reaches), 2)
	b.equal("language", again.Conversation.Lang, "fr")
	b.equal("matters", len(again.Matters), 1)
	b.equal("lists", gateway.Lists(again.Standing), []string{"alerts"})
	if again.Draft == nil {
		b.Error("the draft is lost")
	}
	b.must(b.Commit(b.Context(), answer(again)))
	b.equal("what was owed", b.leaseOne().Message.Text, "a reply of the other")
	fresh, err := b.Accept(b.Context(), b.message("chat:3", chat, "once more"))
	b.must(err)
	b.equal("fresh", fresh, true)
	b.equal("one contact", b.claimOne().Contact.ID, t.Contact.ID)
}

func sameDelivery(b *bench) {
	c := b.owe(sms("1"), nil, "hello")
	first := b.leaseOne()
	again := gateway.Outcome{Contact: c, Deliveries: []gateway.Delivery{{ID: first.ID, Queue: channels.Reply, Message: channels.Message{To: sms("1"), Text: "again"}}}}
	for range 3 {
		b.must(b.Commit(b.Context(), again))
	}
	b.equal("owed", b.counts().Owed, 1)
	b.must(b.Settle(b.Context(), []gateway.Settlement{{ID: first.ID, Fence: first.Fence}}))
	b.must(b.Commit(b.Context(), again))
	b.equal("owed after it was sent", b.counts().Owed, 0)
	b.equal("leased", len(b.lease(10)), 0)
}
