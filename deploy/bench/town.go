package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/smtp"
	"strings"
	"time"

	"gatehouse/channels/email"
	"gatehouse/channels/web"
	"gatehouse/configs/secret"
	"gatehouse/deploy/carriers/faults"
	"gatehouse/deploy/carriers/names"
	"gatehouse/deploy/carriers/relay"
	"gatehouse/exchange"
	gateway "gatehouse/gateway/program"
	"gatehouse/gateway/store"
)

// townCommand is how this program is called again to be a gateway with text, mail and chat in a process of its own.
const townCommand = "serve-town"

const (
	benchCompany = "12-345678-C"
	benchDomain  = "northdock.example"
	// clerks is how many addresses may declare for the company. Each sends one mail alone: a gateway answers five an hour.
	clerks = 400
)

func clerk(i int) string { return fmt.Sprintf("clerk%d@%s", i, benchDomain) }

// town is that gateway, with the carrier of texts, a name server that vouches for mail, and the relay that takes replies.
type town struct {
	*desk
	*server
	smtp  string
	world *relay.Relay
	names *names.Server
}

// openTown starts everything for n people who text.
func (b *bench) openTown(ctx context.Context, n int) (t *town, err error) {
	t = &town{}
	defer func() {
		if err != nil {
			err = errors.Join(err, t.stop())
		}
	}()
	c, err := openCarrier(ctx, n)
	if err != nil {
		return t, err
	}
	t.desk = &desk{carrier: c, lines: make(chan *caller, inFlight)}
	mta, dns, err := t.around(ctx)
	if err != nil {
		return t, err
	}
	dir, err := b.folder()
	if err != nil {
		return t, err
	}
	if t.server, err = startServer(ctx, townCommand, dir, c.url, mta, dns); err != nil {
		return t, err
	}
	var ok bool
	if t.public, t.smtp, ok = strings.Cut(t.server.addr, " "); !ok {
		return t, fmt.Errorf("the gateway listens on %q", t.server.addr)
	}
	return t, t.dial(ctx)
}

// around opens the relay and the name server, and gives their addresses.
func (t *town) around(ctx context.Context) (mta, dns string, err error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", "", err
	}
	if t.world, err = relay.Open(ctx, relay.Config{}, l, relay.House{Log: quiet(), Now: time.Now, Book: faults.NewBook()}); err != nil {
		return "", "", err
	}
	for range 20 { // a port that is free for packets may be taken for streams
		packets, err := lc.ListenPacket(ctx, "udp", "127.0.0.1:0")
		if err != nil {
			return "", "", err
		}
		stream, err := lc.Listen(ctx, "tcp", packets.LocalAddr().String())
		if err != nil {
			_ = packets.Close()
			continue
		}
		t.names, err = names.Open(names.Config{}, packets, stream, quiet())
		return l.Addr().String(), packets.LocalAddr().String(), err
	}
	return "", "", errors.New("no port is free for a name server")
}

// stop ends all that was opened.
func (t *town) stop() (err error) {
	if t.desk != nil {
		t.hangUp()
		err = t.carrier.stop()
	}
	if t.server != nil {
		err = errors.Join(err, t.server.stop())
	}
	if t.world != nil {
		t.world.Close()
	}
	if t.names != nil {
		t.names.Close()
	}
	return err
}

// mail sends a mail and waits for the reply. It gives the time from the end of the mail, before it is acknowledged, to the
// reply's arrival at the relay.
func (t *town) mail(ctx context.Context, from, to string, raw []byte) (time.Duration, error) {
	c, err := smtp.Dial(t.smtp)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	if err := errors.Join(c.Hello("mx."+benchDomain), c.Mail(from), c.Rcpt(to)); err != nil {
		return 0, fmt.Errorf("offer mail: %w", err)
	}
	w, err := c.Data()
	if err != nil {
		return 0, fmt.Errorf("offer mail: %w", err)
	}
	if _, err := w.Write(raw); err != nil {
		return 0, fmt.Errorf("send mail: %w", err)
	}
	begun := time.Now()
	if err := w.Close(); err != nil {
		return 0, fmt.Errorf("send mail: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if _, err := t.world.Mails().Wait(ctx, from, 0); err != nil {
		return 0, fmt.Errorf("no reply came to %s: %w", from, err)
	}
	return time.Since(begun), nil
}

// replied gives the words of the last mail to an address.
func (t *town) replied(to string) string {
	last, _ := t.world.Mails().Last(to)
	return last.Value.Subject + "\n" + last.Value.Text
}

// serveTown is the process: a folder, the carrier's URL, the relay and the name server are its arguments.
func serveTown(ctx context.Context, args []string, in io.Reader, out, errs io.Writer) int {
	if len(args) != 4 {
		fmt.Fprintln(errs, "bench:", townCommand, "takes a folder, the carrier's URL, a relay and a name server")
		return 2
	}
	if err := towned(ctx, args[0], args[1], args[2], args[3], in, out); err != nil {
		fmt.Fprintln(errs, "bench:", err)
		return 1
	}
	return 0
}

func towned(ctx context.Context, dir, api, mta, dns string, in io.Reader, out io.Writer) error {
	config, err := deskConfig(dir, api)
	if err != nil {
		return err
	}
	const many = 1 << 20
	config.Channels.Email = &email.Config{Listen: "127.0.0.1:0", Domain: "portlumen.example", Key: secret.New("a-key-of-the-bench-alone"),
		Relay: email.Relay{URL: "smtp://" + mta, TLS: email.TLSNone}, Origin: email.Origin{Check: email.CheckSelf, Resolver: dns}}
	config.Channels.Web = &web.Config{Key: secret.New("a-key-of-the-bench-alone"), MaxPerHost: many, MessageBurst: many, HostBurst: many, HostPerMinute: many, SessionBurst: many}
	if err := register(ctx, config); err != nil {
		return err
	}
	ctx, end := context.WithCancel(ctx)
	defer end()
	ready, done := make(chan map[string]string, 1), make(chan error, 1)
	go func() {
		done <- gateway.Run(ctx, config, gateway.Options{Log: quiet(), Ready: func(a map[string]string) { ready <- a }})
	}()
	select {
	case a := <-ready:
		err = tell(a["public_url"]+" "+a["smtp"], dir, func() int64 { return 0 }, in, out)
	case err := <-done:
		return fmt.Errorf("gateway did not start: %w", err)
	}
	end()
	return errors.Join(err, <-done)
}

// register puts the company and its clerks into the store, as publications of the inside do.
func register(ctx context.Context, config gateway.Config) (err error) {
	s, err := store.Open(ctx, store.Config{URL: config.Store, KeyFile: config.KeyFile, Log: quiet()})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	list := func(name string, l exchange.Listing) error {
		return s.Publish(ctx, exchange.Publication{ID: name, Sort: exchange.SortRegister, Name: name, Revision: 1, Body: l.Body(), At: time.Now()}, 0)
	}
	err = list(benchCompany, exchange.Listing{Company: "Northdock Goods"})
	for i := 0; i < clerks && err == nil; i++ {
		err = list(fmt.Sprintf("%s/%d", benchCompany, i+1), exchange.Listing{Address: clerk(i), Admin: i == 0})
	}
	return err
}

// goodsMail is a declaration as a clerk mails it.
func goodsMail(from, name string, file []byte) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "From: %s\r\nTo: declare+goods@portlumen.example\r\nSubject: Goods\r\nMessage-ID: <%s>\r\nMIME-Version: 1.0\r\n"+
		"Content-Type: application/octet-stream; name=%s\r\nContent-Transfer-Encoding: base64\r\n\r\n", from, from, name)
	b.Write(lined(file))
	return b.Bytes()
}
