package sms

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"gatehouse/channels"
	"gatehouse/channels/channeltest"
	"gatehouse/configs/secret"
)

func TestOptOutType(t *testing.T) {
	for sent, want := range map[string]channels.OptOut{"STOP": channels.OptedOut, "START": channels.OptedIn,
		"HELP": channels.AskedHelp, "": channels.NoOptEvent, "stop": channels.NoOptEvent, "OTHER": channels.NoOptEvent} {
		if got := optOut(sent); got != want {
			t.Errorf("%q: %q, want %q", sent, got, want)
		}
	}
}

func TestStates(t *testing.T) {
	for status, want := range map[string]channels.State{"accepted": channels.Accepted, "scheduled": channels.Accepted,
		"queued": channels.Accepted, "sending": channels.Accepted, "sent": channels.Accepted, "delivered": channels.Delivered,
		"read": channels.Delivered, "undelivered": channels.Failed, "failed": channels.Failed, "canceled": channels.Failed} {
		if got, ok := stateOf(status); got != want || !ok {
			t.Errorf("%s: %q", status, got)
		}
	}
	if _, ok := stateOf("partially_delivered"); ok {
		t.Error("an unknown status is known")
	}
	for code, want := range map[int]channels.Kind{0: channels.Rejected, 30005: channels.Unreachable, 21610: channels.Stopped,
		30008: channels.Temporary, 99999: channels.Rejected} {
		if got := undelivered(code); got.Kind != want {
			t.Errorf("%d: %v, want %s", code, got, want)
		}
	}
}

func TestAnswer(t *testing.T) {
	k := newTwilio(t)
	c := open(t, config(k, "https://city.example"), shared())
	for name, s := range map[string]struct {
		cause error
		want  int
	}{
		"stored":     {nil, 200},
		"busy":       {channels.ErrBusy, 503},
		"store away": {errors.New("disk"), 503},
		"too large":  {fmt.Errorf("keep: %w", channels.ErrTooLarge), 413},
		"not for us": {channels.ErrNotForUs, 404},
	} {
		in := new(channeltest.Inbox)
		if s.cause != nil {
			in.FailNext(1, s.cause)
		}
		w := serve(c, in, "/hooks/sms", inbound("SM1", "hi"))
		if w.Code != s.want {
			t.Errorf("%s: %d, want %d", name, w.Code, s.want)
		}
		if s.want == 200 && (w.Header().Get("Content-Type") != "text/xml" || !strings.HasSuffix(w.Body.String(), "<Response/>")) {
			t.Errorf("answer %q of type %q is no empty TwiML", w.Body, w.Header().Get("Content-Type"))
		}
	}
}

// serve gives one signed webhook to c without a network.
func serve(c *Channel, in channels.Inbox, uri string, q url.Values) *httptest.ResponseRecorder {
	mux := http.NewServeMux()
	c.Mount(mux, in)
	r := httptest.NewRequest(http.MethodPost, uri, strings.NewReader(q.Encode()))
	r.Header.Set("X-Twilio-Signature", sign(testToken, c.cfg.PublicURL+uri, q))
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	return w
}

func TestMediaURL(t *testing.T) {
	k := newTwilio(t)
	c := open(t, config(k, "https://city.example"), shared())
	path := "/2010-04-01/Accounts/" + testSID + "/Messages/MM1/Media/ME1"
	for in, want := range map[string]string{
		k.server.URL + path:                              k.server.URL + path,
		"https://api.twilio.com" + path:                  k.server.URL + path,
		"http://api.twilio.com" + path:                   "",
		"https://evil.example" + path:                    "",
		"https://api.twilio.com.evil.example" + path:     "",
		"http://169.254.169.254/latest/meta-data":        "",
		"https://user:pw@api.twilio.com" + path:          "",
		"https://api.twilio.com/other":                   "",
		"https://api.twilio.com/2010-04-01/Accounts/../": "",
		"file:///etc/passwd":                             "",
		"":                                               "",
		":":                                              "",
	} {
		got, err := c.mediaURL(in)
		if (err == nil) != (want != "") || err == nil && got.String() != want {
			t.Errorf("%q: %v (%v), want %q", in, got, err, want)
		}
	}
}

// A download goes to the API with credentials, follows it to Twilio's stores alone, and ends at the limit.
func TestDownload(t *testing.T) {
	k := newTwilio(t)
	foreign := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			t.Error("credentials were sent to another host")
		}
		fmt.Fprint(w, "from the store")
	}))
	t.Cleanup(foreign.Close)
	k.answerWith(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/MEaway"):
			http.Redirect(w, r, foreign.URL+"/x", http.StatusTemporaryRedirect)
		case strings.HasSuffix(r.URL.Path, "/MEround"):
			http.Redirect(w, r, r.URL.Path, http.StatusTemporaryRedirect)
		case strings.HasSuffix(r.URL.Path, "/MEgone"):
			refuse(w, 404, 20404)
		case strings.HasSuffix(r.URL.Path, "/MEchunked"):
			for range 3 {
				fmt.Fprint(w, strings.Repeat("x", 50))
				w.(http.Flusher).Flush()
			}
		default:
			fmt.Fprint(w, strings.Repeat("x", len(r.URL.Path[strings.LastIndex(r.URL.Path, "/ME")+3:])))
		}
	})
	cfg := config(k, "https://city.example")
	cfg.MaxMediaBytes = 100
	plain := open(t, cfg, shared())
	cfg.MediaHosts = []string{strings.TrimPrefix(foreign.URL, "https://")}
	trusting := open(t, cfg, shared())
	trusting.media.Transport = foreign.Client().Transport
	for name, s := range map[string]struct {
		c    *Channel
		sid  string
		size int
		is   error
	}{
		"just the limit":       {plain, strings.Repeat("y", 100), 100, nil},
		"over the limit":       {plain, strings.Repeat("y", 101), 0, channels.ErrTooLarge},
		"over it, no length":   {plain, "chunked", 0, channels.ErrTooLarge},
		"empty":                {plain, "", 0, nil},
		"foreign store":        {plain, "away", 0, errForeign},
		"store that is listed": {trusting, "away", 14, nil},
		"round and round":      {plain, "round", 0, errForeign},
		"gone":                 {plain, "gone", 0, errors.New("any")},
	} {
		got, err := fetch(t.Context(), s.c, k.mediaURL("ME"+s.sid))
		switch {
		case s.is == nil && (err != nil || len(got) != s.size):
			t.Errorf("%s: %d bytes (%v), want %d", name, len(got), err, s.size)
		case s.is != nil && (err == nil || s.is.Error() != "any" && !errors.Is(err, s.is)):
			t.Errorf("%s: %v, want %v", name, err, s.is)
		case err != nil && strings.Contains(err.Error(), testToken):
			t.Errorf("%s: the error shows the token", name)
		}
	}
}

func fetch(ctx context.Context, c *Channel, address string) ([]byte, error) {
	u, err := c.mediaURL(address)
	if err != nil {
		return nil, err
	}
	r, err := c.file(0, u, "image/jpeg").Open(ctx)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

func TestFileNames(t *testing.T) {
	k := newTwilio(t)
	c := open(t, config(k, "https://city.example"), shared())
	q := inbound("MM1", "")
	q.Set("NumMedia", "3")
	for i, kind := range []string{"image/jpeg", "text/x-vcard; charset=utf-8", "not a type"} {
		q.Set(fmt.Sprintf("MediaUrl%d", i), k.mediaURL("ME1"))
		q.Set(fmt.Sprintf("MediaContentType%d", i), kind)
	}
	f := parsed(t, q.Encode())
	media, err := c.mediaOf(f)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for i, u := range media {
		file := c.file(i, u, f.get(fmt.Sprintf("MediaContentType%d", i)))
		got = append(got, file.Name+" "+file.Type)
	}
	if want := "mms-1.jpg image/jpeg, mms-2.vcf text/x-vcard, mms-3.bin application/octet-stream"; strings.Join(got, ", ") != want {
		t.Errorf("%v, want %s", got, want)
	}
}

// TestMediaLeaveTwilio: once the Inbox has taken a picture it is deleted at Twilio. Where that fails the webhook is
// not acknowledged, and its repetition deletes; a picture that was not taken stays.
func TestMediaLeaveTwilio(t *testing.T) {
	k := newTwilio(t)
	in := new(channeltest.Inbox)
	mux := http.NewServeMux()
	open(t, config(k, "https://city.example"), shared()).Mount(mux, in)
	q := inbound("MM1", "a lamp")
	q.Set("NumMedia", "1")
	q.Set("MediaUrl0", k.mediaURL("ME1"))
	q.Set("MediaContentType0", "image/png")
	post := func() int {
		r := httptest.NewRequest(http.MethodPost, "/hooks/sms", strings.NewReader(q.Encode()))
		r.Header.Set("X-Twilio-Signature", sign(testToken, "https://city.example/hooks/sms", q))
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		return w.Code
	}
	if code := post(); code != http.StatusServiceUnavailable {
		t.Errorf("a picture that can't be fetched: %d", code)
	}
	k.media["ME1"] = []byte("picture")
	k.stuck = true
	if code := post(); code != http.StatusServiceUnavailable || len(k.media) != 1 {
		t.Errorf("deletion that fails: %d", code)
	}
	k.stuck = false
	for range 2 {
		if code := post(); code != http.StatusOK || len(k.media) != 0 {
			t.Errorf("repeated: %d, %d pictures at Twilio", code, len(k.media))
		}
	}
}

// quiet takes everything at once.
type quiet struct{}

func (quiet) Accept(context.Context, channels.Message) error { return nil }
func (quiet) Report(context.Context, channels.Receipt) error { return nil }

func BenchmarkWebhook(b *testing.B) {
	c, err := Open(Config{AccountSID: testSID, AuthToken: secret.New(testToken), From: ours, PublicURL: "https://city.example"},
		channeltest.NewShared(slog.New(slog.DiscardHandler), time.Now))
	if err != nil {
		b.Fatal(err)
	}
	mux := http.NewServeMux()
	c.Mount(mux, quiet{})
	q := inbound("SM0123456789abcdef0123456789abcdef", "How do I get rid of an old sofa?")
	body, signature := q.Encode(), sign(testToken, "https://city.example/hooks/sms", q)
	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequest(http.MethodPost, "/hooks/sms", strings.NewReader(body))
		r.Header.Set("X-Twilio-Signature", signature)
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		if w.Code != http.StatusOK {
			b.Fatal(w.Code)
		}
	}
}

// FuzzWebhook lets any form through the signature: what is accepted must be a message that can be answered.
func FuzzWebhook(f *testing.F) {
	f.Add(inbound("SM1", "hi").Encode(), "id=1")
	f.Add("MessageSid=SM1&From=%2B447700900123&NumMedia=2&MediaUrl0=https://api.twilio.com/2010-04-01/Accounts/x", "id=%00")
	f.Add("MessageSid=SM1&MessageStatus=failed&ErrorCode=x", "id=0198-c0de")
	c, err := Open(Config{AccountSID: testSID, AuthToken: secret.New(testToken), From: ours, PublicURL: "https://city.example"}, shared())
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body, query string) {
		q, err := url.ParseQuery(body)
		if err != nil {
			return
		}
		in := new(channeltest.Inbox)
		if q.Get("NumMedia") == "" || q.Get("NumMedia") == "0" { // the inbox would fetch files
			serve(c, in, "/hooks/sms", q)
		}
		if _, err := c.mediaOf(parsed(t, q.Encode())); err != nil && !errors.Is(err, errIncomplete) {
			t.Fatalf("files: %v", err)
		}
		if _, err := url.ParseRequestURI("/hooks/sms/status?" + query); err == nil && !strings.ContainsAny(query, " \t\r\n\x7f#") {
			serve(c, in, "/hooks/sms/status?"+query, q)
		}
		for _, r := range in.Receipts() {
			if !isID(r.MessageID) || !isSID(r.CarrierID) || (r.State == channels.Failed) != (r.Err != nil) {
				t.Fatalf("receipt %+v", r)
			}
		}
		for _, m := range in.Messages() {
			if !isNumber(m.From.Value) || !isSID(strings.TrimPrefix(m.ID, "sms:")) || len(m.Files) > maxFiles {
				t.Fatalf("message %q from %q", m.ID, m.From.Value)
			}
		}
	})
}
