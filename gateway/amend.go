package gateway

import (
	"slices"
	"strings"
	"time"

	"gatehouse/configs/texts"
	"gatehouse/exchange"
	"gatehouse/exchange/receipt"
	"gatehouse/exchange/service"
	"gatehouse/gateway/dialogue"
	"gatehouse/gateway/table"
)

// withdraws calls a declaration off that was filed, by the one word or by action=withdraw in the subject.
func (k *talk) withdraws(m Matter) bool {
	if !k.d.grammar.Is("withdraw", k.onlyLine()) && k.tag("action") != "withdraw" {
		return false
	}
	s, ok := k.d.services.ByCode(m.Service)
	if !ok || s.Kind != service.Declaration {
		return false
	}
	k.reference, k.matter = m.Reference, m.ID
	k.subject = k.text("notice.subject", texts.Args{"reference": m.Reference, "title": m.Name})
	if !m.Open() {
		k.say("mail.rows.closed", texts.Args{"reference": m.Reference})
		return true
	}
	c, open := k.t.correction(m.ID)
	if open {
		c.Done = true
		k.o.Corrections = append(k.o.Corrections, c)
		k.o.Wakes = append(k.o.Wakes, k.d.correctWake(m, c))
		m.Correct, m.CorrectBy = 0, time.Time{}
	}
	if open && c.Whole { // nothing crossed: it ends here
		k.endHeld(m)
	} else {
		k.add(m, exchange.ActWithdraw, k.said)
	}
	k.say("mail.rows.withdrawn", texts.Args{"reference": m.Reference, "at": k.filedAt(k.t.Now)})
	k.receipt(m, Tallied{Rows: receipt.Rows{In: m.Rows}, Period: m.Period, Supersedes: m.received()})
	return true
}

// tag is a value of the subject's tags, "ref=…; action=withdraw".
func (k *talk) tag(name string) string {
	for _, part := range strings.Split(exchange.NormalizeLine(k.t.Message.Subject), ";") {
		if key, value, ok := strings.Cut(part, "="); ok && strings.EqualFold(strings.TrimSpace(key), name) {
			return strings.ToLower(strings.TrimSpace(value))
		}
	}
	return ""
}

// amends replaces the rows of a declaration that is complete by those of a new table, once all of them are right.
func (k *talk) amends(m Matter) bool {
	s, ok := k.d.services.ByCode(m.Service)
	if !ok || s.RowsField() == nil || !k.sheet.there() && k.sheet.Trouble == nil {
		return false
	}
	k.reference, k.matter = m.Reference, m.ID
	k.subject = k.text("notice.subject", texts.Args{"reference": m.Reference, "title": m.Name})
	if k.sheet.Trouble != nil {
		k.sayTrouble(k.sheet.Trouble)
		return true
	}
	if !m.Open() {
		k.say("mail.rows.closed", texts.Args{"reference": m.Reference})
		return true
	}
	if slices.ContainsFunc(k.sheet.Table.Rows, func(r table.Row) bool { return r.Of > 0 }) {
		// A copy with some rows, late or sent again, must never take the place of them all.
		k.say("mail.rows.late", texts.Args{"reference": m.Reference})
		return true
	}
	k.keepOut()
	v := k.d.clerk.Judge(s, k.sheet.Table, append(k.subjectTags(), k.d.clerk.Lines(s, k.said)...), nil, k.scene())
	if len(v.Faults)+len(v.Bad) > 0 {
		k.refuse(m.Name, v.Faults, v.Bad)
		k.say("mail.rows.amend.kept", texts.Args{"reference": m.Reference})
		return true
	}
	k.rows = []exchange.Rows{{Filed: int64(len(v.Good))}}
	m.Rows, m.Digest, m.Period = len(v.Good), k.tableDigest(), period(s, v.Answers)
	k.add(m, exchange.ActAmend, k.said+"\n"+k.d.texts.Text(k.d.services.City.Languages[0], "citizen.mail.rows.inside.replaced", texts.Args{"count": len(v.Good)}),
		crossing(s, v.Answers)...)
	k.say("mail.rows.amended", texts.Args{"reference": m.Reference, "count": len(v.Good), "at": k.filedAt(k.t.Now)})
	k.receipt(m, Tallied{Rows: receipt.Rows{In: m.Rows, Filed: m.Rows}, Files: k.sentFiles(), Period: firstOf(v.Answers[s.Declare.Period]...),
		Party: firstOf(v.Answers[s.Declare.Company]...), Supersedes: m.received()})
	k.sayNotes(v)
	return true
}

// declaresNil tells whether a mail says that nothing happened in a period.
func (k *talk) declaresNil(s *service.Service) bool {
	if !s.Declare.Nil {
		return false
	}
	line, _, _ := strings.Cut(k.said, "\n")
	first, _, _ := strings.Cut(dialogue.Fold(exchange.NormalizeLine(k.t.Message.Subject)), " ")
	return k.d.grammar.Is("nil", line) || k.d.grammar.Is("nil", first) || k.tag("action") == "nil"
}

// declareNil files that nothing happened in a period.
func (k *talk) declareNil(s *service.Service, dry bool) {
	entries := append(append(k.subjectTags(), k.d.clerk.Lines(s, k.said)...), k.given...) // the reply to a reminder is about its period
	given, faults := k.d.clerk.Nil(s, entries, k.scene())
	name := s.Name.In(k.lang)
	switch {
	case len(faults) > 0:
		k.refuse(name, faults, nil)
	case dry:
		k.say("mail.dry.good", texts.Args{"service": name, "list": k.d.clerk.List(s, given, k.lang)})
	default:
		m := k.file(s, filing{answers: given, files: k.t.Message.Files, text: k.d.texts.Text(k.d.services.City.Languages[0], "citizen.mail.rows.inside.nil", nil)})
		k.o.Matters[len(k.o.Matters)-1].Period = period(s, given)
		k.subject = k.text("notice.subject", texts.Args{"reference": m.Reference, "title": name})
		k.say("mail.rows.nil", texts.Args{"service": name, "reference": m.Reference, "at": k.filedAt(m.FiledAt), "list": k.d.clerk.List(s, given, k.lang)})
		k.receipt(m, Tallied{Files: k.t.Message.Files, Period: firstOf(given[s.Declare.Period]...), Party: firstOf(given[s.Declare.Company]...)})
		k.trackLink(m.Reference)
		k.saySecond(s, m, period(s, given))
	}
}
