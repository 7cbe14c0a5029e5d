package gateway

import (
	"testing"

	"gatehouse/channels"
)

// TestLevel walks the table at Level.
func TestLevel(t *testing.T) {
	const north, south = "12-345678-C", "21-000417-R"
	from := channels.Address{Channel: byMail, Value: "customs@northdock.example"}
	for _, c := range []struct {
		registered, linked bool
		trust              channels.Trust
		company            string
		want               Level
	}{
		{true, false, channels.Signed, north, CompanySigned},
		{true, false, channels.DomainVerified, north, ByCompany},
		{true, false, channels.DomainVerified, "", ByCompany},
		{true, false, channels.Unverified, north, Known},
		{true, true, channels.DomainVerified, south, Known},
		{true, false, channels.DomainVerified, south, OfDomain}, // a third party
		{true, false, channels.Signed, south, OfDomain},
		{true, false, channels.Unverified, south, Unverified},
		{false, true, channels.Unverified, north, Known},
		{false, true, channels.DomainVerified, "", Known},
		{false, false, channels.DomainVerified, north, OfDomain},
		{false, false, channels.Unverified, "", Unverified},
	} {
		turn := Turn{Message: channels.Message{From: from, Trust: c.trust}, Contact: Contact{Reaches: []Reach{{Address: from}}}}
		if c.registered {
			turn.Register = []Registered{{Company: north, Address: from.Value}}
		}
		if c.linked {
			turn.Contact.Reaches = append(turn.Contact.Reaches, Reach{Address: channels.Address{Channel: bySMS, Value: "+447700900123"}})
		}
		got := turn.level(c.company)
		if got != c.want {
			t.Errorf("%+v is %s", c, got)
		}
		if enough := got == CompanySigned || got == ByCompany; got.Enough() != enough {
			t.Errorf("%s is enough: %v", got, !enough)
		}
	}
	sms := Turn{Message: channels.Message{From: channels.Address{Channel: bySMS}, Trust: channels.CarrierVerified}}
	if got := sms.level(north); got != "carrier" {
		t.Errorf("a text message is %s", got)
	}
}
