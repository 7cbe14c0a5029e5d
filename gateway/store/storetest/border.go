package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"time"

	"gatehouse/channels"
	"gatehouse/exchange"
	"gatehouse/gateway"
	"gatehouse/gateway/store"
)

// filed is a case with files that was committed.
type filed struct {
	matter gateway.Matter
	files  [][]byte
	ids    []string
}

func (b *bench) file(reference string, contents ...[]byte) filed {
	b.Helper()
	m := b.message("sms:"+b.id(), sms("1"), "file it")
	for i, c := range contents {
		m.Files = append(m.Files, fileOf(fmt.Sprint("f", i), c))
	}
	b.accept(m)
	t := b.claimOne()
	f := filed{matter: b.matter(reference, sms("1")), files: contents}
	c := exchange.Case{ID: f.matter.ID, Reference: reference, Service: "bulky", Lang: "en", Channel: "sms", FiledAt: b.clock.now(), Promise: b.clock.now(),
		Trust: "carrier", Party: "party", Name: "Ann", Text: "marker-answer", Answers: []exchange.Answer{{Field: "where", Value: "here"}}}
	x := gateway.Crossing{Matter: f.matter.ID}
	for i, file := range t.Message.Files {
		id := fmt.Sprintf("%s-%d", f.matter.ID, i)
		f.ids = append(f.ids, id)
		x.Files, x.FileIDs = append(x.Files, file), append(x.FileIDs, id)
		c.Files = append(c.Files, exchange.FileRef{ID: id, Name: file.Name, Type: file.Type, Size: file.Size, SHA256: file.SHA256})
	}
	x.Document = c
	o := answer(t)
	o.Matters, o.Crossings = []gateway.Matter{f.matter}, []gateway.Crossing{x}
	b.must(b.Commit(b.Context(), o))
	return f
}

// lane is the up lane as its sealer sees it.
type lane struct {
	*bench
	out   exchange.Outgoing
	fence uint64
	head  exchange.Head
}

func (b *bench) lane() *lane {
	b.Helper()
	l := &lane{bench: b, out: b.Outgoing()}
	var ok bool
	var err error
	l.fence, l.head, ok, err = l.out.Seize(b.Context(), "sealer", time.Hour)
	b.must(err)
	if !ok {
		b.Fatal("the lane is taken")
	}
	return l
}

// number gives every waiting parcel its number, and gives the parcels.
func (l *lane) number() []exchange.Parcel {
	l.Helper()
	var all []exchange.Parcel
	for {
		w, err := l.out.Waiting(l.Context(), 100)
		l.must(err)
		if len(w) == 0 {
			return all
		}
		from := l.head
		var batch []exchange.Numbered
		for _, p := range w {
			l.head.Seq++
			l.head.Digest[0] = byte(l.head.Seq)
			batch = append(batch, exchange.Numbered{Parcel: p.ID, Head: l.head, Bytes: []byte("sealed " + p.ID)})
		}
		l.must(l.out.Number(l.Context(), l.fence, from, batch))
		all = append(all, w...)
	}
}

func (l *lane) ack(contiguous uint64, refused ...exchange.Refusal) {
	l.Helper()
	l.must(l.out.Settle(l.Context(), exchange.Ack{Lane: exchange.Up, Epoch: 1, Contiguous: contiguous, Refused: refused, At: l.clock.now()}))
}

func crossing(b *bench) {
	f := b.file("PL-1", lump(200_000))
	other := b.file("PL-2")
	l := b.lane()
	parcels := l.number()
	b.equal("parcels", len(parcels), 3)
	b.equal("order", []any{parcels[0].ID, parcels[1].Kind, parcels[2].ID}, []any{f.matter.ID, exchange.KindPart, other.matter.ID})
	d, err := exchange.Decode(exchange.KindCase, parcels[0].Content)
	b.must(err)
	b.equal("case", d.(exchange.Case).Text, "marker-answer")
	l.ack(1)
	if _, err := b.File(b.Context(), shaOf(f.files[0])); err != nil {
		b.Errorf("the file is gone while its parts may be asked for: %v", err)
	}
	b.equal("state before the last part", b.tracked("PL-1").State, exchange.Queued)
	b.clock.forward(time.Minute)
	l.ack(2)
	_, err = b.File(b.Context(), shaOf(f.files[0]))
	b.is("the file after the Ack", err, gateway.ErrNotFound)
	m := b.tracked("PL-1")
	b.equal("state", m.State, exchange.Crossed)
	b.equal("time line", fmt.Sprint(len(m.Events), m.Events[1].State, m.Events[1].At), fmt.Sprint(2, exchange.Crossed, b.clock.now()))
	b.equal("the other waits", b.tracked("PL-2").State, exchange.Queued)
	n := b.counts()
	b.equal("crossings", fmt.Sprint(n.CrossingsOpen, n.CrossingsDone, n.Blocked), "1 2 0")
	l.ack(3)
	b.equal("all done", b.counts().CrossingsOpen, 0)
}

func (b *bench) tracked(reference string) gateway.Matter {
	b.Helper()
	m, err := b.Tracked(b.Context(), reference)
	b.must(err)
	return m
}

func crossingRefused(b *bench) {
	f := b.file("PL-1", lump(3*exchange.PartSize))
	l := b.lane()
	w, err := l.out.Waiting(b.Context(), 1)
	b.must(err)
	from := l.head
	l.head.Seq, l.head.Digest[0] = 1, 1
	b.must(l.out.Number(b.Context(), l.fence, from, []exchange.Numbered{{Parcel: w[0].ID, Head: l.head, Bytes: []byte("x")}}))
	l.ack(1, exchange.Refusal{Seq: 1, Reason: exchange.ReasonText})
	b.equal("parts of a refused case", len(l.number()), 0)
	_, err = b.File(b.Context(), shaOf(f.files[0]))
	b.is("its file", err, gateway.ErrNotFound)
	list, err := b.Refusals(b.Context(), 10)
	b.must(err)
	b.equal("refusals", list, []gateway.RefusedParcel{{Parcel: f.matter.ID, Kind: exchange.KindCase, Matter: f.matter.ID, Reason: exchange.ReasonText}})
	b.equal("blocked", b.counts().Blocked, 1)
	c, m, err := b.Matter(b.Context(), f.matter.ID)
	b.must(err)
	m.State = exchange.Blocked
	o := gateway.Outcome{Told: f.matter.ID, Contact: c, Matters: []gateway.Matter{m}, Deliveries: []gateway.Delivery{b.delivery(sms("1"), "sorry")}}
	b.must(b.Commit(b.Context(), o))
	list, err = b.Refusals(b.Context(), 10)
	b.must(err)
	b.equal("refusals after they were told", len(list), 0)
	o.Deliveries[0].ID = b.id()
	b.is("told twice", b.Commit(b.Context(), o), gateway.ErrLost)
	l.ack(1, exchange.Refusal{Seq: 1, Reason: exchange.ReasonText})
	b.equal("state", b.tracked("PL-1").State, exchange.Blocked)
}

func parts(b *bench) {
	big := lump(2*exchange.PartSize + 100_000)
	f := b.file("PL-1", big, lump(10))
	parcels := b.lane().number()
	b.equal("parcels", len(parcels), 5)
	var got bytes.Buffer
	for i, p := range parcels[1:4] {
		d, err := exchange.Decode(exchange.KindPart, p.Content)
		b.must(err)
		part := d.(exchange.Part)
		b.equal("part", []any{part.File, part.Of, part.Number, part.Count}, []any{f.ids[0], f.matter.ID, i + 1, 3})
		got.Write(part.Bytes)
	}
	if !bytes.Equal(got.Bytes(), big) {
		b.Error("the parts make another file")
	}
}

func pages(b *bench) {
	p := func(name string, revision uint64, body string) exchange.Publication {
		return exchange.Publication{ID: name, Sort: "answer", Name: name, Lang: "en", Revision: revision, Body: body, At: b.clock.now()}
	}
	for _, x := range []exchange.Publication{p("a", 1, "a1"), p("b", 5, "b5"), p("a", 3, "a3"), p("a", 2, "a2"), p("b", 5, "b5 again")} {
		b.must(b.Publish(b.Context(), x, 0))
	}
	got, mark, err := b.Published(b.Context(), "answer", 0)
	b.must(err)
	var bodies []string
	for _, x := range got {
		bodies = append(bodies, x.Body)
	}
	b.equal("published", strings.Join(bodies, " "), "b5 a3")
	got, same, err := b.Published(b.Context(), "answer", mark)
	b.must(err)
	b.equal("nothing new", fmt.Sprint(len(got), same), fmt.Sprint(0, mark))
	b.must(b.Publish(b.Context(), p("c", 1, "c1"), 0))
	got, next, err := b.Published(b.Context(), "answer", mark)
	b.must(err)
	b.equal("the new one", []any{len(got), got[0].Body, next > mark}, []any{1, "c1", true})
	got, _, err = b.Published(b.Context(), "service", 0)
	b.must(err)
	b.equal("another sort", len(got), 0)
}

func (b *bench) arrive(seq uint64) {
	b.Helper()
	a := exchange.Arrival{Head: exchange.Head{Epoch: 1, Seq: seq, Digest: [32]byte{byte(seq)}}, Origin: exchange.Head{Epoch: 1, Seq: seq, Digest: [32]byte{1, byte(seq)}},
		Parcel: exchange.Parcel{ID: fmt.Sprint(seq), Kind: exchange.KindNotice, Content: []byte("notice"), Created: b.clock.now()}}
	if seq > 1 {
		a.Prev = [32]byte{byte(seq - 1)}
	}
	_, err := b.Incoming().Keep(b.Context(), a)
	b.must(err)
}

func arrivalOnce(b *bench) {
	c := b.owe(sms("1"), nil)
	b.arrive(1)
	b.arrive(2)
	o := gateway.Outcome{Arrival: 1, Contact: c, Deliveries: []gateway.Delivery{b.delivery(sms("1"), "decided")}}
	b.must(b.Commit(b.Context(), o))
	o.Deliveries = []gateway.Delivery{b.delivery(sms("1"), "decided again")}
	b.is("the same arrival", b.Commit(b.Context(), o), gateway.ErrLost)
	b.equal("owed", b.counts().Owed, 1)
	p := exchange.Publication{Sort: "answer", Name: "a", Lang: "en", Revision: 1, Body: "x"}
	b.must(b.Publish(b.Context(), p, 2))
	p.Revision = 2
	b.must(b.Publish(b.Context(), p, 2)) // handled already: nothing
	got, _, err := b.Published(b.Context(), "answer", 0)
	b.must(err)
	b.equal("revision", got[0].Revision, 1)
	next, err := b.Incoming().Next(b.Context(), 10)
	b.must(err)
	b.equal("left", len(next), 0)
}

func pingCounts(b *bench) {
	b.must(b.Ping(b.Context()))
	b.owe(sms("1"), nil, "one", "two")
	n := b.counts()
	b.equal("counts", n, gateway.Counts{Inbound: 1, Owed: 2})
	b.must(b.Close())
	if err := b.Ping(b.Context()); err == nil {
		b.Error("a closed store can be written")
	}
	if _, err := b.Accept(b.Context(), b.message("sms:x", sms("1"), "x")); err == nil || errors.Is(err, channels.ErrBusy) {
		b.Errorf("a closed store accepted: %v", err)
	}
}

func twoGateways(b *bench) {
	other := b.open(store.Config{Owner: "other"})
	crowd(16, func(i int) {
		s := []*store.Store{b.Store, other}[i%2]
		for n := range 8 {
			if _, err := s.Accept(b.Context(), b.message(fmt.Sprint("sms:", i/2, "-", n), sms(fmt.Sprint(i/2)), "x")); err != nil {
				b.Error(err)
			}
		}
	})
	b.equal("inbound", b.counts().Inbound, 64)
	mine := b.claim(4)
	theirs, err := other.Claim(b.Context(), b.clock.now(), 100, time.Minute)
	b.must(err)
	b.equal("claimed", fmt.Sprint(len(mine), len(theirs)), "4 4")
	seen := map[string]bool{}
	for _, t := range append(mine, theirs...) {
		if seen[t.Contact.ID] {
			b.Errorf("contact %s is claimed twice", t.Contact.ID)
		}
		seen[t.Contact.ID] = true
	}
	out, elsewhere := b.Outgoing(), other.Outgoing()
	_, _, ok, err := out.Seize(b.Context(), "a", time.Hour)
	b.must(err)
	_, _, both, err := elsewhere.Seize(b.Context(), "b", time.Hour)
	b.must(err)
	b.equal("one sealer", fmt.Sprint(ok, both), "true false")
}
