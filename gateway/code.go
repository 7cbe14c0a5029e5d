package gateway

import (
	"crypto/hmac"
	"crypto/sha256"
	"strings"
	"time"
	"unicode"

	"gatehouse/channels"
	"gatehouse/channels/text"
	"gatehouse/configs/texts"
)

// A one-time code is six digits. Five tries at a million codes, and the few codes that an address gets in a day
// (CodesPerDay), leave a guesser about three chances in 100,000 a day.
const (
	codeDigits = 6
	codeLife   = 10 * time.Minute
	codeTries  = 5
	// codePause is the rest after the fifth miss, codeAgain the rest before a code is sent once more.
	codePause = 15 * time.Minute
	codeAgain = time.Minute
	// codeRemembered is how long a code that is over still gets its own answer instead of a search for its digits.
	codeRemembered = time.Hour
)

// How many codes are sent at most: to one address, asked for from one address, and by SMS in all in an hour. Codes cost
// money and annoy whoever did not ask; the store counts them in the transaction that owes them.
const (
	CodesPerHour    = 3
	CodesPerDay     = 6
	CodesByAskerDay = 10
	CodesBySMSHour  = 200
)

// Challenge is a one-time code that somebody was sent, and that is to be typed on the conversation it belongs to. The
// code itself is not kept: Digest is its hash under the gateway's key, with ID and Target.
type Challenge struct {
	ID        string
	Purpose   Purpose
	Reference string // the case that it opens; empty for a link
	Target    channels.Address
	Digest    []byte
	Asked     time.Time
	Until     time.Time
	Misses    int
	// Used: the right code was typed. It opens nothing twice.
	Used bool
}

// Purpose is what a right code allows.
type Purpose string

// What a code may be for.
const (
	ToSee  Purpose = "see"  // the status of one case
	ToLink Purpose = "link" // the address becomes one of the person's
	// ToRenew shows that the address where it is typed is still that of the person who has the other.
	ToRenew Purpose = "renew"
	ToData  Purpose = "data" // all that is held of the person
	// ToTell shows that the person at a counter has the address that notices shall go to.
	ToTell Purpose = "tell"
)

// over tells whether the code can no longer be typed.
func (c *Challenge) over(now time.Time) bool {
	return c.Used || c.Misses >= codeTries || !now.Before(c.Until)
}

// CodeSent is one line of the count of codes.
type CodeSent struct {
	To, By channels.Address
	At     time.Time
}

// CodeCount is how many codes were sent lately.
type CodeCount struct {
	ToHour, ToDay int // to the address
	ByHour, ByDay int // asked for from the address
	SMSHour       int // by SMS, to anybody
}

// Spent tells whether one more code to that channel would be too many.
func (c CodeCount) Spent(channel string) bool {
	return c.ToHour >= CodesPerHour || c.ToDay >= CodesPerDay || c.ByHour >= CodesPerHour || c.ByDay >= CodesByAskerDay ||
		channel == bySMS && c.SMSHour >= CodesBySMSHour
}

// digest hashes a code under the gateway's key. The challenge and the address are part of it, so that a stored digest
// serves nowhere else.
func (d *Dispatcher) digest(c *Challenge, code string) []byte {
	h := hmac.New(sha256.New, d.codeKey)
	h.Write([]byte(c.ID + "\x00" + string(c.Purpose) + "\x00" + c.Reference + "\x00" + c.Target.String() + "\x00" + code))
	return h.Sum(nil)
}

// readCode reads a message that is nothing but digits, of any script, with spaces, dots or hyphens between them.
// "481 920", "٤٨١٩٢٠" and "４８１－９２０" are codes; ok is false for other words and for menu numbers.
func readCode(said string) (code string, ok bool) {
	if len(said) > 64 {
		return "", false
	}
	var b strings.Builder
	for _, r := range said {
		digit, isDigit := text.Digit(r)
		switch {
		case isDigit:
			b.WriteByte(byte('0' + digit))
		case unicode.IsSpace(r) || unicode.Is(unicode.Pd, r) || unicode.Is(unicode.Cf, r) || r == '.':
		default:
			return "", false
		}
	}
	n := b.Len()
	return b.String(), n > 3 && n <= 8
}

// code takes a message as the code that is waited for. While a form runs only six digits are one, and when they are
// not right they count as a try and are the form's answer.
func (k *talk) code() bool {
	c := k.conv.Challenge
	typed, ok := readCode(k.said)
	if c == nil || !ok || k.t.Now.Sub(c.Until) > codeRemembered {
		return false
	}
	right := hmac.Equal(c.Digest, k.d.digest(c, typed))
	if k.running() && (!right || c.over(k.t.Now)) {
		if len(typed) == codeDigits && !c.over(k.t.Now) {
			k.miss()
		}
		return false
	}
	if c.Used && !right {
		return false
	}
	k.hideCode()
	k.keepQuestion()
	switch {
	case c.Misses >= codeTries:
		k.say("code.ended", texts.Args{"count": k.pauseLeft(c)})
	case c.Used:
		k.say("code.used", nil)
	case c.over(k.t.Now):
		k.say("code.expired", nil)
	case len(typed) != codeDigits:
		k.say("code.length", nil)
	case !right:
		k.wrongCode()
	default:
		k.rightCode()
	}
	return true
}

func (k *talk) pauseLeft(c *Challenge) int {
	return max(1, int((c.Until.Sub(k.t.Now)+time.Minute-1)/time.Minute))
}

// miss counts a wrong code. The fifth ends it, and nothing is sent again before the pause is over.
func (k *talk) miss() {
	c := *k.conv.Challenge
	if c.Misses++; c.Misses >= codeTries {
		c.Until = k.t.Now.Add(codePause)
	}
	k.conv.Challenge = &c
}

func (k *talk) wrongCode() {
	k.miss()
	c := k.conv.Challenge
	if c.Misses >= codeTries {
		k.say("code.ended", texts.Args{"count": k.pauseLeft(c)})
		return
	}
	k.say("code.wrong", texts.Args{"count": codeTries - c.Misses})
}

func (k *talk) rightCode() {
	c := *k.conv.Challenge
	c.Used = true
	k.conv.Challenge = &c
	switch c.Purpose {
	case ToSee:
		k.opened(c)
	case ToRenew:
		k.renewed()
	case ToTell:
		k.attested(c.Target)
	case ToData:
		k.dataProved(c)
	case ToLink:
		k.linked(c.Target)
	}
}

// hideCode takes a code out of the conversation's lines, which go along when a person takes over.
func (k *talk) hideCode() {
	if n := len(k.conv.Lines); n > 0 && k.conv.Lines[n-1].Who == whoPerson {
		k.conv.Lines[n-1].Text = "******"
	}
}

// sendCode sends a fresh code to the address and says so. What was sent before is worth nothing from then on. key is
// the text that says where it went.
func (k *talk) sendCode(p Purpose, reference string, to channels.Address, key string, args texts.Args) {
	switch c := k.conv.Challenge; {
	case c != nil && c.Misses >= codeTries && k.t.Now.Before(c.Until):
		k.say("code.ended", texts.Args{"count": k.pauseLeft(c)})
		return
	case c != nil && !c.over(k.t.Now) && c.Target == to && c.Reference == reference && k.t.Now.Sub(c.Asked) < codeAgain:
		k.say("code.again", texts.Args{"address": mask(to)})
		return
	case k.t.NewCode == nil || len(k.d.codeKey) == 0 || k.t.Record == nil || k.t.Record.Codes.Spent(to.Channel):
		k.say("code.spent", texts.Args{"phone": k.phone()})
		return
	}
	code := k.t.NewCode()
	c := &Challenge{ID: k.t.NewID(), Purpose: p, Reference: reference, Target: to, Asked: k.t.Now, Until: k.t.Now.Add(codeLife)}
	c.Digest = k.d.digest(c, code)
	k.conv.Challenge = c
	k.o.Codes = append(k.o.Codes, CodeSent{To: to, By: k.t.Message.From, At: k.t.Now})
	link := k.proofLink(c)
	if link != "" && key == "link.sent" {
		key = "link.sent.mail"
	}
	k.oweCode(c, code, link)
	args["address"] = mask(to)
	k.say(key, args)
}

// oweCode owes the message with the code, and with a link that does the same, in the language of who is to read it.
func (k *talk) oweCode(c *Challenge, code, link string) {
	lang := firstOf(k.t.Record.Contact.Lang, k.lang)
	args := texts.Args{"city": k.d.services.City.Name.In(lang), "code": code[:3] + " " + code[3:], "reference": c.Reference}
	key := "code.text.see"
	switch c.Purpose {
	case ToLink:
		key = "code.text.link"
	case ToRenew:
		key = "code.text.renew"
	case ToTell:
		key = "code.text.tell"
	case ToData:
		key = "code.text.data"
	case ToSee:
	}
	m := channels.Message{
		ID: k.t.NewID(), From: channels.Address{Channel: c.Target.Channel}, To: c.Target, At: k.t.Now, Lang: lang,
		Text: k.d.texts.Text(lang, "citizen."+key, args), Queue: channels.Reply,
	}
	switch c.Target.Channel {
	case byMail:
		m.Subject = k.d.texts.Text(lang, "citizen.code.subject", nil)
		if link != "" {
			m.Text += "\n\n" + k.d.texts.Text(lang, "citizen.code.link", texts.Args{"url": link})
		}
		if c.Purpose != ToTell { // this one is read out
			m.Text += "\n\n" + k.d.texts.Text(lang, "citizen.code.careful", nil)
		}
	case bySMS:
		m.Text = text.Plain(m.Text, text.StripAccents)
	}
	k.o.Deliveries = append(k.o.Deliveries, Delivery{ID: m.ID, Contact: k.contact.ID, Queue: channels.Reply, Message: m, Due: k.t.Now})
}

// mask shows an address so that its owner alone knows it.
func mask(a channels.Address) string { return a.Masked() }
