package gateway

import (
	"slices"
	"time"

	"gatehouse/channels"
	"gatehouse/channels/text"
	"gatehouse/configs/texts"
	"gatehouse/exchange"
)

// WakePost is due when the mail with a decision came back; the subject is the case's id.
const WakePost WakeKind = "post"

// WakeBlocked is due when a carrier let a text of a case through to nobody because of its STOP (Twilio 21610), and the
// text did not have to be told elsewhere; the subject is the case's id.
const WakeBlocked WakeKind = "blocked"

// blocked tells the office that a text of a case is kept and was not told. Nothing retries: the person may lift the block
// by START.
func (d *Dispatcher) blocked(t Turn) Outcome {
	i := slices.IndexFunc(t.Matters, func(m Matter) bool { return m.ID == t.Claim.Wake.Subject })
	if i < 0 {
		return rest(t, time.Time{})
	}
	m := t.Matters[i]
	return Outcome{Claim: t.Claim, Contact: t.Contact, Crossings: []Crossing{{Matter: m.ID, Document: exchange.Addition{
		ID: t.NewID(), Case: m.ID, Act: exchange.ActBlocked, Trust: "gateway", Channel: "gateway", At: t.Now,
		Text: d.texts.Text(m.Lang, "citizen.notice.blocked.inside", nil),
	}}}}
}

// inWriting sees to it that a decision which is owed in writing goes out by mail as well, where the person has a mail
// address, whichever channel they used last.
func (d *Dispatcher) inWriting(o *Outcome, t Tiding, m Matter, said string) {
	if s, ok := d.services.ByCode(m.Service); !ok || !s.Documented() {
		return
	}
	for i := range o.Deliveries {
		if o.Deliveries[i].Message.To.Channel == byMail {
			o.Deliveries[i].Legal = true
			return
		}
	}
	t.Contact.Reaches = only(t.Contact.Reaches, byMail)
	if _, ok := lastUsed(t.Contact, m.Address, true); !ok {
		return
	}
	if len(o.Deliveries) > 1 && o.Deliveries[0].Message.To.Channel == byWeb { // the mail stands beside the chat, no text does
		o.Deliveries = o.Deliveries[:1]
	}
	for _, mail := range d.tellMatter(t, m, said, true) {
		mail.Legal = true
		o.Deliveries = append(o.Deliveries, mail)
	}
}

// only gives the reaches of one channel.
func only(all []Reach, channel string) []Reach {
	return slices.DeleteFunc(slices.Clone(all), func(r Reach) bool { return r.Address.Channel != channel })
}

// byPost has the office tell by post what came back by mail. The person gets a text without any content: who reads it may
// not be they.
func (d *Dispatcher) byPost(t Turn) Outcome {
	i := slices.IndexFunc(t.Matters, func(m Matter) bool { return m.ID == t.Claim.Wake.Subject })
	if i < 0 {
		return rest(t, time.Time{})
	}
	m := t.Matters[i]
	args := texts.Args{"reference": m.Reference}
	o := Outcome{Claim: t.Claim, Contact: t.Contact}
	o.Crossings = []Crossing{{Matter: m.ID, Document: exchange.Addition{
		ID: t.NewID(), Case: m.ID, Act: exchange.ActPost, Trust: "gateway", Channel: "gateway", At: t.Now,
		Text: d.texts.Text(m.Lang, "citizen.notice.post.inside", args),
	}}}
	c := t.Contact
	c.Reaches = only(c.Reaches, bySMS)
	if to, ok := lastUsed(c, m.Address, true); ok {
		msg := channels.Message{
			ID: t.NewID(), From: channels.Address{Channel: bySMS}, To: to, At: t.Now, Lang: m.Lang, Queue: channels.Notice, Reference: m.Reference,
			Text: text.Plain(d.texts.Text(m.Lang, "citizen.notice.post", args), text.StripAccents),
		}
		o.Deliveries = []Delivery{{ID: msg.ID, Contact: t.Contact.ID, Queue: msg.Queue, Matter: m.ID, Message: msg, Due: t.Now}}
	}
	return o
}
