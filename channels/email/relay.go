package email

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-sasl"
)

// relay keeps a few connections to the server that takes our mail. A connection carries one mail at a time.
type relay struct {
	config   Relay
	addr     string
	host     string
	implicit bool // TLS from the first byte
	hostname string
	slots    chan struct{}

	mu     sync.Mutex
	closed bool
	idle   []*line // the last used one last
	reap   *time.Timer
}

func newRelay(c Relay, u *url.URL, hostname string) *relay {
	return &relay{config: c, addr: u.Host, host: u.Hostname(), implicit: u.Scheme == "smtps", hostname: hostname,
		slots: make(chan struct{}, c.Connections)}
}

// letter is one mail on its way out.
type letter struct {
	id       string // ours, which the relay gives back in its reports
	from, to string // no from: nothing comes back
	utf8     bool   // the address needs SMTPUTF8 (RFC 6531)
	size     int64
	body     func() io.Reader
}

// errAge means that a kept connection had ended before it was used again: nothing was sent.
var errAge = errors.New("kept connection ended")

// send hands l over and gives the relay's last answer. A kept connection that the relay has ended meanwhile is
// replaced once. Any error but a refusal closes the connection.
func (r *relay) send(ctx context.Context, l letter) (string, stage, error) {
	select {
	case r.slots <- struct{}{}:
	case <-ctx.Done():
		return "", connecting, errSlow
	}
	defer func() { <-r.slots }()
	for {
		line, kept, at, err := r.line(ctx)
		if err != nil {
			return "", at, err
		}
		answer, at, err := line.deliver(ctx, l)
		switch {
		case err == nil:
			r.keep(line)
		case kept && at == mailing && aged(err) && ctx.Err() == nil:
			line.close()
			continue
		case (refused(err) || errors.Is(err, errUTF8)) && line.forget(ctx) == nil:
			r.keep(line)
		default:
			line.close()
		}
		return answer, at, err
	}
}

func refused(err error) bool {
	var e *textproto.Error
	return errors.As(err, &e) && e.Code != 421
}

// refusesSender tells whether an answer to MAIL says that this sender may not write (RFC 3463 §3.2, §3.8).
func refusesSender(err error) bool {
	var no *textproto.Error
	if !errors.As(err, &no) {
		return false
	}
	first, _, _ := strings.Cut(no.Msg, " ")
	if e, ok := enhanced(first); ok {
		return e == [3]int{5, 1, 7} || e == [3]int{5, 1, 8} || e == [3]int{5, 7, 1} || e == [3]int{5, 7, 60} // the last is Exchange's
	}
	return no.Code == 501 || no.Code == 550 || no.Code == 553
}

// aged tells whether a connection had ended while it was idle, with a word (421) or without.
func aged(err error) bool {
	var e *textproto.Error
	return errors.Is(err, errAge) || (errors.As(err, &e) && e.Code == 421)
}

// line gives a kept connection, or opens one.
func (r *relay) line(ctx context.Context) (l *line, kept bool, at stage, err error) {
	r.mu.Lock()
	if n := len(r.idle); n > 0 && ctx.Err() == nil {
		l = r.idle[n-1]
		r.idle = r.idle[:n-1]
	}
	r.mu.Unlock()
	if l != nil {
		return l, true, "", nil
	}
	l, at, err = r.open(ctx)
	return l, false, at, err
}

// keep puts a connection back for the next mail.
func (r *relay) keep(l *line) {
	l.used = time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		l.close()
		return
	}
	r.idle = append(r.idle, l)
	if r.reap == nil {
		r.reap = time.AfterFunc(r.config.Idle, r.tidy)
	}
}

// tidy closes what was idle for long.
func (r *relay) tidy() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reap = nil
	old := 0
	for _, l := range r.idle { // oldest first
		if time.Since(l.used) < r.config.Idle {
			break
		}
		l.quit()
		old++
	}
	r.idle = append([]*line(nil), r.idle[old:]...)
	if len(r.idle) > 0 && !r.closed {
		r.reap = time.AfterFunc(r.config.Idle-time.Since(r.idle[0].used), r.tidy)
	}
}

// close ends the kept connections; one in use ends after its mail.
func (r *relay) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	if r.reap != nil {
		r.reap.Stop()
	}
	for _, l := range r.idle {
		l.quit()
	}
	r.idle = nil
}

// open connects, secures and logs in.
func (r *relay) open(ctx context.Context) (*line, stage, error) {
	dialer := net.Dialer{Timeout: r.config.Timeout}
	conn, err := dialer.DialContext(ctx, "tcp", r.addr)
	if err != nil {
		return nil, connecting, err
	}
	l := &line{conn: conn, timeout: r.config.Timeout, last: r.config.DataTimeout}
	at, err := l.prepare(ctx, r)
	if err != nil {
		l.close()
		return nil, at, err
	}
	return l, "", nil
}

// prepare takes a fresh connection to where a mail may begin.
func (l *line) prepare(ctx context.Context, r *relay) (stage, error) {
	if r.implicit {
		if err := l.secure(ctx, r.certified(r.config.TLS != TLSNone)); err != nil {
			return securing, err
		}
	} else {
		l.text = textproto.NewConn(l.conn)
	}
	if err := l.within(ctx, l.timeout, func() error { _, _, err := l.text.ReadResponse(220); return err }); err != nil {
		return greeting, err
	}
	if err := l.hello(ctx, r.hostname); err != nil {
		return greeting, err
	}
	if err := l.upgrade(ctx, r); err != nil {
		return securing, err
	}
	if r.config.User == "" {
		return "", nil
	}
	return proving, l.prove(ctx, r)
}

// certified is how the relay's certificate is checked.
func (r *relay) certified(check bool) *tls.Config {
	return &tls.Config{ServerName: r.host, MinVersion: tls.VersionTLS12, InsecureSkipVerify: !check}
}

// upgrade starts TLS where the policy wants it.
func (l *line) upgrade(ctx context.Context, r *relay) error {
	_, offered := l.can["STARTTLS"]
	switch {
	case r.implicit || r.config.TLS == TLSNone:
		return nil
	case !offered && r.config.TLS == TLSRequired:
		return &textproto.Error{Code: 550, Msg: "no STARTTLS offered"}
	case !offered:
		return nil
	}
	if err := l.command(ctx, 220, "STARTTLS"); err != nil {
		return err
	}
	if err := l.secure(ctx, r.certified(r.config.TLS == TLSRequired)); err != nil {
		return err
	}
	return l.hello(ctx, r.hostname)
}

// prove logs in, but never shows a password to the network.
func (l *line) prove(ctx context.Context, r *relay) error {
	_, secure := l.conn.(*tls.Conn)
	if host, _, err := net.SplitHostPort(l.conn.RemoteAddr().String()); !secure && (err != nil || !net.ParseIP(host).IsLoopback()) {
		return &textproto.Error{Code: 538, Msg: "no encryption, so no password is sent"}
	}
	mechanisms := strings.Fields(strings.ToUpper(l.can["AUTH"]))
	var client sasl.Client
	for _, m := range mechanisms {
		switch m {
		case sasl.Plain:
			client = sasl.NewPlainClient("", r.config.User, r.config.Password.Reveal())
		case sasl.Login:
			if client == nil {
				client = sasl.NewLoginClient(r.config.User, r.config.Password.Reveal())
			}
		}
	}
	if client == nil {
		return &textproto.Error{Code: 534, Msg: "no way to log in that we know"}
	}
	return l.login(ctx, client)
}

// errAnswer means that the relay says what no relay may say.
func errAnswer(what string) error { return fmt.Errorf("unexpected answer to %s", what) }
