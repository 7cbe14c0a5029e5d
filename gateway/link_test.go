package gateway_test

import (
	"testing"

	"gatehouse/channels"
	"gatehouse/gateway"
)

func TestLinkAMailAddress(t *testing.T) {
	c := newTown(t)
	has(t, c.sms("LINK"), "LINK jo@example.org")
	has(t, c.sms("link jane@NORTHDOCK.example"), "6-digit code", "j***@northdock.example")
	if len(c.last.Joins) != 0 {
		t.Fatal("linked before it was proved")
	}
	has(t, c.sms("000000"), "not the code")
	has(t, c.sms("481 920"), "j***@northdock.example is linked", "One case came with it")
	if j := c.last.Joins; len(j) != 1 || j[0] != (gateway.Join{Address: clerk, Contact: "c2", Version: 7}) {
		t.Errorf("joins %+v", j)
	}
	has(t, c.sms("LINK jane@northdock.example"), "linked already")
}

func TestLinkKeepsWhatWasSaidOfTheAddress(t *testing.T) {
	c := newTown(t)
	c.others = append(c.others, gateway.Contact{ID: "c3", Version: 2, Reaches: []gateway.Reach{{Address: stranger, Stopped: true, Blocked: true}}})
	has(t, c.sms("LINK 07700 900777"), "***777")
	c.sms("481920")
	r := c.contact.Reaches[len(c.contact.Reaches)-1]
	if r.Address != stranger || !r.Stopped || !r.Blocked {
		t.Errorf("the address becomes %+v", r)
	}
}

func TestLinkWantsAHomeNumber(t *testing.T) {
	c := newTown(t)
	for _, s := range []string{"LINK +33612345678", "LINK 0044", "LINK a@b", "LINK 1", "LINK +8817700900777"} {
		has(t, c.sms(s), "no phone number of this country")
	}
	if len(c.sent) != 0 {
		t.Errorf("%d codes", len(c.sent))
	}
}

func TestCodesAreNoPump(t *testing.T) {
	c := newTown(t)
	for i := range 20 {
		c.sms("LINK 0770090" + string(rune('0'+i%10)) + "77" + string(rune('0'+i/10)))
	}
	if len(c.sent) > gateway.CodesPerHour {
		t.Errorf("%d codes within an hour", len(c.sent))
	}
}

// TestSharedNumber: Telegram's button proves a number when the number is the sharer's own, and only then.
func TestSharedNumber(t *testing.T) {
	c := newTown(t)
	c.contact.Reaches = []gateway.Reach{{Address: bot, Introduced: true}}
	mine := gateway.Contact{ID: "c2", Version: 3, Reaches: []gateway.Reach{{Address: phone}}}
	c.others[0] = mine
	share := func(own bool) string {
		return c.ask(channels.Message{From: bot, To: channels.Address{Channel: "chat", Value: "b"}, Phone: &channels.Phone{Number: phone.Value, Own: own}})
	}
	c.chat("/start " + reference(2))
	has(t, share(false), "not your own")
	if len(c.last.Joins)+len(c.last.Codes) != 0 {
		t.Error("a number of another was linked")
	}
	c.chat("/start " + reference(2))
	has(t, share(true), "Goods declaration", reference(2))
	if j := c.last.Joins; len(j) != 1 || j[0].Contact != "c2" {
		t.Errorf("joins %+v", j)
	}
}

func TestSharedNumberIsNotOnTheCase(t *testing.T) {
	c := newTown(t)
	c.contact.Reaches = []gateway.Reach{{Address: bot, Introduced: true}}
	c.chat("/start " + reference(2))
	got := c.ask(channels.Message{From: bot, To: channels.Address{Channel: "chat", Value: "b"}, Phone: &channels.Phone{Number: phone.Value, Own: true}})
	has(t, got, "not on "+reference(2), "STATUS "+reference(2))
	lacks(t, got, "Goods", "rows")
	has(t, c.chat("STATUS "+reference(2)), "j***@northdock.example")
	has(t, c.chat("٤٨١٩٢٠"), "18 rows")
}
