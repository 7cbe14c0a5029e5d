package gateway

import (
	"slices"
	"strings"
	"unicode"

	"gatehouse/channels/text"
	"gatehouse/configs/texts"
	"gatehouse/exchange"
	"gatehouse/exchange/service"
	"gatehouse/gateway/dialogue"
	"gatehouse/gateway/forms"
)

// Person is somebody whose cases a helper does from the helper's own address. ID is the party that the inside knows
// them by; it is no contact, and what is kept of them is sealed under a key of its own.
type Person struct {
	ID   string `json:"i"`
	Name string `json:"n"` // as the helper gave it, one line of at most maxPersonName characters
}

const (
	// maxPersons bounds Contact.Persons: a question with more of them has no room in a text message.
	maxPersons    = 6
	maxPersonName = 40
)

// Whom is how far the question went whom a form is for.
type Whom string

// The states of that question.
const (
	WhomSettled Whom = ""     // it was answered, or nothing asks it
	WhomOpen    Whom = "who"  // a number, or a name that is known, answers it
	WhomName    Whom = "name" // the next words are the name of somebody new
)

// ownCases is what Pending.Options holds for the person whose address it is.
const ownCases = "own"

// whomAsked tells how a form of s begins. Nothing asks where anybody may know the case, at the counter, where the person
// stands, of lists, which belong to an address, and where the form asks it by itself. A special service is always asked for; a personal one where the
// address served somebody else already, so that most people are asked nothing.
func (k *talk) whomAsked(s *service.Service) Whom {
	switch {
	case k.t.Message.From.Channel == byDesk || !helps(s):
		return WhomSettled
	case s.Privacy == service.Special || s.Privacy == service.Personal && len(k.contact.Persons) > 0:
		return WhomOpen
	}
	return WhomSettled
}

// helps tells whether the gateway itself asks, or lets itself be told, whom a form of s is for.
func helps(s *service.Service) bool {
	return s.Kind != service.Subscription && s.Kind != service.Declaration && s.Behalf == ""
}

// whomWord asks whom the open form is for, because its helper said that it is for somebody else.
func (k *talk) whomWord() {
	s, ok := k.service()
	switch {
	case !k.kept() || !ok || !helps(s):
		k.say("form.whom.none", nil)
		k.again()
	default:
		k.draft.Whom = WhomOpen
		k.resume(s, "")
	}
}

// hintWhom says, to who asks for help at the first question, how a form is filled for somebody else.
func (k *talk) hintWhom(s *service.Service) {
	if k.draft.Form.At == 0 && k.draft.For.ID == "" && s.Privacy != service.Open && helps(s) {
		k.say("form.whom.hint", nil)
	}
}

// askWhom asks whom the form is for.
func (k *talk) askWhom(s *service.Service) {
	if k.draft.Whom == WhomName {
		k.say("form.whom.name", nil)
		return
	}
	labels := []string{k.text("whom.you", nil)}
	for _, p := range k.contact.Persons {
		labels = append(labels, p.Name)
	}
	if len(k.contact.Persons) < maxPersons {
		labels = append(labels, k.text("whom.else", nil))
	}
	k.say("form.whom", texts.Args{"noun": s.Noun.In(k.lang), "list": forms.Numbered(labels, k.t.Message.From.Channel == bySMS)})
	k.buttons(labels)
}

// answerWhom reads the answer to that question.
func (k *talk) answerWhom(s *service.Service) {
	if k.draft.Whom == WhomName {
		k.nameWhom()
	} else {
		k.pickWhom()
	}
	if k.draft.Whom != WhomSettled && k.digression() {
		k.options = nil
	}
	k.askForm()
}

func (k *talk) pickWhom() {
	n, ok := k.d.grammar.Number(k.said)
	if !ok {
		n = 2 + slices.IndexFunc(k.contact.Persons, func(p Person) bool { return dialogue.Fold(p.Name) == dialogue.Fold(k.said) })
		ok = n > 1
	}
	switch known := len(k.contact.Persons); {
	case ok && n == 1:
		k.draft.For, k.draft.Whom = Person{}, WhomSettled
	case ok && n > 1 && n <= known+1:
		k.draft.For, k.draft.Whom = k.contact.Persons[n-2], WhomSettled
	case ok && n == known+2 && known < maxPersons:
		k.draft.Whom = WhomName
	}
}

// nameWhom takes a name: one that is known is the same person. Words with no letter, and questions, are none.
func (k *talk) nameWhom() {
	name := strings.TrimSpace(clip(text.Mask(exchange.NormalizeLine(k.said)), maxPersonName))
	_, _, keyword := k.d.services.ByKeyword(k.lang, k.said)
	if keyword || k.d.grammar.Question(k.said) || !strings.ContainsFunc(name, unicode.IsLetter) {
		return
	}
	k.draft.Whom, k.draft.For = WhomSettled, k.personNamed(name)
}

// personNamed is the person of that name, or somebody new.
func (k *talk) personNamed(name string) Person {
	for _, p := range k.contact.Persons {
		if dialogue.Fold(p.Name) == dialogue.Fold(name) {
			return p
		}
	}
	return Person{ID: k.t.NewID(), Name: name}
}

// behalf is whom checked answers are for, where the form asks it: on its page and by mail too.
func (k *talk) behalf(s *service.Service, answers map[string][]string) Person {
	given := answers[s.Behalf]
	if s.Behalf == "" || len(given) == 0 || strings.TrimSpace(given[0]) == "" {
		return k.helped
	}
	return k.personNamed(strings.TrimSpace(clip(exchange.NormalizeLine(given[0]), maxPersonName)))
}

// filedFor keeps the person of a case that was filed, and lets the inside see that a helper filed it.
func (k *talk) filedFor(p Person, c *exchange.Case) {
	if p.ID == "" {
		return
	}
	if !slices.ContainsFunc(k.contact.Persons, func(known Person) bool { return known.ID == p.ID }) {
		k.contact.Persons = append(slices.Clone(k.contact.Persons), p)
	}
	c.Party = p.ID
	if c.Name == "" {
		c.Name = p.Name
	}
	c.Story = append(c.Story, exchange.Said{At: k.t.Now, Who: whoGateway, Text: k.text("whom.filed", texts.Args{"name": p.Name})})
}

// prune lets go the names of persons of whom no case is kept any more.
func (k *talk) prune() {
	if k.doubtful || len(k.t.Matters) >= MaxMatters || len(k.o.Joins) > 0 {
		return // there may be more
	}
	k.contact.Persons = slices.DeleteFunc(slices.Clone(k.contact.Persons), func(p Person) bool {
		has := func(m Matter) bool { return m.For == p.ID }
		return !slices.ContainsFunc(k.t.Matters, has) && !slices.ContainsFunc(k.o.Matters, has)
	})
}

// casesOf are the cases of one person; empty: of the one whose address it is.
func (k *talk) casesOf(person string) []Matter {
	return slices.DeleteFunc(slices.Clone(k.t.Matters), func(m Matter) bool { return m.For != person })
}

// served are the persons with cases; own: the one whose address it is counts, cases or not.
func (k *talk) served(own bool) (ids, labels []string) {
	if own || len(k.casesOf("")) > 0 {
		ids, labels = []string{ownCases}, []string{k.text("whom.you", nil)}
	}
	for _, p := range k.contact.Persons {
		if len(k.casesOf(p.ID)) > 0 {
			ids, labels = append(ids, p.ID), append(labels, p.Name)
		}
	}
	return ids, labels
}

// whose asks whose cases a word is about where there are those of several; else it is done at once.
func (k *talk) whose(act dialogue.Act) {
	if k.withheld() {
		return
	}
	ids, labels := k.served(act != dialogue.Status)
	if len(ids) < 2 {
		k.doFor(act, strings.Join(ids, ""))
		return
	}
	k.setAside()
	k.say("whom.whose", texts.Args{"list": forms.Numbered(labels, k.t.Message.From.Channel == bySMS)})
	k.buttons(labels)
	k.ask(Pending{Kind: askWhose, Options: ids, Text: string(act)})
}

// picksOwn tells which word a message does for the one whose address it is, as the answer to whose cases it is about.
func (d *Dispatcher) picksOwn(p Pending, said string) dialogue.Act {
	n, ok := d.grammar.Number(said)
	if p.Kind != askWhose || !ok || n < 1 || n > len(p.Options) || p.Options[n-1] != ownCases {
		return dialogue.None
	}
	return dialogue.Act(p.Text)
}

// doFor does a word with the cases of one person in sight and no others.
func (k *talk) doFor(act dialogue.Act, person string) {
	if person == ownCases {
		person = ""
	}
	all := k.t.Matters
	defer func() { k.t.Matters = all }()
	k.t.Matters = k.casesOf(person)
	switch {
	case act == dialogue.Status:
		k.status("")
	case act == dialogue.MyData && person == "":
		k.myData()
	case act == dialogue.MyData:
		k.dataOf(person)
	case act == dialogue.Forget && person == "":
		k.forget()
	case act == dialogue.Forget:
		k.forgetPerson(person)
	}
}

func (k *talk) nameOf(person string) string {
	for _, p := range k.contact.Persons {
		if p.ID == person {
			return p.Name
		}
	}
	return ""
}

// dataOf counts what is held of a person who is helped from here.
func (k *talk) dataOf(person string) {
	open := 0
	for _, m := range k.t.Matters {
		if m.Open() {
			open++
		}
	}
	k.say("mydata.person", texts.Args{"city": k.city(), "name": k.nameOf(person), "cases": len(k.t.Matters), "open": open})
	if kept := k.keptByLaw(); len(kept) > 0 {
		k.say("mydata.kept", texts.Args{"list": strings.Join(kept, ", ")})
	}
	k.say("mydata.ways", nil)
	k.again()
}

// forgetPerson asks whether all of one person who is helped from here shall be deleted.
func (k *talk) forgetPerson(person string) {
	kept := k.text("forget.nothing.person", nil)
	if list := k.keptByLaw(); len(list) > 0 {
		kept = k.text("forget.kept.person", texts.Args{"list": strings.Join(list, ", ")})
	}
	k.say("forget.person.confirm", texts.Args{"name": k.nameOf(person), "kept": kept})
	k.buttons([]string{"1", "2"})
	k.ask(Pending{Kind: askForget, Options: []string{person}})
}

// erasePerson ends one person who is helped from here, and lets the inside know. What was said lately goes too: it may
// name them.
func (k *talk) erasePerson(person string) {
	k.o.Gone = append(k.o.Gone, person)
	k.o.Crossings = append(k.o.Crossings, Crossing{Document: exchange.Erasure{ID: k.t.NewID(), Party: person, At: k.t.Now}})
	k.contact.Persons = slices.DeleteFunc(slices.Clone(k.contact.Persons), func(p Person) bool { return p.ID == person })
	if k.draft != nil && k.draft.For.ID == person {
		k.dropped = true
	}
	for _, d := range k.shelf {
		if d.For.ID == person {
			k.o.DropShelf = append(k.o.DropShelf, d.ID)
		}
	}
	k.shelf = slices.DeleteFunc(slices.Clone(k.shelf), func(d Draft) bool { return d.For.ID == person })
	k.conv.Lines, k.conv.More = nil, nil
	k.say("forget.person.done", nil)
}

// remains is the contact that goes on for the persons whom somebody helped who is forgotten: the addresses that their
// cases were filed from, and nothing else of the helper. nil: there are none.
func (k *talk) remains() *Contact {
	c := Contact{Lang: k.contact.Lang, Created: k.t.Now}
	filed := map[string]bool{}
	for _, p := range k.contact.Persons {
		cases := k.casesOf(p.ID)
		if len(cases) == 0 {
			continue
		}
		c.Persons = append(c.Persons, p)
		for _, m := range cases {
			filed[m.Address.String()] = true
		}
	}
	if len(c.Persons) == 0 {
		return nil
	}
	c.ID = k.t.NewID()
	for _, r := range k.contact.Reaches {
		if filed[r.Address.String()] {
			c.Reaches = append(c.Reaches, r)
		}
	}
	return &c
}
