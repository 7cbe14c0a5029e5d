package pages_test

import (
	"bytes"
	"context"
	"image"
	"image/png"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"gatehouse/configs/database/databasetest"
	"gatehouse/deploy/carriers"
	"gatehouse/deploy/carriers/relay"
	"gatehouse/deploy/carriers/telegram"

	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"golang.org/x/net/html"
)

const (
	phone = "/phone/+447700900101"
	chat  = "/chat/1003"
	box   = "/mailbox/customs@northdock.example"
)

type bench struct {
	*carriers.Carriers
	t    *testing.T
	http *http.Client
}

func open(t *testing.T) bench {
	t.Helper()
	c, err := carriers.Start(t.Context(), carriers.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	tr := &http.Transport{}
	t.Cleanup(tr.CloseIdleConnections)
	return bench{c, t, &http.Client{Transport: tr, Timeout: 2 * time.Minute}}
}

func (b bench) do(req *http.Request) (*http.Response, string) {
	b.t.Helper()
	res, err := b.http.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return res, string(body)
}

func (b bench) get(path string, head ...string) (*http.Response, string) {
	b.t.Helper()
	req, _ := http.NewRequestWithContext(b.t.Context(), http.MethodGet, b.URL()+path, nil)
	for i := 0; i+1 < len(head); i += 2 {
		req.Header.Set(head[i], head[i+1])
	}
	return b.do(req)
}

// post sends a form as a browser does, with at most one file; redirects are followed.
func (b bench) post(path string, fields url.Values, file, kind string, data []byte) (*http.Response, string) {
	b.t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for k := range fields {
		_ = w.WriteField(k, fields.Get(k)) // a buffer takes everything
	}
	if file != "" {
		p, _ := w.CreatePart(map[string][]string{"Content-Disposition": {`form-data; name="file"; filename="` + file + `"`}, "Content-Type": {kind}})
		_, _ = p.Write(data)
	}
	_ = w.Close()
	req, _ := http.NewRequestWithContext(b.t.Context(), http.MethodPost, b.URL()+path, &body)
	req.Header.Set("Content-Type", w.FormDataContentType())
	return b.do(req)
}

// text is what a page says, without its mark-up.
func text(page string) string {
	var out strings.Builder
	z := html.NewTokenizer(strings.NewReader(page))
	for z.Next() != html.ErrorToken {
		if t := z.Token(); t.Type == html.TextToken {
			out.WriteString(t.Data)
		}
	}
	return strings.Join(strings.Fields(out.String()), " ")
}

func wants(t *testing.T, what, page string, words ...string) {
	t.Helper()
	said := text(page)
	for _, w := range words {
		if !strings.Contains(said, w) {
			t.Errorf("%s does not say %q: %s", what, w, said)
		}
	}
}

func picture() []byte {
	var out bytes.Buffer
	_ = png.Encode(&out, image.NewRGBA(image.Rect(0, 0, 20, 10)))
	return out.Bytes()
}

func TestStartOffersPeopleAndMagic(t *testing.T) {
	b := open(t)
	res, page := b.get("/")
	wants(t, "the start page", page, "Maria Silveira", "+447700900900", "20429", "greylist@magic.example", b.MailAddr())
	if csp := res.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "script-src 'self'") || strings.Contains(csp, "unsafe") {
		t.Errorf("policy %q", csp)
	}
	for from, to := range map[string]string{
		"/phone?number=%2B44+7700+900150": "/phone/+447700900150", "/chat?id=7": "/chat/7", "/phone?number=/": "/", "/mailbox?address=": "/",
	} {
		if res, _ := b.get(from); res.Request.URL.Path != to {
			t.Errorf("%s leads to %s", from, res.Request.URL.Path)
		}
	}
	for _, path := range []string{"/phone/x", "/chat/x", "/chat/-1", "/mailbox/x", "/stand/pages.go", "/nowhere", "/chat/1/file/x",
		phone + "/media/1/0", box + "/mail/1", box + "/mail/1/file/0", box + "/mail/1/html", box + "/mail/1/raw"} {
		if res, _ := b.get(path); res.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d", path, res.StatusCode)
		}
	}
	for path, kind := range map[string]string{"/stand/stand.css": "text/css", "/stand/stand.js": "text/javascript", "/look/look.css": "text/css"} {
		if res, _ := b.get(path); !strings.HasPrefix(res.Header.Get("Content-Type"), kind) {
			t.Errorf("%s: %s", path, res.Header.Get("Content-Type"))
		}
	}
}

// Everything on a phone works without the script.
func TestPhone(t *testing.T) {
	b := open(t)
	_, page := b.post(phone, url.Values{"text": {"how do i <b>get rid</b> of a sofa"}}, "", "", nil)
	wants(t, "the phone", page, "how do i <b>get rid</b> of a sofa", "1 part GSM-7")
	_, page = b.post(phone, url.Values{"text": {"ça"}}, "sofa.png", "image/png", picture())
	wants(t, "the phone", page, "ça", "UCS-2")
	at := strings.Index(page, `src="/phone/`)
	if at < 0 {
		t.Fatal("no picture on the phone")
	}
	src, _, _ := strings.Cut(html.UnescapeString(page[at+len(`src="`):]), `"`)
	if res, data := b.get(src); res.Header.Get("Content-Type") != "image/png" || data != string(picture()) {
		t.Errorf("picture: %v", res.Header)
	}
	res, _ := b.post(phone, url.Values{"text": {" "}}, "", "", nil)
	if res.StatusCode != http.StatusOK { // a blank is a text
		t.Errorf("a blank: %d", res.StatusCode)
	}
	if res, page = b.post(phone, url.Values{}, "", "", nil); res.StatusCode != http.StatusBadRequest {
		t.Errorf("nothing: %d", res.StatusCode)
	}
	wants(t, "the phone", page, "body: is empty")
	if res, _ := b.post(phone, url.Values{"text": {"x"}}, "big.png", "image/png", make([]byte, 6<<20)); res.StatusCode != http.StatusBadRequest {
		t.Errorf("too large a picture: %d", res.StatusCode)
	}
	_, page = b.post(phone, url.Values{"text": {"STOP"}}, "", "", nil)
	wants(t, "the phone", page, "You have successfully been unsubscribed", "The carrier blocks what is sent to this phone")
}

func TestThreadIsSentOnlyWhenItChanged(t *testing.T) {
	b := open(t)
	for _, path := range []string{phone, chat, box} {
		res, _ := b.get(path + "/thread")
		tag := res.Header.Get("ETag")
		if res, page := b.get(path+"/thread", "If-None-Match", tag); res.StatusCode != http.StatusNotModified || page != "" {
			t.Errorf("%s unchanged: %d", path, res.StatusCode)
		}
		must(t, b)
		if res, page := b.get(path+"/thread", "If-None-Match", tag); res.StatusCode != http.StatusOK || !strings.Contains(page, "news") {
			t.Errorf("%s changed: %d %s", path, res.StatusCode, page)
		}
	}
}

// must brings news to all three.
func must(t *testing.T, b bench) {
	t.Helper()
	_, err1 := b.Text("+447700900101", "news")
	_, err2 := b.Say(1003, "news")
	_, err3 := b.Write(relay.Draft{From: "a@mail.example", To: []string{"customs@northdock.example"}, Subject: "news"})
	if err1 != nil || err2 != nil || err3 != nil {
		t.Fatal(err1, err2, err3)
	}
}

func (b bench) bot(method, body string) {
	b.t.Helper()
	req, _ := http.NewRequestWithContext(b.t.Context(), http.MethodPost, b.URL()+"/bot"+carriers.DemoToken+"/"+method, strings.NewReader(body))
	req.Header.Set("Content-Type", "application/json")
	if res, out := b.do(req); res.StatusCode != http.StatusOK {
		b.t.Fatalf("%s: %s", method, out)
	}
}

func TestChat(t *testing.T) {
	b := open(t)
	_, page := b.get(chat)
	wants(t, "an empty chat", page, "Start")
	b.bot("sendMessage", `{"chat_id":1003,"text":"أي يوم؟ https://portlumen.example/p/1.","reply_markup":{"inline_keyboard":[[{"text":"Thu","callback_data":"d1"}]]}}`)
	_, page = b.get(chat)
	if !strings.Contains(page, `dir="auto"`) || !strings.Contains(page, `href="https://portlumen.example/p/1"`) {
		t.Error("no direction, or no link")
	}
	said := b.Said(1003)[0].Message
	_, page = b.post(chat, url.Values{"do": {"press"}, "message": {telegram.Key(said.ID)}, "data": {"d1"}}, "", "", nil)
	if !strings.Contains(page, `aria-pressed="true"`) {
		t.Error("the pressed button does not show")
	}
	b.bot("sendMessage", `{"chat_id":1003,"text":"who?","reply_markup":{"keyboard":[[{"text":"My number","request_contact":true},{"text":"No"}]]}}`)
	_, page = b.post(chat, url.Values{"do": {"contact"}}, "", "", nil)
	wants(t, "the chat", page, "+447700900103", "My number", "No")
	for _, do := range []string{"location", "block"} {
		_, page = b.post(chat, url.Values{"do": {do}}, "", "", nil)
	}
	wants(t, "the chat", page, "44.4012", "You have blocked the bot")
	if res, _ := b.post(chat, url.Values{"do": {"say"}, "text": {"x"}}, "", "", nil); res.StatusCode != http.StatusBadRequest {
		t.Errorf("wrote to a blocked bot: %d", res.StatusCode)
	}
	b.post(chat, url.Values{"do": {"unblock"}}, "", "", nil)
	b.post(chat, url.Values{"do": {"say"}, "text": {"the pole"}}, "pole.png", "image/png", picture())
	_, page = b.post(chat, url.Values{"do": {"say"}}, "rows.csv", "text/csv", []byte("a;b"))
	wants(t, "the chat", page, "the pole", "rows.csv")
	entries := b.Chat.Entries().Of("1003", 0)
	last := entries[len(entries)-1].Value
	res, data := b.get("/chat/1003/file/" + last.Files[0].ID)
	if data != "a;b" || !strings.HasPrefix(res.Header.Get("Content-Disposition"), "attachment") || res.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("file: %q %v", data, res.Header)
	}
	for _, do := range []string{"press", "odd"} {
		if res, _ := b.post(chat, url.Values{"do": {do}}, "", "", nil); res.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %d", do, res.StatusCode)
		}
	}
}

func TestMailbox(t *testing.T) {
	b := open(t)
	raw := "From: Port Lumen <case+1.mac@portlumen.example>\r\nTo: customs@northdock.example\r\nMessage-ID: <1@portlumen.example>\r\n" +
		"Reply-To: <case+1.mac@portlumen.example>\r\nSubject: =?utf-8?q?D=C3=A9cision?=\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n" +
		"--x\r\nContent-Type: text/html\r\n\r\n<script>alert(1)</script><p>granted</p>\r\n--x\r\nContent-Type: text/plain\r\n\r\ngranted\r\n" +
		"--x\r\nContent-Disposition: attachment; filename=\"page.html\"\r\nContent-Type: text/html\r\n\r\n<script>1</script>\r\n--x--\r\n"
	if _, err := b.Write(relay.Draft{From: "a@mail.example", To: []string{"customs@northdock.example"}, Raw: []byte(raw)}); err != nil {
		t.Fatal(err)
	}
	_, page := b.get(box)
	wants(t, "the mailbox", page, "Décision", "Port Lumen", "granted")
	seq := b.Mail.Mails().Of("customs@northdock.example", 0)[0].Seq
	base := box + "/mail/" + telegram.Key(int64(seq))
	_, page = b.get(base)
	wants(t, "the mail", page, "Décision", "granted", "page.html", "Envelope from", "<a@mail.example>", "Message-Id")
	for path, begin := range map[string]string{"/file/0": "attachment", "/raw": "attachment"} {
		res, data := b.get(base + path)
		if !strings.HasPrefix(res.Header.Get("Content-Disposition"), begin) || res.Header.Get("Content-Type") != "application/octet-stream" || data == "" {
			t.Errorf("%s: %v", path, res.Header)
		}
	}
	if res, _ := b.get(base + "/html"); !strings.Contains(res.Header.Get("Content-Security-Policy"), "sandbox") {
		t.Errorf("HTML: %v", res.Header)
	}

	_, page = b.get(box + "/write?reply=" + telegram.Key(int64(seq)))
	if !strings.Contains(page, "Re: Décision") || !strings.Contains(html.UnescapeString(page), "case+1.mac@portlumen.example") || !strings.Contains(html.UnescapeString(page), "> granted") {
		t.Errorf("reply form: %s", text(page))
	}
	res, page := b.post(box+"/write?bare", url.Values{"to": {"help@portlumen.example, b@mail.example"}, "subject": {"Re: Décision"},
		"text": {"thanks"}, "reply": {telegram.Key(int64(seq))}}, "rows.csv", "text/csv", []byte("a;b"))
	if res.Request.URL.RequestURI() != box+"?bare" {
		t.Errorf("led to %s", res.Request.URL)
	}
	wants(t, "the mailbox", page, "Re: Décision", "waiting")
	got := b.Mails("b@mail.example")
	if len(got) != 1 || got[0].InReplyTo[0] != "1@portlumen.example" || got[0].Files[0].Name != "rows.csv" || !strings.Contains(got[0].From, "North Dock Freight") {
		t.Errorf("the other mailbox: %+v", got)
	}
	res, page = b.post(box+"/write", url.Values{"to": {"nobody"}, "text": {"kept"}}, "", "", nil)
	if res.StatusCode != http.StatusBadRequest {
		t.Errorf("no address: %d", res.StatusCode)
	}
	wants(t, "the form", page, "To must hold", "kept")
}

func TestSideBySide(t *testing.T) {
	b := open(t)
	_, page := b.get("/side?p=phone/+447700900101&p=/chat/1003&p=control/stats&p=https://strange.example")
	if strings.Count(page, "<iframe") != 2 || !strings.Contains(page, "/chat/1003?bare") || !strings.Contains(html.UnescapeString(page), "/phone/+447700900101?bare") {
		t.Error(page)
	}
}

// In a browser: what is written appears without a reload, an answer too, and a button can be pressed; the policy
// stops nothing of ours.
func TestInTheBrowser(t *testing.T) {
	databasetest.Need(t, "chromium", "/usr/bin/chromium")
	b := open(t)
	ctx, stop := browser(t)
	defer stop()
	b.write(ctx)
	if e, _ := b.Chat.Entries().Last("1003"); e.Value.Pressed != "d1" {
		t.Errorf("the bot's message: %+v", e.Value)
	}
	fault, err := "", chromedp.Do(ctx,
		chromedp.Navigate(b.URL()+phone),
		chromedp.Click(chromedp.CSS(".compose .primary")),
		chromedp.WaitVisible(chromedp.CSS("#fault:not([hidden])")),
	)
	if err == nil {
		fault, err = chromedp.Run(ctx, chromedp.Text(chromedp.CSS("#fault")))
	}
	if err != nil || !strings.Contains(fault, "body: is empty") {
		t.Errorf("%v, fault %q", err, fault)
	}
}

// browser starts Chromium and reports what goes wrong in scripts.
func browser(t *testing.T) (context.Context, func()) {
	t.Helper()
	opts := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]), chromedp.ExecPath("/usr/bin/chromium"),
		chromedp.Flag("no-sandbox", true), chromedp.Flag("disable-gpu", true), chromedp.Flag("disable-quic", true))
	ctx, stop1 := chromedp.NewExecAllocator(t.Context(), opts...)
	ctx, stop2 := chromedp.NewContext(ctx)
	ctx, stop3 := context.WithTimeout(ctx, time.Minute)
	err := chromedp.Listen(ctx, func(e any) {
		if x, ok := e.(*runtime.EventExceptionThrown); ok {
			t.Errorf("the script failed: %v", x.ExceptionDetails.Text)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return ctx, func() { stop3(); stop2(); stop1() }
}

// write has a person write, hear an answer and press its button, all on one page.
func (b bench) write(ctx context.Context) {
	b.t.Helper()
	err := chromedp.Do(ctx,
		chromedp.Navigate(b.URL()+chat),
		chromedp.SendKeys(chromedp.CSS("#text"), "hello there\n"),
		chromedp.WaitVisible(`//li//p[text()="hello there"]`),
	)
	if err != nil {
		b.t.Fatal(err)
	}
	if _, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`window.marked = true`)); err != nil {
		b.t.Fatal(err)
	}
	b.bot("sendMessage", `{"chat_id":1003,"text":"which?","reply_markup":{"inline_keyboard":[[{"text":"Thursday","callback_data":"d1"}]]}}`)
	err = chromedp.Do(ctx,
		chromedp.Click(`//button[text()="Thursday"]`),
		chromedp.WaitVisible(`//button[@aria-pressed="true"]`),
	)
	if err != nil {
		b.t.Fatal(err)
	}
	stayed, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`window.marked === true && document.querySelector("#fault").hidden`))
	if err != nil || !stayed {
		b.t.Errorf("%v; the page stayed: %v", err, stayed)
	}
}
