package exchange

import "time"

// Case is what was filed, frozen. It crosses up.
type Case struct {
	ID        string    `json:"id" is:"id"` // ours, time-ordered; Submit twice with one ID registers once
	Reference string    `json:"reference" is:"id?"`
	Service   string    `json:"service" is:"id"` // a service's code, or "ask": an inquiry handed to a person
	Lang      string    `json:"lang" is:"id?"`
	Channel   string    `json:"channel" is:"id?"` // how it came; never the address
	FiledAt   time.Time `json:"filed_at"`
	Promise   time.Time `json:"promise"`                // the date of the next step that the person was told
	Trust     string    `json:"trust" is:"id?"`         // channels.Trust of the sender
	Party     string    `json:"party" is:"id?,128"`     // a reference for the person or company, never an address
	Name      string    `json:"name" is:"line?,200"`    // as the person gave it, or empty
	Text      string    `json:"text" is:"text?,100000"` // an inquiry's words, or a mail's text
	Answers   []Answer  `json:"answers" max:"6000"`
	Story     []Said    `json:"story" max:"50"` // the last lines before a hand-over, oldest first
	Files     []FileRef `json:"files" max:"20"`
	// Receipts are those given out with it, in the order of the chain: the last is the head of the gateway's chain then.
	Receipts []Stamp `json:"receipts" max:"20" late:"true"`
	// Rows says how a declaration in rows stands with this, where some are open; Kept are those filed as stated.
	Rows []Rows    `json:"rows" max:"1" late:"true"`
	Kept []KeptRow `json:"kept" max:"500" late:"true"`
}

// Rows counts the rows of a declaration: those filed, with the kept ones, and those that the company may still put right
// until then.
type Rows struct {
	Filed int64     `json:"filed"`
	Open  int64     `json:"open"`
	Until time.Time `json:"until"`
}

// MaxKept bounds the kept rows that one document names; the text tells of all.
const MaxKept = 500

// KeptRow is a row that is filed as stated against a rule, for an officer to look at.
type KeptRow struct {
	Number int64 `json:"number"` // in the company's file
	At     int64 `json:"at"`     // its place among the document's rows, from 1
}

// Stamp names a receipt in the gateway's chain.
type Stamp struct {
	ID     string `json:"id" is:"id"`
	Number uint64 `json:"number"`
	Digest string `json:"digest" is:"hex"` // SHA-256 of its signed bytes
}

// Answer is one value of one field. A field with several values has several Answers, in order.
type Answer struct {
	Field string `json:"field" is:"id"`
	Value string `json:"value" is:"text?,8000"`
}

// Said is one line of a conversation. Who is "person" or "gateway" or "office".
type Said struct {
	At   time.Time `json:"at"`
	Who  string    `json:"who" is:"one,person|gateway|office"`
	Text string    `json:"text" is:"text?,8000"`
}

// Addition is added to a case by the person, or by the gateway for them. It crosses up.
type Addition struct {
	ID      string    `json:"id" is:"id"`
	Case    string    `json:"case" is:"id"`
	Act     Act       `json:"act" is:"one,reply|withdraw|amend|keep|reopen|rate|raise|post|blocked|returned|auto"`
	Trust   string    `json:"trust" is:"id?"`
	Channel string    `json:"channel" is:"id?"`
	At      time.Time `json:"at"`
	Text    string    `json:"text" is:"text?,100000"`
	Answers []Answer  `json:"answers" max:"6000"`
	Files   []FileRef `json:"files" max:"20"`
	// Receipts are those given out with it, Rows and Kept how its declaration stands with it, as in a Case.
	Receipts []Stamp   `json:"receipts" max:"20" late:"true"`
	Rows     []Rows    `json:"rows" max:"1" late:"true"`
	Kept     []KeptRow `json:"kept" max:"500" late:"true"`
}

// Act is what an Addition does.
type Act string

// The acts of an Addition.
const (
	ActReply    Act = "reply" // an answer to a question, or words unasked
	ActWithdraw Act = "withdraw"
	ActAmend    Act = "amend"
	ActKeep     Act = "keep" // rows that are filed as stated against a rule: an officer looks
	ActReopen   Act = "reopen"
	ActRate     Act = "rate"
	ActPost     Act = "post"    // by the gateway: a decision came back by mail; it is to be told by post
	ActBlocked  Act = "blocked" // by the gateway: the person's carrier lets no text of ours through; one was not told
	// ActReturned: by the gateway, a message to the person came back, is late, or was called unwanted.
	ActReturned Act = "returned"
	ActAuto     Act = "auto"  // by the gateway: a machine of the person's answered (out of office); its words
	ActRaise    Act = "raise" // by the gateway: a promise was missed, and the person was told a new date
)

// ByGateway tells whether the gateway itself does the act: its text is the gateway's or a machine's, and no word of the
// person.
func (a Act) ByGateway() bool {
	return a == ActPost || a == ActBlocked || a == ActRaise || a == ActReturned || a == ActAuto
}
