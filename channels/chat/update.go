package chat

import (
	"encoding/json"
	"strconv"
	"strings"

	"gatehouse/channels"

	tg "github.com/go-telegram-bot-api/telegram-bot-api/v5"
)

// allowed are the updates that Telegram is asked for. Corrected messages are not among them: an answer already given
// does not change, and the person sends a new one.
const allowed = `["message","callback_query"]`

// heard is what one update says.
type heard struct {
	id      int
	message channels.Message
	press   string // the callback query to be answered, when a button was pressed
	speaks  bool   // false: nothing for us, confirmed and forgotten
}

// read turns one update into a message. The id is read even where the rest is not understood, so that an update of a
// shape that this library does not know can be confirmed instead of coming back for ever. False: not even an id.
func (c *Channel) read(raw []byte) (heard, bool) {
	var only struct {
		ID int `json:"update_id"`
	}
	if err := json.Unmarshal(raw, &only); err != nil || only.ID <= 0 {
		return heard{}, false
	}
	h := heard{id: only.ID}
	var u tg.Update
	if err := json.Unmarshal(raw, &u); err != nil {
		c.shared.Log.Warn("telegram update not understood", "update_id", only.ID)
		return h, true
	}
	switch {
	case u.CallbackQuery != nil:
		h.message, h.speaks = c.pressed(u.CallbackQuery)
		h.press = u.CallbackQuery.ID
	case u.Message != nil:
		h.message, h.speaks = c.said(u.Message)
	}
	h.message.ID = "chat:" + c.bot + ":" + strconv.Itoa(h.id)
	return h, true
}

// from starts a message of a person in a private chat. Groups, channels and other bots are not served: what a person
// asks a city is not for the others in the room.
func (c *Channel) from(chat *tg.Chat, u *tg.User) (channels.Message, bool) {
	if chat == nil || u == nil || u.IsBot || !chat.IsPrivate() || chat.ID == 0 {
		return channels.Message{}, false
	}
	m := channels.Message{
		From: c.address(strconv.FormatInt(chat.ID, 10)), To: c.address(c.bot), At: c.shared.Now(), Trust: channels.CarrierVerified,
	}
	if len(u.LanguageCode) <= 35 { // BCP 47 §4.4.1
		m.Lang = u.LanguageCode
	}
	return m, true
}

func (c *Channel) pressed(q *tg.CallbackQuery) (channels.Message, bool) {
	chat := &tg.Chat{Type: "private"}
	if q.From != nil {
		chat.ID = q.From.ID // in a private chat the chat has the person's id; old messages come without theirs
	}
	if q.Message != nil {
		chat = q.Message.Chat
	}
	m, ok := c.from(chat, q.From)
	m.Text = q.Data
	return m, ok && q.Data != ""
}

func (c *Channel) said(t *tg.Message) (channels.Message, bool) {
	m, ok := c.from(t.Chat, t.From)
	if !ok {
		return m, false
	}
	m.Text = t.Text + t.Caption // a message has the one or the other
	if t.Sticker != nil {
		m.Text = t.Sticker.Emoji
	}
	if t.Contact != nil {
		m.Phone = &channels.Phone{Number: number(t.Contact.PhoneNumber), Own: t.Contact.UserID != 0 && t.Contact.UserID == t.From.ID}
	}
	if t.Location != nil {
		m.Location = &channels.Location{Lat: t.Location.Latitude, Lon: t.Location.Longitude}
	}
	m.Files = c.files(t)
	return m, m.Text != "" || m.Phone != nil || m.Location != nil || len(m.Files) > 0
}

// number writes a shared number as E.164; Telegram leaves out the plus sign on some clients.
func number(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
	if s == "" {
		return ""
	}
	return "+" + s
}

// files lists what hangs on a message, a picture in its largest size; bytes are fetched when a file is opened.
func (c *Channel) files(t *tg.Message) []channels.File {
	switch {
	case len(t.Photo) > 0:
		p := largest(t.Photo)
		return []channels.File{c.file(p.FileID, "photo.jpg", "image/jpeg", p.FileSize)}
	case t.Document != nil:
		d := t.Document
		return []channels.File{c.file(d.FileID, d.FileName, d.MimeType, d.FileSize)}
	case t.Voice != nil:
		return []channels.File{c.file(t.Voice.FileID, "voice.ogg", t.Voice.MimeType, t.Voice.FileSize)}
	case t.Audio != nil:
		return []channels.File{c.file(t.Audio.FileID, t.Audio.FileName, t.Audio.MimeType, t.Audio.FileSize)}
	case t.Video != nil:
		return []channels.File{c.file(t.Video.FileID, t.Video.FileName, t.Video.MimeType, t.Video.FileSize)}
	}
	return nil
}

func largest(sizes []tg.PhotoSize) tg.PhotoSize {
	best := sizes[0]
	for _, p := range sizes[1:] {
		if int64(p.Width)*int64(p.Height) > int64(best.Width)*int64(best.Height) {
			best = p
		}
	}
	return best
}
