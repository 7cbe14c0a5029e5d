package gateway

import (
	"slices"
	"strings"
	"time"

	"gatehouse/channels"
	"gatehouse/channels/text"
	"gatehouse/configs/texts"
	"gatehouse/exchange"
)

// WakeReturned is due when word came on a message of a case that did not do its work; the subject is a Returned in words.
const WakeReturned WakeKind = "returned"

// Returned is what became of a message of a case.
type Returned struct {
	Matter string
	// What: channels.Failed, Delayed or Complained.
	What channels.State
	// Channel is the message's own, Next the one that it went to instead; empty: none.
	Channel, Next string
	// Code is the carrier's; empty: it gave none.
	Code string
}

// maxCode bounds Returned.Code in a subject, in bytes.
const maxCode = 20

// Subject is r as the subject of its wake.
func (r Returned) Subject() string {
	code := strings.Map(func(c rune) rune {
		if c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '.' {
			return c
		}
		return '.'
	}, r.Code)
	return strings.Join([]string{r.Matter, string(r.What), r.Channel, r.Next, code[:min(len(code), maxCode)]}, "/")
}

// returnedOf reads a subject.
func returnedOf(subject string) (Returned, bool) {
	f := strings.Split(subject, "/")
	if len(f) != 5 {
		return Returned{}, false
	}
	return Returned{Matter: f[0], What: channels.State(f[1]), Channel: f[2], Next: f[3], Code: f[4]}, true
}

// returned tells the office what became of a message, without a word of an address. Where rows wait to be put right and
// nobody could tell the person so, another channel of theirs does.
func (d *Dispatcher) returned(t Turn) Outcome {
	r, ok := returnedOf(t.Claim.Wake.Subject)
	i := slices.IndexFunc(t.Matters, func(m Matter) bool { return m.ID == r.Matter })
	if !ok || i < 0 {
		return rest(t, time.Time{})
	}
	m := t.Matters[i]
	o := Outcome{Claim: t.Claim, Contact: t.Contact}
	if _, open := t.correction(m.ID); open && r.What == channels.Failed && r.Next == "" {
		r.Next = d.remindElsewhere(&o, t, m, r.Channel)
	}
	o.Crossings = []Crossing{{Matter: m.ID, Document: exchange.Addition{
		ID: t.NewID(), Case: m.ID, Act: exchange.ActReturned, Trust: "gateway", Channel: "gateway", At: t.Now, Text: d.returnedText(r, m.Lang),
	}}}
	return o
}

func (d *Dispatcher) returnedText(r Returned, lang string) string {
	key := "mail.returned.failed"
	switch {
	case r.What == channels.Delayed:
		key = "mail.returned.delayed"
	case r.What == channels.Complained:
		key = "mail.returned.complained"
	case r.Next != "":
		key = "mail.returned.moved"
	}
	by := func(channel string) string {
		if channel == "" {
			return ""
		}
		return strings.TrimSpace(d.texts.Text(lang, "citizen.where."+channel, texts.Args{"address": ""}))
	}
	return d.texts.Text(lang, "citizen."+key, texts.Args{"where": by(r.Channel), "next": by(r.Next), "code": firstOf(r.Code, "-")})
}

// remindElsewhere tells on another channel than the one that failed that rows are to be put right, and gives that channel;
// empty: there is none.
func (d *Dispatcher) remindElsewhere(o *Outcome, t Turn, m Matter, failed string) string {
	c := t.Contact
	c.Reaches = slices.DeleteFunc(slices.Clone(c.Reaches), func(r Reach) bool { return r.Address.Channel == failed || r.Address.Channel == byWeb })
	if _, ok := lastUsed(c, channels.Address{}, true); !ok {
		return ""
	}
	said := d.texts.Text(m.Lang, "citizen.notice.rows", texts.Args{"reference": m.Reference, "when": d.when(m.CorrectBy, m.Lang),
		"phone": d.services.City.Phone})
	o.Deliveries = d.tellMatter(Tiding{Now: t.Now, NewID: t.NewID, Contact: c}, m, said, true)
	if len(o.Deliveries) == 0 {
		return ""
	}
	return o.Deliveries[0].Message.To.Channel
}

// robot records what a machine sent: nothing is answered, and none of its words is taken for a person's. What came to a
// case's own address stands in that case for staff ("out of office until …").
func (k *talk) robot() {
	k.silent = true
	k.keepQuestion()
	m, ok := k.matterOf(k.t.Message.Reference)
	if k.t.Message.Reference == "" || !ok || m.State == exchange.Blocked {
		return
	}
	said := text.Mask(exchange.Normalize(strings.TrimSpace(k.t.Message.Subject + "\n\n" + k.t.Message.Text)))
	k.o.Crossings = append(k.o.Crossings, Crossing{Matter: m.ID, Document: exchange.Addition{
		ID: k.t.NewID(), Case: m.ID, Act: exchange.ActAuto, Trust: string(k.t.level("")), Channel: k.t.Message.From.Channel, At: k.t.Now,
		Text: clip(said, maxAuto),
	}})
}

// maxAuto bounds what is kept of an automatic reply, in characters.
const maxAuto = 2000
