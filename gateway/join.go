package gateway

import (
	"slices"
	"strings"
	"time"

	"gatehouse/channels"
	"gatehouse/exchange"
	"gatehouse/exchange/service"
	"gatehouse/gateway/consent"
)

// WakeJoin ends a request to join lists that nobody confirmed. A contact has one such wake.
const WakeJoin WakeKind = "join"

// joinSubject is the subject of that wake: it looks at all requests of the contact.
const joinSubject = "lists"

const (
	// joinLife is how long a request to join can be confirmed.
	joinLife = 48 * time.Hour
	// joinRest is how long an address that did not confirm, or said no, is not asked again because of a page that
	// anybody may fill in.
	joinRest = 7 * 24 * time.Hour
)

// Joining is a request to join lists that the owner of the address has yet to confirm.
type Joining struct {
	Lists []string
	Asked time.Time
	// Lang is the language that was chosen for the lists; Quiet keeps them to the day.
	Lang  string
	Quiet bool
	// Word must stand alone in a mail that confirms, because anybody can write a From line; empty elsewhere.
	Word string
}

func (j *Joining) open(now time.Time) bool { return j != nil && now.Before(j.Asked.Add(joinLife)) }

// join asks the address once to confirm what a filled form wants: double opt-in, as CTIA asks of recurring lists
// (Messaging Principles and Best Practices §5.1). Nothing is on until then.
func (k *talk) join(s *service.Service, answers map[string][]string) {
	j := &Joining{Quiet: slices.Contains(answers["hours"], "day")}
	if lang := answers["language"]; len(lang) > 0 && k.d.texts.Has(lang[0]) {
		j.Lang = lang[0]
	}
	k.askToJoin(j, s.Lists(answers), consent.Person)
}

// askToJoin writes the request into the ledger, and the question. Lists that the address has are not asked for again.
func (k *talk) askToJoin(j *Joining, ids []string, source consent.Source) {
	for _, id := range ids {
		if !k.stands(id, consent.Granted) {
			j.Lists = append(j.Lists, id)
			k.consent(consent.List, id, consent.Asked, source)
		}
	}
	if len(j.Lists) == 0 {
		k.chooseFor(j)
		k.say("list.on", k.listArgs(ids))
		return
	}
	j.Asked = k.t.Now
	k.conv.Joining = j
	k.o.Wakes = append(k.o.Wakes, Wake{Kind: WakeJoin, Subject: joinSubject, At: k.nextLapse(k.t.Now.Add(joinLife))})
	args := k.listArgs(j.Lists)
	switch {
	case k.t.Message.From.Channel == byMail:
		j.Word = proofWord(k.t.NewReference())
		args["word"] = j.Word
		k.say("mail.join", args)
	case k.conv.Pending.Kind == "" && !k.running():
		k.say("list.confirm", args)
		k.buttons([]string{"1", "2"})
		k.ask(Pending{Kind: askJoin})
	default: // a number answers what is open there
		args["word"] = k.d.texts.Words(k.lang, "join")[0]
		k.say("list.confirm.word", args)
	}
}

// nextLapse is when the oldest request of the contact ends, at most latest.
func (k *talk) nextLapse(latest time.Time) time.Time {
	for _, c := range k.t.Standing {
		if at := c.At.Add(joinLife); c.requests() && at.Before(latest) && at.After(k.t.Now) {
			latest = at
		}
	}
	return latest
}

func (c Consent) requests() bool { return c.line().Purpose == consent.List && c.Act == consent.Asked }

// stands tells whether the last line on a list, on the address that speaks, is act.
func (k *talk) stands(id string, act consent.Act) bool {
	return slices.ContainsFunc(k.t.Standing, func(c Consent) bool {
		return c.line().Purpose == consent.List && c.List == id && c.Act == act && c.Address == k.t.Message.From
	})
}

// joins reads the answer to that question: 1, or the word for joining at any time; in a mail the word that it holds.
// "2" is a no.
func (k *talk) joins() bool {
	j := k.conv.Joining
	if !j.open(k.t.Now) {
		return false
	}
	if j.Word != "" {
		if !k.saidAlone(j.Word) {
			return false
		}
		k.confirmed(j)
		return true
	}
	free := k.asked.Kind == askJoin || k.asked.Kind == "" && !k.running()
	n, isNumber := k.d.grammar.Number(k.said)
	yes, answers := k.d.grammar.Yes(k.said)
	switch {
	case k.d.grammar.Is("join", k.said), free && isNumber && n == 1, k.asked.Kind == askJoin && answers && yes:
		k.confirmed(j)
	case free && isNumber && n == 2, k.asked.Kind == askJoin && answers:
		k.conv.Joining = nil
		k.dropRequests(consent.Person)
		k.say("list.declined", nil)
	default:
		return false
	}
	k.again()
	return true
}

// confirmed turns the lists on, where their request still stands: STOP may have ended it.
func (k *talk) confirmed(j *Joining) {
	var on []string
	for _, id := range j.Lists {
		if k.stands(id, consent.Asked) {
			on = append(on, id)
		}
	}
	k.conv.Joining = nil
	if len(on) == 0 {
		k.say("list.declined", nil)
		return
	}
	k.start(consent.Person)
	for _, id := range on {
		k.consent(consent.List, id, consent.Granted, consent.Person)
	}
	k.chooseFor(j)
	k.say("list.joined", k.listArgs(on))
}

// chooseFor takes over the language and hours that were chosen for the lists.
func (k *talk) chooseFor(j *Joining) {
	k.contact.Lang, k.contact.Quiet = firstOf(j.Lang, k.contact.Lang), j.Quiet
}

// dropRequests ends what was asked for and not confirmed on the address that speaks.
func (k *talk) dropRequests(source consent.Source) {
	for _, c := range k.t.Standing {
		if c.requests() && c.Address == k.t.Message.From {
			k.consent(consent.List, c.List, consent.Withdrawn, source)
		}
	}
}

// joinWord does JOIN: with the name of a list it asks for that one, alone or with the name of a service that has
// several it begins the form.
func (k *talk) joinWord() bool {
	rest, ok := k.d.grammar.Begins("join", k.said)
	if !ok || k.running() {
		return false
	}
	if rest == "" {
		return k.subscriptions()
	}
	ids, ok := k.d.lists.Named(rest, k.d.grammar.Small)
	if !ok {
		return false
	}
	s, ok := k.d.lists.Service(ids[0])
	switch {
	case !ok:
		return false
	case !s.Offered(k.t.Message.From.Channel), s.ListBy != "" && k.d.lists.Whole(ids):
		k.openForm(s, "")
	default:
		k.askToJoin(&Joining{}, ids, consent.Person)
	}
	return true
}

// subscriptions opens the form of the one service that joins lists, or offers those that do.
func (k *talk) subscriptions() bool {
	p := Pending{Kind: askMenu}
	var labels []string
	for _, s := range k.d.services.All() {
		if s.Kind == service.Subscription && s.Offered(k.t.Message.From.Channel) {
			labels, p.Options = append(labels, s.Name.In(k.lang)), append(p.Options, s.Code)
		}
	}
	switch len(labels) {
	case 0:
		return false
	case 1:
		s, _ := k.d.services.ByCode(p.Options[0])
		k.openForm(s, "")
		return true
	}
	k.offerMenu(p, labels)
	return true
}

// lapse ends the requests that nobody confirmed in time. Nobody is told: who did not ask shall not hear twice.
func (d *Dispatcher) lapse(t Turn) Outcome {
	o := rest(t, time.Time{})
	var next time.Time
	for _, c := range t.Standing {
		end := c.At.Add(joinLife)
		switch {
		case !c.requests():
		case !t.Now.Before(end):
			o.Consents = append(o.Consents, Consent{Contact: t.Contact.ID, Address: c.Address, Purpose: consent.List, List: c.List,
				Act: consent.Withdrawn, Source: consent.Lapsed, At: t.Now})
		case next.IsZero() || end.Before(next):
			next = end
		}
	}
	if !next.IsZero() {
		o.Wakes = rest(t, next).Wakes
	}
	return o
}

// claims gives the service that joins lists when a message was written on a page that anybody may fill in, for the
// address that it names.
func (d *Dispatcher) claims(m channels.Message) (*service.Service, bool) {
	code, page := strings.CutPrefix(m.To.Value, formPrefix)
	if !page || m.From.Channel != bySMS && m.From.Channel != byMail {
		return nil, false
	}
	code, _, _ = strings.Cut(code, "+")
	s, ok := d.services.ByCode(code)
	return s, ok && s.Kind == service.Subscription
}

// claim asks an address that somebody typed into a page whether its owner wants the lists. It is asked once: not while
// it said STOP, not again before a request has rested, and within the budget of one-time codes. What is open there
// stays open, and the page hears nothing of the address.
func (d *Dispatcher) claim(t Turn, s *service.Service) Outcome {
	said := t.Message
	if !s.Offered(said.From.Channel) {
		return rest(t, time.Time{})
	}
	k := d.rouse(t, said.From)
	if lang := baseTag(said.Lang); k.conv.Lang == "" && k.contact.Lang == "" && d.texts.Has(lang) {
		k.lang, k.conv.Lang = lang, lang
	}
	k.said = clip(exchange.Normalize(said.Text), 500)
	answers := pageAnswers(said.Text)
	s.Prune(answers)
	if len(s.CheckOn(said.From.Channel, answers, t.Now)) > 0 || k.unwelcome() {
		return rest(t, time.Time{})
	}
	k.o.Codes = append(k.o.Codes, CodeSent{To: said.From, By: said.From, At: t.Now})
	j := &Joining{Quiet: slices.Contains(answers["hours"], "day")}
	if lang := answers["language"]; len(lang) > 0 && d.texts.Has(lang[0]) {
		j.Lang = lang[0]
	}
	k.queue = channels.Reply
	k.askToJoin(j, s.Lists(answers), consent.Form)
	if len(j.Lists) == 0 { // it has them: nobody but its owner changes how they come
		return rest(t, time.Time{})
	}
	k.subject = k.text("mail.join.subject", k.listArgs(j.Lists))
	return k.unasked()
}

// unwelcome tells whether a page may not make us write to the address.
func (k *talk) unwelcome() bool {
	r := k.t.Record
	return !k.welcomes() || r == nil || r.Codes.Spent(k.t.Message.From.Channel) || slices.ContainsFunc(k.t.Standing, func(c Consent) bool {
		return c.Address == k.t.Message.From && c.line().Purpose == consent.List && c.Act != consent.Granted && k.t.Now.Sub(c.At) < joinRest
	})
}
