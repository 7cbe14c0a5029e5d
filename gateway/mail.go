package gateway

import (
	"strings"

	"gatehouse/channels/text"
	"gatehouse/configs/texts"
	"gatehouse/exchange"
	"gatehouse/exchange/service"
	"gatehouse/gateway/answers"
	"gatehouse/gateway/dialogue"
)

// What the recipient of a mail means, in front of the @.
const (
	toDeclare    = "declare+"
	toTest       = "test+"
	toBounce     = "bounce+"
	toPostmaster = "postmaster"
	toAbuse      = "abuse"
)

// mail answers a mail. Its sender is not verified: it gets a reference and counts, never the content of an older case.
func (k *talk) mail() {
	k.said = fresh(k.said)
	local, _, _ := strings.Cut(strings.ToLower(k.t.Message.To.Value), "@")
	local, dry := strings.CutPrefix(local, toTest)
	if k.d.grammar.Danger(k.said) {
		k.urgent = true
		k.say("danger", nil)
	}
	alias, declares := strings.CutPrefix(local, toDeclare)
	switch {
	case strings.HasPrefix(local, toBounce):
		k.silent = true
	case k.joins(): // its word alone, as the reply to whichever address of ours had asked
	case k.aboutRows():
	case declares:
		k.declareTo(alias, dry)
	case local == toPostmaster || local == toAbuse:
		k.mailCase(strings.TrimSpace(exchange.NormalizeLine(k.t.Message.Subject)+"\n\n"+k.t.Message.Text), nil, "")
	case k.mailOptOut():
	case k.forgotten():
	case k.dataByMail():
	case k.mailCommand():
	case k.t.Message.Reference != "":
		k.mailAdd()
	case strings.Trim(text.Digits(k.said), " .\n") == "0" && k.asked.Kind == askInquiry:
		k.mailCase(k.asked.Text, nil, k.asked.Department)
	default:
		k.mailInquiry()
	}
	k.tell(k.text("mail.foot", texts.Args{"city": k.city()}))
}

// fresh cuts off what a mail quotes of the mails before it.
func fresh(body string) string {
	lines := strings.Split(body, "\n")
	end := len(lines)
	for i, l := range lines {
		l = strings.TrimSpace(l)
		if strings.HasPrefix(l, ">") || strings.HasPrefix(l, "-----Original") || strings.HasPrefix(l, "________________________________") {
			end = i
			break
		}
	}
	if end > 0 && end < len(lines) {
		last := strings.TrimSpace(lines[end-1])
		if strings.HasSuffix(last, ":") || strings.HasSuffix(last, "：") { // "On … wrote:"
			end--
		}
	}
	if cut := strings.TrimSpace(strings.Join(lines[:end], "\n")); cut != "" {
		return cut
	}
	return strings.TrimSpace(body)
}

func (k *talk) mailOptOut() bool {
	line, _, _ := strings.Cut(k.said, "\n")
	subject := exchange.NormalizeLine(k.t.Message.Subject)
	if len(k.said) > 200 {
		return false
	}
	whole := k.said
	defer func() { k.said = whole }()
	for _, s := range []string{line, subject} {
		k.said = s
		if k.optOut() {
			return true
		}
	}
	return false
}

// mailCommand does what a mail asks that is one command and nothing else; with any other word it is a message.
func (k *talk) mailCommand() bool {
	c, ok := k.d.grammar.Command(k.onlyLine())
	if !ok {
		return false
	}
	switch c.Act {
	case dialogue.Help:
		k.help()
	case dialogue.Status:
		if !k.withheld() {
			k.mailStatus()
		}
	case dialogue.Menu:
		k.say("mail.menu", texts.Args{"list": k.mailServices(func(s *service.Service) bool { return s.Offered(byMail) })})
	case dialogue.Language:
		k.setLanguage(c.Arg)
		k.say("language.set", nil)
	case dialogue.Privacy:
		k.say("privacy.page", texts.Args{"url": k.link("/privacy"), "phone": k.phone()})
		k.shownPrivacy = true
	case dialogue.Forget, dialogue.MyData:
		if !k.withheld() {
			k.doFor(c.Act, ownCases)
		}
	case dialogue.Person:
		if k.t.Message.Reference != "" || k.asked.Kind == askInquiry {
			return false // it answers what was said before
		}
		k.say("ask.what", nil)
	default:
		return false
	}
	return true
}

// onlyLine is a mail's text where it is one line above the signature (RFC 3676 §4.3), the subject where it is none, and
// empty where it is more.
func (k *talk) onlyLine() string {
	only := ""
	for _, line := range strings.Split(k.said, "\n") {
		line = strings.TrimSpace(line)
		switch {
		case line == "--":
			return only
		case line != "" && only != "":
			return ""
		case line != "":
			only = line
		}
	}
	return firstOf(only, exchange.NormalizeLine(k.t.Message.Subject))
}

// mailStatus names and counts the sender's cases, and tells nothing of what is in them.
func (k *talk) mailStatus() {
	var open []string
	for _, m := range k.t.Matters {
		if m.Open() {
			open = append(open, m.Reference)
		}
	}
	k.tell(strings.TrimSpace(k.text("mail.status", texts.Args{"count": len(open), "list": strings.Join(open[:min(len(open), listed)], "\n")})))
	k.say("mail.status.why", texts.Args{"closed": len(k.t.Matters) - len(open), "phone": k.phone()})
}

// mailServices lists the services that wanted picks, each with the address its entries are mailed to.
func (k *talk) mailServices(wanted func(*service.Service) bool) string {
	var names []string
	for _, s := range k.d.services.All() {
		if s.Kind != service.Ask && wanted(s) {
			names = append(names, s.Name.In(k.lang)+": "+k.declareAddress(s))
		}
	}
	return strings.Join(names, "\n")
}

func (k *talk) declareAddress(s *service.Service) string {
	return toDeclare + strings.ToLower(s.Code) + "@" + k.d.services.City.Domain
}

// mailAdd puts a mail to the case whose reply address it was sent to. A sender who is not the case's own can't change
// it: what they write becomes a case of its own that names it.
func (k *talk) mailAdd() {
	m, ok := k.matterOf(k.t.Message.Reference)
	if !ok || m.State == exchange.Blocked { // what the border refused can't be added to
		k.mailCase(k.t.Message.Reference+"\n"+k.said, nil, "")
		return
	}
	if k.mailReopen(m) {
		return
	}
	k.add(m, exchange.ActReply, k.said)
	k.subject = k.text("notice.subject", texts.Args{"reference": m.Reference, "title": m.Name})
	k.say("mail.added", texts.Args{"reference": m.Reference, "files": len(usable(k.t.Message.Files))})
}

// mailInquiry answers from the pages; without a sure answer, or with files, a person gets the mail.
func (k *talk) mailInquiry() {
	if s, ok := k.mailKeyword(); ok {
		k.from = k.declareAddress(s)
		k.declare(s, false)
		return
	}
	subject := exchange.NormalizeLine(k.t.Message.Subject)
	if subject == "" && k.said == "" && len(usable(k.t.Message.Files)) == 0 {
		k.say("unread", nil)
		return
	}
	q := strings.TrimSpace(subject + "\n" + clipBytes(k.said, 1000))
	r := k.find(q, k.lang)
	if !r.Confident || len(r.Hits) == 0 || len(usable(k.t.Message.Files)) > 0 {
		k.mailCase(strings.TrimSpace(subject+"\n\n"+k.t.Message.Text), r.Hits, k.owner(r.Hits))
		return
	}
	h := r.Hits[0]
	k.tell(k.text("mail.answer", texts.Args{"text": unmarked(firstOf(h.Chat, h.Text, h.SMS)), "title": h.Title, "url": h.URL}))
	k.ask(Pending{Kind: askInquiry, Text: clipBytes(strings.TrimSpace(subject+"\n\n"+k.said), maxSaid)})
}

// mailKeyword finds the service whose keyword is the subject or the first line.
func (k *talk) mailKeyword() (*service.Service, bool) {
	line, _, _ := strings.Cut(k.said, "\n")
	for _, s := range []string{k.t.Message.Subject, line} {
		if svc, rest, ok := k.d.services.ByKeyword(k.lang, s); ok && rest == "" && svc.Kind != service.Ask {
			return svc, true
		}
	}
	return nil, false
}

func (k *talk) mailCase(body string, hits []answers.Hit, owner string) {
	s, ok := k.d.services.ByCode(askCode)
	if !ok {
		return
	}
	m := k.file(s, filing{text: body, files: k.t.Message.Files, department: owner})
	k.subject = k.text("notice.subject", texts.Args{"reference": m.Reference, "title": m.Name})
	k.say("mail.case", texts.Args{
		"department": k.d.services.City.Department(firstOf(owner, s.Department), k.lang), "reference": m.Reference, "when": k.when(m.Promise),
		"files": len(usable(k.t.Message.Files)),
	})
	var list []string
	for _, h := range hits {
		list = append(list, h.Title+"\n"+h.URL)
	}
	if len(list) > 0 {
		k.say("mail.nearest", texts.Args{"list": strings.Join(list, "\n")})
	}
	k.trackLink(m.Reference)
}

// aboutRows does what a mail asks of the rows of a declaration: the case whose reply address it was sent to, or that its
// subject names (ref=…). A sender who is not the case's own is not heard here.
func (k *talk) aboutRows() bool {
	reference := k.t.Message.Reference
	if ref, ok := exchange.ParseReference(k.tag("ref")); reference == "" && ok {
		reference = ref
	}
	m, ok := k.matterOf(reference)
	if reference == "" || !ok || m.State == exchange.Blocked || k.t.Message.Reference == "" && k.doubted(m) {
		return false
	}
	return k.withdraws(m) || k.correct(m) || k.amends(m)
}
