package email

import (
	"net"
	"strings"
	"testing"
	"time"

	"gatehouse/channels"
	"gatehouse/channels/channeltest"
)

// TestDeliveryIsConfirmed: who asks for it, and whose domain vouches for the mail, is told; nobody else is.
func TestDeliveryIsConfirmed(t *testing.T) {
	s := newSink(t)
	var in inbox
	c := testConfig(t)
	c.Relay.URL = "smtp://" + s.addr
	c.Origin = Origin{Check: CheckUpstream, ServerID: "mx.city.example", Hosts: []string{"127.0.0.0/8"}}
	_, addr, stop := serve(t, c, &in)
	mail := func(mailed, rcpt, result string) {
		t.Helper()
		d := call(t, addr)
		d.play("S: 220\nC: EHLO x\nS: 250\nC: MAIL FROM:<" + mailed + "> RET=HDRS ENVID=QQ314159\nS: 250\nC: RCPT TO:<help@city.example> " + rcpt + "\nS: 250\nC: DATA\nS: 354")
		d.write(crlf("Authentication-Results: mx.city.example; dmarc=" + result + " header.from=example.net\nFrom: ann@example.net\nSubject: x\n\nhello " + mailed + rcpt + result + "\n.\n"))
		d.play("S: 250 2.0.0")
	}
	const asks = "NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;help+40city.example"
	mail("ann@example.net", "NOTIFY=FAILURE", "pass")
	mail("ann@example.net", "NOTIFY=NEVER", "pass")
	mail("ann@example.net", asks, "fail")  // anybody may have written it
	mail("eve@evil.example", asks, "pass") // and had the answer sent elsewhere
	mail("", "", "pass")
	mail("ann@example.net", asks, "pass")
	channeltest.Eventually(t, "the confirmation", func() bool { return len(s.mails()) == 1 })
	stop()
	if len(s.mails()) != 1 || len(in.Messages()) != 6 || in.Messages()[5].Trust != channels.DomainVerified {
		t.Fatalf("%d confirmations of %d mails", len(s.mails()), len(in.Messages()))
	}
	got := s.mails()[0]
	if got.from != "" || got.to != "ann@example.net" {
		t.Errorf("envelope %q %q", got.from, got.to)
	}
	_, report, err := read(t, crlf(got.raw))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Original-Envelope-Id: QQ314159", "Reporting-MTA: dns; city.example", "Original-Recipient: rfc822;help@city.example", "Final-Recipient: rfc822; help@city.example", "Action: delivered", "Status: 2.0.0"} {
		if !strings.Contains(string(report.report), want) {
			t.Errorf("the report lacks %q:\n%s", want, got.raw)
		}
	}
	if r, counts := verdict(report.report, "id", shared().Now()); !counts || r.State != channels.Delivered || !testBook().looped(report.header) {
		t.Errorf("we read it as %+v", r)
	}
}

// TestEndBeforeTheBegin: a server that is ended before it serves does not serve for ever.
func TestEndBeforeTheBegin(t *testing.T) {
	ch, err := Open(testConfig(t), shared())
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d, server := newDoor(l, ch.config), ch.server(t.Context(), &inbox{})
	ch.drain(server, d, func() {})
	ended := make(chan struct{})
	go func() { defer close(ended); _ = server.Serve(d) }()
	select {
	case <-ended:
	case <-time.After(time.Minute):
		t.Error("it serves although it was ended")
	}
}
