package gateway

import (
	"regexp"
	"slices"
	"strings"

	"gatehouse/channels"
	"gatehouse/channels/text"
	"gatehouse/configs/texts"
	"gatehouse/exchange"
	"gatehouse/exchange/service"
)

// reachable reads a phone number or a mail address that a code can be sent to: numbers of the city's own country alone,
// because codes to far countries are how texts are pumped.
func (d *Dispatcher) reachable(s string) (channels.Address, bool) {
	return Reachable(d.services.City, s)
}

// Reachable reads a phone number of the city's country or a mail address as people write it; false: it is neither.
func Reachable(city *service.City, s string) (channels.Address, bool) {
	s = strings.TrimSpace(exchange.NormalizeLine(s))
	if mailAddress.MatchString(s) && len(s) <= 254 {
		local, domain, _ := strings.Cut(s, "@")
		return channels.Address{Channel: byMail, Value: local + "@" + strings.ToLower(domain)}, true
	}
	n := phoneMarks.Replace(text.Digits(s))
	home, _, _ := strings.Cut(city.Phone, " ")
	switch {
	case strings.HasPrefix(n, "00"):
		n = "+" + n[2:]
	case strings.HasPrefix(n, "0"):
		n = home + n[1:]
	}
	if !phoneNumber.MatchString(n) || !strings.HasPrefix(n, home) {
		return channels.Address{}, false
	}
	return channels.Address{Channel: bySMS, Value: n}, true
}

var (
	mailAddress = regexp.MustCompile(`^[A-Za-z0-9.!#$%&'*+/=?^_{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$`)
	phoneNumber = regexp.MustCompile(`^\+[1-9][0-9]{7,14}$`) // E.164
	phoneMarks  = strings.NewReplacer(" ", "", "-", "", "(", "", ")", "", ".", "", "\u00a0", "")
)

// strayed tells whether an address may be somebody else's than whose it is here: who has it now shows nothing of them by
// linking it.
func (k *talk) strayed(to channels.Address) bool {
	r := k.t.Record
	return r != nil && slices.ContainsFunc(r.Contact.Reaches, func(x Reach) bool { return x.Address == to && x.Doubtful(k.t.Now) })
}

// linkWord begins to link an address: a code goes there, and is to be typed here.
func (k *talk) linkWord(arg string) {
	if k.withheld() {
		return
	}
	k.setAside()
	to, ok := k.d.reachable(arg)
	switch {
	case arg == "":
		k.say("link.how", nil)
		k.ask(Pending{Kind: askAddress})
		k.requestPhone("")
	case !ok:
		k.say("link.wrong", nil)
	case slices.ContainsFunc(k.contact.Reaches, func(r Reach) bool { return r.Address == to }):
		k.say("link.mine", texts.Args{"address": mask(to)})
	case k.strayed(to):
		k.say("renew.link", texts.Args{"address": mask(to)})
	default:
		key := "link.sent"
		k.sendCode(ToLink, "", to, key, texts.Args{})
	}
}

// bareAddress takes an address alone for the answer to how an address is linked.
func (k *talk) bareAddress() bool {
	if _, ok := k.d.reachable(k.said); !ok {
		return false
	}
	k.linkWord(k.said)
	return true
}

// linked makes an address, that was proved, one of the contact's. Whoever had it alone becomes part of this contact.
func (k *talk) linked(to channels.Address) {
	switch {
	case !k.prove(to):
		k.say("unread", nil)
	default:
		k.say("link.done", texts.Args{"address": mask(to), "count": len(k.t.Record.Matters)})
		k.offerForms()
	}
}

func (k *talk) prove(to channels.Address) bool {
	r := k.t.Record
	if r == nil || r.Wanted.Address != to {
		return false
	}
	j := Join{Address: to}
	reach := Reach{Address: to}
	if other := r.Contact; other.ID != "" && other.ID != k.contact.ID {
		j.Contact, j.Version = other.ID, other.Version
		if i := slices.IndexFunc(other.Reaches, func(r Reach) bool { return r.Address == to }); i >= 0 {
			reach = other.Reaches[i]
		}
	}
	for _, p := range r.Contact.Persons {
		if !slices.ContainsFunc(k.contact.Persons, func(known Person) bool { return known.ID == p.ID }) {
			k.contact.Persons = append(slices.Clone(k.contact.Persons), p)
		}
	}
	if !slices.ContainsFunc(k.contact.Reaches, func(r Reach) bool { return r.Address == to }) {
		k.contact.Reaches = append(k.contact.Reaches, reach)
		k.o.Joins = append(k.o.Joins, j)
	}
	return true
}

// startCase answers a link into the bot that names a case: it shows nothing, and asks for the number that may be on it.
func (k *talk) startCase(arg string) bool {
	ref, ok := exchange.ParseReference(arg)
	if !ok {
		return false
	}
	k.setAside()
	if m, mine := k.matterOf(ref); mine {
		k.showMatter(m)
		return true
	}
	k.say("link.case", texts.Args{"reference": ref})
	k.requestPhone(ref)
	return true
}

// requestPhone offers the button that shares the person's own number, where there is one.
func (k *talk) requestPhone(reference string) {
	if k.t.Message.From.Channel == byChat {
		k.request = channels.RequestPhone
		k.ask(Pending{Kind: askPhone, Text: reference})
	}
}

// sharedPhone takes a number that the person shared. Their own one, by the carrier's word, is proved by that.
func (k *talk) sharedPhone() bool {
	p := k.t.Message.Phone
	if p == nil {
		return false
	}
	to := channels.Address{Channel: bySMS, Value: p.Number}
	mine := slices.ContainsFunc(k.contact.Reaches, func(r Reach) bool { return r.Address == to })
	if p.Own && !mine && k.strayed(to) {
		k.say("renew.link", texts.Args{"address": mask(to)})
		k.keepQuestion()
		return true
	}
	if p.Own && k.doubtful && !mine {
		k.renew()
		return true
	}
	if p.Own && k.doubtful {
		k.renewed()
		return true
	}
	if !p.Own || !mine && !k.prove(to) {
		k.say("link.notown", nil)
		k.keepQuestion()
		return true
	}
	ref := ""
	if k.asked.Kind == askPhone {
		ref = k.asked.Text
	}
	if ref == "" {
		k.say("link.done", texts.Args{"address": mask(to), "count": len(k.t.Record.Matters)})
		k.offerForms()
		return true
	}
	for _, m := range append(slices.Clone(k.t.Record.Matters), k.t.Matters...) {
		if m.Reference == ref {
			k.showMatter(m)
			return true
		}
	}
	k.say("link.notcase", texts.Args{"reference": ref})
	return true
}

// bareReference takes a reference alone for a question after its status.
func (k *talk) bareReference() bool {
	if _, ok := exchange.ParseReference(k.said); !ok || k.takesWords() {
		return false
	}
	k.status(k.said)
	return true
}
