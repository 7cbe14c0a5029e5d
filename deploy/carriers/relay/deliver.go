package relay

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/smtp"
	"net/textproto"
	"slices"
	"strings"
	"sync"
	"time"

	"gatehouse/deploy/carriers/courier"
)

const (
	// sessionTimeout bounds one SMTP session with the gateway.
	sessionTimeout = 2 * time.Minute
	// longestBackoff between two tries, so that a gateway that came back is found soon; a real server waits longer.
	longestBackoff = 2 * time.Second
)

// dispatch keeps the sender's copy and brings the mail to each recipient.
func (r *Relay) dispatch(m Mail, owner string) {
	var gateway []string
	for _, to := range m.EnvelopeTo {
		if r.forGateway(to) {
			gateway = append(gateway, to)
			continue
		}
		r.take(lower(to), m)
	}
	m.Sent, m.State = true, Delivered
	if len(gateway) > 0 {
		m.State = Waiting
	}
	seq := r.mails.Put(owner, m)
	if len(gateway) == 0 {
		return
	}
	var once sync.Once
	r.deliver(m, gateway, "mail of "+owner, 0, func(s State, said string, last bool) {
		r.mails.Change(seq, func(m *Mail) {
			m.Tries++
			m.Note = said
			if m.State != Returned && last {
				m.State = s
			}
		})
		if s == Returned {
			once.Do(func() { r.bounce(m, owner, gateway, said) })
		}
	})
}

// bounce tells a person that a mail could not be delivered.
func (r *Relay) bounce(m Mail, owner string, to []string, said string) {
	m.EnvelopeFrom = owner
	r.counts.reports.Add(1)
	rep := Read(r.dsn(m, strings.Join(to, ", "), failure{"failed", enhanced(said), said}))
	rep.EnvelopeTo, rep.At = []string{owner}, r.house.Now()
	r.mails.Put(owner, rep)
}

// enhanced finds the status code in what a server said; 5.0.0 when it gave none.
func enhanced(said string) string {
	for _, word := range strings.Fields(said) {
		if len(word) >= 5 && (word[0] == '5' || word[0] == '4') && word[1] == '.' {
			return word
		}
	}
	return "5.0.0"
}

// deliver brings a mail to the gateway in one transaction, and again to the recipients that were put off. tell hears
// of every try; last is true when no recipient is left.
func (r *Relay) deliver(m Mail, to []string, key string, wait time.Duration, tell func(s State, said string, last bool)) {
	left, began := slices.Clone(to), time.Now()
	state := Delivered
	ok := r.courier.Do(key, courier.Job{Wait: wait, Try: func(ctx context.Context, attempt int) time.Duration {
		r.counts.tries.Add(1)
		var said string
		var refused bool
		left, refused, said = r.session(ctx, m, left)
		if len(left) > 0 && time.Since(began) >= r.cfg.RetryFor {
			left, refused = nil, true
		}
		if refused {
			state = Returned
		}
		tell(state, said, len(left) == 0)
		if len(left) == 0 {
			return courier.Done
		}
		return courier.Backoff(attempt, longestBackoff)
	}})
	if !ok {
		tell(Returned, "too many mails wait", true)
	}
}

// session is one SMTP session with the gateway. It returns the recipients that were put off, whether any was refused,
// and what the gateway said when it did not take all.
func (r *Relay) session(ctx context.Context, m Mail, to []string) (left []string, refused bool, said string) {
	c, err := r.dial(ctx)
	if err != nil {
		return to, false, "no connection"
	}
	defer c.Close()
	if err := c.Mail(m.EnvelopeFrom); err != nil {
		return sort(err, to)
	}
	var taken []string
	for _, a := range to {
		err := c.Rcpt(a)
		if err == nil {
			taken = append(taken, a)
			continue
		}
		again, no, words := sort(err, []string{a})
		left, refused, said = append(left, again...), refused || no, words
	}
	if len(taken) == 0 {
		_ = c.Quit() // nothing hangs on the farewell
		return left, refused, said
	}
	if err := send(c, m.Raw); err != nil {
		again, no, words := sort(err, taken)
		return append(left, again...), refused || no, words
	}
	_ = c.Quit() // the mail is taken already
	return left, refused, said
}

// sort tells from an error whether the recipients are to be tried again: 5xx is final, all else is not.
func sort(err error, to []string) (left []string, refused bool, said string) {
	var p *textproto.Error
	if !errors.As(err, &p) {
		return to, false, "the connection broke"
	}
	said = fmt.Sprintf("%d %s", p.Code, p.Msg)
	if p.Code >= 500 {
		return nil, true, said
	}
	return to, false, said
}

func send(c *smtp.Client, raw []byte) error {
	w, err := c.Data()
	if err != nil {
		return err
	}
	if _, err := w.Write(raw); err != nil {
		return err
	}
	return w.Close()
}

// dial greets the gateway and goes over to TLS when it is offered. The certificate is not checked: between mail
// servers TLS is opportunistic (RFC 7435).
func (r *Relay) dial(ctx context.Context) (*smtp.Client, error) {
	addr := r.gatewayAddr()
	if addr == "" {
		return nil, errors.New("no gateway is known")
	}
	conn, err := (&net.Dialer{Timeout: 10 * time.Second}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("dial: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(sessionTimeout)); err != nil {
		stop()
		conn.Close()
		return nil, fmt.Errorf("set the deadline: %w", err)
	}
	c, err := smtp.NewClient(&closer{conn, stop}, r.cfg.Hostname)
	if err != nil {
		stop()
		conn.Close()
		return nil, fmt.Errorf("greeting: %w", err)
	}
	if err := greet(c, r.cfg.Hostname); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func greet(c *smtp.Client, host string) error {
	if err := c.Hello(host); err != nil {
		return fmt.Errorf("hello: %w", err)
	}
	if ok, _ := c.Extension("STARTTLS"); ok {
		if err := c.StartTLS(&tls.Config{InsecureSkipVerify: true}); err != nil { //nolint:gosec // see dial
			return fmt.Errorf("start TLS: %w", err)
		}
	}
	return nil
}

// closer lets the watch over the context go with the connection.
type closer struct {
	net.Conn
	stop func() bool
}

// Close closes the connection.
func (c *closer) Close() error {
	c.stop()
	return c.Conn.Close()
}
