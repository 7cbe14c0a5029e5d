package gateway

import (
	"slices"
	"strings"
	"time"

	"gatehouse/channels"
	"gatehouse/configs/texts"

	"gatehouse/exchange"
	"gatehouse/exchange/service"
	"gatehouse/gateway/answers"
	"gatehouse/gateway/consent"
	"gatehouse/gateway/dialogue"
	"gatehouse/gateway/forms"
)

// Answers finds published pages. An Index is it; the program swaps the index behind it when pages are published.
type Answers interface {
	Find(q answers.Query) answers.Result
}

// Dispatcher turns messages into outcomes, by the texts, services and answers that it is given. It keeps nothing from
// one Step to the next and is safe for concurrent use.
type Dispatcher struct {
	texts    *texts.Catalog
	services *service.Catalog
	answers  Answers
	grammar  *dialogue.Grammar
	lists    *consent.Directory
	clerk    *forms.Clerk
	public   string
	track    func(reference string) string
	paper    func(reference string, n int) (string, time.Time)
	codeKey  []byte
}

// Rules are what a Dispatcher goes by.
type Rules struct {
	Texts    *texts.Catalog
	Services *service.Catalog
	Answers  Answers
	// PublicURL is the gateway as citizens see it, "https://portlumen.example", without a slash at its end.
	PublicURL string
	// Track gives a case's page with a token of its own; nil: no link is shown.
	Track func(reference string) string
	// Paper gives where the n-th document of a case, from 1, can be fetched without any other proof, and until when; nil:
	// no link is shown.
	Paper func(reference string, n int) (url string, until time.Time)
	// CodeKey keys the hash under which one-time codes are kept, 32 bytes; empty: none are sent.
	CodeKey []byte
}

// NewDispatcher prepares the grammar of all languages.
func NewDispatcher(r Rules) *Dispatcher {
	g := dialogue.New(r.Texts)
	track := r.Track
	if track == nil {
		track = func(string) string { return "" }
	}
	paper := r.Paper
	if paper == nil {
		paper = func(string, int) (string, time.Time) { return "", time.Time{} }
	}
	return &Dispatcher{
		texts: r.Texts, services: r.Services, answers: r.Answers, grammar: g,
		lists:  consent.NewDirectory(r.Services, dialogue.Fold),
		clerk:  &forms.Clerk{Texts: r.Texts, Grammar: g, Services: r.Services},
		public: strings.TrimSuffix(r.PublicURL, "/"), track: track, paper: paper, codeKey: r.CodeKey,
	}
}

// The channels whose ways differ.
const (
	bySMS  = "sms"
	byMail = "email"
	byWeb  = "web"
	byDesk = service.AtCounter
	byChat = "chat"
)

// maxSaid bounds what is read of one message, in bytes; a mail's whole text goes along with its case.
const maxSaid = 8000

// Step answers one message: it gives everything that changes because of it. The same Turn gives the same Outcome, but
// for the ids that Turn.NewID and Turn.NewReference draw. It never fails on what a person wrote.
func (d *Dispatcher) Step(t Turn) (Outcome, error) {
	if s, ok := d.claims(t.Message); ok {
		return d.claim(t, s), nil
	}
	if s, ok := d.signsIn(t.Message); ok {
		return d.signin(t, s), nil
	}
	if _, ok := confirms(t.Message); ok { // what it confirms does not wait any more
		return rest(t, time.Time{}), nil
	}
	k := d.listen(t)
	_, opened := proves(t.Message)
	_, photo := pictured(t.Message)
	_, rows := rowsOf(t.Message)
	switch {
	case t.Message.Robot:
		k.robot()
	case paged(t.Message):
		k.fromPage()
	case opened:
		k.fromProof()
	case asksTellProof(t.Message):
		k.askTellProof()
	case photo:
		k.fromPhoto()
	case rows:
		k.fromRows()
	case strings.HasPrefix(t.Message.To.Value, formPrefix) && t.Message.To.Channel != byMail:
		k.webForm()
	case k.carrier():
	case t.Message.From.Channel == byMail && k.nod():
	case t.Message.From.Channel == byMail:
		k.mail()
	default:
		k.converse()
	}
	return k.finish(), nil
}

// converse tries the readings of a message in their order: danger, opt-out, help and commands, the running dialogue,
// keywords, and last the search.
func (k *talk) converse() {
	for _, try := range []func() bool{
		k.danger, k.optOut, k.forgotten, k.joins, k.code, k.renewal, k.nod, k.sharedPhone, k.languageChoice, k.attachments, k.greeting, k.command, k.joinWord, k.runningForm,
		k.openQuestion, k.bareReference, k.keyword, k.waiting, k.unreadable,
	} {
		if try() {
			return
		}
	}
	k.inquire(k.said)
}

// danger gives the emergency number first and collects nothing; what was open stays open.
func (k *talk) danger() bool {
	if !k.d.grammar.Danger(k.said) {
		return false
	}
	k.urgent = true
	k.say("danger", nil)
	k.setAside()
	k.keepQuestion()
	return true
}

// languageChoice reads the answer to "1 English 2 Français …", and asks that once when the language can't be told.
func (k *talk) languageChoice() bool {
	if k.asked.Kind == askLanguage {
		if lang, ok := k.pickedLanguage(); ok {
			k.setLanguage(lang)
			k.said = k.asked.Text
			k.asked = Pending{}
			if strings.TrimSpace(k.said) == "" || k.d.grammar.Is("greeting", k.said) {
				k.welcome()
				return true
			}
			return false
		}
		return false
	}
	if k.known || k.said == "" || k.t.Message.From.Channel == byWeb {
		return false
	}
	if r := k.find(k.said, ""); r.Confident {
		k.setLanguage(r.Hits[0].Lang)
		return false
	}
	if k.conv.Heard.IsZero() {
		k.say("language.ask", nil)
		k.ask(Pending{Kind: askLanguage, Options: k.d.services.City.Languages, Text: k.said})
		for _, lang := range k.d.services.City.Languages {
			k.options = append(k.options, channels.Option{Label: k.d.texts.Text(lang, "citizen.language.name", nil), Value: lang})
		}
		return true
	}
	return false
}

func (k *talk) pickedLanguage() (string, bool) {
	if n, ok := k.d.grammar.Number(k.said); ok && n >= 1 && n <= len(k.asked.Options) {
		return k.asked.Options[n-1], true
	}
	if c, ok := k.d.grammar.Command(k.said); ok && c.Act == dialogue.Language {
		return c.Arg, true
	}
	return "", false
}

func (k *talk) setLanguage(lang string) {
	k.lang, k.known = lang, true
	k.conv.Lang = lang
	k.contact.Lang = lang
	if k.draft != nil {
		k.draft.Form.Lang = lang
	}
}

func (k *talk) greeting() bool {
	said := strings.TrimSpace(k.said)
	hello := k.d.grammar.Is("greeting", said)
	begins := k.t.Message.From.Channel == "chat" && (said == "/start" || strings.HasPrefix(said, "/start "))
	switch {
	case !hello && !begins:
		if k.d.grammar.Is("thanks", k.said) && !k.running() && !k.takesWords() && !k.officeAsked() {
			k.say("thanks", nil)
			k.keepQuestion()
			return true
		}
		return false
	case begins && k.startCase(strings.TrimPrefix(said, "/start ")):
	case k.running():
		k.askForm()
	default:
		k.welcome()
	}
	return true
}

// takesWords tells whether any words answer the open question.
func (k *talk) takesWords() bool {
	switch k.asked.Kind {
	case askQuestion, askAdd, askReopen, askWithdraw, askStop:
		return true
	}
	return false
}

// officeAsked tells whether the office's question was the last thing said, other bare words aside: then "ok" answers it.
func (k *talk) officeAsked() bool {
	return slices.ContainsFunc(k.t.Matters, func(m Matter) bool {
		n := len(m.Events)
		return m.State == exchange.WaitingYou && n > 0 && m.Events[n-1].Text != "" && !k.since(m.Events[n-1].At)
	})
}

func (k *talk) welcome() { k.say("welcome", texts.Args{"city": k.city()}) }

func (k *talk) unreadable() bool {
	if strings.TrimSpace(dialogue.Fold(k.said)) != "" {
		return false
	}
	k.say("unread", nil)
	return true
}

// command does what works in every state. Inside a form 0 and a language may be the answer instead.
func (k *talk) command() bool {
	c, ok := k.d.grammar.Command(k.said)
	if !ok || k.answersForm(c) {
		return false
	}
	switch c.Act {
	case dialogue.Help:
		k.help()
	case dialogue.Language:
		k.setLanguage(c.Arg)
		k.say("language.set", nil)
		k.again()
	case dialogue.Privacy:
		k.say("privacy.page", texts.Args{"url": k.link("/privacy"), "phone": k.d.services.City.Phone})
		k.shownPrivacy = true
		k.again()
	case dialogue.More:
		k.more()
	case dialogue.Menu:
		k.menu()
	case dialogue.Status:
		if c.Arg != "" {
			k.status(c.Arg)
		} else {
			k.whose(c.Act)
		}
	case dialogue.Whom:
		k.whomWord()
	case dialogue.Person:
		k.person()
	case dialogue.Reopen:
		if !k.withheld() {
			k.reopen(c.Arg)
		}
	case dialogue.Forget, dialogue.MyData:
		k.whose(c.Act)
	case dialogue.Link:
		k.linkWord(c.Arg)
	case dialogue.Unlink:
		if !k.withheld() {
			k.unlink(c.Arg)
		}
	case dialogue.Page:
		k.page()
	default:
		return k.formCommand(c)
	}
	return true
}

// answersForm tells whether what reads as a command answers the open question: 0 where a number is asked, a language
// where one can be chosen.
func (k *talk) answersForm(c dialogue.Command) bool {
	if !k.running() || k.draft.Whom != WhomSettled {
		return false
	}
	s, ok := k.service()
	if !ok || forms.AtSummary(s, k.draft.Form) {
		return false
	}
	f := s.Fields()[k.draft.Form.At]
	switch c.Act {
	case dialogue.Person:
		return f.Kind == service.Number || f.Kind == service.Money
	case dialogue.Language:
		_, has := f.Option(c.Arg)
		return has
	}
	return false
}

// again repeats what was open before a digression.
func (k *talk) again() {
	if k.running() {
		k.askForm()
		return
	}
	k.keepQuestion()
}

func (k *talk) help() {
	if k.running() {
		if s, ok := k.service(); ok && k.draft.Whom != WhomSettled {
			k.askWhom(s)
			return
		} else if ok {
			p := k.d.clerk.Help(s, &k.draft.Form, k.scene())
			k.prompt(p)
			k.hintWhom(s)
			return
		}
	}
	k.say("help", texts.Args{"city": k.city(), "phone": k.d.services.City.Phone})
	k.keepQuestion()
}

func (k *talk) menu() {
	k.setAside()
	p := Pending{Kind: askMenu}
	var labels []string
	for _, s := range k.d.services.All() {
		if s.Kind == service.Ask || !s.Offered(k.t.Message.From.Channel) {
			continue
		}
		label := s.Name.In(k.lang)
		labels = append(labels, label)
		p.Options = append(p.Options, s.Code)
	}
	k.offerMenu(p, labels)
}

// offerMenu lets a number pick a service.
func (k *talk) offerMenu(p Pending, labels []string) {
	k.say("menu", texts.Args{"list": forms.Numbered(labels, k.scene().Channel == bySMS)})
	k.buttons(labels)
	k.ask(p)
}

// keyword opens the form of a service.
func (k *talk) keyword() bool {
	s, rest, ok := k.d.services.ByKeyword(k.lang, strings.TrimPrefix(strings.TrimSpace(k.said), "/"))
	if !ok || s.Kind == service.Ask || !k.takes(s, rest) {
		return false
	}
	k.openForm(s, rest)
	return true
}

// clip cuts s to n runes.
func clip(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return string(r[:n])
}
