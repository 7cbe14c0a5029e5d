package gateway

import (
	"slices"
	"strings"
	"time"

	"gatehouse/channels"
	"gatehouse/channels/text"
	"gatehouse/configs/texts"
	"gatehouse/exchange"
	"gatehouse/gateway/dialogue"
)

// keptListed bounds the services that the question before FORGET ME names; the latest dates come first.
const keptListed = 4

// forget asks whether all shall be deleted, and says what the law keeps and until when. By mail the answer must hold
// the code of this question, because anybody can write a From line, and only who gets the question knows it.
func (k *talk) forget() {
	kept := k.text("forget.nothing", nil)
	if list := k.keptByLaw(); len(list) > 0 {
		kept = k.text("forget.kept", texts.Args{"list": strings.Join(list, ", ")})
	}
	if k.t.Message.From.Channel == byMail {
		code := proofWord(k.t.NewReference())
		k.say("mail.forget", texts.Args{"kept": kept, "code": code})
		k.ask(Pending{Kind: askForget, Text: code})
		return
	}
	k.say("forget.confirm", texts.Args{"kept": kept})
	k.buttons([]string{"1", "2"})
	k.ask(Pending{Kind: askForget})
}

// proofWord takes the 40 random bits of a reference that nobody was given.
func proofWord(reference string) string {
	parts := strings.Split(reference, "-")
	return strings.Join(parts[1:max(len(parts)-1, 1)], "")
}

// keptByLaw names each service with a case that is kept inside, and the last day of the last of them. An open case
// ends now: it is called off.
func (k *talk) keptByLaw() []string {
	type line struct {
		name  string
		until time.Time
	}
	var all []line
	for _, m := range k.t.Matters {
		if m.State == exchange.Blocked {
			continue
		}
		until := k.d.services.Until(m.Service, m.End(k.t.Now))
		if !until.After(k.t.Now) {
			continue
		}
		name := m.Name
		if s, ok := k.d.services.ByCode(m.Service); ok {
			name = s.Name.In(k.lang)
		}
		i := slices.IndexFunc(all, func(l line) bool { return l.name == name })
		if i < 0 {
			all, i = append(all, line{name: name}), len(all)
		}
		if until.After(all[i].until) {
			all[i].until = until
		}
	}
	slices.SortStableFunc(all, func(a, b line) int { return b.until.Compare(a.until) })
	var out []string
	for i, l := range all {
		if i == keptListed {
			break
		}
		out = append(out, k.text("forget.item", texts.Args{"service": l.name, "date": l.until.In(k.d.services.City.Location()).Format(time.DateOnly)}))
	}
	return out
}

// End is when a case ended: by its last event where it is over, else now, at which it would be called off.
func (m Matter) End(now time.Time) time.Time {
	switch {
	case m.Open():
		return now
	case len(m.Events) == 0:
		return m.FiledAt
	}
	return m.Events[len(m.Events)-1].At
}

// forgotten reads the answer to that question; the farewell is the last thing that is said, and all else goes with the
// same commit.
func (k *talk) forgotten() bool {
	if k.asked.Kind != askForget {
		return false
	}
	yes, ok := k.d.grammar.Yes(k.said)
	if k.asked.Text != "" { // a bare "1" proves nothing
		yes, ok = k.saidAlone(k.asked.Text), true
	}
	switch {
	case !ok:
		return false
	case !yes:
		k.say("forget.dropped", nil)
		return true
	}
	if len(k.asked.Options) == 1 {
		k.erasePerson(k.asked.Options[0])
		return true
	}
	k.say("forget.done", texts.Args{"city": k.city()})
	k.erase()
	return true
}

// saidAlone tells whether a line of the message is that word and nothing else.
func (k *talk) saidAlone(word string) bool {
	for line := range strings.Lines(k.said) {
		if dialogue.Fold(line) == dialogue.Fold(word) {
			return true
		}
	}
	return false
}

// erase ends the person here and lets the inside know.
func (k *talk) erase() {
	k.o.Forget = true
	k.o.Crossings = append(k.o.Crossings, Crossing{Document: exchange.Erasure{ID: k.t.NewID(), Party: k.contact.ID, At: k.t.Now}})
}

// Forget ends a person because the inside was asked to: on paper, at a counter, by a court. It tells them where they wrote
// from last and can still be reached, and what the law keeps. The Erasure that goes up has the id of f: so the inside
// knows that here everything is gone.
func (d *Dispatcher) Forget(now time.Time, newID func() string, all Dossier, f exchange.Forget) Outcome {
	t := Turn{Now: now, NewID: newID, Contact: all.Contact, Matters: all.Matters, Talks: all.Talks, Draft: all.Draft}
	to, reachable := lastUsed(all.Contact, channels.Address{}, false)
	k := d.rouse(t, to)
	if k.nameOf(f.Party) != "" {
		return k.forgetHelped(f)
	}
	if reachable {
		k.say("forget.staff", texts.Args{"city": k.city()})
		k.t.Matters = k.casesOf("")
		k.sayKept(to.Channel)
		k.t.Matters = all.Matters
	}
	k.o.Forget = true
	k.o.Crossings = []Crossing{{Document: exchange.Erasure{ID: f.ID, Party: f.Party, At: now.UTC()}}}
	if f.Party != all.Contact.ID { // the inside knows cases of both
		k.o.Crossings = append(k.o.Crossings, Crossing{Document: exchange.Erasure{ID: newID(), Party: all.Contact.ID, At: now.UTC()}})
	}
	return k.farewell()
}

// forgetHelped ends one person who is helped from here. The helper is told nothing: it is not theirs to know.
func (k *talk) forgetHelped(f exchange.Forget) Outcome {
	k.erasePerson(f.Party)
	o := Outcome{Contact: k.contact, Gone: k.o.Gone, DropDraft: k.dropped,
		Crossings: []Crossing{{Document: exchange.Erasure{ID: f.ID, Party: f.Party, At: k.t.Now.UTC()}}}}
	if !k.conv.Address.IsZero() {
		o.Conversation = &k.conv
	}
	return o
}

// sayKept names what the law keeps, the longest kept first, as much of it as fits a last word that MORE can't follow.
func (k *talk) sayKept(channel string) {
	for list := k.keptByLaw(); len(list) > 0; list = list[:len(list)-1] {
		kept := k.text("forget.kept", texts.Args{"list": strings.Join(list, ", ")})
		if channel != bySMS || text.Measure(text.Plain(k.joined()+" "+kept, text.StripAccents)).Segments <= maxSegments {
			k.tell(kept)
			return
		}
	}
}

// farewell is the outcome that leaves nothing: the last word, and the Erasure.
func (k *talk) farewell() Outcome {
	k.deliver()
	for i := range k.o.Deliveries {
		k.o.Deliveries[i].Contact, k.o.Deliveries[i].Matter = "", ""
	}
	return Outcome{Claim: k.t.Claim, Contact: k.t.Contact, Deliveries: k.o.Deliveries, Crossings: k.o.Crossings, Forget: true,
		Remains: k.remains()}
}
