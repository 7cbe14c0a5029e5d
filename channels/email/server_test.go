package email

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"gatehouse/channels"
	"gatehouse/channels/channeltest"
	"gatehouse/configs/secret"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	_ channels.Channel   = (*Channel)(nil)
	_ channels.Listener  = (*Channel)(nil)
	_ channels.Addresser = (*Channel)(nil)
)

func testConfig(t testing.TB) Config {
	return Config{Listen: "127.0.0.1:0", Domain: "city.example", Sender: "City", Key: secret.New("0123456789abcdef"),
		Relay: Relay{URL: "smtp://127.0.0.1:1"}, SpoolDir: t.TempDir()}
}

func shared() channels.Shared {
	return channeltest.NewShared(slog.New(slog.DiscardHandler), time.Now)
}

// inbox refuses as told, else keeps.
type inbox struct {
	channeltest.Inbox
	accept func(context.Context, channels.Message) error
}

func (b *inbox) Accept(ctx context.Context, m channels.Message) error {
	if b.accept != nil {
		if err := b.accept(ctx, m); err != nil {
			return err
		}
	}
	return b.Inbox.Accept(ctx, m)
}

// serve runs the mail server until the test ends, and gives its address and a way to end it early.
func serve(t testing.TB, c Config, in channels.Inbox) (*Channel, string, func()) {
	t.Helper()
	ch, err := Open(c, shared())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := ch.Listen(ctx, in); err != nil {
			t.Errorf("listen: %v", err)
		}
	})
	stop := func() { cancel(); running.Wait() }
	t.Cleanup(stop)
	channeltest.Eventually(t, "the server listens", func() bool { return ch.Addresses()["smtp"] != "" })
	return ch, ch.Addresses()["smtp"], stop
}

// client is a raw SMTP client.
type client struct {
	t    testing.TB
	conn net.Conn
	r    *bufio.Reader
}

func call(t testing.TB, addr string) *client {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	return &client{t, conn, bufio.NewReader(conn)}
}

// answer reads one answer, its lines joined by a bar.
func (c *client) answer() string {
	c.t.Helper()
	var all []string
	for {
		line, err := c.r.ReadString('\n')
		if err != nil {
			return strings.Join(append(all, "("+err.Error()+")"), "|")
		}
		line = strings.TrimRight(line, "\r\n")
		all = append(all, line)
		if len(line) < 4 || line[3] == ' ' {
			return strings.Join(all, "|")
		}
	}
}

func (c *client) write(s string) {
	c.t.Helper()
	if _, err := io.WriteString(c.conn, s); err != nil {
		c.t.Fatal(err)
	}
}

// play runs a transcript: "C: " lines are sent, "S: " lines must begin the answers.
func (c *client) play(script string) {
	c.t.Helper()
	for line := range strings.Lines(script) {
		line = strings.TrimLeft(strings.TrimRight(line, "\n"), "\t")
		switch {
		case strings.HasPrefix(line, "C: "):
			c.write(line[3:] + "\r\n")
		case strings.HasPrefix(line, "S: "):
			if got := c.answer(); !strings.HasPrefix(got, line[3:]) {
				c.t.Fatalf("got %q, want %q", got, line[3:])
			}
		}
	}
}

func TestTranscript(t *testing.T) {
	var in inbox
	ch, addr, _ := serve(t, testConfig(t), &in)
	ours, _ := ch.book.ofCase("PL-9DTE-4HB6-17")
	back, _ := ch.book.bounce("0193a1b2c3")
	call(t, addr).play(`
		S: 220 city.example ESMTP
		C: MAIL FROM:<ann@example.net>
		S: 502
		C: EHLO me.example
		S: 250-Hello me.example|250-PIPELINING|250-8BITMIME|250-ENHANCEDSTATUSCODES|250-CHUNKING|250-SMTPUTF8|250-DSN|250-SIZE 14680064|250 LIMITS RCPTMAX=20
		C: MAIL FROM:<ann@example.net> SIZE=99999999
		S: 552 5.3.4
		C: MAIL FROM:<ann@example.net> SIZE=100 BODY=8BITMIME
		S: 250
		C: DATA
		S: 502
		C: RCPT TO:<victim@elsewhere.example>
		S: 550 5.7.1
		C: RCPT TO:<victim%elsewhere.example@city.example>
		S: 550 5.1.1
		C: RCPT TO:<help@sub.city.example>
		S: 550 5.7.1
		C: RCPT TO:<case+pl-9dte-4hb6-17.aaaaaaaaaaaaaaaa@city.example>
		S: 550 5.1.1
		C: RCPT TO:<` + back + `>
		S: 550 5.7.1 Delivery reports only
		C: RCPT TO:<HELP@City.Example>
		S: 250
		C: RCPT TO:<` + ours + `>
		S: 250
		C: DATA
		S: 354
		C: From: ann@example.net
		C: Subject: two recipients
		C: 
		C: ..dots
		C: .
		S: 250 2.0.0
		C: MAIL FROM:<>
		S: 250
		C: RCPT TO:<help@city.example>
		S: 250
		C: RSET
		S: 250
		C: VRFY help
		S: 252
		C: QUIT
		S: 221
	`)
	all := in.Messages()
	if len(all) != 1 || all[0].Reference != "PL-9DTE-4HB6-17" || all[0].To.Value != ours || all[0].Text != ".dots" || all[0].Trust != channels.Unverified {
		t.Errorf("heard %+v", all)
	}
}

// TestSmuggling sends what some servers take for the end of a mail (CVE-2023-51764 and its kin): it stays part of it.
func TestSmuggling(t *testing.T) {
	for _, end := range []string{"\n.\n", "\n.\r\n", "\r\n.\n", "\r.\r", "\r\n.\r", "\r.\r\n", "\n.\r"} {
		var in inbox
		_, addr, _ := serve(t, testConfig(t), &in)
		c := call(t, addr)
		c.play("S: 220\nC: EHLO x\nS: 250\nC: MAIL FROM:<a@example.net>\nS: 250\nC: RCPT TO:<help@city.example>\nS: 250\nC: DATA\nS: 354")
		c.write("From: a@example.net\r\nSubject: one\r\n\r\nfirst" + end +
			"MAIL FROM:<boss@city.example>\r\nRCPT TO:<help@city.example>\r\nDATA\r\nFrom: boss@city.example\r\n\r\nsmuggled\r\n.\r\n")
		c.play("S: 250\nC: NOOP\nS: 250")
		if all := in.Messages(); len(all) != 1 || !strings.Contains(all[0].Text, "smuggled") {
			t.Errorf("%q: %d messages, %+v", end, len(all), all)
		}
	}
}

func TestPipelinedAndChunked(t *testing.T) {
	var in inbox
	_, addr, _ := serve(t, testConfig(t), &in)
	c := call(t, addr)
	c.play("S: 220\nC: EHLO x\nS: 250")
	c.write("MAIL FROM:<a@example.net>\r\nRCPT TO:<nobody@city.example>\r\nRCPT TO:<help@city.example>\r\nDATA\r\n")
	c.play("S: 250\nS: 550 5.1.1\nS: 250\nS: 354")
	c.write("Subject: piped\r\nMessage-ID: <1@x>\r\n\r\nx\r\n.\r\n")
	c.play("S: 250 2.0.0")
	c.write("MAIL FROM:<a@example.net>\r\nRCPT TO:<help@city.example>\r\nBDAT 18\r\nSubject: chunk\r\n\r\nBDAT 4 LAST\r\nbody")
	c.play("S: 250\nS: 250\nS: 250\nS: 250 2.0.0")
	c.write("MAIL FROM:<a@example.net>\r\nRCPT TO:<help@city.example>\r\nBDAT 5\r\nSubje")
	c.play("S: 250\nS: 250\nS: 250")
	c.write("RSET\r\nMAIL FROM:<a@example.net>\r\nRCPT TO:<help@city.example>\r\nBDAT 5 LAST\r\nworse")
	for got := ""; !strings.HasPrefix(got, "("); { // half a mail, then another: the session ends
		got = c.answer()
	}
	c = call(t, addr)
	c.play("S: 220\nC: EHLO x\nS: 250")
	c.write("MAIL FROM:<a@example.net>\r\nRCPT TO:<help@city.example>\r\nBDAT 500 LAST\r\nSubject: cut\r\n\r\nhalf")
	c.play("S: 250\nS: 250")
	c.conn.Close()
	call(t, addr).play("S: 220\nC: EHLO x\nS: 250\nC: MAIL FROM:<a@example.net>\nS: 250\nC: RCPT TO:<help@city.example>\nS: 250\nC: DATA\nS: 354\nC: \nC: last\nC: .\nS: 250")
	var texts []string
	for _, m := range in.Messages() {
		texts = append(texts, m.Subject+"/"+m.Text)
	}
	if got := strings.Join(texts, " "); got != "piped/x chunk/body /last" {
		t.Errorf("heard %q", got)
	}
}

func TestCutMailIsNotTaken(t *testing.T) {
	var in inbox
	_, addr, stop := serve(t, testConfig(t), &in)
	c := call(t, addr)
	c.play("S: 220\nC: EHLO x\nS: 250\nC: MAIL FROM:<a@example.net>\nS: 250\nC: RCPT TO:<help@city.example>\nS: 250\nC: DATA\nS: 354\nC: Subject: x\nC: \nC: half")
	c.conn.Close()
	stop()
	if in.Calls() != 0 {
		t.Error("half a mail was taken")
	}
}

func TestAnswersOfTheInbox(t *testing.T) {
	for want, err := range map[string]error{
		"250 2.0.0": nil, "451 4.3.0": channels.ErrBusy, "552 5.3.4": channels.ErrTooLarge, "550 5.7.1": channels.ErrNotForUs,
		"451 4.3.0 Busy": errors.New("disk"), "451 4.3.0 ": fmt.Errorf("store: %w", channels.ErrBusy),
	} {
		in := inbox{accept: func(context.Context, channels.Message) error { return err }}
		_, addr, _ := serve(t, testConfig(t), &in)
		call(t, addr).play("S: 220\nC: HELO x\nS: 250\nC: MAIL FROM:<a@example.net>\nS: 250\nC: RCPT TO:<help@city.example>\nS: 250\nC: DATA\nS: 354\nC: \nC: x\nC: .\nS: " + want)
	}
}

func TestReports(t *testing.T) {
	var in inbox
	ch, addr, _ := serve(t, testConfig(t), &in)
	back, _ := ch.book.bounce("Msg-0193a1B2")
	c := call(t, addr)
	c.play("S: 220\nC: EHLO x\nS: 250")
	report := func(to, body, want string) {
		t.Helper()
		c.play("C: MAIL FROM:<>\nS: 250\nC: RCPT TO:<" + to + ">\nS: 250\nC: DATA\nS: 354")
		c.write(crlf(body) + "\r\n.\r\n")
		c.play("S: " + want)
	}
	dsn := func(action, status string) string {
		return "From: MAILER-DAEMON@x\nContent-Type: multipart/report; boundary=b\n\n--b\n\nSorry\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; x\n\nFinal-Recipient: rfc822; a@x\nAction: " + action + "\nStatus: " + status + "\n\n--b--\n"
	}
	report(back, dsn("failed", "5.1.1"), "250")
	shouted, _ := ch.book.bounce("0193a1b2")
	report(strings.ToUpper(shouted), dsn("failed", "5.7.1"), "250")
	report(back, dsn("delayed", "4.4.1"), "250")
	report(back, dsn("relayed", "2.0.0"), "250")
	report(back, dsn("delivered", "2.0.0"), "250")
	report(back, dsn("failed", "4.4.7"), "250")
	report(back, "Subject: away\n\nI am on holiday.\n", "550 5.7.1")
	report(back, "From: Mail Delivery System <Mailer-Daemon@x>\nX-Failed-Recipients: a@x\nSubject: Mail delivery failed\n\nunrouteable\n", "250")
	in.FailNext(1, channels.ErrBusy)
	report(back, dsn("failed", "5.1.1"), "451 4.3.0")
	var got []string
	for _, r := range in.Receipts() {
		got = append(got, fmt.Sprintf("%s %s %v", r.MessageID, r.State, r.Err))
		if r.Channel != Name || r.At.IsZero() {
			t.Errorf("receipt %+v", r)
		}
	}
	if len(in.Messages()) != 0 || strings.Join(got, "; ") != "Msg-0193a1B2 failed unreachable (5.1.1); 0193a1b2 failed rejected (5.7.1); Msg-0193a1B2 delayed temporary (4.4.1); Msg-0193a1B2 delivered <nil>; "+
		"Msg-0193a1B2 failed unreachable (4.4.7); Msg-0193a1B2 failed unreachable" {
		t.Errorf("receipts %q", got)
	}
	c.play("C: MAIL FROM:<>\nS: 250\nC: RCPT TO:<help@city.example>\nS: 250\nC: RCPT TO:<" + back + ">\nS: 452")
}

func TestStartTLS(t *testing.T) {
	var in inbox
	c := testConfig(t)
	c.TLS = TLS{SelfSigned: true, Required: true}
	_, addr, _ := serve(t, c, &in)
	k := call(t, addr)
	k.play("S: 220\nC: EHLO x\nS: 250-Hello x|250-PIPELINING|250-8BITMIME|250-ENHANCEDSTATUSCODES|250-CHUNKING|250-STARTTLS\nC: MAIL FROM:<a@example.net>\nS: 530 5.7.0")
	// What is piped behind STARTTLS in clear must not count (CVE-2011-0411).
	k.write("STARTTLS\r\nEHLO injected\r\nMAIL FROM:<evil@example.net>\r\n")
	k.play("S: 220")
	secure := tls.Client(k.conn, &tls.Config{ServerName: "city.example", InsecureSkipVerify: true})
	if secure.Handshake() == nil { // else they broke the handshake, which is as good
		k.conn, k.r = secure, bufio.NewReader(secure)
		k.play("C: RCPT TO:<help@city.example>\nS: 502\nC: DATA\nS: 502")
	}
	k = call(t, addr)
	k.play("S: 220\nC: EHLO x\nS: 250\nC: STARTTLS\nS: 220")
	secure = tls.Client(k.conn, &tls.Config{ServerName: "city.example", InsecureSkipVerify: true})
	k.conn, k.r = secure, bufio.NewReader(secure)
	k.play("C: MAIL FROM:<a@example.net>\nS: 502\nC: EHLO x\nS: 250\nC: MAIL FROM:<a@example.net>\nS: 250\nC: RCPT TO:<help@city.example>\nS: 250\nC: DATA\nS: 354\nC: \nC: x\nC: .\nS: 250")
	if len(in.Messages()) != 1 {
		t.Error("not heard")
	}
}

func TestLimits(t *testing.T) {
	c := testConfig(t)
	c.MaxMessage, c.MaxRecipients, c.MaxErrors, c.MaxPerHost = 2000, 2, 2, 2
	var in inbox
	_, addr, _ := serve(t, c, &in)
	k := call(t, addr)
	k.play("S: 220\nC: EHLO x\nS: 250\nC: MAIL FROM:<a@example.net>\nS: 250\nC: RCPT TO:<help@city.example>\nS: 250\nC: RCPT TO:<abuse@city.example>\nS: 250\nC: RCPT TO:<postmaster@city.example>\nS: 452\nC: DATA\nS: 354")
	k.write("\r\n" + strings.Repeat(strings.Repeat("x", 98)+"\r\n", 30) + ".\r\n")
	k.play("S: 552 5.3.4\nC: MAIL FROM:<a@example.net>\nS: 250")
	second := call(t, addr)
	second.play("S: 220")
	call(t, addr).play("S: 421 4.3.2")
	second.play("C: EHLO x\nS: 250\nC: MAIL FROM:<a@example.net>\nS: 250\nC: RCPT TO:<a@city.example>\nS: 550\nC: RCPT TO:<b@city.example>\nS: 550\nC: RCPT TO:<c@city.example>\nS: 421")
	if got := second.answer(); !strings.HasPrefix(got, "(") {
		t.Errorf("after too many errors: %q", got)
	}
	channeltest.Eventually(t, "a place is free", func() bool {
		third := call(t, addr)
		got := third.answer()
		third.conn.Close()
		return strings.HasPrefix(got, "220")
	})
	k.write("NOOP " + strings.Repeat("x", maxLine+10) + "\r\n")
	k.play("S: 500")
	if in.Calls() != 0 {
		t.Error("something was taken")
	}
}

// TestSilenceEnds: a client that says nothing is told goodbye.
func TestSilenceEnds(t *testing.T) {
	quick, half := testConfig(t), testConfig(t)
	quick.CommandTimeout, half.DataTimeout = 30*time.Millisecond, 60*time.Millisecond
	var in inbox
	_, addr, _ := serve(t, quick, &in)
	call(t, addr).play("S: 220\nS: 421 4.4.2")
	_, addr, _ = serve(t, half, &in) // whose client has all its time between commands
	k := call(t, addr)
	k.play("S: 220\nC: EHLO x\nS: 250\nC: MAIL FROM:<a@example.net>\nS: 250\nC: RCPT TO:<help@city.example>\nS: 250")
	k.write("DATA\r\nhalf\r\n")
	k.play("S: 354\nS: 451 4.4.2")
	if in.Calls() != 0 {
		t.Error("half a mail was taken")
	}
}

// TestEndStoresWhatIsUnderWay: idle sessions hear 421 at once, the one that is storing gets its 250.
func TestEndStoresWhatIsUnderWay(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	in := inbox{accept: func(context.Context, channels.Message) error { close(entered); <-release; return nil }}
	_, addr, stop := serve(t, testConfig(t), &in)
	idle, busy := call(t, addr), call(t, addr)
	idle.play("S: 220\nC: EHLO x\nS: 250")
	busy.play("S: 220\nC: EHLO x\nS: 250\nC: MAIL FROM:<a@example.net>\nS: 250\nC: RCPT TO:<help@city.example>\nS: 250\nC: DATA\nS: 354\nC: \nC: x\nC: .")
	<-entered
	ended := make(chan struct{})
	go func() { stop(); close(ended) }()
	idle.play("S: 421")
	close(release)
	busy.play("S: 250 2.0.0\nS: 421")
	<-ended
	if _, err := net.Dial("tcp", addr); err == nil {
		t.Error("still listening")
	}
}

// TestEndCutsWhatHangs: a store that only its context frees does not hold the end up.
func TestEndCutsWhatHangs(t *testing.T) {
	entered := make(chan struct{})
	in := inbox{accept: func(ctx context.Context, _ channels.Message) error { close(entered); <-ctx.Done(); return ctx.Err() }}
	ch, addr, stop := serve(t, testConfig(t), &in)
	busy := call(t, addr)
	busy.play("S: 220\nC: EHLO x\nS: 250\nC: MAIL FROM:<a@example.net>\nS: 250\nC: RCPT TO:<help@city.example>\nS: 250\nC: DATA\nS: 354\nC: \nC: x\nC: .")
	<-entered
	stop()
	if got := ch.refusal(fmt.Errorf("read tcp: %w", net.ErrClosed)); !errors.Is(got, replyCut) {
		t.Errorf("a mail that was cut is %v, no fault of the store", got)
	}
}

func TestPortTakenNamesItsSetting(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c := testConfig(t)
	c.Listen = l.Addr().String()
	ch, err := Open(c, shared())
	if err != nil {
		t.Fatal(err)
	}
	if err := ch.Listen(t.Context(), &inbox{}); err == nil || !strings.Contains(err.Error(), "setting listen of email") {
		t.Errorf("error %v", err)
	}
}

// TestSpoolLeavesNothingReadable sends a mail that does not fit into memory and looks at the spool's folder while it
// is being stored.
func TestSpoolLeavesNothingReadable(t *testing.T) {
	c := testConfig(t)
	var names []string
	in := inbox{accept: func(context.Context, channels.Message) error {
		var err error
		names, err = filepath.Glob(filepath.Join(c.SpoolDir, "*"))
		return err
	}}
	_, addr, _ := serve(t, c, &in)
	body := strings.Repeat("marker words on every line\r\n", 12000)
	k := call(t, addr)
	k.play("S: 220\nC: EHLO x\nS: 250\nC: MAIL FROM:<a@example.net>\nS: 250\nC: RCPT TO:<help@city.example>\nS: 250\nC: DATA\nS: 354")
	k.write("Content-Type: application/pdf; name=a.pdf\r\n\r\n" + body + ".\r\n")
	k.play("S: 250")
	if len(names) != 0 {
		t.Errorf("files with names: %v", names)
	}
	m := in.Messages()[0]
	r, err := m.Files[0].Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(r); err != nil || string(got) != body {
		t.Errorf("read %d bytes of %d, %v", len(got), len(body), err)
	}
}
