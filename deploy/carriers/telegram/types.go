package telegram

import "strconv"

// The objects of the Bot API that the stand-in speaks (https://core.telegram.org/bots/api#available-types).

// User is a person or the bot.
type User struct {
	ID        int64  `json:"id"`
	IsBot     bool   `json:"is_bot"`
	FirstName string `json:"first_name"`
	LastName  string `json:"last_name,omitempty"`
	Username  string `json:"username,omitempty"`
	Lang      string `json:"language_code,omitempty"`
}

// Chat is a private chat.
type Chat struct {
	ID        int64  `json:"id"`
	Type      string `json:"type"`
	FirstName string `json:"first_name,omitempty"`
	LastName  string `json:"last_name,omitempty"`
	Username  string `json:"username,omitempty"`
}

// Message is one thing said. Dates are Unix seconds.
type Message struct {
	ID       int64           `json:"message_id"`
	From     *User           `json:"from,omitempty"`
	Chat     Chat            `json:"chat"`
	Date     int64           `json:"date"`
	EditDate int64           `json:"edit_date,omitempty"`
	Text     string          `json:"text,omitempty"`
	Entities []TextEntity    `json:"entities,omitempty"`
	Caption  string          `json:"caption,omitempty"`
	CapEnts  []TextEntity    `json:"caption_entities,omitempty"`
	Photo    []PhotoSize     `json:"photo,omitempty"`
	Document *Document       `json:"document,omitempty"`
	Contact  *Contact        `json:"contact,omitempty"`
	Location *Location       `json:"location,omitempty"`
	ReplyTo  *Message        `json:"reply_to_message,omitempty"`
	Markup   *InlineKeyboard `json:"reply_markup,omitempty"`
}

// TextEntity marks a part of a text; offset and length count UTF-16 units.
type TextEntity struct {
	Type   string `json:"type"`
	Offset int    `json:"offset"`
	Length int    `json:"length"`
	URL    string `json:"url,omitempty"`
}

// PhotoSize is one size of a photo.
type PhotoSize struct {
	FileID   string `json:"file_id"`
	UniqueID string `json:"file_unique_id"`
	Width    int    `json:"width"`
	Height   int    `json:"height"`
	Size     int    `json:"file_size,omitempty"`
}

// Document is any other file.
type Document struct {
	FileID   string `json:"file_id"`
	UniqueID string `json:"file_unique_id"`
	Name     string `json:"file_name,omitempty"`
	Type     string `json:"mime_type,omitempty"`
	Size     int    `json:"file_size,omitempty"`
}

// Contact is a shared phone number. UserID is the sharer's own id when the number is theirs.
type Contact struct {
	Phone     string `json:"phone_number"`
	FirstName string `json:"first_name"`
	LastName  string `json:"last_name,omitempty"`
	UserID    int64  `json:"user_id,omitempty"`
}

// Location is a shared point.
type Location struct {
	Latitude  float64 `json:"latitude"`
	Longitude float64 `json:"longitude"`
}

// CallbackQuery is the press of a button under a message.
type CallbackQuery struct {
	ID           string   `json:"id"`
	From         User     `json:"from"`
	Message      *Message `json:"message,omitempty"`
	ChatInstance string   `json:"chat_instance"`
	Data         string   `json:"data,omitempty"`
}

// MemberUpdate tells that a person blocked or unblocked the bot.
type MemberUpdate struct {
	Chat Chat   `json:"chat"`
	From User   `json:"from"`
	Date int64  `json:"date"`
	Old  Member `json:"old_chat_member"`
	New  Member `json:"new_chat_member"`
}

// Member is the bot's standing in a chat: member or kicked.
type Member struct {
	User   User   `json:"user"`
	Status string `json:"status"`
	Until  *int64 `json:"until_date,omitempty"`
}

// Update is one event for the bot; exactly one of its parts is set.
type Update struct {
	ID       int64          `json:"update_id"`
	Message  *Message       `json:"message,omitempty"`
	Callback *CallbackQuery `json:"callback_query,omitempty"`
	Member   *MemberUpdate  `json:"my_chat_member,omitempty"`
}

func (u Update) kind() string {
	switch {
	case u.Callback != nil:
		return "callback_query"
	case u.Member != nil:
		return "my_chat_member"
	}
	return "message"
}

// Entry is a message as the person's app keeps it.
type Entry struct {
	Message Message `json:"message"`
	FromBot bool    `json:"from_bot"`
	// Keyboard is the reply keyboard that came with the message; Removes that the message took one away.
	Keyboard *ReplyKeyboard `json:"keyboard,omitempty"`
	Removes  bool           `json:"removes_keyboard,omitempty"`
	// Pressed is the data of the last button pressed; Toast what the bot answered to it.
	Pressed string `json:"pressed,omitempty"`
	Toast   string `json:"toast,omitempty"`
	// Update is the id under which the bot gets a person's message; Handed that it confirmed it.
	Update  int64  `json:"update_id,omitempty"`
	Handed  bool   `json:"handed,omitempty"`
	Deleted bool   `json:"deleted,omitempty"`
	Files   []File `json:"-"`
}

func (e Entry) weight() int {
	n := len(e.Message.Text) + len(e.Message.Caption)
	for _, f := range e.Files {
		n += len(f.Data)
	}
	return n
}

// File is the content of a photo's size or of a document.
type File struct {
	ID, Name, Type, Path string
	Data                 []byte
}

// Person is who chats with the bot. Zero fields but ID are filled in.
type Person struct {
	ID        int64  `json:"id"`
	FirstName string `json:"first_name"`
	LastName  string `json:"last_name"`
	Username  string `json:"username"`
	// Lang is the app's language, a BCP 47 tag.
	Lang string `json:"lang"`
	// Phone is the number that the person shares when asked, E.164.
	Phone string `json:"phone"`
}

func (p Person) user() User {
	return User{ID: p.ID, FirstName: p.FirstName, LastName: p.LastName, Username: p.Username, Lang: p.Lang}
}

func (p Person) chat() Chat {
	return Chat{ID: p.ID, Type: "private", FirstName: p.FirstName, LastName: p.LastName, Username: p.Username}
}

// stranger is a person of whom only the id is known.
func stranger(id int64) Person {
	n := strconv.FormatInt(id, 10)
	return Person{ID: id, FirstName: "Person " + n, Lang: "en", Phone: demoPhone(id)}
}

// demoPhone gives each id a number of the range that Ofcom reserves for drama.
func demoPhone(id int64) string {
	n := id % 900
	if n < 0 {
		n = -n
	}
	return "+447700900" + strconv.FormatInt(1000+n, 10)[1:]
}
