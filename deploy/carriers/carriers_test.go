package carriers_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/smtp"
	"net/url"
	"strings"
	"testing"
	"time"

	"gatehouse/deploy/carriers"
	"gatehouse/deploy/carriers/faults"
	"gatehouse/deploy/carriers/relay"
	"gatehouse/deploy/carriers/telegram"
	"gatehouse/deploy/carriers/twilio"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const person = "+447700900123"

func start(t *testing.T) *carriers.Carriers {
	t.Helper()
	c, err := carriers.Start(t.Context(), carriers.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// web is a client whose connections end with the test.
func web(t *testing.T) *http.Client {
	tr := &http.Transport{}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: 2 * time.Minute}
}

type api struct {
	t    *testing.T
	http *http.Client
	base string
}

func (a api) do(method, path string, in any) (int, map[string]any) {
	a.t.Helper()
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			a.t.Fatal(err)
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(a.t.Context(), method, a.base+path, body)
	if err != nil {
		a.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := a.http.Do(req)
	if err != nil {
		a.t.Fatal(err)
	}
	defer res.Body.Close()
	var out map[string]any
	if err := json.NewDecoder(res.Body).Decode(&out); err != nil {
		a.t.Fatalf("%s %s: %d, %v", method, path, res.StatusCode, err)
	}
	return res.StatusCode, out
}

func (a api) ok(method, path string, in any) map[string]any {
	a.t.Helper()
	status, out := a.do(method, path, in)
	if status != http.StatusOK {
		a.t.Fatalf("%s %s: %d %v", method, path, status, out)
	}
	return out
}

// create sends a text as Twilio's clients do.
func create(t *testing.T, hc *http.Client, base, to, body string) int {
	t.Helper()
	form := url.Values{"To": {to}, "From": {carriers.DemoNumber}, "Body": {body}}
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost,
		base+"/2010-04-01/Accounts/"+carriers.DemoAccountSID()+"/Messages.json", strings.NewReader(form.Encode()))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(carriers.DemoAccountSID(), carriers.DemoAuthToken)
	res, err := hc.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	return res.StatusCode
}

func TestTextsBothWays(t *testing.T) {
	c, hc := start(t), web(t)
	got := make(chan string, 1)
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got <- r.PostFormValue("Body") }))
	defer hook.Close()
	c.SMS.SetWebhooks(hook.URL)
	if _, err := c.Text(person, "how do i get rid of a sofa"); err != nil {
		t.Fatal(err)
	}
	if s := <-got; s != "how do i get rid of a sofa" {
		t.Errorf("the gateway got %q", s)
	}
	if status := create(t, hc, c.URL(), person, "Bulky waste"); status != http.StatusCreated {
		t.Fatalf("create: %d", status)
	}
	m, err := c.AwaitText(t.Context(), person, time.Minute, func(m twilio.Message) bool { return m.Status == "delivered" })
	if err != nil || m.Body != "Bulky waste" || c.Creates(person, "Bulky waste") != 1 || c.Creates(person, "x") != 0 {
		t.Errorf("%+v %v", m, err)
	}
	if _, err := c.AwaitText(t.Context(), person, time.Millisecond, func(m twilio.Message) bool { return m.Body == "x" }); err == nil {
		t.Error("found what is not there")
	}
}

func TestChatBothWays(t *testing.T) {
	c, hc := start(t), web(t)
	bot := api{t, hc, c.URL() + "/bot" + carriers.DemoToken}
	if _, err := c.Say(7, "hello"); err != nil {
		t.Fatal(err)
	}
	out := bot.ok(http.MethodGet, "/getUpdates?timeout=5", nil)
	if n := len(out["result"].([]any)); n != 1 {
		t.Errorf("%d updates", n)
	}
	bot.ok(http.MethodPost, "/sendMessage", map[string]any{"chat_id": 7, "text": "which?", "reply_markup": map[string]any{
		"inline_keyboard": [][]map[string]string{{{"text": "A", "callback_data": "a"}}}}})
	if _, err := c.AwaitSaid(t.Context(), 7, time.Minute, func(e telegram.Entry) bool { return e.Message.Text == "which?" }); err != nil {
		t.Error(err)
	}
	if err := c.Press(7, "a"); err != nil {
		t.Error(err)
	}
}

func TestMailAndNames(t *testing.T) {
	c := start(t)
	err := smtp.SendMail(c.MailAddr(), nil, "bounce+1@portlumen.example", []string{"maria@northdock.example"},
		[]byte("Subject: granted\r\nMessage-ID: <1@portlumen.example>\r\n\r\nYour licence\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	m, err := c.AwaitMail(t.Context(), "maria@northdock.example", time.Minute, func(m relay.Mail) bool { return m.MessageID == "1@portlumen.example" })
	if err != nil || m.Subject != "granted" {
		t.Errorf("%+v %v", m, err)
	}
	r := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, c.DNSAddr())
	}}
	if mx, err := r.LookupMX(t.Context(), carriers.DemoDomain); err != nil || len(mx) != 1 {
		t.Errorf("MX %v %v", mx, err)
	}
}

func TestControl(t *testing.T) {
	c := start(t)
	a := api{t, web(t), c.URL()}
	a.ok("POST", "/control/sms/webhooks", map[string]any{"urls": []string{}})
	sid := a.ok("POST", "/control/sms/send", map[string]any{"from": person, "text": "hi"})["sid"]
	rows := a.ok("GET", "/control/sms/messages?number="+url.QueryEscape(person)+"&wait=1s", nil)["messages"].([]any)
	if len(rows) != 1 || rows[0].(map[string]any)["message"].(map[string]any)["sid"] != sid {
		t.Errorf("messages %v, sid %v", rows, sid)
	}

	a.ok("POST", "/control/chat/person", map[string]any{"id": 7, "first_name": "María"})
	for _, in := range []map[string]any{
		{"chat": 7, "text": "hi"}, {"chat": 7, "contact": "own"}, {"chat": 7, "contact": "+447700900555"},
		{"chat": 7, "location": map[string]float64{"latitude": 44.4, "longitude": -30.2}},
		{"chat": 7, "file": map[string]any{"name": "a.csv", "type": "text/csv", "data": []byte("a;b")}, "caption": "rows"},
	} {
		if a.ok("POST", "/control/chat/send", in)["message_id"].(float64) == 0 {
			t.Errorf("%v: no id", in)
		}
	}
	out := a.ok("GET", "/control/chat/messages?chat=7", nil)
	if len(out["messages"].([]any)) != 5 {
		t.Errorf("chat %v", out)
	}
	next := out["next"].(float64)
	a.ok("POST", "/control/chat/block", map[string]any{"chat": 7, "blocked": true})
	if rows := a.ok("GET", "/control/chat/messages?chat=7&after="+jsonNumber(next), nil)["messages"].([]any); len(rows) != 0 {
		t.Errorf("after the last: %v", rows)
	}

	id := a.ok("POST", "/control/mail/send", map[string]any{"from": "a@mail.example", "to": []string{"b@mail.example"}, "subject": "x", "text": "y"})["message_id"]
	rows = a.ok("GET", "/control/mail/messages?to=B@mail.example", nil)["messages"].([]any)
	if len(rows) != 1 || rows[0].(map[string]any)["message"].(map[string]any)["message_id"] != id {
		t.Errorf("mail %v", rows)
	}
	a.ok("POST", "/control/mail/gateway", map[string]any{"address": "127.0.0.1:2525"})

	a.ok("POST", "/control/faults", faults.Rule{Carrier: faults.SMS, Kind: faults.Throttled, After: faults.Delay(time.Second)})
	if status := create(t, a.http, c.URL(), person, "x"); status != http.StatusTooManyRequests {
		t.Errorf("with a fault: %d", status)
	}
	if n := len(a.ok("GET", "/control/faults", nil)["rules"].([]any)); n != 1 {
		t.Errorf("%d rules", n)
	}
	a.ok("DELETE", "/control/faults", nil)
	if status := create(t, a.http, c.URL(), person, "x"); status != http.StatusCreated {
		t.Errorf("without: %d", status)
	}
	stats := a.ok("GET", "/control/stats", nil)
	if stats["sms"].(map[string]any)["taken"].(float64) != 1 {
		t.Errorf("stats %v", stats)
	}
	if a.ok("GET", "/control/addresses", nil)["mailbox"] != c.MailAddr() {
		t.Error("addresses differ")
	}
}

func jsonNumber(f float64) string {
	b, _ := json.Marshal(f)
	return string(b)
}

func TestControlNamesWhatIsWrong(t *testing.T) {
	c := start(t)
	a := api{t, web(t), c.URL()}
	tests := []struct {
		method, path string
		in           any
		key          string
	}{
		{"POST", "/control/sms/send", map[string]any{"from": "x", "text": "y"}, "from"},
		{"POST", "/control/sms/send", map[string]any{"form": "x"}, "body"},
		{"POST", "/control/sms/send", "x", "body"},
		{"POST", "/control/chat/send", map[string]any{"chat": 0, "text": "y"}, "chat"},
		{"POST", "/control/chat/press", map[string]any{"chat": 7, "data": "y"}, "the message"},
		{"POST", "/control/chat/person", map[string]any{"id": -1}, "id"},
		{"POST", "/control/mail/send", map[string]any{"from": "x"}, "from"},
		{"POST", "/control/mail/gateway", map[string]any{"address": "x"}, "gateway"},
		{"POST", "/control/faults", map[string]any{"carrier": "sms", "kind": "x"}, "kind"},
		{"GET", "/control/sms/messages", nil, "number"},
		{"GET", "/control/chat/messages?chat=1&after=x", nil, "after"},
		{"GET", "/control/mail/messages?to=a&wait=1h", nil, "wait"},
	}
	for _, tt := range tests {
		status, out := a.do(tt.method, tt.path, tt.in)
		if text, _ := out["error"].(string); status != http.StatusBadRequest || !strings.HasPrefix(text, tt.key) {
			t.Errorf("%s %s %v: %d %v", tt.method, tt.path, tt.in, status, out)
		}
	}
}

func TestControlRefusesAnotherOrigin(t *testing.T) {
	c := start(t)
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, c.URL()+"/control/sms/send", strings.NewReader(`{"from":"+447700900123","text":"x"}`))
	req.Header.Set("Origin", "https://strange.example")
	res, err := web(t).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusForbidden || c.Stats().SMS.Inbound != 0 {
		t.Errorf("answered %d", res.StatusCode)
	}
}

// Close must end a long poll, a list that waits and a slow answer, all under way.
func TestCloseEndsWhatWaits(t *testing.T) {
	c, err := carriers.Start(t.Context(), carriers.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Faults.Set(faults.Rule{Carrier: faults.SMS, Kind: faults.Slow, After: faults.Delay(time.Minute)}); err != nil {
		t.Fatal(err)
	}
	hc, base := web(t), c.URL()
	ended := make(chan struct{}, 3)
	for _, path := range []string{"/bot" + carriers.DemoToken + "/getUpdates?timeout=50", "/control/chat/messages?chat=7&wait=30s"} {
		go func() {
			if res, err := hc.Get(base + path); err == nil { //nolint:noctx // ended by the other side
				res.Body.Close()
			}
			ended <- struct{}{}
		}()
	}
	go func() {
		form := url.Values{"To": {person}, "From": {carriers.DemoNumber}, "Body": {"x"}}
		u := strings.Replace(base, "http://", "http://"+carriers.DemoAccountSID()+":"+carriers.DemoAuthToken+"@", 1)
		if res, err := hc.PostForm(u+"/2010-04-01/Accounts/"+carriers.DemoAccountSID()+"/Messages.json", form); err == nil { //nolint:noctx // as above
			res.Body.Close()
		}
		ended <- struct{}{}
	}()
	if _, err := c.AwaitText(t.Context(), person, time.Minute, func(twilio.Message) bool { return true }); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	go func() {
		c.Close()
		cancel()
	}()
	<-ctx.Done()
	if context.Cause(ctx) == context.DeadlineExceeded {
		t.Error("Close waited for what it ends")
	}
	for range 3 {
		<-ended
	}
	c.Close()
}

func TestConfigFaultsAndTakenPorts(t *testing.T) {
	c := start(t)
	for want, cfg := range map[string]carriers.Config{
		"CARRIERS_LISTEN":  {Listen: c.Addresses()["carriers"]},
		"MAILBOX_LISTEN":   {MailboxListen: c.MailAddr()},
		"DNS_LISTEN":       {DNSListen: c.DNSAddr()},
		"listen: ":         {Listen: "x"},
		"public_url: ":     {PublicURL: "x/"},
		"sms.numbers[0]: ": {SMS: twilio.Config{Numbers: []string{"x"}}},
		"mail.gateway: ":   {Mail: relay.Config{Gateway: "x"}},
	} {
		if got, err := carriers.Start(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
			if err == nil {
				got.Close()
			}
		}
	}
}
