package gateway

import (
	"slices"
	"strings"
	"time"

	"gatehouse/channels"
	"gatehouse/channels/text"
	"gatehouse/configs/texts"
	"gatehouse/exchange"
	"gatehouse/exchange/service"
	"gatehouse/gateway/dialogue"
	"gatehouse/gateway/forms"
)

// reopenable is how long a decided case can be opened again.
const reopenable = 30 * 24 * time.Hour

// listed is how many cases STATUS shows.
const listed = 5

// status tells the state of one case, or lists them. Only cases of the person's own addresses are shown.
func (k *talk) status(arg string) {
	k.setAside()
	switch {
	case arg != "":
		k.statusOf(arg)
	case len(k.t.Matters) == 0:
		k.say("status.none", nil)
		if k.t.Message.From.Channel == byWeb {
			k.say("status.login", nil)
		}
	case len(k.t.Matters) == 1:
		k.showMatter(k.t.Matters[0])
	default:
		k.listMatters()
	}
}

func (k *talk) statusOf(arg string) {
	reference, ok := exchange.ParseReference(arg)
	if !ok {
		k.say("status.wrong", nil)
		return
	}
	m, ok := k.matterOf(reference)
	if !ok && k.withheld() {
		return
	}
	if !ok {
		k.foreign(reference)
		return
	}
	k.showMatter(m)
}

func (k *talk) matterOf(reference string) (Matter, bool) {
	for _, m := range k.t.Matters {
		if m.Reference == reference {
			return m, true
		}
	}
	return Matter{}, false
}

func (k *talk) listMatters() {
	p := Pending{Kind: askCases}
	var lines, labels []string
	for _, m := range k.t.Matters[:min(len(k.t.Matters), listed)] {
		lines = append(lines, k.text("status.item", texts.Args{
			"reference": m.Reference, "service": k.d.called(m, k.t.Message.From.Channel, k.lang), "state": k.d.state(m, k.lang),
		})+k.story(m))
		labels = append(labels, m.Reference)
		p.Options = append(p.Options, m.Reference)
	}
	list := texts.Args{"list": forms.Numbered(lines, k.t.Message.From.Channel == bySMS)}
	if list["name"] = k.nameOf(k.t.Matters[0].For); list["name"] != "" {
		k.say("whom.list", list)
	} else {
		k.say("status.list", list)
	}
	k.buttons(labels)
	k.answerHere()
	k.ask(p)
}

// story is the time line of a case in the web chat, where there is room for it; empty elsewhere, and where nothing
// happened yet that its state does not say.
func (k *talk) story(m Matter) string {
	if k.t.Message.From.Channel != byWeb || len(m.Events) < 2 && lastWords(m) == "" {
		return ""
	}
	var b strings.Builder
	last := ""
	for _, e := range m.Events {
		words := firstOf(e.Words, k.d.texts.Text(k.lang, "citizen.state."+string(e.State), nil))
		if words == last && e.Text == "" {
			continue
		}
		last = words
		b.WriteString("\n– " + k.when(e.At) + ": " + strings.TrimSpace(words+". "+e.Text))
	}
	return b.String()
}

// answerHere says which case takes the next words as its answer, in the web chat.
func (k *talk) answerHere() {
	i := slices.IndexFunc(k.t.Matters, func(m Matter) bool { return m.State == exchange.WaitingYou })
	if i >= 0 && k.t.Message.From.Channel == byWeb {
		k.say("status.answer", texts.Args{"reference": k.t.Matters[i].Reference})
	}
}

// state words a matter's state, or its decision.
func (d *Dispatcher) state(m Matter, lang string) string {
	if m.State == exchange.Decided && m.Decision != exchange.Undecided {
		return d.texts.Text(lang, "citizen.decision."+string(m.Decision), nil)
	}
	return d.texts.Text(lang, "citizen.state."+string(m.State), nil)
}

// showMatter tells where a case stands and what can be done with it.
func (k *talk) showMatter(m Matter) {
	k.reference, k.matter = m.Reference, m.ID
	if name := k.nameOf(m.For); name != "" {
		k.say("form.whom.for", texts.Args{"name": name})
	}
	k.sayStanding(m)
	if story := k.story(m); story != "" {
		k.tell(strings.TrimPrefix(story, "\n"))
	} else if last := lastWords(m); last != "" && k.d.tellable(m.Service, k.t.Message.From.Channel) {
		if m.State == exchange.WaitingYou {
			last = k.text("status.waiting", texts.Args{"question": last})
		}
		k.tell(last)
	}
	if paper := k.d.paperText(m, k.t.Message.From.Channel, false); paper != "" && k.d.tellable(m.Service, k.t.Message.From.Channel) {
		k.tell(paper)
	}
	k.sayNext(m)
	k.offerActs(m)
	if m.State == exchange.WaitingYou {
		k.answerHere()
	}
}

func lastWords(m Matter) string {
	if len(m.Events) == 0 {
		return ""
	}
	return m.Events[len(m.Events)-1].Text
}

// tellable tells whether the content of a case may be said on a channel: special services never by SMS or chat.
func (d *Dispatcher) tellable(code, channel string) bool {
	s, ok := d.services.ByCode(code)
	return !ok || s.Privacy != service.Special || channel != bySMS && channel != "chat"
}

// openMatter is the case that a file or a loose word belongs to: the one that waits for the person, else the newest
// that is not decided.
func (k *talk) openMatter() (Matter, bool) {
	for _, m := range k.t.Matters {
		if m.State == exchange.WaitingYou {
			return m, true
		}
	}
	for _, m := range k.t.Matters {
		if m.Open() {
			return m, true
		}
	}
	return Matter{}, false
}

// waiting takes words as the answer to what the office asked, unless they are surely a question of their own.
func (k *talk) waiting() bool {
	i := slices.IndexFunc(k.t.Matters, func(m Matter) bool { return m.State == exchange.WaitingYou })
	if i < 0 || k.said == "" {
		return false
	}
	if k.d.grammar.Question(k.said) && k.find(k.said, k.lang).Confident {
		return false
	}
	m := k.t.Matters[i]
	k.add(m, exchange.ActReply, k.said)
	k.say("add.done", texts.Args{"reference": m.Reference})
	return true
}

// ownerOfCase is the department of one of the person's cases.
func (k *talk) ownerOfCase(reference string) string {
	m, _ := k.matterOf(reference)
	return k.ownerOf(m.Service)
}

// openQuestion reads the message as the answer to what was asked last, outside of a form.
func (k *talk) openQuestion() bool {
	n, isNumber := k.d.grammar.Number(k.said)
	picked := ""
	if isNumber && n >= 1 && n <= len(k.asked.Options) {
		picked = k.asked.Options[n-1]
	}
	switch k.asked.Kind {
	case askTopic:
		return k.topic()
	case askAddress:
		return k.bareAddress()
	case askMenu:
		s, ok := k.d.services.ByCode(picked)
		if ok && picked != "" {
			k.openForm(s, "")
		}
		return ok && picked != ""
	case askQuestion:
		k.handOver(strings.TrimSpace(k.asked.Text+" "+k.said), k.ownerOfCase(k.asked.Text))
		return true
	case askForms:
		if picked != "" {
			k.goOnWith(picked)
		}
		return picked != ""
	case askWhose:
		if picked != "" {
			k.doFor(dialogue.Act(k.asked.Text), picked)
		}
		return picked != ""
	case askCases:
		if picked != "" {
			k.statusOf(picked)
		}
		return picked != ""
	case askCase, askWithdraw, askAdd, askReopen, askDay:
		return k.aboutMatter(picked)
	}
	return false
}

// aboutMatter does what was asked for one case.
func (k *talk) aboutMatter(picked string) bool {
	m, ok := k.matterOf(k.asked.Text)
	if !ok {
		return false
	}
	k.reference, k.matter = m.Reference, m.ID
	args := texts.Args{"reference": m.Reference}
	switch k.asked.Kind {
	case askAdd:
		k.add(m, exchange.ActReply, k.said)
		k.say("add.done", args)
	case askReopen:
		k.add(m, exchange.ActReopen, k.said)
		k.say("reopen.done", args)
		k.promiseAnew(m)
	case askWithdraw:
		return k.withdraw(m, args)
	case askDay:
		return k.newDay(m)
	default:
		return k.actOn(m, picked, args)
	}
	return true
}

func (k *talk) withdraw(m Matter, args texts.Args) bool {
	yes, ok := k.d.grammar.Yes(k.said)
	switch {
	case !ok:
		return false
	case yes:
		k.add(m, exchange.ActWithdraw, k.said)
		k.say("withdraw.done", args)
	default:
		k.say("stop.kept", nil)
	}
	return true
}

func (k *talk) actOn(m Matter, picked string, args texts.Args) bool {
	switch picked {
	case doAdd:
		k.say("add.ask", args)
		k.ask(Pending{Kind: askAdd, Text: m.Reference})
	case doWithdraw:
		k.say("withdraw.confirm", args)
		k.buttons([]string{"1", "2"})
		k.ask(Pending{Kind: askWithdraw, Text: m.Reference})
	case doChange:
		k.askDayOf(m)
	case doReopen:
		k.say("reopen.ask", args)
		k.ask(Pending{Kind: askReopen, Text: m.Reference})
	case doPerson:
		k.say("ask.what", nil)
		k.ask(Pending{Kind: askQuestion, Text: m.Reference})
	default:
		return false
	}
	return true
}

// add sends words, files and answers after a case.
func (k *talk) add(m Matter, act exchange.Act, said string, answers ...exchange.Answer) {
	a := exchange.Addition{
		ID: k.t.NewID(), Case: m.ID, Act: act, Trust: string(k.t.level("")), Channel: k.t.Message.From.Channel,
		At: k.t.Now, Text: clipBytes(text.Mask(exchange.Normalize(said)), 90000),
		Answers: answers, Rows: k.rows, Kept: k.keptRows,
	}
	crossing := Crossing{Matter: m.ID}
	for _, f := range usable(k.t.Message.Files) {
		ref := k.refer(f)
		a.Files = append(a.Files, ref)
		crossing.Files, crossing.FileIDs = append(crossing.Files, f), append(crossing.FileIDs, ref.ID)
	}
	crossing.Document = a
	k.o.Crossings = append(k.o.Crossings, crossing)
	if m.State == exchange.WaitingYou { // answered: what comes next is no answer any more
		m.State, m.Words = exchange.InOA, ""
	}
	m.Events = append(slices.Clone(m.Events), Event{At: k.t.Now, State: m.State})
	k.o.Matters = append(k.o.Matters, m)
	k.reference, k.matter = m.Reference, m.ID
	if act == exchange.ActReply {
		k.copyToThread(m, a.Text)
	}
}

// copyToThread shows in the mail thread of a case what its person said elsewhere, so that the thread stays whole.
func (k *talk) copyToThread(m Matter, said string) {
	from := k.t.Message.From.Channel
	mine := slices.ContainsFunc(k.contact.Reaches, func(r Reach) bool { return r.Address == m.Address && !r.Stopped && !r.Blocked && !r.Dead })
	if m.Address.Channel != byMail || from != byWeb || !mine || strings.TrimSpace(said) == "" {
		return
	}
	msg := channels.Message{
		ID: k.t.NewID(), From: channels.Address{Channel: byMail}, To: m.Address, At: k.t.Now, Lang: m.Lang, Reference: m.Reference,
		Subject: k.d.texts.Text(m.Lang, "citizen.notice.subject", texts.Args{"reference": m.Reference, "title": firstOf(m.Subject, m.Name)}),
		Text:    k.d.texts.Text(m.Lang, "citizen.add.copy", texts.Args{"reference": m.Reference}) + "\n\n" + said,
		Thread:  answerTo(m.Thread), Queue: channels.Reply,
	}
	k.o.Deliveries = append(k.o.Deliveries, Delivery{ID: msg.ID, Contact: k.contact.ID, Queue: msg.Queue, Matter: m.ID, Message: msg, Due: k.t.Now})
}
