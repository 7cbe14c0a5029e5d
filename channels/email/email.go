// Package email takes mail in by SMTP and sends it through a relay.
//
// The rule: 250 is said only once the mail is stored, and only our own addresses are taken: nothing is ever relayed.
// Who wrote is what the From line claims. That its domain sent it (Trust DomainVerified) may be proven, see Origin; that
// this person did is not: nothing of an older case may be shown on its strength.
package email

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"sync"
	"time"

	"github.com/emersion/go-msgauth/dkim"
	"github.com/emersion/go-smtp"

	"gatehouse/channels"
	"gatehouse/channels/email/origin"
	"gatehouse/channels/email/smime"
)

// Name is this channel's Address.Channel.
const Name = "email"

// drainFor is how long Listen lets mails under way be stored when its context ends.
const drainFor = 2500 * time.Millisecond

// Channel is the mail server and the way to the relay. It is safe for use by many goroutines.
type Channel struct {
	config      Config
	shared      channels.Shared
	book        book
	tls         *tls.Config
	relay       *relay
	judge       origin.Judge       // nil: every mail is unverified
	authorities *smime.Authorities // whose signatures count; nil: none
	// signers are made anew for each mail that goes out.
	signers func() ([]*dkim.Signer, error)
	// unpacking bounds how many mails are taken apart at a time, and so the memory that takes.
	unpacking chan struct{}
	buffers   sync.Pool // of *[]byte

	confirms sync.WaitGroup // confirmations under way

	mu         sync.Mutex
	bound      net.Addr
	confirming int // how many
}

// Open checks c, reads the certificate and makes the channel. It binds nothing: Listen does.
func Open(c Config, s channels.Shared) (*Channel, error) {
	c = c.WithDefaults()
	if err := c.Validate(); err != nil {
		return nil, err
	}
	c.Domain, c.Hostname = asciiDomain(c.Domain), asciiDomain(c.Hostname)
	cert, err := c.TLS.load(c.Hostname, s.Now())
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(c.Relay.URL)
	if err != nil {
		return nil, fmt.Errorf("relay.url: %w", err)
	}
	authorities, err := smime.Load(c.Origin.Authorities, c.Origin.Revoked)
	if err != nil {
		return nil, fmt.Errorf("origin.authorities: %w", err)
	}
	signers, err := signing(c.Domain, c.DKIM)
	if err != nil {
		return nil, err
	}
	return &Channel{
		config:      c,
		shared:      s,
		book:        book{domain: c.Domain, key: []byte(c.Key.Reveal())},
		tls:         cert,
		relay:       newRelay(c.Relay, u, c.Hostname),
		judge:       c.Origin.judge(s.Now),
		signers:     signers,
		authorities: authorities,
		unpacking:   make(chan struct{}, 4),
	}, nil
}

// Name is "email".
func (c *Channel) Name() string { return Name }

// Addresses is where Listen listens, under "smtp"; empty until it does.
func (c *Channel) Addresses() map[string]string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.bound == nil {
		return map[string]string{}
	}
	return map[string]string{"smtp": c.bound.String()}
}

// Listen takes mail in until ctx ends: then idle sessions are told goodbye (421), mails under way are stored and
// acknowledged for 2.5 s, and what is left is cut.
func (c *Channel) Listen(ctx context.Context, in channels.Inbox) error {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", c.config.Listen)
	if err != nil {
		return fmt.Errorf("listen for mail on %s (setting listen of email): %w", c.config.Listen, err)
	}
	c.mu.Lock()
	c.bound = l.Addr()
	c.mu.Unlock()
	// Storing goes on for a moment when ctx has ended.
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	door := newDoor(l, c.config)
	server := c.server(work, in)
	failed := make(chan error, 1)
	var serving sync.WaitGroup
	serving.Go(func() { failed <- server.Serve(door) })
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	c.drain(server, door, cancel)
	serving.Wait()
	c.mu.Lock() // none begins after that
	cancel()
	c.mu.Unlock()
	c.confirms.Wait()
	c.relay.close()
	if err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("serve mail: %w", err)
	}
	return nil
}

// drain ends the server: idle sessions at once, busy ones after their mail, all by drainFor.
func (c *Channel) drain(server *smtp.Server, door *door, cancel context.CancelFunc) {
	door.close()
	cut := time.AfterFunc(drainFor, func() { cancel(); door.cut() })
	defer cut.Stop()
	ctx, stop := context.WithTimeout(context.Background(), drainFor+400*time.Millisecond)
	defer stop()
	if err := server.Shutdown(ctx); err != nil && !errors.Is(err, net.ErrClosed) {
		c.shared.Log.Debug("end mail server", "err", err)
	}
	// A server that begins to serve only now does not know that it was ended: without its listener it can't wait for anybody.
	if err := door.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		c.shared.Log.Debug("end mail listener", "err", err)
	}
}

// Close lets go of the kept connections to the relay. Sends that are under way go on.
func (c *Channel) Close() error {
	c.relay.close()
	return nil
}
