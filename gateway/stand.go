package gateway

import (
	"slices"
	"time"

	"gatehouse/configs/texts"
	"gatehouse/exchange"
	"gatehouse/exchange/service"
	"gatehouse/gateway/forms"
)

// What a number does below a case.
const (
	doAdd      = string(service.ActAdd)
	doChange   = string(service.ActChange)
	doWithdraw = string(service.ActWithdraw)
	doPerson   = string(service.ActPerson)
	doReopen   = "reopen"
)

// called is the name of a case's service, short where there is little room.
func (d *Dispatcher) called(m Matter, channel, lang string) string {
	if s, ok := d.services.ByCode(m.Service); ok && channel == bySMS && s.Short[lang] != "" {
		return s.Short[lang]
	}
	return m.Name
}

// stands tells where a case is: in the office's own words where it has said some, with the day that is booked, and of a
// declaration with what became of its rows. What may not be told on a channel is left out.
func (d *Dispatcher) stands(m Matter, channel, lang string, now time.Time) string {
	if !d.tellable(m.Service, channel) {
		return d.state(m, lang)
	}
	return d.stated(m, lang, now)
}

func (d *Dispatcher) stated(m Matter, lang string, now time.Time) string {
	state := firstOf(m.Words, d.state(m, lang))
	if m.toCorrect() {
		return d.texts.Text(lang, "citizen.status.rows", texts.Args{"count": m.Rows - m.Correct, "n": m.Correct, "when": d.when(m.correctBy(), lang)})
	}
	if when := d.bookedFor(m, lang, now); when != "" {
		return d.texts.Text(lang, "citizen.status.booked", texts.Args{"state": state, "when": when})
	}
	return state
}

// toCorrect tells whether the office asked for rows of a declaration to be put right.
func (m Matter) toCorrect() bool {
	asked := m.State == exchange.WaitingYou && !m.Promise.IsZero()
	return (asked || !m.CorrectBy.IsZero() && m.Open()) && m.Correct > 0 && m.Correct <= m.Rows
}

// correctBy is by when.
func (m Matter) correctBy() time.Time {
	if !m.CorrectBy.IsZero() {
		return m.CorrectBy
	}
	return m.Promise
}

// bookedFor writes the booked day and its hours while the day is still to come and the case stands; else it is empty.
func (d *Dispatcher) bookedFor(m Matter, lang string, now time.Time) string {
	s, ok := d.services.ByCode(m.Service)
	day, booked := service.ParseDay(m.Booked)
	if !ok || !booked || !m.Open() && m.Decision != exchange.Granted || day.Before(d.today(now)) {
		return ""
	}
	if hours := s.Hours(); hours != "" {
		return day.In(lang) + " " + hours
	}
	return day.In(lang)
}

func (d *Dispatcher) today(now time.Time) service.Day {
	return service.DayOf(now.In(d.services.City.Location()))
}

// sayStanding says in one line where a case is.
func (k *talk) sayStanding(m Matter) {
	channel := k.t.Message.From.Channel
	k.say("status.one", texts.Args{
		"reference": m.Reference, "service": k.d.called(m, channel, k.lang), "state": k.d.stands(m, channel, k.lang, k.t.Now),
	})
}

// sayNext says when the next step is, where the line before did not.
func (k *talk) sayNext(m Matter) {
	if m.Open() && !m.toCorrect() && m.Promise.After(k.t.Now) {
		k.say("status.promise", texts.Args{"when": k.when(m.Promise)})
	}
}

// offerActs says what can be done with a case, by number.
func (k *talk) offerActs(m Matter) {
	acts := k.actsOn(m)
	var labels []string
	for _, a := range acts {
		labels = append(labels, k.d.texts.Text(k.lang, "citizen.act."+a, nil))
	}
	k.tell(forms.Numbered(labels, true))
	k.buttons(labels)
	k.ask(Pending{Kind: askCase, Options: acts, Text: m.Reference})
}

// actsOn is what can be done with a case: by its state, and while it is open by its service.
func (k *talk) actsOn(m Matter) []string {
	switch {
	case m.State == exchange.Decided && k.canReopen(m):
		return []string{doReopen, doPerson}
	case !m.Open():
		return []string{doPerson}
	}
	s, ok := k.d.services.ByCode(m.Service)
	if !ok {
		return []string{doAdd, doWithdraw, doPerson}
	}
	var all []string
	if m.State == exchange.WaitingYou { // the office asked: an answer comes first
		all = append(all, doAdd)
	}
	for _, a := range s.Acts() {
		if a == service.ActChange && !k.d.changeable(m, k.t.Now) {
			a = service.ActAdd
		}
		if !slices.Contains(all, string(a)) {
			all = append(all, string(a))
		}
	}
	return all
}

// changeable tells whether a case's booked day is still to come.
func (d *Dispatcher) changeable(m Matter, now time.Time) bool {
	day, ok := service.ParseDay(m.Booked)
	return ok && d.today(now).Before(day)
}

// bookedField is what a case's day was the answer to.
func (k *talk) bookedField(m Matter) (*service.Service, *service.Field, bool) {
	s, ok := k.d.services.ByCode(m.Service)
	if !ok || m.Booked == "" {
		return nil, nil, false
	}
	f, ok := s.Field(s.Booking.Field)
	return s, f, ok
}

// askDayOf asks for another day of a booked case.
func (k *talk) askDayOf(m Matter) {
	s, f, ok := k.bookedField(m)
	if !ok {
		k.say("unread", nil)
		return
	}
	p, offered := k.d.clerk.AskOne(s, f, k.scene())
	k.prompt(p)
	k.ask(Pending{Kind: askDay, Text: m.Reference, Options: offered})
}

// newDay takes the answer to askDayOf. A question of the person's own is answered and this one repeated.
func (k *talk) newDay(m Matter) bool {
	s, f, ok := k.bookedField(m)
	if !ok || !m.Open() || k.keywordAhead() {
		return false
	}
	values, why, offered := k.d.clerk.ReadOne(s, f, k.said, k.asked.Options, k.asked.Misses, k.scene())
	switch {
	case len(values) == 0 && k.digression():
		k.askDayOf(m)
	case len(values) == 0:
		k.prompt(why)
		k.ask(Pending{Kind: askDay, Text: m.Reference, Options: offered, Misses: k.asked.Misses + 1})
	case values[0] == m.Booked:
		k.say("change.same", texts.Args{"reference": m.Reference})
	default:
		k.rebook(s, m, values[0])
	}
	return true
}

// rebook gives a case its new day and tells the office. What the office said of the old day holds no longer.
func (k *talk) rebook(s *service.Service, m Matter, day string) {
	m.Booked, m.Words = day, ""
	k.add(m, exchange.ActAmend, k.said, exchange.Answer{Field: s.Booking.Field, Value: day})
	sent := k.sent(s, map[string][]string{s.Booking.Field: {day}}, m.Promise)
	k.say("change.done", texts.Args{"reference": m.Reference, "sent": sent})
}
