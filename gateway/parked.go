package gateway

import (
	"slices"
	"strings"
	"time"

	"gatehouse/channels"
	"gatehouse/configs/texts"
	"gatehouse/exchange/service"
	"gatehouse/gateway/forms"
)

// Parked is a declaration by mail or from a page whose sender is not proven to act for the company. Nothing of it was read out, and
// nothing is filed, until somebody at an address that is registered for the company says that it is theirs.
type Parked struct {
	ID      string
	Company string // its number
	Service string
	Until   time.Time // then it lapses
	// Message is the mail as it came; the store knows it by the claim that parked it.
	Message channels.Message
}

// WakeParked is about a mail that waits: first to ask the company, then to let it lapse. The subject is its id.
const WakeParked WakeKind = "parked"

const (
	// parkedLife is how long a mail waits: over a weekend and a day.
	parkedLife = 4 * 24 * time.Hour
	// parkedAgain is when it is looked again whether the company has a registered address by now.
	parkedAgain = 6 * time.Hour
	// parkedAsks is for how many mails a day the addresses of one company are asked, so that nobody can flood them through us.
	parkedAsks = 5
	// parkedAddresses is how many addresses of a company are asked, its admins first.
	parkedAddresses = 5
	// confirmPrefix marks the recipient of a link that was opened to say that a parked mail is the company's: confirm+<id>.
	confirmPrefix = "confirm+"
)

// ConfirmTo is the recipient of what opening a link ToConfirm says.
func ConfirmTo(parked string) channels.Address {
	return channels.Address{Channel: byWeb, Value: confirmPrefix + parked}
}

// confirms tells whether a message is a link that was opened to confirm a parked mail.
func confirms(m channels.Message) (parked string, ok bool) {
	parked, ok = strings.CutPrefix(m.To.Value, confirmPrefix)
	return parked, ok && m.To.Channel == byWeb
}

// waiting gives the parked mail that a turn is about.
func (t Turn) waiting() (id string, ok bool) {
	if t.Claim.Wake.Kind == WakeParked {
		return t.Claim.Wake.Subject, true
	}
	return confirms(t.Message)
}

// Confirmed gives the turn of a link that confirms a parked mail as the turn of that mail: it is answered as if it came
// now, to whom it came from, and files under the time when it came. Any other turn stays as it is.
func (t Turn) Confirmed() Turn {
	if _, ok := confirms(t.Message); !ok || t.Record == nil || t.Record.Parked == nil {
		return t
	}
	t.parked = t.Record.Parked
	t.Message, t.Record = t.parked.Message, nil
	return t
}

// filedAt is the time under which the turn files: that of the commit which took the mail.
func (t Turn) filedAt() time.Time {
	if t.parked != nil {
		return t.parked.Message.At
	}
	return t.Now
}

// parked keeps a declaration back whose sender is not proven to act for the company that it names, and says so without a
// word of what it holds; true: it was answered. The reply is the same whether or not the company is registered. What came
// from a page is held to the same.
func (k *talk) parked(s *service.Service, named []string, dry bool) bool {
	if c := k.t.Message.From.Channel; !s.ForCompany() || c != byMail && c != byWeb {
		return false
	}
	if k.t.parked != nil {
		k.o.Unpark = k.t.parked.ID
		k.o.Wakes = append(k.o.Wakes, Wake{Kind: WakeParked, Subject: k.t.parked.ID})
		return false
	}
	i := slices.IndexFunc(named, func(number string) bool { return !k.t.entitled(s, number) })
	if i < 0 && (len(named) > 0 || k.t.entitled(s, "")) {
		return false
	}
	args := texts.Args{"service": s.Name.In(k.lang), "city": k.city(), "phone": k.phone()}
	byPage := k.t.Message.To.Channel == byWeb || k.session != ""
	switch {
	case (i < 0 || dry || k.t.NewToken == nil) && byPage:
		k.say("mail.upload.register", args)
		return true
	case i < 0 || dry || k.t.NewToken == nil:
		k.say("mail.register", args)
		return true
	}
	p := Parked{ID: k.t.NewID(), Company: named[i], Service: s.Code, Until: k.t.Now.Add(parkedLife), Message: k.t.Message}
	k.o.Park = &p
	k.o.Wakes = append(k.o.Wakes, Wake{Kind: WakeParked, Subject: p.ID, At: k.t.Now})
	args["at"], args["when"] = k.filedAt(k.t.Now), k.when(p.Until)
	if byPage {
		k.say("mail.upload.parked", args)
	} else {
		k.say("mail.parked", args)
	}
	return true
}

// doubted tells whether a mail's sender is not proven well enough to change what was declared for a company: to name the
// case is no proof, the address to which only its own mails are answered is one.
func (k *talk) doubted(m Matter) bool {
	s, ok := k.d.services.ByCode(m.Service)
	return ok && s.ForCompany() && !k.t.entitled(s, "")
}

// declarants gives the numbers of the companies that a mail names as the one that declares.
func (k *talk) declarants(s *service.Service) []string {
	said := k.said
	for _, e := range k.subjectTags() {
		said += "\n" + e.Name + ": " + e.Value
	}
	var table forms.Sheet
	if k.sheet.there() {
		table = k.sheet.rows()
	}
	return k.d.clerk.Declarants(s, said, table)
}

// wakeParked asks the company about a mail that waits, and in the end lets it lapse.
func (d *Dispatcher) wakeParked(t Turn) Outcome {
	if t.Record == nil || t.Record.Parked == nil {
		return rest(t, time.Time{})
	}
	p := *t.Record.Parked
	k := d.rouse(t, p.Message.From)
	if !t.Now.Before(p.Until) {
		k.o.Unpark = p.ID
		args := texts.Args{"at": k.filedAt(p.Message.At), "city": k.city(), "phone": k.phone()}
		if session := pageOf(p.Message); session != "" { // nobody proved the address: it gets no mail
			k.tellPage(session, k.text("mail.upload.lapsed", args))
		} else {
			k.say("mail.lapsed", args)
		}
		return k.unasked()
	}
	again := p.Until
	if s, ok := d.services.ByCode(p.Service); ok && s.Trust == service.TrustAdmin {
		t.Record.Clerks = slices.DeleteFunc(slices.Clone(t.Record.Clerks), func(r Registered) bool { return !r.Admin })
	}
	switch {
	case len(t.Record.Clerks) == 0: // the register may learn of somebody
		again = earlier(t.Now.Add(parkedAgain), p.Until)
	case t.Record.ParkedToday <= parkedAsks && t.NewToken != nil:
		k.askCompany(p, t.Record.Clerks)
	}
	o := rest(t, again)
	o.Deliveries, o.Passes = k.o.Deliveries, k.o.Passes
	return o
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// askCompany mails one link to the registered addresses. It names the service, the time and the sender's masked address,
// and holds nothing of the declaration.
func (k *talk) askCompany(p Parked, clerks []Registered) {
	slices.SortFunc(clerks, func(a, b Registered) int {
		if a.Admin != b.Admin {
			return map[bool]int{true: -1, false: 1}[a.Admin]
		}
		return strings.Compare(a.Address, b.Address)
	})
	s, _ := k.d.services.ByCode(p.Service)
	pass := Pass{Token: k.t.NewToken(), Kind: ToConfirm, Contact: k.contact.ID, Address: p.Message.From, Subject: p.ID, Lang: k.lang, Until: p.Until}
	k.o.Passes = append(k.o.Passes, pass)
	args := texts.Args{"company": p.Company, "name": clerks[0].Name, "at": k.filedAt(p.Message.At), "address": mask(p.Message.From),
		"when": k.when(p.Until), "url": k.d.public + "/p/" + pass.Token, "city": k.city(), "service": ""}
	if s != nil {
		args["service"] = s.Name.In(k.lang)
	}
	for _, c := range clerks[:min(len(clerks), parkedAddresses)] {
		said := k.text("mail.confirm", args)
		if p.Message.To.Channel == byWeb {
			said = k.text("mail.upload.confirm", args)
		}
		m := channels.Message{ID: k.t.NewID(), From: channels.Address{Channel: byMail}, To: channels.Address{Channel: byMail, Value: c.Address}, At: k.t.Now,
			Lang: k.lang, Subject: k.text("mail.confirm.subject", args), Text: said, Queue: channels.Notice}
		k.o.Deliveries = append(k.o.Deliveries, Delivery{ID: m.ID, Contact: k.contact.ID, Queue: m.Queue, Message: m, Due: k.t.Now})
	}
}
