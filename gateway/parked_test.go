package gateway_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"gatehouse/channels"
	"gatehouse/exchange"
	"gatehouse/gateway"
	"gatehouse/gateway/declaration"
)

const (
	north      = "12-345678-C"
	goodsCSV   = "hs,country,net,gross,value,currency,package\n090121,BR,12.5,13,150.00,EUR,PK1\n"
	goodsLines = "company: " + north + "\nweek: 2026-W47\n"
)

// office is a world whose mails are held against a register.
type office struct {
	*world
	register []gateway.Registered // of the sender
	clerks   []gateway.Registered // of the company
	waits    *gateway.Parked
	today    int
}

func openOffice(t *testing.T) *office {
	w := newWorld(t)
	w.contact.Reaches = []gateway.Reach{{Address: inbox, Introduced: true}}
	w.tokens = func() string { return "token0123456789" }
	return &office{world: w, today: 1}
}

// turn runs one turn as the program does, and keeps what waits as the store does.
func (o *office) turn(t gateway.Turn) string {
	o.t.Helper()
	t.Now, t.NewID, t.NewReference, t.NewToken, t.Contact = o.now, o.newID, o.newReference, o.tokens, o.contact
	t.Conversation, t.Matters, t.Register, t.Attempt = o.convs[inbox], o.matters, o.register, 1
	t.Conversation.Address = inbox
	if want := o.d.Wants(t); want.Parked != "" {
		t.Record = &gateway.Record{Wanted: want, Clerks: o.clerks, ParkedToday: o.today}
		if o.waits != nil && o.waits.ID == want.Parked {
			t.Record.Parked = o.waits
		}
	}
	t = t.Confirmed()
	filing := &declaration.Filing{Services: mustServices(o.t), Heart: o.d}
	var out gateway.Outcome
	var mine bool
	var err error
	if t.Claim.Wake.Kind != "" {
		out = o.d.Wake(t, t.Claim.Wake)
	} else if out, mine, err = filing.Offer(context.Background(), t); !mine && err == nil {
		out, err = o.d.Step(t)
	}
	if err != nil {
		o.t.Fatal(err)
	}
	if out.Park != nil {
		o.waits = out.Park
	}
	if o.waits != nil && out.Unpark == o.waits.ID {
		o.waits = nil
	}
	return o.apply(out)
}

func (o *office) mails(to string, trust channels.Trust, body string, files ...channels.File) string {
	o.t.Helper()
	id := o.newID()
	return o.turn(gateway.Turn{Claim: gateway.Claim{Message: id, Contact: "c1"}, Message: channels.Message{ID: id, From: inbox, At: o.now, Trust: trust,
		To: channels.Address{Channel: "email", Value: to + "@portlumen.example"}, Subject: "Goods Nov wk 47", Text: body, Files: files}})
}

// wakesUp runs the wake of what waits at its time.
func (o *office) wakesUp() string {
	o.t.Helper()
	for _, w := range o.world.wakes {
		if w.Kind == gateway.WakeParked {
			o.now = w.At
			o.sent = nil
			return o.turn(gateway.Turn{Claim: gateway.Claim{Wake: w, Contact: "c1"}})
		}
	}
	o.t.Fatal("nothing is to wake")
	return ""
}

// confirm opens the link that was mailed.
func (o *office) confirm() string {
	o.t.Helper()
	id := o.newID()
	return o.turn(gateway.Turn{Claim: gateway.Claim{Message: id, Contact: "c1"},
		Message: channels.Message{ID: id, From: inbox, To: gateway.ConfirmTo(o.waits.ID), At: o.now, Trust: channels.CarrierVerified}})
}

func (o *office) cases() (n int) {
	for _, c := range o.crossed {
		if _, ok := c.Document.(exchange.Case); ok {
			n++
		}
	}
	return n
}

var northClerks = []gateway.Registered{{Company: north, Name: "Northdock", Address: "second@northdock.example"},
	{Company: north, Name: "Northdock", Address: "admin@northdock.example", Admin: true}}

// TestTrustDecides: what each sender's declaration of goods comes to.
func TestTrustDecides(t *testing.T) {
	own := []gateway.Registered{{Company: north, Name: "Northdock", Address: inbox.Value}}
	other := []gateway.Registered{{Company: "21-000417-N", Name: "Harbour", Address: inbox.Value}}
	for name, c := range map[string]struct {
		register []gateway.Registered
		trust    channels.Trust
		to, body string
		want     string // "filed", "waits" or "told how"
		level    string
	}{
		"company":             {own, channels.DomainVerified, "declare+goods", goodsLines, "filed", "company"},
		"signed":              {own, channels.Signed, "declare+goods", goodsLines, "filed", "company-signed"},
		"From line alone":     {own, channels.Unverified, "declare+goods", goodsLines, "waits", ""},
		"third party":         {other, channels.DomainVerified, "declare+goods", goodsLines, "waits", ""},
		"stranger":            {nil, channels.DomainVerified, "declare+goods", goodsLines, "waits", ""},
		"no company is named": {nil, channels.Unverified, "declare+goods", "week: 2026-W47\n", "told how", ""},
		"dry run":             {nil, channels.Unverified, "test+declare+goods", goodsLines, "told how", ""},
	} {
		o := openOffice(t)
		o.register = c.register
		got := o.mails(c.to, c.trust, c.body, file("goods.csv", "text/csv", goodsCSV))
		outcome := "told how"
		switch {
		case o.cases() > 0:
			outcome = "filed"
		case o.waits != nil:
			outcome = "waits"
		}
		if outcome != c.want {
			t.Errorf("%s: it is %s\n%s", name, outcome, got)
		}
		if outcome == "filed" && o.lastCase().Trust != c.level {
			t.Errorf("%s: filed as %s", name, o.lastCase().Trust)
		}
		if outcome != "filed" && (strings.Contains(got, "W47") || strings.Contains(got, "PK1") || strings.Contains(got, north)) {
			t.Errorf("%s: the reply holds words of the mail:\n%s", name, got)
		}
	}
}

// TestParkedIsConfirmed: the registered addresses get a link without data, and what they confirm has its first time.
func TestParkedIsConfirmed(t *testing.T) {
	o := openOffice(t)
	o.clerks = northClerks
	came := o.now
	o.mails("declare+goods", channels.Unverified, goodsLines, file("goods.csv", "text/csv", goodsCSV))
	o.wakesUp()
	if len(o.sent) != 2 || o.sent[0].Message.To.Value != "admin@northdock.example" || o.sent[1].Message.To.Value != "second@northdock.example" {
		t.Fatalf("asked are %+v", o.sent)
	}
	said := o.sent[0].Message.Text
	for _, want := range []string{"/p/token0123456789", "Northdock, " + north, "j***@northdock.example", "Mon 23 Nov 09:00:00"} {
		if !strings.Contains(said, want) {
			t.Errorf("%q is missing in\n%s", want, said)
		}
	}
	if strings.Contains(said, "W47") || strings.Contains(said, "jo@") || o.last.Passes[0].Kind != gateway.ToConfirm || o.last.Passes[0].Address != inbox {
		t.Errorf("the link %+v comes with\n%s", o.last.Passes, said)
	}
	o.now = o.now.Add(30 * time.Hour)
	got := o.confirm()
	c := o.lastCase()
	if o.waits != nil || !c.FiledAt.Equal(came) || c.Trust != "confirmed" || len(c.Files) != 1 || o.last.Matters[0].FiledAt != came {
		t.Errorf("filed %+v", c)
	}
	if !strings.Contains(got, reference(0)) {
		t.Errorf("the sender is told\n%s", got)
	}
	for _, w := range o.world.wakes {
		if w.Kind == gateway.WakeParked {
			t.Errorf("it wakes again: %+v", w)
		}
	}
	o.waits = &gateway.Parked{ID: "other"}
	id := o.newID()
	if again := o.turn(gateway.Turn{Claim: gateway.Claim{Message: id, Contact: "c1"}, Message: channels.Message{ID: id, From: inbox, To: gateway.ConfirmTo("gone")}}); again != "" || o.cases() != 1 {
		t.Errorf("confirmed twice: %d cases, %s", o.cases(), again)
	}
}

// TestParkedWaitsForTheRegister: while the company has no registered address it is looked for again.
func TestParkedWaitsForTheRegister(t *testing.T) {
	o := openOffice(t)
	came := o.now
	o.mails("declare+goods", channels.Unverified, goodsLines, file("goods.csv", "text/csv", goodsCSV))
	o.wakesUp()
	if len(o.sent) != 0 || o.wakesUp() != "" || o.now.Sub(came) != 6*time.Hour {
		t.Errorf("nobody is there, and %d are asked after %s", len(o.sent), o.now.Sub(came))
	}
	o.clerks = northClerks
	if o.wakesUp(); len(o.sent) != 2 {
		t.Errorf("%d are asked", len(o.sent))
	}
}

// TestParkedLapses: without a word it ends with one, and nothing is filed. Nobody is asked for the sixth mail of a day.
func TestParkedLapses(t *testing.T) {
	o := openOffice(t)
	o.clerks, o.today = northClerks, 6
	o.mails("declare+goods", channels.Unverified, goodsLines, file("goods.csv", "text/csv", goodsCSV))
	o.wakesUp()
	if len(o.sent) != 0 {
		t.Errorf("asked are %+v", o.sent)
	}
	if got := o.wakesUp(); o.waits != nil || o.cases() != 0 || !strings.Contains(got, "has lapsed") {
		t.Errorf("it lapses with\n%s", got)
	}
}

// TestOnlyAdminsNameClerks: the form files from an admin's address; from a clerk's it waits for the word of an admin alone.
func TestOnlyAdminsNameClerks(t *testing.T) {
	const lines = "company: " + north + "\nchange: add a clerk\naddress: mia@northdock.example\n"
	const want = "company=" + north + " change=add address=mia@northdock.example"
	o := openOffice(t)
	o.register = []gateway.Registered{{Company: north, Name: "Northdock", Address: inbox.Value, Admin: true}}
	got := o.mails("declare+clerks", channels.DomainVerified, lines)
	if o.cases() != 1 || answersOf(o.lastCase()) != want || o.lastCase().Trust != "company" {
		t.Fatalf("an admin's form is answered\n%s", got)
	}
	o = openOffice(t)
	o.clerks = northClerks
	o.register = []gateway.Registered{{Company: north, Name: "Northdock", Address: inbox.Value}, {Company: "23-456789-C", Address: inbox.Value, Admin: true}}
	got = o.mails("declare+clerks", channels.DomainVerified, lines)
	if o.cases() != 0 || o.waits == nil || strings.Contains(got, "mia@") {
		t.Fatalf("a clerk's form is answered\n%s", got)
	}
	o.wakesUp()
	if len(o.sent) != 1 || o.sent[0].Message.To.Value != "admin@northdock.example" {
		t.Errorf("asked are %+v", o.sent)
	}
	o.confirm()
	if c := o.lastCase(); answersOf(c) != want || c.Trust != "confirmed" {
		t.Errorf("confirmed as %s, %s", answersOf(c), c.Trust)
	}
}
