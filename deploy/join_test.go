package deploy

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"gatehouse/deploy/carriers/relay"
)

// TestWalkJoinByPage: a page asks a telephone and a mail address, their owners confirm there, and the list reaches both.
func TestWalkJoinByPage(t *testing.T) {
	w := newTown(t, townOptions{})
	const phone, mail = "+447700900741", "dora@northdock.example"
	w.subscribe(phone)
	w.awaitText(phone, "reply 1 to get Alerts (Saltmarsh)")
	w.dialogue(phone, "1")
	w.subscribe(mail)
	asked, err := w.carriers.AwaitMail(context.Background(), mail, patience, func(m relay.Mail) bool { return strings.Contains(m.Subject, "please confirm") })
	if err != nil {
		t.Fatal(err)
	}
	word := regexp.MustCompile(`this word: (\w+)`).FindStringSubmatch(asked.Text)
	if word == nil {
		t.Fatalf("the mail holds no word: %s", asked.Text)
	}
	id, err := w.carriers.Write(relay.Draft{From: mail, To: []string{"help@portlumen.example"}, Subject: "Re: " + asked.Subject, Text: word[1]})
	if err != nil {
		t.Fatal(err)
	}
	w.awaitReply(mail, strings.Trim(id, "<>"))
	notify(t, w.console(), "alerts-saltmarsh", "The sluice at Saltmarsh is shut tonight.")
	w.awaitText(phone, "sluice at Saltmarsh")
	if _, err := w.carriers.AwaitMail(context.Background(), mail, patience, func(m relay.Mail) bool { return strings.Contains(m.Text, "sluice at Saltmarsh") }); err != nil {
		t.Fatal(err)
	}
}

// subscribe fills in the page of the alerts for an address.
func (w *town) subscribe(where string) {
	w.t.Helper()

	c := &http.Client{Timeout: patience}
	page := "http://" + w.settings["gateway"] + "/en/services/WTR-ALERT"
	read := func(r *http.Response, err error) string {
		w.t.Helper()
		if err != nil {
			w.t.Fatal(err)
		}
		defer r.Body.Close()
		b, _ := io.ReadAll(r.Body)
		return string(b)
	}
	form := url.Values{"token": {hidden(read(c.Get(page)), "token")}, "districts": {"saltmarsh"}, "language": {"en"}, "hours": {"any"}, "where": {where}}
	if got := read(c.PostForm(page, form)); !strings.Contains(got, "Please confirm") {
		w.t.Fatalf("the page says %s", got)
	}
}
