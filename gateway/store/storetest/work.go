package storetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"gatehouse/channels"
	"gatehouse/exchange"
	"gatehouse/exchange/service"
	"gatehouse/gateway"
	"gatehouse/gateway/consent"
	"gatehouse/gateway/store"
)

func turnKnows(b *bench) {
	t := b.heard(sms("1"), "hello")
	b.equal("claim", t.Claim.Message, t.Message.ID)
	b.equal("attempt", t.Attempt, 1)
	b.equal("conversation", t.Conversation, gateway.Conversation{Address: sms("1")})
	if t.Draft != nil || len(t.Matters) != 0 || len(t.Standing) != 0 || t.Contact.ID == "" || len(t.Contact.Reaches) != 1 {
		b.Errorf("a new contact knows %+v", t)
	}
	o := answer(t)
	o.Contact.Lang = "ar"
	o.Contact.Reaches[0].Introduced = true
	o.Conversation = &gateway.Conversation{Address: sms("1"), Lang: "ar", Pending: gateway.Pending{Kind: "k", Options: []string{"a"}, Misses: 1, Text: "t"},
		More: []string{"more"}, Heard: b.clock.now()}
	for i := range gateway.MaxLines + 5 {
		o.Conversation.Lines = append(o.Conversation.Lines, exchange.Said{At: b.clock.now(), Who: "person", Text: fmt.Sprint(i)})
	}
	o.Draft = &gateway.Draft{ID: b.id(), Address: sms("1"), Form: service.Draft{Service: "bulky", Answers: map[string][]string{"f": {"v"}}, At: 2}, Paused: true, Touched: b.clock.now()}
	o.Matters = []gateway.Matter{b.matter("PL-1", sms("1"))}
	o.Consents = []gateway.Consent{{Address: sms("1"), List: "alerts", Act: consent.Granted, At: b.clock.now()}}
	b.must(b.Commit(b.Context(), o))
	b.clock.forward(time.Hour)
	again := b.heard(sms("1"), "again")
	b.equal("contact", again.Contact.ID, t.Contact.ID)
	b.equal("language", again.Contact.Lang, "ar")
	b.equal("introduced", again.Contact.Reaches[0].Introduced, true)
	b.equal("heard", again.Contact.Reaches[0].Heard, b.clock.now())
	o.Conversation.Lines = o.Conversation.Lines[5:]
	b.equal("conversation", again.Conversation, *o.Conversation)
	b.equal("draft", *again.Draft, *o.Draft)
	b.equal("lists", gateway.Lists(again.Standing), []string{"alerts"})
	o.Matters[0].Contact = t.Contact.ID
	b.equal("matters", again.Matters, o.Matters)
}

func (b *bench) matter(reference string, at channels.Address) gateway.Matter {
	now := b.clock.now()
	return gateway.Matter{ID: b.id(), Reference: reference, Service: "bulky", Name: "Bulky waste", Lang: "en", Address: at, State: exchange.Queued,
		Thread: channels.Thread{MessageID: "m@x"}, Subject: "s", Promise: now.Add(48 * time.Hour), FiledAt: now, Events: []gateway.Event{{At: now, State: exchange.Queued, Text: "filed"}}}
}

func orderOfContact(b *bench) {
	for i := range 5 {
		b.accept(b.message(fmt.Sprintf("sms:%d", i), sms("1"), fmt.Sprint(i)))
		b.accept(b.message(fmt.Sprintf("sms:o%d", i), sms("2"), fmt.Sprint(i)))
	}
	for i := range 5 {
		turns := b.claim(10)
		b.equal("turns", len(turns), 2)
		b.equal("more", len(b.claim(10)), 0)
		for _, t := range turns {
			b.equal("text", t.Message.Text, i)
			b.must(b.Commit(b.Context(), answer(t)))
		}
	}
	b.equal("left", len(b.claim(10)), 0)
}

// orderWithWorkers lets several workers on two gateways claim, fail, lose and commit at random: each contact's
// messages are answered once each, in order.
func orderWithWorkers(b *bench) {
	const contacts, each, workers = 8, 12, 6
	for i := range each {
		for c := range contacts {
			b.accept(b.message(fmt.Sprintf("sms:%d-%d", c, i), sms(fmt.Sprint(c)), fmt.Sprint(i)))
		}
	}
	gateways := []*store.Store{b.Store, b.open(store.Config{Owner: "other"})}
	var mu sync.Mutex
	got := map[string][]string{}
	done := 0
	crowd(workers, func(w int) {
		random := rand.New(rand.NewPCG(7, uint64(w)))
		s := gateways[w%2]
		for {
			turns, err := s.Claim(context.Background(), b.clock.now(), 1+random.IntN(4), time.Second)
			if err != nil {
				b.Error(err)
				return
			}
			for _, t := range turns {
				switch random.IntN(6) {
				case 0: // a crash
					b.clock.forward(2 * time.Second)
					continue
				case 1:
					_ = s.Defer(context.Background(), t.Claim, b.clock.now(), "test")
					continue
				}
				mu.Lock() // so that what is written down has the order of the commits
				err := s.Commit(context.Background(), answer(t))
				if err == nil {
					v := t.Message.From.Value
					got[v] = append(got[v], t.Message.Text)
					done++
				} else if !errors.Is(err, gateway.ErrLost) {
					b.Error(err)
				}
				mu.Unlock()
			}
			mu.Lock()
			end := b.Failed() || b.counts().InboundOpen == 0
			mu.Unlock()
			if end {
				return
			}
			if len(turns) == 0 {
				b.clock.forward(100 * time.Millisecond)
			}
		}
	})
	aside := b.counts().InboundAside
	b.equal("answered or aside", done+int(aside), contacts*each)
	for v, texts := range got {
		last := -1
		for _, s := range texts {
			var n int
			_, _ = fmt.Sscan(s, &n)
			if n <= last {
				b.Errorf("%s: %v", v, texts)
			}
			last = n
		}
	}
}

func claimRunsOut(b *bench) {
	t := b.heard(sms("1"), "hello")
	b.clock.forward(59 * time.Second)
	b.equal("hidden", len(b.claim(10)), 0)
	b.clock.forward(2 * time.Second)
	again := b.claimOne()
	b.equal("message", again.Message.ID, t.Message.ID)
	b.equal("attempt", again.Attempt, 2)
	if again.Claim.Fence <= t.Claim.Fence {
		b.Errorf("fence %d after %d", again.Claim.Fence, t.Claim.Fence)
	}
}

func fencing(b *bench) {
	t := b.heard(sms("1"), "one")
	b.clock.forward(2 * time.Minute)
	again := b.claimOne()
	late := answer(t)
	late.Deliveries = []gateway.Delivery{b.delivery(sms("1"), "late")}
	b.is("a claim that ran out", b.Commit(b.Context(), late), gateway.ErrLost)
	b.is("its defer", b.Defer(b.Context(), t.Claim, b.clock.now(), "x"), gateway.ErrLost)
	b.must(b.Commit(b.Context(), answer(again)))
	b.is("the same again", b.Commit(b.Context(), answer(again)), gateway.ErrLost)
	b.equal("owed", b.counts().Owed, 0)
	// The next message's first claim may have the fence that an old claim had.
	next := b.heard(sms("1"), "two")
	b.is("an older message's claim", b.Commit(b.Context(), answer(t)), gateway.ErrLost)
	b.is("a foreign fence", b.Commit(b.Context(), gateway.Outcome{Claim: gateway.Claim{Message: next.Claim.Message, Contact: next.Claim.Contact, Fence: 77}, Contact: next.Contact}), gateway.ErrLost)
	b.must(b.Commit(b.Context(), answer(next)))
}

func deferAside(b *bench) {
	b.accept(b.message("sms:1", sms("1"), "poison"))
	b.accept(b.message("sms:2", sms("1"), "next"))
	for i := range gateway.MaxAttempts {
		t := b.claimOne()
		b.equal("text", t.Message.Text, "poison")
		b.equal("attempt", t.Attempt, i+1)
		b.must(b.Defer(b.Context(), t.Claim, b.clock.now().Add(time.Minute), "cause"))
		if i < gateway.MaxAttempts-1 {
			b.equal("before its time", len(b.claim(10)), 0)
			b.clock.forward(time.Minute)
		}
	}
	b.equal("next", b.claimOne().Message.Text, "next")
	b.equal("aside", b.counts().InboundAside, 1)
}

func reclaim(b *bench) {
	s := b.open(store.Config{Owner: "mine"})
	t := b.heard(sms("1"), "deferred")
	o := answer(t)
	o.Deliveries = []gateway.Delivery{b.delivery(sms("1"), "reply")}
	b.must(b.Commit(b.Context(), o))
	b.accept(b.message("sms:a", sms("2"), "claimed"))
	turns, err := s.Claim(b.Context(), b.clock.now(), 10, time.Hour)
	b.must(err)
	leased, err := s.Lease(b.Context(), channels.Reply, b.clock.now(), 10, time.Hour)
	b.must(err)
	b.equal("held", len(turns)+len(leased), 2)
	b.must(s.Close())
	b.equal("another's stay hidden", len(b.claim(10))+len(b.lease(10)), 0)
	s = b.open(store.Config{Owner: "mine"})
	b.is("old claim", s.Commit(b.Context(), answer(turns[0])), gateway.ErrLost)
	b.equal("claim comes back", b.claimOne().Attempt, 2)
	back := b.leaseOne()
	b.equal("lease comes back", back.Since, leasedAt(leased[0], b))
	b.must(b.Settle(b.Context(), []gateway.Settlement{{ID: leased[0].ID, Fence: leased[0].Fence}}))
	b.equal("old lease settles nothing", b.counts().Owed, 1)
}

func leasedAt(_ gateway.Leased, b *bench) time.Time { return b.clock.now() }

func changedMeanwhile(b *bench) {
	t := b.heard(sms("1"), "file it")
	o := answer(t)
	o.Matters = []gateway.Matter{b.matter("PL-1", sms("1"))}
	b.must(b.Commit(b.Context(), o))
	t = b.heard(sms("1"), "status")
	// A notice from inside comes while the turn is under way.
	c, m, err := b.Matter(b.Context(), o.Matters[0].ID)
	b.must(err)
	m.State = exchange.Decided
	b.must(b.Commit(b.Context(), gateway.Outcome{Contact: c, Matters: []gateway.Matter{m}}))
	old := answer(t)
	old.Matters = []gateway.Matter{t.Matters[0]}
	b.is("built on the old matter", b.Commit(b.Context(), old), gateway.ErrLost)
	t = b.claimOne() // at once, without waiting for the claim to run out
	b.equal("attempt", t.Attempt, 1)
	b.equal("state", t.Matters[0].State, exchange.Decided)
	b.must(b.Commit(b.Context(), answer(t)))
	b.is("an old notice", b.Commit(b.Context(), gateway.Outcome{Contact: c, Matters: []gateway.Matter{m}}), gateway.ErrLost)
	// A broadcast writes deliveries alone and needs no version.
	b.must(b.Commit(b.Context(), gateway.Outcome{Contact: c, Deliveries: []gateway.Delivery{b.delivery(sms("1"), "news")}}))
	_, m, err = b.Matter(b.Context(), m.ID)
	b.must(err)
	b.equal("state", m.State, exchange.Decided)
}

func whole(b *bench) {
	t := b.heard(sms("1"), "hello")
	o := answer(t)
	o.Contact.Lang = "fr"
	o.Conversation = &gateway.Conversation{Address: sms("1"), Lang: "fr"}
	o.Matters = []gateway.Matter{b.matter("PL-1", sms("1"))}
	twin := b.matter("PL-1", sms("1")) // the same reference twice can't be
	o.Matters = append(o.Matters, twin)
	o.Deliveries = []gateway.Delivery{b.delivery(sms("1"), "reply")}
	var wg sync.WaitGroup
	for i := range 8 { // others commit at the same time
		wg.Go(func() { b.accept(b.message(fmt.Sprint("sms:w", i), sms("9"), "x")) })
	}
	if err := b.Commit(b.Context(), o); err == nil || errors.Is(err, gateway.ErrLost) {
		b.Errorf("committed a reference twice: %v", err)
	}
	wg.Wait()
	b.equal("owed", b.counts().Owed, 0)
	b.equal("open", b.counts().InboundOpen, 9)
	b.must(b.Defer(b.Context(), t.Claim, b.clock.now(), "x"))
	for _, again := range b.claim(10) {
		if again.Message.ID == t.Message.ID {
			b.equal("language", again.Contact.Lang, "")
			b.equal("matters", len(again.Matters), 0)
		}
	}
}
