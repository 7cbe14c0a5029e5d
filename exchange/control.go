package exchange

import "time"

// Question is a group of inquiries that no page answers: counts and examples, and no person. It crosses up.
type Question struct {
	ID       string    `json:"id" is:"id"`
	Lang     string    `json:"lang" is:"id"`
	Count    int64     `json:"count"`
	From     time.Time `json:"from"` // of the first of them
	To       time.Time `json:"to"`
	Examples []string  `json:"examples" is:"line,300" max:"10"` // masked: no number, no address
}

// Erasure asks the inside to forget a party. It crosses up, from the person or as the answer to a Forget of the same id:
// then the outside has forgotten. Taken or refused comes back in the Ack.
type Erasure struct {
	ID    string    `json:"id" is:"id"`
	Party string    `json:"party" is:"id,128"`
	At    time.Time `json:"at"`
}

// Forget asks the outside to forget a party, because the inside was asked to: on paper, at the counter, by a court. It
// crosses down and holds no word of why. Two persons stand behind it, because nothing brings back what it ends. The
// Erasure that it causes comes up under its id.
type Forget struct {
	ID      string    `json:"id" is:"id"`
	Party   string    `json:"party" is:"id,128"`
	At      time.Time `json:"at"`
	Release Released  `json:"release"`
}

// Result is what became of a Send, a Notice or one page of a broadcast's ledger, or a text received from a number
// that a client wrote to. It crosses up. It names a number only to the client that supplied it.
type Result struct {
	ID     string    `json:"id" is:"id"`
	About  string    `json:"about" is:"id"`    // the id of the Send, Notice or Broadcast
	Client string    `json:"client" is:"id?"`  // the Send's client
	Page   int       `json:"page"`             // of a broadcast's ledger, from 1; 0: not a page
	Lines  []Line    `json:"lines" max:"1000"` // what became of each
	Text   string    `json:"text" is:"text?,8000"`
	At     time.Time `json:"at"`
}

// Line is what became of one message of a Result.
type Line struct {
	Member  string    `json:"member" is:"id?,128"` // of the ledger
	State   string    `json:"state" is:"id"`       // channels.State
	Address string    `json:"address" is:"line?,120"`
	At      time.Time `json:"at"`
}

// Audience is a recipients' file of kind rows for one broadcast. It crosses down.
type Audience struct {
	ID        string    `json:"id" is:"id"`
	Broadcast string    `json:"broadcast" is:"id"`
	Rows      int64     `json:"rows"`
	Files     []FileRef `json:"files" max:"20"`
	At        time.Time `json:"at"`
	Release   Released  `json:"release"`
}

// Control steers a broadcast: pause, resume, cancel, or rehearse, which counts an audience and sends nothing. It
// crosses down.
type Control struct {
	ID        string    `json:"id" is:"id"`
	Broadcast string    `json:"broadcast" is:"id"`
	Act       string    `json:"act" is:"one,pause|resume|cancel|rehearse"`
	List      string    `json:"list" is:"line?,120"` // of a rehearsal
	Lengths   []Count   `json:"lengths" max:"60"`    // of a rehearsal: characters by language, no text
	At        time.Time `json:"at"`
	Release   Released  `json:"release"`
}

// Send is one message of a client of the Notify API, to an address that this client itself supplied. It crosses down.
type Send struct {
	ID        string    `json:"id" is:"id"`
	Client    string    `json:"client" is:"id"`
	Channel   string    `json:"channel" is:"id"`
	To        string    `json:"to" is:"line,320"`
	Reference string    `json:"reference" is:"line?,1000"` // the client's own
	Sender    string    `json:"sender" is:"line?,120"`     // name or address to send as
	Subject   string    `json:"subject" is:"line?,1000"`
	Text      string    `json:"text" is:"text,40000"`
	Expires   time.Time `json:"expires"`
	At        time.Time `json:"at"`
	Release   Released  `json:"release"`
}

// History tells the last states of a lane again, so that what never arrived is noticed. It crosses both ways.
type History struct {
	Lane   Lane      `json:"lane" is:"one,up|down"`
	Epoch  uint32    `json:"epoch"`
	States []Passed  `json:"states" max:"500"`
	At     time.Time `json:"at"`
}

// States of an envelope in a History.
const (
	StateSent    = "sent"
	StateSettled = "settled"
	StateRefused = "refused"
)

// Passed is one line of a History.
type Passed struct {
	ID     string `json:"id" is:"id"`
	Seq    uint64 `json:"seq"`
	Digest string `json:"digest" is:"hex"`
	State  string `json:"state" is:"one,sent|settled|refused"`
}
