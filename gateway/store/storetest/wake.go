package storetest

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"gatehouse/channels"
	"gatehouse/exchange/service"
	"gatehouse/gateway"
	"gatehouse/gateway/store"
)

// wakeful makes a contact of from with wakes that many minutes from now, and gives it.
func (b *bench) wakeful(from channels.Address, kind gateway.WakeKind, minutes ...int) gateway.Contact {
	b.Helper()
	t := b.heard(from, "hello")
	o := answer(t)
	for _, m := range minutes {
		o.Wakes = append(o.Wakes, gateway.Wake{Kind: kind, Subject: fmt.Sprint(m), At: b.clock.now().Add(time.Duration(m) * time.Minute)})
	}
	b.must(b.Commit(b.Context(), o))
	return t.Contact
}

func (b *bench) woken(n int) []gateway.Turn {
	b.Helper()
	turns, err := b.Woken(b.Context(), b.clock.now(), n, time.Minute)
	b.must(err)
	return turns
}

func (b *bench) wokenOne() gateway.Turn {
	b.Helper()
	turns := b.woken(10)
	if len(turns) != 1 {
		b.Fatalf("%d woken, want 1", len(turns))
	}
	return turns[0]
}

func wakeKnows(b *bench) {
	t := b.heard(sms("1"), "hello")
	o := answer(t)
	at := b.clock.now().Add(time.Hour)
	o.Wakes = []gateway.Wake{{Kind: "remind", Subject: "d", At: at}, {Kind: "end", Subject: "d", At: at.Add(time.Hour)}}
	o.Conversation = &gateway.Conversation{Address: sms("1"), Lang: "fr", Pending: gateway.Pending{Kind: "k"}, Heard: b.clock.now()}
	o.Draft = &gateway.Draft{ID: b.id(), Address: sms("1"), Form: service.Draft{Service: "bulky"}, Touched: b.clock.now()}
	o.Matters = []gateway.Matter{b.matter("PL-1", sms("1"))}
	b.must(b.Commit(b.Context(), o))
	b.equal("set", b.counts().WakesSet, 2)
	b.clock.forward(time.Hour - time.Microsecond)
	b.equal("before its time", len(b.woken(10)), 0)
	b.clock.forward(time.Microsecond)
	w := b.wokenOne()
	b.equal("wake", w.Claim.Wake, gateway.Wake{Contact: t.Contact.ID, Kind: "remind", Subject: "d", At: at})
	b.equal("claim", w.Claim.Message, "")
	b.equal("talks", w.Talks, []gateway.Conversation{*o.Conversation})
	b.equal("draft", *w.Draft, *o.Draft)
	b.equal("contact", w.Contact.ID, t.Contact.ID)
	b.equal("matters", len(w.Matters), 1)
	b.equal("attempt", w.Attempt, 1)
	out := answer(w)
	out.Deliveries = []gateway.Delivery{b.delivery(sms("1"), "still there?")}
	out.DropDraft = true
	b.must(b.Commit(b.Context(), out))
	b.is("the same again", b.Commit(b.Context(), out), gateway.ErrLost)
	b.equal("left", b.counts().WakesSet, 1)
	b.equal("owed", b.leaseOne().Message.Text, "still there?")
	next := b.heard(sms("1"), "again")
	if next.Draft != nil {
		b.Errorf("the draft stays: %+v", next.Draft)
	}
	// A message moves one and sets another.
	o = answer(next)
	o.Wakes = []gateway.Wake{{Kind: "end", Subject: "d", At: b.clock.now()}, {Kind: "promise", Subject: "m", At: b.clock.now().Add(-time.Second)}}
	b.must(b.Commit(b.Context(), o))
	first := b.wokenOne()
	b.equal("the oldest first, one a contact", first.Claim.Wake.Kind, "promise")
	o = answer(first)
	o.Wakes = []gateway.Wake{first.Claim.Wake} // sets itself anew
	o.Wakes[0].At = b.clock.now().Add(time.Hour)
	b.must(b.Commit(b.Context(), o))
	b.equal("then the moved one", b.wokenOne().Claim.Wake.Kind, "end")
	b.equal("left", b.counts().WakesSet, 2)
}

func wakeCleared(b *bench) {
	b.wakeful(sms("1"), "remind", 1, 2)
	b.clock.forward(time.Hour)
	// A message that is not answered yet goes first, and what it clears never comes.
	b.accept(b.message("sms:new", sms("1"), "here I am"))
	b.equal("woken beside an open message", len(b.woken(10)), 0)
	t := b.claimOne()
	b.equal("woken beside a claimed message", len(b.woken(10)), 0)
	o := answer(t)
	o.Wakes = []gateway.Wake{{Kind: "remind", Subject: "1"}, {Kind: "remind", Subject: "no such"}}
	b.must(b.Commit(b.Context(), o))
	// A message that comes while the wake is being acted upon goes first too.
	w := b.wokenOne()
	b.equal("the other", w.Claim.Wake.Subject, "2")
	b.accept(b.message("sms:newer", sms("1"), "and again"))
	b.equal("a message beside a claimed wake", len(b.claim(10)), 0)
	act := answer(w)
	act.Deliveries = []gateway.Delivery{b.delivery(sms("1"), "too late")}
	b.is("a message came meanwhile", b.Commit(b.Context(), act), gateway.ErrLost)
	t = b.claimOne()
	b.equal("the message at once", t.Message.Text, "and again")
	o = answer(t)
	o.Wakes = []gateway.Wake{{Kind: "remind", Subject: "2"}}
	b.must(b.Commit(b.Context(), o))
	b.is("a cleared wake", b.Commit(b.Context(), act), gateway.ErrLost)
	b.equal("left", len(b.woken(10)), 0)
	b.equal("owed", b.counts().Owed, 0)
}

func wakeRunsOut(b *bench) {
	s := b.open(store.Config{Owner: "mine"})
	b.wakeful(sms("1"), "remind", 0)
	turns, err := s.Woken(b.Context(), b.clock.now(), 10, time.Minute)
	b.must(err)
	b.equal("woken", len(turns), 1)
	b.equal("hidden", len(b.woken(10)), 0)
	b.clock.forward(2 * time.Minute)
	again := b.wokenOne() // whoever had it was killed
	b.equal("attempt", again.Attempt, 2)
	b.is("the old claim", b.Commit(b.Context(), answer(turns[0])), gateway.ErrLost)
	b.is("its defer", b.Defer(b.Context(), turns[0].Claim, b.clock.now(), "x"), gateway.ErrLost)
	b.must(b.Commit(b.Context(), answer(again)))
	// What a gateway held when it stopped comes back at once.
	b.wakeful(sms("2"), "remind", 0)
	turns, err = s.Woken(b.Context(), b.clock.now(), 10, time.Hour)
	b.must(err)
	b.equal("woken", len(turns), 1)
	b.must(s.Close())
	b.open(store.Config{Owner: "mine"})
	back := b.wokenOne()
	b.is("the old claim", b.Commit(b.Context(), answer(turns[0])), gateway.ErrLost)
	// The contact changed while it was acted upon.
	c := back.Contact
	m := b.matter("PL-1", sms("2"))
	b.must(b.Commit(b.Context(), gateway.Outcome{Contact: c, Matters: []gateway.Matter{m}}))
	b.is("built on an old state", b.Commit(b.Context(), answer(back)), gateway.ErrLost)
	b.equal("at once again", len(b.wokenOne().Matters), 1)
}

func wakeDeferred(b *bench) {
	b.wakeful(sms("1"), "remind", 0)
	for i := range gateway.MaxAttempts {
		t := b.wokenOne()
		b.equal("attempt", t.Attempt, i+1)
		b.must(b.Defer(b.Context(), t.Claim, b.clock.now().Add(time.Minute), "cause"))
		b.equal("before its time", len(b.woken(10)), 0)
		b.clock.forward(time.Minute)
	}
	b.equal("after the last try", len(b.woken(10)), 0)
	b.equal("aside", b.counts().WakesAside, 1)
	t := b.heard(sms("1"), "set it anew")
	o := answer(t)
	o.Wakes = []gateway.Wake{{Kind: "remind", Subject: "0", At: b.clock.now()}}
	b.must(b.Commit(b.Context(), o))
	b.equal("set anew", b.wokenOne().Attempt, 1)
	b.equal("aside", b.counts().WakesAside, 0)
}

func wakesOldestFirst(b *bench) {
	const people = 30
	for i := range people {
		b.wakeful(sms(fmt.Sprint(i)), "remind", (i*7)%people+1)
	}
	b.clock.forward(24 * time.Hour) // the clock jumped: all are due
	last, got := time.Time{}, 0
	for {
		turns := b.woken(4)
		if len(turns) == 0 {
			break
		}
		if len(turns) > 4 {
			b.Fatalf("%d at once", len(turns))
		}
		for _, t := range turns {
			if !t.Claim.Wake.At.After(last) {
				b.Errorf("%s after %s", t.Claim.Wake.At, last)
			}
			last = t.Claim.Wake.At
			got++
			b.must(b.Commit(b.Context(), answer(t)))
		}
	}
	b.equal("woken", got, people)
}

// wakesInACrowd lets messages and wakes of one contact race on two gateways: each message is answered once, the wake
// that every message sets anew is acted upon at most once after the last of them, and never beside one.
func wakesInACrowd(b *bench) {
	const messages = 20
	gateways := []*store.Store{b.Store, b.open(store.Config{Owner: "other"})}
	var holding, acted, answered atomic.Int64
	crowd(4, func(w int) {
		s := gateways[w%2]
		if w == 0 {
			for i := range messages {
				b.accept(b.message(fmt.Sprint("sms:", i), sms("1"), "x"))
			}
		}
		for answered.Load() < messages && !b.Failed() {
			turns, err := s.Claim(b.Context(), b.clock.now(), 4, time.Hour)
			if err != nil {
				b.Error(err)
				return
			}
			woken, err := s.Woken(b.Context(), b.clock.now(), 4, time.Hour)
			if err != nil {
				b.Error(err)
				return
			}
			for _, t := range append(turns, woken...) {
				if holding.Add(1) > 1 {
					b.Error("two claims of one contact at once")
				}
				o := answer(t)
				if t.Message.ID != "" {
					o.Wakes = []gateway.Wake{{Kind: "remind", Subject: "s", At: b.clock.now()}}
				}
				holding.Add(-1)
				switch err := s.Commit(b.Context(), o); {
				case err == nil && t.Message.ID != "":
					answered.Add(1)
				case err == nil:
					acted.Add(1)
				case !errors.Is(err, gateway.ErrLost):
					b.Error(err)
				}
			}
		}
	})
	b.equal("answered", answered.Load(), messages)
	for _, t := range b.woken(10) {
		b.must(b.Commit(b.Context(), answer(t)))
		acted.Add(1)
	}
	if n := acted.Load(); n < 1 || n > messages {
		b.Errorf("acted %d times", n)
	}
	b.equal("left", b.counts().WakesSet, 0)
}

func wakesMerge(b *bench) {
	b.wakeful(sms("2"), "remind", 1, 2)
	t := b.heard(sms("1"), "it is me")
	o := answer(t)
	o.Contact.Reaches = append(o.Contact.Reaches, gateway.Reach{Address: sms("2"), Heard: b.clock.now()})
	o.Wakes = []gateway.Wake{{Kind: "remind", Subject: "2", At: b.clock.now().Add(time.Hour)}}
	b.must(b.Commit(b.Context(), o))
	b.clock.forward(2 * time.Minute)
	w := b.wokenOne()
	b.equal("whose", w.Claim.Contact, t.Contact.ID)
	b.equal("which", w.Claim.Wake.Subject, "1")
	b.equal("both", b.counts().WakesSet, 2)
}
