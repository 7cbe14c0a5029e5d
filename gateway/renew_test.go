package gateway_test

import (
	"testing"
	"time"

	"gatehouse/channels"
	"gatehouse/exchange"
	"gatehouse/gateway"
)

const year = 365 * 24 * time.Hour

// silentTown is a person with a phone and a mail address, an old private case and an old open one, whose phone was silent
// for as long.
func silentTown(t *testing.T, silence time.Duration) *town {
	t.Helper()
	c := newTown(t)
	c.contact.Reaches = []gateway.Reach{{Address: phone, Introduced: true, Heard: monday}, {Address: inbox, Introduced: true, Heard: monday.Add(silence)}}
	c.matters = []gateway.Matter{
		{ID: "m1", Reference: reference(3), Contact: "c1", Service: "SOC-HEAT", Name: "Winter heating grant", Lang: "en", Address: phone, State: exchange.InOA, FiledAt: monday},
		{ID: "m0", Reference: reference(4), Contact: "c1", Service: "STR-LIGHT", Name: "Street light", Lang: "en", Address: phone, State: exchange.InOA, FiledAt: monday},
	}
	c.sms("EN")
	c.now = c.now.Add(silence)
	return c
}

func TestSilentAddressProvesItselfAnew(t *testing.T) {
	c := silentTown(t, year)
	has(t, c.sms("STATUS"), "Is this still your address", "1 send a code to j***@northdock.example", "2 I am new here")
	for _, s := range []string{"MY DATA", "FORGET ME", "STATUS " + reference(3), "GO", "LINK 07700 900777", "BOOK", "REOPEN " + reference(3)} {
		has(t, c.sms(s), "Is this still your address")
		lacks(t, c.world.sent[len(c.world.sent)-1].Message.Text, "Winter", reference(3))
	}
	has(t, c.sms("STATUS "+reference(4)), reference(4)+" Street light")
	has(t, c.sms("how do i get rid of an old sofa"), "Bulky waste")
	c.sms("STATUS")
	has(t, c.sms("1"), "We sent a 6-digit code to j***@northdock.example")
	has(t, c.sms("000000"), "not the code")
	has(t, c.sms("481 920"), "STATUS shows your cases here again")
	has(t, c.sms("STATUS"), reference(3), reference(4))
}

// TestAlmostAYear: up to the last hour of it nothing is asked, and what was said then counts anew.
func TestAlmostAYear(t *testing.T) {
	c := silentTown(t, year-time.Hour)
	has(t, c.sms("STATUS"), reference(3), reference(4))
	c.now = c.now.Add(year - time.Hour)
	has(t, c.sms("STATUS"), reference(3))
}

// TestDoubtLasts: what was said after the silence is no proof.
func TestDoubtLasts(t *testing.T) {
	c := silentTown(t, year)
	c.sms("hello")
	c.now = c.now.Add(24 * time.Hour)
	has(t, c.sms("STATUS"), "Is this still your address")
}

// TestNewOwnerBeginsAnew: whoever has the number now is parted from who had it.
func TestNewOwnerBeginsAnew(t *testing.T) {
	c := silentTown(t, 2*year)
	c.sms("STATUS")
	has(t, c.sms("2"), "You begin anew here")
	if l := c.last.Leaves; len(l) != 1 || l[0] != phone || len(c.contact.Reaches) != 1 || c.contact.Reaches[0].Address != inbox {
		t.Errorf("leaves %v, left %+v", c.last.Leaves, c.contact.Reaches)
	}
}

// TestSilentAloneAddress: without another address no code can go anywhere.
func TestSilentAloneAddress(t *testing.T) {
	c := silentTown(t, year)
	c.contact.Reaches = c.contact.Reaches[:1]
	got := c.sms("STATUS")
	has(t, got, "phone +44", "1 I am new here")
	lacks(t, got, "code")
	has(t, c.sms("1"), "You begin anew here")
	if len(c.sent) != 0 {
		t.Errorf("%d codes", len(c.sent))
	}
}

// TestMarkedNumber: staff's word counts as a year's silence does, at once.
func TestMarkedNumber(t *testing.T) {
	c := silentTown(t, time.Hour)
	c.contact.Reaches[0].Unsure = true
	has(t, c.sms("STATUS"), "Is this still your address")
}

// TestSilentAddressIsNoProof: no code for somebody's case goes to an address that may be another's, and linking it brings
// nothing of them.
func TestSilentAddressIsNoProof(t *testing.T) {
	c := newTown(t)
	c.others[0].Reaches[0].Heard = monday.Add(-year)
	has(t, c.sms("STATUS "+reference(2)), "is not a case of this address")
	has(t, c.sms("LINK jane@northdock.example"), "was silent for long")
	if len(c.sent) != 0 {
		t.Errorf("%d codes", len(c.sent))
	}
}

// TestNoticeToADoubtfulAddress: one that staff marked hears nothing of a case; one that is only silent hears that there is
// word, and no more.
func TestNoticeToADoubtfulAddress(t *testing.T) {
	w := newWorld(t)
	m := gateway.Matter{ID: "m1", Reference: reference(3), Contact: "c1", Service: "PRK-RES", Name: "Parking permit", Lang: "en", Address: phone}
	n := exchange.Notice{Case: "m1", At: w.now, State: exchange.Decided, Decision: exchange.Granted, Text: "The permit is yours."}
	tell := func(r gateway.Reach) gateway.Outcome {
		r.Address = phone
		o, err := w.d.Notice(gateway.Tiding{Now: w.now, NewID: w.newID, Contact: gateway.Contact{ID: "c1", Reaches: []gateway.Reach{r}}, Matter: m}, n)
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	o := tell(gateway.Reach{Heard: w.now, Unsure: true})
	if len(o.Deliveries) != 0 || len(o.Letters) != 1 {
		t.Errorf("a marked number is told %+v, by post %d", o.Deliveries, len(o.Letters))
	}
	o = tell(gateway.Reach{Heard: w.now.Add(-year)})
	if len(o.Deliveries) != 1 {
		t.Fatalf("a silent number is told %+v", o.Deliveries)
	}
	has(t, o.Deliveries[0].Message.Text, "there is word on "+reference(3))
	lacks(t, o.Deliveries[0].Message.Text, "permit", "granted", "Parking")
	o = tell(gateway.Reach{Heard: w.now.Add(time.Hour - year)})
	has(t, o.Deliveries[0].Message.Text, "The permit is yours.")
}

// TestSharedNumberRenews: the carrier's word on a bot user's own number is a proof where that number is the person's.
func TestSharedNumberRenews(t *testing.T) {
	c := newTown(t)
	c.contact.Reaches[1].Unsure = true
	c.matters = []gateway.Matter{{ID: "m1", Reference: reference(3), Contact: "c1", Service: "PRK-RES", Name: "Parking permit", Lang: "en", State: exchange.InOA}}
	has(t, c.chat("STATUS"), "Is this still your address")
	got := c.ask(channels.Message{From: bot, To: channels.Address{Channel: "chat", Value: "b"}, Phone: &channels.Phone{Number: phone.Value, Own: true}})
	has(t, got, "STATUS shows your cases here again")
	has(t, c.chat("STATUS"), reference(3))
}
