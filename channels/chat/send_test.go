package chat

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"gatehouse/channels"
	"gatehouse/channels/channeltest"
)

func outbound(text string) channels.Message {
	return channels.Message{ID: "0198c0de", To: channels.Address{Channel: "chat", Value: strconv.Itoa(person)}, Text: text}
}

// Every row of the table, and what fits none, met through the real library: by a message and by an upload, whose
// errors the library leaves without a code.
func TestFailures(t *testing.T) {
	k := newStandIn(t)
	c := openChannel(t, config(k), shared())
	upload := outbound("hello")
	upload.Files = []channels.File{file("a.pdf", "x")}
	try := func(name string, status int, body string, kind channels.Kind, uncertain bool) {
		t.Helper()
		k.answerWith(func(_ string, w http.ResponseWriter, _ *http.Request) bool {
			w.WriteHeader(status)
			fmt.Fprint(w, body)
			return true
		})
		for _, m := range []channels.Message{outbound("hello"), upload} {
			_, err := c.Send(t.Context(), m)
			var e *channels.Error
			if !errors.As(err, &e) {
				t.Fatalf("%s: %v is not a *channels.Error", name, err)
			}
			if e.Kind != kind || e.Uncertain != uncertain {
				t.Errorf("%s: %v, uncertain %v; want %s, %v", name, e, e.Uncertain, kind, uncertain)
			}
			if s := fmt.Sprintf("%v %#v", e, e.Err); strings.Contains(s, testKey) || strings.Contains(s, channeltest.Marker) {
				t.Errorf("%s: the error shows too much: %s", name, s)
			}
		}
	}
	for _, r := range rows() {
		description, _ := json.Marshal("Oh: " + strings.ToUpper(r.phrase) + " " + channeltest.Marker)
		try(r.why, r.status, fmt.Sprintf(`{"ok":false,"error_code":%d,"description":%s}`, r.status, description), r.kind, false)
		try("no JSON, "+strconv.Itoa(r.status), r.status, "<html>", refusal(r.status, "", nil).Kind, false)
	}
	try("500", 500, `{"ok":false,"error_code":500,"description":"Internal Server Error"}`, channels.Temporary, false)
	try("502 of a proxy", 502, "<html>", channels.Temporary, true)
	try("418", 418, `{"ok":false,"error_code":418,"description":"x"}`, channels.Rejected, false)
	try("redirect", 302, "", channels.Misconfigured, false)
	try("garbled", 200, `{"ok":true,"result":`, channels.Temporary, true)
	try("no id", 200, `{"ok":true,"result":{}}`, channels.Temporary, true)
	try("true", 200, `{"ok":true,"result":true}`, channels.Temporary, true)
	try("endless", 200, strings.Repeat(" ", 2*maxAnswer), channels.Temporary, true)
}

func TestThrottled(t *testing.T) {
	for after, want := range map[string]time.Duration{"7": 7 * time.Second, "0": defaultAfter, "-1": defaultAfter, "999999999": longestAfter} {
		var p struct {
			RetryAfter int `json:"retry_after"`
		}
		_ = json.Unmarshal([]byte(`{"retry_after":`+after+`}`), &p)
		e := refusal(429, "", parameters(p.RetryAfter))
		if e.Kind != channels.Throttled || e.After != want {
			t.Errorf("%s: %v, wait %v, want %v", after, e, e.After, want)
		}
	}
}

// A dead address, a refused port, a cut line: no error shows the URL, which holds the token.
func TestTokenStaysHidden(t *testing.T) {
	hangup := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	t.Cleanup(hangup.Close)
	for name, address := range map[string]string{"refused": "http://127.0.0.1:1", "cut": hangup.URL,
		"odd path": "http://127.0.0.1:1/a%2Fb"} {
		var log strings.Builder
		s := shared()
		s.Log = slogTo(&log)
		cfg := config(newStandIn(t))
		cfg.APIURL = address
		c := openChannel(t, cfg, s)
		_, err := c.Send(t.Context(), outbound("hello"))
		_, fileErr := c.file("id", "", "", 0).Open(t.Context())
		p := &poller{Channel: c, in: new(channeltest.Inbox), lease: "x", owner: "y"}
		p.round(t.Context())
		_ = c.setWebhook(t.Context())
		c.answer(t.Context(), []string{"1"})
		if err == nil || fileErr == nil || log.Len() == 0 {
			t.Errorf("%s: %v, %v, log %q", name, err, fileErr, log.String())
		}
		for _, shown := range []string{fmt.Sprintf("%v %+v %#v", err, err, channels.AsError(err).Err), fileErr.Error(), log.String()} {
			if strings.Contains(shown, testKey) {
				t.Errorf("%s: the token is shown: %s", name, shown)
			}
		}
	}
	if err := offline(t).redact(errors.New("Post http://x/bot" + testToken)); strings.Contains(err.Error(), testKey) {
		t.Error(err)
	}
}

func TestSendRefusesWithoutAsking(t *testing.T) {
	k := newStandIn(t)
	c := openChannel(t, config(k), shared())
	k.answerWith(func(string, http.ResponseWriter, *http.Request) bool { t.Error("Telegram was asked"); return false })
	with := func(change func(*channels.Message)) channels.Message {
		m := outbound("hi")
		change(&m)
		return m
	}
	many := make([]channels.Option, maxButtons+1)
	for name, s := range map[string]struct {
		m    channels.Message
		kind channels.Kind
	}{
		"no text":       {outbound(""), channels.Rejected},
		"too long":      {outbound(strings.Repeat("😀", MaxText/2+1)), channels.Rejected},
		"long value":    {with(func(m *channels.Message) { m.Options = []channels.Option{{Label: "a", Value: strings.Repeat("x", 65)}} }), channels.Rejected},
		"no label":      {with(func(m *channels.Message) { m.Options = []channels.Option{{Value: "x"}} }), channels.Rejected},
		"many options":  {with(func(m *channels.Message) { m.Options = many }), channels.Rejected},
		"many files":    {with(func(m *channels.Message) { m.Files = make([]channels.File, maxFiles+1) }), channels.Rejected},
		"a huge file":   {with(func(m *channels.Message) { m.Files = []channels.File{{Size: maxUpload + 1}} }), channels.Rejected},
		"no chat":       {with(func(m *channels.Message) { m.To.Value = "@ana" }), channels.Unreachable},
		"file is gone":  {with(func(m *channels.Message) { m.Files = []channels.File{{Open: gone}} }), channels.Temporary},
		"chat zero":     {with(func(m *channels.Message) { m.To.Value = "0" }), channels.Unreachable},
		"chat too long": {with(func(m *channels.Message) { m.To.Value = "99999999999999999999" }), channels.Unreachable},
	} {
		if _, err := c.Send(t.Context(), s.m); err == nil || channels.AsError(err).Kind != s.kind || channels.AsError(err).Uncertain {
			t.Errorf("%s: %v, want %s", name, err, s.kind)
		}
	}
}

func gone(context.Context) (io.ReadCloser, error) { return nil, errors.New("gone") }

func file(name, content string) channels.File {
	return channels.File{Name: name, Size: int64(len(content)), Open: func(context.Context) (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(content)), nil
	}}
}

func TestSendChoosesTheRequest(t *testing.T) {
	long := strings.Repeat("long ", 400)
	options := []channels.Option{{Label: "Yes", Value: "1"}, {Label: "No", Value: "2"}}
	for name, s := range map[string]struct {
		text    string
		files   int
		options []channels.Option
		want    []string // methods
	}{
		"text":                     {"hi", 0, options, []string{"sendMessage"}},
		"one file":                 {"hi", 1, nil, []string{"sendDocument"}},
		"one file, buttons":        {"hi", 1, options, []string{"sendDocument"}},
		"file alone":               {"", 1, nil, []string{"sendDocument"}},
		"long text, one file":      {long, 1, options, []string{"sendDocument", "sendMessage"}},
		"three files":              {"hi", 3, nil, []string{"sendMediaGroup"}},
		"three files, buttons":     {"hi", 3, options, []string{"sendMediaGroup", "sendMessage"}},
		"long text, several files": {long, 2, nil, []string{"sendMediaGroup", "sendMessage"}},
	} {
		k := newStandIn(t)
		c := openChannel(t, config(k), shared())
		m := outbound(s.text)
		m.Options = s.options
		for i := range s.files {
			m.Files = append(m.Files, file(fmt.Sprintf("f%d.pdf", i), strings.Repeat("x", 100*(i+1))))
		}
		if _, err := c.Send(t.Context(), m); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var files int
		var text, labels string
		sent := k.arrived()
		for i, got := range sent {
			if i < len(s.want) && len(k.callsOf(s.want[i])) == 0 {
				t.Errorf("%s: no %s", name, s.want[i])
			}
			files += len(got.Files)
			text += got.Text
			labels += strings.Join(got.Options, " ")
		}
		if len(sent) != len(s.want) || files != s.files || text != s.text || (labels == "Yes No") != (s.options != nil) {
			t.Errorf("%s: %d requests, %d files, text of %d, labels %q", name, len(sent), files, len(text), labels)
		}
	}
}

func TestMessageParameters(t *testing.T) {
	k := newStandIn(t)
	c := openChannel(t, config(k), shared())
	m := outbound("see https://city.example/p/token")
	m.Options = []channels.Option{{Label: "A", Value: "1"}, {Label: "B", Value: "2"}, {Label: "C", Value: "3"}, {Label: "D", Value: "4"}, {Label: "E", Value: "5"}}
	if _, err := c.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	got := k.callsOf("sendMessage")[0]
	for key, want := range map[string]string{"chat_id": strconv.Itoa(person), "disable_web_page_preview": "true", "parse_mode": "",
		"reply_markup": `{"inline_keyboard":[[{"text":"A","callback_data":"1"},{"text":"B","callback_data":"2"},{"text":"C","callback_data":"3"},{"text":"D","callback_data":"4"}],[{"text":"E","callback_data":"5"}]]}`} {
		if got[key] != want {
			t.Errorf("%s is %s, want %s", key, got[key], want)
		}
	}
}

func TestKeyboards(t *testing.T) {
	long := []channels.Option{{Label: "A rather long label", Value: "1"}, {Label: "B", Value: "2"}}
	for name, s := range map[string]struct {
		m    channels.Message
		want string
	}{
		"nothing":     {channels.Message{}, `null`},
		"long labels": {channels.Message{Options: long}, `{"inline_keyboard":[[{"text":"A rather long label","callback_data":"1"}],[{"text":"B","callback_data":"2"}]]}`},
		"number": {channels.Message{Request: channels.RequestPhone, Lang: "fr-FR"},
			`{"keyboard":[[{"text":"📱 Partager mon numéro","request_contact":true}]],"resize_keyboard":true,"one_time_keyboard":true}`},
		"place, or not": {channels.Message{Request: channels.RequestLocation, Lang: "xx", Options: []channels.Option{{Label: "Skip", Value: "s"}}},
			`{"keyboard":[[{"text":"📍 Share my location","request_location":true}],[{"text":"Skip"}]],"resize_keyboard":true,"one_time_keyboard":true}`},
	} {
		got, _ := json.Marshal(keyboard(s.m))
		if string(got) != s.want {
			t.Errorf("%s: %s, want %s", name, got, s.want)
		}
	}
	seen := map[string]bool{}
	for _, lang := range []string{"en", "fr", "ar", "zh"} {
		for _, r := range []channels.Request{channels.RequestPhone, channels.RequestLocation} {
			seen[requestLabel(r, lang)] = true
		}
	}
	if len(seen) != 8 {
		t.Errorf("%d labels, want 8", len(seen))
	}
}

// Our own file breaks in the middle of an upload: Telegram can't have taken the message.
func TestBrokenUpload(t *testing.T) {
	k := newStandIn(t)
	c := openChannel(t, config(k), shared())
	m := outbound("hi")
	m.Files = []channels.File{{Name: "a.pdf", Size: -1, Open: func(context.Context) (io.ReadCloser, error) {
		return io.NopCloser(io.MultiReader(bytes.NewReader(make([]byte, 1<<20)), iotest.ErrReader(errors.New("disk")))), nil
	}}}
	_, err := c.Send(t.Context(), m)
	if e := channels.AsError(err); err == nil || e.Kind != channels.Temporary || e.Uncertain || len(k.arrived()) != 0 {
		t.Errorf("%v, uncertain %v, %d arrived", err, e.Uncertain, len(k.arrived()))
	}
}

func TestSourceIsNotReadAfterClose(t *testing.T) {
	s := &source{body: io.NopCloser(strings.NewReader("abc"))}
	if n, err := s.Read(make([]byte, 2)); n != 2 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	s.Close()
	s.Close()
	if n, err := s.Read(make([]byte, 2)); n != 0 || err == nil {
		t.Errorf("read %d (%v) after Close", n, err)
	}
}

func TestDownload(t *testing.T) {
	k := newStandIn(t)
	cfg := config(k)
	cfg.MaxFileBytes = 100
	c := openChannel(t, cfg, shared())
	k.files = map[string][]byte{"full": make([]byte, 100), "over": make([]byte, 101), "empty": {}}
	path := ""
	k.answerWith(func(method string, w http.ResponseWriter, r *http.Request) bool {
		if method == "getFile" && path != "" {
			reply(w, map[string]any{"file_path": path})
		}
		return method == "getFile" && path != ""
	})
	for name, s := range map[string]struct {
		id, path string
		size     int
		read     int
		is       error
	}{
		"just the limit":    {"full", "", 0, 100, nil},
		"over the limit":    {"over", "", 0, 0, channels.ErrTooLarge},
		"empty":             {"empty", "", 0, 0, nil},
		"announced as huge": {"full", "", 101, 0, channels.ErrTooLarge},
		"refused":           {"unknown", "", 0, 0, channels.ErrTooLarge},
		"not there":         {"full", "documents/other.bin", 0, 0, errors.New("telegram answers 404")},
		"upwards":           {"full", "../../etc/passwd", 0, 0, channels.ErrTooLarge},
		"absolute":          {"full", "/etc/passwd", 0, 0, channels.ErrTooLarge},
		"elsewhere":         {"full", "http://evil.example/", 0, 0, channels.ErrTooLarge},
		"escaped":           {"full", "documents/full.bin?x=%2e", 0, 0, errors.New("telegram answers 404")},
	} {
		path = s.path
		r, err := c.file(s.id, "", "", s.size).Open(t.Context())
		var got []byte
		if err == nil {
			got, err = io.ReadAll(r)
			r.Close()
		}
		if len(got) != s.read && s.is == nil || (err != nil) != (s.is != nil) || s.is != nil && !errors.Is(err, s.is) && !strings.Contains(err.Error(), s.is.Error()) {
			t.Errorf("%s: %d bytes (%v), want %d (%v)", name, len(got), err, s.read, s.is)
		}
	}
}
