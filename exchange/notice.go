package exchange

import "time"

// State of a case, the same for every connector (public words are in the catalogue, keyed by it).
type State string

// States of a case. Queued and Crossed are the gateway's own and never come down in a Notice.
const (
	Queued     State = "queued"      // stored, not yet across
	Crossed    State = "crossed"     // the border let it through
	Blocked    State = "blocked"     // the border refused it
	Received   State = "received"    // registered inside
	InOA       State = "in_oa"       // with a department
	WaitingYou State = "waiting_you" // we need something from the person
	Decided    State = "decided"
	Reopened   State = "reopened"
)

// Decision is how a case ended.
type Decision string

// The decisions.
const (
	Undecided Decision = ""
	Granted   Decision = "granted"
	Partly    Decision = "partly"
	Refused   Decision = "refused"
	NoAction  Decision = "no_action"
	Withdrawn Decision = "withdrawn"
	Duplicate Decision = "duplicate_of"
)

// Notice is what the inside says to one case. It crosses down. It names the case, never an address: only the
// gateway knows where.
type Notice struct {
	ID         string    `json:"id" is:"id"`
	Case       string    `json:"case" is:"id"`
	Reference  string    `json:"reference" is:"id?"`
	State      State     `json:"state" is:"one?,received|in_oa|waiting_you|decided|reopened"` // new state; empty: unchanged, a plain reply
	Decision   Decision  `json:"decision" is:"one?,granted|partly|refused|no_action|withdrawn|duplicate_of"`
	Reason     string    `json:"reason" is:"text?,20000"` // the public reason, required with a decision
	Text       string    `json:"text" is:"text?,20000"`   // a reply, or the question when State is WaitingYou
	Words      string    `json:"words" is:"line?,160"`    // the office's own for State, as they stand in its status; empty: the catalogue's
	Correct    int       `json:"correct"`                 // how many rows of a declaration the person has to correct; 0: none
	Lang       string    `json:"lang" is:"id?"`           // of Reason, Text and Words
	Department string    `json:"department" is:"id?"`
	Promise    time.Time `json:"promise"` // date of the next step; zero: none
	At         time.Time `json:"at"`
	Document   []FileRef `json:"document" max:"1"` // at most one, PDF/A built inside
	Release    Released  `json:"release"`
	// Registered is the receipt of the registration, at most one.
	Registered []Registration `json:"registered" max:"1" late:"true"`
}

// Registration is what the inside signed of a registration. With the case's reference, service and filing time, which both
// sides know, it is a whole receipt (package receipt).
type Registration struct {
	ID        string    `json:"id" is:"id"`            // of this receipt
	Signed    time.Time `json:"signed"`                // to the second
	Of        string    `json:"of" is:"id"`            // id of the receipt that it follows
	Digest    string    `json:"digest" is:"hex"`       // of that receipt
	Number    string    `json:"number" is:"id,128"`    // in the register
	At        time.Time `json:"at"`                    // of the entry, to the second
	Key       string    `json:"key" is:"id"`           // id of the key that signed
	Signature string    `json:"signature" is:"id,128"` // hex
}

// MaxCorrect bounds Notice.Correct: no declaration has more rows.
const MaxCorrect = 100_000

// Broadcast is one notification to an audience. It crosses down.
type Broadcast struct {
	ID       string    `json:"id" is:"id"`
	List     string    `json:"list" is:"line?,120"` // the list that people joined; empty: Audience names others
	Bodies   []Body    `json:"bodies" max:"60"`
	Priority string    `json:"priority" is:"one,routine|statutory|emergency"` // routine, statutory, emergency
	Expires  time.Time `json:"expires"`                                       // zero: never, which an emergency may not be
	At       time.Time `json:"at"`
	Release  Released  `json:"release"`
	// Audience is by which rule people are chosen, empty for a List: area, all who ever named the list Of, on the stated
	// Basis; everyone; service, whose open cases are of the service Of; reached, whom the broadcast Of reached.
	Audience string `json:"audience" is:"one?,area|everyone|service|reached" late:"true"`
	Of       string `json:"of" is:"line?,128" late:"true"`
	// Basis is the law on which people are told who did not join, such as "Civil Protection Act, s. 12".
	Basis string `json:"basis" is:"line?,300" late:"true"`
	// Policy is what is done with a message whose carrier's answer a crash lost: once, rather none than two; reach, rather
	// two than none. Empty: reach for an emergency, once for all else.
	Policy string `json:"policy" is:"one?,once|reach" late:"true"`
	// Starts is when sending begins; zero: at once.
	Starts time.Time `json:"starts" late:"true"`
	// Follows is the broadcast that this one updates, corrects or ends, and Step which of these it does (CAP 1.2
	// references and msgType).
	Follows string `json:"follows" is:"id?" late:"true"`
	Step    string `json:"step" is:"one?,update|correction|all_clear" late:"true"`
}

// Body is a text in one language, for one channel or, with an empty Channel, for all.
type Body struct {
	Lang    string `json:"lang" is:"id"`
	Channel string `json:"channel" is:"id?"`
	Subject string `json:"subject" is:"line?,300"`
	Text    string `json:"text" is:"text,10000"`
}

// Tally is counts only. It crosses up.
type Tally struct {
	ID     string    `json:"id" is:"id"`
	About  string    `json:"about" is:"line,120"` // a broadcast's id, a list's name
	At     time.Time `json:"at"`
	Counts []Count   `json:"counts" max:"200"`
}

// Count is one number with its name: "delivered", "failed", "queued".
type Count struct {
	Name  string `json:"name" is:"line,120"`
	Count int64  `json:"count"`
}

// Publication is a page, service, calendar or text as it is from Revision on. It crosses down; the highest revision
// of (Sort, Name, Lang) wins.
type Publication struct {
	ID       string    `json:"id" is:"id"`
	Sort     string    `json:"sort" is:"one,answer|service|calendar|text|register|list"` // answer, service, calendar, text, register, list
	Name     string    `json:"name" is:"id,128"`                                         // the answer's id, the service's code …
	Lang     string    `json:"lang" is:"id?"`
	Revision uint64    `json:"revision"` // a directory's file is revision 0
	Removed  bool      `json:"removed"`
	Body     string    `json:"body" is:"text?,400000"` // for an answer: the file as the answers directory holds it
	At       time.Time `json:"at"`
	Release  Released  `json:"release"`
}
