package web

import (
	"bytes"
	"encoding/json"
	"net"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"gatehouse/channels"
	"gatehouse/configs/secret"
)

func TestHost(t *testing.T) {
	c := config()
	c.TrustedProxies = []string{"10.0.0.0/8", "fd00::/8"}
	ch, err := Open(c, newHouse().shared())
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []struct{ peer, forwarded, want string }{
		{"192.0.2.1:99", "203.0.113.5", "192.0.2.1"},
		{"10.0.0.1:99", "203.0.113.5", "203.0.113.5"},
		{"10.0.0.1:99", "198.51.100.7, 203.0.113.5, 10.2.3.4", "203.0.113.5"},
		{"10.0.0.1:99", "", "10.0.0.1"},
		{"10.0.0.1:99", "203.0.113.5, unknown", "10.0.0.1"},
		{"[fd00::1]:99", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"},
		{"[::ffff:192.0.2.1]:99", "", "192.0.2.1"},
		{"pipe", "", "invalid IP"},
	} {
		q := httptest.NewRequest("GET", Path, nil)
		q.RemoteAddr = r.peer
		if r.forwarded != "" {
			q.Header.Set("X-Forwarded-For", r.forwarded)
		}
		if got := ch.host(q); got.String() != r.want {
			t.Errorf("%s %q: %v, want %s", r.peer, r.forwarded, got, r.want)
		}
	}
	if (netip.Addr{}).String() != "invalid IP" {
		t.Error("the zero address has another name")
	}
}

func TestLanguage(t *testing.T) {
	ch, err := Open(config(), newHouse().shared())
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range []struct{ query, header, want string }{
		{"", "", "en"}, {"?lang=ar", "fr", "ar"}, {"?lang=xx", "fr-CA,en;q=0.5", "fr"}, {"", "de, zh-Hant-TW;q=0.9, en;q=0.8", "zh"},
		{"", "en;q=0.1, fr;q=0.7", "fr"}, {"", ";;;q=", "en"}, {"", strings.Repeat("fr,", 100), "en"}, {"?lang=" + strings.Repeat("f", 99), "", "en"},
	} {
		q := httptest.NewRequest("GET", Path+l.query, nil)
		q.Header.Set("Accept-Language", l.header)
		if got := ch.language(q); got != l.want {
			t.Errorf("%q %q: %s, want %s", l.query, l.header, got, l.want)
		}
	}
}

func TestConfigFaults(t *testing.T) {
	err := Config{Key: secret.New("short"), PublicURL: "city", Origins: []string{"x"}, TrustedProxies: []string{"y"}, MaxFrame: -1, Ping: -1}.Validate()
	for _, want := range []string{"key: has 5", "public_url: ", "origins: entry 1", "trusted_proxies: entry 1", "max_frame: is -1", "ping: is -1ns"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in %v", want, err)
		}
	}
	if _, err := Open(Config{}, newHouse().shared()); err == nil {
		t.Error("opened without a key")
	}
	if err := config().WithDefaults().Validate(); err != nil {
		t.Error(err)
	}
}

// counted counts the writes that reach the network.
type counted struct {
	net.Conn
	writes int
	bytes.Buffer
}

func (c *counted) Write(b []byte) (int, error)      { c.writes++; return c.Buffer.Write(b) }
func (c *counted) Read(b []byte) (int, error)       { return c.Buffer.Read(b) }
func (c *counted) SetWriteDeadline(time.Time) error { return nil }

func TestEightFramesInOneWrite(t *testing.T) {
	var under counted
	k := cork{Conn: &under}
	var buf bytes.Buffer
	k.hold(&buf)
	for range 8 {
		k.Write([]byte("frame "))
	}
	if under.writes != 0 {
		t.Error("written while held")
	}
	if err := k.release(time.Second); err != nil || under.writes != 1 || under.Buffer.String() != strings.Repeat("frame ", 8) {
		t.Errorf("%d writes, %q, %v", under.writes, under.Buffer.String(), err)
	}
	k.Write([]byte("x"))
	if under.writes != 2 {
		t.Error("held after the release")
	}
	if err := k.release(time.Second); err != nil || under.writes != 2 {
		t.Error("an empty release wrote")
	}
}

func FuzzFrame(f *testing.F) {
	for _, s := range []string{`{"type":"hello","session":"","after":3}`, `{"type":"message","id":"a","text":"x"}`, `{"type":"message","id":12,"text":"\ud800"}`,
		`{"type":"message","id":"\u0061","text":""}`, `{`, `null`, `{"type":"message","id":01}`, `{"type":"message","id":null}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := parse(b)
		if err == nil && h.Type != "hello" && h.Type != "message" {
			t.Errorf("took %q", h.Type)
		}
		if id, ok := clientID(h.ID); ok && !validID(id) {
			t.Errorf("id %q", id)
		}
		if s := clean(h.Text); strings.ContainsRune(s, 0) || (utf8.Valid(b) && !utf8.ValidString(s)) {
			t.Errorf("text %q", s)
		}
		var back errorFrame
		if err := json.Unmarshal(fault(h.ID, codeFrame), &back); err != nil || back.Type != "error" {
			t.Errorf("answer %s: %v", fault(h.ID, codeFrame), err)
		}
	})
}

func FuzzToken(f *testing.F) {
	m := mint{key: []byte("0123456789abcdef")}
	f.Add("s1." + m.mac("s1"))
	f.Add("a.b")
	f.Fuzz(func(t *testing.T, s string) {
		if id, ok := m.id(s); ok && m.token(id) != s {
			t.Errorf("%q opened %q", s, id)
		}
	})
}

func TestSaidIsOneObject(t *testing.T) {
	var f messageFrame
	b := said(channels.Line{Seq: 3, Message: channels.Message{Text: "a\nb</script>"}})
	if err := json.Unmarshal(b, &f); err != nil || f.Text != "a\nb</script>" || f.Seq != 3 {
		t.Errorf("%s: %v", b, err)
	}
}
