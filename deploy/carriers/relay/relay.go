// Package relay is a stand-in for the world of mail around a gateway: an SMTP relay that takes every mail into a
// mailbox of its recipient, persons who write from those mailboxes, and the reports of what could not be delivered.
//
// The rule: nothing leaves it but to the gateway. A mail to one of the gateway's domains goes to the gateway's SMTP
// port, as a mail server delivers it; every other address is a mailbox here.
package relay

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"gatehouse/deploy/carriers/courier"
	"gatehouse/deploy/carriers/faults"
	"gatehouse/deploy/carriers/shelf"

	"github.com/emersion/go-smtp"
	"golang.org/x/net/netutil"
)

// Config is the mail world that the stand-in plays.
type Config struct {
	// Gateway is the host:port to which mail for Domains is delivered; empty: such mail waits.
	Gateway string `yaml:"gateway"`
	// Domains are the gateway's own, in lower case.
	Domains []string `yaml:"domains"`
	// Hostname is the name in the greeting and in reports; empty stands for relay.magic.example.
	Hostname string `yaml:"hostname"`
	// TLS offers STARTTLS with a certificate made at the start (see Relay.Certificate).
	TLS bool `yaml:"tls"`
	// RetryFor is how long a mail that the gateway put off is tried again before it is returned; 0: one hour.
	RetryFor time.Duration `yaml:"retry_for"`
	// ReportAfter is when a report on what could not be delivered comes; 0: half a second.
	ReportAfter time.Duration `yaml:"report_after"`
	// Keep is how many mails are kept; 0 stands for 5000.
	Keep int `yaml:"keep"`
}

const (
	defaultHostname    = "relay.magic.example"
	defaultRetryFor    = time.Hour
	defaultReportAfter = 500 * time.Millisecond
	defaultKeep        = 5000
	// keepBytes bounds all mails kept.
	keepBytes = 512 << 20
	// MaxMessage bounds a mail in either direction, in bytes.
	MaxMessage = 35 << 20
	// maxRecipients is what RFC 5321 §4.5.3.1.8 asks a server to take, ten times.
	maxRecipients = 1000
	maxConns      = 256
	// readTimeout and writeTimeout bound each line of a dialog (RFC 5321 §4.5.3.2 asks for 5 minutes).
	readTimeout  = 5 * time.Minute
	writeTimeout = time.Minute
	// maxReading is how many mails are read at a time.
	maxReading = 16
)

// Validate returns all faults joined.
func (c Config) Validate() error {
	var errs []error
	fault := func(format string, a ...any) { errs = append(errs, fmt.Errorf(format, a...)) }
	if c.Gateway != "" {
		if _, _, err := net.SplitHostPort(c.Gateway); err != nil {
			fault("gateway: is not host:port; 127.0.0.1:2525 would be right")
		}
	}
	for i, d := range c.Domains {
		if d == "" || d != strings.ToLower(d) || strings.ContainsAny(d, "@ ") {
			fault("domains[%d]: is not a domain in lower case; portlumen.example would be right", i)
		}
	}
	for key, n := range map[string]int64{"retry_for": int64(c.RetryFor), "report_after": int64(c.ReportAfter), "keep": int64(c.Keep)} {
		if n < 0 {
			fault("%s: is negative; 0 stands for the default", key)
		}
	}
	return errors.Join(errs...)
}

func (c Config) withDefaults() Config {
	if c.Hostname == "" {
		c.Hostname = defaultHostname
	}
	if c.RetryFor == 0 {
		c.RetryFor = defaultRetryFor
	}
	if c.ReportAfter == 0 {
		c.ReportAfter = defaultReportAfter
	}
	if c.Keep == 0 {
		c.Keep = defaultKeep
	}
	return c
}

// House is what the stand-in gets from the program around it. Every field is set.
type House struct {
	Log  *slog.Logger
	Now  func() time.Time
	Book *faults.Book
}

// Relay is the stand-in. It is safe for many goroutines.
type Relay struct {
	cfg     Config
	house   House
	mails   *shelf.Shelf[Mail]
	courier *courier.Courier
	server  *smtp.Server
	conns   *conns
	reading chan struct{}
	cert    certificate
	done    sync.WaitGroup
	counts  counts

	mu      sync.Mutex
	gateway string
}

// Open serves SMTP on l until Close or the end of ctx; it owns l from now on.
func Open(ctx context.Context, cfg Config, l net.Listener, h House) (*Relay, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("relay: %w", err)
	}
	cfg = cfg.withDefaults()
	r := &Relay{
		cfg: cfg, house: h, courier: courier.Open(ctx), reading: make(chan struct{}, maxReading), gateway: cfg.Gateway,
		mails: shelf.New(shelf.Limits{Items: cfg.Keep, Weight: keepBytes}, Mail.weight),
		conns: &conns{Listener: netutil.LimitListener(l, maxConns), open: map[net.Conn]bool{}},
	}
	r.server = smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		return &session{relay: r, conn: c.Conn()}, nil
	}))
	r.server.Domain = cfg.Hostname
	r.server.MaxMessageBytes, r.server.MaxRecipients = MaxMessage, maxRecipients
	r.server.ReadTimeout, r.server.WriteTimeout = readTimeout, writeTimeout
	r.server.EnableSMTPUTF8, r.server.EnableDSN = true, true
	r.server.ErrorLog = slog.NewLogLogger(h.Log.Handler(), slog.LevelDebug)
	if cfg.TLS {
		cert, err := newCertificate(cfg.Hostname, h.Now())
		if err != nil {
			r.courier.Close()
			return nil, fmt.Errorf("relay: %w", err)
		}
		r.cert, r.server.TLSConfig = cert, cert.config()
	}
	r.done.Go(func() {
		if err := r.server.Serve(r.conns); err != nil && !errors.Is(err, net.ErrClosed) {
			h.Log.Error("mail relay ended", "err", err)
		}
	})
	return r, nil
}

// Close ends the sessions under way and the deliveries, and waits for them.
func (r *Relay) Close() {
	r.courier.Close()
	r.conns.shut()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	_ = r.server.Shutdown(ctx) // only waits: the listener and all connections are closed
	r.done.Wait()
}

// SetGateway changes where mail for the gateway's domains goes.
func (r *Relay) SetGateway(addr string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.gateway = addr
}

func (r *Relay) gatewayAddr() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.gateway
}

// Mails are those in the mailboxes, by address in lower case.
func (r *Relay) Mails() *shelf.Shelf[Mail] { return r.mails }

// Domains are the gateway's own.
func (r *Relay) Domains() []string { return r.cfg.Domains }

// forGateway tells whether an address is the gateway's.
func (r *Relay) forGateway(address string) bool {
	_, domain, _ := strings.Cut(strings.ToLower(address), "@")
	for _, d := range r.cfg.Domains {
		if d == domain {
			return true
		}
	}
	return false
}

func newID() string { return strings.ToLower(rand.Text()) }

// conns is a listener that can close what it accepted.
type conns struct {
	net.Listener
	mu     sync.Mutex
	open   map[net.Conn]bool
	closed bool
}

type tracked struct {
	net.Conn
	forget func()
}

// Close closes the connection once.
func (t *tracked) Close() error {
	t.forget()
	return t.Conn.Close()
}

// Accept waits for a connection and remembers it.
func (c *conns) Accept() (net.Conn, error) {
	conn, err := c.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		conn.Close()
		return nil, net.ErrClosed
	}
	c.open[conn] = true
	return &tracked{conn, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.open, conn)
	}}, nil
}

func (c *conns) shut() {
	c.Listener.Close()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	for conn := range c.open {
		conn.Close()
	}
}

// counts since the start.
type counts struct {
	taken, refused, sent, tries, reports atomic.Uint64
}

// Stats are counts since the start.
type Stats struct {
	// Taken counts mails taken, once for each recipient; Refused the recipients and mails answered with 4xx or 5xx.
	Taken   uint64 `json:"taken"`
	Refused uint64 `json:"refused"`
	// Sent counts mails that persons wrote, Tries the SMTP sessions made with the gateway, Reports the DSNs made.
	Sent    uint64 `json:"sent"`
	Tries   uint64 `json:"tries"`
	Reports uint64 `json:"reports"`
	// Waiting counts mails on their way to the gateway; Dropped those that no longer can be looked at.
	Waiting int    `json:"waiting"`
	Dropped uint64 `json:"dropped"`
}

// Stats returns the counts.
func (r *Relay) Stats() Stats {
	_, dropped := r.mails.Count()
	return Stats{
		Taken: r.counts.taken.Load(), Refused: r.counts.refused.Load(), Sent: r.counts.sent.Load(),
		Tries: r.counts.tries.Load(), Reports: r.counts.reports.Load(), Waiting: r.courier.Waiting(), Dropped: dropped,
	}
}
