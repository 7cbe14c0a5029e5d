package gateway

import (
	"strings"
	"time"

	"gatehouse/channels"
	"gatehouse/configs/texts"
	"gatehouse/exchange"
	"gatehouse/exchange/service"
	"gatehouse/gateway/dialogue"
)

// Wanted is what a Step needs to know beyond the person who writes: the case of a reference that is not theirs, who has
// an address, or what they were told last without asking.
type Wanted struct {
	Reference string
	Address   channels.Address
	// Told: the last broadcast that reached the address which writes.
	Told bool
	// Dossier is the id of the person of whom all is to be read.
	Dossier string
	// Parked is the id of a mail that waits.
	Parked string
	// Owing is the number of a company: who its clerks are, and what it declared.
	Owing string
}

// IsZero tells whether nothing is wanted.
func (w Wanted) IsZero() bool { return w == Wanted{} }

// Record is what the store knows of a Wanted. It is read before the Step and may be old when the outcome is committed:
// the store counts codes and checks versions again.
type Record struct {
	Wanted Wanted
	// Contact is whose the case or the address is; zero when there is none.
	Contact Contact
	Matter  Matter
	// Matters are all of Contact's, newest first, for a wanted address.
	Matters []Matter
	// Draft is the form of Contact, of a wanted address, that is not sent; nil: none.
	Draft *Draft
	// Dossier is all that is held of the wanted person; nil: nobody is known by that id.
	Dossier *Dossier
	// Codes counts what was sent to the address on record, or to the wanted address, and from the person's own.
	Codes CodeCount
	// Parked is the wanted mail that waits; nil: it does not any more. Clerks may say that it is theirs. ParkedToday
	// counts the mails of its company that came to wait within a day, with it.
	Parked *Parked
	Clerks []Registered
	// Declared is what the wanted company declared, whoever filed it: "DEC-GOODS 2026-W47", the newest first.
	Declared    []string
	ParkedToday int
	// Told is nil when no broadcast reached the address within a day.
	Told *Told
}

// Grant lets one conversation see one case that is not its own, for a while.
type Grant struct {
	Reference string
	Until     time.Time
}

const (
	// grantLife is how long a right code lets a case be seen again without another.
	grantLife = time.Hour
	maxGrants = 5
	// maxLookups bounds how often an address may ask for cases that are not its own, in an hour.
	maxLookups = 10
)

// Lookups counts how often cases of others were asked for, since when.
type Lookups struct {
	Count int
	Since time.Time
}

// Wants tells what has to be read for a Step of t. It is as pure as Step.
func (d *Dispatcher) Wants(t Turn) Wanted {
	m := t.Message
	if id, ok := t.waiting(); ok {
		return Wanted{Parked: id}
	}
	if company := t.Claim.Wake.owing(); company != "" {
		return Wanted{Owing: company}
	}
	if paged(m) {
		return Wanted{}
	}
	if asksTellProof(m) {
		to, _ := d.reachable(m.Desk.Tell.Value)
		return Wanted{Address: to}
	}
	if id, ok := proves(m); ok {
		if c := t.Conversation.Challenge; c != nil && c.ID == id {
			return Wanted{Address: c.Target}
		}
		return Wanted{}
	}
	if _, ok := d.claims(m); ok {
		return Wanted{Address: m.From}
	}
	if _, ok := d.signsIn(m); ok {
		return Wanted{Address: m.From}
	}
	if m.To.Channel == byWeb && pageOf(m) != "" {
		return Wanted{}
	}
	if m.Phone != nil && m.Phone.Own && m.Phone.Number != "" {
		return Wanted{Address: channels.Address{Channel: bySMS, Value: m.Phone.Number}}
	}
	if d.nods(m) {
		return Wanted{Told: true}
	}
	said := strings.TrimSpace(clipBytes(exchange.Normalize(m.Text), maxSaid))
	if c := t.Conversation.Challenge; c != nil && !c.over(t.Now) {
		if _, ok := readCode(said); ok {
			switch c.Purpose {
			case ToLink, ToData:
				return Wanted{Address: c.Target}
			case ToRenew, ToTell:
				return Wanted{}
			}
			return Wanted{Reference: c.Reference}
		}
	}
	if m.From.Channel == byMail {
		return d.wantsByMail(t, said)
	}
	if t.Conversation.Pending.Kind == askAddress {
		if a, ok := d.reachable(said); ok {
			return Wanted{Address: a}
		}
	}
	if d.picksRenewal(t.Conversation.Pending, said) == renewCode {
		to, _ := proofAddress(t.Contact, m.From, t.Now)
		return Wanted{Address: to}
	}
	if d.picksOwn(t.Conversation.Pending, said) == dialogue.MyData {
		to, _ := onRecordOf(t.Contact, m.From, t.Now)
		return Wanted{Address: to}
	}
	if p := t.Conversation.Pending; p.Kind == askLanguage { // the answer lets what was said before go on
		said = strings.TrimSpace(p.Text)
	}
	if ref, ok := exchange.ParseReference(strings.TrimPrefix(said, "/start ")); ok {
		return Wanted{Reference: ref}
	}
	switch c, ok := d.grammar.Command(said); {
	case ok && c.Act == dialogue.Status:
		if ref, ok := exchange.ParseReference(c.Arg); ok {
			return Wanted{Reference: ref}
		}
	case ok && c.Act == dialogue.Link:
		if a, ok := d.reachable(c.Arg); ok {
			return Wanted{Address: a}
		}
	case ok && c.Act == dialogue.MyData:
		to, _ := onRecordOf(t.Contact, m.From, t.Now)
		return Wanted{Address: to}
	}
	return Wanted{}
}

// wantsByMail is all that is held of the person, for who answers with the code that MY DATA got.
func (d *Dispatcher) wantsByMail(t Turn, said string) Wanted {
	k := talk{said: said}
	if p := t.Conversation.Pending; p.Kind == askData && k.saidAlone(p.Text) {
		return Wanted{Dossier: t.Contact.ID}
	}
	return Wanted{}
}

// OnRecord is where a code for a case is sent: the address that it was filed from, when a code can be sent there, else
// the one that its person used last, mail before others. Never the address that asks, nor one that may be somebody
// else's.
func OnRecord(r Record, by channels.Address, now time.Time) (channels.Address, bool) {
	var best Reach
	for _, reach := range r.Contact.Reaches {
		switch {
		case reach.Address == by || reach.Stopped || reach.Blocked || reach.Dead || reach.Doubtful(now) || rank(reach.Address.Channel) == 0:
		case reach.Address == r.Matter.Address:
			return reach.Address, true
		case rank(reach.Address.Channel) > rank(best.Address.Channel),
			rank(reach.Address.Channel) == rank(best.Address.Channel) && reach.Heard.After(best.Heard):
			best = reach
		}
	}
	return best.Address, !best.Address.IsZero()
}

// rank orders the channels that can carry a code; 0 can't.
func rank(channel string) int {
	switch channel {
	case byMail:
		return 3
	case bySMS:
		return 2
	case byChat:
		return 1
	}
	return 0
}

// foreign answers for a case that is not the person's own. Where it is open to all its state is told; else a code goes
// to the address on record. That there is no such case, and that there is none that can be told of here, are one text.
func (k *talk) foreign(reference string) {
	unknown := func() { k.say("status.unknown", texts.Args{"reference": reference, "phone": k.phone()}) }
	if !k.countLookup() {
		k.say("code.spent", texts.Args{"phone": k.phone()})
		return
	}
	r := k.t.Record
	if r == nil || r.Wanted.Reference != reference || r.Matter.Reference != reference {
		unknown()
		return
	}
	s, known := k.d.services.ByCode(r.Matter.Service)
	if known && s.Privacy == service.Open {
		k.say("status.one", texts.Args{"reference": reference, "service": k.d.called(r.Matter, k.t.Message.From.Channel, k.lang), "state": k.d.state(r.Matter, k.lang)})
		return
	}
	if k.granted(reference) {
		k.showForeign(r.Matter, k.recordChannel(*r))
		return
	}
	to, ok := OnRecord(*r, k.t.Message.From, k.t.Now)
	if !ok {
		unknown()
		return
	}
	key := "status.private.phone"
	switch company := known && s.Kind == service.Declaration; {
	case company && to.Channel == byMail:
		key = "status.company.mail"
	case company:
		key = "status.company.phone"
	case to.Channel == byMail:
		key = "status.private.mail"
	}
	k.sendCode(ToSee, reference, to, key, texts.Args{"reference": reference})
}

func (k *talk) recordChannel(r Record) string {
	to, _ := OnRecord(r, k.t.Message.From, k.t.Now)
	return to.Channel
}

// countLookup counts one question for a case of others; false: there were too many.
func (k *talk) countLookup() bool {
	l := k.conv.Lookups
	if k.t.Now.Sub(l.Since) > time.Hour {
		l = Lookups{Since: k.t.Now}
	}
	l.Count++
	k.conv.Lookups = l
	return l.Count <= maxLookups
}

func (k *talk) granted(reference string) bool {
	for _, g := range k.conv.Grants {
		if g.Reference == reference && k.t.Now.Before(g.Until) {
			return true
		}
	}
	return false
}

// opened tells of the case that a right code has opened.
func (k *talk) opened(c Challenge) {
	r := k.t.Record
	if r == nil || r.Matter.Reference != c.Reference {
		k.say("status.unknown", texts.Args{"reference": c.Reference, "phone": k.phone()})
		return
	}
	k.grant(c.Reference)
	k.showForeign(r.Matter, c.Target.Channel)
}

// grant lets what a right code has opened be seen again for a while.
func (k *talk) grant(reference string) {
	grants := []Grant{{Reference: reference, Until: k.t.Now.Add(grantLife)}}
	for _, g := range k.conv.Grants {
		if g.Reference != reference && k.t.Now.Before(g.Until) && len(grants) < maxGrants {
			grants = append(grants, g)
		}
	}
	k.conv.Grants = grants
}

// showForeign tells where a case stands that is not this person's own, and where the rest can be read. It offers
// nothing that changes the case.
func (k *talk) showForeign(m Matter, kept string) {
	k.reference = m.Reference
	k.sayStanding(m)
	if last := lastWords(m); last != "" && (kept != byMail || !m.toCorrect()) && k.d.tellable(m.Service, k.t.Message.From.Channel) {
		k.tell(last)
	}
	k.sayNext(m)
	if kept == byMail {
		k.say("status.inmail", nil)
	}
}
