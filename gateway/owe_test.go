package gateway_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"gatehouse/channels"
	"gatehouse/exchange"
	"gatehouse/gateway"
)

// owing is a clerk's memory of what is to be reminded of, on a clock that goes from wake to wake.
type owing struct {
	*world
	clerks   []gateway.Registered
	declared []string
	due      []gateway.Wake
}

func newOwing(t *testing.T, at time.Time, duties ...exchange.Duty) *owing {
	t.Helper()
	w := clerkWorld(t)
	w.now = at
	o := &owing{world: w, clerks: []gateway.Registered{{Company: "12-345678-C", Name: "Northdock Goods", Address: strings.ToUpper(inbox.Value), Duties: duties}}}
	o.due = []gateway.Wake{{Contact: "c1", Kind: gateway.WakeDue, Subject: "12-345678-C", At: at}}
	return o
}

func goodsDuty(from, until string) exchange.Duty {
	return exchange.Duty{Service: "DEC-GOODS", From: from, Until: until}
}

// run wakes the clerk until then, and gives the subjects of what was sent with their times.
func (o *owing) run(until time.Time) string {
	o.t.Helper()
	sent := len(o.sent)
	var said []string
	for range 200 {
		slices.SortStableFunc(o.due, func(a, b gateway.Wake) int { return a.At.Compare(b.At) })
		if len(o.due) == 0 || o.due[0].At.After(until) {
			break
		}
		wake := o.due[0]
		if wake.At.After(o.now) {
			o.now = wake.At
		}
		turn := gateway.Turn{Now: o.now, NewID: o.newID, NewReference: o.newReference, Contact: o.contact, Matters: o.matters, Claim: gateway.Claim{Wake: wake, Contact: "c1"}}
		if want := o.d.Wants(turn); want != (gateway.Wanted{Owing: "12-345678-C"}) {
			o.t.Fatalf("a wake wants %+v", want)
		}
		turn.Record = &gateway.Record{Clerks: o.clerks, Declared: o.declared}
		out := o.d.Wake(turn, wake)
		o.due = o.due[1:]
		for _, w := range out.Wakes {
			o.due = slices.DeleteFunc(o.due, func(x gateway.Wake) bool { return x.Kind == w.Kind && x.Subject == w.Subject })
			if !w.At.IsZero() {
				o.due = append(o.due, w)
			}
		}
		o.apply(out)
		for ; sent < len(o.sent); sent++ {
			said = append(said, o.now.In(azores(o.t)).Format("01-02 15:04 ")+o.sent[sent].Message.Subject)
		}
	}
	o.now = until
	return strings.Join(said, "\n")
}

func (o *owing) expect(until time.Time, want ...string) {
	o.t.Helper()
	if got := o.run(until); got != strings.Join(want, "\n") {
		o.t.Errorf("until %s\n%s\nwant\n%s", until, got, strings.Join(want, "\n"))
	}
}

// before47 is 20 November 2026, 15:00 where Port Lumen is.
var before47 = time.Date(2026, 11, 20, 16, 0, 0, 0, time.UTC)

// TestMissedWeeksAreRemindedOf: two working days before the due day and one after it, past weekends and City Day
// (30 November), at eight in the morning, by mail, each once.
func TestMissedWeeksAreRemindedOf(t *testing.T) {
	o := newOwing(t, before47, goodsDuty("2026-11-16", ""))
	o.expect(before47.AddDate(0, 0, 17),
		"11-23 08:00 Goods declaration 2026-W47: due Wed 25 Nov",
		"11-26 08:00 Goods declaration 2026-W47: not here yet",
		"12-01 08:00 Goods declaration 2026-W48: due Thu 3 Dec",
		"12-04 08:00 Goods declaration 2026-W48: not here yet",
		"12-07 08:00 Goods declaration 2026-W49: due Wed 9 Dec")
	m := o.sent[0].Message
	if m.To != inbox || m.From.Value != "declare+dec-goods+12-345678-c+2026-w47@portlumen.example" || m.Queue != channels.Notice || !m.Watched {
		t.Errorf("sent as %+v", m)
	}
	o.wants(m.Text, "Northdock Goods, 12-345678-C", "2026-W47 (Mon 16 Nov to Sun 22 Nov) is due on Wed 25 Nov, up to midnight", "Reply NIL", "declare+dec-goods+12-345678-c+2026-w47@")
}

// TestRemindersEnd: with what was filed, with the duty, with the clerk and with the company.
func TestRemindersEnd(t *testing.T) {
	later := before47.AddDate(0, 0, 17)
	for name, c := range map[string]struct {
		change func(*owing)
		want   []string
	}{
		"filed by a colleague": {func(o *owing) {
			o.declared = []string{"DEC-GOODS 2026-W48", "DEC-GOODS 2026-W47", "DEC-GOODS 2026-W49"}
		}, nil},
		"another service": {func(o *owing) {
			o.declared = []string{"DEC-WASTE", "DEC-WASTE 2026-W47", "DEC-GOODS 2026-W48", "DEC-GOODS 2026-W49"}
		}, []string{"11-23 08:00 Goods declaration 2026-W47: due Wed 25 Nov", "11-26 08:00 Goods declaration 2026-W47: not here yet"}},
		"duty ended":                          {func(o *owing) { o.clerks[0].Duties = []exchange.Duty{goodsDuty("2026-11-02", "2026-11-15")} }, nil},
		"duty begins":                         {func(o *owing) { o.clerks[0].Duties = []exchange.Duty{goodsDuty("2026-11-30", "")} }, []string{"12-07 08:00 Goods declaration 2026-W49: due Wed 9 Dec"}},
		"company or clerk suspended, or gone": {func(o *owing) { o.clerks = nil }, nil},
		"another clerk":                       {func(o *owing) { o.clerks[0].Address = "other@northdock.example" }, nil},
		"address bounces":                     {func(o *owing) { o.contact.Reaches[3].Dead = true }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOwing(t, before47, goodsDuty("2026-11-16", ""))
			c.change(o)
			o.expect(later, c.want...)
		})
	}
}

// TestReminderOfWhatIsFiledMeanwhile: the second is not sent once the period is filed, nor the first when it comes too late.
func TestReminderOfWhatIsFiledMeanwhile(t *testing.T) {
	o := newOwing(t, before47, goodsDuty("2026-11-16", "2026-11-22"))
	o.expect(monday.AddDate(0, 0, 1), "11-23 08:00 Goods declaration 2026-W47: due Wed 25 Nov")
	o.declared = []string{"DEC-GOODS 2026-W47"}
	o.expect(monday.AddDate(0, 0, 10))
	o = newOwing(t, before47, goodsDuty("2026-11-16", "2026-11-22"))
	o.now = time.Date(2026, 11, 27, 2, 0, 0, 0, time.UTC) // the gateway was away until the night after
	o.expect(monday.AddDate(0, 0, 10), "11-27 08:00 Goods declaration 2026-W47: not here yet")
}

// TestNilAnswersAReminder: in the clerk's language, and for exactly the period of the reminder, whatever the mail says.
func TestNilAnswersAReminder(t *testing.T) {
	for lang, word := range map[string]string{"en": "NIL", "fr": "NEANT", "ar": "لا شيء", "zh": "无申报"} {
		o := newOwing(t, before47, goodsDuty("2026-11-16", ""))
		o.contact.Lang = lang
		o.run(monday)
		m := o.sent[0].Message
		o.wants(m.Text, word)
		to, _, _ := strings.Cut(m.From.Value, "@")
		o.now = monday.AddDate(0, 0, 7)
		said := o.mail(to, "Re: "+m.Subject, word+"\n\n> week: 2026-W46")
		c := o.lastCase()
		if answersOf(c) != "company=12-345678-C week=2026-W47" || c.Trust != "company" {
			t.Fatalf("%s: filed %s, %s, said %s", lang, answersOf(c), c.Trust, said)
		}
		company, what, ok := o.matters[len(o.matters)-1].Declared()
		if company != "12-345678-C" || what != "DEC-GOODS 2026-W47" || !ok {
			t.Errorf("it is known as %s %s %v", company, what, ok)
		}
	}
}

// TestAReminderProvesNothing: who writes to its address is asked to prove what everybody is.
func TestAReminderProvesNothing(t *testing.T) {
	o := newOwing(t, before47, goodsDuty("2026-11-16", ""))
	o.register, o.trust, o.tokens = nil, channels.Unverified, func() string { return "t" }
	o.mail("declare+dec-goods+12-345678-c+2026-w47", "", "NIL")
	if len(o.crossed) > 0 || o.last.Park == nil || o.last.Park.Company != "12-345678-C" {
		t.Errorf("filed %v, parked %+v", o.crossed, o.last.Park)
	}
	o.register, o.trust = []gateway.Registered{{Company: "12-345678-C"}}, channels.DomainVerified
	said := o.mail("declare+goods+12-345678-c+2026-w47", "Goods", "", file("g.csv", "text/csv", "package,HS code,country,net,gross,value,currency\nPK1,847130,BR,10,12,150.00,EUR\n"))
	if c := o.lastCase(); !strings.HasPrefix(answersOf(c), "company=12-345678-C week=2026-W47 goods=") {
		t.Errorf("rows in reply: %s, %s", answersOf(c), said)
	}
	for to, want := range map[string]string{"declare+goods+12-345678-c": "no declaration of that name", "declare+none+12-345678-c+2026-w47": "no declaration of that name",
		"declare+goods+12-345678-c+2026-w99": "2026-W47"} {
		if got := o.mail(to, "", "NIL"); !strings.Contains(got, want) {
			t.Errorf("%s: %s", to, got)
		}
	}
}
