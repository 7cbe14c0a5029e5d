package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"gatehouse/channels"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	_ channels.Channel  = (*Channel)(nil)
	_ channels.Webhook  = (*Channel)(nil)
	_ channels.Listener = (*Channel)(nil)
)

func to(id, text string) channels.Message {
	return channels.Message{ID: "m-" + text, To: channels.Address{Channel: Name, Value: id}, Text: text, Queue: channels.Reply}
}

func TestFramesAsPromised(t *testing.T) {
	h := newHouse()
	ch, url := open(t, h, config())
	b := dial(t, url+"?lang=fr")
	b.send(`{"type":"hello","session":"","after":0}`)
	b.want(`{"type":"welcome","session":"` + ch.mint.token("s1") + `","lang":"fr"}`)
	b.send(`{"type":"message","id":"a1","text":" bonjour\u0000 "}`)
	b.want(`{"type":"ack","id":"a1"}`)
	got := h.heard["web:s1:a1"]
	want := channels.Message{ID: "web:s1:a1", From: channels.Address{Channel: "web", Value: "s1"}, To: channels.Address{Channel: "web"},
		At: got.At, Lang: "fr", Text: "bonjour", Trust: channels.CarrierVerified}
	if fmt.Sprint(got) != fmt.Sprint(want) || got.At.IsZero() {
		t.Errorf("stored %+v", got)
	}
	m := to("s1", "Which?")
	m.Options = []channels.Option{{Label: "One", Value: "1"}}
	m.Source = &channels.Source{Title: "Waste", URL: "https://x.example/w"}
	h.say(m)
	r, err := ch.Send(t.Context(), m)
	if err != nil || r.State != channels.Accepted || r.MessageID != m.ID || r.Channel != "web" {
		t.Errorf("receipt %+v, %v", r, err)
	}
	b.want(`{"type":"message","seq":1,"text":"Which?","options":[{"label":"One","value":"1"}],"source":{"title":"Waste","url":"https://x.example/w"}}`)
	h.say(to("s1", "Plain"))
	ch.Send(t.Context(), to("s1", "Plain"))
	b.want(`{"type":"message","seq":2,"text":"Plain","options":[],"source":null}`)
	b.send(`{"type":"message","id":7,"text":"x"}`)
	b.want(`{"type":"ack","id":7}`)
}

func TestSameIDIsAcknowledgedAgain(t *testing.T) {
	h := newHouse()
	_, url := open(t, h, config())
	b := dial(t, url)
	token := b.hello("", 0)
	b.send(`{"type":"message","id":"1","text":"once"}`)
	b.want(`{"type":"ack","id":"1"}`)
	again := dial(t, url)
	again.hello(token, 0)
	again.send(`{"type":"message","id":"1","text":"once"}`)
	again.want(`{"type":"ack","id":"1"}`)
	if len(h.order) != 1 {
		t.Errorf("stored %v", h.order)
	}
}

func TestAckOnlyOnceStored(t *testing.T) {
	for _, c := range []struct {
		err  error
		code string
	}{
		{channels.ErrBusy, codeBusy}, {errors.New("disk"), codeBusy}, {channels.ErrTooLarge, codeTooLong}, {channels.ErrNotForUs, codeRefused},
	} {
		h := newHouse()
		h.accept = func(context.Context, channels.Message) error { return c.err }
		_, url := open(t, h, config())
		b := dial(t, url)
		b.hello("", 0)
		b.send(`{"type":"message","id":"1","text":"x"}`)
		b.want(`{"type":"error","id":"1","code":"` + c.code + `","text":"` + textOf(c.code) + `"}`)
	}
}

// TestWriterOutlivesTheMessageThatStartedIt: a look into the history that begins with an ack and goes on while the next
// message is stored is not cut off with the first one's deadline.
func TestWriterOutlivesTheMessageThatStartedIt(t *testing.T) {
	h := newHouse()
	ch, url := open(t, h, config())
	b := dial(t, url)
	b.hello("", 0)
	until(t, "the first look", func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		return h.historyN == 1
	})
	next := make(chan struct{})
	looked := make(chan error, 2)
	h.mu.Lock()
	h.look = func(ctx context.Context) {
		<-next
		looked <- ctx.Err()
	}
	h.mu.Unlock()
	h.accept = func(_ context.Context, m channels.Message) error {
		if m.Text == "two" {
			close(next)
			return nil
		}
		ch.mu.Lock()
		defer ch.mu.Unlock()
		for talk := range ch.talks {
			talk.mu.Lock()
			talk.look = true // a wake that the writer sees first
			talk.mu.Unlock()
		}
		return nil
	}
	b.send(`{"type":"message","id":1,"text":"one"}`)
	b.send(`{"type":"message","id":2,"text":"two"}`)
	if err := <-looked; err != nil {
		t.Errorf("the look ended with the message: %v", err)
	}
	b.want(`{"type":"ack","id":1}`)
	b.want(`{"type":"ack","id":2}`)
}

func TestBadFrames(t *testing.T) {
	h := newHouse()
	c := config()
	c.MaxText = 5
	_, url := open(t, h, c)
	b := dial(t, url)
	answer := func(frame, id, code string) {
		t.Helper()
		b.send(frame)
		b.want(`{"type":"error","id":` + id + `,"code":"` + code + `","text":"` + textOf(code) + `"}`)
	}
	answer(`{"type":"message","id":"1","text":"x"}`, `"1"`, codeHello)
	b.hello("", 0)
	answer(`{"type":"hello","session":"","after":0}`, "null", codeHello)
	answer(`nonsense`, "null", codeFrame)
	answer(`[]`, "null", codeFrame)
	answer(`{"type":"message","id":"1","text":"x"} {}`, "null", codeFrame)
	answer(`{"type":"welcome","id":"1"}`, `"1"`, codeFrame)
	answer(`{"type":"hello","after":-1}`, "null", codeFrame)
	answer(`{"type":"message","text":"x"}`, "null", codeID)
	answer(`{"type":"message","id":"a:b","text":"x"}`, "null", codeID)
	answer(`{"type":"message","id":1.5,"text":"x"}`, "null", codeID)
	answer(`{"type":"message","id":{"a":1},"text":"x"}`, "null", codeID)
	answer(`{"type":"message","id":"`+strings.Repeat("a", 65)+`","text":"x"}`, "null", codeID)
	answer(`{"type":"message","id":"1","text":" \u0007 "}`, `"1"`, codeText)
	answer(`{"type":"message","id":"1","text":"شكراااا"}`, `"1"`, codeTooLong)
	if len(h.order) != 0 {
		t.Errorf("stored %v", h.order)
	}
	b.send(`{"type":"message","id":"1","text":"شكرا"}`)
	b.want(`{"type":"ack","id":"1"}`)
}

func TestWhatEndsAConnection(t *testing.T) {
	c := config()
	c.MaxFrame = 100
	for name, do := range map[string]struct {
		kind, status int
		payload      string
		times        int
	}{
		"binary":    {websocket.BinaryMessage, websocket.CloseUnsupportedData, "{}", 1},
		"bad UTF-8": {websocket.TextMessage, websocket.CloseInvalidFramePayloadData, "{\"type\":\"hello\",\"session\":\"\xff\"}", 1},
		"too big":   {websocket.TextMessage, websocket.CloseMessageTooBig, strings.Repeat(" ", 101), 1},
		"nonsense":  {websocket.TextMessage, websocket.ClosePolicyViolation, "?", maxFaults},
	} {
		t.Run(name, func(t *testing.T) {
			_, url := open(t, newHouse(), c)
			b := dial(t, url)
			for range do.times {
				if err := b.ws.WriteMessage(do.kind, []byte(do.payload)); err != nil {
					t.Fatal(err)
				}
			}
			if got := b.closed(); got != do.status {
				t.Errorf("closed with %d, want %d", got, do.status)
			}
		})
	}
}

func TestNoHelloNoConnection(t *testing.T) {
	c := config()
	c.HelloTimeout = 20 * time.Millisecond
	_, url := open(t, newHouse(), c)
	if got := dial(t, url).closed(); got != websocket.ClosePolicyViolation {
		t.Errorf("closed with %d", got)
	}
}

func TestTokens(t *testing.T) {
	h := newHouse()
	one, url := open(t, h, config())
	two, other := open(t, h, config())
	token := dial(t, url).hello("", 0)
	if got := dial(t, other).hello(token, 0); got != token || two.mint.token("s1") != one.mint.token("s1") {
		t.Error("another gateway does not know the session")
	}
	for _, bad := range []string{token + "a", token[:len(token)-1], strings.Replace(token, "s1", "s2", 1), "s1", "s1.", ".", "nobody.x", strings.ToUpper(token)} {
		if got := dial(t, url).hello(bad, 5); got == token || strings.HasPrefix(got, "s1.") {
			t.Errorf("%q opened the session", bad)
		}
	}
}

// TestReconnectLosesNothing reconnects at random moments, to either of two gateways, while messages are said; half of
// the wakes are lost. Each client sees every line exactly once and in order.
func TestReconnectLosesNothing(t *testing.T) {
	h := newHouse()
	c := config()
	c.Ping, c.Poll = 20*time.Millisecond, time.Nanosecond
	one, url1 := open(t, h, c)
	_, url2 := open(t, h, c)
	token := dial(t, url1).hello("", 0)
	const total = 300
	rnd := rand.New(rand.NewPCG(1, 2))
	for i := range 100 { // more than a page waits
		h.say(to("s1", fmt.Sprint(i+1)))
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := 100; i < total; i++ {
			m := to("s1", fmt.Sprint(i+1))
			h.say(m)
			if i%2 == 0 {
				one.Send(context.Background(), m)
			}
		}
	}()
	seen := 0
	for seen < total {
		b := dial(t, []string{url1, url2}[rnd.IntN(2)])
		b.hello(token, seen)
		for range min(1+rnd.IntN(40), total-seen) {
			var f messageFrame
			if err := json.Unmarshal([]byte(b.read()), &f); err != nil {
				t.Fatal(err)
			}
			if seen++; f.Seq != uint64(seen) || f.Text != fmt.Sprint(seen) {
				t.Fatalf("line %d is %+v", seen, f)
			}
		}
		b.ws.Close()
	}
	<-done
}

func TestNoticeIsReportedReplyIsNot(t *testing.T) {
	h := newHouse()
	_, url := open(t, h, config())
	b := dial(t, url)
	token := b.hello("", 0)
	b.ws.Close()
	notice := to("s1", "decided")
	notice.Queue = channels.Notice
	h.say(to("s1", "reply"))
	h.say(notice)
	again := dial(t, url)
	again.hello(token, 0)
	until(t, "reported", func() bool { h.mu.Lock(); defer h.mu.Unlock(); return len(h.reports) > 0 })
	if len(h.reports) != 1 || h.reports[0].MessageID != "m-decided" || h.reports[0].State != channels.Delivered {
		t.Errorf("reports %+v", h.reports)
	}
}

func TestSendKnowsItsAddresses(t *testing.T) {
	ch, _ := open(t, newHouse(), config())
	for _, a := range []channels.Address{{}, {Channel: "sms", Value: "+15"}, {Channel: "web", Value: "a:b"}, {Channel: "web"}} {
		_, err := ch.Send(t.Context(), channels.Message{To: a})
		var e *channels.Error
		if !errors.As(err, &e) || e.Kind != channels.Unreachable {
			t.Errorf("%v: %v", a, err)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := ch.Send(ended, to("s1", "x")); channels.AsError(err).Kind != channels.Temporary {
		t.Error(err)
	}
}

func TestLimits(t *testing.T) {
	h := newHouse()
	h.allow = func(key string, spent int) bool { return key != "web:session:s1" || spent <= 2 }
	_, url := open(t, h, config())
	b := dial(t, url)
	b.hello("", 0)
	for i := range 2 {
		b.send(fmt.Sprintf(`{"type":"message","id":%d,"text":"x"}`, i))
		b.want(fmt.Sprintf(`{"type":"ack","id":%d}`, i))
	}
	b.send(`{"type":"message","id":3,"text":"x"}`)
	b.want(`{"type":"error","id":3,"code":"slow_down","text":"` + textOf(codeSlow) + `"}`)
	if h.spent["web:host:127.0.0.1"] != 2 || h.spent["web:new:127.0.0.1"] != 1 {
		t.Errorf("spent %v", h.spent)
	}
	h.mu.Lock()
	h.allow = func(key string, _ int) bool { return key != "web:new:127.0.0.1" }
	h.mu.Unlock()
	n := dial(t, url)
	n.send(`{"type":"hello","session":""}`)
	n.want(`{"type":"error","id":null,"code":"slow_down","text":"` + textOf(codeSlow) + `"}`)
}

func TestTooManyConnections(t *testing.T) {
	for want, c := range map[int]Config{
		http.StatusServiceUnavailable: {MaxConnections: 1, Key: config().Key},
		http.StatusTooManyRequests:    {MaxPerHost: 1, Key: config().Key},
	} {
		ch, url := open(t, newHouse(), c)
		first := dial(t, url)
		_, resp, err := websocket.DefaultDialer.Dial(url, nil)
		if err == nil || resp.StatusCode != want || resp.Header.Get("Retry-After") == "" {
			t.Errorf("a second connection: %v", err)
		}
		first.ws.Close()
		until(t, "place free", func() bool { ch.mu.Lock(); defer ch.mu.Unlock(); return ch.open == 0 && len(ch.hosts) == 0 })
		dial(t, url)
	}
}

func TestOrigins(t *testing.T) {
	named := config()
	named.PublicURL, named.Origins = "https://City.example/path", []string{"http://localhost:8080"}
	for _, c := range []struct {
		config Config
		origin string
		ok     bool
	}{
		{named, "", true}, {named, "https://city.example", true}, {named, "http://localhost:8080", true},
		{named, "http://city.example", false}, {named, "https://city.example:8443", false}, {named, "https://evil.example", false}, {named, "null", false},
		{config(), "http://evil.example", false}, {config(), "null", false}, {config(), "same", true},
	} {
		_, url := open(t, newHouse(), c.config)
		head := http.Header{}
		if c.origin == "same" {
			c.origin = "http" + strings.TrimSuffix(strings.TrimPrefix(url, "ws"), Path)
		}
		if c.origin != "" {
			head.Set("Origin", c.origin)
		}
		ws, resp, err := websocket.DefaultDialer.Dial(url, head)
		if err == nil {
			ws.Close()
		} else if resp.StatusCode != http.StatusForbidden {
			t.Errorf("%q: status %d", c.origin, resp.StatusCode)
		}
		if (err == nil) != c.ok {
			t.Errorf("%q: %v, want ok=%v", c.origin, err, c.ok)
		}
	}
}

// TestCloseAcknowledgesWhatItStores ends while a message is being stored: its ack comes first, then 1001.
func TestCloseAcknowledgesWhatItStores(t *testing.T) {
	h := newHouse()
	in, out := make(chan struct{}), make(chan struct{})
	h.accept = func(context.Context, channels.Message) error { close(in); <-out; return nil }
	ch, url := open(t, h, config())
	idle := dial(t, url)
	idle.hello("", 0)
	b := dial(t, url)
	b.hello("", 0)
	b.send(`{"type":"message","id":"1","text":"x"}`)
	<-in
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- ch.Listen(ctx, h) }()
	cancel()
	if got := idle.closed(); got != websocket.CloseGoingAway {
		t.Errorf("idle closed with %d", got)
	}
	close(out)
	b.want(`{"type":"ack","id":"1"}`)
	if got := b.closed(); got != websocket.CloseGoingAway {
		t.Errorf("closed with %d", got)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if _, resp, err := websocket.DefaultDialer.Dial(url, nil); err == nil || resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("a new chat after the close: %v", err)
	}
}

// TestCloseCutsWhatHangs ends while a store hangs that only its context frees.
func TestCloseCutsWhatHangs(t *testing.T) {
	h := newHouse()
	in := make(chan struct{})
	h.accept = func(ctx context.Context, _ channels.Message) error { close(in); <-ctx.Done(); return ctx.Err() }
	c := config()
	c.AcceptTimeout = time.Hour
	ch, url := open(t, h, c)
	b := dial(t, url)
	b.hello("", 0)
	b.send(`{"type":"message","id":"1","text":"x"}`)
	<-in
	ch.Close()
	ch.mu.Lock()
	defer ch.mu.Unlock()
	if ch.open != 0 || len(ch.talks) != 0 {
		t.Errorf("%d talks are left", ch.open)
	}
}

// TestSlowBrowserIsDropped never reads, while more is said than socket buffers hold.
func TestSlowBrowserIsDropped(t *testing.T) {
	h := newHouse()
	c := config()
	c.WriteTimeout = 50 * time.Millisecond
	ch, url := open(t, h, c)
	b := dial(t, url)
	b.hello("", 0)
	for range 5000 {
		h.say(to("s1", strings.Repeat("long ", 800)))
	}
	ch.Send(t.Context(), to("s1", ""))
	until(t, "dropped", func() bool { ch.mu.Lock(); defer ch.mu.Unlock(); return ch.open == 0 })
}

func TestQuietPeerIsDropped(t *testing.T) {
	c := config()
	c.Ping = 10 * time.Millisecond
	ch, url := open(t, newHouse(), c)
	b := dial(t, url) // answers no ping, because it does not read
	b.send(`{"type":"hello"}`)
	until(t, "dropped", func() bool { ch.mu.Lock(); defer ch.mu.Unlock(); return ch.open == 0 })
}
