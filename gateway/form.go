package gateway

import (
	"slices"
	"strings"
	"time"

	"gatehouse/channels"
	"gatehouse/configs/texts"
	"gatehouse/exchange/receipt"
	"gatehouse/exchange/service"
	"gatehouse/gateway/dialogue"
	"gatehouse/gateway/forms"
)

// formPrefix marks the recipient of a form that was filled on a page of the portal: form+<service code>.
const formPrefix = "form+"

// running tells whether the next message answers a form's question.
func (k *talk) running() bool {
	return k.draft != nil && !k.dropped && !k.draft.Paused && k.draft.Address == k.t.Message.From
}

// kept tells whether a form is there to go on with.
func (k *talk) kept() bool { return k.draft != nil && !k.dropped }

func (k *talk) service() (*service.Service, bool) {
	if k.draft == nil {
		return nil, false
	}
	return k.d.services.ByCode(k.draft.Form.Service)
}

// openForm begins a form, or reminds of the one that is open: a contact has one at a time.
func (k *talk) openForm(s *service.Service, rest string) {
	if k.withheld() {
		return
	}
	if s.ForCompany() && s.Offered(byWeb) && k.t.Message.From.Channel != byDesk { // a talk proves no address: there is a page for it
		k.say("form.elsewhere", texts.Args{"service": s.Name.In(k.lang), "url": k.declarePage(s), "phone": k.phone()})
		return
	}
	if !s.Offered(k.t.Message.From.Channel) {
		k.say("form.elsewhere", texts.Args{"service": s.Name.In(k.lang), "url": k.link("/"), "phone": k.phone()})
		return
	}
	if k.kept() {
		if open, ok := k.service(); ok {
			k.say("form.open", texts.Args{"noun": forms.Within(open.Noun.In(k.lang))})
			return
		}
	}
	k.dropped = false
	k.draft = &Draft{
		ID: k.t.NewID(), Address: k.t.Message.From, Touched: k.t.Now, Form: k.d.clerk.Begin(s, rest, k.scene()),
		Files: usable(k.t.Message.Files), Whom: k.whomAsked(s),
	}
	k.askForm()
}

// takes tells whether a form with these words after its keyword can begin: they are answers, or no page has a sure
// answer to the whole, so that "book 2 tickets" is not taken for a pickup.
func (k *talk) takes(s *service.Service, rest string) bool {
	return rest == "" || len(k.d.clerk.Begin(s, rest, k.scene()).Answers) > 0 || !k.find(k.said, k.lang).Confident
}

// askForm asks the open question, or shows the summary.
func (k *talk) askForm() {
	s, ok := k.service()
	if !ok { // the service was taken back
		k.dropped = true
		k.say("form.none", nil)
		return
	}
	k.draft.Form.Lang = k.lang
	if k.draft.Whom != WhomSettled {
		k.askWhom(s)
		return
	}
	if k.draft.For.ID != "" && forms.AtSummary(s, k.draft.Form) {
		k.say("form.whom.for", texts.Args{"name": k.draft.For.Name})
	}
	k.prompt(k.d.clerk.Ask(s, &k.draft.Form, k.scene()))
}

// runningForm reads the message as the answer to the open question. A question of the person's own is answered and
// the open one repeated; what can't be read changes nothing.
func (k *talk) runningForm() bool {
	if !k.running() {
		return false
	}
	s, ok := k.service()
	if !ok {
		k.dropped = true
		return false
	}
	if k.draft.Whom != WhomSettled {
		k.answerWhom(s)
		return true
	}
	before := forms.Clone(k.draft.Form)
	step, why := k.d.clerk.Answer(s, &k.draft.Form, k.said, k.scene())
	if step == forms.Taken {
		k.askForm()
		return true
	}
	if k.digression() {
		k.draft.Form = before
		k.askForm()
		return true
	}
	k.prompt(why)
	k.offerPage(s)
	return true
}

// digression answers a keyword or a question in the middle of a form.
func (k *talk) digression() bool {
	if _, _, ok := k.d.services.ByKeyword(k.lang, k.said); ok {
		if s, ok := k.service(); ok {
			k.say("form.open", texts.Args{"noun": forms.Within(s.Noun.In(k.lang))})
		}
		return true
	}
	if !k.d.grammar.Question(k.said) {
		return false
	}
	r := k.find(k.said, k.lang)
	if !r.Confident || len(r.Hits) == 0 {
		return false
	}
	k.answer(r.Hits[0])
	k.options = nil
	return true
}

// formCommand does BACK, PAUSE, GO, DROP, SEND and SKIP.
func (k *talk) formCommand(c dialogue.Command) bool {
	s, ok := k.service()
	if c.Act == dialogue.Go && k.withheld() {
		return true
	}
	if !k.kept() || !ok {
		k.say("form.none", nil)
		k.keepQuestion()
		return true
	}
	switch c.Act {
	case dialogue.Go:
		k.resume(s, c.Arg)
		return true
	case dialogue.Drop:
		k.dropped = true
		k.say("form.dropped", nil)
		return true
	}
	if !k.running() {
		k.say("form.open", texts.Args{"noun": forms.Within(s.Noun.In(k.lang))})
		return true
	}
	if k.draft.Whom != WhomSettled && c.Act != dialogue.Pause { // nothing else was asked yet
		k.draft.Whom = WhomOpen
		k.askForm()
		return true
	}
	switch c.Act {
	case dialogue.Back:
		k.d.clerk.Back(s, &k.draft.Form)
		k.askForm()
	case dialogue.Pause:
		k.pause(s)
	case dialogue.Skip:
		k.d.clerk.Skip(s, &k.draft.Form)
		k.askForm()
	case dialogue.Send:
		k.send(s)
	}
	return true
}

// setAside pauses the form that runs, because a question of another kind is about to be asked.
func (k *talk) setAside() {
	if k.running() {
		k.draft.Paused, k.draft.Touched = true, k.t.Now
		k.say("form.kept", nil)
	}
}

func (k *talk) pause(s *service.Service) {
	k.draft.Paused, k.draft.Touched = true, k.t.Now
	args := texts.Args{"noun": forms.Within(s.Noun.In(k.lang)), "date": k.keptDay(), "step": k.d.clerk.Position(s, k.draft.Form)}
	if forms.AtSummary(s, k.draft.Form) {
		k.say("form.paused.summary", args)
	} else {
		k.say("form.paused", args)
	}
}

// resume goes on where the form stopped, from whichever address; what follows GO is the answer.
func (k *talk) resume(s *service.Service, answer string) {
	k.draft.Paused, k.draft.Address, k.draft.Touched = false, k.t.Message.From, k.t.Now
	if answer != "" {
		k.said = answer
		k.runningForm()
		return
	}
	k.askForm()
}

// send files the form, once everything is right.
func (k *talk) send(s *service.Service) {
	if !forms.AtSummary(s, k.draft.Form) {
		k.askForm()
		return
	}
	why, ok := k.d.clerk.Finish(s, &k.draft.Form, k.scene())
	if !ok {
		k.tell(why)
		k.askForm()
		return
	}
	k.dropped, k.helped = true, k.draft.For
	k.complete(s, k.draft.Form.Answers, append(slices.Clone(k.draft.Files), k.t.Message.Files...))
}

// complete files checked answers: a subscription joins its lists, anything else becomes a case.
func (k *talk) complete(s *service.Service, answers map[string][]string, files []channels.File) {
	if s.Kind == service.Subscription {
		k.join(s, answers)
		return
	}
	k.helped = k.behalf(s, answers)
	m := k.file(s, filing{answers: answers, files: files})
	args := texts.Args{"reference": m.Reference, "sent": k.sent(s, answers, m.Promise)}
	if k.session != "" || strings.HasPrefix(k.t.Message.To.Value, formPrefix) { // a page takes no STATUS
		k.say("form.sent.page", args)
	} else {
		k.say("form.sent", args)
	}
	if s.Kind == service.Declaration {
		k.receipt(m, Tallied{Rows: receipt.Rows{In: m.Rows, Filed: m.Rows}, Files: files})
	}
	k.trackLink(m.Reference)
	if len(usable(files)) == 0 {
		k.offerPhoto(s, m)
	}
}

// sent fills the service's own last words.
func (k *talk) sent(s *service.Service, answers map[string][]string, promise time.Time) string {
	pairs := []string{"{promise}", k.d.day(promise, k.lang)}
	for _, f := range s.Fields() {
		pairs = append(pairs, "{"+f.Name+"}", s.Show(f.Name, answers[f.Name], k.lang))
	}
	return strings.NewReplacer(pairs...).Replace(s.Sent.In(k.lang))
}

// attachments keeps the files of a message: with the form that runs, else with the case that waits for something, else
// with the newest open one. Files with words outside of a form go to a person.
func (k *talk) attachments() bool {
	files := usable(k.t.Message.Files)
	if k.t.Message.LeftOut > 0 {
		return k.leftOut()
	}
	if len(files) == 0 {
		return false
	}
	if k.withheld() {
		return true
	}
	if k.running() {
		return k.attachToForm(files)
	}
	wordless := strings.TrimSpace(dialogue.Fold(k.said)) == ""
	switch m, ok := k.openMatter(); {
	case ok && (wordless || k.asked.Kind == askAdd):
		k.add(m, "reply", k.said)
		k.say("add.done", texts.Args{"reference": m.Reference})
		return true
	case wordless && k.kept():
		return k.attachToForm(files)
	}
	if _, isCommand := k.d.grammar.Command(k.said); isCommand || k.keywordAhead() {
		return false
	}
	k.handOver(k.said, "")
	return true
}

// leftOut says that files were not kept; words that came with them are answered as ever.
func (k *talk) leftOut() bool {
	k.say("file.large", texts.Args{"phone": k.phone()})
	if strings.TrimSpace(dialogue.Fold(k.said)) != "" {
		return false
	}
	k.again()
	return true
}

func (k *talk) attachToForm(files []channels.File) bool {
	s, ok := k.service()
	if !ok {
		return false
	}
	sums := make([]string, 0, len(files))
	for _, f := range files {
		sums = append(sums, f.SHA256)
	}
	hasField := slices.ContainsFunc(s.Fields(), func(f service.Field) bool { return f.Kind == service.File })
	if len(k.draft.Files)+len(files) > maxFiles || hasField && !k.d.clerk.Attach(s, &k.draft.Form, sums) {
		k.say("form.nofile", nil)
	} else {
		k.draft.Files = append(k.draft.Files, files...)
		k.say("form.file", texts.Args{"count": len(files)})
	}
	if strings.TrimSpace(k.said) != "" {
		return false
	}
	if k.running() {
		k.askForm()
	}
	return true
}

// enclose answers the field that takes files with those of a message.
func enclose(s *service.Service, answers map[string][]string, files []channels.File) {
	f, ok := s.FileField()
	if !ok {
		return
	}
	for _, file := range usable(files) {
		answers[f.Name] = append(answers[f.Name], file.SHA256)
	}
}

// webForm files what a page of the portal has asked and checked already: one line a value, "<field>: <value>".
func (k *talk) webForm() {
	if lang := baseTag(k.t.Message.Lang); k.d.texts.Has(lang) {
		k.setLanguage(lang)
	}
	came := k.t.Message.To
	code, session, _ := strings.Cut(strings.TrimPrefix(came.Value, formPrefix), "+")
	s, ok := k.d.services.ByCode(code)
	if !ok {
		k.say("form.none", nil)
		return
	}
	if k.t.Message.From.Channel == byMail {
		k.waitedFor(s, session)
		defer func() {
			k.answerPage()
			if k.o.Park != nil {
				k.o.Park.Message.To = came
			}
		}()
	}
	answers := pageAnswers(k.t.Message.Text)
	enclose(s, answers, k.t.Message.Files)
	s.Prune(answers)
	s.Fill(answers, k.t.Now)
	on := k.t.Message.From.Channel
	if k.session != "" {
		on = byWeb
	}
	faults := s.CheckOn(on, answers, k.t.Now)
	if len(faults) == 0 {
		var named []string
		if number := companyOf(s, answers); number != "" {
			named = append(named, number)
		}
		if !k.parked(s, named, false) {
			k.complete(s, answers, k.t.Message.Files)
		}
		return
	}
	for _, f := range faults {
		label := f.Field
		if field, ok := s.Field(f.Field); ok {
			label = field.Label.In(k.lang)
		}
		k.tell(label + ": " + firstOf(s.Message(f, k.lang), k.text("mail.want.other", nil)))
	}
}
