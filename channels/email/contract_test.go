package email

import (
	"context"
	"encoding/base64"
	"fmt"
	"mime/quotedprintable"
	"net"
	"net/smtp"
	"net/textproto"
	"strings"
	"testing"
	"time"

	"gatehouse/channels"
	"gatehouse/channels/channeltest"
)

const ann = "ann.citizen@example.net"

func TestContract(t *testing.T) {
	faults := channeltest.AllFaults()[1:] // mail knows no carrier's STOP
	channeltest.Run(t, channeltest.Harness{
		Open:    openContract,
		Secrets: []string{"0123456789abcdef"},
		Can:     channeltest.Abilities{FilesIn: true, FilesOut: true, Options: true, Receipts: true, Faults: faults},
	})
}

func openContract(t *testing.T, e channeltest.Env) channeltest.Rig {
	s := newSink(t)
	c := testConfig(t)
	c.Relay.URL = "smtp://" + s.addr
	c.MaxMessage = 1 << 20
	ch, err := Open(c, e.Shared)
	if err != nil {
		t.Fatal(err)
	}
	where := func() string { return ch.Addresses()["smtp"] }
	return channeltest.Rig{
		Channel: ch,
		Own:     channels.Address{Channel: Name, Value: "help@city.example"},
		Person: func(t *testing.T) channels.Address {
			channeltest.Eventually(t, "the server listens", func() bool { return where() != "" })
			return channels.Address{Channel: Name, Value: ann}
		},
		Carrier: channeltest.Carrier{
			Deliver: func(ctx context.Context, said channeltest.Said) channeltest.Answer {
				return hand(ctx, where(), ann, "help@city.example", letterOf(said))
			},
			Sent: s.sent,
			Fail: s.fault,
			Tell: func(ctx context.Context, r channels.Receipt, state channels.State) channeltest.Answer {
				to, _ := ch.book.bounce(r.MessageID)
				return hand(ctx, where(), "", to, reportOf(state))
			},
			Hostile: hostile(where),
		},
	}
}

// letterOf is a mail as a person's program makes it.
func letterOf(s channeltest.Said) string {
	var text strings.Builder
	q := quotedprintable.NewWriter(&text)
	fmt.Fprint(q, s.Text)
	q.Close()
	head := fmt.Sprintf("From: Ann <%s>\nSubject: a question\nMessage-ID: <%s@example.net>\nMIME-Version: 1.0\n", ann, s.ID)
	part := "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n" + strings.ReplaceAll(text.String(), "\r\n", "\n") + "\n"
	if len(s.Files) == 0 {
		return head + part
	}
	all := head + "Content-Type: multipart/mixed; boundary=cut\n\n--cut\n" + part
	for _, f := range s.Files {
		b := base64.StdEncoding.EncodeToString(f.Bytes)
		all += fmt.Sprintf("\n--cut\nContent-Type: %s\nContent-Disposition: attachment; filename=%q\nContent-Transfer-Encoding: base64\n\n", f.Type, f.Name)
		for ; len(b) > 76; b = b[76:] {
			all += b[:76] + "\n"
		}
		all += b + "\n"
	}
	return all + "--cut--\n"
}

func reportOf(state channels.State) string {
	action, status := "failed", "5.1.1"
	if state == channels.Delivered {
		action, status = "delivered", "2.1.5"
	}
	return "From: MAILER-DAEMON@example.net\nContent-Type: multipart/report; report-type=delivery-status; boundary=cut\n\n--cut\n\nA report.\n--cut\nContent-Type: message/delivery-status\n\n" +
		"Reporting-MTA: dns; mx.example.net\n\nFinal-Recipient: rfc822; " + ann + "\nAction: " + action + "\nStatus: " + status + "\n\n--cut--\n"
}

// hand delivers a mail with the standard library's client.
func hand(ctx context.Context, addr, from, to, mail string) channeltest.Answer {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return channeltest.Again
	}
	defer conn.Close()
	if conn.SetDeadline(time.Now().Add(time.Minute)) != nil {
		return channeltest.Again
	}
	c, err := smtp.NewClient(conn, "city.example")
	if err != nil {
		return answerOf(err)
	}
	if err := c.Mail(from); err != nil {
		return answerOf(err)
	}
	if err := c.Rcpt(to); err != nil {
		return answerOf(err)
	}
	w, err := c.Data()
	if err != nil {
		return answerOf(err)
	}
	if _, err := fmt.Fprint(w, mail); err != nil {
		return answerOf(err)
	}
	return answerOf(w.Close())
}

func answerOf(err error) channeltest.Answer {
	if err == nil {
		return channeltest.Taken
	}
	if e, ok := err.(*textproto.Error); ok && e.Code >= 500 {
		return channeltest.Refused
	}
	return channeltest.Again
}

// fault makes the sink meet the next mail as told.
func (s *sink) fault(f channeltest.Fault) {
	switch f {
	case channeltest.Temporary:
		s.fail("RCPT", "450 4.2.1 mailbox busy "+ann)
	case channeltest.Throttled:
		s.fail("MAIL", "451 4.7.1 slow down")
	case channeltest.Rejected:
		s.fail(".", "554 5.7.1 "+channeltest.Marker+" looks like spam")
	case channeltest.Unreachable:
		s.fail("RCPT", "550 5.1.1 <"+ann+"> unknown")
	case channeltest.Misconfigured:
		s.fail("MAIL", "530 5.7.0 log in first")
	case channeltest.Lost:
		s.fail(".", "-")
	case channeltest.Silent:
		s.fail(".", "?")
	}
}

func (s *sink) sent() []channeltest.Sent {
	var all []channeltest.Sent
	for _, m := range s.mails() {
		if _, sent, err := m.open(); err == nil {
			all = append(all, sent)
		}
	}
	return all
}

// hostile are deliveries that must come to nothing.
func hostile(where func() string) map[string]func(context.Context) {
	mail := func(from, to, body string) func(context.Context) {
		return func(ctx context.Context) { hand(ctx, where(), from, to, body) }
	}
	raw := func(lines string) func(context.Context) {
		return func(ctx context.Context) {
			var d net.Dialer
			conn, err := d.DialContext(ctx, "tcp", where())
			if err != nil {
				return
			}
			defer conn.Close()
			if conn.SetDeadline(time.Now().Add(time.Minute)) == nil {
				fmt.Fprint(conn, lines)
				conn.(*net.TCPConn).CloseWrite()
				var b [512]byte
				for err == nil {
					_, err = conn.Read(b[:])
				}
			}
		}
	}
	deep := ""
	for i := range 40 {
		deep += fmt.Sprintf("Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n", i, i)
	}
	return map[string]func(context.Context){
		"relaying":         mail(ann, "victim@elsewhere.example", "x\n"),
		"a guessed case":   mail(ann, "case+pl-9dte-4hb6-17.aaaaaaaaaaaaaaaa@city.example", "x\n"),
		"a guessed bounce": mail("", "bounce+0193.aaaaaaaaaaaaaaaa@city.example", reportOf(channels.Failed)),
		"deep":             mail(ann, "help@city.example", deep),
		"parts":            mail(ann, "help@city.example", "Content-Type: multipart/mixed; boundary=b\n\n"+strings.Repeat("--b\n\nx\n", 5000)+"--b--\n"),
		"huge":             mail(ann, "help@city.example", "\n"+strings.Repeat(strings.Repeat("x", 70)+"\n", 20000)),
		"header":           mail(ann, "help@city.example", strings.Repeat("X: "+strings.Repeat("x", 900)+"\n", 1000)+"\nx\n"),
		"long line":        raw("EHLO x\r\nMAIL FROM:<" + strings.Repeat("a", 200000) + "@example.net>\r\n"),
		"no mail at all":   raw("GET / HTTP/1.1\r\nHost: city.example\r\n\r\n"),
		"cut short":        raw("EHLO x\r\nMAIL FROM:<" + ann + ">\r\nRCPT TO:<help@city.example>\r\nDATA\r\nSubject: x\r\n\r\nhalf"),
		"cut chunk":        raw("EHLO x\r\nMAIL FROM:<" + ann + ">\r\nRCPT TO:<help@city.example>\r\nBDAT 1000 LAST\r\nSubject: x\r\n\r\nhalf"),
		"nothing":          raw(""),
	}
}
