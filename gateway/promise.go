package gateway

import (
	"slices"
	"time"

	"gatehouse/configs/texts"
	"gatehouse/exchange"
)

// WakePromise is due at the date of the next step that a person was told; the subject is the case's id.
const WakePromise WakeKind = "promise"

// promiseWake sets the clock of what was promised for a case, or stops it when nothing is open any more.
func promiseWake(m Matter) Wake {
	w := Wake{Contact: m.Contact, Kind: WakePromise, Subject: m.ID}
	if m.Open() {
		w.At = m.Promise
	}
	return w
}

// kept winds the clock after a notice: a new date counts from now on, words to the person keep the old one, and a bare
// change of state changes nothing.
func kept(o *Outcome, m Matter, n exchange.Notice) {
	switch {
	case !m.Open() || !n.Promise.IsZero():
		o.Wakes = append(o.Wakes, promiseWake(m))
	case n.Text != "" || n.Words != "" || n.State == exchange.WaitingYou:
		o.Wakes = append(o.Wakes, Wake{Contact: m.Contact, Kind: WakePromise, Subject: m.ID})
	}
}

// missed apologises once for a promise that was not kept, names the next date, and raises the case. It speaks by day
// alone. What waits for the person is no miss, and of a case that is not among their newest nothing is promised.
func (d *Dispatcher) missed(t Turn) Outcome {
	i := slices.IndexFunc(t.Matters, func(m Matter) bool { return m.ID == t.Claim.Wake.Subject })
	if i < 0 || !t.Matters[i].Open() || t.Matters[i].State == exchange.WaitingYou {
		return rest(t, time.Time{})
	}
	m := t.Matters[i]
	s, ok := d.services.ByCode(m.Service)
	if !ok {
		return rest(t, time.Time{})
	}
	if at := d.daytime(later(t.Now, m.Promise)); t.Now.Before(at) {
		return rest(t, at)
	}
	m.Promise = s.Due(t.Now, d.services.City.Location())
	args := texts.Args{"reference": m.Reference, "service": m.Name, "when": d.when(m.Promise, m.Lang)}
	said := d.texts.Text(m.Lang, "citizen.notice.late", args)
	m.Events = append(slices.Clone(m.Events), Event{At: t.Now, State: m.State, Text: said})
	o := Outcome{Claim: t.Claim, Contact: t.Contact, Matters: []Matter{m}}
	o.Crossings = []Crossing{{Matter: m.ID, Document: exchange.Addition{
		ID: t.NewID(), Case: m.ID, Act: exchange.ActRaise, Trust: "gateway", Channel: "gateway", At: t.Now,
		Text: d.texts.Text(m.Lang, "citizen.notice.late.inside", args),
	}}}
	d.tell(&o, Tiding{Now: t.Now, NewID: t.NewID, Contact: t.Contact, Matter: m}, m, said, false)
	return o
}

// promiseAnew gives a case that goes back to the office the date of its next step, and says it.
func (k *talk) promiseAnew(m Matter) {
	s, ok := k.d.services.ByCode(m.Service)
	if !ok {
		return
	}
	for i := range k.o.Matters {
		if k.o.Matters[i].ID == m.ID {
			k.o.Matters[i].Promise = s.Due(k.t.Now, k.d.services.City.Location())
			k.say("status.promise", texts.Args{"when": k.when(k.o.Matters[i].Promise)})
			k.o.Wakes = append(k.o.Wakes, Wake{Contact: k.contact.ID, Kind: WakePromise, Subject: m.ID, At: k.o.Matters[i].Promise})
		}
	}
}
