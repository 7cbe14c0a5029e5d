package telegram

import (
	"net/http"
	"strconv"
	"strings"
	"unicode/utf16"

	"gatehouse/deploy/carriers/faults"
)

// Limits of what a bot sends (https://core.telegram.org/bots/api#sendmessage, #sending-files).
const (
	maxText     = 4096 // UTF-16 units
	maxCaption  = 1024
	maxPhoto    = 10 << 20
	maxDocument = 50 << 20
)

// target is the chat that a call names, once it may be written to.
func (b *Bot) target(c *call) (Person, *problem) {
	s := c.params["chat_id"]
	if s == "" {
		return Person{}, bad("chat_id is empty")
	}
	id, err := strconv.ParseInt(s, 10, 64)
	if err != nil || id <= 0 {
		return Person{}, bad("chat not found") // no groups and no channels here
	}
	return b.Person(id), nil
}

// strike lets the book have its way with a message. A problem with code 0 means no answer.
func (b *Bot) strike(p Person, message string) (faults.Fault, *problem) {
	f := b.house.Book.Strike(faults.Chat, faults.Handover, Key(p.ID), message)
	if f.Kind == "" {
		f = b.house.Book.Strike(faults.Chat, faults.Receipt, Key(p.ID), message)
	}
	switch f.Kind {
	case faults.Throttled:
		secs := strconv.Itoa(int(f.After.Seconds()))
		return f, &problem{code: http.StatusTooManyRequests, retryAfter: f.After,
			description: "Too Many Requests: retry after " + secs}
	case faults.Temporary:
		return f, &problem{code: http.StatusInternalServerError, description: "Internal Server Error"}
	case faults.Invalid:
		return f, bad("chat not found")
	case faults.Stopped:
		return f, forbidden("bot was blocked by the user")
	case faults.Unreachable:
		return f, forbidden("user is deactivated")
	case faults.Unauthorized:
		return f, &problem{code: http.StatusUnauthorized, description: "Unauthorized"}
	case faults.Refused, faults.Garbled:
		return f, &problem{}
	}
	if b.Blocked(p.ID) {
		return f, forbidden("bot was blocked by the user")
	}
	return f, nil
}

func forbidden(text string) *problem {
	return &problem{code: http.StatusForbidden, description: "Forbidden: " + text}
}

func units(s string) int { return len(utf16.Encode([]rune(s))) }

// say puts a message of the bot into the chat.
func (b *Bot) say(c *call, fill func(*Entry, Person) *problem) (answer, *problem) {
	p, pr := b.target(c)
	if pr != nil {
		return answer{}, pr
	}
	e := Entry{FromBot: true, Message: Message{From: &b.self, Chat: p.chat()}}
	m, pr := readMarkup(c.params["reply_markup"])
	if pr != nil {
		return answer{}, pr
	}
	e.Message.Markup, e.Keyboard, e.Removes = m.inline, m.reply, m.remove
	if pr := fill(&e, p); pr != nil {
		return answer{}, pr
	}
	if pr := b.replyTo(c, p, &e); pr != nil {
		return answer{}, pr
	}
	f, pr := b.strike(p, c.method+" "+e.Message.Text+e.Message.Caption)
	if pr != nil {
		return answer{fault: f}, pr
	}
	b.counts.taken.Add(1)
	return answer{result: b.put(p.ID, e).Message, fault: f}, nil
}

// replyTo attaches the message that a call replies to, in the older or the newer form of the parameter.
func (b *Bot) replyTo(c *call, p Person, e *Entry) *problem {
	s := c.params["reply_to_message_id"]
	if s == "" {
		return nil
	}
	id, _ := strconv.ParseInt(s, 10, 64)
	it, ok := b.find(p.ID, id)
	switch {
	case ok:
		old := it.Value.Message
		old.ReplyTo = nil
		e.Message.ReplyTo = &old
	case !c.flag("allow_sending_without_reply"):
		return bad("message to be replied not found")
	}
	return nil
}

// put numbers and dates an entry and shows it in the chat.
func (b *Bot) put(chat int64, e Entry) Entry {
	b.entries.Add(Key(chat), func(seq uint64) Entry {
		e.Message.ID, e.Message.Date = b.number(), b.house.Now().Unix()
		e.nameFiles(seq)
		return e
	})
	return e
}

func (b *Bot) sendMessage(c *call) (answer, *problem) {
	return b.say(c, func(e *Entry, _ Person) *problem {
		text, entities, pr := readText(c.params["text"], c.params["parse_mode"])
		switch {
		case pr != nil:
			return pr
		case text == "":
			return bad("message text is empty")
		case units(text) > maxText:
			return bad("message is too long")
		}
		e.Message.Text, e.Message.Entities = text, entities
		return nil
	})
}

func (b *Bot) caption(c *call, e *Entry) *problem {
	text, entities, pr := readText(c.params["caption"], c.params["parse_mode"])
	if pr == nil && units(text) > maxCaption {
		pr = bad("message caption is too long")
	}
	e.Message.Caption, e.Message.CapEnts = text, entities
	return pr
}

// file is what a call sends: an upload, or a file that Telegram has already.
func (b *Bot) file(c *call, field string) (File, *problem) {
	if f, ok := c.files[field]; ok {
		return f, nil
	}
	s := c.params[field]
	if name, ok := strings.CutPrefix(s, "attach://"); ok {
		if f, ok := c.files[name]; ok {
			return f, nil
		}
	}
	if s == "" {
		return File{}, bad("there is no " + field + " in the request")
	}
	f, ok := b.File(s)
	if !ok {
		return File{}, bad("wrong file identifier/HTTP URL specified")
	}
	return f, nil
}

func (b *Bot) sendPhoto(c *call) (answer, *problem) {
	return b.say(c, func(e *Entry, _ Person) *problem {
		f, pr := b.file(c, "photo")
		if pr != nil {
			return pr
		}
		if len(f.Data) > maxPhoto {
			return bad("file is too big")
		}
		if e.setPhoto(f.Data) != nil {
			return bad("IMAGE_PROCESS_FAILED")
		}
		return b.caption(c, e)
	})
}

func (b *Bot) sendDocument(c *call) (answer, *problem) {
	return b.say(c, func(e *Entry, _ Person) *problem {
		f, pr := b.file(c, "document")
		if pr != nil {
			return pr
		}
		if len(f.Data) > maxDocument {
			return &problem{code: http.StatusRequestEntityTooLarge, description: "Request Entity Too Large"}
		}
		if len(f.Data) == 0 {
			return bad("file must be non-empty")
		}
		e.setDocument(f.Name, f.Type, f.Data)
		return b.caption(c, e)
	})
}

func (b *Bot) sendLocation(c *call) (answer, *problem) {
	return b.say(c, func(e *Entry, _ Person) *problem {
		lat, err1 := strconv.ParseFloat(c.params["latitude"], 64)
		lon, err2 := strconv.ParseFloat(c.params["longitude"], 64)
		if err1 != nil || err2 != nil || lat < -90 || lat > 90 || lon < -180 || lon > 180 {
			return bad("wrong latitude or longitude specified")
		}
		e.Message.Location = &Location{lat, lon}
		return nil
	})
}

func (b *Bot) chatAction(c *call) (answer, *problem) {
	p, pr := b.target(c)
	if pr != nil {
		return answer{}, pr
	}
	if c.params["action"] == "" {
		return answer{}, bad("wrong parameter action in request")
	}
	if b.Blocked(p.ID) {
		return answer{}, forbidden("bot was blocked by the user")
	}
	return answer{result: true}, nil
}

func (b *Bot) getChat(c *call) (answer, *problem) {
	p, pr := b.target(c)
	return answer{result: p.chat()}, pr
}
