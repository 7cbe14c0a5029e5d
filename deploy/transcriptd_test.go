package deploy

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	office "gatehouse/adapters/program"
	"gatehouse/configs"
	"gatehouse/deploy/carriers/faults"
	"gatehouse/deploy/carriers/relay"
	guard "gatehouse/exchange/program"
)

// townByClock runs all three sides within the test, by a clock of the test's, with the stand-in carriers around them.
func townByClock(t *testing.T, now func() time.Time) *town {
	t.Helper()
	w := gatewayAlone(t, now)
	w.carriers.Mail.SetGateway(w.settings["SMTP"])
	log := slog.New(slog.DiscardHandler)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 3)
	for _, lane := range []string{"up", "down"} {
		w.settings["LANE"], w.settings["IN"], w.settings["OUT"] = lane, w.settings["A_RECEIVE"], w.settings["B_SEND"]
		if lane == "down" {
			w.settings["IN"], w.settings["OUT"] = w.settings["C_RECEIVE"], w.settings["D_SEND"]
		}
		var c guard.Config
		if err := configs.Load(w.file(lane+".yaml", guardConfig), &c); err != nil {
			t.Fatal(err)
		}
		go func() { ended <- guard.RunWith(ctx, c, guard.Options{Log: log, Now: now}) }()
	}
	var c office.Config
	if err := configs.Load(w.file("office.yaml", officeConfig+"answers_dir: "+onePage(t)+"\n"), &c); err != nil {
		t.Fatal(err)
	}
	go func() { ended <- office.Run(ctx, c, office.Options{Log: log, Now: now}) }()
	t.Cleanup(func() {
		cancel()
		for range 3 {
			if err := <-ended; err != nil {
				t.Errorf("a side ended with %v", err)
			}
		}
	})
	w.awaitReady("http://" + w.settings["OFFICE"] + "/readyz")
	return w
}

// onePage is a directory of answers with one page: the office stores each at its start, and this walk asks for none.
func onePage(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "en"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "en", "depot.md"), []byte("---\nid: depot\ntitle: Depot\n---\n\n## page\n\nThe depot.\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// trip is transcript D: one case on three channels. What it says is held against the design word for word.
type trip struct {
	*town
	anna, jane    string // a phone, and a company's mail
	pickup, goods string // the references of both cases
	mei           *clerk
	web           *chatter
}

// TestTranscriptD walks transcript D in its order through all three sides.
func TestTranscriptD(t *testing.T) {
	friday, began := time.Date(2026, 11, 27, 11, 0, 0, 0, time.UTC), time.Now()
	w := townByClock(t, func() time.Time { return friday.Add(time.Since(began)) })
	d := &trip{town: w, anna: "+447700900181", jane: "jane@northdock.example"}
	d.filePickup()
	w.enrol("12-345678-C", d.jane)
	d.fileGoods()
	d.statusByText()
	d.startByTelegram()
	d.companyFileByText()
	d.logInByMail()
	d.decisionComesBack()
}

// says holds an answer against the words of the transcript; PICKUP and GOODS stand for the references.
func (d *trip) says(got, want string) {
	d.t.Helper()
	if want = strings.NewReplacer("PICKUP", d.pickup, "GOODS", d.goods).Replace(want); got != want {
		d.t.Errorf("it says\n  %s\nwant\n  %s", got, want)
	}
}

// tells fills in one of the public forms of a case's page.
func (c *clerk) tells(link, form string, more url.Values) {
	c.t.Helper()
	page := c.get(link)
	c.post(link+"/claim", url.Values{"token": {hidden(page, "token")}})
	page = c.get(link)
	more.Set("token", hidden(page, "token"))
	more.Set("id", hidden(page, "id"))
	more.Set("form", form)
	more.Set("releasable", "yes")
	c.post(link+"/tell", more)
}

// filePickup has the pickup filed by text, and the office word where it stands.
func (d *trip) filePickup() {
	d.dialogue(d.anna, "PRIVACY") // an address's first reply ends with the notice; the transcript begins after it
	if d.pickup = refOf(d.dialogue(d.anna, "BOOK 14 Quay St, 1 3, 3 Dec", "SEND")); d.pickup == "" {
		d.t.Fatal("no pickup was filed")
	}
	rosa := login(d.t, d.console(), "rosa")
	rosa.tells(d.awaitCase(rosa, d.pickup), "stand", url.Values{"words": {"crew assigned"}})
	d.awaitText(d.anna, "crew assigned")
}

// fileGoods has a declaration of twenty rows filed by mail, and the office ask for two of them to be corrected.
func (d *trip) fileGoods() {
	var sheet strings.Builder
	sheet.WriteString("hs,country,net,gross,value,currency,package\n")
	for i := range 20 {
		fmt.Fprintf(&sheet, "090121,BR,12.5,13,150.00,EUR,PK%d\n", i+1)
	}
	id, err := d.carriers.Write(relay.Draft{From: d.jane, To: []string{"declare+goods@portlumen.example"}, Subject: "Goods Nov wk 47",
		Text: "company: 12-345678-C\nweek: 2026-W47\n", Files: []relay.File{{Name: "goods.csv", Type: "text/csv", Data: []byte(sheet.String())}}})
	if err != nil {
		d.t.Fatal(err)
	}
	if waits := d.awaitReply(d.jane, strings.Trim(id, "<>")); !strings.Contains(waits.Text, "It is not filed yet") {
		d.t.Fatalf("nobody proved who wrote, and the reply is %s", waits.Text)
	}
	d.open(passPath.FindString(d.awaitLetter("If the declaration is yours").Text), "taken up now")
	filed := d.awaitLetter("received and checked")
	if d.goods = refOf(filed.Subject + filed.Text); d.goods == "" {
		d.t.Fatalf("no declaration was filed: %s", filed.Text)
	}
	d.mei = login(d.t, d.console(), "mei")
	d.mei.tells(d.awaitCase(d.mei, d.goods), "ask", url.Values{"text": {"Row 7: is the HS code 847130? Row 15: net is more than gross."},
		"correct": {"2"}, "promise": {"2026-12-04"}})
	d.awaitLetter("Row 7: is the HS code 847130?")
}

// awaitLetter waits for a mail to the company that holds part.
func (d *trip) awaitLetter(part string) relay.Mail {
	d.t.Helper()
	m, err := d.carriers.AwaitMail(context.Background(), d.jane, patience, func(m relay.Mail) bool { return !m.Sent && strings.Contains(m.Text, part) })
	if err != nil {
		d.t.Fatalf("no mail with %q: %v", part, err)
	}
	return m
}

// statusByText: the phone is on the case, so that no code is asked for.
func (d *trip) statusByText() {
	d.says(d.dialogue(d.anna, "status "+strings.ToLower(d.pickup)),
		"PICKUP Bulky pickup: crew assigned, Thu 3 Dec 7:00-15:00. 1 change day 2 call it off 3 ask a person")
}

// startByTelegram: the bot shows no data, before and after a number is shared that is not on the case.
func (d *trip) startByTelegram() {
	const chat = 4402
	said := func(tell func() error) string {
		d.t.Helper()
		before := len(d.fromBot(chat))
		if err := tell(); err != nil {
			d.t.Fatal(err)
		}
		d.await("a word of the bot", func() bool { return len(d.fromBot(chat)) > before })
		all := d.fromBot(chat)
		return all[len(all)-1].Message.Text
	}
	first := said(func() error { _, err := d.carriers.Say(chat, "/start "+d.goods); return err })
	first, _, _ = strings.Cut(first, "\n") // the first reply ends with the notice
	d.says(first, "To see GOODS here, share your number with the button, or send STATUS GOODS for a code.")
	all := d.fromBot(chat)
	if k := all[len(all)-1].Keyboard; k == nil {
		d.t.Error("there is no button to share the number")
	}
	d.says(said(func() error { _, err := d.carriers.Chat.ShareContact(chat, ""); return err }),
		"Your number is linked, but it is not on GOODS. Send STATUS GOODS: a code goes to the address on that file.")
}

// companyFileByText: the code goes to the address on record, and is typed with its space.
func (d *trip) companyFileByText() {
	d.says(d.dialogue(d.anna, "status "+strings.ToLower(d.goods)),
		"GOODS is a company file. We e-mailed a 6-digit code to j***@northdock.example. Send it here (10 min).")
	d.says(d.dialogue(d.anna, sixDigits.FindString(d.awaitLetter("your code is").Text)),
		"GOODS Goods declaration: 18 rows accepted, 2 to correct by Fri 4 Dec 17:00. Details are in your e-mail.")
}

var (
	sixDigits = regexp.MustCompile(`\d{3} \d{3}`)
	passPath  = regexp.MustCompile(`/p/[a-z0-9]{12,}`)
)

// logInByMail: the web chat shows both cases, the question and where to answer; the answer shows in the mail thread too.
func (d *trip) logInByMail() {
	d.web = &chatter{t: d.t, url: "ws://" + d.settings["gateway"] + "/chat/ws?lang=en"}
	d.web.connect()
	d.web.say("phone", "LINK "+d.anna, false)
	d.web.say("code", sixDigits.FindString(d.awaitText(d.anna, "to link this address")), false)
	d.web.say("mail", "LINK "+d.jane, false)
	before := d.web.last
	d.open(passPath.FindString(d.awaitLetter("logs in the web chat").Text), "You are logged in")
	for d.web.last == before {
		d.web.read("message")
	}
	got := d.web.say("status", "status", false)
	for _, want := range []string{d.pickup, "crew assigned", d.goods, "Row 7: is the HS code 847130?", d.goods + " waits for your answer: write it here."} {
		if !strings.Contains(got, want) {
			d.t.Errorf("the chat lacks %q: %s", want, got)
		}
	}
	d.says(d.web.say("answer", "Yes, 847130; and row 15 weighs 1190 net.", false), "Added to GOODS. The office reads it.")
	copied := d.awaitLetter("row 15 weighs 1190 net")
	if len(copied.References) == 0 || !strings.Contains(copied.Subject, d.goods) {
		d.t.Errorf("the answer is not in the thread: %q %v", copied.Subject, copied.References)
	}
}

// open follows a link that serves once, as a person does, to a page that says want.
func (d *trip) open(path, want string) {
	d.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		d.t.Fatal(err)
	}
	c := &http.Client{Jar: jar, Timeout: patience}
	read := func(r *http.Response, err error) string {
		d.t.Helper()
		if err != nil {
			d.t.Fatal(err)
		}
		defer r.Body.Close()
		b, _ := io.ReadAll(r.Body)
		return string(b)
	}
	read(c.Get(d.settings["PUBLIC"] + path))
	if got := read(c.PostForm(d.settings["PUBLIC"]+path, url.Values{"act": {"open"}})); !strings.Contains(got, want) {
		d.t.Fatalf("the link says %s", plain(got))
	}
}

// decisionComesBack: the decision goes to the chat, which was used last, and by mail; the mail comes back, so that the
// office is to tell by post, and the phone gets a text without content.
func (d *trip) decisionComesBack() {
	if err := d.carriers.Faults.Set(faults.Rule{Carrier: faults.Mail, Address: d.jane, Kind: faults.Unreachable}); err != nil {
		d.t.Fatal(err)
	}
	d.mei.tells(d.awaitCase(d.mei, d.goods), "decide", url.Values{"decision": {"granted"}, "reason": {"All twenty rows are in order."}})
	for !strings.Contains(strings.Join(d.web.seen, "\n"), "All twenty rows are in order.") {
		d.web.read("message")
	}
	d.web.ws.Close()
	d.says(d.awaitText(d.anna, "by post"), "GOODS: there is news. Our mail did not reach you, so it comes by post.")
	for _, m := range d.carriers.Texts(d.anna) {
		if strings.Contains(m.Body, "twenty rows") {
			d.t.Errorf("a text tells the decision: %s", m.Body)
		}
	}
	if m := d.awaitLetter("All twenty rows are in order."); len(m.References) == 0 {
		d.t.Errorf("the decision is not in the thread: %q", m.Subject)
	}
	d.await("the task to tell by post", func() bool {
		return strings.Contains(plain(d.mei.get("/?view=department")), d.goods+": the mail with the decision came back. Tell by post")
	})
}
