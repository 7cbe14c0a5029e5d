package telegram

import (
	"reflect"
	"strconv"

	"gatehouse/deploy/carriers/shelf"
)

// find returns a chat's message by its id.
func (b *Bot) find(chat, id int64) (shelf.Item[Entry], bool) {
	for _, it := range b.entries.Of(Key(chat), 0) {
		if it.Value.Message.ID == id && !it.Value.Deleted {
			return it, true
		}
	}
	return shelf.Item[Entry]{}, false
}

// own is the bot's message that a call names.
func (b *Bot) own(c *call, verb string) (shelf.Item[Entry], *problem) {
	p, pr := b.target(c)
	if pr != nil {
		return shelf.Item[Entry]{}, pr
	}
	id, err := strconv.ParseInt(c.params["message_id"], 10, 64)
	if err != nil {
		return shelf.Item[Entry]{}, bad("message identifier is not specified")
	}
	it, ok := b.find(p.ID, id)
	switch {
	case !ok:
		return it, bad("message to " + verb + " not found")
	case !it.Value.FromBot:
		return it, bad("message can't be " + verb + "ed")
	}
	return it, nil
}

// edit changes the bot's message, unless the change is none.
func (b *Bot) edit(it shelf.Item[Entry], change func(*Message)) (answer, *problem) {
	next := it.Value.Message
	change(&next)
	if reflect.DeepEqual(next, it.Value.Message) {
		return answer{}, bad("message is not modified: specified new message content and reply markup are exactly " +
			"the same as a current content and reply markup of the message")
	}
	next.EditDate = b.house.Now().Unix()
	b.entries.Change(it.Seq, func(e *Entry) { e.Message = next })
	return answer{result: next}, nil
}

func (b *Bot) editText(c *call) (answer, *problem) {
	it, pr := b.own(c, "edit")
	if pr != nil {
		return answer{}, pr
	}
	text, entities, pr := readText(c.params["text"], c.params["parse_mode"])
	m, pr2 := readMarkup(c.params["reply_markup"])
	switch {
	case pr != nil:
		return answer{}, pr
	case pr2 != nil:
		return answer{}, pr2
	case text == "":
		return answer{}, bad("message text is empty")
	case units(text) > maxText:
		return answer{}, bad("MESSAGE_TOO_LONG")
	case it.Value.Message.Text == "":
		return answer{}, bad("there is no text in the message to edit")
	}
	return b.edit(it, func(x *Message) { x.Text, x.Entities, x.Markup = text, entities, m.inline })
}

func (b *Bot) editMarkup(c *call) (answer, *problem) {
	it, pr := b.own(c, "edit")
	if pr != nil {
		return answer{}, pr
	}
	m, pr := readMarkup(c.params["reply_markup"])
	if pr != nil {
		return answer{}, pr
	}
	if m.inline != nil && len(m.inline.Rows) == 0 {
		m.inline = nil
	}
	return b.edit(it, func(x *Message) { x.Markup = m.inline })
}

func (b *Bot) deleteMessage(c *call) (answer, *problem) {
	it, pr := b.own(c, "delete")
	if pr != nil {
		return answer{}, pr
	}
	b.entries.Change(it.Seq, func(e *Entry) { e.Deleted = true })
	return answer{result: true}, nil
}

func (b *Bot) answerCallback(c *call) (answer, *problem) {
	b.mu.Lock()
	seq, ok := b.queries[c.params["callback_query_id"]]
	b.mu.Unlock()
	switch {
	case !ok:
		return answer{}, bad("query is too old and response timeout expired or query ID is invalid")
	case units(c.params["text"]) > 200:
		return answer{}, bad("MESSAGE_TOO_LONG")
	}
	b.entries.Change(seq, func(e *Entry) { e.Toast = c.params["text"] })
	return answer{result: true}, nil
}
