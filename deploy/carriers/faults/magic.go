package faults

import (
	"slices"
	"strings"
)

// The ranges in which magic lives: telephone numbers +44 7700 900900 to 900999 (of the range that Ofcom reserves for
// drama), chat ids 900900 to 900999, and mail addresses <word>@magic.example, where the word may carry "+anything".
const (
	MagicNumber = "+447700"
	MagicDomain = "@magic.example"
)

// Spell is one magic address at each carrier. An empty description means that the carrier does not know the spell.
type Spell struct {
	Kind Kind
	// Digits end the telephone number and are the chat id; Word is the local part of the mail address.
	Digits, Word string
	// What happens at each carrier, in a sentence for the start page.
	SMS, Chat, Mail string
}

// Number is the spell's telephone number in E.164.
func (s Spell) Number() string { return MagicNumber + s.Digits }

// Address is the spell's mail address.
func (s Spell) Address() string { return s.Word + MagicDomain }

// Magic lists all spells, in the order of the start page.
func Magic() []Spell {
	return []Spell{
		{Throttled, "900900", "greylist",
			"429 with code 20429 and Retry-After: 1 for the first two attempts at a text, then taken",
			"429 with retry_after 1 for the first two attempts at a message, then taken",
			"451 4.7.1 at RCPT for the first two attempts from a sender, then taken"},
		{Invalid, "900901", "unknown",
			"400 with code 21211: not a valid number",
			"400: chat not found",
			"550 5.1.1 at RCPT: no such mailbox"},
		{Landline, "900902", "",
			"400 with code 21614: not a mobile number", "", ""},
		{Unreachable, "900903", "bounce",
			"taken, then the receipt undelivered with code 30003",
			"403: the user is deactivated",
			"taken, then a delivery report (DSN) with 5.1.1 comes to the envelope's sender"},
		{Temporary, "900904", "full",
			"503 for the first two attempts at a text, then taken",
			"500 for the first two attempts at a message, then taken",
			"452 4.2.2 at RCPT for the first two attempts from a sender, then taken"},
		{Slow, "900905", "slow",
			"taken at once, but the answer comes after 5 s",
			"taken at once, but the answer comes after 5 s",
			"taken, but the final 250 comes after 5 s"},
		{Lost, "900906", "lost",
			"taken, but the connection closes without an answer, at the first attempt at a text",
			"taken, but the connection closes without an answer, at the first attempt at a message",
			"taken, but the connection closes before the final 250, at the first attempt at a mail"},
		{Duplicate, "900907", "",
			"what this phone sends is handed over twice at the same time",
			"by webhook, what this person sends is handed over twice at the same time", ""},
		{Late, "900908", "late",
			"the receipt delivered comes after 30 s", "",
			"taken, and a report of a delay (DSN 4.4.1) comes after 30 s"},
		{Stopped, "900909", "",
			"400 with code 21610: has opted out, from the start",
			"403: bot was blocked by the user", ""},
		{Filtered, "900910", "",
			"taken, then the receipt undelivered with code 30007: filtered as spam", "", ""},
		{Unauthorized, "900911", "",
			"401 with code 20003: authentication failed",
			"401: Unauthorized", ""},
		{Silent, "900912", "",
			"taken and sent, but no final receipt ever comes", "", ""},
		{Disordered, "900913", "",
			"the receipt delivered comes before the receipts queued and sent", "", ""},
		{Refused, "900914", "refused",
			"the connection closes and nothing is taken, at the first attempt at a text",
			"the connection closes and nothing is taken, at the first attempt at a message",
			"the connection closes at RCPT, at the first attempt from a sender"},
		{Garbled, "900915", "",
			"a proxy's HTML page with status 502, at the first attempt at a text",
			"a proxy's HTML page with status 502, at the first attempt at a message", ""},
	}
}

// MagicKind is the fault that an address always meets; empty for an ordinary one.
func MagicKind(c Carrier, address string) Kind {
	i := slices.IndexFunc(Magic(), func(s Spell) bool {
		switch c {
		case SMS:
			return s.SMS != "" && s.Number() == address
		case Chat:
			return s.Chat != "" && s.Digits == address
		case Mail:
			return s.Mail != "" && s.Address() == plain(address)
		}
		return false
	})
	if i < 0 {
		return ""
	}
	return Magic()[i].Kind
}

// plain lower-cases an address and takes "+anything" out of its local part.
func plain(address string) string {
	local, domain, _ := strings.Cut(strings.ToLower(address), "@")
	local, _, _ = strings.Cut(local, "+")
	return local + "@" + domain
}
