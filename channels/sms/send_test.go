package sms

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"gatehouse/channels"
	"gatehouse/channels/channeltest"
	"gatehouse/configs/secret"
)

func shared() channels.Shared { return channeltest.NewShared(slog.New(slog.DiscardHandler), time.Now) }

func outbound(text string) channels.Message {
	return channels.Message{ID: "0198c0de", To: channels.Address{Channel: "sms", Value: person}, Text: text}
}

// Every code of the table, and what is not in it, met through the real library.
func TestFailures(t *testing.T) {
	k := newTwilio(t)
	c := open(t, config(k, "https://city.example"), shared())
	type want struct {
		kind      channels.Kind
		uncertain bool
	}
	try := func(name string, h http.HandlerFunc, w want) *channels.Error {
		t.Helper()
		k.answerWith(h)
		_, err := c.Send(t.Context(), outbound("hello"))
		var e *channels.Error
		if !errors.As(err, &e) {
			t.Fatalf("%s: %v is not a *channels.Error", name, err)
		}
		if e.Kind != w.kind || e.Uncertain != w.uncertain {
			t.Errorf("%s: %v, uncertain %v; want %s, %v", name, e, e.Uncertain, w.kind, w.uncertain)
		}
		if e.Kind == channels.Throttled && e.After != 7*time.Second {
			t.Errorf("%s: wait %v, want 7s", name, e.After)
		}
		if s := e.Error(); strings.Contains(s, person) || strings.Contains(s, channeltest.Marker) || strings.Contains(s, testToken) {
			t.Errorf("%s: the error shows too much: %s", name, s)
		}
		return e
	}
	for _, r := range rows() {
		e := try(fmt.Sprint(r.code), func(w http.ResponseWriter, _ *http.Request) { refuse(w, 400, r.code) }, want{r.kind, false})
		if e.Code != fmt.Sprint(r.code) {
			t.Errorf("%d: code %q", r.code, e.Code)
		}
	}
	for status, kind := range map[int]channels.Kind{400: channels.Rejected, 401: channels.Misconfigured, 403: channels.Misconfigured,
		404: channels.Misconfigured, 409: channels.Rejected, 429: channels.Throttled, 500: channels.Temporary, 503: channels.Temporary} {
		try(fmt.Sprint("unknown code, ", status), func(w http.ResponseWriter, _ *http.Request) { refuse(w, status, 99999) }, want{kind, false})
		try(fmt.Sprint("no JSON, ", status), func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(status)
			fmt.Fprint(w, "<html>")
		}, want{kind, status >= 500})
	}
	answer := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			fmt.Fprint(w, body)
		}
	}
	try("redirect", answer(302, ""), want{channels.Misconfigured, false})
	try("garbled 201", answer(201, `{"sid":`), want{channels.Temporary, true})
	try("201 without sid", answer(201, `{}`), want{channels.Temporary, true})
	try("201 of a failed message", answer(201, `{"sid":"SM1","status":"failed","error_code":30005}`), want{channels.Unreachable, false})
	try("endless answer", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(201)
		for range 3 * maxAnswer / 1024 {
			fmt.Fprint(w, strings.Repeat(" ", 1024))
		}
	}, want{channels.Temporary, true})
}

func TestEveryKindHasARow(t *testing.T) {
	seen, kinds := map[int]bool{}, map[channels.Kind]bool{}
	for _, r := range rows() {
		if seen[r.code] || r.why == "" {
			t.Errorf("%d: twice, or without a reason", r.code)
		}
		seen[r.code], kinds[r.kind] = true, true
	}
	if len(kinds) != 6 {
		t.Errorf("%d kinds of 6 occur", len(kinds))
	}
}

func TestSendRefusesWithoutAsking(t *testing.T) {
	k := newTwilio(t)
	c := open(t, config(k, "https://city.example"), shared())
	k.answerWith(func(http.ResponseWriter, *http.Request) { t.Error("Twilio was asked") })
	for name, c2 := range map[string]struct {
		to, text string
		kind     channels.Kind
	}{
		"no text":      {person, "", channels.Rejected},
		"too long":     {person, strings.Repeat("é", MaxText+1), channels.Rejected},
		"another road": {"whatsapp:" + person, "hi", channels.Unreachable},
		"no number":    {"mum", "hi", channels.Unreachable},
		"short code":   {"12345", "hi", channels.Unreachable},
	} {
		m := outbound(c2.text)
		m.To.Value = c2.to
		if _, err := c.Send(t.Context(), m); channels.AsError(err).Kind != c2.kind {
			t.Errorf("%s: %v, want %s", name, err, c2.kind)
		}
	}
}

func TestSendParameters(t *testing.T) {
	k := newTwilio(t)
	var got url.Values
	k.answerWith(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		got = r.PostForm
		w.WriteHeader(201)
		fmt.Fprint(w, `{"sid":"SM1","status":"accepted","num_segments":"0"}`)
	})
	cfg := config(k, "https://city.example/")
	cfg.Accents, cfg.ValidityPeriod, cfg.MessagingServiceSID = "strip", 2*time.Minute, "MG1"
	c := open(t, cfg, shared())
	r, err := c.Send(t.Context(), outbound("La forêt – c’est “ça”…"))
	if err != nil || r.Segments != 1 || r.State != channels.Accepted || r.CarrierID != "SM1" {
		t.Errorf("%+v (%v)", r, err)
	}
	for key, want := range map[string]string{"To": person, "From": "", "MessagingServiceSid": "MG1", "ValidityPeriod": "120",
		"Body": `La foret - c'est "ca"...`, "StatusCallback": "https://city.example/hooks/sms/status?id=0198c0de"} {
		if got.Get(key) != want {
			t.Errorf("%s is %q, want %q", key, got.Get(key), want)
		}
	}
}

func TestSendBoundsWhatIsInFlight(t *testing.T) {
	k := newTwilio(t)
	entered, leave := make(chan struct{}, 8), make(chan struct{})
	k.answerWith(func(w http.ResponseWriter, _ *http.Request) {
		entered <- struct{}{}
		<-leave
		w.WriteHeader(201)
		fmt.Fprint(w, `{"sid":"SM1"}`)
	})
	cfg := config(k, "https://city.example")
	cfg.MaxInFlight = 2
	c := open(t, cfg, shared())
	done := make(chan error, 2)
	for range 2 {
		go func() { _, err := c.Send(t.Context(), outbound("hi")); done <- err }()
	}
	<-entered
	<-entered
	ctx, cancel := context.WithCancel(t.Context())
	third := make(chan error, 1)
	go func() { _, err := c.Send(ctx, outbound("hi")); third <- err }()
	cancel()
	if e := channels.AsError(<-third); e.Kind != channels.Temporary || e.Uncertain || len(entered) != 0 {
		t.Errorf("the third is %v, uncertain %v, and %d more came through", e, e.Uncertain, len(entered))
	}
	close(leave)
	for range 2 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func TestSendTimesOut(t *testing.T) {
	k := newTwilio(t)
	k.answerWith(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // net/http watches for the client to leave only from there on
		<-r.Context().Done()
	})
	cfg := config(k, "https://city.example")
	cfg.Timeout = time.Second // the request must have left by then
	_, err := open(t, cfg, shared()).Send(t.Context(), outbound("hi"))
	if e := channels.AsError(err); e.Kind != channels.Temporary || !e.Uncertain || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v, uncertain %v", e, e.Uncertain)
	}
}

func TestSendWithoutTwilio(t *testing.T) {
	k := newTwilio(t)
	k.server.Close()
	_, err := open(t, config(k, "https://city.example"), shared()).Send(t.Context(), outbound("hi"))
	if e := channels.AsError(err); e.Kind != channels.Temporary || e.Uncertain {
		t.Errorf("nobody listens: %v, uncertain %v", e, e.Uncertain)
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	for h, want := range map[string]time.Duration{"": defaultAfter, "3": 3 * time.Second, "-1": defaultAfter, "x": defaultAfter,
		"99999999999": longestAfter, "9999999999999999999999": defaultAfter, "0": defaultAfter,
		now.Add(90 * time.Second).Format(http.TimeFormat): 90 * time.Second,
		now.Add(-time.Minute).Format(http.TimeFormat):     defaultAfter,
		now.Add(48 * time.Hour).Format(http.TimeFormat):   longestAfter,
	} {
		if got := retryAfter(h, now); got != want {
			t.Errorf("%q: %v, want %v", h, got, want)
		}
	}
}

func TestFindPagesAndLooksNoFurtherBack(t *testing.T) {
	k := newTwilio(t)
	c := open(t, config(k, "https://city.example"), shared())
	now := time.Now().UTC()
	at := func(d time.Duration) string { return now.Add(d).Format(time.RFC1123Z) }
	k.messages = []message{
		{"SM1", person, ours, "long ago", "outbound-api", at(-time.Hour)},
		{"SM2", person, ours, "wanted", "outbound-api", at(0)},
		{"SM3", person, ours, "other", "outbound-api", at(0)},
		{"SM4", person, ours, "heard", "inbound", at(0)},
		{"SM5", "+447700900124", ours, "elsewhere", "outbound-api", at(0)},
		{"SM6", person, ours, "newest", "outbound-api", at(0)},
	}
	for text, want := range map[string]string{"wanted": "SM2", "newest": "SM6", "long ago": "", "heard": "", "elsewhere": "", "never": ""} {
		r, found, err := c.Find(t.Context(), outbound(text), now.Add(-time.Minute))
		if err != nil || found != (want != "") || r.CarrierID != want {
			t.Errorf("%q: found %v %q (%v), want %q", text, found, r.CarrierID, err, want)
		}
	}
	k.answerWith(func(w http.ResponseWriter, _ *http.Request) { refuse(w, 503, 20503) })
	if _, _, err := c.Find(t.Context(), outbound("wanted"), now); channels.AsError(err).Kind != channels.Temporary || err == nil {
		t.Errorf("Twilio away: %v", err)
	}
}

func TestConfig(t *testing.T) {
	good := Config{AccountSID: testSID, AuthToken: secret.New(testToken), From: ours, PublicURL: "https://city.example"}
	if err := good.Validate(); err != nil {
		t.Errorf("a good one: %v", err)
	}
	for key, spoil := range map[string]func(*Config){
		"base_url":        func(c *Config) { c.BaseURL = "api.twilio.com" },
		"public_url":      func(c *Config) { c.PublicURL = "" },
		"account_sid":     func(c *Config) { c.AccountSID = "AC/../1" },
		"auth_token":      func(c *Config) { c.AuthToken = secret.New("with-sign") },
		"from":            func(c *Config) { c.From = "" },
		"timeout":         func(c *Config) { c.Timeout = -1 },
		"max_in_flight":   func(c *Config) { c.MaxInFlight = -1 },
		"validity_period": func(c *Config) { c.ValidityPeriod = 24 * time.Hour },
		"accents":         func(c *Config) { c.Accents = "drop" },
		"max_media_bytes": func(c *Config) { c.MaxMediaBytes = -1 },
		"media_timeout":   func(c *Config) { c.MediaTimeout = -1 },
	} {
		c := good
		spoil(&c)
		err := c.Validate()
		if err == nil || !strings.HasPrefix(err.Error(), key+": ") || strings.Contains(err.Error(), "with-sign") {
			t.Errorf("%s: %v", key, err)
		}
		if _, err := Open(c, shared()); err == nil {
			t.Errorf("%s: opened", key)
		}
	}
	if err := (Config{}).Validate(); strings.Count(err.Error(), "\n") != 3 {
		t.Errorf("not all faults at once: %v", err)
	}
}
