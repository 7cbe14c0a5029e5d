package gateway

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"gatehouse/channels"
	"gatehouse/channels/text"
	"gatehouse/configs/texts"
	"gatehouse/exchange"
	"gatehouse/exchange/service"
	"gatehouse/gateway/forms"
)

// The questions that may be open in a Conversation, by Pending.Kind.
const (
	askLanguage = "language" // Options: languages; Text: the message that waits for it
	askStop     = "stop"     // Text: the message that may mean STOP
	askMenu     = "menu"     // Options: service codes
	askTopic    = "topic"    // Options: titles of pages; Text: the inquiry
	askInquiry  = "inquiry"  // an answer was given; Text: the inquiry, for 0
	askQuestion = "question" // the next text goes to a person; Text: the reference it is about, or empty
	askCase     = "case"     // Options: what a number does; Text: the reference
	askCases    = "cases"    // Options: references
	askWithdraw = "withdraw" // Text: the reference
	askAdd      = "add"      // Text: the reference
	askDay      = "day"      // another day of a case; Options: days; Text: the reference
	askReopen   = "reopen"   // Text: the reference
	askForget   = "forget"   // Text: the code that the answer must hold; empty: none
	askWhose    = "whose"    // Options: persons; Text: the dialogue.Act that is about their cases
	askRenew    = "renew"    // Options: what a number does about an address that may be somebody else's
	askData     = "data"     // by mail; Text: the code that the answer must hold
	askForms    = "forms"    // Options: the ids of two forms
	askAddress  = "address"  // a mail address or phone number that is to be linked
	askJoin     = "join"     // the lists of Conversation.Joining
	askPhone    = "phone"    // the number is to be shared; Text: the reference it is for, or empty
)

// Who said a line of a conversation, as exchange.Said has it.
const (
	whoPerson  = "person"
	whoGateway = "gateway"
	whoOffice  = "office"
)

// talk is one Step at work: the turn, private copies of what it may change, and what will be said.
type talk struct {
	d *Dispatcher
	t Turn
	o Outcome

	contact Contact
	conv    Conversation
	draft   *Draft
	shelf   []Draft
	dropped bool
	helped  Person  // whom the form that is filed is for
	lapsed  *Draft  // it was kept to its end
	asked   Pending // what was open when the message came

	said  string // the message's words, normal
	lang  string
	known bool // lang is sure

	doubtful bool // the address needs a fresh proof before anything private

	parts        []string
	options      []channels.Option
	source       *channels.Source
	subject      string
	from         string // the address of ours that a mail is answered from; empty: the one it came to
	reference    string
	matter       string
	sheet        Sheet
	given        []forms.Entry   // what the address says that a declaration was mailed to
	rows         []exchange.Rows // how a declaration stands with what is added to its case
	keptRows     []exchange.KeptRow
	workbook     channels.File // the file of the sheet, where its rows cross and it does not
	request      channels.Request
	session      string          // the page of ours that waits for the answer; empty: none
	onPage       map[int]string  // what the page is told in place of a part, by its place
	files        []channels.File // go with the reply
	receipts     []string        // the ids of those that go with it
	silent       bool
	queue        channels.Queue // empty: a reply
	shownPrivacy bool
	urgent       bool // a warning of danger
}

// listen copies what may change and reads the language. A form that was kept as long as promised is gone, whether or not
// its wake came first.
func (d *Dispatcher) listen(t Turn) *talk {
	k := d.copied(t)
	k.conv.Pending = Pending{}
	if k.draft != nil && !t.Now.Before(d.keptUntil(k.draft.Touched)) {
		k.lapsed, k.draft = k.draft, nil
	}
	k.doubt()
	if r := k.reach(); !t.Message.Robot { // a machine is no sign of its person
		r.Heard, r.Dead = t.Now, false
	}
	if wordless(t.Message) {
		k.lang, k.known = firstOf(k.conv.Lang, k.contact.Lang, d.services.City.Languages[0]), true
		return k
	}
	k.said = clipBytes(exchange.Normalize(t.Message.Text), maxSaid)
	k.forgetStale()
	k.hearLanguage()
	k.note(whoPerson, t.Message.Text)
	return k
}

// wordless tells whether a message comes from a page and holds no words of a talk.
func wordless(m channels.Message) bool {
	_, opened := proves(m)
	_, photo := pictured(m)
	_, rows := rowsOf(m)
	_, _, file := uploaded(m)
	return opened || photo || rows || file || paged(m)
}

// copied makes the private copies.
func (d *Dispatcher) copied(t Turn) *talk {
	k := &talk{d: d, t: t, contact: t.Contact, conv: t.Conversation, asked: t.Conversation.Pending}
	k.contact.Reaches = slices.Clone(t.Contact.Reaches)
	k.conv.Lines = slices.Clone(t.Conversation.Lines)
	k.conv.More = slices.Clone(t.Conversation.More)
	k.conv.Address = t.Message.From
	k.shelf = t.Shelf
	if t.Draft != nil {
		draft := *t.Draft
		draft.Form = forms.Clone(draft.Form)
		draft.Files = slices.Clone(draft.Files)
		k.draft = &draft
	}
	return k
}

// forgetStale closes what was open before the office asked something: the next words are an answer to that.
func (k *talk) forgetStale() {
	for _, m := range k.t.Matters {
		if m.State == exchange.WaitingYou && len(m.Events) > 0 && m.Events[len(m.Events)-1].At.After(k.conv.Heard) {
			k.asked = Pending{}
		}
	}
}

func clipBytes(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "")
}

// hearLanguage takes the language of the conversation; a text that is clearly in another one changes it, but not
// while a form runs, where names and places are written in any.
func (k *talk) hearLanguage() {
	hint := baseTag(k.t.Message.Lang)
	heard, sure := k.d.grammar.Detect(k.said)
	if !sure {
		heard, sure = k.wordLanguage()
	}
	switch {
	case k.t.Message.Desk != nil && k.conv.Lang == "" && k.d.texts.Has(hint): // the clerk chose it
		k.lang, k.known = hint, true
	case k.conv.Lang != "":
		k.lang, k.known = k.conv.Lang, true
		if sure && heard != k.lang && !k.running() && k.asked.Kind == "" && (k.long(heard) || k.foreignKeyword(heard)) {
			k.lang = heard
		}
	case sure:
		k.lang, k.known = heard, true
	case k.contact.Lang != "":
		k.lang, k.known = k.contact.Lang, true
	case k.d.texts.Has(hint) && slices.Contains(k.d.services.City.Languages, hint):
		k.lang, k.known = hint, true
	default:
		k.lang = k.d.services.City.Languages[0]
	}
	if k.known {
		k.conv.Lang = k.lang
		if k.contact.Lang == "" {
			k.contact.Lang = k.lang
		}
	}
}

// long tells whether there are words enough to be sure of a language.
func (k *talk) long(lang string) bool {
	return len([]rune(k.said)) > 12 || (lang == "zh" || lang == "ar") && len([]rune(k.said)) > 3
}

// foreignKeyword tells whether a keyword of lang was said that the conversation's own language does not have.
func (k *talk) foreignKeyword(lang string) bool {
	s, _, ok := k.d.services.ByKeyword(lang, k.said)
	own := func(w string) bool { return strings.EqualFold(w, strings.TrimSpace(k.said)) }
	return ok && slices.ContainsFunc(s.Keywords[lang], own) && !slices.ContainsFunc(s.Keywords[k.lang], own)
}

// wordLanguage tells the language by a keyword of a service or a command.
func (k *talk) wordLanguage() (string, bool) {
	said := strings.TrimSpace(k.said)
	for _, lang := range k.d.services.City.Languages {
		for _, s := range k.d.services.All() {
			for _, w := range s.Keywords[lang] {
				if strings.EqualFold(w, said) || len(said) > len(w) && strings.EqualFold(said[:len(w)], w) && said[len(w)] == ' ' {
					return lang, true
				}
			}
		}
		for _, list := range []string{"menu", "help", "status", "language", "person", "forget", "mydata", "whom", "link", "stop", "start", "reopen", "join"} {
			for _, w := range k.d.texts.Words(lang, list) {
				first, _, more := strings.Cut(said, " ")
				if strings.EqualFold(w, said) || more && (list == "status" || list == "join") && strings.EqualFold(w, first) {
					return lang, true
				}
			}
		}
	}
	return "", false
}

func baseTag(tag string) string {
	base, _, _ := strings.Cut(strings.ToLower(tag), "-")
	return base
}

// reach is the address that the message came from; one not known yet is added.
func (k *talk) reach() *Reach {
	for i := range k.contact.Reaches {
		if k.contact.Reaches[i].Address == k.t.Message.From {
			return &k.contact.Reaches[i]
		}
	}
	k.contact.Reaches = append(k.contact.Reaches, Reach{Address: k.t.Message.From})
	return &k.contact.Reaches[len(k.contact.Reaches)-1]
}

func (k *talk) scene() forms.Scene {
	return forms.Scene{Lang: k.lang, Channel: k.t.Message.From.Channel, Now: k.t.Now}
}

func (k *talk) city() string { return k.d.services.City.Name.In(k.lang) }

func (k *talk) phone() string { return k.d.services.City.Phone }

// link gives a page of ours, short on SMS.
func (k *talk) link(path string) string {
	if k.t.Message.From.Channel == bySMS {
		return shortURL(k.d.public + path)
	}
	return k.d.public + path
}

func shortURL(u string) string {
	return strings.TrimPrefix(strings.TrimPrefix(u, "https://"), "http://")
}

func (k *talk) text(key string, a texts.Args) string {
	if a == nil {
		a = texts.Args{}
	}
	a["emergency"] = k.d.services.City.Emergency
	return k.d.texts.Text(k.lang, "citizen."+key, a)
}

// say adds a sentence to the reply.
func (k *talk) say(key string, a texts.Args) { k.tell(k.text(key, a)) }

func (k *talk) tell(s string) {
	if s != "" {
		k.parts = append(k.parts, s)
	}
}

func (k *talk) prompt(p forms.Prompt) {
	k.tell(p.Text)
	k.options = nil
	for _, o := range p.Options {
		k.options = append(k.options, channels.Option{Label: o.Label, Value: o.Value})
	}
}

// buttons offers the numbers 1 to n with these labels.
func (k *talk) buttons(labels []string) {
	k.options = nil
	for i, l := range labels {
		k.options = append(k.options, channels.Option{Label: l, Value: itoa(i + 1)})
	}
}

func (k *talk) ask(p Pending) { k.conv.Pending = p }

// keepQuestion leaves open what was open.
func (k *talk) keepQuestion() { k.conv.Pending = k.asked }

// note adds a line to the conversation. Card and identity numbers are masked before they are stored.
func (k *talk) note(who, said string) {
	said = clip(strings.TrimSpace(text.Mask(exchange.Normalize(said))), 2000)
	if said == "" {
		return
	}
	k.conv.Lines = append(k.conv.Lines, exchange.Said{At: k.t.Now, Who: who, Text: said})
	if n := len(k.conv.Lines); n > MaxLines {
		k.conv.Lines = slices.Clone(k.conv.Lines[n-MaxLines:])
	}
}

// finish puts the outcome together.
func (k *talk) finish() Outcome {
	if k.o.Forget {
		return k.farewell()
	}
	if k.lapsed != nil && !k.silent {
		k.sayEnded(k.lapsed)
	}
	k.nextForm()
	k.deliver()
	k.prune()
	k.conv.Heard = k.t.Now
	k.o.Claim, k.o.Contact = k.t.Claim, k.contact
	conv := k.conv
	k.o.Conversation = &conv
	switch {
	case k.dropped || k.lapsed != nil && k.draft == nil:
		k.o.DropDraft = true
	case k.draft != nil:
		if k.running() && !k.t.Message.Robot {
			k.draft.Touched = k.t.Now
		}
		k.o.Draft = k.draft
	}
	k.part()
	k.timeDraft()
	return k.o
}

// when writes a promised time as people read it where the city is: "Tue 24 Nov 17:00".
func (k *talk) when(t time.Time) string { return k.d.when(t, k.lang) }

func (d *Dispatcher) when(t time.Time, lang string) string {
	local := t.In(d.services.City.Location())
	return service.DayOf(local).In(lang) + " " + local.Format("15:04")
}

func (d *Dispatcher) day(t time.Time, lang string) string {
	return service.DayOf(t.In(d.services.City.Location())).In(lang)
}

func itoa(n int) string { return strconv.Itoa(n) }
