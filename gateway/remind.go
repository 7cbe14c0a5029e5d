package gateway

import (
	"time"

	"gatehouse/channels"
	"gatehouse/configs/texts"
	"gatehouse/exchange/service"
	"gatehouse/gateway/forms"
)

// What drafts wake for; the subject is the draft's id.
const (
	WakeRemind WakeKind = "remind" // nothing was heard for a while: remind once of the form that is kept
	WakeEnd    WakeKind = "end"    // the form was kept as long as promised: delete it and say so
)

const (
	// keptDays is how long a form waits for its person: to the end of the seventh day, and then until it is daytime, so
	// that the date which PAUSE promises is kept whole and the deletion is told when it is done.
	keptDays = 7
	// idleText is how long a form by text or chat rests before the one reminder, idleWeb one in the web chat. There it is
	// only written into the window, and answers go on to be taken: WCAG 2.2.1 allows no time limit under 20 hours.
	idleText = 24 * time.Hour
	idleWeb  = 30 * time.Minute
	// Nothing is sent unasked before dayBegins or from dayEnds on, by the city's clock.
	dayBegins = 8
	dayEnds   = 20
)

// Wake does what is due for a contact without a message from them. What no longer stands changes nothing; a kind that
// a newer gateway has set is left to that one.
func (d *Dispatcher) Wake(t Turn, w Wake) Outcome {
	switch w.Kind {
	case WakeRemind:
		return d.remind(t)
	case WakeEnd:
		return d.endDraft(t)
	case WakePromise:
		return d.missed(t)
	case WakeJoin:
		return d.lapse(t)
	case WakeCorrect:
		return d.correctDue(t)
	case WakePost:
		return d.byPost(t)
	case WakeParked:
		return d.wakeParked(t)
	case WakeDue:
		return d.due(t)
	case WakeOwed:
		return d.owed(t)
	case WakeBlocked:
		return d.blocked(t)
	case WakeReturned:
		return d.returned(t)
	}
	return rest(t, t.Now.Add(time.Hour))
}

// rest changes nothing; a time puts the wake off until then.
func rest(t Turn, again time.Time) Outcome {
	o := Outcome{Claim: t.Claim, Contact: t.Contact}
	if !again.IsZero() {
		w := t.Claim.Wake
		w.At = again
		o.Wakes = []Wake{w}
	}
	return o
}

// remind tells once, by day, that a form is kept.
func (d *Dispatcher) remind(t Turn) Outcome {
	if t.Draft == nil || t.Draft.ID != t.Claim.Wake.Subject || !t.Now.Before(d.keptUntil(t.Draft.Touched)) {
		return rest(t, time.Time{})
	}
	if at := d.remindAt(*t.Draft, t.Now); t.Now.Before(at) {
		return rest(t, at)
	}
	k := d.rouse(t, t.Draft.Address)
	if s, ok := k.service(); ok && k.welcomes() {
		args := texts.Args{"noun": forms.Within(s.Noun.In(k.lang)), "date": k.keptDay(), "step": d.clerk.Position(s, k.draft.Form)}
		if forms.AtSummary(s, k.draft.Form) {
			k.say("form.reminder.summary", args)
		} else {
			k.say("form.reminder", args)
		}
	}
	return k.unasked()
}

// endDraft deletes a form, its key and its files, and says so.
func (d *Dispatcher) endDraft(t Turn) Outcome {
	if t.Draft == nil || t.Draft.ID != t.Claim.Wake.Subject {
		return rest(t, time.Time{})
	}
	if until := d.keptUntil(t.Draft.Touched); t.Now.Before(until) {
		return rest(t, until)
	}
	k := d.rouse(t, t.Draft.Address)
	k.silent = !k.welcomes()
	if !k.silent {
		k.sayEnded(k.draft)
	}
	k.dropped = true
	k.nextForm()
	o := k.unasked()
	o.Wakes = draftWakes(t.Draft.ID, time.Time{}, time.Time{})
	if o.DropDraft = !k.kept(); !o.DropDraft {
		o.Draft = k.draft
		o.Wakes = append(o.Wakes, draftWakes(k.draft.ID, d.remindAt(*k.draft, t.Now), d.keptUntil(t.Now))...)
	}
	return o
}

func (k *talk) sayEnded(draft *Draft) {
	noun := ""
	if s, ok := k.d.services.ByCode(draft.Form.Service); ok {
		noun = forms.Within(s.Noun.In(k.lang))
	}
	k.say("form.ended", texts.Args{"noun": noun})
}

// keptUntil is when a form that was touched last then is deleted.
func (d *Dispatcher) keptUntil(touched time.Time) time.Time {
	return d.dawn(touched, keptDays+1)
}

// Daytime is the first moment from t on at which something may be sent unasked, by the city's clock.
func (d *Dispatcher) Daytime(t time.Time) time.Time { return d.daytime(t) }

// dawn is dayBegins on the nth day after t's, by the city's clock: on a day when the clocks change it is still 8:00.
func (d *Dispatcher) dawn(t time.Time, n int) time.Time {
	local := t.In(d.services.City.Location())
	return time.Date(local.Year(), local.Month(), local.Day()+n, dayBegins, 0, 0, 0, local.Location())
}

// daytime is the first moment from t on at which something may be sent unasked.
func (d *Dispatcher) daytime(t time.Time) time.Time {
	switch hour := t.In(d.services.City.Location()).Hour(); {
	case hour < dayBegins:
		return d.dawn(t, 0)
	case hour >= dayEnds:
		return d.dawn(t, 1)
	}
	return t
}

// remindAt is when a draft is reminded of, not before now.
func (d *Dispatcher) remindAt(draft Draft, now time.Time) time.Time {
	if draft.Address.Channel == byWeb {
		return later(draft.Touched.Add(idleWeb), now)
	}
	return d.daytime(later(draft.Touched.Add(idleText), now))
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// keptDay is the last day on which the form is kept, in words.
func (k *talk) keptDay() string {
	return service.DayOf(k.draft.Touched.In(k.d.services.City.Location())).Add(keptDays).In(k.lang)
}

// draftWakes sets both wakes of a draft; zero times clear them.
func draftWakes(id string, remind, end time.Time) []Wake {
	return []Wake{{Kind: WakeRemind, Subject: id, At: remind}, {Kind: WakeEnd, Subject: id, At: end}}
}

// timeDraft sets the wakes of a draft that was touched and clears those of one that is gone.
func (k *talk) timeDraft() {
	old, now := k.t.Draft, k.o.Draft
	if old != nil && (now == nil && k.o.DropDraft || now != nil && now.ID != old.ID) {
		k.o.Wakes = append(k.o.Wakes, draftWakes(old.ID, time.Time{}, time.Time{})...)
	}
	if now != nil && (old == nil || now.ID != old.ID || !now.Touched.Equal(old.Touched)) {
		k.o.Wakes = append(k.o.Wakes, draftWakes(now.ID, k.d.remindAt(*now, now.Touched), k.d.keptUntil(now.Touched))...)
	}
}

// rouse begins to speak to a person who said nothing.
func (d *Dispatcher) rouse(t Turn, to channels.Address) *talk {
	t.Message = channels.Message{From: to, To: channels.Address{Channel: to.Channel}}
	for _, c := range t.Talks {
		if c.Address == to {
			t.Conversation = c
		}
	}
	k := d.copied(t)
	k.conv.Pending, k.queue = k.asked, channels.Notice
	k.lang, k.known = firstOf(k.conv.Lang, k.contact.Lang, d.services.City.Languages[0]), true
	return k
}

// welcomes tells whether something unasked may go to the address.
func (k *talk) welcomes() bool {
	r := k.reach()
	return !r.Stopped && !r.Blocked && !r.Dead && !r.Unsure
}

// unasked puts the outcome of a wake together: what was heard and touched stays as it was.
func (k *talk) unasked() Outcome {
	k.deliver()
	k.o.Claim, k.o.Contact = k.t.Claim, k.contact
	conv := k.conv
	k.o.Conversation = &conv
	return k.o
}
