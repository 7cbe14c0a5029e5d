package gateway

import (
	"slices"
	"strings"
	"time"

	"gatehouse/channels"
	"gatehouse/channels/text"
	"gatehouse/configs/texts"
	"gatehouse/exchange"
	"gatehouse/exchange/receipt"
)

// Notice tells a person what the office says to their case: on the address they used last, a mail in its old thread.
// That the office received it only lengthens the time line: the person was told that it is on its way.
func (d *Dispatcher) Notice(t Tiding, n exchange.Notice) (Outcome, error) {
	m := t.Matter
	if n.State != "" {
		m.State, m.Words = n.State, n.Words
		if m.CorrectBy.IsZero() {
			m.Correct = n.Correct
		}
	}
	if n.Decision != exchange.Undecided {
		m.State, m.Decision, m.Words = exchange.Decided, n.Decision, ""
	}
	if m.State == exchange.Reopened {
		m.Decision = exchange.Undecided
	}
	if !n.Promise.IsZero() || n.Words != "" { // what was promised is done, once the office says where the case stands
		m.Promise = n.Promise
	}
	words := strings.TrimSpace(strings.Join(slices.DeleteFunc([]string{n.Reason, n.Text}, func(s string) bool { return s == "" }), "\n"))
	e := Event{At: n.At, State: m.State, Text: words, Words: n.Words}
	o := Outcome{Contact: t.Contact}
	if f := t.Paper; f != nil {
		e.Paper = &Paper{Name: f.Name, Size: f.Size, SHA256: f.SHA256}
		o.Papers = []Kept{{Matter: m.ID, File: *f}}
	}
	if t.Registered != nil {
		e.Receipt = n.Registered[0].ID
		m.Owed = append(slices.Clone(m.Owed), e.Receipt)
		o.Receipts = []Issued{{Matter: m.ID, Signed: t.Registered}}
		e.Registered = true
	}
	m.Events = append(slices.Clone(m.Events), e)
	o.Matters = []Matter{m}
	kept(&o, m, n)
	said, must := d.noticeText(m, n, m.State != t.Matter.State, t.Now)
	if said != "" {
		d.tell(&o, t, m, said, must)
	}
	if n.Decision != exchange.Undecided {
		d.inWriting(&o, t, m, said)
	}
	if slices.ContainsFunc(o.Deliveries, func(x Delivery) bool { return len(x.Receipts) > 0 }) {
		o.Matters[0].Owed = nil
	}
	return o, nil
}

// noticeText words a notice; must: the person has to be told, on whichever address.
func (d *Dispatcher) noticeText(m Matter, n exchange.Notice, changed bool, now time.Time) (said string, must bool) {
	args := texts.Args{
		"reference": m.Reference, "service": m.Name, "state": d.state(m, m.Lang), "decision": d.state(m, m.Lang),
		"reason": n.Reason, "text": n.Text,
	}
	if n.Words != "" {
		args["state"] = d.stated(m, m.Lang, now)
	}
	say := func(key string) string { return d.texts.Text(m.Lang, "citizen.notice."+key, args) }
	switch {
	case n.Decision != exchange.Undecided:
		said = strings.TrimSpace(say("decided"))
		if n.Text != "" {
			said += " " + n.Text
		}
		if n.Decision != exchange.Granted && n.Decision != exchange.Withdrawn {
			said += " " + say("appeal")
		}
		return said, true
	case n.State == exchange.WaitingYou:
		return say("question"), true
	case n.Text != "":
		return say("reply"), true
	case n.Words != "", changed && (n.State == exchange.Reopened || n.State == exchange.InOA):
		said = say("state")
		if n.Promise.After(n.At) {
			said += " " + d.texts.Text(m.Lang, "citizen.status.promise", texts.Args{"when": d.when(n.Promise, m.Lang)})
		}
		return said, false
	}
	return "", false
}

// Refused tells a person that the border did not let their document through, by the class of the reason. A document
// falls with its files, each of which is refused too: what was said last is not said again.
func (d *Dispatcher) Refused(t Tiding, r exchange.Reason) (Outcome, error) {
	m := t.Matter
	if m.State == exchange.Queued || m.State == "" {
		m.State = exchange.Blocked
	}
	said := d.texts.Text(m.Lang, "citizen.refused."+refusal(r), texts.Args{"reference": m.Reference, "phone": d.services.City.Phone})
	if lastWords(m) == said {
		return Outcome{Contact: t.Contact, Matters: []Matter{m}}, nil
	}
	m.Events = append(slices.Clone(m.Events), Event{At: t.Now, State: m.State, Text: said})
	o := Outcome{Contact: t.Contact}
	if first := m.received(); first != "" {
		x := d.receiptFor(m, receipt.Refused, t.NewID())
		x.Reason, x.Of = refusal(r), &receipt.Of{ID: first}
		o.Receipts = []Issued{{Matter: m.ID, Receipt: x}}
		m.Events[len(m.Events)-1].Receipt = x.ID
		m.Owed = append(slices.Clone(m.Owed), x.ID)
	}
	d.tell(&o, t, m, said, true)
	if slices.ContainsFunc(o.Deliveries, func(x Delivery) bool { return len(x.Receipts) > 0 }) {
		m.Owed = nil
	}
	o.Matters = []Matter{m}
	return o, nil
}

// refusal is the class of sentence for a reason of the border.
func refusal(r exchange.Reason) string {
	switch r {
	case exchange.ReasonFileKind, exchange.ReasonActive, exchange.ReasonArchive:
		return "file"
	case exchange.ReasonVirus:
		return "virus"
	case exchange.ReasonSize, exchange.ReasonQuota:
		return "size"
	case exchange.ReasonPages:
		return "pages"
	case exchange.ReasonText:
		return "text"
	}
	return "other"
}

// tell puts a notice where the person can be reached. Who can't and must be told gets a letter by post.
func (d *Dispatcher) tell(o *Outcome, t Tiding, m Matter, said string, must bool) {
	if list := d.tellMatter(t, m, said, must); len(list) > 0 {
		o.Deliveries = append(o.Deliveries, list...)
	} else if must {
		o.Letters = append(o.Letters, Letter{ID: t.NewID(), Contact: t.Contact.ID, Matter: m.ID, Reference: m.Reference, Lang: m.Lang, Text: said, At: t.Now})
	}
}

// tellMatter makes the delivery of a notice. Nobody left to tell: none; the time line has it.
func (d *Dispatcher) tellMatter(t Tiding, m Matter, said string, must bool) []Delivery {
	to, ok := lastUsed(t.Contact, m.Address, must)
	if !ok {
		to = m.Tell.Address
	}
	if to.IsZero() {
		return nil
	}
	paper, owed := t.Paper, m.Owed
	silent := slices.ContainsFunc(t.Contact.Reaches, func(r Reach) bool { return r.Address == to && r.Doubtful(t.Now) })
	switch {
	case silent: // whoever has it by now learns nothing but that somebody has a case
		paper, owed = nil, nil
		said = d.texts.Text(m.Lang, "citizen.notice.silent", texts.Args{
			"city": d.services.City.Name.In(m.Lang), "reference": m.Reference, "phone": d.services.City.Phone,
		})
	case !d.tellable(m.Service, to.Channel) || !ok && !m.Tell.Proven:
		paper, owed = nil, nil
		said = d.texts.Text(m.Lang, "citizen.notice.state", texts.Args{
			"reference": m.Reference, "service": m.Name, "state": d.state(m, m.Lang),
		})
	}
	msg := channels.Message{
		ID: t.NewID(), From: channels.Address{Channel: to.Channel}, To: to, At: t.Now, Lang: m.Lang, Text: said,
		Reference: m.Reference, Queue: channels.Notice,
	}
	where := ""
	if paper != nil {
		where = d.paperText(m, to.Channel, carriesFiles(to.Channel))
		msg.Text = strings.TrimSpace(said + " " + where)
	}
	if !carriesFiles(to.Channel) {
		owed = nil
	}
	if paper != nil && carriesFiles(to.Channel) {
		msg.Files = []channels.File{*paper}
	}
	switch to.Channel {
	case bySMS:
		msg.Text = d.fitSMS(said, where, m.Lang)
	case byMail:
		msg.Subject = d.texts.Text(m.Lang, "citizen.notice.subject", texts.Args{"reference": m.Reference, "title": firstOf(m.Subject, m.Name)})
		if to == m.Address {
			msg.Thread = answerTo(m.Thread)
		}
	}
	list := []Delivery{{
		ID: msg.ID, Contact: t.Contact.ID, Queue: channels.Notice, Matter: m.ID, Message: msg, Due: t.Now, Must: must, Receipts: owed,
	}}
	if to.Channel == byWeb && must {
		list = append(list, d.besideChat(t, m, said)...)
	}
	return list
}

// besideChat tells what must be told on another address too, where there is one: the page of a web chat may be closed.
func (d *Dispatcher) besideChat(t Tiding, m Matter, said string) []Delivery {
	t.Contact.Reaches = slices.DeleteFunc(slices.Clone(t.Contact.Reaches), func(r Reach) bool { return r.Address.Channel == byWeb })
	if _, ok := lastUsed(t.Contact, m.Address, true); !ok {
		return nil
	}
	return d.tellMatter(t, m, said, true)
}

// fitSMS keeps a text within its segments; STATUS tells the whole. end stands at the end, whatever is cut.
func (d *Dispatcher) fitSMS(said, end, lang string) string {
	s, tail := text.Plain(said, text.StripAccents), ""
	if end != "" {
		tail = " " + text.Plain(end, text.StripAccents)
	}
	if text.Measure(s+tail).Segments <= maxSegments {
		return s + tail
	}
	if w := d.texts.Words(lang, "status"); len(w) > 0 {
		tail = " ... " + text.Plain(w[0], text.StripAccents) + tail
	}
	head, _ := cutFor(s, tail)
	return head + tail
}

// lastUsed is the address that the person wrote from last and that can be reached. One that said STOP is used only
// when none other is left and the person must be told.
func lastUsed(c Contact, filed channels.Address, must bool) (channels.Address, bool) {
	var best, stopped Reach
	for _, r := range c.Reaches {
		switch {
		case r.Blocked || r.Dead || r.Unsure || r.Address.Channel == byDesk: // nobody stands at the counter any more
		case r.Stopped:
			if stopped.Address.IsZero() || r.Heard.After(stopped.Heard) {
				stopped = r
			}
		case best.Address.IsZero() || r.Heard.After(best.Heard) || r.Heard.Equal(best.Heard) && r.Address == filed:
			best = r
		}
	}
	if best.Address.IsZero() && must {
		best = stopped
	}
	return best.Address, !best.Address.IsZero()
}
