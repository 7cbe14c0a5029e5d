package relay_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gatehouse/deploy/carriers/faults"
	"gatehouse/deploy/carriers/relay"

	"github.com/emersion/go-smtp"
)

// gateway is an SMTP server of go-smtp that answers each recipient as a script says.
type gateway struct {
	addr   string
	mu     sync.Mutex
	got    []taken
	rcpt   func(to string, n int) error
	tried  map[string]int
	server *smtp.Server
}

type taken struct {
	from string
	to   []string
	raw  string
}

type talk struct {
	g    *gateway
	from string
	to   []string
}

func (s *talk) Reset() { s.to = nil }

func (s *talk) Logout() error { return nil }

func (s *talk) Mail(from string, _ *smtp.MailOptions) error { s.from = from; return nil }

func (s *talk) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.g.mu.Lock()
	defer s.g.mu.Unlock()
	s.g.tried[to]++
	if s.g.rcpt != nil {
		if err := s.g.rcpt(to, s.g.tried[to]); err != nil {
			return err
		}
	}
	s.to = append(s.to, to)
	return nil
}

func (s *talk) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	s.g.mu.Lock()
	defer s.g.mu.Unlock()
	s.g.got = append(s.g.got, taken{s.from, s.to, string(raw)})
	return err
}

func (g *gateway) mails() []taken {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.got)
}

func hear(t *testing.T, rcpt func(to string, n int) error, conf *tls.Config) *gateway {
	t.Helper()
	l := listen(t)
	g := &gateway{addr: l.Addr().String(), rcpt: rcpt, tried: map[string]int{}}
	g.server = smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &talk{g: g}, nil }))
	g.server.TLSConfig = conf
	var wg sync.WaitGroup
	wg.Go(func() { _ = g.server.Serve(l) })
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := g.server.Shutdown(ctx); err != nil {
			t.Errorf("a session stayed open: %v", err)
		}
		wg.Wait()
	})
	return g
}

func code(n int) error {
	return &smtp.SMTPError{Code: n, EnhancedCode: smtp.EnhancedCode{n / 100, 1, 1}, Message: "no"}
}

func TestSendBringsAMailToTheGateway(t *testing.T) {
	g := hear(t, nil, nil)
	b := open(t, func(c *relay.Config) { c.Gateway = g.addr })
	id, err := b.Send(relay.Draft{
		From: "María <" + maria + ">", To: []string{"declare+dec-goods@portlumen.example", ours},
		Subject: "Déclaration", Text: "voir ci-joint\nتحية", InReplyTo: "old@portlumen.example",
		Headers: map[string]string{"X-Test": "1"},
		Files:   []relay.File{{Name: "goods.csv", Type: "text/csv", Data: []byte("a;b\r\n1;2\r\n")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	wait(t, "the mail", func() bool { return len(g.mails()) == 1 })
	got := g.mails()[0]
	if got.from != maria || len(got.to) != 2 {
		t.Errorf("envelope %s → %v", got.from, got.to)
	}
	m := relay.Read([]byte(got.raw))
	if m.MessageID != id || m.Subject != "Déclaration" || !strings.Contains(m.Text, "تحية") || m.Field("X-Test") != "1" ||
		len(m.Files) != 1 || string(m.Files[0].Data) != "a;b\r\n1;2\r\n" || m.InReplyTo[0] != "old@portlumen.example" {
		t.Errorf("mail %+v", m)
	}
	wait(t, "the copy to say so", func() bool { return b.box(maria)[0].State == relay.Delivered })
}

func TestSendTriesAgainAndReturns(t *testing.T) {
	g := hear(t, func(to string, n int) error {
		switch {
		case strings.HasPrefix(to, "busy") && n < 3:
			return code(451)
		case strings.HasPrefix(to, "nobody"):
			return code(550)
		}
		return nil
	}, nil)
	b := open(t, nil) // the gateway is not there yet
	if _, err := b.Send(relay.Draft{From: maria, To: []string{"busy@portlumen.example", "nobody@portlumen.example"}, Text: "x"}); err != nil {
		t.Fatal(err)
	}
	wait(t, "a try in vain", func() bool { return b.box(maria)[0].Tries > 0 })
	b.SetGateway(g.addr)
	wait(t, "the mail and the report", func() bool { return len(g.mails()) == 1 && len(b.box(maria)) == 2 })
	if to := g.mails()[0].to; !slices.Equal(to, []string{"busy@portlumen.example"}) {
		t.Errorf("taken for %v", to)
	}
	wait(t, "the end", func() bool { return b.Stats().Waiting == 0 })
	sent, report := b.box(maria)[0], b.box(maria)[1]
	if sent.State != relay.Returned || !strings.Contains(report.Field("Content-Type"), "delivery-status") || report.EnvelopeFrom != "" {
		t.Errorf("sent %s %s, report %+v", sent.State, sent.Note, report)
	}
}

func TestReportsComeToTheEnvelopeSender(t *testing.T) {
	tests := map[string][]string{
		"bounce+9@magic.example": {"Action: failed", "Status: 5.1.1", "Final-Recipient: rfc822; bounce+9@magic.example"},
		maria:                    {"Action: delayed", "Status: 4.4.1", "Subject: x"},
	}
	for to, want := range tests {
		t.Run(to, func(t *testing.T) {
			g := hear(t, nil, nil)
			b := open(t, func(c *relay.Config) { c.Gateway = g.addr })
			if err := b.book.Set(faults.Rule{Carrier: faults.Mail, Address: maria, Kind: faults.Late, After: 1}); err != nil {
				t.Fatal(err)
			}
			if err := b.hand(t, "bounce+id.mac@portlumen.example", to); err != nil {
				t.Fatal(err)
			}
			wait(t, "the report", func() bool { return len(g.mails()) == 1 })
			got := g.mails()[0]
			if got.from != "" || !slices.Equal(got.to, []string{"bounce+id.mac@portlumen.example"}) {
				t.Errorf("envelope %q → %v", got.from, got.to)
			}
			for _, s := range append(want, "report-type=delivery-status", "Message-Id: <bounce+id.mac") {
				if !strings.Contains(strings.ReplaceAll(got.raw, "Message-ID", "Message-Id"), s) {
					t.Errorf("no %q in %s", s, got.raw)
				}
			}
			if err := b.hand(t, "", to); err != nil {
				t.Fatal(err)
			}
			wait(t, "rest", func() bool { return b.Stats().Waiting == 0 })
			if len(g.mails()) != 1 {
				t.Error("a report on a report")
			}
		})
	}
}

// selfSigned is a certificate that nobody vouches for.
func selfSigned(t *testing.T) tls.Certificate {
	t.Helper()
	srv := httptest.NewTLSServer(nil)
	defer srv.Close()
	return srv.TLS.Certificates[0]
}

func TestTLSBothWays(t *testing.T) {
	b := open(t, func(c *relay.Config) { c.TLS = true })
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(b.Certificate()) {
		t.Fatal("no certificate")
	}
	c, err := smtp.DialStartTLS(b.addr, &tls.Config{RootCAs: pool, ServerName: "127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.SendMail("a@portlumen.example", []string{maria}, strings.NewReader("Subject: x\r\n\r\nhello\r\n")); err != nil {
		t.Fatal(err)
	}
	if len(b.box(maria)) != 1 {
		t.Error("not taken over TLS")
	}

	pair := selfSigned(t)
	g := hear(t, nil, &tls.Config{Certificates: []tls.Certificate{pair}})
	b.SetGateway(g.addr)
	if _, err := b.Send(relay.Draft{From: maria, To: []string{ours}, Text: "x"}); err != nil {
		t.Fatal(err)
	}
	wait(t, "the mail over TLS", func() bool { return len(g.mails()) == 1 })
}

func TestSendBetweenMailboxes(t *testing.T) {
	b := open(t, nil)
	if _, err := b.Send(relay.Draft{From: maria, To: []string{"Bob@Mail.example"}, Text: "x", Envelope: "<>"}); err != nil {
		t.Fatal(err)
	}
	if got := b.box("bob@mail.example"); len(got) != 1 || got[0].EnvelopeFrom != "" {
		t.Errorf("bob has %+v", got)
	}
	if got := b.box(maria); len(got) != 1 || !got[0].Sent || got[0].State != relay.Delivered {
		t.Errorf("maria has %+v", got)
	}
}

func TestSendRefuses(t *testing.T) {
	b := open(t, nil)
	for name, d := range map[string]relay.Draft{
		"from":    {To: []string{ours}},
		"no to":   {From: maria},
		"to":      {From: maria, To: []string{"nobody"}},
		"headers": {From: maria, To: []string{ours}, Headers: map[string]string{"X": "a\r\nB: c"}},
		"files":   {From: maria, To: []string{ours}, Files: make([]relay.File, 51)},
		"size":    {From: maria, To: []string{ours}, Raw: bytes.Repeat([]byte("x"), relay.MaxMessage+1)},
	} {
		if _, err := b.Send(d); err == nil || !strings.HasPrefix(err.Error(), strings.Fields(name + " ")[0]) && name != "no to" && name != "size" {
			t.Errorf("%s: %v", name, err)
		}
	}
	for key, cfg := range map[string]relay.Config{
		"gateway": {Gateway: "x"}, "domains[0]": {Domains: []string{"X"}}, "retry_for": {RetryFor: -1},
	} {
		if err := cfg.Validate(); err == nil || !strings.HasPrefix(err.Error(), key+": ") {
			t.Errorf("%s: %v", key, err)
		}
	}
}
