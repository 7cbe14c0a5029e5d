package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"gatehouse/adapters/console"
	"gatehouse/deploy/clock"
)

// eventually waits for what holds at last.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it never came to this: %s", what)
		}
	}
}

// control calls the stand-ins' control API; in is nil to ask.
func control(t *testing.T, base, path string, in, out any) int {
	t.Helper()
	r, err := http.Get(base + path)
	if in != nil {
		b, _ := json.Marshal(in)
		r, err = http.Post(base+path, "application/json", bytes.NewReader(b))
	}
	if err != nil {
		return 0 // it is starting
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err == nil && out != nil && r.StatusCode == http.StatusOK {
		err = json.Unmarshal(b, out)
	}
	if err != nil {
		t.Fatalf("%s: %v: %s", path, err, b)
	}
	return r.StatusCode
}

// phone is one person's texts at the stand-in.
type phone struct {
	t            *testing.T
	base, number string
}

func (p phone) say(text string) {
	p.t.Helper()
	if s := control(p.t, p.base, "/control/sms/send", map[string]string{"from": p.number, "text": text}, nil); s != http.StatusOK {
		p.t.Fatalf("%q can't be sent: %d", text, s)
	}
}

// heard gives what came to the phone, oldest first.
func (p phone) heard() (all []string) {
	var list struct {
		Messages []struct {
			Message struct{ Direction, Body string }
		}
	}
	control(p.t, p.base, "/control/sms/messages?number="+url.QueryEscape(p.number), nil, &list)
	for _, m := range list.Messages {
		if m.Message.Direction != "inbound" {
			all = append(all, m.Message.Body)
		}
	}
	return all
}

func (p phone) await(part string) string {
	p.t.Helper()
	var found string
	eventually(p.t, "a text with "+part, func() bool {
		for _, s := range p.heard() {
			if strings.Contains(s, part) {
				found = s
			}
		}
		return found != ""
	})
	return found
}

// staff opens the console as name.
func staff(t *testing.T, base, name string) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	c := &http.Client{Jar: jar}
	token := regexp.MustCompile(`name="token" value="([^"]*)"`).FindStringSubmatch(page(t, c, base+"/login"))
	if token == nil {
		t.Fatal("no form to log in")
	}
	r, err := c.PostForm(base+"/login", url.Values{"token": {token[1]}, "name": {name}, "password": {console.DemoPassword}})
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	return c
}

func page(t *testing.T, c *http.Client, at string) string {
	t.Helper()
	r, err := c.Get(at)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestDayIsMoved: a week passes while a case is on its way. It arrives once, nothing is said twice, its promise shows
// as missed; the day is kept, does not go back, and starts again with nothing kept.
func TestDayIsMoved(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := l.Addr().String() // the stand-ins come back here when everything starts afresh
	l.Close()
	c, err := sample(t, map[string]string{"CARRIERS_LISTEN": at})
	if err != nil {
		t.Fatal(err)
	}
	a := running(t, c)
	p := phone{t, "http://" + at, "+447700900711"}
	p.say("may a heron nest in my bathtub")
	p.await("0")
	p.say("0")
	ref := regexp.MustCompile(`PL-\w{4}-\w{4}-\d\d`).FindString(p.await("PL-"))
	var now struct{ Now, Ahead string }
	if s := control(t, p.base, "/control/clock", map[string]string{"by": "168h"}, &now); s != http.StatusOK || now.Ahead != "168h0m0s" {
		t.Fatalf("it is not moved: %d, %v", s, now)
	}
	office := "http://" + a["office"]
	desk := staff(t, office, "ana")
	var queue string
	eventually(t, "the case on the desk", func() bool {
		queue = page(t, desk, office+"/?view=all")
		return strings.Contains(queue, ref)
	})
	if strings.Count(queue, ref) != 1 || !strings.Contains(queue, "badge bad") {
		t.Errorf("it is not there once, or not overdue:\n%s", queue)
	}
	p.say("STATUS " + ref)
	eventually(t, "an answer of the new day", func() bool { return len(p.heard()) >= 3 })
	seen := map[string]bool{}
	for _, s := range p.heard() {
		if seen[s] {
			t.Errorf("it says twice %q", s)
		}
		seen[s] = true
	}
	if s := control(t, p.base, "/control/clock", map[string]string{"by": "-1h"}, nil); s != http.StatusBadRequest {
		t.Errorf("it goes back: %d", s)
	}
	if k, err := clock.Open(c.clockFile()); err != nil || k.Ahead() != 168*time.Hour {
		t.Errorf("a restart would not know the day: %v", err)
	}
	startAfresh(t, p)
}

func startAfresh(t *testing.T, p phone) {
	t.Helper()
	r, err := http.PostForm(p.base+"/clock", url.Values{"afresh": {"1"}})
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	eventually(t, "today with nothing kept", func() bool {
		var now struct{ Now, Ahead string }
		return control(t, p.base, "/control/clock", nil, &now) == http.StatusOK && now.Ahead == "0s" && len(p.heard()) == 0
	})
}

// TestStrangePageCantMoveTheDay: the form takes what its own page sends.
func TestStrangePageCantMoveTheDay(t *testing.T) {
	c, err := sample(t, map[string]string{"STORE": "sqlite:" + t.TempDir() + "/gateway.db"})
	if err != nil {
		t.Fatal(err)
	}
	base := "http://" + running(t, c)["carriers"]
	for want, f := range map[int]struct{ origin, form string }{
		http.StatusForbidden:  {"http://evil.example", "by=24h"},
		http.StatusBadRequest: {base, "to=2001-01-01T10:00"},
		http.StatusSeeOther:   {base, "by=1h"},
	} {
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/clock", strings.NewReader(f.form))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Origin", f.origin)
		r, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
		if r.StatusCode != want {
			t.Errorf("%s from %s: %d, want %d", f.form, f.origin, r.StatusCode, want)
		}
	}
	r, err := http.PostForm(base+"/clock", url.Values{"afresh": {"1"}})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	if b, _ := io.ReadAll(r.Body); r.StatusCode != http.StatusBadRequest || !strings.Contains(string(b), "outside of this demo") {
		t.Errorf("it deletes what lies elsewhere: %d %s", r.StatusCode, b)
	}
	if s := page(t, http.DefaultClient, base+"/clock"); !strings.Contains(s, "1h0m0s ahead") {
		t.Errorf("the page does not show the day: %s", s)
	}
}
