package storetest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"gatehouse/channels"
	"gatehouse/exchange"
	"gatehouse/gateway"
	"gatehouse/gateway/broadcast"
	"gatehouse/gateway/consent"
	"gatehouse/gateway/store"
)

// members is a page of those who joined a list.
func (b *bench) members(list, after string, n int) ([]gateway.Contact, string) {
	b.Helper()
	page, next, err := b.Audience(b.Context(), exchange.Broadcast{List: list}, after, n)
	b.must(err)
	return page, next
}

// listens makes a person who joined the list "alerts" on all their addresses.
func (b *bench) listens(addresses ...channels.Address) gateway.Contact {
	b.Helper()
	c := b.person(addresses...)
	var o gateway.Outcome
	o.Contact = c
	for _, a := range addresses {
		o.Consents = append(o.Consents, gateway.Consent{Address: a, List: "alerts", Act: consent.Granted, Source: consent.Person, At: b.clock.now()})
	}
	b.must(b.Commit(b.Context(), gateway.Outcome{Contact: gateway.Contact{ID: c.ID}, Consents: o.Consents}))
	return c
}

// casts opens a broadcast and writes its whole ledger as queued by text.
func (b *bench) casts(x exchange.Broadcast) broadcast.Campaign {
	b.Helper()
	x.Bodies = []exchange.Body{{Lang: "en", Text: "Storm at six."}}
	b.must(b.Open(b.Context(), x, 0))
	for c := b.campaign(x.ID); ; c = b.campaign(x.ID) {
		if c.Expanded {
			return c
		}
		page, next, err := b.Audience(b.Context(), x, c.Cursor, 2)
		b.must(err)
		var rows []broadcast.Verdict
		for _, who := range page {
			rows = append(rows, broadcast.Verdict{Contact: who.ID, Channel: "sms", State: broadcast.Queued})
		}
		b.must(b.Expand(b.Context(), c, rows, next))
		b.is("the page again", b.Expand(b.Context(), c, rows, next), broadcast.ErrMoved)
	}
}

func (b *bench) campaign(id string) broadcast.Campaign {
	b.Helper()
	all, err := b.Campaigns(b.Context(), b.clock.now().Add(-time.Hour))
	b.must(err)
	for _, c := range all {
		if c.Broadcast.ID == id {
			return c
		}
	}
	b.Fatalf("%s is not open", id)
	return broadcast.Campaign{}
}

// sends owes what is due to the address last heard that was not tried, through the store s.
func (b *bench) sends(s *store.Store, c broadcast.Campaign) error {
	b.Helper()
	due, err := s.Due(b.Context(), c, "sms", b.clock.now(), 100)
	b.must(err)
	p := broadcast.Planner{Languages: []string{"en"}, Daytime: func(t time.Time) time.Time { return t }, Carries: func(string) bool { return true }}
	var all []broadcast.Verdict
	for _, r := range due {
		all = append(all, p.Plan(c, r, b.clock.now()))
	}
	return s.Apply(b.Context(), c, all)
}

// says gives the sums of a ledger in words.
func (b *bench) says(c broadcast.Campaign) string {
	b.Helper()
	sums, err := b.Sums(b.Context(), c)
	b.must(err)
	var words []string
	for _, s := range sums {
		words = append(words, fmt.Sprintf("%s/%s/%s=%d", s.State, s.Channel, s.Reason, s.Rows))
	}
	return strings.Join(words, " ")
}

func (b *bench) leaseCast() []gateway.Leased {
	b.Helper()
	got, err := b.Lease(b.Context(), channels.Broadcast, b.clock.now(), 100, time.Minute)
	b.must(err)
	return got
}

// ledger: rows go from queued to their end with the deliveries that they owe, whoever looks twice.
func castLedger(b *bench) {
	for i := range 5 {
		b.listens(sms(fmt.Sprint(i)))
	}
	x := exchange.Broadcast{ID: b.id(), List: "alerts", Priority: "routine"}
	c := b.casts(x)
	b.must(b.Open(b.Context(), x, 0))
	b.equal("pages", c.Pages, 3)
	b.equal("written", b.says(c), "queued/sms/=5")
	second := b.open(store.Config{Owner: "second"})
	b.must(b.sends(b.Store, c))
	b.must(b.sends(second, c))
	got, err := b.Sending(b.Context(), c)
	b.must(err)
	b.equal("owed", got["sms"], 5)
	leased := b.leaseCast()
	b.equal("leased", len(leased), 5)
	b.equal("once", leased[0].Once, true)
	b.equal("whose", leased[0].Broadcast, c.Broadcast.ID)
	b.settle(leased[0], nil)
	b.settle(leased[1], nil)
	b.settle(leased[2], failure(channels.Unreachable))
	b.settle(leased[3], func(s *gateway.Settlement) {
		s.Receipt, s.Err = channels.Receipt{}, &channels.Error{Kind: channels.Rejected, Code: string(broadcast.Uncertain)}
	})
	b.must(b.Report(b.Context(), channels.Receipt{MessageID: leased[1].ID, State: channels.Delivered, At: b.clock.now()}))
	b.equal("meanwhile", b.says(c), "queued/sms/unreachable=1 sending/sms/=1 accepted/sms/=1 delivered/sms/=1 failed/sms/uncertain=1")
	due, err := b.Due(b.Context(), c, "sms", b.clock.now(), 10)
	b.must(err)
	b.equal("due again", len(due), 1)
	b.equal("tried", fmt.Sprint(due[0].Attempt, due[0].Tried, due[0].Reason), fmt.Sprint(1, []channels.Address{leased[2].Message.To}, "unreachable"))
	b.must(b.sends(b.Store, c))
	b.must(b.Report(b.Context(), channels.Receipt{MessageID: leased[0].ID, State: channels.Failed, Err: &channels.Error{Kind: channels.Rejected}, At: b.clock.now()}))
	b.equal("a late word", b.says(c), "queued/sms/rejected=1 sending/sms/=1 delivered/sms/=1 bounced//unreachable=1 failed/sms/uncertain=1")
}

// castSteered: what is paused is not leased, what is cancelled is taken back, and what ended is not steered.
func castSteered(b *bench) {
	for i := range 3 {
		b.listens(sms(fmt.Sprint(i)))
	}
	c := b.casts(exchange.Broadcast{ID: b.id(), List: "alerts", Priority: "routine"})
	steer := func(act string) {
		b.Helper()
		b.must(b.Steer(b.Context(), exchange.Control{Broadcast: c.Broadcast.ID, Act: act}, 0))
	}
	b.must(b.sends(b.Store, c))
	steer("pause")
	b.equal("leased while paused", len(b.leaseCast()), 0)
	b.is("owed while paused", b.Apply(b.Context(), c, nil), broadcast.ErrMoved)
	steer("resume")
	b.equal("insisted on", b.campaign(c.Broadcast.ID).Insisted, false)
	halt := exchange.Tally{ID: b.id(), About: c.Broadcast.ID, At: b.clock.now(), Counts: []exchange.Count{{Name: "phase/halted", Count: 1}}}
	b.must(b.Tell(b.Context(), c, halt, broadcast.Halted))
	b.equal("leased while halted", len(b.leaseCast()), 0)
	steer("resume")
	b.equal("insisted on", b.campaign(c.Broadcast.ID).Insisted, true)
	leased := b.leaseCast()
	b.equal("leased", len(leased), 3)
	steer("cancel")
	n, err := b.Withdraw(b.Context(), c, 10)
	b.must(err)
	b.equal("taken back while it is being sent", n, 0)
	b.settle(leased[0], nil)
	b.clock.forward(2 * time.Minute)
	n, err = b.Withdraw(b.Context(), c, 10)
	b.must(err)
	b.equal("taken back", n, 2)
	b.equal("rows", b.says(c), "accepted/sms/=1 skipped/sms/cancelled=2")
	b.equal("leased after it", len(b.leaseCast()), 0)
	c = b.campaign(c.Broadcast.ID)
	tally := exchange.Tally{ID: b.id(), About: c.Broadcast.ID, At: b.clock.now(), Counts: []exchange.Count{{Name: "accepted/sms/", Count: 1}}}
	b.must(b.Tell(b.Context(), c, tally, broadcast.Ended))
	b.equal("crosses", b.lane().number()[0].Kind, exchange.KindTally)
	steer("resume")
	b.equal("phase", b.campaign(c.Broadcast.ID).Phase, broadcast.Ended)
}

// castMerged: a person who becomes one with another is told once.
func castMerged(b *bench) {
	one, other := b.listens(sms("1")), b.listens(sms("2"))
	c := b.casts(exchange.Broadcast{ID: b.id(), List: "alerts", Priority: "routine"})
	t := b.heard(sms("1"), "the other number is mine too")
	o := answer(t)
	o.Contact.Reaches = append(o.Contact.Reaches, gateway.Reach{Address: sms("2"), Heard: b.clock.now()})
	b.must(b.Commit(b.Context(), o))
	b.equal("merged", b.says(c), "queued/sms/=1 skipped/sms/merged=1")
	b.must(b.sends(b.Store, c))
	b.equal("told", len(b.leaseCast()), 1)
	if one.ID == other.ID {
		b.Error("they were one before")
	}
}

// castForgotten: who asks to be forgotten is told no more, and the broadcast still comes to its end.
func castForgotten(b *bench) {
	b.listens(sms("1"))
	b.listens(sms("2"))
	c := b.casts(exchange.Broadcast{ID: b.id(), List: "alerts", Priority: "routine"})
	b.must(b.sends(b.Store, c))
	b.equal("owed", b.says(c), "sending/sms/=2")
	b.forgets(sms("1"))
	b.equal("forgotten", b.says(c), "sending/sms/=1 skipped/sms/gone=1")
	leased := b.leaseCast()
	b.equal("told", len(leased), 1)
	b.settle(leased[0], nil)
	b.equal("ended", b.says(c), "accepted/sms/=1 skipped/sms/gone=1")
}

// castAudiences: whom each rule names.
func castAudiences(b *bench) {
	joined, left, stranger := b.listens(sms("1")), b.listens(sms("2")), b.person(sms("3"))
	b.must(b.Commit(b.Context(), gateway.Outcome{Contact: gateway.Contact{ID: left.ID},
		Consents: []gateway.Consent{{Address: sms("2"), List: "alerts", Act: consent.Withdrawn, Source: consent.Person, At: b.clock.now()}}}))
	t := b.heard(sms("3"), "a case")
	o := answer(t)
	o.Matters = []gateway.Matter{b.matter("PL-1", sms("3"))}
	b.must(b.Commit(b.Context(), o))
	for _, x := range []struct {
		b    exchange.Broadcast
		want []string
	}{
		{exchange.Broadcast{List: "alerts"}, []string{joined.ID}},
		{exchange.Broadcast{Audience: exchange.AudienceArea, Of: "alerts"}, []string{joined.ID, left.ID}},
		{exchange.Broadcast{Audience: exchange.AudienceEveryone}, []string{joined.ID, left.ID, stranger.ID}},
		{exchange.Broadcast{Audience: exchange.AudienceService, Of: "bulky"}, []string{stranger.ID}},
		{exchange.Broadcast{Audience: exchange.AudienceService, Of: "other"}, nil},
	} {
		slices.Sort(x.want)
		b.equal("audience "+x.b.Audience+x.b.Of+x.b.List, b.whom(x.b), x.want)
	}
	c := b.casts(exchange.Broadcast{ID: b.id(), Audience: exchange.AudienceEveryone, Basis: "law", Priority: "routine"})
	b.must(b.sends(b.Store, c))
	leased := b.leaseCast()
	b.equal("leased", len(leased), 3)
	for _, l := range leased {
		if l.Contact == left.ID {
			b.settle(l, nil)
		}
	}
	b.equal("reached", b.whom(exchange.Broadcast{Audience: exchange.AudienceReached, Of: c.Broadcast.ID}), []string{left.ID})
}

// whom walks an audience in pages of two, and sorts it.
func (b *bench) whom(x exchange.Broadcast) (ids []string) {
	b.Helper()
	for after := ""; ; {
		page, next, err := b.Audience(b.Context(), x, after, 2)
		b.must(err)
		for _, c := range page {
			ids = append(ids, c.ID)
		}
		if after = next; after == "" {
			slices.Sort(ids)
			return ids
		}
	}
}

// castInACrowd: two gateways that owe and send at once tell everybody once.
func castInACrowd(b *bench) {
	const people = 60
	for i := range people {
		b.listens(sms(fmt.Sprint(i)))
	}
	c := b.casts(exchange.Broadcast{ID: b.id(), List: "alerts", Priority: "routine"})
	stores := []*store.Store{b.Store, b.open(store.Config{Owner: "second"})}
	sent := make([][]string, len(stores))
	crowd(len(stores), func(i int) {
		for range 20 {
			if err := b.sends(stores[i], c); err != nil && !errors.Is(err, broadcast.ErrMoved) {
				b.Error(err)
			}
			got, err := stores[i].Lease(b.Context(), channels.Broadcast, b.clock.now(), 7, time.Minute)
			if err != nil {
				b.Error(err)
			}
			for _, l := range got {
				sent[i] = append(sent[i], l.Message.To.Value)
				b.must(stores[i].Settle(b.Context(), []gateway.Settlement{{ID: l.ID, Fence: l.Fence, Receipt: channels.Receipt{State: channels.Accepted, At: b.clock.now()}}}))
			}
		}
	})
	told := map[string]int{}
	for _, to := range append(sent[0], sent[1]...) {
		told[to]++
	}
	b.equal("people told", len(told), people)
	b.equal("messages", len(sent[0])+len(sent[1]), people)
	b.equal("rows", b.says(c), fmt.Sprintf("accepted/sms/=%d", people))
}
