package gateway_test

import (
	"strings"
	"testing"
	"time"

	"gatehouse/channels"
	"gatehouse/channels/text"
	"gatehouse/exchange"
	"gatehouse/gateway"
)

// filed files a pickup from an address and gives its matter.
func (w *world) filed(from channels.Address) gateway.Matter {
	w.t.Helper()
	w.say(from, "BOOK 14 Quay St, 1 3, 3 Dec")
	w.say(from, "SEND")
	if len(w.matters) == 0 {
		w.t.Fatal("nothing was filed")
	}
	return w.matters[0]
}

func (w *world) tiding(m gateway.Matter) gateway.Tiding {
	return gateway.Tiding{Now: w.now, NewID: w.newID, Contact: w.contact, Matter: m}
}

func (w *world) notice(m gateway.Matter, n exchange.Notice) string {
	w.t.Helper()
	w.now = w.now.Add(time.Hour)
	n.ID, n.Case, n.Reference, n.At = w.newID(), m.ID, m.Reference, w.now
	o, err := w.d.Notice(w.tiding(m), n)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.apply(o)
}

func TestNotices(t *testing.T) {
	ref := reference(0)
	for name, c := range map[string]struct {
		n     exchange.Notice
		want  string
		must  bool
		state exchange.State
	}{
		"received": {exchange.Notice{State: exchange.Received}, "", false, exchange.Received},
		"in work": {exchange.Notice{State: exchange.InOA, Promise: time.Date(2026, 12, 1, 18, 0, 0, 0, time.UTC)},
			ref + " Bulky waste pickup: in work. Next step by Tue 1 Dec 17:00.", false, exchange.InOA},
		"question": {exchange.Notice{State: exchange.WaitingYou, Text: "Which floor?"},
			ref + " Bulky waste pickup: Which floor? Reply here.", true, exchange.WaitingYou},
		"reply": {exchange.Notice{Text: "We come at 9."}, ref + ": We come at 9.", true, exchange.Queued},
		"granted": {exchange.Notice{State: exchange.Decided, Decision: exchange.Granted, Reason: "The crew comes."},
			ref + " Bulky waste pickup: granted. The crew comes.", true, exchange.Decided},
		"refused": {exchange.Notice{State: exchange.Decided, Decision: exchange.Refused, Reason: "Third pickup this year."},
			ref + " Bulky waste pickup: refused. Third pickup this year. Not right? STATUS within 30 days opens it again.", true, exchange.Decided},
		"reopened": {exchange.Notice{State: exchange.Reopened}, ref + " Bulky waste pickup: open again.", false, exchange.Reopened},
	} {
		w := newWorld(t)
		m := w.filed(phone)
		w.sent = nil
		if got := w.notice(m, c.n); got != c.want {
			t.Errorf("%s says %q, want %q", name, got, c.want)
		}
		if w.matters[0].State != c.state || len(w.matters[0].Events) != 2 {
			t.Errorf("%s leaves the matter %+v", name, w.matters[0])
		}
		if c.want == "" {
			continue
		}
		d := w.sent[0]
		if d.Must != c.must || d.Queue != channels.Notice || d.Matter != m.ID || d.Message.To != phone || d.Message.Reference != ref || d.ID != d.Message.ID {
			t.Errorf("%s is delivered as %+v", name, d)
		}
	}
}

func TestNoticeGoesWhereThePersonWroteLast(t *testing.T) {
	w := newWorld(t)
	m := w.filed(phone)
	w.now = w.now.Add(time.Hour)
	w.say(bot, "hello")
	granted := exchange.Notice{State: exchange.Decided, Decision: exchange.Granted, Reason: "Yes."}
	for i := range w.contact.Reaches { // without a mail address nothing is owed in writing
		w.contact.Reaches[i].Dead = w.contact.Reaches[i].Address == inbox
	}
	w.notice(m, granted)
	if to := w.sent[len(w.sent)-1].Message.To; to != bot {
		t.Errorf("told at %v", to)
	}
	w.say(bot, "STOP")
	w.notice(m, granted)
	if to := w.sent[len(w.sent)-1].Message.To; to != phone {
		t.Errorf("after STOP there, told at %v", to)
	}
	for i := range w.contact.Reaches {
		w.contact.Reaches[i].Dead = w.contact.Reaches[i].Address != bot
	}
	if got := w.notice(m, granted); got == "" || w.sent[len(w.sent)-1].Message.To != bot {
		t.Errorf("a decision is owed even to the only address that said STOP: %q", got)
	}
	if got := w.notice(m, exchange.Notice{State: exchange.Reopened}); got != "" {
		t.Errorf("plain progress after STOP: %q", got)
	}
	for i := range w.contact.Reaches {
		w.contact.Reaches[i].Blocked = true
	}
	if got := w.notice(m, granted); got != "" || w.matters[0].State != exchange.Decided {
		t.Errorf("nobody can be reached, and yet: %q", got)
	}
}

func TestNoticeByMailKeepsTheThread(t *testing.T) {
	w := newWorld(t)
	w.mail("declare+dec-tour", "October", "", *csv(goodCSV))
	w.notice(w.matters[0], exchange.Notice{State: exchange.Decided, Decision: exchange.Granted, Reason: "Paid."})
	m := w.sent[len(w.sent)-1].Message
	if m.To != inbox || m.Subject != "["+reference(0)+"] October" || m.Thread.InReplyTo != "m1@northdock.example" || len(m.Thread.References) != 2 {
		t.Errorf("the mail is %+v", m)
	}
}

func TestAnswerToAQuestionOfTheOffice(t *testing.T) {
	w := newWorld(t)
	m := w.filed(phone)
	w.text("my neighbour parks in the disabled bay is that a fine") // leaves a menu open
	w.notice(m, exchange.Notice{State: exchange.WaitingYou, Text: "Which floor?"})
	w.now = w.now.Add(time.Hour)
	if got := w.text("how do i get rid of an old sofa?"); !strings.HasPrefix(got, "Bulky waste") {
		t.Errorf("a question of one's own gets %q", got)
	}
	if got := w.text("status"); !strings.Contains(got, "We asked: Which floor?") {
		t.Errorf("status says %q", got)
	}
	if got := w.text("the second, on the left"); got != "Added to "+reference(0)+". The office reads it." {
		t.Errorf("the answer gets %q", got)
	}
	a, ok := w.crossed[len(w.crossed)-1].Document.(exchange.Addition)
	if !ok || a.Act != exchange.ActReply || a.Text != "the second, on the left" || a.Case != m.ID {
		t.Errorf("crossed %+v", a)
	}
	if got := w.text("the second, on the left"); strings.HasPrefix(got, "Added") {
		t.Error("words after the answer are no answer any more")
	}
	// A number answers the office, not the menu that was open before it asked.
	w.text("my neighbour parks in the disabled bay is that a fine")
	w.notice(w.matters[0], exchange.Notice{State: exchange.WaitingYou, Text: "How many?"})
	w.now = w.now.Add(time.Hour)
	if got := w.text("2"); !strings.HasPrefix(got, "Added") {
		t.Errorf("a number gets %q", got)
	}
}

func TestReopenWithinThirtyDays(t *testing.T) {
	w := newWorld(t)
	m := w.filed(phone)
	w.notice(m, exchange.Notice{State: exchange.Decided, Decision: exchange.Refused, Reason: "Third this year."})
	if got := w.text("status"); !strings.HasSuffix(got, "refused. Third this year. 1 open it again 2 ask a person") {
		t.Fatalf("status says %q", got)
	}
	w.text("1")
	if got := w.text("It is the second."); !strings.Contains(got, "goes back to the office") {
		t.Errorf("said %q", got)
	}
	if a, ok := w.crossed[len(w.crossed)-1].Document.(exchange.Addition); !ok || a.Act != exchange.ActReopen || a.Text != "It is the second." {
		t.Errorf("crossed %+v", a)
	}
	w.now = w.now.Add(31 * 24 * time.Hour)
	if got := w.text("status"); !strings.HasSuffix(got, "1 ask a person") {
		t.Errorf("after a month: %q", got)
	}
}

func TestRefusedByTheBorder(t *testing.T) {
	words := map[exchange.Reason]string{
		exchange.ReasonForged: "could not be let through", exchange.ReasonSchema: "could not be let through", exchange.ReasonSize: "too large",
		exchange.ReasonFileKind: "because of its kind", exchange.ReasonActive: "because of its kind", exchange.ReasonArchive: "because of its kind",
		exchange.ReasonVirus: "harmful", exchange.ReasonText: "plain words", exchange.ReasonLeak: "could not be let through",
		exchange.ReasonUnrelease: "could not be let through", exchange.ReasonQuota: "too large", exchange.ReasonExpired: "could not be let through",
		exchange.ReasonFailed: "could not be let through", exchange.ReasonPages: "Send fewer pages, or photos",
	}
	for r := exchange.ReasonForged; r <= exchange.LastReason; r++ {
		w := newWorld(t)
		m := w.filed(phone)
		o, err := w.d.Refused(w.tiding(m), r)
		if err != nil {
			t.Fatal(err)
		}
		got := w.apply(o)
		if !strings.Contains(got, words[r]) || !strings.HasPrefix(got, reference(0)) {
			t.Errorf("reason %d says %q", r, got)
		}
		if w.matters[0].State != exchange.Blocked || !o.Deliveries[0].Must {
			t.Errorf("reason %d leaves %s", r, w.matters[0].State)
		}
		if o, err = w.d.Refused(w.tiding(w.matters[0]), r); err != nil || len(o.Deliveries) != 0 || len(o.Matters[0].Events) != len(w.matters[0].Events) {
			t.Errorf("reason %d is told for the file again: %+v, %v", r, o.Deliveries, err)
		}
		if got := w.text("STATUS"); strings.Contains(got, "Next step by") {
			t.Errorf("reason %d still promises something: %q", r, got)
		}
	}
}

func TestLongReasonFitsAnSMSAndStatusTellsItAll(t *testing.T) {
	w := newWorld(t)
	m := w.filed(phone)
	reason := strings.Repeat("The crew could not reach the house because of the road works. ", 20)
	got := w.notice(m, exchange.Notice{State: exchange.Decided, Decision: exchange.Refused, Reason: reason})
	if text.Measure(got).Segments > 3 || !strings.HasSuffix(got, "STATUS") {
		t.Errorf("%d segments: %s", text.Measure(got).Segments, got)
	}
	all := w.text("status")
	for range 10 {
		all += w.text("more")
	}
	if n := strings.Count(all, "road works"); n < 20 {
		t.Errorf("STATUS and MORE tell %d of 20 sentences", n)
	}
}

func TestWebForm(t *testing.T) {
	w := newWorld(t)
	send := func(body string) string {
		return w.hear(channels.Message{From: tab, To: channels.Address{Channel: "web", Value: "form+wst-bulk"}, Lang: "fr", Text: body,
			Trust: channels.CarrierVerified, Files: []channels.File{file("sofa.jpg", "image/jpeg", "jpg")}})
	}
	if got := send("place: 14 Quay St, PL2 4AB\nitems: furniture\nitems: fridge\ndate: 2026-11-24"); !strings.HasPrefix(got, "Jour: ") || len(w.crossed) != 0 {
		t.Errorf("a day without pickups gives %q", got)
	}
	got := send("place: 14 Quay St, PL2 4AB\nitems: furniture\nitems: fridge\ndate: 2026-12-03\nnote: Au fond: à gauche")
	if !strings.Contains(got, reference(0)) || !strings.Contains(got, "jeu 3 déc") || strings.Contains(got, "STATUT") {
		t.Errorf("said %q", got)
	}
	c := w.lastCase()
	if answersOf(c) != "place=14 Quay St, PL2 4AB items=furniture items=fridge date=2026-12-03 note=Au fond: à gauche" || c.Lang != "fr" || len(c.Files) != 1 {
		t.Errorf("filed %s in %s with %d files", answersOf(c), c.Lang, len(c.Files))
	}
}

func TestFilesTooLargeAreTold(t *testing.T) {
	w := newWorld(t)
	send := func(said string) string {
		return w.hear(channels.Message{From: bot, To: channels.Address{Channel: "chat", Value: "b"}, Text: said, LeftOut: 2, Trust: channels.CarrierVerified})
	}
	if got := send(""); !strings.HasPrefix(got, "What you attached is too large") {
		t.Errorf("said %q", got)
	}
	if got := send("BOOK"); !strings.Contains(got, "too large") || !strings.Contains(got, "Pickup 1/4.") {
		t.Errorf("words beside the file: %q", got)
	}
	if got := send(""); !strings.Contains(got, "too large") || !strings.Contains(got, "Pickup 1/4.") {
		t.Errorf("in a form: %q", got)
	}
}

func TestFilesFindTheirPlace(t *testing.T) {
	photo := file("hole.jpg", "image/jpeg", "jpg")
	send := func(w *world, said string, files ...channels.File) string {
		return w.hear(channels.Message{From: bot, To: channels.Address{Channel: "chat", Value: "b"}, Text: said, Files: files, Trust: channels.CarrierVerified})
	}
	w := newWorld(t)
	send(w, "LIGHT")
	if got := send(w, "", photo); !strings.HasPrefix(got, "1 file taken.\nReport 1/4.") {
		t.Errorf("a photo in a form: %q", got)
	}
	for _, s := range []string{"14 quay st", "1", "3", "2", "SEND"} {
		send(w, s)
	}
	c := w.lastCase()
	if len(c.Files) != 1 || !strings.Contains(answersOf(c), "photo="+photo.SHA256) {
		t.Errorf("filed %s with %d files", answersOf(c), len(c.Files))
	}
	if got := send(w, "", file("later.jpg", "image/jpeg", "jpg2")); !strings.HasPrefix(got, "Added to ") {
		t.Errorf("a photo afterwards: %q", got)
	}
	w = newWorld(t)
	if got := send(w, "what is this in my garden", photo); !strings.HasPrefix(got, "Sent to the ") || len(w.lastCase().Files) != 1 {
		t.Errorf("a photo with a question: %q", got)
	}
	if got := send(newWorld(t), "", file("empty", "", "")); !strings.HasPrefix(got, "Please send your question in words") {
		t.Errorf("an empty file: %q", got)
	}
}

func TestSubscriptionRecordsConsentForEachList(t *testing.T) {
	w := newWorld(t)
	w.text("STOP")
	w.text("ALERTS 1")
	for _, s := range []string{"ALERTS", "1,5", "3", "2", "SEND", "1"} {
		w.text(s)
	}
	if !w.lists["alerts-quayside"] || !w.lists["alerts-saltmarsh"] || len(w.crossed) != 0 || w.contact.Lang != "ar" || !w.contact.Quiet || w.contact.Reaches[0].Stopped {
		t.Errorf("lists %v, contact %+v", w.lists, w.contact)
	}
	c := w.last.Consents[len(w.last.Consents)-1]
	if !strings.Contains(c.Shown, "Quayside, Saltmarsh") || c.Said != "1" || c.Source != "person" || c.Address != phone || !c.At.Equal(w.now) {
		t.Errorf("the ledger says %+v", c)
	}
	if got := w.say(tab, "ALERTS"); !strings.Contains(got, "can't be done on this channel") {
		t.Errorf("on the web: %q", got)
	}
}

func TestNumbersOfCardsAreMaskedBeforeTheyAreKept(t *testing.T) {
	w := newWorld(t)
	w.text("hello")
	w.text("0")
	w.text("my card 4111 1111 1111 1111 was charged twice")
	c := w.lastCase()
	if strings.Contains(c.Text, "4111 1111") || !strings.Contains(c.Text, "1111") {
		t.Errorf("the case says %q", c.Text)
	}
	for _, l := range append(w.convs[phone].Lines, c.Story...) {
		if strings.Contains(l.Text, "4111 1111") {
			t.Errorf("a line says %q", l.Text)
		}
	}
}

func TestTrackingLinkIsShown(t *testing.T) {
	for _, c := range []struct {
		from channels.Address
		want bool
	}{{tab, true}, {bot, true}, {phone, false}} {
		w := newWorld(t)
		w.d = gateway.NewDispatcher(gateway.Rules{Texts: mustTexts(t), Services: mustServices(t), Answers: mustIndex(t),
			PublicURL: "https://portlumen.example/", Track: func(ref string) string { return "https://portlumen.example/track/" + ref + "?t=x" }})
		w.filed(c.from)
		got := w.sent[len(w.sent)-1].Message.Text
		if strings.Contains(got, "portlumen.example/track/"+reference(0)) != c.want {
			t.Errorf("by %s: %q", c.from.Channel, got)
		}
	}
}

// TestNewsInAChatGoesByMailToo: the page of the chat may be closed, and a decision has to be read.
func TestNewsInAChatGoesByMailToo(t *testing.T) {
	d := dispatcher(t)
	chat, mail := gateway.Reach{Address: tab, Heard: monday.Add(time.Hour)}, gateway.Reach{Address: inbox, Heard: monday}
	m := gateway.Matter{ID: "m1", Reference: reference(0), Contact: "c1", Service: "WST-BULK", Name: "Bulky pickup", Lang: "en", Address: inbox,
		State: exchange.InOA, FiledAt: monday}
	for n, reaches := range map[int][]gateway.Reach{2: {chat, mail}, 1: {chat}} {
		ids := 0
		o, err := d.Notice(gateway.Tiding{Now: monday, NewID: func() string { ids++; return reference(ids) }, Matter: m,
			Contact: gateway.Contact{ID: "c1", Reaches: reaches}}, exchange.Notice{ID: "n", Case: "m1", State: exchange.Decided,
			Decision: exchange.Granted, At: monday, Text: "The crew comes on Thursday."})
		if err != nil || len(o.Deliveries) != n || o.Deliveries[0].Message.To != tab || n == 2 && o.Deliveries[1].Message.To != inbox {
			t.Errorf("%d: %+v, %v", n, o.Deliveries, err)
		}
	}
}
