package storetest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
	"testing/fstest"
	"time"

	"gatehouse/channels"
	"gatehouse/exchange"
	"gatehouse/exchange/service"
	"gatehouse/gateway"
	"gatehouse/gateway/consent"
	"gatehouse/gateway/store"
)

// catalog has a service "short" whose cases are kept for a year; "bulky" has the default of two.
func (b *bench) catalog() *service.Catalog {
	b.Helper()
	files := fstest.MapFS{service.CityFile: {}, "short.yaml": {}, "bulky.yaml": {}}
	c, err := service.Load(files, func(name string, _ []byte, into any) error {
		if s, ok := into.(*service.Service); ok {
			s.Code = strings.TrimSuffix(name, ".yaml")
			if s.Code == "short" {
				s.Retention = "P1Y"
			}
		}
		return nil
	})
	b.must(err)
	return c
}

// round does the whole round of a day and adds up what went.
func (b *bench) round(s *store.Store) map[string]int {
	b.Helper()
	all, c := map[string]int{}, b.catalog()
	for {
		r, err := s.Retain(b.Context(), c, b.clock.now())
		b.must(err)
		if r.Rows > 0 {
			all[r.Sort] += r.Rows
		}
		if !r.More {
			return all
		}
	}
}

// until moves the clock to a moment.
func (b *bench) until(at string) {
	b.Helper()
	t, err := time.Parse(time.RFC3339, at)
	b.must(err)
	b.clock.at.Store(t.UnixMicro())
}

// decides ends a case with a notice that the carrier took, and a document.
func (b *bench) decides(m gateway.Matter, content string) gateway.Matter {
	b.Helper()
	c, m, err := b.Matter(b.Context(), m.ID)
	b.must(err)
	sum := sha256.Sum256([]byte(content))
	file := channels.File{Name: "d.pdf", Size: int64(len(content)), SHA256: hex.EncodeToString(sum[:]),
		Open: func(context.Context) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(content)), nil }}
	m.State = exchange.Decided
	m.Events = append(m.Events, gateway.Event{At: b.clock.now(), State: m.State, Paper: &gateway.Paper{Name: file.Name, Size: file.Size, SHA256: file.SHA256}})
	d := b.delivery(m.Address, "decided "+m.Reference)
	d.Matter = m.ID
	b.must(b.Commit(b.Context(), gateway.Outcome{Contact: c, Matters: []gateway.Matter{m}, Deliveries: []gateway.Delivery{d}, Papers: []gateway.Kept{{Matter: m.ID, File: file}}}))
	b.settle(b.leaseOne(), nil)
	return m
}

func (b *bench) files(from channels.Address, serviceCode string) gateway.Matter {
	b.Helper()
	t := b.heard(from, "file it")
	m := b.matter("PL-"+b.id(), from)
	m.Service, m.Contact = serviceCode, t.Contact.ID
	o := answer(t)
	o.Matters = []gateway.Matter{m}
	b.must(b.Commit(b.Context(), o))
	return m
}

func (b *bench) lives(what string, m gateway.Matter, want bool) {
	b.Helper()
	_, _, err := b.Matter(b.Context(), m.ID)
	if want {
		b.must(err)
		return
	}
	b.is(what, err, gateway.ErrNotFound)
}

// retainCases keeps a closed case to the last day of its service's retention and deletes it the day after, with its documents
// and what was told of it; what is open, or was opened again, stays.
func retainCases(b *bench) {
	short, bulky := b.decides(b.files(sms("1"), "short"), "paper one"), b.decides(b.files(sms("1"), "bulky"), "paper two")
	again := b.decides(b.files(sms("2"), "short"), "paper three")
	open := b.files(sms("3"), "short")
	c, m, err := b.Matter(b.Context(), again.ID)
	b.must(err)
	m.State = exchange.Reopened
	b.must(b.Commit(b.Context(), gateway.Outcome{Contact: c, Matters: []gateway.Matter{m}}))
	b.until("2027-05-04T23:59:59Z")
	b.equal("on the last day", b.round(b.Store)["cases"], 0)
	b.lives("short", short, true)
	b.until("2027-05-05T00:00:00Z")
	b.equal("the day after", b.round(b.Store)["cases"], 1)
	b.lives("short", short, false)
	_, err = b.Tracked(b.Context(), short.Reference)
	b.is("its reference", err, gateway.ErrNotFound)
	_, err = b.File(b.Context(), short.Events[1].Paper.SHA256)
	b.is("its document", err, gateway.ErrNotFound)
	d, err := b.Dossier(b.Context(), bulky.Contact)
	b.must(err)
	b.equal("told", len(d.Sent), 1)
	b.lives("bulky", bulky, true)
	b.until("2028-05-05T00:00:00Z")
	b.equal("two years on", b.round(b.Store)["cases"], 1)
	b.lives("bulky", bulky, false)
	b.lives("opened again", again, true)
	b.lives("open", open, true)
}

// retainHolds keeps a case as long as something of it is owed, by a channel, by post or at the border, and the turn that knows
// a case which goes meanwhile is lost.
func retainHolds(b *bench) {
	m := b.decides(b.files(sms("1"), "short"), "paper")
	c, m, err := b.Matter(b.Context(), m.ID)
	b.must(err)
	d := b.delivery(sms("1"), "still owed")
	d.Matter = m.ID
	b.must(b.Commit(b.Context(), gateway.Outcome{Contact: c, Matters: []gateway.Matter{m}, Deliveries: []gateway.Delivery{d},
		Letters:   []gateway.Letter{{ID: "l1", Matter: m.ID, Text: "by post", At: b.clock.now()}},
		Crossings: []gateway.Crossing{{Matter: m.ID, Document: exchange.Addition{ID: b.id(), Case: m.ID, Act: exchange.ActReply, At: b.clock.now()}}}}))
	b.until("2027-06-01T00:00:00Z")
	b.equal("owed", b.round(b.Store)["cases"], 0)
	b.settle(b.leaseOne(), nil)
	b.must(b.Posted(b.Context(), "l1", "Jo", b.clock.now()))
	b.until("2027-06-02T00:00:00Z")
	b.equal("at the border", b.round(b.Store)["cases"], 0)
	b.crossAll()
	t := b.heard(sms("1"), "reopen")
	b.until("2027-06-03T00:00:00Z")
	b.equal("nothing holds it", b.round(b.Store)["cases"], 1)
	late := answer(t)
	late.Matters = t.Matters
	b.is("a turn that knew it", b.Commit(b.Context(), late), gateway.ErrLost)
	b.lives("gone", m, false)
}

// crossAll numbers what waits at the border and has it acknowledged.
func (b *bench) crossAll() {
	b.Helper()
	up := b.Outgoing()
	fence, head, ok, err := up.Seize(b.Context(), "me", time.Minute)
	b.must(err)
	b.equal("seized", ok, true)
	waiting, err := up.Waiting(b.Context(), 10)
	b.must(err)
	from := head
	var batch []exchange.Numbered
	for _, p := range waiting {
		head.Seq++
		batch = append(batch, exchange.Numbered{Parcel: p.ID, Head: head, Bytes: []byte{1}})
	}
	b.must(up.Number(b.Context(), fence, from, batch))
	b.must(up.Settle(b.Context(), exchange.Ack{Epoch: head.Epoch, Contiguous: head.Seq, At: b.clock.now()}))
}

// retainTalk ends what belongs to no case 90 days after it was said, and then the contact that has nothing left. What was
// said of STOP stays, and so does the numbering of a web session's lines while its contact lives.
func retainTalk(b *bench) {
	phone, tab := sms("1"), channels.Address{Channel: "web", Value: "s1"}
	photo := b.message("sms:photo", phone, "look")
	content := []byte("a photo nobody asked for")
	photo.Files = []channels.File{{Name: "p.jpg", Open: func(context.Context) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil }}}
	b.accept(photo)
	t := b.claimOne()
	sha := t.Message.Files[0].SHA256
	o := answer(t)
	o.Contact.Reaches[0].Stopped = true
	o.Conversation = &gateway.Conversation{Address: phone, Pending: gateway.Pending{Kind: "k"}, Heard: b.clock.now()}
	o.Draft = b.draft()
	o.Deliveries = []gateway.Delivery{b.delivery(phone, "an answer")}
	o.Wakes = []gateway.Wake{{Kind: "end", Subject: o.Draft.ID, At: b.clock.now().Add(9000 * time.Hour)}}
	b.must(b.Commit(b.Context(), o))
	b.settle(b.leaseOne(), nil)
	b.owe(tab, nil, "line 1", "line 2")
	b.settle(b.leaseOne(), nil)
	b.settle(b.leaseOne(), nil)
	b.clock.forward(gateway.FormKept)
	b.equal("a month on", b.round(b.Store), map[string]int{})
	b.clock.forward(24 * time.Hour)
	b.equal("the form", b.round(b.Store), map[string]int{"forms": 1})
	b.clock.forward(gateway.TalkKept - gateway.FormKept - 24*time.Hour)
	b.equal("on the last day", b.round(b.Store), map[string]int{})
	r, err := b.File(b.Context(), sha)
	b.must(err)
	b.must(r.Close())
	lines, err := b.After(b.Context(), tab, 0, 10)
	b.must(err)
	b.equal("lines", len(lines), 2)
	b.must(b.heardAgain(tab))
	b.clock.forward(24 * time.Hour)
	b.equal("the day after", b.round(b.Store), map[string]int{"heard": 2, "sent": 3, "talks": 1, "people": 1})
	_, err = b.File(b.Context(), sha)
	b.is("the photo", err, gateway.ErrNotFound)
	lines, err = b.After(b.Context(), tab, 0, 10)
	b.must(err)
	b.equal("lines", len(lines), 0)
	b.owe(tab, nil, "line 3")
	lines, err = b.After(b.Context(), tab, 2, 10)
	b.must(err)
	b.equal("the next line is seen", len(lines), 1)
	again := b.heard(phone, "hello again")
	if again.Contact.ID == t.Contact.ID {
		b.Error("the same contact came back")
	}
	b.equal("STOP", again.Contact.Reaches[0].Stopped, true)
}

// heardAgain has somebody say a word that is answered by nothing.
func (b *bench) heardAgain(from channels.Address) error {
	b.Helper()
	return b.Commit(b.Context(), answer(b.heard(from, "still here")))
}

// retainPeople keeps who is on a list, and the ledger of who left one as long as its proof; then nothing is known.
func retainPeople(b *bench) {
	joined, left := sms("1"), sms("2")
	for _, a := range []channels.Address{joined, left} {
		o := answer(b.heard(a, "alerts"))
		o.Consents = []gateway.Consent{{Address: a, List: "alerts", Act: consent.Granted, At: b.clock.now()}}
		b.must(b.Commit(b.Context(), o))
	}
	o := answer(b.heard(left, "stop"))
	o.Consents = []gateway.Consent{{Address: left, List: "alerts", Act: consent.Withdrawn, At: b.clock.now()}}
	b.must(b.Commit(b.Context(), o))
	b.clock.forward(gateway.ProofKept)
	b.equal("to the last day", b.round(b.Store)["people"], 0)
	b.clock.forward(24 * time.Hour)
	b.equal("the day after", b.round(b.Store)["people"], 1)
	members, _ := b.members("alerts", "", 10)
	b.equal("members", len(members), 1)
	back := b.heard(left, "hello")
	b.equal("what is known", len(back.Standing), 0)
}

// retainLapsed takes away what lapses by itself.
func retainLapsed(b *bench) {
	phone := sms("1")
	t := b.heard(phone, "hello")
	o := answer(t)
	o.Passes = []gateway.Pass{{Token: "abcdefghjkmnp", Kind: gateway.ToFill, Subject: "d", Address: phone, Until: b.clock.now().Add(time.Hour)}}
	o.Codes = []gateway.CodeSent{{To: sms("8"), By: phone, At: b.clock.now()}}
	o.Nod = "B1"
	b.must(b.Commit(b.Context(), o))
	b.must(b.PutSession(b.Context(), "t1", []byte("x"), b.clock.now(), b.clock.now().Add(time.Hour)))
	b.must(b.Report(b.Context(), channels.Receipt{CarrierID: "early", State: channels.Delivered, At: b.clock.now()}))
	b.equal("at once", b.round(b.Store), map[string]int{})
	b.clock.forward(25 * time.Hour)
	b.equal("a day on", b.round(b.Store), map[string]int{"passes": 1, "sessions": 1, "codes": 1, "receipts": 1})
	b.clock.forward(gateway.NodKept)
	b.equal("a month on", b.round(b.Store), map[string]int{"nods": 1})
	b.equal("the count stays", b.counts().Nods, 1)
}

// retainRound gives the round to one gateway at a time; another goes on where it was killed, and a day has one round.
func retainRound(b *bench) {
	t := b.heard(sms("1"), "hello")
	o := answer(t)
	const many = 310
	for i := range many {
		o.Deliveries = append(o.Deliveries, b.delivery(sms(fmt.Sprint(1000+i)), "one of many"))
	}
	b.must(b.Commit(b.Context(), o))
	var all []gateway.Settlement
	for _, l := range b.lease(many) {
		all = append(all, gateway.Settlement{ID: l.ID, Fence: l.Fence, Receipt: channels.Receipt{State: channels.Delivered}})
	}
	b.equal("leased", len(all), many)
	b.must(b.Settle(b.Context(), all))
	b.clock.forward(gateway.TalkKept + 24*time.Hour)
	cat := b.catalog()
	first, second := b.open(store.Config{Owner: "first"}), b.open(store.Config{Owner: "second"})
	gone := 0
	for gone == 0 { // the first page of what was sent, and no more
		r, err := first.Retain(b.Context(), cat, b.clock.now())
		b.must(err)
		if r.Sort == "sent" {
			gone = r.Rows
		}
	}
	r, err := second.Retain(b.Context(), cat, b.clock.now())
	b.must(err)
	b.equal("while the first has it", r, gateway.Removed{})
	b.must(first.Close())
	b.clock.forward(2 * time.Minute)
	rest := b.round(second)
	b.equal("all of them", gone+rest["sent"], many)
	b.equal("not the page before again", rest["heard"], 0)
	b.equal("once a day", b.round(b.Store), map[string]int{})
	b.clock.forward(24 * time.Hour)
	b.equal("nothing is left the next day", b.round(b.Store), map[string]int{})
}

// retainHelped ends the key of somebody who was helped with their last case; the helper stays, and so may file for them anew.
func retainHelped(b *bench) {
	phone := sms("1")
	_, own, other := b.helped(phone)
	b.owedNotices()
	c, m, err := b.Matter(b.Context(), other.ID)
	b.must(err)
	m.State, m.Events = exchange.Decided, append(m.Events, gateway.Event{At: b.clock.now(), State: exchange.Decided})
	b.must(b.Commit(b.Context(), gateway.Outcome{Contact: c, Matters: []gateway.Matter{m}, Wakes: []gateway.Wake{{Kind: "promise", Subject: m.ID}}}))
	b.until("2028-05-05T00:00:00Z")
	b.equal("the day after two years", b.round(b.Store)["cases"], 1)
	b.lives("theirs", other, false)
	b.lives("the helper's own", own, true)
	o := answer(b.heard(phone, "another for Ana"))
	anew := b.matter("PL-anew", phone)
	anew.Contact, anew.For = c.ID, other.For
	o.Matters = []gateway.Matter{anew}
	b.must(b.Commit(b.Context(), o))
	_, m, err = b.Matter(b.Context(), anew.ID)
	b.must(err)
	b.equal("filed anew", m.Subject, anew.Subject)
}

// retainCorrection keeps what somebody sent as long as a declaration of theirs is to be corrected: its file waits there.
func retainCorrection(b *bench) {
	phone := sms("1")
	m := b.message("sms:table", phone, "my rows")
	m.Files = []channels.File{{Name: "rows.csv", Open: func(context.Context) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("a,b")), nil }}}
	b.accept(m)
	t := b.claimOne()
	o := answer(t)
	mat := b.matter("PL-1", phone)
	mat.CorrectBy = b.clock.now().Add(2 * gateway.TalkKept)
	file := t.Message.Files[0]
	file.Open = nil
	o.Matters = []gateway.Matter{mat}
	o.Corrections = []gateway.Correction{{Matter: mat.ID, Until: mat.CorrectBy, Whole: true, Files: []channels.File{file}}}
	b.must(b.Commit(b.Context(), o))
	b.clock.forward(gateway.TalkKept + 24*time.Hour)
	b.equal("while it is open", b.round(b.Store)["heard"], 0)
	r, err := b.File(b.Context(), file.SHA256)
	b.must(err)
	b.must(r.Close())
	o = answer(b.heard(phone, "drop it"))
	o.Corrections = []gateway.Correction{{Matter: mat.ID, Done: true}}
	b.must(b.Commit(b.Context(), o))
	b.clock.forward(24 * time.Hour)
	b.equal("once it is not", b.round(b.Store)["heard"], 1)
	_, err = b.File(b.Context(), file.SHA256)
	b.is("its file", err, gateway.ErrNotFound)
}
