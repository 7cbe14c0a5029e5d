package gateway

import (
	"slices"

	"gatehouse/channels"
	"gatehouse/configs/texts"
)

// proveTell is the recipient of a clerk's wish that the person shows to have the address that notices shall go to.
const proveTell = "prove"

// ProveTell is the recipient of what a clerk's page sends to have a code sent to the address of Message.Desk.Tell. The
// person reads it out, and the clerk types it into the same conversation.
func ProveTell() channels.Address { return channels.Address{Channel: byDesk, Value: proveTell} }

// asksTellProof tells whether a message is that wish.
func asksTellProof(m channels.Message) bool {
	return m.To.Channel == byDesk && m.To.Value == proveTell && m.Desk != nil && !m.Desk.Tell.IsZero()
}

// askTellProof sends the code.
func (k *talk) askTellProof() {
	k.keepQuestion()
	to, ok := k.d.reachable(k.t.Message.Desk.Tell.Value)
	switch {
	case !ok:
		k.say("link.wrong", nil)
	case k.tellProven():
		k.say("counter.proven", texts.Args{"address": mask(to)})
	default:
		key := "counter.code"
		k.sendCode(ToTell, "", to, key, texts.Args{})
	}
}

// tellProven tells whether a code that was sent to the visit's address was given back in this conversation, or a case of
// the visit says so.
func (k *talk) tellProven() bool {
	d := k.t.Message.Desk
	if d == nil || d.Tell.IsZero() {
		return false
	}
	c := k.conv.Challenge
	return d.Proven || c != nil && c.Used && c.Purpose == ToTell && c.Target.Value == d.Tell.Value ||
		slices.ContainsFunc(k.t.Matters, func(m Matter) bool { return m.Tell.Proven && m.Tell.Address == d.Tell })
}

// attested keeps that the address was proven, in the cases that this visit filed before as well.
func (k *talk) attested(to channels.Address) {
	k.say("counter.proven", texts.Args{"address": mask(to)})
	for _, m := range k.t.Matters {
		if m.Tell.Address.Value == to.Value && !m.Tell.Proven {
			m.Tell.Proven = true
			k.o.Matters = append(k.o.Matters, m)
		}
	}
}
