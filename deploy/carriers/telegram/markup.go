package telegram

import (
	"encoding/json"
	"net/url"
)

// InlineKeyboard are buttons under a message.
type InlineKeyboard struct {
	Rows [][]InlineButton `json:"inline_keyboard"`
}

// InlineButton sends Data to the bot, or opens URL.
type InlineButton struct {
	Text string `json:"text"`
	Data string `json:"callback_data,omitempty"`
	URL  string `json:"url,omitempty"`
}

// ReplyKeyboard replaces the person's keyboard.
type ReplyKeyboard struct {
	Rows        [][]KeyButton `json:"keyboard"`
	Resize      bool          `json:"resize_keyboard,omitempty"`
	OneTime     bool          `json:"one_time_keyboard,omitempty"`
	Placeholder string        `json:"input_field_placeholder,omitempty"`
}

// KeyButton sends its text, or what it requests.
type KeyButton struct {
	Text            string `json:"text"`
	RequestContact  bool   `json:"request_contact,omitempty"`
	RequestLocation bool   `json:"request_location,omitempty"`
}

// UnmarshalJSON also takes a bare string for a button, as Telegram does.
func (k *KeyButton) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		return json.Unmarshal(b, &k.Text)
	}
	type plain KeyButton
	return json.Unmarshal(b, (*plain)(k))
}

// maxData is the limit of callback_data, in bytes; maxButtons of the buttons of one keyboard.
const (
	maxData    = 64
	maxButtons = 100
)

// markup is what came as reply_markup.
type markup struct {
	inline *InlineKeyboard
	reply  *ReplyKeyboard
	remove bool
}

func readMarkup(s string) (markup, *problem) {
	if s == "" {
		return markup{}, nil
	}
	var all struct {
		Inline *[][]InlineButton `json:"inline_keyboard"`
		Reply  *[][]KeyButton    `json:"keyboard"`
		Remove bool              `json:"remove_keyboard"`
		Force  bool              `json:"force_reply"`
	}
	if json.Unmarshal([]byte(s), &all) != nil {
		return markup{}, bad("can't parse reply keyboard markup JSON object")
	}
	m := markup{remove: all.Remove}
	switch {
	case all.Inline != nil:
		m.inline = &InlineKeyboard{Rows: *all.Inline}
		return m, m.inline.check()
	case all.Reply != nil:
		m.reply = &ReplyKeyboard{}
		if json.Unmarshal([]byte(s), m.reply) != nil {
			return markup{}, bad("can't parse reply keyboard markup JSON object")
		}
		return m, m.reply.check()
	case !all.Remove && !all.Force && s != "{}":
		return markup{}, bad("object expected as reply markup")
	}
	return m, nil
}

func (k *InlineKeyboard) check() *problem {
	n := 0
	for _, row := range k.Rows {
		for _, b := range row {
			u, err := url.Parse(b.URL)
			switch n++; {
			case b.Text == "":
				return bad("can't parse inline keyboard button: text is empty")
			case n > maxButtons:
				return bad("REPLY_MARKUP_TOO_LONG")
			case (b.Data == "") == (b.URL == ""):
				return bad("can't parse inline keyboard button: exactly one optional field must be used")
			case len(b.Data) > maxData:
				return bad("BUTTON_DATA_INVALID")
			case b.URL != "" && (err != nil || u.Host == "" && u.Opaque == ""):
				return bad("BUTTON_URL_INVALID")
			}
		}
	}
	return nil
}

func (k *ReplyKeyboard) check() *problem {
	n := 0
	for _, row := range k.Rows {
		for _, b := range row {
			switch n++; {
			case b.Text == "":
				return bad("can't parse keyboard button: text is empty")
			case n > maxButtons:
				return bad("REPLY_MARKUP_TOO_LONG")
			}
		}
	}
	return nil
}

// has tells whether a button carries data.
func (k *InlineKeyboard) has(data string) bool {
	if k == nil {
		return false
	}
	for _, row := range k.Rows {
		for _, b := range row {
			if b.Data == data && data != "" {
				return true
			}
		}
	}
	return false
}
