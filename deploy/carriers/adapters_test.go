package carriers_test

import (
	"bytes"
	"context"
	"errors"
	"image"
	pngimage "image/png"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"gatehouse/channels"
	"gatehouse/channels/channeltest"
	"gatehouse/channels/chat"
	"gatehouse/channels/email"
	"gatehouse/channels/sms"
	"gatehouse/configs/secret"
	"gatehouse/deploy/carriers"
	"gatehouse/deploy/carriers/faults"
	"gatehouse/deploy/carriers/relay"
	"gatehouse/deploy/carriers/telegram"
	"gatehouse/deploy/carriers/twilio"
)

// town is the gateway's own adapters, unchanged, before the stand-ins.
type town struct {
	*carriers.Carriers
	inbox *channeltest.Inbox
	sms   *sms.Channel
	chat  *chat.Channel
	mail  *email.Channel
	newID func() string
}

func settle(t *testing.T) *town {
	t.Helper()
	c, err := carriers.Start(t.Context(), carriers.Config{
		SMS:  twilio.Config{RetryFor: time.Minute, ReceiptAfter: time.Millisecond},
		Mail: relay.Config{ReportAfter: time.Millisecond},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	mux := http.NewServeMux()
	web := httptest.NewServer(mux)
	t.Cleanup(web.Close)
	w := &town{Carriers: c, inbox: &channeltest.Inbox{}}
	shared := channeltest.NewShared(slog.New(slog.DiscardHandler), time.Now)
	w.newID = shared.NewID
	w.sms, err = sms.Open(sms.Config{BaseURL: c.URL(), AccountSID: carriers.DemoAccountSID(), AuthToken: secret.New(carriers.DemoAuthToken),
		From: carriers.DemoNumber, PublicURL: web.URL, Timeout: time.Minute}, shared)
	check(t, err)
	w.chat, err = chat.Open(chat.Config{APIURL: c.URL(), Token: secret.New(carriers.DemoToken), Timeout: time.Minute}, shared)
	check(t, err)
	w.mail, err = email.Open(email.Config{Listen: "127.0.0.1:0", Domain: carriers.DemoDomain, Sender: "Port Lumen",
		Key: secret.New("0123456789abcdef"), TLS: email.TLS{SelfSigned: true},
		Relay: email.Relay{URL: "smtp://" + c.MailAddr(), TLS: "opportunistic"}}, shared)
	check(t, err)
	w.sms.Mount(mux, w.inbox)
	c.SMS.SetWebhooks(web.URL + "/hooks/sms")
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for _, l := range []channels.Listener{w.chat, w.mail} {
		wg.Go(func() {
			if err := l.Listen(ctx, w.inbox); err != nil {
				t.Errorf("listen: %v", err)
			}
		})
	}
	t.Cleanup(func() {
		stop()
		wg.Wait()
		check(t, w.mail.Close())
		http.DefaultClient.CloseIdleConnections()
	})
	channeltest.Eventually(t, "the mail channel listens", func() bool { return w.mail.Addresses()["smtp"] != "" })
	c.Mail.SetGateway(w.mail.Addresses()["smtp"])
	return w
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (w *town) out(ch channels.Channel, to, text string) channels.Message {
	return channels.Message{ID: w.newID(), To: channels.Address{Channel: ch.Name(), Value: to}, At: time.Now(), Lang: "en",
		Subject: "Your case", Text: text, Queue: channels.Notice}
}

// The magic addresses must lead the real adapters to the kinds that their faults stand for.
func TestMagicBeforeTheRealAdapters(t *testing.T) {
	w := settle(t)
	tests := []struct {
		ch        channels.Channel
		to        string
		kind      channels.Kind // of the first attempt; empty: taken
		uncertain bool
		attempts  int // until it is taken; 0 for never
	}{
		{w.sms, "+447700900900", channels.Throttled, false, 3},
		{w.sms, "+447700900901", channels.Unreachable, false, 0},
		{w.sms, "+447700900902", channels.Unreachable, false, 0},
		{w.sms, "+447700900903", "", false, 1},
		{w.sms, "+447700900904", channels.Temporary, false, 3},
		{w.sms, "+447700900906", channels.Temporary, true, 2},
		{w.sms, "+447700900909", channels.Stopped, false, 0},
		{w.sms, "+447700900911", channels.Misconfigured, false, 0},
		{w.sms, "+447700900914", channels.Temporary, true, 2},
		{w.sms, "+447700900915", channels.Temporary, true, 2},
		{w.chat, "900900", channels.Throttled, false, 3},
		{w.chat, "900901", channels.Unreachable, false, 0},
		{w.chat, "900903", channels.Unreachable, false, 0},
		{w.chat, "900904", channels.Temporary, false, 3},
		{w.chat, "900906", channels.Temporary, true, 2},
		{w.chat, "900909", channels.Stopped, false, 0},
		{w.chat, "900911", channels.Misconfigured, false, 0},
		{w.chat, "900914", channels.Temporary, true, 2},
		{w.chat, "900915", channels.Temporary, true, 2},
		{w.mail, "greylist@magic.example", channels.Throttled, false, 3},
		{w.mail, "unknown@magic.example", channels.Unreachable, false, 0},
		{w.mail, "full@magic.example", channels.Temporary, false, 3},
		{w.mail, "bounce@magic.example", "", false, 1},
		{w.mail, "lost@magic.example", channels.Temporary, true, 2},
		{w.mail, "refused@magic.example", channels.Temporary, false, 2},
	}
	for _, tt := range tests {
		t.Run(tt.ch.Name()+" "+tt.to, func(t *testing.T) {
			m, taken := w.out(tt.ch, tt.to, "Your licence is granted."), 0
			for attempt := 1; attempt <= 3 && taken == 0; attempt++ {
				_, err := tt.ch.Send(t.Context(), m)
				var e *channels.Error
				if err == nil {
					taken = attempt
				} else if !errors.As(err, &e) || attempt == 1 && (e.Kind != tt.kind || e.Uncertain != tt.uncertain) {
					t.Errorf("attempt %d: %v, uncertain %v; want %s, %v", attempt, err, e != nil && e.Uncertain, tt.kind, tt.uncertain)
				}
			}
			if taken != tt.attempts {
				t.Errorf("taken at attempt %d, want %d", taken, tt.attempts)
			}
		})
	}
}

// After an answer that was lost the carrier knows the message; after a connection refused it does not.
func TestFindTellsTheAmbiguousCasesApart(t *testing.T) {
	w := settle(t)
	for number, want := range map[string]bool{"+447700900906": true, "+447700900914": false} {
		m := w.out(w.sms, number, "Your licence is granted.")
		if _, err := w.sms.Send(t.Context(), m); err == nil {
			t.Errorf("%s answered", number)
		}
		if _, found, err := w.sms.Find(t.Context(), m, m.At); err != nil || found != want {
			t.Errorf("%s: found %v, %v; want %v", number, found, err, want)
		}
	}
}

func TestReceiptsReachTheRealAdapters(t *testing.T) {
	w := settle(t)
	for _, tt := range []struct {
		ch    channels.Channel
		to    string
		state channels.State
		kind  channels.Kind
	}{
		{w.sms, person, channels.Delivered, ""},
		{w.sms, "+447700900903", channels.Failed, channels.Unreachable},
		{w.sms, "+447700900910", channels.Failed, channels.Rejected},
		{w.sms, "+447700900913", channels.Delivered, ""},
		{w.mail, "bounce@magic.example", channels.Failed, channels.Unreachable},
	} {
		m := w.out(tt.ch, tt.to, "Your licence is granted.")
		if _, err := tt.ch.Send(t.Context(), m); err != nil {
			t.Errorf("%s: %v", tt.to, err)
			continue
		}
		channeltest.Eventually(t, "the receipt of "+tt.to, func() bool {
			for _, r := range w.inbox.Receipts() {
				if r.MessageID == m.ID && r.State == tt.state && (r.Err == nil) == (tt.kind == "") && (r.Err == nil || r.Err.Kind == tt.kind) {
					return true
				}
			}
			return false
		})
	}
}

// What persons do reaches the inbox through the real adapters, once each, although the inbox is busy at first.
func TestPersonsReachTheRealAdapters(t *testing.T) {
	w := settle(t)
	w.inbox.FailNext(3, channels.ErrBusy)
	var png bytes.Buffer
	check(t, pngimage.Encode(&png, image.NewRGBA(image.Rect(0, 0, 8, 8))))
	sid, err := w.SMS.Receive(twilio.Text{From: person, Body: "كيف", Copies: 4, Media: []twilio.Media{{Type: "image/png", Data: png.Bytes()}}})
	check(t, err)
	_, err = w.Text("+447700900124", "STOP")
	check(t, err)
	_, err = w.Say(7, "hello")
	check(t, err)
	_, err = w.Chat.SendDocument(7, "rows.csv", "text/csv", []byte("a;b"), "rows")
	check(t, err)
	_, err = w.Chat.ShareContact(7, "")
	check(t, err)
	_, err = w.Write(relay.Draft{From: "Maria <maria@northdock.example>", To: []string{"declare+dec-goods@portlumen.example"}, Subject: "Week 48",
		Text: "see attached", Files: []relay.File{{Name: "goods.csv", Type: "text/csv", Data: []byte("a;b")}}})
	check(t, err)
	find := func(match func(channels.Message) bool) int {
		n := 0
		for _, m := range w.inbox.Messages() {
			if match(m) {
				n++
			}
		}
		return n
	}
	for what, match := range map[string]func(channels.Message) bool{
		"the text":     func(m channels.Message) bool { return m.ID == "sms:"+sid && m.Text == "كيف" && len(m.Files) == 1 },
		"STOP":         func(m channels.Message) bool { return m.OptOut == channels.OptedOut },
		"the greeting": func(m channels.Message) bool { return m.From.Value == "7" && m.Text == "hello" },
		"the rows":     func(m channels.Message) bool { return len(m.Files) == 1 && m.Files[0].Name == "rows.csv" },
		"the contact":  func(m channels.Message) bool { return m.Phone != nil && m.Phone.Own },
		"the mail": func(m channels.Message) bool {
			return m.From.Value == "maria@northdock.example" && len(m.Files) == 1 && m.Files[0].Name == "goods.csv"
		},
	} {
		channeltest.Eventually(t, what, func() bool { return find(match) == 1 })
	}
}

// A press of a button comes back as the option's value.
func TestButtonsThroughTheRealAdapter(t *testing.T) {
	w := settle(t)
	_, err := w.Say(7, "/start")
	check(t, err)
	m := w.out(w.chat, "7", "Which day?")
	m.Options = []channels.Option{{Label: "Thu 3 Dec", Value: "1"}, {Label: "Mon 7 Dec", Value: "2"}}
	if _, err := w.chat.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	_, err = w.AwaitSaid(t.Context(), 7, time.Minute, func(e telegram.Entry) bool { return e.Message.Markup != nil })
	check(t, err)
	check(t, w.Press(7, "2"))
	channeltest.Eventually(t, "the press", func() bool {
		all := w.inbox.Messages()
		return len(all) > 0 && all[len(all)-1].Text == "2"
	})
}

// A rule that a test sets strikes the adapters too, and only as often as it says.
func TestRuleBeforeTheRealAdapter(t *testing.T) {
	w := settle(t)
	check(t, w.Faults.Set(faults.Rule{Carrier: faults.SMS, Kind: faults.Lost, Times: 1}))
	m := w.out(w.sms, person, "once")
	_, err := w.sms.Send(t.Context(), m)
	var e *channels.Error
	if !errors.As(err, &e) || !e.Uncertain || w.Creates(person, "once") != 1 {
		t.Errorf("%v, %d taken", err, w.Creates(person, "once"))
	}
	if _, err := w.sms.Send(t.Context(), m); err != nil || w.Creates(person, "once") != 2 {
		t.Errorf("%v, %d taken", err, w.Creates(person, "once"))
	}
}
