package gateway_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gatehouse/channels"
	"gatehouse/configs"
	pages "gatehouse/configs/answers"
	"gatehouse/configs/city"
	"gatehouse/configs/texts"
	"gatehouse/exchange"
	"gatehouse/exchange/service"
	"gatehouse/gateway"
	"gatehouse/gateway/answers"
	"gatehouse/gateway/consent"
)

// world is one person's memory as a store keeps it, and the dispatcher under test. Each message is one Step whose
// outcome is applied.
type world struct {
	t       testing.TB
	d       *gateway.Dispatcher
	now     time.Time
	contact gateway.Contact
	convs   map[channels.Address]gateway.Conversation
	draft   *gateway.Draft
	shelf   []gateway.Draft
	matters []gateway.Matter
	open    []gateway.Correction
	lists   map[string]bool
	ledger  []gateway.Consent
	ids     int
	refs    int
	tokens  func() string // nil: no link can be sent
	sent    []gateway.Delivery
	crossed []gateway.Crossing
	last    gateway.Outcome
	wakes   []gateway.Wake
	told    *gateway.Told // the last broadcast
	nods    int
	trust   channels.Trust // of its mails; empty: unverified
	// register is what the register of companies says of its mail address.
	register []gateway.Registered
}

// clerkWorld is that of a clerk who is registered for the company of all examples, and whose mails its domain vouches for.
func clerkWorld(t testing.TB) *world {
	t.Helper()
	w := newWorld(t)
	w.trust, w.register = channels.DomainVerified, []gateway.Registered{{Company: "12-345678-C", Name: "Northdock Goods", Address: inbox.Value}}
	return w
}

var (
	phone = channels.Address{Channel: "sms", Value: "+447700900123"}
	bot   = channels.Address{Channel: "chat", Value: "4711"}
	tab   = channels.Address{Channel: "web", Value: "s-1"}
	inbox = channels.Address{Channel: "email", Value: "jo@northdock.example"}
)

func lookup(string) (string, bool) { return "", false }

func mustServices(t testing.TB) *service.Catalog {
	t.Helper()
	c, err := service.Load(city.Services(), func(n string, b []byte, into any) error { return configs.Parse(n, b, into, lookup) })
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func mustTexts(t testing.TB) *texts.Catalog {
	t.Helper()
	c, err := texts.Load()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func mustIndex(t testing.TB) *answers.Index {
	t.Helper()
	all, err := pages.LoadFS(city.Answers(), "answers")
	if err != nil {
		t.Fatal(err)
	}
	list := make([]answers.Page, 0, len(all))
	for _, p := range all {
		if p.Public() {
			list = append(list, answers.Page{
				ID: p.ID, Lang: p.Lang, Title: p.Title, Asks: p.Asks, SMS: p.SMS, Chat: p.Chat, Body: p.Page,
				URL: "https://portlumen.example/" + p.Lang + "/answers/" + p.ID, Service: p.Service, Owner: p.Owner,
			})
		}
	}
	return answers.New(list)
}

var (
	once   sync.Once
	shared *gateway.Dispatcher
)

// dispatcher is built once for all tests of the package: it keeps nothing between steps.
func dispatcher(t testing.TB) *gateway.Dispatcher {
	t.Helper()
	once.Do(func() {
		shared = gateway.NewDispatcher(gateway.Rules{
			Texts: mustTexts(t), Services: mustServices(t), Answers: mustIndex(t), PublicURL: "https://portlumen.example",
			CodeKey: []byte("a key for tests, 32 bytes of it!"),
			Paper: func(reference string, n int) (string, time.Time) {
				return fmt.Sprintf("https://portlumen.example/documents/%s/%d?t=x", reference, n), monday.Add(90 * 24 * time.Hour)
			},
		})
	})
	return shared
}

// monday is 23 November 2026, 09:00 where Port Lumen is (UTC-1).
var monday = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{
		t: t, d: dispatcher(t), now: monday, convs: map[channels.Address]gateway.Conversation{}, lists: map[string]bool{},
		contact: gateway.Contact{ID: "c1"},
	}
	for _, a := range []channels.Address{phone, bot, tab, inbox} {
		w.contact.Reaches = append(w.contact.Reaches, gateway.Reach{Address: a, Introduced: true})
	}
	return w
}

func (w *world) newID() string { w.ids++; return fmt.Sprintf("01TEST%06d", w.ids) }

func (w *world) newReference() string { w.refs++; return reference(w.refs - 1) }

// hear runs one message and gives what was replied, "" for silence.
func (w *world) hear(m channels.Message) string {
	w.t.Helper()
	if m.ID == "" {
		m.ID = w.newID()
	}
	m.At = w.now
	turn := gateway.Turn{
		Now: w.now, NewID: w.newID, NewReference: w.newReference, NewToken: w.tokens, Claim: gateway.Claim{Message: m.ID, Contact: w.contact.ID, Fence: 1},
		Message: m, Contact: w.contact, Conversation: w.convs[m.From], Draft: w.draft, Shelf: w.shelf, Matters: w.matters, Corrections: w.open, Standing: w.standing(), Attempt: 1,
	}
	turn.Conversation.Address = m.From
	w.learn(&turn)
	o, err := w.d.Step(turn)
	if err != nil {
		w.t.Fatalf("step: %v", err)
	}
	w.keepNod(o)
	return w.apply(o)
}

// standing is what the ledger adds up to, as a store gives it.
func (w *world) standing() []gateway.Consent {
	var out []gateway.Consent
	for i, c := range w.ledger {
		last := !slices.ContainsFunc(w.ledger[i+1:], func(n gateway.Consent) bool {
			return n.Purpose == c.Purpose && n.List == c.List && n.Address == c.Address
		})
		if last {
			c.Shown, c.Said = "", ""
			out = append(out, c)
		}
	}
	return out
}

func (w *world) apply(o gateway.Outcome) string {
	w.t.Helper()
	w.last = o
	w.contact = o.Contact
	if o.Conversation != nil {
		w.convs[o.Conversation.Address] = *o.Conversation
	}
	if o.Draft != nil {
		if o.Shelve {
			w.shelf = append(w.shelf, *w.draft)
		}
		w.shelf = slices.DeleteFunc(slices.Clone(w.shelf), func(d gateway.Draft) bool { return d.ID == o.Draft.ID })
		w.draft = o.Draft
	}
	if o.DropDraft {
		w.draft = nil
	}
	for _, m := range o.Matters {
		w.keep(m)
	}
	for _, c := range o.Corrections {
		w.open = slices.DeleteFunc(slices.Clone(w.open), func(x gateway.Correction) bool { return x.Matter == c.Matter })
		if !c.Done {
			w.open = append(w.open, c)
		}
	}
	w.matters = slices.DeleteFunc(w.matters, func(m gateway.Matter) bool { return slices.Contains(o.Gone, m.For) })
	for _, c := range o.Consents {
		w.ledger = append(w.ledger, c)
		if c.Purpose == consent.List {
			w.lists[c.List] = c.Act == consent.Granted
		}
	}
	for _, c := range o.Crossings {
		if err := c.Document.Check(); err != nil {
			w.t.Errorf("a document that can't cross: %v", err)
		}
	}
	w.setWakes(o)
	w.crossed = append(w.crossed, o.Crossings...)
	w.sent = append(w.sent, o.Deliveries...)
	here := slices.Clone(o.Deliveries)
	if o.Conversation != nil {
		here = slices.DeleteFunc(here, func(d gateway.Delivery) bool { return d.Message.To != o.Conversation.Address })
	}
	told := map[channels.Address]bool{}
	for _, d := range here {
		if told[d.Message.To] {
			w.t.Errorf("%d messages at once", len(here))
		}
		told[d.Message.To] = true
	}
	if len(here) == 0 {
		return ""
	}
	return here[0].Message.Text
}

// setWakes keeps them as the store does.
func (w *world) setWakes(o gateway.Outcome) {
	drop := func(k gateway.Wake) {
		w.wakes = slices.DeleteFunc(w.wakes, func(old gateway.Wake) bool { return old.Kind == k.Kind && old.Subject == k.Subject })
	}
	drop(o.Claim.Wake)
	for _, k := range o.Wakes {
		drop(k)
		if !k.At.IsZero() {
			w.wakes = append(w.wakes, k)
		}
	}
}

func (w *world) keep(m gateway.Matter) {
	for i := range w.matters {
		if w.matters[i].ID == m.ID {
			w.matters[i] = m
			return
		}
	}
	w.matters = append([]gateway.Matter{m}, w.matters...)
}

func (w *world) text(s string) string {
	w.t.Helper()
	return w.hear(channels.Message{From: phone, To: channels.Address{Channel: "sms", Value: "+447700900000"}, Text: s, Trust: channels.CarrierVerified})
}

func (w *world) say(from channels.Address, s string) string {
	w.t.Helper()
	return w.hear(channels.Message{From: from, To: channels.Address{Channel: from.Channel, Value: "us"}, Text: s, Trust: channels.CarrierVerified})
}

func (w *world) lastCase() exchange.Case {
	w.t.Helper()
	for i := len(w.crossed) - 1; i >= 0; i-- {
		if c, ok := w.crossed[i].Document.(exchange.Case); ok {
			return c
		}
	}
	w.t.Fatal("no case crossed")
	return exchange.Case{}
}

func answersOf(c exchange.Case) string {
	var all []string
	for _, a := range c.Answers {
		all = append(all, a.Field+"="+a.Value)
	}
	return strings.Join(all, " ")
}

// reference gives the n-th of a fixed row of references with right check digits.
func reference(n int) string {
	heads := []string{"PL-3QH8-7WRD-", "PL-7K4M-2XQ9-", "PL-9DTE-4HB6-", "PL-AAAA-AAAA-", "PL-BBBB-BBBB-", "PL-CCCC-CCCC-"}
	for nn := range 98 {
		if ref, ok := exchange.ParseReference(fmt.Sprintf("%s%02d", heads[n%len(heads)], nn+1)); ok {
			return ref
		}
	}
	return ""
}

// brief names a document in one line.
func brief(c gateway.Crossing) string {
	switch d := c.Document.(type) {
	case exchange.Case:
		return strings.TrimSpace(fmt.Sprintf("case %s %s %s", d.Service, d.Reference, strings.TrimSpace(answersOf(d)+" "+d.Text)))
	case exchange.Addition:
		return strings.TrimSpace(fmt.Sprintf("%s %s", d.Act, strings.TrimSpace(answersOf(exchange.Case{Answers: d.Answers})+" "+d.Text)))
	}
	return string(c.Document.Kind())
}

type ask struct{ lang, text string }

// publishedAsks gives every question that a public page names.
func publishedAsks(t testing.TB) []ask {
	t.Helper()
	all, err := pages.LoadFS(city.Answers(), "answers")
	if err != nil {
		t.Fatal(err)
	}
	var list []ask
	for _, p := range all {
		for _, a := range p.Asks {
			if p.Public() {
				list = append(list, ask{p.Lang, a})
			}
		}
	}
	if len(list) < 100 {
		t.Fatalf("only %d questions", len(list))
	}
	return list
}
