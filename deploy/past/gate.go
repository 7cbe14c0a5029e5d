package past

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"gatehouse/channels"
	"gatehouse/exchange"
	"gatehouse/exchange/service"
	"gatehouse/gateway"
	"gatehouse/gateway/consent"
)

// gate is the citizens' side: the pure heart, and the store that gets each party whole at the end.
type gate struct {
	heart *gateway.Dispatcher
	city  *service.City
}

// hear is one message of a party and what the heart makes of it.
func (g *gate) hear(p *party, m channels.Message, at time.Time, conv gateway.Conversation, about []gateway.Matter, id func(time.Time) string, reference string) (gateway.Outcome, error) {
	m.ID, m.At, m.Lang = id(at), at, p.lang
	conv.Address, conv.Lang, conv.Heard = m.From, p.lang, at
	o, err := g.heart.Step(gateway.Turn{
		Now: at, NewID: func() string { return id(at) }, NewReference: func() string { return reference },
		Message: m, Register: p.registered(), Contact: p.contact, Conversation: conv, Matters: about, Attempt: 1,
	})
	if err != nil {
		return o, fmt.Errorf("hear %s: %w", p.name, err)
	}
	p.take(o)
	return o, nil
}

// file sends the form of a plan as its person would, or asks its question, and gives the case that goes up.
func (g *gate) file(p *plan, w *scribe, id func(time.Time) string) (exchange.Case, error) {
	from := p.who.addresses[p.channel]
	m := channels.Message{From: from, To: channels.Address{Channel: from.Channel, Value: "form+" + p.service.Code}, Trust: channels.CarrierVerified}
	switch p.channel {
	case "email":
		m.To.Value, m.Trust = "declare+"+strings.ToLower(p.service.Code)+"@"+g.city.Domain, p.who.proven()
	case service.AtCounter:
		m.From = channels.Address{Channel: service.AtCounter, Value: id(p.filed)}
		m.To.Channel = service.AtCounter
		m.Trust, m.Desk = channels.Attended, &channels.Desk{Clerk: "Counter 1, town hall", Name: p.who.name, Tell: p.who.addresses["email"], Proven: true}
	}
	if p.pair != nil {
		return g.inquire(p, m, id)
	}
	m.Text = w.form(p.story.Form)
	o, err := g.hear(p.who, m, p.filed, gateway.Conversation{}, nil, id, p.reference())
	if err != nil {
		return exchange.Case{}, err
	}
	return filed(p, o)
}

// inquire asks what no page answers, and takes the offer of a person.
func (g *gate) inquire(p *plan, m channels.Message, id func(time.Time) string) (exchange.Case, error) {
	m.To, m.Text = channels.Address{Channel: m.From.Channel}, p.pair.Ask.In(p.who.lang)
	o, err := g.hear(p.who, m, p.filed.Add(-time.Minute), gateway.Conversation{}, nil, id, p.reference())
	if err != nil {
		return exchange.Case{}, err
	}
	m.Text = "0"
	if o, err = g.hear(p.who, m, p.filed, *o.Conversation, nil, id, p.reference()); err != nil {
		return exchange.Case{}, err
	}
	return filed(p, o)
}

// filed gives the case among what would cross; without one the form was refused, and the replies say why.
func filed(p *plan, o gateway.Outcome) (exchange.Case, error) {
	for _, x := range o.Crossings {
		if c, ok := x.Document.(exchange.Case); ok {
			return c, nil
		}
	}
	return exchange.Case{}, fmt.Errorf("case %d, %s of %s by %s, is not filed: %s", p.n, p.service.Code, p.who.name, p.channel, said(o))
}

// said are the words that an outcome replies.
func said(o gateway.Outcome) string {
	var all []string
	for _, d := range o.Deliveries {
		all = append(all, d.Message.Text)
	}
	return strings.Join(all, " ")
}

// reply answers the office's question.
func (g *gate) reply(p *plan, matter string, id func(time.Time) string) (exchange.Addition, error) {
	from := p.who.addresses[p.channel]
	m := channels.Message{From: from, To: channels.Address{Channel: from.Channel}, Text: p.story.Question.Reply.In(p.who.lang), Trust: channels.CarrierVerified}
	if from.Channel == "email" {
		m.Reference, m.Trust = p.reference(), p.who.proven()
	}
	o, err := g.hear(p.who, m, p.replied, gateway.Conversation{}, []gateway.Matter{p.who.matter(matter)}, id, "")
	if err != nil {
		return exchange.Addition{}, err
	}
	for _, x := range o.Crossings {
		if a, ok := x.Document.(exchange.Addition); ok {
			return a, nil
		}
	}
	return exchange.Addition{}, fmt.Errorf("the answer to case %d by %s is not taken: %s", p.n, from.Channel, said(o))
}

// told lets a notice of the office come out.
func (g *gate) told(p *party, n exchange.Notice, id func(time.Time) string) error {
	o, err := g.heart.Notice(gateway.Tiding{Now: n.At, NewID: func() string { return id(n.At) }, Contact: p.contact, Matter: p.matter(n.Case)}, n)
	if err == nil {
		p.take(o)
	}
	return err
}

// join puts every second citizen with a phone onto the list of their district. Some leave it again, a few say STOP to
// everything.
func (g *gate) join(p *party, s *service.Service, now time.Time) {
	phone, ok := p.addresses["sms"]
	if !ok || p.trade != "" || p.n%2 == 1 {
		return
	}
	answers := map[string][]string{"districts": {p.district}, "language": {p.lang}}
	at := now.AddDate(0, 0, -20-2*p.n).Truncate(time.Hour)
	for _, list := range s.Lists(answers) {
		line := gateway.Consent{Contact: p.contact.ID, Address: phone, Purpose: consent.List, List: list, Act: consent.Granted,
			Shown: s.About.In(p.lang), Said: s.Keywords[p.lang][0] + " " + s.Show("districts", answers["districts"], p.lang), Source: consent.Person, At: at}
		p.consents = append(p.consents, line)
		if p.n%20 == 10 {
			line.Act, line.Shown, line.Said, line.At = consent.Withdrawn, "", "STOP "+s.Keywords["en"][0], at.AddDate(0, 0, 9)
			p.consents = append(p.consents, line)
		}
	}
}

// keep stores a party whole, with the language of where they wrote last: STATUS alone does not tell it.
func (g *gate) keep(ctx context.Context, to gateway.Work, p *party) error {
	last := slices.MaxFunc(p.contact.Reaches, func(a, b gateway.Reach) int { return a.Heard.Compare(b.Heard) })
	return to.Commit(ctx, gateway.Outcome{Contact: p.contact, Matters: p.matters, Consents: p.consents, Wakes: p.wakes,
		Conversation: &gateway.Conversation{Address: last.Address, Lang: p.lang, Heard: last.Heard}})
}
