package email

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gatehouse/channels"
	"gatehouse/channels/channeltest"
	"gatehouse/configs/secret"
)

func sending(t testing.TB, s *sink, change func(*Config)) *Channel {
	t.Helper()
	c := testConfig(t)
	c.Relay.URL = "smtp://" + s.addr
	if change != nil {
		change(&c)
	}
	ch, err := Open(c, shared())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ch.Close() })
	return ch
}

func reply() channels.Message {
	return channels.Message{ID: "0193a1b2", To: channels.Address{Channel: Name, Value: "ann@example.net"}, Queue: channels.Reply, Lang: "fr",
		At: time.Date(2026, 11, 23, 10, 14, 7, 5, time.UTC), Subject: "Déchets\r\nBcc: evil@example.net", Text: "Où ?\n.\n..x\nFrom here\n" + strings.Repeat("long ", 300),
		Reference: "PL-9DTE-4HB6-17", Thread: channels.Thread{MessageID: "m1@example.net", References: []string{"m0@example.net", "bad id"}}}
}

func TestMailAsBuilt(t *testing.T) {
	s := newSink(t)
	ch := sending(t, s, nil)
	m := reply()
	r, err := ch.Send(t.Context(), m)
	if err != nil || r.CarrierID != "Q0001" || r.MessageID != m.ID || r.State != channels.Accepted || r.Channel != Name || r.At.IsZero() {
		t.Fatalf("receipt %+v, %v", r, err)
	}
	got := s.mails()[0]
	ours, _ := ch.book.ofCase(m.Reference)
	back, _ := ch.book.bounce(m.ID)
	if got.from != "" || got.to != "ann@example.net" {
		t.Errorf("envelope %q %q", got.from, got.to)
	}
	h, sent, err := got.open()
	if err != nil {
		t.Fatal(err)
	}
	subject, _ := h.Subject()
	for what, pair := range map[string][2]string{
		"subject":    {subject, "Déchets Bcc: evil@example.net"},
		"from":       {h.Get("From"), `"City" <` + ours + ">"},
		"reply-to":   {h.Get("Reply-To"), `"City" <` + ours + ">"},
		"to":         {h.Get("To"), "<ann@example.net>"},
		"bcc":        {h.Get("Bcc"), ""},
		"date":       {h.Get("Date"), "Mon, 23 Nov 2026 10:14:07 +0000"},
		"id":         {h.Get("Message-Id"), "<0193a1b2@city.example>"},
		"answers":    {h.Get("In-Reply-To"), "<m1@example.net>"},
		"references": {h.Get("References"), "<m0@example.net> <m1@example.net>"},
		"auto":       {h.Get("Auto-Submitted"), "auto-replied"},
		"loop":       {h.Get("X-Loop"), "help@city.example"},
		"reports":    {h.Get("X-Report-To"), "<" + back + ">"},
		"lang":       {h.Get("Content-Language"), "fr"},
		"text":       {strings.ReplaceAll(sent.Text, "\r\n", "\n"), m.Text + "\n"},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s: %q, want %q", what, pair[0], pair[1])
		}
	}
	for line := range strings.Lines(got.raw) {
		if len(line) > 80 && !strings.HasPrefix(line, "From:") && !strings.HasPrefix(line, "Reply-To:") {
			t.Errorf("a line of %d bytes: %s", len(line), line)
		}
	}
	// Our own server, when it comes back, sees that it is ours.
	back2, parsedMail, err := read(t, crlf(got.raw))
	if err != nil || !back2.Robot || !testBook().looped(parsedMail.header) {
		t.Errorf("our own mail is not recognised: %+v, %v", back2, err)
	}
}

func TestNoticeFromHelp(t *testing.T) {
	s := newSink(t)
	ch := sending(t, s, nil)
	m := reply()
	m.Reference, m.Queue, m.Thread, m.ID = "", channels.Notice, channels.Thread{}, "b7:"+strings.Repeat("x", 60)
	if _, err := ch.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	got := s.mails()[0]
	h, _, err := got.open()
	if err != nil || got.from != "" || h.Get("From") != `"City" <help@city.example>` || h.Get("Auto-Submitted") != "auto-generated" || h.Has("References") || h.Has("In-Reply-To") {
		t.Errorf("%v, envelope %q\n%s", err, got.from, got.raw)
	}
}

// TestFormsComeBackToTheirAddress: a template or a list of faults is answered to where it is read, all else to help@.
func TestFormsComeBackToTheirAddress(t *testing.T) {
	s := newSink(t)
	ch := sending(t, s, nil)
	for i, pair := range [][2]string{{"declare+goods@city.example", "declare+goods@city.example"}, {"Test+Declare+Goods@city.example", "test+declare+goods@city.example"},
		{"postmaster@city.example", "help@city.example"}, {"declare+goods+12-345678-c+2026-w47@city.example", "declare+goods+12-345678-c+2026-w47@city.example"},
		{"declare+goods+12-345678-c@city.example", "help@city.example"}, {"declare+goods@evil.example", "help@city.example"}, {"", "help@city.example"}} {
		m := reply()
		m.Reference, m.From.Value = "", pair[0]
		if _, err := ch.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		h, _, err := s.mails()[i].open()
		if want := `"City" <` + pair[1] + ">"; err != nil || h.Get("From") != want || h.Get("Reply-To") != want {
			t.Errorf("%s: from %s, reply to %s (%v), want %s", pair[0], h.Get("From"), h.Get("Reply-To"), err, want)
		}
	}
}

func TestFilesGoAlong(t *testing.T) {
	s := newSink(t)
	ch := sending(t, s, nil)
	m := reply()
	big := bytes.Repeat([]byte("%PDF kelp\x00\r\n.\r\n"), 20000)
	file := func(name, kind string, b []byte) channels.File {
		return channels.File{Name: name, Type: kind, Size: int64(len(b)), Open: func(context.Context) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil }}
	}
	m.Files = []channels.File{file("décision.pdf", "application/pdf", big), file("goods\r\n.csv", "nonsense", []byte("a;b"))}
	if _, err := ch.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	ch = sending(t, s, func(c *Config) { c.Relay.MaxMessage = 100000 })
	_, sent, err := s.mails()[0].open()
	if err != nil || len(sent.Files) != 2 || sent.Files[0].Name != "décision.pdf" || !bytes.Equal(sent.Files[0].Bytes, big) ||
		sent.Files[1].Name != "goods .csv" || sent.Files[1].Type != "application/octet-stream" {
		t.Errorf("%v, %d files", err, len(sent.Files))
	}
	m.Files = []channels.File{{Name: "x", Open: func(context.Context) (io.ReadCloser, error) { return io.NopCloser(endless{}), nil }}}
	if _, err := ch.Send(t.Context(), m); channels.AsError(err).Kind != channels.Rejected {
		t.Errorf("a file without end: %v", err)
	}
	m.Files = []channels.File{{Name: "x", Open: func(context.Context) (io.ReadCloser, error) { return nil, errors.New("gone") }}}
	if _, err := ch.Send(t.Context(), m); channels.AsError(err).Kind != channels.Temporary || channels.AsError(err).Uncertain {
		t.Errorf("a file that is gone: %v", err)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func TestConnectionIsKept(t *testing.T) {
	s := newSink(t)
	ch := sending(t, s, nil)
	for range 5 {
		if _, err := ch.Send(t.Context(), reply()); err != nil {
			t.Fatal(err)
		}
	}
	if s.dials != 1 {
		t.Errorf("%d connections for five mails", s.dials)
	}
	for i, word := range []string{"", "421 4.4.2 idle, bye\r\n"} {
		s.hangUp(word)
		if _, err := ch.Send(t.Context(), reply()); err != nil {
			t.Errorf("after the relay hung up with %q: %v", word, err)
		}
		if s.dials != i+2 {
			t.Errorf("%d connections", s.dials)
		}
	}
	// A refused recipient does not cost the connection, nor the next mail.
	s.fail("RCPT", "550 5.1.1 no such user")
	if _, err := ch.Send(t.Context(), reply()); channels.AsError(err).Kind != channels.Unreachable {
		t.Error(err)
	}
	if _, err := ch.Send(t.Context(), reply()); err != nil || s.dials != 3 {
		t.Errorf("%d connections, %v", s.dials, err)
	}
	if n := len(s.mails()); n != 8 {
		t.Errorf("%d mails arrived", n)
	}
}

func TestIdleConnectionsEnd(t *testing.T) {
	s := newSink(t)
	ch := sending(t, s, func(c *Config) { c.Relay.Idle = 20 * time.Millisecond })
	if _, err := ch.Send(t.Context(), reply()); err != nil {
		t.Fatal(err)
	}
	channeltest.Eventually(t, "the connection ends", func() bool { s.mu.Lock(); defer s.mu.Unlock(); return len(s.conns) == 0 })
	ch.relay.mu.Lock()
	defer ch.relay.mu.Unlock()
	if len(ch.relay.idle) != 0 || ch.relay.reap != nil {
		t.Error("something is kept")
	}
}

func TestManyAtOnceShareFewConnections(t *testing.T) {
	s := newSink(t)
	ch := sending(t, s, func(c *Config) { c.Relay.Connections = 3 })
	var all sync.WaitGroup
	for range 30 {
		all.Go(func() {
			if _, err := ch.Send(t.Context(), reply()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if s.dials > 3 || len(s.mails()) != 30 {
		t.Errorf("%d connections, %d mails", s.dials, len(s.mails()))
	}
}

func TestWithoutPipelining(t *testing.T) {
	s := newSink(t)
	s.ehlo = nil
	ch := sending(t, s, nil)
	if _, err := ch.Send(t.Context(), reply()); err != nil {
		t.Fatal(err)
	}
	s.fail("MAIL", "451 4.3.0 not now")
	if _, err := ch.Send(t.Context(), reply()); channels.AsError(err).Kind != channels.Throttled {
		t.Error(err)
	}
	if got := strings.Join(s.commands(), "|"); strings.Count(got, "RCPT") != 1 || strings.Contains(got, "SIZE=") {
		t.Errorf("said %s", got)
	}
	s.hangUp("")
	s.ever("EHLO", "502 5.5.1 unknown")
	if _, err := ch.Send(t.Context(), reply()); err != nil {
		t.Errorf("an old relay: %v", err)
	}
}

// TestDataAllowedAfterRefusal: with PIPELINING a relay may say 354 although it refused the recipient (RFC 2920 §3.1).
func TestDataAllowedAfterRefusal(t *testing.T) {
	s := newSink(t)
	ch := sending(t, s, nil)
	for _, command := range []string{"MAIL", "RCPT"} {
		s.fail(command, "550 5.1.1 no")
		s.fail(".", "554 5.5.1 no valid recipients")
		_, err := ch.Send(t.Context(), reply())
		if e := channels.AsError(err); e.Kind != channels.Unreachable || e.Uncertain {
			t.Errorf("%s: %v", command, err)
		}
	}
	if _, err := ch.Send(t.Context(), reply()); err != nil || len(s.mails()) != 1 || s.mails()[0].raw == "" {
		t.Errorf("%v, %d mails", err, len(s.mails()))
	}
}

func TestErrorsByStage(t *testing.T) {
	for _, c := range []struct {
		at, answer string
		kind       channels.Kind
		uncertain  bool
	}{
		{"greet", "554 no service", channels.Misconfigured, false},
		{"greet", "421 4.3.2 busy", channels.Throttled, false},
		{"greet", "-", channels.Temporary, false},
		{"EHLO", "550 5.7.1 go away", channels.Misconfigured, false},
		{"MAIL", "-", channels.Temporary, false},
		{"MAIL", "530 5.7.0 log in first", channels.Misconfigured, false},
		{"RCPT", "550 5.1.1 <ann@example.net> unknown", channels.Unreachable, false},
		{"RCPT", "554 5.7.1 <ann@example.net>: Relay access denied", channels.Misconfigured, false},
		{"RCPT", "450 4.7.1 grey", channels.Throttled, false},
		{"DATA", "554 5.5.1 no", channels.Rejected, false},
		{"DATA", "-", channels.Temporary, false},
		{".", "554 5.7.1 spam", channels.Rejected, false},
		{".", "451 4.3.0 later", channels.Throttled, false},
		{".", "-", channels.Temporary, true},
		{".", "garbage", channels.Temporary, true},
	} {
		s := newSink(t)
		ch := sending(t, s, nil)
		s.fail(c.at, c.answer)
		_, err := ch.Send(t.Context(), reply())
		e := channels.AsError(err)
		if err == nil || e.Kind != c.kind || e.Uncertain != c.uncertain || (e.Kind == channels.Throttled) != (e.After > 0) {
			t.Errorf("%s %q: %+v", c.at, c.answer, e)
		}
		if strings.Contains(fmt.Sprintf("%v %+v", err, e), "ann@") {
			t.Errorf("the error shows the address: %v", err)
		}
		s.close()
	}
	ch := sending(t, &sink{addr: "127.0.0.1:1"}, nil)
	if _, err := ch.Send(t.Context(), reply()); channels.AsError(err).Kind != channels.Temporary || channels.AsError(err).Uncertain {
		t.Errorf("nobody listens: %v", err)
	}
}

func TestUnusableAddresses(t *testing.T) {
	ch := sending(t, &sink{addr: "127.0.0.1:1"}, nil)
	for _, a := range []channels.Address{{}, {Channel: "sms", Value: "ann@example.net"}, {Channel: Name, Value: "ann"}, {Channel: Name, Value: "a b@x.example"},
		{Channel: Name, Value: "a@x.example>\r\nRCPT TO:<b@x.example"}, {Channel: Name, Value: "@x.example"}} {
		m := reply()
		m.To = a
		if _, err := ch.Send(t.Context(), m); channels.AsError(err).Kind != channels.Unreachable {
			t.Errorf("%q: %v", a.Value, err)
		}
	}
}

func TestUTF8AddressNeedsARelayThatKnows(t *testing.T) {
	s := newSink(t)
	ch := sending(t, s, nil)
	m := reply()
	m.To.Value = "jörg@bücher.example"
	if _, err := ch.Send(t.Context(), m); channels.AsError(err).Kind != channels.Rejected || !strings.Contains(err.Error(), "SMTPUTF8") || len(s.mails()) != 0 {
		t.Errorf("without SMTPUTF8: %v", err)
	}
	s.mu.Lock()
	s.ehlo = append(s.ehlo, "SMTPUTF8")
	s.mu.Unlock()
	ch = sending(t, s, nil)
	if _, err := ch.Send(t.Context(), m); err != nil || s.mails()[0].to != "jörg@xn--bcher-kva.example" {
		t.Errorf("with SMTPUTF8: %v", err)
	}
}

// TestWhatComesBack: of a plain reply nothing comes back; of what holds something due a report does, to an address that
// names it, and a relay that knows how is told so.
func TestWhatComesBack(t *testing.T) {
	s := newSink(t)
	ch := sending(t, s, nil)
	m := reply()
	back, _ := ch.book.bounce(m.ID)
	m.To.Value = "ann+tag@example.net"
	send := func(watched bool, q channels.Queue) string {
		t.Helper()
		m.Watched, m.Queue = watched, q
		if _, err := ch.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		all := s.commands()
		return strings.Join(slices.DeleteFunc(all[max(0, len(all)-4):], func(c string) bool { return !strings.HasPrefix(c, "MAIL") && !strings.HasPrefix(c, "RCPT") }), "|")
	}
	size := regexp.MustCompile(` SIZE=[0-9]+`)
	check := func(what, got, want string) {
		t.Helper()
		if got = size.ReplaceAllString(got, ""); got != want {
			t.Errorf("%s: said %s, want %s", what, got, want)
		}
	}
	check("a reply", send(false, channels.Reply), "MAIL FROM:<>|RCPT TO:<ann+tag@example.net>")
	check("a watched reply", send(true, channels.Reply), "MAIL FROM:<"+back+">|RCPT TO:<ann+tag@example.net>")
	check("a notice", send(false, channels.Notice), "MAIL FROM:<"+back+">|RCPT TO:<ann+tag@example.net>")
	s.fail("MAIL", "550 5.1.7 no null sender here")
	check("a relay without null sender", send(false, channels.Reply), "MAIL FROM:<"+back+">|RCPT TO:<ann+tag@example.net>")
	s.mu.Lock()
	s.ehlo = append(s.ehlo, "DSN")
	s.mu.Unlock()
	ch = sending(t, s, nil)
	check("a reply by DSN", send(false, channels.Reply), "MAIL FROM:<>|RCPT TO:<ann+tag@example.net> NOTIFY=NEVER")
	check("a notice by DSN", send(false, channels.Notice), "MAIL FROM:<"+back+"> RET=HDRS ENVID="+m.ID+
		"|RCPT TO:<ann+tag@example.net> NOTIFY=FAILURE,DELAY ORCPT=rfc822;ann+2Btag@example.net")
}

func TestLogIn(t *testing.T) {
	user := func(c *Config) { c.Relay.User, c.Relay.Password = "me", secret.New("pa55") }
	for mechanisms, want := range map[string]string{"PLAIN LOGIN": "AUTH PLAIN AG1lAHBhNTU=", "LOGIN": "AUTH LOGIN bWU=|cGE1NQ=="} {
		s := newSink(t)
		s.ehlo = []string{"AUTH " + mechanisms}
		s.ever("AUTH", "235 2.7.0 ok")
		if mechanisms == "LOGIN" {
			s.ever("AUTH", "334 UGFzc3dvcmQ6")
			s.ever("CGE1NQ==", "235 ok")
		}
		if _, err := sending(t, s, user).Send(t.Context(), reply()); err != nil || !strings.Contains(strings.Join(s.commands(), "|"), want) {
			t.Errorf("%s: %v, said %q", mechanisms, err, s.commands())
		}
	}
	s := newSink(t)
	s.ehlo = []string{"AUTH PLAIN"}
	s.ever("AUTH", "535 5.7.8 wrong")
	ch := sending(t, s, user)
	_, err := ch.Send(t.Context(), reply())
	if e := channels.AsError(err); e.Kind != channels.Misconfigured || strings.Contains(err.Error(), "pa55") {
		t.Errorf("a wrong password: %v", err)
	}
	s.ehlo = []string{"AUTH GSSAPI"}
	if _, err := ch.Send(t.Context(), reply()); channels.AsError(err).Kind != channels.Misconfigured {
		t.Errorf("no way to log in: %v", err)
	}
}

// TestTLSToTheRelay sends through our own server, which knows STARTTLS.
func TestTLSToTheRelay(t *testing.T) {
	for _, c := range []struct {
		policy string
		cert   bool
		kind   channels.Kind
	}{
		{TLSNone, true, ""}, {TLSOpportunistic, true, ""}, {TLSOpportunistic, false, ""},
		{TLSRequired, true, channels.Misconfigured}, // the certificate is nobody's
		{TLSRequired, false, channels.Misconfigured},
	} {
		var in inbox
		far := testConfig(t)
		far.Domain, far.TLS.SelfSigned = "far.example", c.cert
		_, addr, _ := serve(t, far, &in)
		ch := sending(t, &sink{addr: addr}, func(cfg *Config) { cfg.Relay.TLS = c.policy })
		m := reply()
		m.To.Value = "help@far.example"
		_, err := ch.Send(t.Context(), m)
		if (err == nil) != (c.kind == "") || (err != nil && channels.AsError(err).Kind != c.kind) {
			t.Errorf("%+v: %v", c, err)
		}
		if n := len(in.Messages()); err == nil && (n != 1 || !in.Messages()[0].Robot || in.Messages()[0].Text != strings.TrimSpace(m.Text)) {
			t.Errorf("%+v: %d messages", c, n)
		}
	}
}
