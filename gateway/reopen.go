package gateway

import (
	"slices"
	"time"

	"gatehouse/configs/texts"
	"gatehouse/exchange"
)

// canReopen tells whether a decided case can be opened again: within 30 days of the decision, whatever was added since.
func (k *talk) canReopen(m Matter) bool {
	at := decidedAt(m)
	return !at.IsZero() && k.t.Now.Sub(at) <= reopenable
}

// decidedAt is when the state Decided began; zero: it is not decided.
func decidedAt(m Matter) (at time.Time) {
	if m.State != exchange.Decided {
		return at
	}
	for _, e := range slices.Backward(m.Events) {
		if e.State != exchange.Decided {
			break
		}
		at = e.At
	}
	return at
}

// reopen asks why a decided case shall be opened again: the one that was named, else the newest that can be.
func (k *talk) reopen(arg string) {
	k.setAside()
	m, ok := k.toReopen(arg)
	if !ok {
		return
	}
	args := texts.Args{"reference": m.Reference, "phone": k.phone(), "keyword": k.word("status")}
	k.reference, k.matter = m.Reference, m.ID
	switch {
	case m.State != exchange.Decided:
		k.say("reopen.open", args)
	case !k.canReopen(m):
		k.say("reopen.late", args)
	default:
		k.say("reopen.ask", args)
		k.ask(Pending{Kind: askReopen, Text: m.Reference})
	}
}

// toReopen finds the case that is meant, or says why there is none.
func (k *talk) toReopen(arg string) (Matter, bool) {
	if arg != "" {
		reference, ok := exchange.ParseReference(arg)
		if !ok {
			k.say("status.wrong", nil)
			return Matter{}, false
		}
		m, ok := k.matterOf(reference)
		if !ok {
			k.say("status.unknown", texts.Args{"reference": reference, "phone": k.phone()})
		}
		return m, ok
	}
	for _, only := range []func(Matter) bool{k.canReopen, func(m Matter) bool { return m.State == exchange.Decided }} {
		if i := slices.IndexFunc(k.t.Matters, only); i >= 0 {
			return k.t.Matters[i], true
		}
	}
	k.say("reopen.none", nil)
	return Matter{}, false
}

// mailReopen opens a case again by a reply to its mail that begins with the word; the rest says why.
func (k *talk) mailReopen(m Matter) bool {
	why, ok := k.d.grammar.Reopens(k.said)
	if !ok || m.State != exchange.Decided {
		return false
	}
	k.subject = k.text("notice.subject", texts.Args{"reference": m.Reference, "title": m.Name})
	if !k.canReopen(m) {
		k.say("reopen.late", texts.Args{"reference": m.Reference, "phone": k.phone(), "keyword": k.word("status")})
		return true
	}
	k.add(m, exchange.ActReopen, firstOf(why, k.said))
	k.say("reopen.done", texts.Args{"reference": m.Reference})
	k.promiseAnew(m)
	return true
}

// word is a command's first word in the person's language.
func (k *talk) word(list string) string {
	if w := k.d.texts.Words(k.lang, list); len(w) > 0 {
		return w[0]
	}
	return ""
}
