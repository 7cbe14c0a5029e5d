package gateway

import (
	"slices"
	"time"

	"gatehouse/channels"
	"gatehouse/configs/texts"
	"gatehouse/exchange/service"
)

// proofLife is how long an address may be silent until its link to private cases needs a fresh proof. Numbers are given
// to somebody else; no carrier tells that by itself. (Twilio's Lookup v2 answers reassigned_number for a number that is
// asked about, in the United States alone and after an approval; its receipts say no more than 30005, an unknown
// handset.) What staff learn they mark: Desk.Doubt.
const proofLife = 365 * 24 * time.Hour

// Doubtful tells whether an address may be somebody else's by now: staff said so, or nobody wrote from it for a year. One
// that never wrote was proved when it was linked.
func (r Reach) Doubtful(now time.Time) bool {
	return r.Unsure || !r.Heard.IsZero() && now.Sub(r.Heard) >= proofLife
}

// What a number does below the question whether an address is still its person's.
const (
	renewCode = "code" // send a code to another address of theirs
	renewAnew = "anew" // somebody else, or who can't prove it, begins as a new contact
)

// doubt hides the private cases and the form where the address needs a fresh proof; it lasts until that is given.
func (k *talk) doubt() {
	r := k.reach()
	before := k.t.Conversation.Heard
	if r.Address.Channel == byDesk || !r.Unsure && (before.IsZero() || k.t.Now.Sub(before) < proofLife) {
		return
	}
	r.Unsure, k.doubtful = true, true
	k.draft = nil
	k.conv.Lines, k.conv.More, k.conv.Grants = nil, nil, nil
	if k.asked.Kind != askRenew {
		k.asked = Pending{}
	}
	k.t.Matters = slices.DeleteFunc(slices.Clone(k.t.Matters), func(m Matter) bool {
		s, ok := k.d.services.ByCode(m.Service)
		return !ok || s.Privacy != service.Open
	})
}

// renew asks whether the address is still its person's. It stands in for whatever would show a case, or file one.
func (k *talk) renew() {
	if k.t.Message.From.Channel == byMail {
		k.say("renew.mail", texts.Args{"phone": k.phone()})
		return
	}
	p := Pending{Kind: askRenew, Options: []string{renewAnew}}
	if to, ok := proofAddress(k.contact, k.t.Message.From, k.t.Now); ok {
		k.say("renew.still", texts.Args{"address": mask(to)})
		p.Options = []string{renewCode, renewAnew}
	} else {
		k.say("renew.alone", texts.Args{"phone": k.phone()})
	}
	k.buttons([]string{"1", "2"}[:len(p.Options)])
	k.ask(p)
}

// proofAddress is where a code goes that shows who writes from another address of a contact.
func proofAddress(c Contact, by channels.Address, now time.Time) (channels.Address, bool) {
	return OnRecord(Record{Contact: c}, by, now)
}

// picksRenewal tells what a message picks of that question; "" is nothing.
func (d *Dispatcher) picksRenewal(p Pending, said string) string {
	n, ok := d.grammar.Number(said)
	if p.Kind != askRenew || !ok || n < 1 || n > len(p.Options) {
		return ""
	}
	return p.Options[n-1]
}

// renewal reads the answer to that question.
func (k *talk) renewal() bool {
	switch k.d.picksRenewal(k.asked, k.said) {
	case renewCode:
		to, ok := proofAddress(k.contact, k.t.Message.From, k.t.Now)
		if !ok {
			k.renew()
			return true
		}
		k.sendCode(ToRenew, "", to, "link.sent", texts.Args{})
	case renewAnew:
		k.say("renew.new", nil)
		k.o.Leaves = append(k.o.Leaves, k.t.Message.From)
	default:
		return false
	}
	return true
}

// renewed shows the cases here again.
func (k *talk) renewed() {
	k.reach().Unsure, k.doubtful = false, false
	k.say("renew.done", nil)
}

// withheld asks for the proof instead of what a file of the person's would need; false: none is needed.
func (k *talk) withheld() bool {
	if k.doubtful {
		k.renew()
	}
	return k.doubtful
}
