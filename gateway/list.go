package gateway

import (
	"slices"

	"gatehouse/configs/texts"
	"gatehouse/gateway/consent"
)

// leaveList honours STOP with the name of a list ("STOP alerts", "arrêt alertes", "قف التنبيهات"): that list ends on
// every address, all else goes on.
func (k *talk) leaveList(said string) bool {
	rest, ok := k.d.grammar.Begins("stop", said)
	if !ok && k.t.Message.From.Channel == bySMS {
		rest, ok = k.d.grammar.Begins("stop_carrier", said)
	}
	if !ok || rest == "" {
		return false
	}
	ids, ok := k.d.lists.Named(rest, k.d.grammar.Small)
	if !ok {
		return false
	}
	left := append(k.turnLists(ids, consent.Granted, consent.Withdrawn), k.turnLists(ids, consent.Asked, consent.Withdrawn)...)
	switch {
	case len(left) > 0:
		k.say("list.left", texts.Args{"list": k.d.lists.Title(left, k.lang), "keyword": k.d.lists.Keyword(left[0], k.lang)})
	default:
		k.say("list.not", texts.Args{"list": k.d.lists.Title(ids, k.lang)})
	}
	k.again()
	return true
}

// turnLists writes a line for each of the lists that stands as from, on the address where it does, and gives those lists.
func (k *talk) turnLists(ids []string, from, to consent.Act) []string {
	var done []string
	for _, c := range k.t.Standing {
		if c.line().Purpose != consent.List || c.Act != from || !slices.Contains(ids, c.List) {
			continue
		}
		k.consentAt(c.Address, consent.List, c.List, to, consent.Person)
		if !slices.Contains(done, c.List) {
			done = append(done, c.List)
		}
	}
	return done
}

// rejoin honours START with the name of a list that the person left: it comes to the address that asks. A list never
// joined begins with its form. By mail it needs a proof first, because anybody can write a From line.
func (k *talk) rejoin(said string) bool {
	rest, ok := k.d.grammar.Begins("start", said)
	if !ok || rest == "" || k.t.Message.From.Channel == byMail {
		return false
	}
	ids, ok := k.d.lists.Named(rest, k.d.grammar.Small)
	if !ok {
		return false
	}
	service, ok := k.d.lists.Service(ids[0])
	if !ok || !service.Offered(k.t.Message.From.Channel) {
		return false
	}
	k.start(consent.Person)
	back := k.lists(ids, consent.Withdrawn)
	switch on := k.lists(ids, consent.Granted); {
	case len(back) > 0:
		for _, id := range back {
			k.consent(consent.List, id, consent.Granted, consent.Person)
		}
		k.say("list.back", k.listArgs(back))
	case len(on) > 0:
		k.say("list.back", k.listArgs(on))
	default:
		k.openForm(service, "")
		return true
	}
	k.again()
	return true
}

// lists gives those of ids that stand as act and, unless that is granted, are granted nowhere.
func (k *talk) lists(ids []string, act consent.Act) []string {
	granted := Lists(k.t.Standing)
	if act == consent.Granted {
		return slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return !slices.Contains(granted, id) })
	}
	var out []string
	for _, c := range k.t.Standing {
		if c.line().Purpose == consent.List && c.Act == act && c.Source != consent.Lapsed && slices.Contains(ids, c.List) && !slices.Contains(granted, c.List) && !slices.Contains(out, c.List) {
			out = append(out, c.List)
		}
	}
	return out
}

// listArgs fill what CTIA asks of the word that confirms a joining: the programme, how often, HELP and STOP (Messaging
// Principles and Best Practices §5.1.3).
func (k *talk) listArgs(ids []string) texts.Args {
	return texts.Args{"city": k.city(), "list": k.d.lists.Title(ids, k.lang), "keyword": k.d.lists.Keyword(ids[0], k.lang)}
}

// introduce notes in the ledger that an address was shown where the privacy notice is, the first time.
func (k *talk) introduce(r *Reach, shown string) {
	if r.Introduced {
		return
	}
	r.Introduced = true
	k.o.Consents = append(k.o.Consents, Consent{Contact: k.contact.ID, Address: r.Address, Purpose: consent.Privacy, Act: consent.Granted,
		Shown: clip(shown, 500), Source: consent.Person, At: k.t.Now})
}
