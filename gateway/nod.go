package gateway

import (
	"strings"
	"time"

	"gatehouse/channels"
	"gatehouse/exchange"
)

// Told is the last broadcast that reached an address, and whether its person has answered it with a bare word before.
type Told struct {
	Broadcast string // exchange.Broadcast.ID
	Text      string
	At        time.Time
	Answered  bool
}

// nods tells whether a message is nothing but "ok", "thanks" or "?", in any language.
func (d *Dispatcher) nods(m channels.Message) bool {
	if m.From.Channel == byMail && m.Reference != "" || m.Robot || len(m.Files) > 0 || m.OptOut != channels.NoOptEvent {
		return false
	}
	return d.bare(m.Text, m.From.Channel)
}

// bare tells whether words are such a bare one; of a mail what stands above the quotation counts.
func (d *Dispatcher) bare(said, channel string) bool {
	said = exchange.Normalize(clipBytes(said, maxSaid))
	if channel == byMail {
		said = fresh(said)
	}
	return d.grammar.Is("thanks", said) || asksWhat(said)
}

// asksWhat tells whether all that was said is a question mark.
func asksWhat(said string) bool {
	said = strings.TrimSpace(said)
	return said != "" && strings.Trim(said, "?؟？") == ""
}

// nod takes a bare word for an answer to the broadcast before it: it is recorded there, and the alert is said once more,
// once. It answers no question that was asked before the broadcast, and makes no case. Words after anything that was
// said or asked since answer that, as ever; a bare word that would be an inquiry is recorded.
func (k *talk) nod() bool {
	if k.t.Record == nil || k.t.Record.Told == nil || !k.d.nods(k.t.Message) {
		return false
	}
	told := *k.t.Record.Told
	since := k.since(told.At)
	if k.askedSince(told.At) || since && !k.idle() {
		return false
	}
	k.o.Nod = told.Broadcast
	if talks := k.t.Message.From.Channel != byMail; talks && (since && k.asked.Kind != askQuestion || told.Answered && asksWhat(k.said)) {
		return false // thanks are returned, and ? gets help
	}
	k.keepQuestion()
	if told.Answered || since || k.reach().Stopped {
		k.silent = true
		return true
	}
	k.tell(told.Text)
	k.again()
	return true
}

// since tells whether more than bare words was said here after at.
func (k *talk) since(at time.Time) bool {
	for _, l := range k.conv.Lines[:max(len(k.conv.Lines)-1, 0)] {
		if l.Who == whoPerson && l.At.After(at) && !k.d.bare(l.Text, k.t.Message.From.Channel) {
			return true
		}
	}
	return false
}

// askedSince tells whether the office asked or told something of a case after at.
func (k *talk) askedSince(at time.Time) bool {
	for _, m := range k.t.Matters {
		if n := len(m.Events); n > 0 && m.Events[n-1].At.After(at) && m.Events[n-1].Text != "" {
			return true
		}
	}
	return false
}

// idle tells whether no question is open that a bare word may answer.
func (k *talk) idle() bool {
	switch k.asked.Kind {
	case "", askInquiry, askTopic, askMenu, askCase, askCases, askQuestion:
		return !k.running()
	}
	return false
}
