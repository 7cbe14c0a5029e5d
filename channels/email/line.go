package email

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"strings"
	"time"

	"github.com/emersion/go-sasl"
)

// line is one connection to the relay.
type line struct {
	conn    net.Conn
	text    *textproto.Conn
	can     map[string]string // the relay's EHLO extensions, in capitals, with their parameters
	timeout time.Duration     // for an answer
	last    time.Duration     // for the answer after a whole mail
	used    time.Time
}

func (l *line) close() { l.conn.Close() }

// quit says goodbye without waiting for the answer.
func (l *line) quit() {
	if l.conn.SetWriteDeadline(time.Now().Add(time.Second)) == nil {
		_, _ = io.WriteString(l.conn, "QUIT\r\n")
	}
	l.conn.Close()
}

// within runs do with a deadline of d, or ctx's if it is earlier. When ctx ends, do fails at once.
func (l *line) within(ctx context.Context, d time.Duration, do func() error) error {
	deadline := time.Now().Add(d)
	if t, ok := ctx.Deadline(); ok && t.Before(deadline) {
		deadline = t
	}
	if err := l.conn.SetDeadline(deadline); err != nil {
		return err
	}
	ended := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		_ = l.conn.SetDeadline(time.Unix(1, 0))
		close(ended)
	})
	err := do()
	if !stop() {
		<-ended // or it would spoil the next deadline
	}
	if isTimeout(err) || (err != nil && ctx.Err() != nil) {
		return errSlow
	}
	return err
}

// command writes one line and wants an answer of one code.
func (l *line) command(ctx context.Context, code int, format string, a ...any) error {
	return l.within(ctx, l.timeout, func() error {
		if err := l.text.PrintfLine(format, a...); err != nil {
			return err
		}
		_, _, err := l.text.ReadResponse(code)
		return err
	})
}

// secure goes on in TLS. What was read before is forgotten (RFC 3207 §4.2).
func (l *line) secure(ctx context.Context, c *tls.Config) error {
	t := tls.Client(l.conn, c)
	if err := l.within(ctx, l.timeout, func() error { return t.HandshakeContext(ctx) }); err != nil {
		return err
	}
	l.conn, l.text = t, textproto.NewConn(t)
	return nil
}

// hello introduces us and learns what the relay can. A relay without EHLO gets HELO.
func (l *line) hello(ctx context.Context, hostname string) error {
	l.can = map[string]string{}
	err := l.within(ctx, l.timeout, func() error {
		if err := l.text.PrintfLine("EHLO %s", hostname); err != nil {
			return err
		}
		_, message, err := l.text.ReadResponse(250)
		lines := strings.Split(message, "\n")
		for _, ext := range lines[1:min(len(lines), 100)] {
			name, params, _ := strings.Cut(ext, " ")
			l.can[strings.ToUpper(name)] = params
		}
		return err
	})
	var refusal *textproto.Error
	if errors.As(err, &refusal) && (refusal.Code == 500 || refusal.Code == 502) {
		return l.command(ctx, 250, "HELO %s", hostname)
	}
	return err
}

// login runs a SASL dialogue (RFC 4954).
func (l *line) login(ctx context.Context, client sasl.Client) error {
	mechanism, first, err := client.Start()
	if err != nil {
		return fmt.Errorf("begin to log in: %w", err)
	}
	say := "AUTH " + mechanism
	if first != nil {
		say += " " + base64.StdEncoding.EncodeToString(first)
	}
	return l.within(ctx, l.timeout, func() error {
		for range 5 {
			if err := l.text.PrintfLine("%s", say); err != nil {
				return err
			}
			code, message, err := l.text.ReadResponse(0)
			if err != nil || code == 235 {
				return err
			}
			if code != 334 {
				return &textproto.Error{Code: code, Msg: message}
			}
			challenge, err := base64.StdEncoding.DecodeString(message)
			if err != nil {
				return errAnswer("AUTH")
			}
			answer, err := client.Next(challenge)
			if err != nil {
				return errAnswer("AUTH")
			}
			say = base64.StdEncoding.EncodeToString(answer)
		}
		return errAnswer("AUTH")
	})
}

// forget takes back a mail that was refused, so that the next may begin.
func (l *line) forget(ctx context.Context) error { return l.command(ctx, 250, "RSET") }

// deliver hands one mail over. The stage says how far it came: only after handing may the relay have it.
func (l *line) deliver(ctx context.Context, m letter) (string, stage, error) {
	if at, err := l.offer(ctx, m); err != nil {
		return "", at, err
	}
	at, answer := offering, ""
	err := l.within(ctx, l.last, func() error {
		w := l.text.DotWriter()
		if _, err := io.Copy(w, m.body()); err != nil {
			return err
		}
		at = handing // from here on the end of the mail may be on the wire
		if err := w.Close(); err != nil {
			return err
		}
		var err error
		_, answer, err = l.text.ReadResponse(250)
		return err
	})
	return answer, at, err
}

// offer says who writes to whom and asks to begin: in one write where the relay takes that (PIPELINING, RFC 2920).
func (l *line) offer(ctx context.Context, m letter) (stage, error) {
	steps := []struct {
		at   stage
		code int
		say  string
	}{
		{mailing, 250, "MAIL FROM:<" + m.from + ">" + l.parameters(m)},
		{naming, 25, "RCPT TO:<" + m.to + ">" + l.wishes(m)},
		{offering, 354, "DATA"},
	}
	if _, known := l.can["SMTPUTF8"]; m.utf8 && !known {
		return naming, errUTF8
	}
	_, together := l.can["PIPELINING"]
	at := mailing
	err := l.within(ctx, l.timeout, func() error {
		if together {
			all := steps[0].say + "\r\n" + steps[1].say + "\r\n" + steps[2].say + "\r\n"
			if _, err := io.WriteString(l.conn, all); err != nil {
				return fmt.Errorf("%w: %w", errAge, err)
			}
		}
		var refusal error
		for _, s := range steps {
			if !together {
				if refusal != nil {
					return refusal
				}
				if err := l.text.PrintfLine("%s", s.say); err != nil {
					return fmt.Errorf("%w: %w", errAge, err)
				}
			}
			_, _, err := l.text.ReadResponse(s.code)
			var no *textproto.Error
			switch {
			case refusal != nil && err != nil && !errors.As(err, &no):
				return refusal // it hung up after that
			case err != nil && !errors.As(err, &no):
				if at = s.at; at == mailing {
					err = fmt.Errorf("%w: %w", errAge, err)
				}
				return err
			case err != nil && refusal == nil:
				at, refusal = s.at, err
			case err == nil && s.at == offering && refusal != nil:
				// The relay refused the sender or the recipient and asks for the mail all the same: give it none.
				return errors.Join(l.nothing(), refusal)
			}
		}
		return refusal
	})
	return at, err
}

// nothing ends a mail that has no recipient; the answer does not matter (RFC 2920 §3.1).
func (l *line) nothing() error {
	if err := l.text.PrintfLine("."); err != nil {
		return err
	}
	_, _, err := l.text.ReadResponse(0)
	return err
}

// parameters of MAIL that the relay knows.
func (l *line) parameters(m letter) string {
	p := ""
	if _, ok := l.can["SIZE"]; ok {
		p += fmt.Sprintf(" SIZE=%d", m.size)
	}
	if m.utf8 {
		p += " SMTPUTF8"
	}
	if _, ok := l.can["DSN"]; ok && m.from != "" {
		p += " RET=HDRS ENVID=" + xtext(m.id)
	}
	return p
}

// wishes are the parameters of RCPT: what is reported of a mail, where the relay knows how (RFC 3461). Reports name the
// address as we wrote it, whatever it is forwarded to.
func (l *line) wishes(m letter) string {
	switch _, ok := l.can["DSN"]; {
	case !ok:
		return ""
	case m.from == "":
		return " NOTIFY=NEVER"
	case m.utf8: // RFC 6533 §3 writes it another way; the report names the final recipient anyway
		return " NOTIFY=FAILURE,DELAY"
	}
	return " NOTIFY=FAILURE,DELAY ORCPT=rfc822;" + xtext(m.to)
}

// xtext writes what may stand in a parameter (RFC 3461 §4).
func xtext(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c > '~' || c == '+' || c == '=' {
			fmt.Fprintf(&b, "+%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}
