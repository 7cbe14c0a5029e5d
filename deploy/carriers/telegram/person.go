package telegram

import (
	"errors"
	"fmt"
	"strings"
)

// ErrNoButton tells that a message has no such button.
var ErrNoButton = errors.New("the message has no such button")

// maxQueries is how many presses a bot may answer at a time; the oldest can no longer be answered.
const maxQueries = 10_000

// SetPerson tells who a chat belongs to. Empty fields are filled in.
func (b *Bot) SetPerson(p Person) error {
	if p.ID <= 0 {
		return fmt.Errorf("id: %d is not a person's; a positive number would be right", p.ID)
	}
	s := stranger(p.ID)
	if p.FirstName == "" {
		p.FirstName = s.FirstName
	}
	if p.Lang == "" {
		p.Lang = s.Lang
	}
	if p.Phone == "" {
		p.Phone = s.Phone
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, known := b.persons[p.ID]; !known && len(b.persons) >= maxChats {
		return fmt.Errorf("id: more than %d persons", maxChats)
	}
	b.persons[p.ID] = p
	return nil
}

// Person tells who a chat belongs to.
func (b *Bot) Person(id int64) Person {
	b.mu.Lock()
	defer b.mu.Unlock()
	if p, ok := b.persons[id]; ok {
		return p
	}
	return stranger(id)
}

// tell puts a person's message into the chat and queues its update. It returns the message's id.
func (b *Bot) tell(chat int64, fill func(*Message, Person, *Entry) error) (int64, error) {
	if chat <= 0 {
		return 0, fmt.Errorf("chat: %d is not a person's; a positive number would be right", chat)
	}
	p := b.Person(chat)
	u := p.user()
	e := Entry{Message: Message{From: &u, Chat: p.chat()}}
	if err := fill(&e.Message, p, &e); err != nil {
		return 0, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.blocked[chat] {
		return 0, errors.New("the person has blocked the bot; unblock it first")
	}
	e.Update = b.number()
	seq := b.entries.Add(Key(chat), func(seq uint64) Entry {
		e.Message.ID, e.Message.Date = b.number(), b.house.Now().Unix()
		e.nameFiles(seq)
		return e
	})
	m := e.Message
	b.report(pending{update: Update{ID: e.Update, Message: &m}, seq: seq, chat: chat})
	return m.ID, nil
}

// report queues an update and hands it to the webhook, when one is set. The caller holds b.mu.
func (b *Bot) report(p pending) {
	b.counts.inbound.Add(1)
	if b.push(p) {
		b.hand(p)
	}
}

// Say writes a text.
func (b *Bot) Say(chat int64, text string) (int64, error) {
	text = strings.TrimSpace(text)
	return b.tell(chat, func(m *Message, _ Person, _ *Entry) error {
		if text == "" || units(text) > maxText {
			return fmt.Errorf("text: must have 1 to %d characters", maxText)
		}
		m.Text, m.Entities = text, command(text)
		return nil
	})
}

// ShareContact shares a phone number; an empty one stands for the person's own.
func (b *Bot) ShareContact(chat int64, number string) (int64, error) {
	return b.tell(chat, func(m *Message, p Person, _ *Entry) error {
		m.Contact = &Contact{Phone: number, FirstName: "Somebody"}
		if number == "" || number == p.Phone {
			m.Contact = &Contact{Phone: p.Phone, FirstName: p.FirstName, LastName: p.LastName, UserID: p.ID}
		}
		return nil
	})
}

// ShareLocation shares a point, WGS 84 degrees.
func (b *Bot) ShareLocation(chat int64, lat, lon float64) (int64, error) {
	return b.tell(chat, func(m *Message, _ Person, _ *Entry) error {
		if lat < -90 || lat > 90 || lon < -180 || lon > 180 {
			return errors.New("location: is not a point on Earth")
		}
		m.Location = &Location{lat, lon}
		return nil
	})
}

// SendPhoto sends a picture; Telegram's app shrinks and re-encodes it.
func (b *Bot) SendPhoto(chat int64, data []byte, caption string) (int64, error) {
	return b.tell(chat, func(m *Message, _ Person, e *Entry) error {
		if err := e.setPhoto(data); err != nil {
			return fmt.Errorf("photo: %w", err)
		}
		m.Caption = caption
		return nil
	})
}

// SendDocument sends a file as it is, at most 50 MB.
func (b *Bot) SendDocument(chat int64, name, kind string, data []byte, caption string) (int64, error) {
	return b.tell(chat, func(m *Message, _ Person, e *Entry) error {
		if len(data) == 0 || len(data) > maxDocument {
			return fmt.Errorf("document: must have 1 to %d bytes", maxDocument)
		}
		e.setDocument(name, kind, data)
		m.Caption = caption
		return nil
	})
}

// Press presses the button with this data under a message of the bot; message 0 stands for the last that has it.
func (b *Bot) Press(chat, message int64, data string) error {
	items := b.entries.Of(Key(chat), 0)
	for i := len(items) - 1; i >= 0; i-- {
		e := items[i].Value
		if e.Deleted || !e.FromBot || !e.Message.Markup.has(data) || message != 0 && e.Message.ID != message {
			continue
		}
		b.entries.Change(items[i].Seq, func(e *Entry) { e.Pressed, e.Toast = data, "" })
		b.mu.Lock()
		defer b.mu.Unlock()
		b.report(b.query(chat, items[i].Seq, e.Message, data))
		return nil
	}
	return ErrNoButton
}

// query makes the update of a press. The caller holds b.mu.
func (b *Bot) query(chat int64, seq uint64, m Message, data string) pending {
	p, ok := b.persons[chat]
	if !ok {
		p = stranger(chat)
	}
	id := Key(b.number() << 20)
	if len(b.asked) == maxQueries {
		delete(b.queries, b.asked[0])
		b.asked = b.asked[1:]
	}
	b.queries[id], b.asked = seq, append(b.asked, id)
	return pending{chat: chat, update: Update{ID: b.number(), Callback: &CallbackQuery{
		ID: id, From: p.user(), Message: &m, ChatInstance: Key(chat), Data: data,
	}}}
}

// Block blocks or unblocks the bot, of which Telegram tells it.
func (b *Bot) Block(chat int64, on bool) {
	p := b.Person(chat)
	b.mu.Lock()
	defer b.mu.Unlock()
	if chat <= 0 || b.blocked[chat] == on || on && len(b.blocked) >= maxChats {
		return
	}
	before, after := "kicked", "member"
	var until *int64
	if on {
		before, after, until = after, before, new(int64)
		b.blocked[chat] = true
	} else {
		delete(b.blocked, chat)
	}
	b.report(pending{chat: chat, update: Update{ID: b.number(), Member: &MemberUpdate{
		Chat: p.chat(), From: p.user(), Date: b.house.Now().Unix(),
		Old: Member{User: b.self, Status: before}, New: Member{User: b.self, Status: after, Until: until},
	}}})
}

// Blocked tells whether the person has blocked the bot.
func (b *Bot) Blocked(chat int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.blocked[chat]
}

// Keyboard is the reply keyboard that the person sees now; nil for none.
func (b *Bot) Keyboard(chat int64) *ReplyKeyboard {
	items := b.entries.Of(Key(chat), 0)
	used := false
	for i := len(items) - 1; i >= 0; i-- {
		e := items[i].Value
		switch {
		case !e.FromBot:
			used = true
		case e.Removes:
			return nil
		case e.Keyboard != nil && e.Keyboard.OneTime && used:
			return nil
		case e.Keyboard != nil:
			return e.Keyboard
		}
	}
	return nil
}
