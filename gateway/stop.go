package gateway

import (
	"slices"
	"strings"

	"gatehouse/channels"
	"gatehouse/channels/text"
	"gatehouse/configs/texts"
	"gatehouse/gateway/consent"
	"gatehouse/gateway/dialogue"
)

// carrier handles what the carrier did by itself: nothing is sent, because it has answered already.
func (k *talk) carrier() bool {
	switch k.t.Message.OptOut {
	case channels.OptedOut:
		k.stop(consent.Carrier)
		k.reach().Blocked = true
		k.tellMoved()
	case channels.OptedIn:
		if r := k.reach(); !r.Stopped && k.d.grammar.Is("yes", k.said) {
			return false // carriers take YES for START; to us it answers a question
		}
		k.start(consent.Carrier)
	case channels.AskedHelp:
	default:
		return false
	}
	k.silent = true
	k.keepQuestion()
	return true
}

// optOut honours STOP and START in every state and language.
func (k *talk) optOut() bool {
	said := strings.TrimPrefix(strings.TrimSpace(k.said), "/")
	if k.asked.Kind == askStop {
		if yes, ok := k.d.grammar.Yes(said); ok {
			if yes {
				k.sayStop()
			} else {
				k.said = k.asked.Text
				k.asked = Pending{}
				k.say("stop.kept", nil)
				k.inquireQuietly(k.said)
			}
			return true
		}
	}
	if k.leaveList(said) || k.rejoin(said) {
		return true
	}
	switch k.d.grammar.OptOut(said, k.t.Message.From.Channel == bySMS) {
	case dialogue.Stops:
		k.sayStop()
		return true
	case dialogue.MayStop:
		if k.keywordAhead() {
			return false
		}
		k.say("stop.confirm", nil)
		k.ask(Pending{Kind: askStop, Text: k.said})
		k.buttons([]string{"1", "2"})
		return true
	}
	if k.d.grammar.Is("start", said) && (k.reach().Stopped || !strings.HasPrefix(strings.TrimSpace(k.said), "/")) {
		k.start(consent.Person)
		k.say("start.done", texts.Args{"city": k.city()})
		return true
	}
	return false
}

func (k *talk) keywordAhead() bool {
	_, _, ok := k.d.services.ByKeyword(k.lang, k.said)
	return ok
}

// sayStop stops and confirms it once; a second STOP is silent. Where something is still to be told about a case, the
// confirmation says where it goes from now on.
func (k *talk) sayStop() {
	if k.reach().Stopped {
		k.silent = true
	}
	k.say("stop.done", texts.Args{"city": k.city()})
	k.stop(consent.Person)
	if !k.owed() {
		return
	}
	if to, ok := k.elsewhere(); ok {
		k.say("stop.moved", texts.Args{"where": k.d.where(to, k.lang)})
	} else {
		k.say("stop.here", texts.Args{"phone": k.phone()})
	}
}

// tellMoved says on another address where word on the person's cases goes, because the carrier lets nothing through
// any more. Without an open case, or another address, nobody is told.
func (k *talk) tellMoved() {
	to, ok := k.elsewhere()
	if !ok || !k.owed() || to.Channel == byWeb {
		return
	}
	said := k.text("stop.elsewhere", texts.Args{"from": k.d.where(k.t.Message.From, k.lang), "city": k.city()})
	m := channels.Message{ID: k.t.NewID(), From: channels.Address{Channel: to.Channel}, To: to, At: k.t.Now, Lang: k.lang,
		Text: said, Queue: channels.Notice}
	if to.Channel == byMail {
		m.Subject = k.city()
	}
	k.o.Deliveries = append(k.o.Deliveries, Delivery{ID: m.ID, Contact: k.contact.ID, Queue: channels.Notice, Message: m, Due: k.t.Now})
}

// owed tells whether the law still makes us tell the person something.
func (k *talk) owed() bool { return slices.ContainsFunc(k.t.Matters, Matter.Open) }

// elsewhere is the address to which statutory word moves when the one that speaks says STOP: the last used of those
// that can be reached, a web session last, because nobody may look at it again.
func (k *talk) elsewhere() (channels.Address, bool) {
	c := k.contact
	c.Reaches = slices.DeleteFunc(slices.Clone(c.Reaches), func(r Reach) bool { return r.Stopped || r.Address == k.t.Message.From })
	lasting := c
	lasting.Reaches = slices.DeleteFunc(slices.Clone(c.Reaches), func(r Reach) bool { return r.Address.Channel == byWeb })
	if to, ok := lastUsed(lasting, channels.Address{}, false); ok {
		return to, true
	}
	return lastUsed(c, channels.Address{}, false)
}

// where names an address as its owner knows it, without giving it away: "e-mail j***@northdock.example".
func (d *Dispatcher) where(a channels.Address, lang string) string {
	masked := a.Masked()
	if a.Channel == byWeb {
		masked = ""
	}
	return strings.TrimSpace(d.texts.Text(lang, "citizen.where."+a.Channel, texts.Args{"address": masked}))
}

func (k *talk) stop(source consent.Source) {
	r := k.reach()
	if !r.Stopped {
		k.consent(consent.List, consent.Everything, consent.Withdrawn, source)
		k.consent(consent.Service, consent.Everything, consent.Withdrawn, source)
		if to, ok := k.elsewhere(); ok && k.owed() {
			k.consentAt(to, consent.Statutory, consent.Everything, consent.Granted, source)
		}
	}
	k.dropRequests(source)
	r.Stopped = true
	if k.draft != nil && k.draft.Address == k.t.Message.From {
		k.draft.Paused = true
	}
}

func (k *talk) start(source consent.Source) {
	r := k.reach()
	if r.Stopped {
		k.consent(consent.List, consent.Everything, consent.Granted, source)
		k.consent(consent.Service, consent.Everything, consent.Granted, source)
	}
	r.Stopped, r.Blocked = false, false
}

// consent writes a line of the ledger on the address that speaks.
func (k *talk) consent(p consent.Purpose, list string, act consent.Act, source consent.Source) {
	k.consentAt(k.t.Message.From, p, list, act, source)
}

func (k *talk) consentAt(a channels.Address, p consent.Purpose, list string, act consent.Act, source consent.Source) {
	k.o.Consents = append(k.o.Consents, Consent{
		Contact: k.contact.ID, Address: a, Purpose: p, List: list, Act: act,
		Shown: k.lastSaid(), Said: clip(text.Mask(k.said), 500), Source: source, At: k.t.Now,
	})
}

// lastSaid is the last thing that we said: the words a consent was given on.
func (k *talk) lastSaid() string {
	for i := len(k.conv.Lines) - 1; i >= 0; i-- {
		if k.conv.Lines[i].Who == whoGateway {
			return clip(k.conv.Lines[i].Text, 500)
		}
	}
	return ""
}
