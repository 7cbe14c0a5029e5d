package twilio

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"gatehouse/deploy/carriers/courier"
	"gatehouse/deploy/carriers/faults"
)

// Text is what a person writes on a phone.
type Text struct {
	// From is the phone's number; To one of the account's, its first when empty.
	From, To string
	Body     string
	Media    []Media
	// Copies hands the same message over that many times at once; 0 stands for 1.
	Copies int
}

// MaxCopies bounds Text.Copies.
const MaxCopies = 32

// ErrBusy tells that too many messages wait to be handed over.
var ErrBusy = errors.New("too many messages wait for the gateway")

// Receive takes a text from a phone, acts on the carrier's keywords and starts handing it over. It returns the SID.
func (c *Carrier) Receive(t Text) (string, error) {
	if t.To == "" {
		t.To = c.Number()
	}
	if err := c.check(t); err != nil {
		return "", err
	}
	m := Message{
		Person: t.From, Ours: t.To, Inbound: true, Body: t.Body, Status: "received", Direction: "inbound",
		Handed: Waiting, Created: c.house.Now(),
	}
	m.Sent, m.Updated = m.Created, m.Created
	m.Segments, m.Encoding = Segments(t.Body)
	kind := "SM"
	if len(t.Media) > 0 {
		kind = "MM"
	}
	for _, f := range t.Media {
		m.Media = append(m.Media, Media{SID: mediaSID(), Type: f.Type, Data: f.Data, Created: m.Created})
	}
	c.counts.inbound.Add(1)
	word := c.keyword(t.From, t.Body)
	seq := c.messages.Add(t.From, func(seq uint64) Message {
		m.SID = c.sid(kind, seq)
		return m
	})
	if err := c.hand(seq, m, word, t.copies(c.house.Book)); err != nil {
		return "", err
	}
	if word.reply != "" {
		c.autoReply(m, word.reply)
	}
	return m.SID, nil
}

func (t Text) copies(b *faults.Book) int {
	n := max(t.Copies, 1)
	if n == 1 && b.Strike(faults.SMS, faults.Inbound, t.From, t.Body).Kind == faults.Duplicate {
		n = 2
	}
	return n
}

func (c *Carrier) check(t Text) error {
	switch {
	case !numberForm.MatchString(t.From):
		return fmt.Errorf("from: %q is not a number in E.164", t.From)
	case !c.ours(t.To):
		return fmt.Errorf("to: %q is none of the account's numbers", t.To)
	case t.Body == "" && len(t.Media) == 0:
		return errors.New("body: is empty and there is no picture")
	case units(t.Body) > MaxBody:
		return fmt.Errorf("body: is over %d characters", MaxBody)
	case len(t.Media) > MaxPictures:
		return fmt.Errorf("media: more than %d", MaxPictures)
	case t.Copies < 0 || t.Copies > MaxCopies:
		return fmt.Errorf("copies: %d is not between 0 and %d", t.Copies, MaxCopies)
	}
	for _, f := range t.Media {
		if len(f.Data) == 0 || len(f.Data) > MaxMedia {
			return fmt.Errorf("media: a picture has 1 to %d bytes", MaxMedia)
		}
	}
	return nil
}

func mediaSID() string {
	b := make([]byte, 16)
	rand.Read(b)
	return "ME" + hex.EncodeToString(b)
}

// keyword is what the carrier made of a text before the gateway saw it.
type keyword struct {
	optOut string // OptOutType
	reply  string
}

// keyword acts on the words that Twilio handles by itself: only when they are the whole text
// (https://help.twilio.com/articles/223134027). START and its like answer only who had opted out, and YES means
// START only then, so that a person may answer a question with YES.
func (c *Carrier) keyword(person, body string) keyword {
	switch strings.ToUpper(strings.TrimSpace(body)) {
	case "STOP", "STOPALL", "UNSUBSCRIBE", "END", "QUIT", "CANCEL", "REVOKE", "OPTOUT":
		if !c.stop(person, true) {
			return keyword{optOut: "STOP"}
		}
		return keyword{"STOP", "You have successfully been unsubscribed. You will not receive any more messages from this number. Reply START to resubscribe."}
	case "START", "UNSTOP":
		if !c.stop(person, false) {
			return keyword{optOut: "START"}
		}
		return keyword{"START", "You have successfully been re-subscribed to messages from this number. Reply HELP for help. Reply STOP to unsubscribe. Msg&Data Rates May Apply."}
	case "YES":
		if !c.stop(person, false) {
			return keyword{}
		}
		return keyword{"START", "You have successfully been re-subscribed to messages from this number. Reply HELP for help. Reply STOP to unsubscribe. Msg&Data Rates May Apply."}
	case "HELP", "INFO":
		if c.Stopped(person) {
			return keyword{optOut: "HELP"}
		}
		return keyword{"HELP", "Reply STOP to unsubscribe. Msg&Data Rates May Apply."}
	}
	return keyword{}
}

// autoReply puts the carrier's own answer on the phone; the gateway hears nothing of it.
func (c *Carrier) autoReply(to Message, body string) {
	now := c.house.Now()
	m := Message{
		Person: to.Person, Ours: to.Ours, Body: body, Status: statusDelivered, Direction: "outbound-reply",
		Created: now, Sent: now, Updated: now, Note: "answered by the carrier",
	}
	m.Segments, m.Encoding = Segments(body)
	c.messages.Add(m.Person, func(seq uint64) Message {
		m.SID = c.sid("SM", seq)
		return m
	})
}

// hand brings the message to the webhook, copies at once. The texts of one phone keep their order.
func (c *Carrier) hand(seq uint64, m Message, word keyword, copies int) error {
	q := c.form(m, word)
	n := c.turn.Add(1) - 1
	for i := range copies {
		key := "phone " + m.Person
		if i > 0 {
			key = fmt.Sprintf("copy %d of %s", i, m.SID)
		}
		began := time.Now()
		try := func(ctx context.Context, attempt int) time.Duration {
			hook := c.hook(n+uint64(i), attempt)
			if hook == "" {
				c.handed(seq, outcome{err: errors.New("no webhook")}, true)
				return courier.Done
			}
			c.counts.webhooks.Add(1)
			out := c.post(ctx, hook, q, m.SID)
			next := c.again(out, attempt, began)
			c.handed(seq, out, next == courier.Done)
			if out.ok() && i == 0 {
				c.answer(m, out)
			}
			return next
		}
		if !c.courier.Do(key, courier.Job{Try: try}) {
			c.handed(seq, outcome{err: ErrBusy}, true)
			return ErrBusy
		}
	}
	return nil
}

func (c *Carrier) handed(seq uint64, o outcome, last bool) {
	c.messages.Change(seq, func(m *Message) {
		m.Tries++
		switch {
		case o.ok():
			m.Handed, m.Note = Taken, ""
		case m.Handed == Taken:
			// another copy got through
		case last:
			m.Handed, m.Note = GivenUp, o.note()
		default:
			m.Note = o.note()
		}
	})
}

// form is the body of Twilio's request to a messaging webhook
// (https://www.twilio.com/docs/messaging/guides/webhook-request).
func (c *Carrier) form(m Message, word keyword) url.Values {
	q := url.Values{
		"MessageSid": {m.SID}, "SmsSid": {m.SID}, "SmsMessageSid": {m.SID}, "AccountSid": {c.cfg.AccountSID},
		"ApiVersion": {apiVersion}, "From": {m.Person}, "To": {m.Ours}, "Body": {m.Body}, "SmsStatus": {"received"},
		"NumMedia": {fmt.Sprint(len(m.Media))}, "NumSegments": {fmt.Sprint(m.Segments)},
		"FromCountry": {country(m.Person)}, "FromState": {""}, "FromCity": {""}, "FromZip": {""},
		"ToCountry": {country(m.Ours)}, "ToState": {""}, "ToCity": {""}, "ToZip": {""},
	}
	for i, f := range m.Media {
		q.Set(fmt.Sprintf("MediaUrl%d", i), c.house.BaseURL+c.path("/Messages/"+m.SID+"/Media/"+f.SID))
		q.Set(fmt.Sprintf("MediaContentType%d", i), f.Type)
	}
	if word.optOut != "" && !c.cfg.PlainOptOut {
		q.Set("OptOutType", word.optOut)
	}
	return q
}

// twiml is the part of TwiML that answers a text.
type twiml struct {
	XMLName  xml.Name `xml:"Response"`
	Messages []struct {
		Text string `xml:",chardata"`
		Body string `xml:"Body"`
	} `xml:"Message"`
}

// answer sends what the webhook's answer asks for. As at Twilio an answer in plain text is itself sent to the person,
// which shows a gateway that says "ok" too loudly.
func (c *Carrier) answer(m Message, o outcome) {
	var texts []string
	switch o.kind {
	case "text/plain":
		texts = append(texts, string(o.body))
	case "text/xml", "application/xml", "":
		var t twiml
		if len(o.body) > 0 && xml.Unmarshal(o.body, &t) != nil {
			c.house.Log.Warn("webhook's answer is not TwiML", "code", 12100)
			return
		}
		for _, msg := range t.Messages {
			texts = append(texts, msg.Text+msg.Body)
		}
	}
	for _, text := range texts {
		if text = strings.TrimSpace(text); text != "" && !c.Stopped(m.Person) {
			c.take(Message{Person: m.Person, Ours: m.Ours, Body: text, Status: statusQueued, Direction: "outbound-reply"})
		}
	}
}
