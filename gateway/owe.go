package gateway

import (
	"slices"
	"strings"
	"time"

	"gatehouse/channels"
	"gatehouse/configs/texts"
	"gatehouse/exchange"
	"gatehouse/exchange/service"
	"gatehouse/gateway/forms"
)

// What clerks of companies wake for, each for themselves.
const (
	// WakeDue looks which declarations of a company are to be reminded of; the subject is the company's number. The store
	// sets it when the register learns of the clerk or of what the company owes.
	WakeDue WakeKind = "due"
	// WakeOwed reminds of one, unless it was filed; the subject is the company's number, the service, the period and which
	// of both reminders it is.
	WakeOwed WakeKind = "owed"
)

// Which of both reminders.
const (
	owedBefore = "before"
	owedAfter  = "after"
)

// dueSpan bounds the periods that are looked at, in days around now: the longest is a quarter, due within a quarter.
const dueSpan = 200

// owedReminder is one reminder of a period.
type owedReminder struct {
	company string
	s       *service.Service
	period  service.Period
	which   string
	at      time.Time
}

func (o owedReminder) subject() string {
	return strings.Join([]string{o.company, o.s.Code, o.period.Name, o.which}, " ")
}

// owing gives the company that a wake is about.
func (w Wake) owing() string {
	if w.Kind != WakeDue && w.Kind != WakeOwed {
		return ""
	}
	company, _, _ := strings.Cut(w.Subject, " ")
	return company
}

// clerkOf gives the line of the register that makes the woken contact a clerk, and the address as the contact has it.
func (t Turn) clerkOf() (r Registered, at channels.Address, ok bool) {
	if t.Record == nil {
		return r, at, false
	}
	for _, c := range t.Record.Clerks {
		for _, reach := range t.Contact.Reaches {
			if reach.Address.Channel == byMail && strings.EqualFold(reach.Address.Value, c.Address) {
				return c, reach.Address, true
			}
		}
	}
	return r, at, false
}

// reminders gives all of a clerk's around now, in no order.
func (d *Dispatcher) reminders(c Registered, now time.Time) (all []owedReminder) {
	loc := d.services.City.Location()
	today := service.DayOf(now.In(loc))
	for _, duty := range c.Duties {
		s, ok := d.services.ByCode(duty.Service)
		from, until, good := service.Days(duty.From, duty.Until)
		if !ok || !good {
			continue
		}
		for _, p := range s.Periods(today.Add(-dueSpan), today.Add(dueSpan)) {
			if p.Owed(from, until) {
				all = append(all, owedReminder{c.Company, s, p, owedBefore, morning(p.Before, loc)}, owedReminder{c.Company, s, p, owedAfter, morning(p.After, loc)})
			}
		}
	}
	return all
}

func morning(d service.Day, loc *time.Location) time.Time {
	return time.Date(d.Year, d.Month, d.Number, dayBegins, 0, 0, 0, loc)
}

// due sets a wake for each reminder whose time has come since the last look, and looks again when the next one comes. Who
// is no clerk any more, and who owes nothing, is not woken again: the register wakes them when that changes.
func (d *Dispatcher) due(t Turn) Outcome {
	c, _, ok := t.clerkOf()
	if !ok {
		return rest(t, time.Time{})
	}
	var next time.Time
	var wakes []Wake
	for _, r := range d.reminders(c, t.Now) {
		switch {
		case r.at.After(t.Now):
			if next.IsZero() || r.at.Before(next) {
				next = r.at
			}
		case !r.at.Before(t.Claim.Wake.At):
			wakes = append(wakes, Wake{Contact: t.Contact.ID, Kind: WakeOwed, Subject: r.subject(), At: t.Now})
		}
	}
	o := rest(t, next)
	o.Wakes = append(o.Wakes, wakes...)
	return o
}

// owed reminds a clerk of one period by mail, by day. It is answered by NIL where the service takes that.
func (d *Dispatcher) owed(t Turn) Outcome {
	if at := d.daytime(t.Now); t.Now.Before(at) {
		return rest(t, at)
	}
	c, address, ok := t.clerkOf()
	i := -1
	if ok {
		i = slices.IndexFunc(d.reminders(c, t.Now), func(r owedReminder) bool { return r.subject() == t.Claim.Wake.Subject })
	}
	if i < 0 {
		return rest(t, time.Time{})
	}
	r := d.reminders(c, t.Now)[i]
	late := !t.Now.Before(r.period.Deadline(d.services.City.Location()))
	if slices.Contains(t.Record.Declared, r.s.Code+" "+r.period.Name) || late != (r.which == owedAfter) {
		return rest(t, time.Time{})
	}
	k := d.rouse(t, address)
	k.silent = !k.welcomes()
	k.sayOwed(c, r)
	return k.unasked()
}

// sayOwed words a reminder. The address that it comes from says what it is about, so that a reply needs no more words.
func (k *talk) sayOwed(c Registered, r owedReminder) {
	k.from = owedAddress(r.s, c.Company, r.period.Name, k.d.services.City.Domain)
	args := texts.Args{"service": r.s.Name.In(k.lang), "period": r.period.Name, "from": r.period.First.In(k.lang), "to": r.period.Last.In(k.lang),
		"when": r.period.Due.In(k.lang), "name": c.Name, "company": c.Company, "keyword": k.word("nil"), "address": k.from, "phone": k.phone()}
	if r.which == owedBefore {
		k.subject = k.text("mail.owed.subject", args)
		k.say("mail.owed.before", args)
	} else {
		k.subject = k.text("mail.owed.subject.missed", args)
		k.say("mail.owed.after", args)
	}
	if r.s.Declare.Nil {
		k.say("mail.owed.nil", args)
	}
	k.say("mail.owed.why", args)
}

// owedAddress is where a declaration of a company for a period is mailed to: declare+<service>+<company>+<period>@. It
// proves nothing; who writes has to act for the company as everywhere.
func owedAddress(s *service.Service, company, period, domain string) string {
	return toDeclare + strings.ToLower(s.Code+"+"+company+"+"+period) + "@" + domain
}

// preset reads what the address says that a declaration was mailed to: the service, and the company and the period as
// entries; none when it names the service alone.
func (k *talk) preset(alias string) (name string, entries []forms.Entry) {
	parts := strings.Split(alias, "+")
	s, ok := k.d.services.ByAlias(parts[0])
	if len(parts) != 3 || !ok || s.Declare.Company == "" || s.Declare.Period == "" {
		return alias, nil
	}
	return parts[0], []forms.Entry{{Name: s.Declare.Company, Value: strings.ToUpper(parts[1])}, {Name: s.Declare.Period, Value: strings.ToUpper(parts[2])}}
}

// Declared gives the company that a case declares for and what, "DEC-GOODS 2026-W47" or the service alone; false: it
// declares for none, or was withdrawn or stopped at the border.
func (m Matter) Declared() (company, what string, ok bool) {
	company, period, _ := strings.Cut(m.Period, " ")
	ok = service.CompanyNumber(company) && m.Decision != exchange.Withdrawn && m.State != exchange.Blocked
	return company, strings.TrimSpace(m.Service + " " + period), ok
}
