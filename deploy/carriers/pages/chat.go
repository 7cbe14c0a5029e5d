package pages

import (
	"net/http"
	"strconv"

	"gatehouse/deploy/carriers/relay"
	"gatehouse/deploy/carriers/shelf"
	"gatehouse/deploy/carriers/telegram"
)

// chatData is one person's chat with the bot.
type chatData struct {
	ID       int64
	Person   telegram.Person
	Bot      telegram.User
	Blocked  bool
	Entries  []shelf.Item[telegram.Entry]
	Keyboard *telegram.ReplyKeyboard
	Bare     bool
}

func (p *Pages) chatData(r *http.Request) (chatData, bool) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil || id <= 0 {
		return chatData{}, false
	}
	b := p.house.Chat
	return chatData{id, b.Person(id), b.Self(), b.Blocked(id), b.Entries().Of(telegram.Key(id), 0), b.Keyboard(id),
		r.URL.Query().Has("bare")}, true
}

func (p *Pages) chat(w http.ResponseWriter, r *http.Request) { p.showChat(w, r, http.StatusOK, "") }

func (p *Pages) showChat(w http.ResponseWriter, r *http.Request, status int, fault string) {
	d, ok := p.chatData(r)
	if !ok {
		http.Error(w, "The id of a chat is a positive number such as 1001.", http.StatusNotFound)
		return
	}
	self := "/chat/" + telegram.Key(d.ID)
	p.show(w, r, status, "chat", view{Title: "Chat of " + d.Person.FirstName, Self: self, Poll: self + "/thread",
		Fault: fault, Data: d})
}

func (p *Pages) chatThread(w http.ResponseWriter, r *http.Request) {
	d, ok := p.chatData(r)
	if !ok {
		http.NotFound(w, r)
		return
	}
	version := p.house.Chat.Entries().Version(telegram.Key(d.ID)) << 1
	if d.Blocked {
		version++
	}
	p.thread(w, r, "chat", version, func() any { return d })
}

// maxChatFile bounds what a person uploads: Telegram's own limit for what a bot may fetch, and so for what is of use.
const maxChatFile = 20 << 20

// act does what the pressed button says.
func (p *Pages) act(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err == nil {
		err = form(w, r, maxChatFile)
	}
	if err == nil {
		err = p.doChat(r, id)
	}
	p.done(w, r, err, func(fault string) { p.showChat(w, r, http.StatusBadRequest, fault) })
}

func (p *Pages) doChat(r *http.Request, id int64) (err error) {
	b := p.house.Chat
	switch r.PostFormValue("do") {
	case "say":
		return p.say(r, id)
	case "press":
		message, err := strconv.ParseInt(r.PostFormValue("message"), 10, 64)
		if err != nil {
			return telegram.ErrNoButton
		}
		return b.Press(id, message, r.PostFormValue("data"))
	case "contact":
		_, err = b.ShareContact(id, "")
	case "location":
		_, err = b.ShareLocation(id, 44.4012, -30.2047) // the middle of the demo city
	case "block":
		b.Block(id, true)
	case "unblock":
		b.Block(id, false)
	default:
		err = sentence("This button is not known.")
	}
	return err
}

// say sends the text, or the file with the text as its caption.
func (p *Pages) say(r *http.Request, id int64) error {
	text := r.PostFormValue("text")
	files, err := uploads(r, "file", 1)
	if err != nil {
		return err
	}
	if len(files) == 0 {
		_, err = p.house.Chat.Say(id, text)
		return err
	}
	if f := files[0]; picture(f.Type) && !r.PostForm.Has("whole") {
		_, err = p.house.Chat.SendPhoto(id, f.Data, text)
		return err
	}
	_, err = p.house.Chat.SendDocument(id, files[0].Name, files[0].Type, files[0].Data, text)
	return err
}

func (p *Pages) chatFile(w http.ResponseWriter, r *http.Request) {
	f, ok := p.house.Chat.File(r.PathValue("file"))
	if !ok {
		http.NotFound(w, r)
		return
	}
	serve(w, relay.File{Name: f.Name, Type: f.Type, Data: f.Data})
}
