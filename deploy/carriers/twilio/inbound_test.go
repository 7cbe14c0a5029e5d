package twilio_test

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	stand "gatehouse/deploy/carriers/twilio"

	"github.com/twilio/twilio-go/client"
)

func TestInboundWebhook(t *testing.T) {
	g := hear(t, nil)
	b := open(t, func(c *stand.Config) { c.Webhooks = []string{g.URL + "/hooks/sms"} })
	sid, err := b.Receive(stand.Text{From: person, Body: "où jeter un canapé & co?"})
	if err != nil {
		t.Fatal(err)
	}
	wait(t, "the webhook", func() bool { return len(g.posts()) == 1 })
	p := g.posts()[0]
	want := map[string]string{
		"MessageSid": sid, "SmsSid": sid, "SmsMessageSid": sid, "AccountSid": account, "From": person, "To": ours,
		"Body": "où jeter un canapé & co?", "NumMedia": "0", "NumSegments": "1", "FromCountry": "GB", "ToCountry": "GB",
		"ApiVersion": "2010-04-01", "SmsStatus": "received", "OptOutType": "",
	}
	for k, v := range want {
		if p.q.Get(k) != v {
			t.Errorf("%s is %q, want %q", k, p.q.Get(k), v)
		}
	}
	if !p.signed {
		t.Error("Twilio's helper does not accept the signature")
	}
	wait(t, "handed over", func() bool { return b.Messages().Of(person, 0)[0].Value.Handed == stand.Taken })
}

func TestInboundMediaIsFetchedWithPassword(t *testing.T) {
	g := hear(t, nil)
	b := open(t, func(c *stand.Config) { c.Webhooks = []string{g.URL} })
	sid, err := b.Receive(stand.Text{From: person, Media: []stand.Media{{Type: "image/png", Data: []byte("picture")}}})
	if err != nil {
		t.Fatal(err)
	}
	wait(t, "the webhook", func() bool { return len(g.posts()) == 1 })
	q := g.posts()[0].q
	if !strings.HasPrefix(sid, "MM") || q.Get("NumMedia") != "1" || q.Get("MediaContentType0") != "image/png" {
		t.Errorf("form: %v", q)
	}
	get := func(password string) (int, string) {
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, q.Get("MediaUrl0"), nil)
		req.SetBasicAuth(account, password)
		res, err := b.http.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		body, _ := io.ReadAll(res.Body)
		return res.StatusCode, string(body)
	}
	if status, _ := get("wrong"); status != http.StatusUnauthorized {
		t.Errorf("without password: %d", status)
	}
	if status, body := get(token); status != http.StatusOK || body != "picture" {
		t.Errorf("with password: %d %q", status, body)
	}
	list, err := b.api.ListMedia(sid, nil)
	if err != nil || len(list) != 1 || *list[0].ContentType != "image/png" {
		t.Fatalf("listed %+v, %v", list, err)
	}
	if one, err := b.api.FetchMedia(sid, *list[0].Sid, nil); err != nil || *one.ParentSid != sid {
		t.Errorf("fetched %+v, %v", one, err)
	}
	if err := b.api.DeleteMedia(sid, *list[0].Sid, nil); err != nil {
		t.Errorf("delete: %v", err)
	}
	if status, _ := get(token); status != http.StatusNotFound {
		t.Errorf("after deletion: %d", status)
	}
}

func TestKeywords(t *testing.T) {
	g := hear(t, nil)
	b := open(t, func(c *stand.Config) { c.Webhooks = []string{g.URL} })
	steps := []struct {
		say, optOut string
		reply       string // the beginning of the carrier's own answer
		blocked     bool
	}{
		{"yes", "", "", false},
		{"Please stop", "", "", false},
		{" Stop ", "STOP", "You have successfully been unsub", true},
		{"CANCEL", "STOP", "", true},
		{"help", "HELP", "", true},
		{"Yes", "START", "You have successfully been re-sub", false},
		{"START", "START", "", false},
		{"INFO", "HELP", "Reply STOP", false},
	}
	for i, s := range steps {
		before := len(b.Messages().Of(person, 0))
		if _, err := b.Receive(stand.Text{From: person, Body: s.say}); err != nil {
			t.Fatal(err)
		}
		wait(t, "the webhook of "+s.say, func() bool { return len(g.posts()) == i+1 })
		if got := g.posts()[i].q.Get("OptOutType"); got != s.optOut {
			t.Errorf("%s: OptOutType %q, want %q", s.say, got, s.optOut)
		}
		thread := b.Messages().Of(person, 0)[before:]
		if (len(thread) == 2) != (s.reply != "") || !strings.HasPrefix(thread[len(thread)-1].Value.Body, s.reply) {
			t.Errorf("%s: thread %+v", s.say, thread)
		}
		_, err := b.api.CreateMessage(create(person, "to "+s.say))
		var e *client.TwilioRestError
		if blocked := errors.As(err, &e) && e.Code == 21610; blocked != s.blocked {
			t.Errorf("%s: send gave %v", s.say, err)
		}
		wait(t, "quiet", func() bool { return b.Stats().Waiting == 0 })
	}
}

func TestWebhookRetries(t *testing.T) {
	failing := func(first int, status int) func(int, http.ResponseWriter) {
		return func(n int, w http.ResponseWriter) {
			if n <= first {
				w.WriteHeader(status)
			}
		}
	}
	tests := map[string]struct {
		retry  time.Duration
		answer func(int, http.ResponseWriter)
		posts  int
		handed stand.Handed
	}{
		"as Twilio: a 503 is final":   {0, failing(9, 503), 1, stand.GivenUp},
		"a 503 is repeated":           {time.Minute, failing(2, 503), 3, stand.Taken},
		"a 429 is repeated":           {time.Minute, failing(1, 429), 2, stand.Taken},
		"a 403 is final":              {time.Minute, failing(9, 403), 1, stand.GivenUp},
		"a closed line is repeated":   {time.Minute, func(n int, _ http.ResponseWriter) { abort(n <= 2) }, 3, stand.Taken},
		"as Twilio: once more, twice": {0, func(int, http.ResponseWriter) { abort(true) }, 2, stand.GivenUp},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			g := hear(t, tt.answer)
			b := open(t, func(c *stand.Config) { c.Webhooks, c.RetryFor = []string{g.URL}, tt.retry })
			if _, err := b.Receive(stand.Text{From: person, Body: "x"}); err != nil {
				t.Fatal(err)
			}
			wait(t, "an end", func() bool { return b.Stats().Waiting == 0 })
			m := b.Messages().Of(person, 0)[0].Value
			if m.Handed != tt.handed || m.Tries != tt.posts || len(g.posts()) != tt.posts {
				t.Errorf("%s after %d tries, %d posts", m.Handed, m.Tries, len(g.posts()))
			}
			sids := fields(g.posts(), "MessageSid")
			if slices.Sort(sids); sids[0] != sids[len(sids)-1] {
				t.Errorf("repeats changed the SID: %v", sids)
			}
		})
	}
}

func abort(yes bool) {
	if yes {
		panic(http.ErrAbortHandler)
	}
}

func TestWebhooksInTurnAndCopies(t *testing.T) {
	one, two := hear(t, nil), hear(t, nil)
	b := open(t, nil)
	b.SetWebhooks(one.URL, two.URL)
	for range 4 {
		if _, err := b.Receive(stand.Text{From: person, Body: "x"}); err != nil {
			t.Fatal(err)
		}
	}
	wait(t, "all", func() bool { return b.Stats().Waiting == 0 })
	if len(one.posts()) != 2 || len(two.posts()) != 2 {
		t.Errorf("%d and %d", len(one.posts()), len(two.posts()))
	}
	if _, err := b.Receive(stand.Text{From: person, Body: "four times", Copies: 4}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Receive(stand.Text{From: "+447700900907", Body: "magic"}); err != nil {
		t.Fatal(err)
	}
	wait(t, "copies", func() bool { return b.Stats().Waiting == 0 })
	n := map[string]int{}
	for _, body := range append(fields(one.posts(), "Body"), fields(two.posts(), "Body")...) {
		n[body]++
	}
	if n["four times"] != 4 || n["magic"] != 2 {
		t.Errorf("copies: %v", n)
	}
}

func TestWebhookAnswersArePassedOn(t *testing.T) {
	tests := map[string]struct {
		kind, body string
		want       []string
	}{
		"empty TwiML": {"text/xml", `<?xml version="1.0"?><Response></Response>`, nil},
		"nothing":     {"", "", nil},
		"TwiML":       {"application/xml", `<Response><Message>one</Message><Message><Body>two</Body></Message></Response>`, []string{"one", "two"}},
		"plain text":  {"text/plain; charset=utf-8", "ok", []string{"ok"}},
		"JSON":        {"application/json", `{"a":1}`, nil},
		"broken":      {"text/xml", `<Response><Mess`, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			g := hear(t, func(_ int, w http.ResponseWriter) {
				w.Header().Set("Content-Type", tt.kind)
				_, _ = io.WriteString(w, tt.body)
			})
			b := open(t, func(c *stand.Config) { c.Webhooks = []string{g.URL} })
			if _, err := b.Receive(stand.Text{From: person, Body: "x"}); err != nil {
				t.Fatal(err)
			}
			wait(t, "the answer", func() bool { return b.Stats().Waiting == 0 })
			var got []string
			for _, it := range b.Messages().Of(person, 0)[1:] {
				got = append(got, it.Value.Body)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestReceiveRefuses(t *testing.T) {
	b := open(t, nil)
	big := stand.Media{Type: "image/png", Data: make([]byte, stand.MaxMedia+1)}
	for name, text := range map[string]stand.Text{
		"from":   {From: "me", Body: "x"},
		"to":     {From: person, To: "+447700900555", Body: "x"},
		"empty":  {From: person},
		"long":   {From: person, Body: strings.Repeat("x", 1601)},
		"big":    {From: person, Media: []stand.Media{big}},
		"copies": {From: person, Body: "x", Copies: 99},
	} {
		if _, err := b.Receive(text); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}
