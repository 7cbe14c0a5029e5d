package channels

import (
	"context"
	"io"
	"log/slog"
	"strings"
	"time"
)

// Address is where a person can be reached on one channel.
type Address struct {
	// Channel is the name of the channel: "sms", "email", "chat", "web".
	Channel string
	// Value is the carrier's own form: E.164 with "+" for sms, addr-spec with a lower-case domain for email,
	// the decimal chat id for chat, the session's public id for web.
	Value string
}

// String is "channel:value". It shows the whole address: use it as a key, never in a log.
func (a Address) String() string { return a.Channel + ":" + a.Value }

// IsZero tells whether a names nobody.
func (a Address) IsZero() bool { return a == Address{} }

// Masked shows enough of an address for its owner to recognise it and too little for anybody else to use it.
func (a Address) Masked() string {
	if at := strings.LastIndexByte(a.Value, '@'); at > 0 {
		return string([]rune(a.Value)[:1]) + "***" + a.Value[at:]
	}
	r := []rune(a.Value)
	if len(r) <= 4 {
		return "***"
	}
	return "***" + string(r[len(r)-3:])
}

// LogValue masks the address in every log line.
func (a Address) LogValue() slog.Value { return slog.StringValue(a.Channel + ":" + a.Masked()) }

// Trust says how sure it is that the sender is who the address names.
type Trust string

// The levels of trust known so far, weakest first.
const (
	// Unverified: anybody may have written that From line.
	Unverified Trust = "unverified"
	// DomainVerified: the mail comes from the domain of its From line (SPF or DKIM, aligned as DMARC asks).
	DomainVerified Trust = "domain"
	// Signed: besides, the mail is signed with a certificate of an authority that the operator named, for the address
	// of its From line (S/MIME). It says more than DomainVerified, and does not imply it.
	Signed Trust = "signed"
	// Proven: on a page, by somebody who opened a link of ours that was mailed to the address.
	Proven Trust = "proven"
	// Attended: a clerk at a counter or on the telephone writes for the person (see Desk).
	Attended Trust = "counter"
	// CarrierVerified: the carrier vouches for the address (SMS, Telegram) or we gave the session out (web).
	CarrierVerified Trust = "carrier"
)

// OptOut is the carrier's own word that it acted on a keyword before we saw it (Twilio's OptOutType).
type OptOut string

// What a carrier may have acted on; empty when it did not.
const (
	OptedOut   OptOut = "STOP"
	OptedIn    OptOut = "START"
	AskedHelp  OptOut = "HELP"
	NoOptEvent OptOut = ""
)

// Message is one thing said, in either direction.
type Message struct {
	// ID: inbound, the carrier's identity ("sms:<MessageSid>", "chat:<bot>:<update_id>", "web:<session>:<id>",
	// "email:<hex>"), which makes a repeat harmless. Outbound, our own time-ordered id; the mail's Message-ID and
	// Twilio's status URL are made from it, so that a second copy is the same message.
	ID   string
	From Address
	To   Address
	// At is when we heard it, or when it was written by us; never a time that the sender claims.
	At time.Time
	// Lang is a BCP 47 tag: outbound the language of Text; inbound the carrier's hint, often empty.
	Lang    string
	Subject string
	Text    string
	Files   []File
	// LeftOut is how many files of an inbound message were not kept, because one of them was too large (see TakeIn).
	LeftOut int

	// Options are offered as buttons where the channel has them. Text must make sense without them. An inbound
	// press arrives as Text holding the pressed Option's Value.
	Options []Option
	// Request asks the person's device for something, where the channel can (Telegram's keyboard buttons).
	Request Request
	// Source is the published page that the text quotes; the text names it already on channels of plain text.
	Source *Source

	// Reference is the public number of the case that the message belongs to. Inbound it is set only when the
	// channel proved it (a mail to case+<reference>.<mac>@ with a right mac).
	Reference string
	Thread    Thread
	Trust     Trust
	// Proof says in one line for staff what a signature on the mail proved, or why it proved nothing; empty: it has none.
	Proof string
	// Urgent marks a warning of danger: no budget holds it back.
	Urgent bool
	// Expires is outbound only: when it is of no more use, told to carriers that can drop it; zero: never.
	Expires time.Time
	// Robot marks an automatic mail (RFC 3834): recorded, never answered.
	Robot    bool
	OptOut   OptOut
	Phone    *Phone
	Location *Location
	// Hidden names what was masked in an inbound message before it was stored, HiddenCard or HiddenIdentity; empty: nothing.
	Hidden string
	// Desk is set when a clerk writes for the person; nil on every other channel.
	Desk *Desk
	// Queue is outbound only: what kind of thing is owed, so that a channel can mark a mail auto-replied or not.
	Queue Queue
	// Watched is outbound only: a reply that holds something due, so that its failure has to be known. Mails that are none
	// (and no notice) go out under the null sender, and nothing comes back of them.
	Watched bool
}

// What Message.Hidden may say.
const (
	HiddenCard     = "card"
	HiddenIdentity = "identity"
)

// Desk is what a clerk at a counter states about the person for whom they write.
type Desk struct {
	// Clerk is the label of the counter or clerk, for the inside alone: it is never shown to a citizen.
	Clerk string
	// Name is the person's, as they gave it; may be empty.
	Name string
	// Tell is where notices shall go; zero: nowhere, they are told by post.
	Tell Address
	// Proven: a code that was sent to Tell was given back.
	Proven bool
}

// Queue orders what is owed to people: a reply goes before a notice, a notice before a broadcast.
type Queue string

// The three queues, most urgent first.
const (
	Reply     Queue = "reply"
	Notice    Queue = "notice"
	Broadcast Queue = "broadcast"
)

// Option is one thing a person may press or answer. Value is at most 64 bytes (Telegram's callback_data) and is
// what the dialogue understands when it is typed.
type Option struct{ Label, Value string }

// Source is the page an answer comes from.
type Source struct{ Title, URL string }

// Request is what an outbound message asks of the person's device.
type Request string

// What may be asked for.
const (
	RequestNothing  Request = ""
	RequestPhone    Request = "phone"
	RequestLocation Request = "location"
)

// Thread ties a mail to its conversation (RFC 5322 §3.6.4). Values are without angle brackets.
type Thread struct {
	MessageID  string
	InReplyTo  string
	References []string
}

// Phone is a number that the person shared. Own is true only when the carrier says it is theirs
// (Telegram: contact.user_id equals from.id).
type Phone struct {
	Number string
	Own    bool
}

// Location is a point that the person shared, WGS 84 degrees.
type Location struct{ Lat, Lon float64 }

// File is a file with a message. Its bytes stream from Open; they are never held whole.
type File struct {
	Name string
	// Type is the media type that the sender claims, or after storing the one found by content.
	Type string
	// Size in bytes; -1 while unknown.
	Size int64
	// SHA256 is lower-case hex; empty until the file is stored.
	SHA256 string
	// Open may be called more than once. The reader fails with ErrTooLarge past the channel's limit.
	Open func(ctx context.Context) (io.ReadCloser, error)
}

// State is a carrier's word on a message of ours.
type State string

// States of a sent message. Accepted may be followed by Delivered or Failed; those two are final, and the first
// final word stays. Delayed and Complained say something beside it: that the carrier still tries, and that the person, or
// whoever runs their mailbox, called the message unwanted.
const (
	Accepted   State = "accepted"
	Delivered  State = "delivered"
	Failed     State = "failed"
	Delayed    State = "delayed"
	Complained State = "complained"
)

// Receipt is a carrier's word on a sent message.
type Receipt struct {
	// MessageID is our id of the message; empty when the carrier names only its own.
	MessageID string
	// CarrierID is the carrier's: MessageSid, Telegram's message_id, the relay's queue id.
	CarrierID string
	Channel   string
	State     State
	// Err says why, when State is Failed or Delayed.
	Err *Error
	At  time.Time
	// Segments billed, where the channel counts them.
	Segments int
}
