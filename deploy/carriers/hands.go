package carriers

import (
	"context"
	"fmt"
	"time"

	"gatehouse/deploy/carriers/relay"
	"gatehouse/deploy/carriers/shelf"
	"gatehouse/deploy/carriers/telegram"
	"gatehouse/deploy/carriers/twilio"
)

// The hands of a test: what a person does, and what a person sees.

// Text writes a text on the phone from, to the account's first number; it returns the MessageSid.
func (c *Carriers) Text(from, body string) (string, error) {
	return c.SMS.Receive(twilio.Text{From: from, Body: body})
}

// Texts are the messages that a phone got, oldest first.
func (c *Carriers) Texts(number string) []twilio.Message {
	return values(c.SMS.Messages().Of(number, 0), func(m twilio.Message) bool { return !m.Inbound })
}

// Creates counts the messages with this body that the carrier took for a number. Exactly once is 1.
func (c *Carriers) Creates(number, body string) int {
	n := 0
	for _, m := range c.Texts(number) {
		if m.Body == body && m.Direction == "outbound-api" {
			n++
		}
	}
	return n
}

// AwaitText waits for a message on a phone that match likes, and returns the first.
func (c *Carriers) AwaitText(ctx context.Context, number string, limit time.Duration, match func(twilio.Message) bool) (twilio.Message, error) {
	return await(ctx, limit, "phone "+number, c.SMS.Messages(), func() []twilio.Message { return c.Texts(number) }, match)
}

// Say writes a text in a chat; it returns the message_id.
func (c *Carriers) Say(chat int64, text string) (int64, error) { return c.Chat.Say(chat, text) }

// Press presses a button of the bot's last message that has it.
func (c *Carriers) Press(chat int64, data string) error { return c.Chat.Press(chat, 0, data) }

// Said is what the bot wrote in a chat and has not deleted, oldest first.
func (c *Carriers) Said(chat int64) []telegram.Entry {
	return values(c.Chat.Entries().Of(telegram.Key(chat), 0), func(e telegram.Entry) bool { return e.FromBot && !e.Deleted })
}

// AwaitSaid waits for a message of the bot that match likes, and returns the first.
func (c *Carriers) AwaitSaid(ctx context.Context, chat int64, limit time.Duration, match func(telegram.Entry) bool) (telegram.Entry, error) {
	return await(ctx, limit, "chat "+telegram.Key(chat), c.Chat.Entries(), func() []telegram.Entry { return c.Said(chat) }, match)
}

// Write sends a mail; it returns the Message-ID.
func (c *Carriers) Write(d relay.Draft) (string, error) { return c.Mail.Send(d) }

// Mails are those that a mailbox got, oldest first. The address is in lower case.
func (c *Carriers) Mails(address string) []relay.Mail {
	return values(c.Mail.Mails().Of(address, 0), func(m relay.Mail) bool { return !m.Sent })
}

// AwaitMail waits for a mail that match likes, and returns the first.
func (c *Carriers) AwaitMail(ctx context.Context, address string, limit time.Duration, match func(relay.Mail) bool) (relay.Mail, error) {
	return await(ctx, limit, "mailbox "+address, c.Mail.Mails(), func() []relay.Mail { return c.Mails(address) }, match)
}

func values[T any](items []shelf.Item[T], keep func(T) bool) []T {
	var out []T
	for _, it := range items {
		if keep(it.Value) {
			out = append(out, it.Value)
		}
	}
	return out
}

func await[T any](ctx context.Context, limit time.Duration, where string, s *shelf.Shelf[T], list func() []T, match func(T) bool) (T, error) {
	var found T
	err := s.Until(ctx, limit, func() bool {
		for _, v := range list() {
			if match(v) {
				found = v
				return true
			}
		}
		return false
	})
	if err != nil {
		return found, fmt.Errorf("nothing that fits came to %s within %v, of %d: %w", where, limit, len(list()), err)
	}
	return found, nil
}
