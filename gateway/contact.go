// Package gateway is the extranet side's heart: who speaks (Contact), what was said (Conversation), what is half
// filled (Draft), what is owed (Delivery) and what became of it (Matter), and the pure Step that turns one message
// into an Outcome.
//
// One address may serve several persons: somebody who helps others files their cases from the helper's own phone. They
// are no contacts of their own, since nobody could reach them: a contact lists them (Contact.Persons), each case and form
// bears whose it is (Matter.For, Draft.For; empty is the one whose address it is), and the inside knows each as a party
// of their own. What shows cases shows those of one person at a time, and asks whose where there are several; each is
// sealed under a key of their own and forgotten alone. Lists and consent belong to the address.
//
// The rule: Step does no I/O, has no clock and no chance of its own; the store commits its Outcome whole or not at
// all. Nothing here knows which store, which carrier or which link it runs on.
package gateway

import (
	"time"

	"gatehouse/channels"
	"gatehouse/exchange"
	"gatehouse/exchange/service"
	"gatehouse/gateway/consent"
)

// Contact is a person or company that writes to us, with one or more addresses.
type Contact struct {
	ID      string
	Lang    string // BCP 47; empty until known
	Reaches []Reach
	Created time.Time
	// Persons are those whose cases are done from these addresses by a helper, at most maxPersons.
	Persons []Person
	// Quiet keeps lists to the day, emergencies aside: the person chose those hours.
	Quiet bool
	// Version is the store's count of changes. An outcome that was built on an older one is ErrLost, so that a turn and
	// a notice from inside can't write over each other; 0 asks for no such check.
	Version uint64
}

// Reach is one address of a contact and what we know of it.
type Reach struct {
	Address channels.Address
	// Heard is when the person last wrote from it; the newest is where notices go.
	Heard time.Time
	// Stopped: the person, or the carrier for them, said STOP. Lists stay silent; replies to a request still go.
	Stopped bool
	// Blocked: the carrier refuses to deliver after STOP (21610). Nothing is sent until START.
	Blocked bool
	// Dead: the carrier says that nobody is there.
	Dead bool
	// Unsure: it may be somebody else's by now. No private case is shown there, and no word of one goes there, before a
	// fresh proof.
	Unsure bool
	// Introduced: the first reply with the place of the privacy notice was sent.
	Introduced bool
}

// Conversation is the state of the dialogue on one address.
type Conversation struct {
	Address channels.Address
	Lang    string
	// Pending is the question that is open: what the next message answers, if it is an answer.
	Pending Pending
	// Lines are the last things said, oldest first, at most MaxLines; they go along when a person takes over.
	Lines []exchange.Said
	// More is what MORE sends next.
	More  []string
	Heard time.Time
	// Challenge is the one-time code that was asked for here last; nil: none lately.
	Challenge *Challenge
	// Grants are the cases of others that a code has opened here.
	Grants []Grant
	// Lookups counts how often cases of others were asked for here.
	Lookups Lookups
	// Joining is what this address was last asked to confirm; nil: nothing.
	Joining *Joining
}

// MaxLines bounds Conversation.Lines.
const MaxLines = 20

// Pending is an open question to the person.
type Pending struct {
	// Kind says what is asked; the dispatcher owns the words. Empty: nothing is open.
	Kind string
	// Options are the values that a number picks, in the order shown.
	Options []string
	// Misses counts wrong answers in a row.
	Misses int
	// Text is what the question is about: the inquiry that nothing answered, the reference that is withdrawn.
	Text string
	// Department is the code of the one that owns what an inquiry is about; empty: none.
	Department string `json:",omitempty"`
}

// Draft is a contact's half-filled form. A contact has at most one, and those that wait for it on the shelf.
type Draft struct {
	ID      string
	Address channels.Address // where it was begun
	Form    service.Draft
	Files   []channels.File // stored files that go with it
	Paused  bool
	// For is whom a helper fills it for; zero: the one whose address it is. Whom is what is asked about that before the
	// form goes on.
	For     Person
	Whom    Whom
	Touched time.Time
}

// Delivery is one message owed to one address.
type Delivery struct {
	ID      string // also Message.ID
	Contact string
	Queue   channels.Queue
	// Matter is the case it speaks of, or empty.
	Matter  string
	Message channels.Message
	// Due is the earliest time to send it.
	Due time.Time
	// Must marks what has to be told: a decision moves to the next address when this one fails for good.
	Must bool
	// Legal is a Must that is owed in writing: when it fails for good it moves nowhere, and the office tells by post (see
	// WakePost).
	Legal bool
	// Receipts are the ids of the receipts that go with it, as far as its channel carries files.
	Receipts []string
	// Broadcast is the id of the broadcast that it is of, or empty.
	Broadcast string
	// Once: when a crash lost the carrier's answer and the carrier can't be asked, it is given up rather than sent twice.
	Once bool
}

// Matter is the citizen's view of a case: its state, its time line, what was promised. ID is the Case's.
type Matter struct {
	ID        string
	Reference string
	Contact   string
	// For is the Person of the contact whose case it is; empty: the one whose address it is.
	For     string
	Service string
	Name    string // the service's name in the person's language, when filed
	Lang    string
	// Address is where it was filed; notices go to the contact's last used address, else here.
	Address  channels.Address
	Thread   channels.Thread // the mail thread that notices continue
	Subject  string
	State    exchange.State
	Decision exchange.Decision
	Promise  time.Time
	FiledAt  time.Time
	// Booked is the day on which somebody comes, as "2026-12-03"; empty: none is booked.
	Booked string
	// Words are the office's own for where the case stands, in Lang; empty: State says it.
	Words string
	// Rows are those of a declaration as it was filed; of them Correct are to be put right while State is WaitingYou.
	Rows, Correct int
	// CorrectBy is until when Correct rows can be put right here, before they cross (see Correction); zero: the office
	// asked, if anybody.
	CorrectBy time.Time
	// Period is what a declaration is about and for whom, and Digest the SHA-256 of its table: the same again is told so.
	Period, Digest string
	// Owed are the ids of receipts that go with the next notice that carries files.
	Owed []string
	// Tell is where notices go when its contact has no address: what was said at the counter.
	Tell   Tell
	Events []Event // time line, oldest first
}

// Open tells whether something is still to come: it is neither decided nor stopped at the border.
func (m Matter) Open() bool { return m.State != exchange.Decided && m.State != exchange.Blocked }

// Event is one line of a Matter's time line.
type Event struct {
	At    time.Time
	State exchange.State
	// Text is what staff wrote for the person; empty for a plain change of state.
	Text string
	// Words are the office's own for State; empty: it said none.
	Words string `json:",omitempty"`
	// Paper is the document that came with it; nil: none did.
	Paper *Paper `json:",omitempty"`
	// Receipt is the id of the receipt that was given out with it; empty: none was. Registered: it is the inside's, which
	// says that what one of ours was for is registered.
	Receipt    string `json:",omitempty"`
	Registered bool   `json:",omitempty"`
}

// Paper names a document that is kept with a matter (Outcome.Papers).
type Paper struct {
	Name   string
	Size   int64
	SHA256 string
}

// Consent is one line of the ledger: what the person allowed or withdrew, when, and on which words.
type Consent struct {
	Contact string
	Address channels.Address
	Purpose consent.Purpose // empty: consent.List
	List    string          // a list's name; consent.Everything is all on that address
	Act     consent.Act
	Shown   string // the words shown
	Said    string // the words said
	Source  consent.Source
	At      time.Time
}

// line is c as the room of consent knows it.
func (c Consent) line() consent.Line {
	p := c.Purpose
	if p == "" {
		p = consent.List
	}
	return consent.Line{Purpose: p, List: c.List, Address: c.Address.String(), Act: c.Act, Shown: c.Shown, Said: c.Said, Source: c.Source, At: c.At}
}

// Lists gives the lists that ledger lines, oldest first, add up to.
func Lists(lines []Consent) []string {
	all := make([]consent.Line, len(lines))
	for i, c := range lines {
		all[i] = c.line()
	}
	return consent.Lists(consent.Standing(all))
}
