package deploy

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"gatehouse/deploy/carriers/relay"
	"gatehouse/deploy/carriers/telegram"
	"gatehouse/exchange/receipt"
)

var reference = regexp.MustCompile(`PL-[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9]{2}`)

// refOf gives the reference in a text, or nothing.
func refOf(text string) string { return reference.FindString(text) }

// console is the staff console's address.
func (w *town) console() string { return "http://" + w.settings["OFFICE"] }

// awaitCase waits until a case is on the desk, and gives its address there.
func (w *town) awaitCase(c *clerk, ref string) string {
	w.t.Helper()
	var link string
	w.await("on the desk: "+ref, func() bool { link = c.find(ref); return link != "" })
	return link
}

// awaitDelivered waits until the gateway's own metrics say that the carriers' receipts are recorded.
func (w *town) awaitDelivered(n int) {
	w.t.Helper()
	w.await("receipts recorded", func() bool {
		got := 0
		fmt.Sscan(w.metric(`gatehouse_outbound_messages{state="delivered"}`), &got)
		return got >= n
	})
}

// metric reads one line of the first gateway's metrics.
func (w *town) metric(name string) string {
	r, err := http.Get("http://" + w.settings["gateway.private"] + "/metrics")
	if err != nil {
		return ""
	}
	defer r.Body.Close()
	b := new(strings.Builder)
	buf := make([]byte, 64<<10)
	for {
		n, err := r.Body.Read(buf)
		b.Write(buf[:n])
		if err != nil {
			break
		}
	}
	for _, line := range strings.Split(b.String(), "\n") {
		if v, ok := strings.CutPrefix(line, name+" "); ok {
			return v
		}
	}
	return ""
}

// dialogue texts line by line and waits for an answer to each; it gives the last answer.
func (w *town) dialogue(number string, lines ...string) string {
	w.t.Helper()
	last := ""
	for _, l := range lines {
		before := len(w.carriers.Texts(number))
		w.text(number, l)
		w.await("an answer to "+l, func() bool { return len(w.carriers.Texts(number)) > before })
		all := w.carriers.Texts(number)
		last = all[len(all)-1].Body
	}
	return last
}

// TestWalkInquiryBySMS: a question is answered with its source; one that no page answers goes to a person, whose
// reply comes back as a text.
func TestWalkInquiryBySMS(t *testing.T) {
	newTown(t, townOptions{}).inquiryBySMS()
}

func (w *town) inquiryBySMS() {
	t := w.t
	const phone = "+447700900101"
	if got := w.dialogue(phone, "how do i get rid of an old sofa"); !strings.Contains(got, "Bulky waste: free pickup") || !strings.Contains(got, "MORE for the page") {
		t.Fatalf("the answer is %q", got)
	}
	if got := w.dialogue(phone, "my neighbour parks in the disabled bay is that a fine"); !strings.Contains(got, "0 = ask a person") {
		t.Fatalf("without a sure answer it says %q", got)
	}
	sent := w.dialogue(phone, "0")
	ref := refOf(sent)
	if ref == "" {
		t.Fatalf("the hand-over has no reference: %q", sent)
	}
	chloe := login(t, w.console(), "chloe")
	link := w.awaitCase(chloe, ref)
	if page := chloe.get(link); !strings.Contains(page, "parks in the disabled bay") {
		t.Errorf("the case does not hold the question: %s", plain(page))
	}
	chloe.decide(link, "granted", "Yes: parking in a disabled bay without a badge is fined.")
	w.awaitText(phone, "parking in a disabled bay without a badge is fined")
	w.awaitDelivered(len(w.carriers.Texts(phone)))
	publish(t, w.console(), "bulky-waste", "Bulky waste: from now on three pickups a year. Reply BOOK.")
	w.await("the new answer", func() bool {
		return strings.Contains(w.dialogue(phone, "how do i get rid of an old sofa"), "three pickups a year")
	})
}

// TestWalkApplicationByTelegram: a form in the chat, by buttons and words, with a photo; the decision comes back there.
func TestWalkApplicationByTelegram(t *testing.T) {
	newTown(t, townOptions{}).applicationByTelegram()
}

func (w *town) applicationByTelegram() {
	t := w.t
	const chat = 4401
	say := func(text string) string {
		t.Helper()
		before := len(w.fromBot(chat))
		if _, err := w.carriers.Say(chat, text); err != nil {
			t.Fatal(err)
		}
		w.await("an answer to "+text, func() bool { return len(w.fromBot(chat)) > before })
		all := w.fromBot(chat)
		return all[len(all)-1].Message.Text
	}
	last := ""
	for _, line := range []string{"/start", "LIGHT", "14 quay st", "1", "1", "2"} {
		last = say(line)
	}
	if !strings.Contains(last, "SEND") {
		t.Fatalf("the summary is %q", last)
	}
	picture := photo(t)
	before := len(w.fromBot(chat))
	if _, err := w.carriers.Chat.SendPhoto(chat, picture, "the lamp"); err != nil {
		t.Fatal(err)
	}
	w.await("a word on the photo", func() bool { return len(w.fromBot(chat)) > before })
	ref := refOf(say("SEND"))
	if ref == "" {
		t.Fatal("sent without a reference")
	}
	ines := login(t, w.console(), "ines")
	link := w.awaitCase(ines, ref)
	if file := regexp.MustCompile(link + `/files/[^"]+`).FindString(ines.get(link)); file == "" {
		t.Error("the photo did not cross")
	} else if got := ines.get(file); len(got) == 0 || !strings.HasPrefix(http.DetectContentType([]byte(got)), "image/") {
		t.Errorf("the photo is %d bytes of %s", len(got), http.DetectContentType([]byte(got)))
	}
	ines.decide(link, "granted", "The lamp is repaired on Friday.")
	w.awaitChat(chat, "The lamp is repaired on Friday.")
	if got := say("STATUS"); !strings.Contains(got, ref) {
		t.Errorf("the status is %q", got)
	}
}

// photo is a picture as a phone takes it, but small.
func photo(t *testing.T) []byte {
	t.Helper()
	img := image.NewGray(image.Rect(0, 0, 640, 480))
	for i := range img.Pix {
		img.Pix[i] = byte(i * i)
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// fromBot are the messages that the bot sent to a chat.
func (w *town) fromBot(chat int64) []telegram.Entry {
	var all []telegram.Entry
	for _, e := range w.carriers.Said(chat) {
		if e.FromBot {
			all = append(all, e)
		}
	}
	return all
}

func (w *town) awaitChat(chat int64, part string) {
	w.t.Helper()
	w.await("in the chat: "+part, func() bool {
		for _, e := range w.fromBot(chat) {
			if strings.Contains(e.Message.Text+e.Message.Caption, part) { // a document brings its words as a caption
				return true
			}
		}
		return false
	})
}

const taxSheet = "month,nights,exempt\n2026-10,412,30\n"

// declare mails the sheet and gives the reply.
func (w *town) declare(from, to, subject, sheet string) relay.Mail {
	w.t.Helper()
	id, err := w.carriers.Write(relay.Draft{From: from, To: []string{to}, Subject: subject, Text: "Please find our return attached.",
		Files: []relay.File{{Name: "october.csv", Type: "text/csv", Data: []byte(sheet)}}})
	if err != nil {
		w.t.Fatal(err)
	}
	return w.awaitReply(from, strings.Trim(id, "<>"))
}

// awaitReply waits for a mail in the thread of message id.
func (w *town) awaitReply(to, id string) relay.Mail {
	w.t.Helper()
	m, err := w.carriers.AwaitMail(context.Background(), to, patience, func(m relay.Mail) bool {
		return !m.Sent && strings.Contains(strings.Join(append(m.InReplyTo, m.References...), " "), id)
	})
	if err != nil {
		w.t.Fatalf("no reply: %v", err)
	}
	return m
}

// TestWalkDeclarationByMail: a CSV becomes a case with its receipt in the thread; the decision comes into the same
// thread; a dry run files nothing, and a wrong row is named.
func TestWalkDeclarationByMail(t *testing.T) {
	w := newTown(t, townOptions{})
	const clerkMail = "tax@harbourhotel.example"
	wrong := w.declare(clerkMail, "declare+dec-tour@portlumen.example", "October", "month,nights,exempt\n2026-10,412,500\n")
	if refOf(wrong.Subject+wrong.Text) != "" {
		t.Errorf("a wrong return got a reference: %q", wrong.Text)
	}
	dry := w.declare(clerkMail, "test+declare+dec-tour@portlumen.example", "October, a try", taxSheet)
	if refOf(dry.Subject+dry.Text) != "" {
		t.Errorf("a dry run got a reference: %q", dry.Text)
	}
	filed := w.declare(clerkMail, "declare+dec-tour@portlumen.example", "October", taxSheet)
	ref := refOf(filed.Subject + filed.Text)
	if ref == "" {
		t.Fatalf("no reference in %q %q", filed.Subject, filed.Text)
	}
	if !strings.Contains(header(filed, "Auto-Submitted"), "auto-replied") {
		t.Errorf("the reply is not marked automatic: %v", filed.Headers)
	}
	received := w.receipt(filed, "receipt.json")
	mei := login(t, w.console(), "mei")
	link := w.awaitCase(mei, ref)
	page := plain(mei.get(link))
	if !strings.Contains(page, "not verified") || !strings.Contains(page, "412") || !strings.Contains(page, "october.csv") {
		t.Errorf("the case shows %s", page)
	}
	mei.decide(link, "granted", "Your return is accepted.")
	m, err := w.carriers.AwaitMail(context.Background(), clerkMail, patience, func(m relay.Mail) bool {
		return !m.Sent && strings.Contains(m.Subject, ref) && m.MessageID != filed.MessageID
	})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(strings.Join(m.References, " "), strings.Trim(filed.InReplyTo[0], "<>")) {
		t.Errorf("the notice left the thread: %v", m.References)
	}
	if n := mei.queue()[ref]; n != 1 {
		t.Errorf("on the desk %d times", n)
	}
	registered := w.receipt(m, "receipt-registered.json")
	if received.Kind != receipt.Received || received.Number != 1 || received.Case != ref || len(received.Files) != 1 || received.Files[0].SHA256 != receipt.Digest([]byte(taxSheet)) ||
		registered.Kind != receipt.Registered || registered.Of == nil || registered.Of.ID != received.ID || registered.Case != ref || !registered.Filed.Equal(received.Filed) {
		t.Errorf("the receipts state\n%+v\n%+v", received, registered)
	}
}

// receipt reads a receipt that a mail brings, checks it with the keys that the gateway publishes, and looks at its page.
func (w *town) receipt(m relay.Mail, name string) receipt.Receipt {
	w.t.Helper()
	at := slices.IndexFunc(m.Files, func(f relay.File) bool { return f.Name == name })
	page := slices.IndexFunc(m.Files, func(f relay.File) bool { return f.Name == strings.Replace(name, ".json", ".pdf", 1) })
	if at < 0 || page < 0 || !bytes.HasPrefix(m.Files[page].Data, []byte("%PDF-")) {
		w.t.Fatalf("the mail brings no %s: %d files", name, len(m.Files))
	}
	keys, err := receipt.ParseKeys([]byte(fetched(w.t, w.settings["PUBLIC"]+"/receipts/keys.json")))
	if err != nil {
		w.t.Fatal(err)
	}
	r, _, err := keys.Verify(m.Files[at].Data)
	if err != nil {
		w.t.Fatalf("%s: %v", name, err)
	}
	if said := fetched(w.t, w.settings["PUBLIC"]+"/receipts/"+r.ID+"?lang=en"); !strings.Contains(said, "The signature is right") || !strings.Contains(said, r.Case) {
		w.t.Errorf("the page of the receipt says %s", said)
	}
	return r
}

// fetched gives a page that must be there.
func fetched(t *testing.T, url string) string {
	t.Helper()
	r, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d, %v", url, r.StatusCode, err)
	}
	return string(b)
}

func header(m relay.Mail, name string) string {
	for _, h := range m.Headers {
		if strings.EqualFold(h.Name, name) {
			return h.Value
		}
	}
	return ""
}

// chatter is a browser at the web chat.
type chatter struct {
	t       *testing.T
	url     string
	session string
	last    uint64
	ws      *websocket.Conn
	seen    []string
}

type frame struct {
	Type    string `json:"type"`
	ID      string `json:"id,omitempty"`
	Text    string `json:"text,omitempty"`
	Session string `json:"session,omitempty"`
	After   uint64 `json:"after,omitempty"`
	Seq     uint64 `json:"seq,omitempty"`
	Code    string `json:"code,omitempty"`
}

func (c *chatter) connect() {
	c.t.Helper()
	ws, r, err := websocket.DefaultDialer.Dial(c.url, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	r.Body.Close()
	c.ws = ws
	c.write(frame{Type: "hello", Session: c.session, After: c.last})
	c.session = c.read("welcome").Session
}

func (c *chatter) write(f frame) {
	c.t.Helper()
	if err := c.ws.WriteJSON(f); err != nil {
		c.t.Fatal(err)
	}
}

// read gives the next frame of a type; messages on the way are taken, each once and in order.
func (c *chatter) read(typ string) frame {
	c.t.Helper()
	_ = c.ws.SetReadDeadline(time.Now().Add(patience))
	for {
		_, b, err := c.ws.ReadMessage()
		if err != nil {
			c.t.Fatalf("waiting for %s: %v", typ, err)
		}
		var f frame
		if err := json.Unmarshal(b, &f); err != nil {
			c.t.Fatal(err)
		}
		if f.Type == "message" {
			if f.Seq != c.last+1 {
				c.t.Fatalf("message %d came after %d", f.Seq, c.last)
			}
			c.last = f.Seq
			c.seen = append(c.seen, f.Text)
		}
		if f.Type == "error" && typ != "error" {
			c.t.Fatalf("error %s: %s", f.Code, f.Text)
		}
		if f.Type == typ {
			return f
		}
	}
}

// say sends a line, and gives the answer; cut drops the connection between the line and its answer.
func (c *chatter) say(id, text string, cut bool) string {
	c.t.Helper()
	before := c.last
	c.write(frame{Type: "message", ID: id, Text: text})
	if cut {
		c.ws.Close()
		c.connect()
		c.write(frame{Type: "message", ID: id, Text: text}) // not known whether it arrived
	}
	c.read("ack")
	for c.last == before {
		c.read("message")
	}
	return c.seen[len(c.seen)-1]
}

// TestWalkWebChat: a form in the web chat with the connection cut in the middle; the decision is there when the
// person comes back.
func TestWalkWebChat(t *testing.T) {
	w := newTown(t, townOptions{})
	c := &chatter{t: t, url: "ws://" + w.settings["gateway"] + "/chat/ws?lang=en"}
	c.connect()
	for i, line := range []string{"BOOK", "14 quay st", "1", "1,3"} {
		c.say(fmt.Sprintf("a%d", i), line, i == 2)
	}
	if got := c.say("day", "1", true); !strings.Contains(got, "SEND") {
		t.Fatalf("the summary is %q", got)
	}
	ref := refOf(c.say("send", "SEND", true))
	if ref == "" {
		t.Fatalf("no reference: %q", c.seen)
	}
	c.ws.Close()
	rosa := login(t, w.console(), "rosa")
	link := w.awaitCase(rosa, ref)
	rosa.decide(link, "granted", "The crew comes in the morning.")
	c.connect()
	for !strings.Contains(strings.Join(c.seen, "\n"), "The crew comes in the morning.") {
		c.read("message")
	}
	c.ws.Close()
	if n := rosa.queue()[ref]; n != 1 {
		t.Errorf("on the desk %d times", n)
	}
}
