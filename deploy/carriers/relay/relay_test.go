package relay_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"gatehouse/deploy/carriers/faults"
	"gatehouse/deploy/carriers/relay"

	"github.com/emersion/go-smtp"
	"github.com/wneessen/go-mail"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	ours  = "help@portlumen.example"
	maria = "maria@northdock.example"
)

type bench struct {
	*relay.Relay
	addr string
	book *faults.Book
}

func open(t *testing.T, change func(*relay.Config)) *bench {
	t.Helper()
	cfg := relay.Config{Domains: []string{"portlumen.example"}, ReportAfter: time.Millisecond}
	if change != nil {
		change(&cfg)
	}
	l := listen(t)
	book := faults.NewBook()
	r, err := relay.Open(t.Context(), cfg, l, relay.House{Log: slog.New(slog.DiscardHandler), Now: time.Now, Book: book})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return &bench{r, l.Addr().String(), book}
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func wait(t *testing.T, what string, done func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// hand gives the relay a mail with the client of go-smtp.
func (b *bench) hand(t *testing.T, from string, to ...string) error {
	t.Helper()
	c, err := smtp.Dial(b.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return c.SendMail(from, to, strings.NewReader("From: <"+ours+">\r\nMessage-ID: <"+from+">\r\nSubject: x\r\n\r\nhello\r\n"))
}

func (b *bench) box(address string) []relay.Mail {
	var out []relay.Mail
	for _, it := range b.Mails().Of(address, 0) {
		out = append(out, it.Value)
	}
	return out
}

func TestRelayTakesARichMail(t *testing.T) {
	b := open(t, nil)
	m := mail.NewMsg()
	for _, err := range []error{
		m.FromFormat("Port Lumen", ours), m.EnvelopeFrom("bounce+1.mac@portlumen.example"),
		m.To(maria, "Second@Mail.example"),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	m.Subject("Décision: accordée")
	m.SetMessageIDWithValue("id-1@portlumen.example")
	m.SetGenHeader("In-Reply-To", "<question@northdock.example>")
	m.SetBodyString(mail.TypeTextPlain, "Bonjour,\nتم القبول\n")
	m.AddAlternativeString(mail.TypeTextHTML, "<p>Bonjour</p>")
	if err := m.AttachReader("décision.pdf", strings.NewReader("%PDF-1.7"), mail.WithFileContentType("application/pdf")); err != nil {
		t.Fatal(err)
	}
	host, port, _ := net.SplitHostPort(b.addr)
	c, err := mail.NewClient(host, mail.WithPort(atoi(port)), mail.WithTLSPolicy(mail.NoTLS))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.DialAndSendWithContext(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	for _, owner := range []string{maria, "second@mail.example"} {
		got := b.box(owner)
		if len(got) != 1 {
			t.Fatalf("%s has %d mails", owner, len(got))
		}
		g := got[0]
		if g.EnvelopeFrom != "bounce+1.mac@portlumen.example" || g.MessageID != "id-1@portlumen.example" ||
			g.Subject != "Décision: accordée" || !strings.Contains(g.Text, "تم القبول") || g.HTML == "" || g.Fault != "" ||
			len(g.Files) != 1 || g.Files[0].Name != "décision.pdf" || string(g.Files[0].Data) != "%PDF-1.7" ||
			!slices.Equal(g.InReplyTo, []string{"question@northdock.example"}) || g.Field("subject") != g.Subject {
			t.Errorf("%s got %+v", owner, g)
		}
	}
}

func atoi(s string) (n int) {
	for _, r := range s {
		n = n*10 + int(r-'0')
	}
	return n
}

func TestMagicRecipients(t *testing.T) {
	tests := []struct {
		word     string
		refusals []int // codes of the attempts before it is taken; -1 for a broken line
		forever  bool
	}{
		{"greylist", []int{451, 451}, false},
		{"full", []int{452, 452}, false},
		{"unknown", []int{550, 550, 550}, true},
		{"refused", []int{-1}, false},
		{"lost", []int{-1}, false},
		{"greylist+again", []int{451, 451}, false},
	}
	for _, tt := range tests {
		t.Run(tt.word, func(t *testing.T) {
			b := open(t, nil)
			to := tt.word + "@magic.example"
			for i, code := range tt.refusals {
				err := b.hand(t, "bounce+1@portlumen.example", to)
				var e *smtp.SMTPError
				if err == nil || errors.As(err, &e) && e.Code != code && code != -1 {
					t.Errorf("attempt %d: %v, want %d", i+1, err, code)
				}
			}
			taken := 0
			if tt.word == "lost" {
				taken = 1
			}
			if got := len(b.box(to)); got != taken {
				t.Errorf("%d taken before the last attempt, want %d", got, taken)
			}
			err := b.hand(t, "bounce+1@portlumen.example", to)
			if (err != nil) != tt.forever {
				t.Errorf("last attempt: %v", err)
			}
			if !tt.forever && len(b.box(to)) != taken+1 {
				t.Errorf("%d in the box", len(b.box(to)))
			}
		})
	}
}

func TestSlowAnswerComesAfterTheMailIsTaken(t *testing.T) {
	b := open(t, nil)
	if err := b.book.Set(faults.Rule{Carrier: faults.Mail, Kind: faults.Slow, After: faults.Delay(50 * time.Millisecond), Times: 1}); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if err := b.hand(t, "a@portlumen.example", maria); err != nil {
		t.Fatal(err)
	}
	if time.Since(began) < 50*time.Millisecond || len(b.box(maria)) != 1 {
		t.Errorf("answered after %v with %d in the box", time.Since(began), len(b.box(maria)))
	}
}

func TestReadSurvivesBrokenMail(t *testing.T) {
	for _, raw := range []string{"", "no header at all", "Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n",
		"Content-Type: text/plain; charset=none\r\n\r\nx", "Content-Transfer-Encoding: base64\r\n\r\n%%%"} {
		if m := relay.Read([]byte(raw)); string(m.Raw) != raw {
			t.Errorf("%q lost its raw form", raw)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte("From: a@b.example\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\nhello\r\n--x--\r\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if m := relay.Read(raw); !bytes.Equal(m.Raw, raw) || len(m.Files) > 100 {
			t.Errorf("%d files", len(m.Files))
		}
	})
}
